//! Whatever is called in whatever order, and whatever fails: what is mounted is
//! recorded, and when all pods are gone nothing is left.

use std::collections::BTreeSet;
use std::path::PathBuf;

use flex2csi::flexvolume::volumes::{MountedState, ReleaseWhen, Unmounted};
use proptest::prelude::*;
use tonic::Code;

use crate::driver::Fault;
use crate::rig::{Rig, Setup};

#[derive(Debug, Clone)]
enum Step {
    Mount(u32, u32),
    Unmount(u32, u32),
    /// The next of these calls goes wrong.
    Fail(&'static str, Code, bool),
    EndPod(u32),
    Collect,
    Restart,
    Reboot,
    /// Whether kubelet's CSI plugin may have volumes.
    Holds(Option<bool>),
}

fn step() -> impl Strategy<Value = Step> {
    let rpcs = prop::sample::select(vec![
        "NodeStageVolume",
        "NodePublishVolume",
        "NodeUnpublishVolume",
        "NodeUnstageVolume",
        "NodeGetCapabilities",
    ]);
    let codes = prop::sample::select(vec![
        Code::Internal,
        Code::NotFound,
        Code::Unavailable,
        Code::Aborted,
    ]);
    prop_oneof![
        6 => (0..3u32, 0..3u32).prop_map(|(pod, pv)| Step::Mount(pod, pv)),
        4 => (0..3u32, 0..3u32).prop_map(|(pod, pv)| Step::Unmount(pod, pv)),
        4 => (rpcs, codes, any::<bool>()).prop_map(|(rpc, code, done)| Step::Fail(rpc, code, done)),
        1 => (0..3u32).prop_map(Step::EndPod),
        1 => Just(Step::Collect),
        1 => Just(Step::Restart),
        1 => Just(Step::Reboot),
        1 => prop::sample::select(vec![None, Some(true), Some(false)]).prop_map(Step::Holds),
    ]
}

async fn take(rig: &mut Rig, step: Step) {
    match step {
        Step::Mount(pod, pv) => {
            let name = format!("pv-{pv}");
            let mounted = rig.mount(pod, &name).await;
            let is_published = rig.is_published(&rig.path(pod, &name));
            assert!(mounted.is_err() || is_published);
        }
        Step::Unmount(pod, pv) => {
            let name = format!("pv-{pv}");
            let unmounted = rig.unmount(pod, &name).await;
            let is_published = rig.is_published(&rig.path(pod, &name));
            assert!(unmounted.is_err() || !is_published, "{unmounted:?}");
            assert!(!matches!(unmounted, Ok(Unmounted::NotOurs { .. })));
        }
        Step::Fail(rpc, code, false) => rig.driver.fails(rpc, Fault::Before(code)),
        Step::Fail(rpc, code, true) => rig.driver.fails(rpc, Fault::After(code)),
        Step::EndPod(pod) => rig.end(pod),
        Step::Collect => drop(rig.volumes.collect().await),
        // The process that was would have ended: nothing of it may go on here.
        Step::Restart => {
            rig.volumes.finish().await;
            rig.restart();
        }
        Step::Reboot => {
            rig.volumes.finish().await;
            rig.reboot();
        }
        Step::Holds(holds) => rig.cluster.known().holds = holds,
    }
}

/// What holds after every step.
fn check(rig: &Rig) {
    let state = rig.driver.state();
    assert_eq!(state.wrong, Vec::<String>::new());
    let listed = rig.volumes.list();
    let targets: Vec<PathBuf> = listed
        .iter()
        .filter_map(|volume| volume.mount.as_ref())
        .map(|mount| mount.target.to_path_buf())
        .collect();
    let distinct: BTreeSet<&PathBuf> = targets.iter().collect();
    assert_eq!(distinct.len(), targets.len(), "a target is listed twice");
    for (target, published) in &state.published {
        assert!(distinct.contains(target), "{target:?} is not recorded");
        let owner = listed.iter().find(|volume| {
            let mount = volume.mount.as_ref();
            mount.is_some_and(|mount| *mount.target == **target)
        });
        assert_eq!(owner.unwrap().volume.handle, published.volume_id);
    }
    for staged in state.staged.values() {
        let is_known = listed
            .iter()
            .any(|volume| volume.volume.handle == staged.volume_id);
        assert!(is_known, "{} is staged and not recorded", staged.volume_id);
    }
    for volume in &listed {
        if volume.state == MountedState::Published {
            let target = volume.mount.as_ref().unwrap().target.to_path_buf();
            assert!(state.published.contains_key(&target), "{target:?}");
        }
    }
}

async fn run(attaches: bool, later: bool, steps: Vec<Step>) {
    let mut rig = Rig::with(Setup {
        release: match later {
            true => ReleaseWhen::Later,
            false => ReleaseWhen::AtOnce,
        },
        ..Setup::default()
    });
    rig.cluster.known().driver.attach_required = attaches;
    for step in steps {
        take(&mut rig, step).await;
        check(&rig);
    }
    // All is well again, and the pods end: some as they should, some by force.
    rig.driver.state().faults.clear();
    rig.cluster.known().holds = Some(false);
    for pv in 0..3 {
        rig.unmount(0, &format!("pv-{pv}")).await.unwrap();
    }
    for pod in 0..3 {
        rig.end(pod);
    }
    while !rig.volumes.list().is_empty() {
        assert_eq!(rig.volumes.collect().await.left, 0);
    }
    rig.assert_nothing_left();
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 64,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn nothing_is_forgotten_and_nothing_is_left(
        attaches: bool,
        later: bool,
        steps in prop::collection::vec(step(), 1..40),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(run(attaches, later, steps));
    }
}
