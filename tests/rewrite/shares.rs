//! Several processes, each with its share.

use super::rig::{Ended, Rig};

#[test]
fn the_pods_of_an_indexed_job_do_all_between_them_and_nothing_twice() {
    let rig = Rig::of(12);
    let mut done = 0;
    for index in ["0", "1", "2"] {
        let mut command = rig.command(&["rewrite", "--all", "--shards", "3", "--yes"]);
        let output = command.env("JOB_COMPLETION_INDEX", index).output().unwrap();
        assert_eq!(output.status.code(), Some(0));
        let said = String::from_utf8(output.stderr).unwrap();
        let own = said.matches(": rewritten").count();
        assert!(own > 0 && own < 12, "{said}");
        done += own;
    }
    assert_eq!(done, 12);
    for number in 0..12 {
        rig.assert_rewritten(&format!("n-{number}"));
        assert_eq!(rig.deletions(&format!("n-{number}")), 1);
    }
}

#[test]
fn a_share_that_is_not_known_is_refused() {
    let rig = Rig::of(1);
    let args = ["rewrite", "--all", "--yes", "--shards", "2"];
    rig.run(&args)
        .ended(2)
        .said("JOB_COMPLETION_INDEX is not set");
    for index in ["2", "", "x"] {
        let output = rig
            .command(&args)
            .env("JOB_COMPLETION_INDEX", index)
            .output();
        let output = output.unwrap();
        assert_eq!(output.status.code(), Some(2));
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.contains("which is no share of 2"), "{said}");
    }
    rig.run(&[&args[..], &["--shard", "0/2"]].concat()).ended(2);
    assert!(rig.cluster.writes().is_empty());
}

#[test]
fn a_pod_of_an_indexed_job_that_takes_all_is_told_so() {
    let rig = Rig::of(2);
    let mut command = rig.command(&["rewrite", "--all", "--yes"]);
    let output = command.env("JOB_COMPLETION_INDEX", "1").output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("give --shards"), "{said}");
    let _: Ended = rig.run(&["status"]).ended(0).said("2 rewritten");
}
