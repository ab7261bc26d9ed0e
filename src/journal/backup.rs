//! Originals as files, from which everything can be restored with kubectl alone.

use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

use flex2csi_translators::rewrite::Spec;

use super::name_of;
use crate::manifest;

/// Why there is no backup. Nothing was touched then.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BackupError {
    /// The file system refuses.
    #[error("cannot write the backup {}: {source}", path.display())]
    Io {
        /// The file or its directory.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The object has no form in YAML.
    #[error("cannot write {path} as YAML: {source}", path = path.display())]
    Yaml {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: manifest::Error,
    },
}

/// Writes what restores an original into a directory: two documents, first the
/// original so that `kubectl create` takes it, then, commented out, the object as it
/// was read. Synced, mode 0600, since options may hold credentials. A backup that
/// is there of the same original stays as it is; what somebody who died has left half
/// written is removed.
///
/// # Errors
/// It is not there, durably.
pub fn back_up(directory: &Path, spec: &Spec) -> Result<PathBuf, BackupError> {
    let id = spec.id.get(..8).unwrap_or(&spec.id);
    let name = format!("{}.{id}.yaml", name_of(spec.kind, &spec.name));
    let path = directory.join(&name);
    let io = |path: &Path| {
        let path = path.to_owned();
        move |source| BackupError::Io { path, source }
    };
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true).mode(0o700);
    builder.create(directory).map_err(io(directory))?;
    let partial = directory.join(format!(".{name}.partial"));
    if !path.exists() {
        let text = text(&path, spec)?;
        match write(&partial, &path, &text) {
            // Another worker was first: it is the same, and that one has cleaned up.
            Err(_) if path.exists() => {}
            written => written.map_err(io(&path))?,
        }
    }
    // Ours, and what others have left half written.
    match std::fs::remove_dir_all(&partial) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            tracing::warn!(path = %partial.display(), %error, "half of a backup is left");
        }
        _ => {}
    }
    sync(directory).map_err(io(directory))?;
    Ok(path)
}

fn text(path: &Path, spec: &Spec) -> Result<String, BackupError> {
    let yaml = |json: &str| {
        manifest::yaml::from_json(json).map_err(|source| BackupError::Yaml {
            path: path.to_owned(),
            source,
        })
    };
    let mut text = format!(
        "# {} {} as it was before flex2csi rewrote it. To bring it back by hand see\n\
         # \"By hand\" in docs/rewrite-protocol.md; then: kubectl create -f THIS_FILE\n",
        spec.kind, spec.name
    );
    text.push_str(&yaml(&spec.restore)?);
    text.push_str("---\n# As it was read:\n");
    for line in yaml(&spec.original)?.lines() {
        text.push_str("# ");
        text.push_str(line);
        text.push('\n');
    }
    Ok(text)
}

/// Writes a file whole, or not at all.
fn write(partial: &Path, path: &Path, text: &str) -> io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true).mode(0o700).create(partial)?;
    let mut file = tempfile::NamedTempFile::new_in(partial)?;
    let private = std::fs::Permissions::from_mode(0o600);
    file.as_file().set_permissions(private)?;
    file.write_all(text.as_bytes())?;
    file.as_file().sync_all()?;
    file.persist_noclobber(path)?;
    Ok(())
}

fn sync(directory: &Path) -> io::Result<()> {
    std::fs::File::open(directory)?.sync_all()
}
