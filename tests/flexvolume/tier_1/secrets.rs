//! A volume's Secret: its values get to the CSI driver, and nowhere else.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use crate::cluster::{BACKEND, DRIVER, Volume};
use crate::node::Node;

const VALUE: &str = "s3cr3t-0f-the-volume";

/// What goes to a socket, on its way.
struct Tap(Arc<Mutex<Vec<u8>>>);

impl Tap {
    /// Listens at a path for what is then sent to another.
    fn new(listen: &Path, to: &Path) -> Self {
        let listener = UnixListener::bind(listen).unwrap();
        let (seen, to) = (Arc::new(Mutex::new(Vec::new())), to.to_owned());
        let kept = seen.clone();
        std::thread::spawn(move || {
            for incoming in listener.incoming() {
                let (incoming, outgoing) = (incoming.unwrap(), UnixStream::connect(&to).unwrap());
                let back = (outgoing.try_clone().unwrap(), incoming.try_clone().unwrap());
                let kept = kept.clone();
                std::thread::spawn(move || {
                    carry(incoming, outgoing, |bytes| {
                        kept.lock().unwrap().extend(bytes)
                    });
                });
                std::thread::spawn(move || carry(back.0, back.1, |_| ()));
            }
        });
        Self(seen)
    }

    fn has_seen(&self, text: &str) -> bool {
        let seen = self.0.lock().unwrap();
        seen.windows(text.len())
            .any(|window| window == text.as_bytes())
    }
}

