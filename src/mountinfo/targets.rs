//! Where something is mounted, and nothing more of the table. A node with a thousand
//! volumes has thousands of lines, which are looked through at each mount, line by
//! line: half a megabyte at a time for each of many calls would stay with the process.

use std::borrow::Cow;
use std::io::{self, BufRead, BufReader};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::Path;

use fs_err::File;

use super::{ParseError, unescape};

/// A page: the kernel gives no more at a time.
const PIECE: usize = 4096;

/// For each path, as the kernel says it, whether something is mounted on it in the
/// mount namespace of this process.
///
/// # Errors
/// `/proc` is not there, or has what no kernel wrote.
pub fn are_mounted(paths: &[impl AsRef<Path>]) -> io::Result<Vec<bool>> {
    let table = File::open("/proc/self/mountinfo")?;
    among(BufReader::with_capacity(PIECE, table), paths)
}

/// The same, of a table's text.
pub(super) fn among(mut table: impl BufRead, paths: &[impl AsRef<Path>]) -> io::Result<Vec<bool>> {
    let bytes = |path: &Path| path.as_os_str().as_bytes().to_vec();
    let mut wanted: Vec<(Vec<u8>, bool)> = paths
        .iter()
        .map(|path| (bytes(path.as_ref()), false))
        .collect();
    wanted.sort();
    wanted.dedup();
    let (mut line, mut number) = (Vec::new(), 0);
    while table.read_until(b'\n', &mut line)? > 0 {
        number += 1;
        if let Some(target) = target(&line).map_err(|what| wrong(number, what))?
            && let Ok(place) = wanted.binary_search_by(|(path, _)| path.as_slice().cmp(&target))
            && let Some((_, is_mounted)) = wanted.get_mut(place)
        {
            *is_mounted = true;
        }
        line.clear();
    }
    let is_mounted = |path: &Path| {
        let path = path.as_os_str().as_bytes();
        let place = wanted.binary_search_by(|(wanted, _)| wanted.as_slice().cmp(path));
        place.is_ok_and(|place| wanted.get(place).is_some_and(|(_, is_mounted)| *is_mounted))
    };
    Ok(paths.iter().map(|path| is_mounted(path.as_ref())).collect())
}

/// The fifth field of a line; none of an empty line.
fn target(line: &[u8]) -> Result<Option<Cow<'_, [u8]>>, &'static str> {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    if line.is_empty() {
        return Ok(None);
    }
    let field = line.split(|byte| *byte == b' ').nth(4);
    let field = field.ok_or("no mount point")?;
    Ok(Some(match field.contains(&b'\\') {
        true => Cow::Owned(unescape(field).into_vec()),
        false => Cow::Borrowed(field),
    }))
}

fn wrong(line: usize, what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, ParseError { line, what })
}
