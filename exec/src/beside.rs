//! What the node daemon has written beside the executable.

use flex2csi_exec::installed::{Installed, VERSION, installed_file};
use serde::Deserialize;

use crate::place::Place;
use crate::trusted;

/// The longest such file, in bytes.
const LIMIT: u64 = 64 << 10;

#[derive(Deserialize)]
struct Versioned {
    version: u32,
}

/// Reads it.
pub fn installed(place: &Place) -> Result<Installed, String> {
    let path = place.file(&installed_file(&place.executable));
    let name = path.display();
    let again = "flex2csi node writes it again when it starts";
    let (bytes, _) = trusted::read(&path, LIMIT)
        .map_err(|why| format!("{name} is not used: {why}; if somebody else put it there, remove it: {again}"))?
        .ok_or_else(|| {
            format!("{name} is missing: {again}; does its pod run on this node, and is this driver in its configuration?")
        })?;
    let damaged = |why: String| format!("{name} is damaged: {why}; remove it: {again}");
    let unreadable = |error: serde_json::Error| damaged(error.to_string());

    let Versioned { version } = serde_json::from_slice(&bytes).map_err(unreadable)?;
    if version > VERSION {
        return Err(format!(
            "{name} has version {version}, and this exec binary knows {VERSION}: flex2csi node puts the \
             exec binary of its own version here when it starts; does its pod run on this node?"
        ));
    }
    let installed: Installed = serde_json::from_slice(&bytes).map_err(unreadable)?;
    match wrong(&installed, place) {
        Some(why) => Err(damaged(why)),
        None => Ok(installed),
    }
}

fn wrong(installed: &Installed, place: &Place) -> Option<String> {
    let driver = place.driver().unwrap_or_default();
    if installed.version == 0 {
        return Some("version is 0".to_owned());
    }
    if installed.driver != driver {
        return Some(format!(
            "it is for {}, and this is the directory of {driver}",
            installed.driver
        ));
    }
    if !installed.socket.is_absolute() {
        return Some("socket is no absolute path".to_owned());
    }
    if installed.timeout_ms == 0 {
        return Some("timeoutMs is 0".to_owned());
    }
    let original = installed.original.as_ref()?.file.as_str();
    // Another directory would be somebody else's, and our own name would never end.
    let is_name = !original.is_empty() && !original.contains(['/', '\0']);
    (!is_name || [".", "..", &*place.executable].contains(&original))
        .then(|| "original.file does not name another file in the same directory".to_owned())
}
