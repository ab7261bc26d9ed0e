use crate::command::flex2csi;
use crate::place::Place;

#[test]
fn nothing_is_said_to_be_nothing() {
    let place = Place::new();
    let text = place.run("status", &[]).ended(0);
    assert_eq!(text, "No legacy volume is mounted on this node.\n");
    assert_eq!(place.run("status", &["-o", "json"]).ended(0), "[]\n");
    assert_eq!(place.run("status", &["-o", "yaml"]).ended(0), "[]\n");
    assert!(!place.path("state").exists(), "looking changes nothing");
}

#[test]
fn what_is_recorded_and_what_is_the_originals_is_listed() {
    let place = Place::new();
    std::fs::create_dir(place.path("plugins/a.io~b")).unwrap();
    std::fs::write(place.path("plugins/a.io~b/b"), "a legacy driver").unwrap();
    place.install("a.io/b");
    let ours = place.target("a.io~b", "pv-1");
    place.record("a.io/b", "handle-1", Some(ours.clone()));
    place.record("a.io/b", "handle-2", None);
    // A driver that copies, and mounts nothing.
    let theirs = place.target("a.io~b", "pv-2");
    std::fs::write(theirs.join("file"), "").unwrap();

    let text = place.run("status", &["-o", "json"]).ended(0);
    let rows: serde_json::Value = serde_json::from_str(&text).unwrap();
    let expected = serde_json::json!([
        {"namespace": "shop", "pod": "db-0", "podUID": "uid-1", "volume": "pv-1",
         "flexDriver": "a.io/b", "csiDriver": "a.csi.io", "handle": "handle-1",
         "target": ours, "state": "notMounted"},
        {"volume": "pv-1", "flexDriver": "a.io/b", "csiDriver": "a.csi.io",
         "handle": "handle-2", "state": "releasing"},
        {"podUID": "uid-1", "volume": "pv-2", "flexDriver": "a.io/b", "target": theirs,
         "state": "original"},
    ]);
    assert_eq!(rows, expected);
    let table = place.run("status", &[]).ended(0);
    assert_eq!(table.lines().count(), 4, "{table}");
    assert!(table.contains("shop/db-0"), "{table}");
}

#[test]
fn a_record_that_is_not_trusted_is_named() {
    let place = Place::new();
    place.record("a.io/b", "handle-1", None);
    std::fs::write(place.path("state/volumes/planted.json"), "{}").unwrap();
    let ran = place
        .run("status", &["-o", "json"])
        .said("planted.json cannot be trusted");
    let text = ran.ended(1);
    assert!(text.contains("handle-1"), "the others are listed: {text}");
}

#[test]
fn the_daemon_is_still_what_node_is() {
    flex2csi(&["node"], "").said("--config").ended(2);
    let ran = flex2csi(&["node", "--config", "/nonexistent", "status"], "");
    ran.said("cannot be used with").ended(2);
    let help = flex2csi(&["node", "status", "-h"], "").ended(0);
    assert!(
        help.contains("Examples:") && help.contains("--plugin-directory"),
        "{help}"
    );
    flex2csi(&["node", "status", "--config", "/nonexistent/c.yaml"], "")
        .said("/nonexistent/c.yaml")
        .ended(2);
}
