//! Holding a volume still while it is copied.

use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Stdio};

use super::error::Error;
use super::file_copy;
use super::id::Object;
use super::kind::Kind;
use super::loop_device::LoopDevice;
use super::mounts;
use super::program::Program;
use super::volume::Volume;

/// It thaws when its standard input ends, so also when we die, however we do.
const SCRIPT: &str =
    "fsfreeze --freeze \"$1\" && echo frozen && { read -r _; fsfreeze --unfreeze \"$1\"; }";

const SHELL: Program = Program::new("sh", "dash");

/// A frozen filesystem; whoever writes to it waits. Dropped, it is thawed.
#[derive(Debug)]
pub(super) struct Frozen {
    child: Child,
}

impl Drop for Frozen {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        match self.child.wait() {
            Ok(status) if status.success() => {}
            ended => tracing::error!(?ended, "a frozen filesystem may not have been thawed"),
        }
    }
}

/// Brings all that was written to a volume into its contents, and keeps it so
/// where something could still write. The contents of a directory are copied
/// file by file, as they are.
pub(super) fn hold(volume: &Volume, data: &Path) -> Result<Option<Frozen>, Error> {
    if !volume.kind.is_image() {
        return Ok(None);
    }
    let devices = LoopDevice::of(data)?;
    let Some(device) = devices.iter().find(|device| !device.is_readonly()) else {
        return Ok(None);
    };
    if volume.kind == Kind::Block {
        return hold_block(volume, device, data).map(|()| None);
    }
    match mounts::table()?.of_source(device.path()).next() {
        Some(mount) => freeze(&mount.target).map(Some),
        None if !device.is_mounted()? => Ok(None),
        None => Err(in_use(
            volume,
            "is mounted where this process cannot see it: it cannot be held still for a copy",
        )),
    }
}

fn hold_block(volume: &Volume, device: &LoopDevice, data: &Path) -> Result<(), Error> {
    let is_published = volume.used.values().any(|used| !used.published.is_empty());
    let directory = data.parent().unwrap_or(data);
    let by_reference =
        file_copy::is_by_reference(directory).map_err(Error::io("try", directory))?;
    if is_published && !by_reference {
        return Err(in_use(
            volume,
            "is published as a block device, and the filesystem of the state directory \
             cannot copy it at one instant: unpublish it first",
        ));
    }
    std::fs::File::open(device.path())
        .and_then(|device| device.sync_all())
        .map_err(Error::io("sync", device.path()))
}

fn in_use(volume: &Volume, by: &str) -> Error {
    Error::InUse {
        object: Object::Volume,
        id: volume.id.clone(),
        by: by.to_owned(),
    }
}

fn freeze(mount: &Path) -> Result<Frozen, Error> {
    let failed = |said: String| Error::Program {
        program: "fsfreeze",
        path: mount.to_owned(),
        said,
    };
    let mut child = SHELL
        .command()
        .args(["-c", SCRIPT, "sh"])
        .arg(mount)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        // A signal to our group must not keep it from thawing.
        .process_group(0)
        .spawn()
        .map_err(|error| SHELL.not_started(mount, error))?;
    let mut said = String::new();
    if let Some(stdout) = child.stdout.take() {
        BufReader::new(stdout)
            .read_line(&mut said)
            .map_err(|error| failed(error.to_string()))?;
    }
    if said == "frozen\n" {
        return Ok(Frozen { child });
    }
    let mut why = String::new();
    if let Some(stderr) = child.stderr.take() {
        let _ = stderr.take(500).read_to_string(&mut why);
    }
    let _ = child.wait();
    Err(failed(why.trim().to_owned()))
}
