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

#[test]
fn what_does_not_go_together_is_refused() {
    let rewrite = |more: &[&'static str]| [&["rewrite", "--all"], more].concat();
    refused(
        &rewrite(&["--restart", "--shard", "0/2"]),
        "--restart takes volumes in sets",
    );
    refused(&rewrite(&["--restart-managed"]), "--restart");
    refused(&rewrite(&["--wait-idle=soon"]), "as 90s, 10m or 1h30m");
    // A value has to be attached, or it would be taken for a duration.
    refused(&rewrite(&["--wait-idle", "2h"]), "unexpected argument '2h'");
    refused(&rewrite(&["--remove-fence"]), "--remove-fence");
}
