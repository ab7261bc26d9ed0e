//! What an original driver answers to `init`. It is asked once: its answer is
//! kept beside it.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};

use serde_json::{Map, Value};

use crate::original::Original;
use crate::original::said::{self, Said, Status, member};
use crate::trusted;

/// The longest answer that is kept, in bytes.
const LIMIT: u64 = 64 << 10;

/// Its `capabilities`, if it names any.
pub struct Capabilities(Option<Map<String, Value>>);

impl Capabilities {
    /// Whether kubelet attaches volumes through it: it does unless told otherwise.
    pub fn attach(&self) -> bool {
        let told = self.0.as_ref().and_then(|told| member(told, "attach"));
        told.and_then(Value::as_bool).unwrap_or(true)
    }

    /// As it names them.
    pub fn told(&self) -> Option<Map<String, Value>> {
        self.0.clone()
    }
}

/// Asks it, or finds what it answered.
pub fn find_out(original: &Original<'_>) -> Result<Capabilities, String> {
    if let Some(kept) = kept(original) {
        return Ok(kept);
    }
    let said = original.init()?;
    let capabilities = from(&said).map_err(|why| format!("{original} {why}"))?;
    // Without it, it is asked again next time.
    let _ = keep(original, said.text());
    Ok(capabilities)
}

fn kept(original: &Original<'_>) -> Option<Capabilities> {
    let (bytes, kept) = trusted::read(&original.answer_file, LIMIT).ok()??;
    let driver = fs::metadata(&original.path).ok()?;
    // Of another executable that was here before?
    if (kept.mtime(), kept.mtime_nsec()) < (driver.ctime(), driver.ctime_nsec()) {
        return None;
    }
    from(&said::parse(&bytes).ok()?).ok()
}

fn from(said: &Said) -> Result<Capabilities, String> {
    if said.status != Status::Success {
        let message = said.member("message").and_then(Value::as_str);
        return Err(format!(
            "fails to initialise: {}",
            message.unwrap_or("it does not say why")
        ));
    }
    let told = match said.member("capabilities") {
        None => None,
        Some(Value::Object(told)) => Some(told.clone()),
        Some(_) => return Err("names capabilities that kubelet cannot read".to_owned()),
    };
    let flags = told.iter().flat_map(Map::values);
    if flags
        .into_iter()
        .any(|flag| !flag.is_boolean() && !flag.is_null())
    {
        return Err("names capabilities that are neither true nor false".to_owned());
    }
    Ok(Capabilities(told))
}

fn keep(original: &Original<'_>, text: &str) -> std::io::Result<()> {
    let path = &original.answer_file;
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}", std::process::id()));
    let whole = path.with_file_name(name);
    // Of an earlier process with our number, which was killed.
    let _ = fs::remove_file(&whole);
    let mut options = OpenOptions::new();
    let written = options
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&whole)
        .and_then(|mut file| file.write_all(text.as_bytes()))
        .and_then(|()| fs::rename(&whole, path));
    if written.is_err() {
        let _ = fs::remove_file(&whole);
    }
    written
}
