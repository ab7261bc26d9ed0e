//! The README's lines, run as they stand there.

mod tier_1 {
    use std::process::{Command, Stdio};

    use flex2csi_testing::programs;

    use crate::rig::text;

    /// The block that puts the endpoint in front of a driver, in a directory of its
    /// own instead of /tmp.
    fn lines(directory: &str) -> String {
        let readme = include_str!("../../../README.md");
        let mut blocks = readme.split("```").skip(1).step_by(2);
        let block = blocks.find(|block| block.contains("csi-sanity")).unwrap();
        block.replace("/tmp/", &format!("{directory}/"))
    }

    #[test]
    #[ignore = "needs root: mounts, and csi-sanity, which testing/run builds"]
    fn csi_sanity_passes_through_the_endpoint() {
        let directory = tempfile::tempdir().unwrap();
        let log = std::fs::File::create(directory.path().join("log")).unwrap();
        let programs = [programs::flex2csi(), programs::built("csi-sanity")];
        let programs = programs.map(|program| text(program.unwrap().parent().unwrap()));
        let path = format!("{}:{}", programs.join(":"), std::env::var("PATH").unwrap());
        // A shell that ends ends what it started.
        let script = format!(
            "trap 'kill $(jobs -p)' EXIT\n{}",
            lines(&text(directory.path()))
        );
        let ended = Command::new("bash")
            .args(["-ec", &script])
            .current_dir(directory.path())
            .env("PATH", path)
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .status()
            .unwrap();
        let said = std::fs::read_to_string(directory.path().join("log")).unwrap();
        assert!(ended.success(), "{said}");
        assert!(said.contains("0 Failed"), "{said}");
    }
}
