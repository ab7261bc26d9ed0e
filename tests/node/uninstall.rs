use std::fs;
use std::os::unix::net::UnixListener;

use crate::place::Place;

#[test]
fn what_nothing_needs_goes() {
    let place = Place::new();
    place.install("a.io/b");
    fs::create_dir(place.path("plugins/a.io~c")).unwrap();
    fs::write(place.path("plugins/a.io~c/c"), "a legacy driver").unwrap();
    place.install("a.io/c");
    let text = place.run("uninstall", &[]).ended(0);
    assert!(text.contains("a.io/b: removed"), "{text}");
    assert!(
        text.contains("a.io/c: the driver that was there before"),
        "{text}"
    );
    assert!(!place.path("plugins/a.io~b").exists());
    let legacy = fs::read_to_string(place.path("plugins/a.io~c/c")).unwrap();
    assert_eq!(legacy, "a legacy driver");
    let text = place.run("uninstall", &[]).ended(0);
    assert!(text.contains("nothing of flex2csi is installed"), "{text}");
}

#[test]
fn what_a_pod_needs_stays_and_the_rest_goes() {
    let place = Place::new();
    place.install("a.io/b");
    place.install("a.io/c");
    let target = place.target("a.io~b", "pv-1");
    let text = place.run("uninstall", &[]).said("uid-1").ended(1);
    assert!(text.contains("a.io/c: removed"), "{text}");
    assert!(place.path("plugins/a.io~b/b").exists());

    // Kubelet has removed the pod, and the record still has the mount.
    place.record("a.io/b", "handle-1", Some(target));
    fs::remove_dir_all(place.path("kubelet/pods")).unwrap();
    place
        .run("uninstall", &["a.io/b"])
        .said("daemon's record has mounts")
        .ended(1);
    assert!(place.path("plugins/a.io~b/b").exists());
}

#[test]
fn a_daemon_would_install_it_again() {
    let place = Place::new();
    place.install("a.io/b");
    let daemon = UnixListener::bind(place.path("exec.sock")).unwrap();
    place
        .run("uninstall", &[])
        .said("delete the DaemonSet first")
        .ended(1);
    assert!(place.path("plugins/a.io~b/b").exists());
    drop(daemon);
    place.run("uninstall", &[]).ended(0);
}

#[test]
fn what_cannot_be_told_stops_it() {
    let place = Place::new();
    place.install("a.io/b");
    place.record("a.io/b", "handle-1", None);
    fs::write(place.path("state/volumes/planted.json"), "{}").unwrap();
    place
        .run("uninstall", &[])
        .said("planted.json cannot be trusted")
        .ended(2);
    fs::remove_file(place.path("state/volumes/planted.json")).unwrap();
    place
        .run("uninstall", &[])
        .said("handle-1 of a.csi.io is still to be unstaged")
        .ended(0);
}

#[test]
fn wrong_names_and_places_are_said() {
    let place = Place::new();
    place
        .run("uninstall", &["../../etc"])
        .said("no name of a FlexVolume driver")
        .ended(2);
    fs::remove_dir(place.path("plugins")).unwrap();
    place
        .run("uninstall", &[])
        .said("no plugin directory")
        .ended(1);
}