fn carry(mut from: UnixStream, mut to: UnixStream, keep: impl Fn(&[u8])) {
    let mut bytes = [0; 4096];
    while let Ok(read @ 1..) = from.read(&mut bytes) {
        keep(&bytes[..read]);
        if to.write_all(&bytes[..read]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Both);
}

/// A node with a tap in front of the CSI driver, and a volume with a Secret.
fn tapped() -> (Node, Tap, Volume) {
    let node = Node::set_up();
    node.start_backend(&[]);
    let socket = node.path("tapped.sock");
    node.configure(|config| config["backends"][0]["socket"] = json!(socket));
    let tap = Tap::new(&socket, &node.path("csi.sock"));
    let mut volume = Volume::new("a");
    volume.secret = BTreeMap::from([("password".into(), VALUE.into())]);
    let mut object = volume.object();
    object["spec"]["flexVolume"]["secretRef"] = json!({"name": "s", "namespace": "default"});
    node.add(&object);
    node.start_daemon();
    (node, tap, volume)
}

/// The command lines of all processes but of one, which kubelet itself called.
fn command_lines(but: &str) -> Vec<String> {
    let processes = fs::read_dir("/proc").unwrap();
    let lines = processes.filter_map(|entry| fs::read(entry.unwrap().path().join("cmdline")).ok());
    let lines = lines.map(|line| String::from_utf8_lossy(&line).into_owned());
    lines.filter(|line| !line.starts_with(but)).collect()
}

#[track_caller]
fn assert_kept(text: &str, place: &str) {
    for secret in [VALUE, &STANDARD.encode(VALUE)] {
        assert!(!text.contains(secret), "{place}");
    }
}

#[test]
#[ignore = "needs root: mounts"]
fn its_values_get_to_the_csi_driver_and_nowhere_else() {
    let (node, tap, volume) = tapped();
    let pod = node.pod("one");
    let fault = "NodePublishVolume=INTERNAL,times=1";
    node.faults(fault);
    let error = pod.mount(&volume).unwrap_err();
    assert_kept(&error, "the message");
    assert!(tap.has_seen(VALUE));

    // While the call is under way, and all stands where it stands meanwhile.
    let fault = "NodePublishVolume=hang,after,times=1";
    node.faults(fault);
    std::thread::scope(|scope| {
        let mount = scope.spawn(|| pod.mount(&volume));
        node.comes_to(fault);
        let executable = node.kubelet.executable(DRIVER);
        for line in command_lines(executable.to_str().unwrap()) {
            assert_kept(&line, "a command line");
        }
        for directory in ["state/volumes", "exec/test~disk"] {
            for file in fs::read_dir(node.path(directory)).unwrap() {
                let text = fs::read(file.unwrap().path()).unwrap();
                assert_kept(&String::from_utf8_lossy(&text), directory);
            }
        }
        let staged = node.staging(&volume).with_file_name("vol_data.json");
        assert_kept(&fs::read_to_string(staged).unwrap(), "vol_data.json");
        node.restart_backend(&[]);
        mount.join().unwrap().unwrap_err();
    });
    node.faults("");
    pod.mount(&volume).unwrap();
    pod.unmount(&volume).unwrap();
    assert_kept(&node.daemon().log(), "the daemon's log");
    node.assert_nothing_left();
}

#[test]
#[ignore = "needs root: mounts"]
fn a_value_that_is_wrong_is_not_shown() {
    let (node, _, volume) = tapped();
    let pod = node.pod("one");
    for wrong in ["s3cr3t-0f-the-volume!", "/w=="] {
        let mut options = pod.options(&volume);
        options.insert("kubernetes.io/secret/password".into(), json!(wrong));
        let options = serde_json::Value::Object(options).to_string();
        let error = pod.mount_with(&volume, &options).unwrap_err();
        assert!(error.contains("password"), "{error}");
        assert!(!error.contains(wrong), "{error}");
    }
    assert_kept(&node.daemon().log(), "the daemon's log");
    node.assert_nothing_left();
}

/// A volume that stands in its pod is any user's: it gets the pod's own Secret.
mod inline {
    use super::*;

    /// A pod with an inline volume of this name, and the volume as kubelet knows it.
    fn inline(node: &Node, name: &str, more: (&str, &str)) -> Volume {
        let mut volume = Volume::new("a");
        volume.name = name.to_owned();
        if !more.0.is_empty() {
            volume.options.insert(more.0.into(), more.1.into());
        }
        node.add(&json!({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": "one", "namespace": "default", "uid": "uid-one"},
            "spec": {"containers": [], "volumes": [{
                "name": name,
                "flexVolume": {"driver": DRIVER, "fsType": "ext4", "options": volume.options},
            }]},
        }));
        volume
    }

    #[test]
    #[ignore = "needs root: mounts"]
    fn it_is_mounted() {
        let node = Node::start();
        let (volume, pod) = (inline(&node, "scratch", ("", "")), node.pod("one"));
        pod.mount(&volume).unwrap();
        node.assert_mounted(&volume, &[&pod]);
        pod.unmount(&volume).unwrap();
        node.assert_nothing_left();
    }

    /// Kubelet does not say whether it means a PersistentVolume or a pod's own volume.
    #[test]
    #[ignore = "needs root: mounts"]
    fn a_strangers_persistent_volume_of_its_name_is_not_meant() {
        let node = Node::start();
        let mut stranger = Volume::new("b");
        stranger.name = "data".into();
        node.add(&stranger.object());
        let (volume, pod) = (inline(&node, "data", ("", "")), node.pod("one"));
        pod.mount(&volume).unwrap();
        node.assert_mounted(&volume, &[&pod]);
        // With the stranger's options it is nobody's.
        pod.unmount(&volume).unwrap();
        let error = pod.mount(&stranger).unwrap_err();
        assert!(error.contains("\"id\""), "{error}");
        node.assert_nothing_left();
    }

    #[test]
    #[ignore = "needs root: mounts"]
    fn it_gets_no_administrators_secret() {
        let node = Node::start();
        node.add(&json!({
            "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "admin", "namespace": "admin"},
            "stringData": {"password": VALUE},
        }));
        let (volume, pod) = (inline(&node, "greedy", ("admin", "yes")), node.pod("one"));
        let error = pod.mount(&volume).unwrap_err();
        assert!(error.contains("none but the pod's own"), "{error}");
        assert!(
            !error.contains(BACKEND) || !error.contains(VALUE),
            "{error}"
        );
        node.assert_nothing_left();
    }
}
