//! The sockets in a registry directory.

use std::io;
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};

/// No node has more drivers; what is beyond is not asked.
const MOST_SOCKETS: usize = 256;
/// Nor so many files there.
const MOST_ENTRIES: usize = 4096;
/// Kubelet watches directories in it too, without a limit.
const DEEPEST: usize = 4;

/// The sockets, in order. As for kubelet, what has a dot in front is none
/// (kubernetes `pkg/kubelet/pluginmanager/pluginwatcher/plugin_watcher.go`, v1.36).
pub(super) fn find(registry: &Path) -> io::Result<Vec<PathBuf>> {
    let mut sockets = Vec::new();
    let mut directories = vec![(registry.to_owned(), 0)];
    let mut left = MOST_ENTRIES;
    while let Some((directory, depth)) = directories.pop() {
        let entries = match std::fs::read_dir(&directory) {
            Ok(entries) => entries,
            Err(error) if depth == 0 => return Err(error),
            // It went meanwhile.
            Err(_) => continue,
        };
        for entry in entries.flatten() {
            if left == 0 || sockets.len() >= MOST_SOCKETS {
                tracing::warn!(
                    registry = %registry.display(),
                    "there is more in kubelet's registry than is looked at"
                );
                return Ok(in_order(sockets));
            }
            left -= 1;
            let is_hidden = entry.file_name().as_encoded_bytes().starts_with(b".");
            let Ok(kind) = entry.file_type() else {
                continue;
            };
            if is_hidden {
                continue;
            } else if kind.is_socket() {
                sockets.push(entry.path());
            } else if kind.is_dir() && depth < DEEPEST {
                directories.push((entry.path(), depth + 1));
            }
        }
    }
    Ok(in_order(sockets))
}

fn in_order(mut sockets: Vec<PathBuf>) -> Vec<PathBuf> {
    sockets.sort();
    sockets
}
