//! From each fact to its verdict.

use super::*;
use crate::plan::{MountState, OtherSnapshots, SecretState, VerdictKind};

/// Bound, idle, its driver everywhere.
fn facts() -> VolumeFacts {
    VolumeFacts {
        phase: Phase::Bound,
        claim: ClaimState::There(claim()),
        target: Some(target()),
        driver: DriverFacts {
            anywhere: 1,
            wanted: 1,
            ..DriverFacts::default()
        },
        ..VolumeFacts::default()
    }
}

fn claim() -> ClaimFacts {
    ClaimFacts {
        name: "n/c".into(),
        mutual: true,
        bound: true,
        ..ClaimFacts::default()
    }
}

fn target() -> TargetFacts {
    TargetFacts {
        driver: "d".into(),
        handle: "h".into(),
        ..TargetFacts::default()
    }
}

fn pod(phase: PodPhase) -> PodUse {
    PodUse {
        namespace: "n".into(),
        pod: "p".into(),
        uid: "u".into(),
        node: "a".into(),
        phase,
        fs_group: false,
        owner: "StatefulSet s".into(),
    }
}

#[track_caller]
fn expect(facts: VolumeFacts, kind: VerdictKind, codes: &[&str]) {
    let verdict = facts.judge();
    let found: Vec<&str> = verdict.findings.iter().map(|f| f.code.as_str()).collect();
    assert_eq!((verdict.kind, found.as_slice()), (kind, codes));
}

#[track_caller]
fn changed(change: impl FnOnce(&mut VolumeFacts), kind: VerdictKind, codes: &[&str]) {
    let mut facts = facts();
    change(&mut facts);
    expect(facts, kind, codes);
}

#[track_caller]
fn claim_with(change: impl FnOnce(&mut ClaimFacts), codes: &[&str]) {
    let mut claim = claim();
    change(&mut claim);
    let there = ClaimState::There(claim);
    changed(|facts| facts.claim = there, VerdictKind::Blocked, codes);
}

#[test]
fn an_idle_volume_is_ready() {
    expect(facts(), VerdictKind::Ready, &[]);
}

#[test]
fn a_volume_without_a_claim_is_ready() {
    changed(
        |facts| (facts.claim, facts.phase) = (ClaimState::None, Phase::Available),
        VerdictKind::Ready,
        &[],
    );
}

#[test]
fn a_claim_that_is_not_as_it_should_be_blocks() {
    claim_with(|claim| claim.mutual = false, &["claim-other"]);
    claim_with(|claim| claim.deleting = true, &["claim-terminating"]);
    claim_with(
        |claim| (claim.lost, claim.bound) = (true, false),
        &["claim-lost"],
    );
    claim_with(|claim| claim.bound = false, &["claim-not-bound"]);
    claim_with(
        |claim| claim.resize = Some("Resizing".into()),
        &["resize-pending"],
    );
    claim_with(
        |claim| claim.attributes_class = Some(AttributesClass::Pending("gold is asked for".into())),
        &["attributes-class"],
    );
    changed(
        |facts| facts.claim = ClaimState::Missing("n/c".into()),
        VerdictKind::Blocked,
        &["claim-missing"],
    );
    changed(
        |facts| facts.phase = Phase::Pending,
        VerdictKind::Blocked,
        &["claim-not-bound"],
    );
    changed(
        |facts| (facts.phase, facts.claim) = (Phase::Failed, ClaimState::None),
        VerdictKind::Blocked,
        &["phase-failed"],
    );
}

#[test]
fn a_class_that_is_in_force_goes_with_the_claim() {
    let mut claim = claim();
    claim.attributes_class = Some(AttributesClass::InForce("gold".into()));
    changed(
        |facts| facts.claim = ClaimState::There(claim),
        VerdictKind::Ready,
        &["attributes-class-again"],
    );
}

#[test]
fn others_that_have_a_say_are_named() {
    changed(
        |facts| facts.ownership.deleting = true,
        VerdictKind::Blocked,
        &["terminating"],
    );
    changed(
        |facts| {
            facts.ownership.finalizers =
                vec!["kubernetes.io/pv-protection".into(), "example.com/x".into()]
        },
        VerdictKind::Blocked,
        &["foreign-finalizer"],
    );
    changed(
        |facts| facts.ownership.owners = vec![("CephCluster/c".into(), true)],
        VerdictKind::Blocked,
        &["owned-by-controller"],
    );
    changed(
        |facts| facts.ownership.owners = vec![("CephCluster/c".into(), false)],
        VerdictKind::Ready,
        &["owner-reference"],
    );
    changed(
        |facts| facts.ownership.gitops = Some("Flux".into()),
        VerdictKind::Ready,
        &["gitops-owned"],
    );
    changed(
        |facts| facts.vendor_controllers = vec![Finding::new(FindingCode::VendorController, "")],
        VerdictKind::Blocked,
        &["vendor-controller"],
    );
    changed(
        |facts| facts.installers = vec!["kube-system/flex".into()],
        VerdictKind::Blocked,
        &["legacy-installer"],
    );
    changed(
        |facts| facts.static_delete = true,
        VerdictKind::Ready,
        &["policy-delete-static"],
    );
}

