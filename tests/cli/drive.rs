//! `rewrite`, `rollback` and `status`: what is refused before a cluster is asked.

use crate::command::flex2csi;

fn refused(args: &[&str], says: &str) {
    flex2csi(args, "").said(says).ended(2);
}

#[test]
fn it_has_to_be_said_which_objects_are_meant() {
    for verb in ["rewrite", "rollback"] {
        refused(&[verb, "--yes"], "which objects?");
        refused(&[verb, "--all", "--pv", "a"], "not several");
        refused(&[verb, "--claim", "a"], "give its namespace too");
        refused(&[verb, "--all", "--shard", "2/2"], "as 0/4");
        refused(
            &[verb, "--plan", "/nowhere/plan.yaml"],
            "/nowhere/plan.yaml",
        );
        refused(&[verb, "--plan", "/dev/null"], "it is empty");
    }
}
