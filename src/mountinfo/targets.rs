//! Where something is mounted, and nothing more of the table. A node with a thousand
//! volumes has thousands of lines, which are looked through at each mount.

use std::borrow::Cow;
use std::io;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::Path;

use super::{ParseError, unescape};

/// For each path, as the kernel says it, whether something is mounted on it in the
/// mount namespace of this process.
///
/// # Errors
/// `/proc` is not there, or has what no kernel wrote.
pub fn are_mounted(paths: &[impl AsRef<Path>]) -> io::Result<Vec<bool>> {
    let text = fs_err::read("/proc/self/mountinfo")?;
    among(&text, paths).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
}

/// The same, of a table's text.
pub(super) fn among(text: &[u8], paths: &[impl AsRef<Path>]) -> Result<Vec<bool>, ParseError> {
    let bytes = |path: &Path| path.as_os_str().as_bytes().to_vec();
    let mut wanted: Vec<(Vec<u8>, bool)> = paths
        .iter()
        .map(|path| (bytes(path.as_ref()), false))
        .collect();
    wanted.sort();
    wanted.dedup();
    for (index, line) in text.split(|byte| *byte == b'\n').enumerate() {
        if line.is_empty() {
            continue;
        }
        let target = target(line).ok_or(ParseError {
            line: index + 1,
            what: "no mount point",
        })?;
        let place = wanted.binary_search_by(|(path, _)| path.as_slice().cmp(&target));
        if let Ok(place) = place
            && let Some((_, is_mounted)) = wanted.get_mut(place)
        {
            *is_mounted = true;
        }
    }
    let is_mounted = |path: &Path| {
        let path = path.as_os_str().as_bytes();
        let place = wanted.binary_search_by(|(wanted, _)| wanted.as_slice().cmp(path));
        place.is_ok_and(|place| wanted.get(place).is_some_and(|(_, is_mounted)| *is_mounted))
    };
    Ok(paths.iter().map(|path| is_mounted(path.as_ref())).collect())
}

/// The fifth field of a line.
fn target(line: &[u8]) -> Option<Cow<'_, [u8]>> {
    let field = line.split(|byte| *byte == b' ').nth(4)?;
    Some(match field.contains(&b'\\') {
        true => Cow::Owned(unescape(field).into_vec()),
        false => Cow::Borrowed(field),
    })
}