#[test]
fn a_rewrite_under_way_says_all() {
    changed(
        |facts| {
            facts.ownership.migration = Some("Deleting".into());
            facts.ownership.deleting = true;
            facts.claim = ClaimState::Missing("n/c".into());
        },
        VerdictKind::Blocked,
        &["migration-under-way"],
    );
}

#[test]
fn what_takes_its_place_has_to_be_possible() {
    let with = |change: fn(&mut TargetFacts)| {
        let mut target = target();
        change(&mut target);
        VolumeFacts {
            target: Some(target),
            ..facts()
        }
    };
    let blocked = VerdictKind::Blocked;
    expect(
        with(|t| t.twin = Some("pv-2".into())),
        blocked,
        &["handle-shared"],
    );
    let secret = |state| vec![("n/s".to_owned(), state)];
    let facts = |state| VolumeFacts {
        target: Some(TargetFacts {
            secrets: secret(state),
            ..target()
        }),
        ..facts()
    };
    expect(facts(SecretState::There), VerdictKind::Ready, &[]);
    expect(facts(SecretState::Missing), blocked, &["secret-missing"]);
    expect(facts(SecretState::ToCreate), blocked, &["secret-to-create"]);
    let unchecked = SecretState::Unchecked("forbidden".into());
    expect(facts(unchecked), VerdictKind::Ready, &["secret-unchecked"]);
    expect(
        with(|t| t.refused = Some("no".into())),
        blocked,
        &["dry-run-refused"],
    );
    expect(
        with(|t| t.snapshots = vec!["s".into()]),
        VerdictKind::Ready,
        &["snapshot-handle"],
    );
    expect(
        with(|t| {
            let contents = vec!["s".into()];
            t.other_snapshots = Some(OtherSnapshots::OfVolume("d.flex2csi.io".into(), contents));
        }),
        VerdictKind::Ready,
        &["snapshot-driver"],
    );
}

#[test]
fn every_trace_of_use_counts() {
    for (phase, code) in [
        (PodPhase::Pending, "used-by-pod"),
        (PodPhase::Running, "used-by-pod"),
        (PodPhase::Ending, "used-by-pod"),
        (PodPhase::Ended, "used-by-ended-pod"),
    ] {
        changed(
            |facts| facts.pods = vec![pod(phase)],
            VerdictKind::InUse,
            &[code],
        );
    }
    changed(
        |facts| facts.attachments = vec![("csi-1".into(), "a".into())],
        VerdictKind::InUse,
        &["attached"],
    );
    changed(
        |facts| facts.held_by = vec!["a".into()],
        VerdictKind::InUse,
        &["held-by-node"],
    );
    let mount = |state| Mount {
        node: "a".into(),
        pod_uid: "u".into(),
        state,
    };
    changed(
        |facts| facts.mounts = vec![mount(MountState::Original)],
        VerdictKind::InUse,
        &["mounted-by-original"],
    );
    changed(
        |facts| facts.mounts = vec![mount(MountState::Changing("Detaching".into()))],
        VerdictKind::InUse,
        &["mounted-by-shim"],
    );
}

#[test]
fn idle_needs_the_word_of_every_node() {
    let lacking = |silent: &[&str], stale: &[&str], not_ready: &[&str]| {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        Evidence::Lacking {
            silent: names(silent),
            stale: names(stale),
            not_ready: names(not_ready),
        }
    };
    for (evidence, code) in [
        (lacking(&["a"], &[], &[]), "node-silent"),
        (lacking(&[], &["a"], &[]), "node-stale"),
        (lacking(&[], &[], &["a"]), "node-not-ready"),
        (Evidence::NoneForSource, "no-node-evidence"),
    ] {
        changed(
            |facts| facts.evidence = evidence,
            VerdictKind::Blocked,
            &[code],
        );
    }
}

#[test]
fn what_the_cluster_serves_through_csi_goes_on_if_all_is_equal() {
    changed(
        |facts| {
            facts.pods = vec![pod(PodPhase::Running)];
            facts.runtime = Some(Ok(()));
            facts.evidence = Evidence::NoneForSource;
        },
        VerdictKind::ReadyInUse,
        &["runtime-equal", "used-by-pod"],
    );
    changed(
        |facts| {
            facts.pods = vec![pod(PodPhase::Running)];
            facts.runtime = Some(Err("nodeAffinity differs".into()));
        },
        VerdictKind::InUse,
        &["used-by-pod", "runtime-differs"],
    );
}

