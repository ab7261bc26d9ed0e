//! What a driver leaves on the machine.

use std::path::Path;

/// Checks that nothing is mounted, and no file attached to a loop device, in a
/// directory.
///
/// # Panics
/// Something is, or the kernel does not say.
#[track_caller]
#[expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
pub fn assert_nothing_left(directory: &Path) {
    let directory = directory.to_str().unwrap();
    let mounts = std::fs::read_to_string("/proc/self/mountinfo").unwrap();
    assert!(!mounts.contains(directory), "{mounts}");
    for device in Path::new("/sys/block").read_dir().unwrap() {
        let file = device.unwrap().path().join("loop/backing_file");
        let backing = std::fs::read_to_string(file).unwrap_or_default();
        assert!(!backing.contains(directory), "{backing}");
    }
}
