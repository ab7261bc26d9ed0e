//! `flex2csi demo`, as whoever has just built it runs it.

#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.

mod tier_1 {
    use std::os::unix::process::CommandExt as _;
    use std::process::{Command, Output, Stdio};

    /// Runs it in a temporary directory that has to be empty afterwards.
    fn demo(uid: u32) -> (Output, Vec<String>) {
        let directory = tempfile::tempdir().unwrap();
        std::os::unix::fs::chown(directory.path(), Some(uid), Some(uid)).unwrap();
        let output = Command::new(env!("CARGO_BIN_EXE_flex2csi"))
            .arg("demo")
            .env("TMPDIR", directory.path())
            .stdin(Stdio::null())
            .uid(uid)
            .gid(uid)
            .output()
            .unwrap();
        let left = std::fs::read_dir(directory.path()).unwrap();
        let left = left.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned());
        (output, left.collect())
    }

    fn ends_well(uid: u32, says: &str) {
        let (output, left) = demo(uid);
        let text = String::from_utf8(output.stdout).unwrap();
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success(), "{text}\n{error}");
        assert!(text.starts_with(says), "{text}");
        assert!(text.contains("nothing is left behind"), "{text}");
        assert!(
            text.contains("kill -9") && !text.contains("FAILED"),
            "{text}"
        );
        assert_eq!(left, [""; 0]);
        let mounts = std::fs::read_to_string("/proc/self/mountinfo").unwrap();
        assert!(!mounts.contains("flex2csi-demo."), "{mounts}");
    }

    #[test]
    #[ignore = "needs root: it mounts"]
    fn it_ends_well_as_root() {
        ends_well(0, "As root, in ");
    }

    #[test]
    #[ignore = "needs root: it becomes another user"]
    fn it_ends_well_without_root_and_says_so() {
        ends_well(1234, "Not as root: in a user namespace");
    }
}