#[test]
fn what_the_shim_mounted_goes_on_only_with_every_nodes_word() {
    let serve = |facts: &mut VolumeFacts| {
        facts.pods = vec![pod(PodPhase::Running)];
        facts.mounts = vec![Mount {
            node: "a".into(),
            pod_uid: "u".into(),
            state: MountState::Shim,
        }];
    };
    changed(
        serve,
        VerdictKind::ReadyInUse,
        &["served-by-shim", "used-by-pod", "mounted-by-shim"],
    );
    changed(
        |facts| {
            serve(facts);
            facts.shim.republishes = true;
        },
        VerdictKind::InUse,
        &["used-by-pod", "mounted-by-shim", "shim-not-enough"],
    );
    changed(
        |facts| {
            serve(facts);
            facts.evidence = Evidence::Lacking {
                silent: vec!["b".into()],
                stale: vec![],
                not_ready: vec![],
            };
        },
        VerdictKind::Blocked,
        &["node-silent", "used-by-pod", "mounted-by-shim"],
    );
}

#[test]
fn what_is_kept_or_fails_is_not_looked_into_further() {
    let failed = Finding {
        code: "missing-value".into(),
        message: String::new(),
        remedy: String::new(),
        effect: crate::plan::Effect::Block,
    };
    changed(
        |facts| {
            facts.target = None;
            facts.notes = vec![failed];
            facts.pods = vec![pod(PodPhase::Running)];
        },
        VerdictKind::Blocked,
        &["missing-value"],
    );
}

/// Right before it is rewritten only its use counts, and what nobody can tell is no
/// idleness.
#[test]
fn who_uses_it_is_said_by_itself() {
    let mut idle = facts();
    idle.claim = ClaimState::Missing("n/c".into());
    assert_eq!(idle.used(), Use::Idle);
    let mut ended = facts();
    ended.pods = vec![pod(PodPhase::Ended)];
    assert!(matches!(ended.used(), Use::By(who) if who.contains("n/p")));
    let mut silent = facts();
    silent.evidence = Evidence::Lacking {
        silent: vec!["a".into()],
        stale: Vec::new(),
        not_ready: Vec::new(),
    };
    assert!(matches!(silent.used(), Use::Unknown(why) if why.contains('a')));
    silent.pods = vec![pod(PodPhase::Running)];
    assert!(matches!(silent.used(), Use::By(_)));
    let mut equal = facts();
    (equal.runtime, equal.pods) = (Some(Ok(())), vec![pod(PodPhase::Running)]);
    assert!(matches!(equal.used(), Use::By(_)));
    assert!(matches!(VolumeFacts::default().used(), Use::Unknown(_)));
}

/// What a pin leaves on its node is nobody's use; what is there beside it is.
#[test]
fn a_pin_is_left_out_on_its_node_alone() {
    let pinned = ["a".to_owned()];
    let beside = |change: fn(&mut VolumeFacts)| {
        let mut facts = facts();
        change(&mut facts);
        facts.beside_pins(&pinned);
        facts.used()
    };
    let released = |node: &str| Mount {
        node: node.into(),
        pod_uid: String::new(),
        state: MountState::Changing("Unmounting".into()),
    };
    assert_eq!(beside(|facts| facts.held_by.push("a".into())), Use::Idle);
    let elsewhere = beside(|facts| facts.held_by.push("b".into()));
    assert!(matches!(elsewhere, Use::By(_)));
    let mut facts = facts();
    facts.mounts = vec![released("a")];
    facts.beside_pins(&pinned);
    assert_eq!(facts.used(), Use::Idle);
    facts.mounts = vec![released("b")];
    facts.beside_pins(&pinned);
    assert!(matches!(facts.used(), Use::By(_)));
    // One that cannot start there is no use; one that runs is.
    assert_eq!(
        beside(|facts| facts.pods.push(pod(PodPhase::Pending))),
        Use::Idle
    );
    let runs = beside(|facts| facts.pods.push(pod(PodPhase::Running)));
    assert!(matches!(runs, Use::By(_)));
    let mounted = beside(|facts| {
        facts.pods.push(pod(PodPhase::Pending));
        facts.mounts.push(Mount {
            node: "a".into(),
            pod_uid: "u".into(),
            state: MountState::Shim,
        });
    });
    assert!(matches!(mounted, Use::By(_)), "{mounted:?}");
    // Without pins nothing is left out.
    let mut facts = VolumeFacts {
        pods: vec![pod(PodPhase::Pending)],
        ..super::tests::facts()
    };
    facts.beside_pins(&[]);
    assert!(matches!(facts.used(), Use::By(_)));
}
