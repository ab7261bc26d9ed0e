//! One process at a time in a plugin directory.

use std::time::{Duration, Instant};

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

use super::InstallError;
use super::directory::Directory;

/// An installation takes far less.
const PATIENCE: Duration = Duration::from_secs(5);
const EVERY: Duration = Duration::from_millis(20);

/// Locks an open directory, until it is closed: no file is left there by it.
pub(super) fn lock(directory: &Directory) -> Result<(), InstallError> {
    let until = Instant::now() + PATIENCE;
    loop {
        match flock(directory.as_fd(), FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => return Ok(()),
            Err(Errno::INTR) => {}
            Err(Errno::WOULDBLOCK) if Instant::now() < until => std::thread::sleep(EVERY),
            Err(Errno::WOULDBLOCK) => {
                return Err(InstallError::Locked {
                    path: directory.path().to_owned(),
                });
            }
            // A filesystem without such locks: the daemon's socket is locked as well.
            Err(Errno::BADF | Errno::OPNOTSUPP | Errno::NOSYS | Errno::NOLCK) => return Ok(()),
            Err(errno) => return Err(InstallError::io("lock", directory.path())(errno)),
        }
    }
}
