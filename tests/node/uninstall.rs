use std::fs;
use std::io::BufRead as _;
use std::os::unix::net::UnixListener;

use flex2csi::registration::socket_path;
use rustix::process::{Pid, Signal, kill_process};

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

#[test]
fn everything_goes_once_nothing_needs_it() {
    let place = Place::new();
    place.install("a.io/b");
    place.record("a.io/b", "handle-1", None);
    fs::create_dir_all(place.path("kubelet/plugins_registry")).unwrap();
    let everything = ["--everything"];
    place
        .run("uninstall", &everything)
        .said("handle-1 of a.csi.io is still to be unstaged")
        .ended(1);
    assert!(place.path("state/volumes").exists());

    fs::remove_dir_all(place.path("state/volumes")).unwrap();
    place.install("a.io/b");
    let target = place.target("a.io~b", "pv-1");
    fs::create_dir_all(place.path("state/volumes")).unwrap();
    place
        .run("uninstall", &everything)
        .said("stay while a driver is needed")
        .ended(1);
    assert!(place.path("state/volumes").exists());

    fs::remove_dir(target).unwrap();
    fs::remove_dir_all(place.path("kubelet/pods")).unwrap();
    drop(UnixListener::bind(place.path("state/flexvolume.sock")).unwrap());
    let text = place.run("uninstall", &everything).ended(0);
    assert!(text.contains("records and sockets are removed"), "{text}");
    assert!(!place.path("state").exists());
    assert!(!place.path("plugins/a.io~b").exists());
    place.run("uninstall", &everything).ended(0);
}

const ENDPOINT: &str = "\
backends:
- driver: a.csi.io
  endpoint: {}
state: /HERE/state
kubelet: {root: /HERE/kubelet, pluginDirectory: /HERE/plugins}
";

#[test]
fn an_endpoint_that_kubelet_has_volumes_of_stays_registered() {
    let place = Place::new();
    let here = place.path("");
    let config = ENDPOINT.replace("/HERE", here.to_str().unwrap().trim_end_matches('/'));
    fs::write(place.path("config.yaml"), config).unwrap();
    let registry = place.path("kubelet/plugins_registry");
    fs::create_dir_all(&registry).unwrap();
    let registration = socket_path(&registry, &"a.csi.io.flex2csi.io".parse().unwrap());
    drop(UnixListener::bind(&registration).unwrap());
    let own = place.path("kubelet/plugins/a.csi.io.flex2csi.io");
    fs::create_dir_all(&own).unwrap();
    drop(UnixListener::bind(own.join("csi.sock")).unwrap());
    let volume = place.path("kubelet/pods/uid-1/volumes/kubernetes.io~csi/pv-1");
    fs::create_dir_all(&volume).unwrap();
    let data = r#"{"driverName":"a.csi.io.flex2csi.io","volumeHandle":"h"}"#;
    fs::write(volume.join("vol_data.json"), data).unwrap();

    place
        .everything()
        .said("kubelet still has volumes of a.csi.io.flex2csi.io")
        .ended(1);
    assert!(registration.exists() && own.join("csi.sock").exists());

    // Staged for no pod.
    fs::remove_dir_all(place.path("kubelet/pods")).unwrap();
    let staged = place.path("kubelet/plugins/kubernetes.io/csi/a.csi.io.flex2csi.io");
    fs::create_dir_all(staged.join("0a1b")).unwrap();
    place.everything().said("0a1b").ended(1);
    assert!(registration.exists());

    fs::remove_dir(staged.join("0a1b")).unwrap();
    // A daemon that runs keeps its sockets.
    fs::remove_file(&registration).unwrap();
    let daemon = UnixListener::bind(&registration).unwrap();
    place.everything().said("is already served").ended(1);
    drop(daemon);
    place.everything().ended(0);
    assert!(!registration.exists() && !own.exists());
}

#[test]
fn what_stays_ends_when_it_is_told_to() {
    let place = Place::new();
    place.install("a.io/b");
    let mut staying = place.stays();
    let said = std::io::BufReader::new(staying.stdout.take().unwrap());
    let mut lines = said.lines().map_while(Result::ok);
    assert!(lines.any(|line| line.contains("staying until told to end")));
    assert!(!place.path("plugins/a.io~b").exists());
    assert!(staying.try_wait().unwrap().is_none());
    kill_process(Pid::from_child(&staying), Signal::TERM).unwrap();
    assert!(staying.wait().unwrap().success());
}
