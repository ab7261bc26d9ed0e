//! Many volumes and pods at once; daemon and CSI driver are killed meanwhile.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crate::cluster::Volume;
use crate::kubelet::{Pod, mounts_on};
use crate::node::Node;
use crate::process::until;

const VOLUMES: usize = 100;
const AT_ONCE: usize = 32;

/// What goes wrong in the CSI driver besides.
const FAULTS: [&str; 8] = [
    "",
    "NodeStageVolume=UNAVAILABLE,after,times=3",
    "NodeStageVolume=INTERNAL,recorded,times=3",
    "NodePublishVolume=INTERNAL,after,times=3",
    "NodePublishVolume=ABORTED,recorded,times=3",
    "NodeUnpublishVolume=UNAVAILABLE,after,times=3",
    "NodeUnstageVolume=INTERNAL,times=3",
    "NodePublishVolume=slow:300ms,recorded,times=3",
];

/// Kubelet's retries, until it is done.
fn at_last(mut call: impl FnMut() -> Result<(), String>) {
    until("kubelet is done", || {
        let called = call();
        if called.is_err() {
            // Kubelet waits for half a second and more.
            std::thread::sleep(Duration::from_millis(100));
        }
        called.ok()
    });
}

/// A volume's life: two pods have it, one after the other they leave.
fn live(volume: &Volume, pods: &[Pod; 2], calls: &AtomicUsize) {
    for pod in pods {
        at_last(|| pod.mount(volume));
        calls.fetch_add(1, Ordering::Relaxed);
        let file = pod.target(volume).join(&pod.name);
        std::fs::write(file, &volume.name).unwrap();
    }
    for pod in pods {
        let seen = std::fs::read_to_string(pod.target(volume).join(&pods[0].name));
        assert_eq!(seen.unwrap(), volume.name);
    }
    for pod in pods {
        at_last(|| pod.unmount(volume));
        calls.fetch_add(1, Ordering::Relaxed);
        pod.end();
    }
}

/// A pod that is deleted before its volume is there.
fn give_up(volume: &Volume, pod: &Pod) {
    let _ = pod.mount(volume);
    // Of what is mounted all the same, the next kubelet knows by the directory.
    until("the pod's directory is removed", || {
        if mounts_on(&pod.target(volume)) > 0 {
            pod.unmount(volume).ok()?;
        }
        pod.try_end().ok()
    });
}

/// Numbers that are the same in each run, unless told otherwise.
fn numbers() -> impl Iterator<Item = usize> {
    let seed = std::env::var("FLEX2CSI_TEST_SEED").map_or(0x5eed, |seed| seed.parse().unwrap());
    #[expect(clippy::print_stdout, reason = "repeats a run that failed")]
    {
        println!("FLEX2CSI_TEST_SEED={seed}");
    }
    let mut state: u64 = seed;
    std::iter::repeat_with(move || {
        // Knuth's MMIX.
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).unwrap()
    })
}

#[test]
#[ignore = "needs root: mounts"]
fn a_hundred_volumes_while_daemon_and_driver_are_killed() {
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
    let one_after_another = || {
        while let Some(volume) = volumes.get(next.fetch_add(1, Ordering::Relaxed)) {
            let pod = |name: &str| node.pod(&format!("{}-{name}", volume.name));
            give_up(volume, &pod("hasty"));
            live(volume, &["one", "other"].map(pod), &calls);
            give_up(volume, &pod("late"));
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(one_after_another);
        }
        let (mut numbers, mut turn) = (numbers(), 0);
        // Two pods, and two calls for each.
        while turn < 4 * VOLUMES {
            until("there are calls", || {
                (calls.load(Ordering::Relaxed) >= turn).then_some(())
            });
            let mut number = |below: usize| numbers.next().unwrap() % below;
            turn += 5 + number(60);
            node.faults(FAULTS[number(FAULTS.len())]);
            if number(4) == 0 {
                node.restart_backend(&handles);
            } else {
                node.restart_daemon();
            }
        }
    });
    node.faults("");
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
