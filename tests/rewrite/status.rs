//! `flex2csi status`.

use serde_json::Value;

use super::cluster::{Act, Rule};
use super::rig::Rig;
use super::store::VOLUMES;

/// `a-1` is rewritten, `a-2` brought back, `b-1` stopped, `b-2` not begun.
fn rig() -> Rig {
    let rig = Rig::new(&["a-1", "a-2", "b-1", "b-2"]);
    rig.run(&["rewrite", "-l", "tier=a", "--yes"]).ended(0);
    rig.run(&["rollback", "--pv", "pv-a-2", "--yes"]).ended(0);
    let refuse = Act::Refuse(403, "no-such-right");
    rig.cluster
        .rule(Rule::always(&["PATCH", VOLUMES, "/pv-b-1"], refuse));
    rig.run(&["rewrite", "--pv", "pv-b-1", "--yes"]).ended(1);
    rig.cluster.no_rules();
    rig
}

#[test]
fn it_says_of_each_what_it_is_and_what_to_do() {
    let rig = rig();
    let said = rig.run(&["status"]).ended(1);
    let line = |name: &str| {
        let line = said.stdout.lines().find(|line| line.contains(name));
        line.unwrap_or_else(|| panic!("{name}:\n{}", said.stdout))
            .to_owned()
    };
    assert!(line("pv/pv-a-1").contains("shop/a-1") && line("pv/pv-a-1").contains("Rewritten"));
    assert!(line("pv/pv-a-2").contains("RolledBack"));
    assert!(line("pv/pv-b-1").contains("Stopped"));
    assert!(!said.stdout.contains("pv-b-2"));
    assert!(line("1 rewritten").contains("1 rewritten, 1 brought back, 0 under way, 1 stopped"));
    said.said("no-such-right")
        .said("Next: do what stands beside those that stopped");
}

#[test]
fn a_line_of_json_is_a_whole_object() {
    let rig = rig();
    let said = rig.run(&["status", "-o", "json"]).ended(1);
    let lines: Vec<Value> = said
        .stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines.len(), 3);
    for (line, (name, phase)) in lines.iter().zip([
        ("a-1", "Rewritten"),
        ("a-2", "RolledBack"),
        ("b-1", "Stopped"),
    ]) {
        assert_eq!(line["kind"], "PersistentVolume");
        assert_eq!(line["name"], format!("pv-{name}"));
        assert_eq!(line["claim"], format!("shop/{name}"));
        assert_eq!(line["phase"], phase);
        assert!(!line["holder"].as_str().unwrap().is_empty());
        assert!(line["renewTime"].as_str().unwrap().ends_with('Z'));
    }
    assert_eq!(lines[2]["reason"], "Refused");
    let yaml = rig.run(&["status", "-o", "yaml"]).ended(1).stdout;
    assert_eq!(yaml.matches("---\n").count(), 3);
    assert!(yaml.contains("phase: Rewritten\n"), "{yaml}");
}

#[test]
fn a_selection_chooses() {
    let rig = rig();
    for (args, names) in [
        (&["-l", "tier=a"][..], &["pv-a-1", "pv-a-2"][..]),
        (&["--pv", "pv-b-1"], &["pv-b-1"]),
        (&["--claim", "shop/a-2"], &["pv-a-2"]),
        (&["-n", "elsewhere"], &[]),
        (
            &["--driver", "ebs.csi.aws.com"],
            &["pv-a-1", "pv-a-2", "pv-b-1"],
        ),
    ] {
        let said = rig.run(&[&["status", "-o", "json"], args].concat());
        let shown: Vec<String> = said
            .stdout
            .lines()
            .map(|line| {
                let line: Value = serde_json::from_str(line).unwrap();
                line["name"].as_str().unwrap().to_owned()
            })
            .collect();
        assert_eq!(shown, names, "{args:?}");
        // What somebody has to look at counts only where it was asked for.
        let stopped = names.contains(&"pv-b-1");
        assert_eq!(said.code, Some(stopped.into()), "{args:?}");
    }
}

#[test]
fn who_watches_is_told_of_each_change_and_of_no_sign_of_life() {
    let rig = Rig::new(&["a", "b"]);
    let watching = rig.start(&["status", "--watch"]);
    watching.until_said("Nothing was rewritten");
    rig.run(&["rewrite", "--pv", "pv-a", "--yes"]).ended(0);
    watching.until_said("pv/pv-a  Rewritten");
    rig.run(&["rollback", "--pv", "pv-a", "--yes"]).ended(0);
    watching.until_said("pv/pv-a  RolledBack");
    watching.interrupt();
    let said = watching.end().ended(0);
    for phase in ["Replacing", "Rewritten", "RollingBack", "RolledBack"] {
        let line = format!("pv/pv-a  {phase}\n");
        assert_eq!(said.stdout.matches(&line).count(), 1, "{}", said.stdout);
    }
}

#[test]
fn a_server_that_was_away_is_watched_again() {
    let rig = Rig::new(&["a"]);
    let watch = ["GET", "volumemigrations", "watch=true"];
    rig.cluster
        .rule(Rule::once(&watch, Act::Refuse(503, "not-now")));
    let watching = rig.start(&["status", "--watch", "-o", "json"]);
    watching.until_said("not-now");
    rig.run(&["rewrite", "--all", "--yes"]).ended(0);
    watching.until_said("\"phase\":\"Rewritten\"");
    watching.interrupt();
    watching.end().ended(0);
}
