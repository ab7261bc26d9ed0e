//! Going on after an accept that failed.

use std::io;
use std::path::Path;
use std::time::Duration;

use rustix::io::Errno;

const FIRST: Duration = Duration::from_millis(10);
const LONGEST: Duration = Duration::from_secs(1);

/// Whether accepting will never work again, since the socket itself is wrong.
/// Anything else is the caller's trouble or that of the machine, such as no free
/// descriptors, and passes.
pub(super) fn is_lasting(error: &io::Error) -> bool {
    [Errno::BADF, Errno::INVAL, Errno::NOTSOCK, Errno::OPNOTSUPP]
        .iter()
        .any(|errno| error.raw_os_error() == Some(errno.raw_os_error()))
}

/// Longer and longer waits.
#[derive(Debug)]
pub(super) struct Backoff {
    next: Duration,
}

impl Backoff {
    pub(super) fn new() -> Self {
        Self { next: FIRST }
    }

    pub(super) async fn wait(&mut self, path: &Path, error: &io::Error) {
        if self.next == FIRST {
            tracing::warn!(
                socket = %path.display(), %error,
                "cannot accept a connection; trying again until it works"
            );
        }
        tokio::time::sleep(self.next).await;
        self.next = (self.next * 2).min(LONGEST);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trouble_that_passes_is_no_reason_to_stop() {
        for (errno, lasting) in [
            (Errno::MFILE, false),
            (Errno::NFILE, false),
            (Errno::NOBUFS, false),
            (Errno::NOMEM, false),
            (Errno::CONNABORTED, false),
            (Errno::INTR, false),
            (Errno::BADF, true),
            (Errno::INVAL, true),
        ] {
            assert_eq!(is_lasting(&errno.into()), lasting, "{errno}");
        }
    }
}
