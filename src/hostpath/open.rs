//! What is done before anything is served.

use std::time::{Duration, Instant};

use super::HostpathArgs;
use super::capacity;
use super::driver::Driver;
use super::error::Error;
use super::id::Id;
use super::lock::Share;

/// How long another process may work on what a flag names: as long as it takes to make
/// a filesystem.
const PATIENCE: Duration = Duration::from_secs(60);

/// Between two attempts.
const PAUSE: Duration = Duration::from_millis(20);

/// The driver with everything put right, and what flags ask for there.
///
/// # Errors
/// The state directory cannot be used or has records that are damaged, or a volume
/// cannot be made.
pub(super) fn open(args: &HostpathArgs, has_images: bool) -> Result<Driver, Error> {
    let driver = Driver::open(args, has_images)?;
    driver.recover()?;
    if driver.has_node {
        patiently(|| {
            let guard = driver.nodes.lock(&driver.node.id, Share::Exclusive)?;
            driver.nodes.put(&guard, &driver.node)
        })?;
    }
    for given in &args.volumes {
        let id = Id::required("--volume", &given.id)?;
        let size = given.size.map_or(capacity::DEFAULT, |size| size.0);
        let kind = given.kind.unwrap_or(args.kind);
        patiently(|| driver.give_volume(id.clone(), kind, size))?;
    }
    Ok(driver)
}

/// Tries again while another process has the lock. Those that share a state directory
/// have the same flags, and start at the same time; a caller of a served driver would
/// be told to try again, and here nobody would.
fn patiently<T>(mut work: impl FnMut() -> Result<T, Error>) -> Result<T, Error> {
    let end = Instant::now() + PATIENCE;
    loop {
        match work() {
            Err(Error::Busy { .. }) if Instant::now() < end => std::thread::sleep(PAUSE),
            done => return done,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;

    use super::*;

    fn args(state: &std::path::Path) -> HostpathArgs {
        HostpathArgs::of_flags(state, ["--volume=vol-1", "--volume=vol-2"])
    }

    #[test]
    fn what_another_process_works_on_is_waited_for() {
        let state = tempfile::tempdir().unwrap();
        let args = args(state.path());
        let other = Driver::open(&args, false).unwrap();
        let id = Id::required("--volume", "vol-1").unwrap();
        let guard = other.volumes.lock(&id, Share::Exclusive).unwrap();
        std::thread::scope(|scope| {
            let opening = scope.spawn(|| open(&args, false).map(drop));
            std::thread::sleep(PAUSE * 5);
            assert!(!opening.is_finished(), "it does not go on without the lock");
            drop(guard);
            opening.join().unwrap().unwrap();
        });
        assert!(other.volumes.find(&id).unwrap().is_some());
    }

    #[test]
    fn those_that_start_at_the_same_time_all_start() {
        let state = tempfile::tempdir().unwrap();
        let args = args(state.path());
        let together = Barrier::new(8);
        std::thread::scope(|scope| {
            let opening: Vec<_> = (0..8)
                .map(|_| {
                    scope.spawn(|| {
                        together.wait();
                        open(&args, false).map(drop)
                    })
                })
                .collect();
            for opened in opening {
                opened.join().unwrap().unwrap();
            }
        });
        let driver = Driver::open(&args, false).unwrap();
        assert_eq!(driver.volumes.all().unwrap().len(), 2);
    }
}
