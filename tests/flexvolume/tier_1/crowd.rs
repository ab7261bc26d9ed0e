//! Many volumes and pods at once, and a daemon that is killed meanwhile.

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::cluster::Volume;
use crate::kubelet::Pod;
use crate::node::Node;
use crate::process::until;

const VOLUMES: usize = 100;
const AT_ONCE: usize = 32;
/// Of the moments at which it is killed.
const SEED: u64 = 0x5eed_0005;

/// Kubelet's retries, until it is done.
fn at_last(mut call: impl FnMut() -> Result<(), String>) {
    until("kubelet is done", || call().ok());
}

/// A volume's life: two pods have it, one after the other they leave.
fn live(volume: &Volume, pods: [Pod; 2], calls: &AtomicUsize) {
    for pod in &pods {
        at_last(|| pod.mount(volume));
        calls.fetch_add(1, Ordering::Relaxed);
        let file = pod.target(volume).join(&pod.name);
        std::fs::write(file, &volume.name).unwrap();
    }
    for pod in &pods {
        let seen = std::fs::read_to_string(pod.target(volume).join(&pods[0].name));
        assert_eq!(seen.unwrap(), volume.name);
    }
    for pod in &pods {
        at_last(|| pod.unmount(volume));
        calls.fetch_add(1, Ordering::Relaxed);
        pod.end();
    }
}

/// After how many calls of kubelet's it is killed next; the same in each run.
fn turns() -> impl Iterator<Item = usize> {
    let (mut state, mut turn) = (SEED, 0);
    std::iter::repeat_with(move || {
        // Knuth's MMIX.
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        turn += 5 + usize::try_from(state >> 33).unwrap() % 60;
        turn
    })
}

#[test]
#[ignore = "needs root: mounts"]
fn a_hundred_volumes_while_the_daemon_is_killed() {
    let node = Node::set_up();
    let names: Vec<String> = (0..VOLUMES).map(|number| format!("v{number}")).collect();
    let handles: Vec<String> = names
        .iter()
        .map(|name| format!("--volume=vol-{name}"))
        .collect();
    let handles: Vec<&str> = handles.iter().map(String::as_str).collect();
    node.start_backend(&handles);
    let volumes: Vec<Volume> = names.iter().map(|name| node.volume(name)).collect();
    node.start_daemon();
    let (next, calls) = (AtomicUsize::new(0), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some(volume) = volumes.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let pods =
                        ["one", "other"].map(|pod| node.pod(&format!("{}-{pod}", volume.name)));
                    live(volume, pods, &calls);
                }
            });
        }
        // Two pods, and two calls for each.
        for turn in turns().take_while(|turn| *turn < 4 * VOLUMES) {
            until("there are calls", || {
                (calls.load(Ordering::Relaxed) >= turn).then_some(())
            });
            node.restart_daemon();
        }
    });
    node.restart_daemon();
    node.comes_to_nothing_left();
}

/// Pods that come and go, all with one volume.
#[test]
#[ignore = "needs root: mounts"]
fn many_pods_of_one_volume() {
    let node = Node::start();
    let volume = node.volume("a");
    std::thread::scope(|scope| {
        for number in 0..8 {
            let (pod, volume) = (node.pod(&format!("pod-{number}")), &volume);
            scope.spawn(move || {
                for _ in 0..4 {
                    at_last(|| pod.mount(volume));
                    std::fs::write(pod.target(volume).join(&pod.name), "x").unwrap();
                    at_last(|| pod.unmount(volume));
                }
                pod.end();
            });
        }
    });
    node.assert_nothing_left();
}

/// A kubelet that was restarted calls while calls of the former one are under way.
#[test]
#[ignore = "needs root: mounts"]
fn calls_on_one_directory_at_once() {
    let node = Node::start();
    let (volume, pod) = (node.volume("a"), node.pod("one"));
    for _ in 0..3 {
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| pod.mount(&volume).unwrap());
            }
        });
        node.assert_mounted(&volume, &[&pod]);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    let target = pod.target(&volume);
                    let args = ["unmount", target.to_str().unwrap()];
                    pod.kubelet.call(&pod.driver, &args).unwrap();
                });
            }
        });
        pod.end();
        node.assert_nothing_left();
    }
}
