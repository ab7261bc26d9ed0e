//! The API server does not let us, or not all the way.

use super::cluster::{Act, Rule};
use super::rig::{CREDENTIAL, Rig, pod};
use super::store::{EVENTS, MIGRATIONS, VOLUMES};

const WEBHOOK: &str = "admission webhook \"policy.example.com\" denied the request: \
                       every volume has an owner label";

#[test]
fn a_webhook_that_refuses_the_new_object_is_heard_before_anything_is_deleted() {
    let rig = Rig::new(&["a"]);
    let new = ["POST", VOLUMES, "dryRun=All"];
    rig.cluster
        .rule(Rule::always(&new, Act::Refuse(403, WEBHOOK)));
    // The plan knows it already.
    rig.run(&["plan"])
        .ended(0)
        .said("dry-run-refused")
        .said("owner");
    // Without having asked, the rewrite does.
    rig.run(&["rewrite", "--all", "--no-server-dry-run", "--yes"])
        .ended(1)
        .said(WEBHOOK)
        .said("create (only checked) PersistentVolume pv-a")
        .said("go on");
    rig.assert_untouched("a");
    rig.run(&["status"])
        .ended(1)
        .said("1 stopped")
        .said("owner label");
    // It left its mark; bringing it back takes that off.
    rig.run(&["rollback", "--all", "--yes"]).ended(0);
    rig.assert_untouched("a");
    let annotations = rig.volume("a")["metadata"]["annotations"].clone();
    assert_eq!(annotations.as_object().unwrap().len(), 1, "{annotations}");
}

/// A webhook may repeat what it was shown. (That nothing printed has the credential is
/// checked of every run.)
#[test]
fn what_a_webhook_says_is_told_without_credentials() {
    for (step, dry_run) in [(["POST", VOLUMES], true), (["PATCH", VOLUMES], false)] {
        let rig = Rig::new(&["a"]);
        let said = String::leak(format!(
            "denied: {{\"secretKey\": \"{CREDENTIAL}\"}} is not ours"
        ));
        let rule = Rule::always(&step, Act::Refuse(403, said));
        rig.cluster.rule(match dry_run {
            true => rule,
            false => rule.but(&["dryRun"]),
        });
        rig.run(&["rewrite", "--all", "--no-server-dry-run", "--yes"])
            .ended(1)
            .said("<redacted>")
            .said("is not ours");
        rig.run(&["status"]).ended(1).said("<redacted>");
        let store = rig.cluster.store();
        let record = store.get(MIGRATIONS, "", "pv-pv-a").unwrap();
        for told in [&record["status"]].into_iter().chain(store.list(EVENTS)) {
            assert!(!told.to_string().contains(CREDENTIAL), "{told}");
        }
        assert!(!store.list(EVENTS).is_empty());
    }
}

#[test]
fn a_webhook_that_changes_its_mind_in_the_gap_stops_it_there() {
    let rig = Rig::new(&["a", "b"]);
    let rule = Rule::always(&["POST", VOLUMES], Act::Refuse(403, WEBHOOK)).but(&["dryRun"]);
    rig.cluster.rule(rule);
    rig.run(&["rewrite", "--pv", "pv-a", "--yes"])
        .ended(1)
        .said(WEBHOOK)
        .said("let the webhook or policy that is named allow it, then go on");
    assert!(rig.volume("a").is_null());
    rig.run(&["status"])
        .ended(1)
        .said("1 stopped")
        .said("owner label");
    rig.assert_untouched("b");
    // Forward once it is let, or back: here forward.
    rig.cluster.no_rules();
    rig.run(&["rewrite", "--pv", "pv-a", "--yes"]).ended(0);
    rig.assert_rewritten("a");
    rig.assert_claims();
}

/// A right that is taken away at each step in turn. Whoever gives it again goes on,
/// forward or back.
#[test]
fn rights_that_go_missing_half_way_lose_nothing() {
    let steps: [&[&str]; 7] = [
        &["POST", MIGRATIONS],
        &["PATCH", MIGRATIONS, "/status"],
        &["PATCH", VOLUMES],
        &["DELETE", VOLUMES],
        &["POST", VOLUMES],
        &["PATCH", "persistentvolumeclaims/a"],
        &["GET", "persistentvolumeclaims/a"],
    ];
    std::thread::scope(|scope| {
        for step in steps {
            scope.spawn(move || {
                for verb in ["rewrite", "rollback"] {
                    let rig = Rig::new(&["a", "b"]);
                    let has: Vec<&'static str> = step
                        .iter()
                        .map(|text| -> &'static str { String::leak((*text).to_owned()) })
                        .collect();
                    let rule = Rule::always(&has, Act::Refuse(403, "you cannot do that"));
                    rig.cluster.rule(rule.but(&["dryRun"]));
                    let ended = rig.run(&["rewrite", "--pv", "pv-a", "--yes"]).ended(1);
                    let ended = ended.said("you cannot do that");
                    assert!(ended.stderr.contains("deploy/rbac/rewrite.yaml") || step[0] == "GET");
                    rig.assert_untouched("b");
                    rig.cluster.no_rules();
                    rig.run(&[verb, "--pv", "pv-a", "--yes"]).ended(0);
                    match verb {
                        "rewrite" => rig.assert_rewritten("a"),
                        _ => rig.assert_original("a"),
                    }
                    rig.assert_claims();
                }
            });
        }
    });
}

/// One right of many may be missing: then nothing is begun that could not be ended.
#[test]
fn a_right_that_is_missing_is_told_before_anything_is_touched() {
    for (denied, args) in [
        ("delete persistentvolumes", &["--all"][..]),
        ("patch volumemigrations", &["--all"]),
        ("create storageclasses", &["--all"]),
        ("patch persistentvolumeclaims", &["--pv", "pv-a"]),
    ] {
        let rig = Rig::new(&["a"]);
        rig.run(&["rewrite", "--pv", "pv-a", "--yes"]).ended(0);
        let writes = rig.cluster.writes().len();
        rig.cluster.store().denied = vec![denied];
        for verb in ["rewrite", "rollback"] {
            // Nothing of a class is recorded.
            if denied == "create storageclasses" && verb == "rollback" {
                continue;
            }
            rig.run(&[&[verb, "--yes"], args].concat())
                .ended(2)
                .said(denied)
                .said("deploy/rbac/rewrite.yaml");
        }
        assert_eq!(rig.cluster.writes().len(), writes, "{denied}");
    }
    // What it can do without, and what is not asked for.
    let rig = Rig::new(&["a"]);
    rig.cluster.store().denied = vec![
        "watch persistentvolumes",
        "create events",
        "delete storageclasses",
    ];
    rig.run(&["rewrite", "--pv", "pv-a", "--yes"]).ended(0);
    rig.assert_rewritten("a");
}

/// What only some runs do needs rights of its own.
#[test]
fn what_this_very_run_needs_is_asked_for_before_anything_is_touched() {
    let rig = Rig::new(&["a", "b"]);
    rig.run(&["rewrite", "--pv", "pv-a", "--yes"]).ended(0);
    let writes = rig.cluster.writes().len();
    let denies = |denied| rig.cluster.store().denied = vec![denied];
    let said = "nothing was done: you may not";
    for denied in ["create validatingadmissionpolicies", "patch claimfences"] {
        denies(denied);
        for verb in ["rewrite", "rollback"] {
            rig.run(&[verb, "--all", "--fence", "--yes"])
                .ended(2)
                .said(said)
                .said(denied)
                .said("(deploy/rbac/rewrite-fence.yaml has the rights)");
        }
    }
    {
        let mut store = rig.cluster.store();
        let set = serde_json::json!({
            "metadata": {"name": "web", "namespace": "shop", "uid": "uid-of-web"},
            "spec": {"replicas": 1},
        });
        store.put("/apis/apps/v1/statefulsets", set);
        let mut pod = pod("b");
        pod["metadata"]["ownerReferences"] = serde_json::json!([{
            "apiVersion": "apps/v1", "kind": "StatefulSet", "name": "web", "uid": "uid-of-web",
            "controller": true,
        }]);
        store.put("/api/v1/pods", pod);
    }
    denies("patch statefulsets");
    rig.run(&["rewrite", "--all", "--restart", "--yes"])
        .ended(2)
        .said(said)
        .said("patch statefulsets.apps in namespace shop (deploy/rbac/rewrite-restart.yaml has");
    // A dry run warns of it.
    rig.run(&["rewrite", "--all", "--restart"])
        .ended(0)
        .said("warning: with --yes nothing would be done: you may not patch statefulsets.apps");
    assert_eq!(rig.cluster.writes().len(), writes);
    // One that stops nothing does not need it, nor does one of other kinds.
    rig.run(&["rewrite", "--all", "--yes"])
        .ended(0)
        .said("in use");
    denies("watch pods");
    rig.run(&["rewrite", "--all", "--wait-idle=1s", "--yes"])
        .ended(1)
        .said("you may not watch pods (deploy/rbac/rewrite-restart.yaml has the rights)")
        .said("every 10 s");
}

#[test]
fn a_record_that_cannot_be_read_stands_in_nobody_elses_way() {
    let rig = Rig::new(&["a"]);
    let record = serde_json::json!({"metadata": {"name": "pv-x"}, "spec": {"kind": "Pod"}});
    rig.cluster.store().put(MIGRATIONS, record);
    for verb in ["rewrite", "rollback"] {
        rig.run(&[verb, "--all", "--yes"])
            .ended(1)
            .said("PersistentVolume x: failed: VolumeMigration pv-x cannot be read")
            .said("1 done, 1 failed");
    }
    rig.assert_original("a");
}

/// As the authorizer says it.
const CANNOT: &str = "forbidden: User \"t\" cannot do that at the cluster scope";

#[test]
fn a_server_that_was_just_started_is_believed_once_it_is_ready() {
    let rig = Rig::new(&["a", "b"]);
    let unready = Rule {
        times: 3,
        ..Rule::always(&["GET /readyz"], Act::Refuse(403, CANNOT))
    };
    rig.cluster.rule(unready);
    let calls: [&[&str]; 6] = [
        &["GET /api/v1/namespaces/kube-system"],
        &["GET", MIGRATIONS, "limit="],
        &["GET", "/pods?"],
        &["POST", MIGRATIONS],
        &["PATCH", VOLUMES],
        &["DELETE", VOLUMES],
    ];
    for call in calls {
        rig.cluster.rule(Rule::once(call, Act::Refuse(403, CANNOT)));
    }
    rig.run(&["rewrite", "--all", "--yes"]).ended(0);
    rig.assert_rewritten("a");
    rig.assert_rewritten("b");
    rig.assert_claims();
    // One that stays is believed.
    rig.cluster
        .rule(Rule::always(&["PATCH", VOLUMES], Act::Refuse(403, CANNOT)));
    rig.run(&["rollback", "--pv", "pv-a", "--yes"])
        .ended(1)
        .said(CANNOT)
        .said("give the right that is named");
    assert_eq!(rig.deletions("a"), 1);
    assert!(rig.volume("a")["spec"]["csi"].is_object());
}

#[test]
fn a_cluster_without_the_journal_is_told_to_get_it() {
    let rig = Rig::new(&["a"]);
    rig.cluster.store().has_journal = false;
    for verb in ["rewrite", "rollback"] {
        rig.run(&[verb, "--all", "--yes"])
            .ended(2)
            .said("kubectl apply -f deploy/crds/volumemigrations.yaml");
    }
    rig.run(&["status"])
        .ended(2)
        .said("kubectl apply -f deploy/crds/volumemigrations.yaml");
    // What a rewrite would do can be seen all the same.
    rig.run(&["rewrite", "--all"]).ended(0).said("warning");
    assert!(rig.cluster.writes().is_empty());
}

#[test]
fn a_journal_of_another_version_is_noticed_before_anything_is_deleted() {
    for field in ["restore", "claim", "body"] {
        let rig = Rig::new(&["a"]);
        rig.cluster.store().unknown = Some(field);
        rig.run(&["rewrite", "--all", "--yes"])
            .ended(1)
            .said("unknown field")
            .said("apply the deploy/crds/volumemigrations.yaml of this version");
        rig.assert_untouched("a");
        // The right one is applied.
        rig.cluster.store().unknown = None;
        rig.run(&["rewrite", "--all", "--yes"]).ended(0);
        rig.assert_rewritten("a");
    }
}

#[test]
fn who_may_not_read_the_journal_does_nothing() {
    let rig = Rig::new(&["a"]);
    let journal = ["GET", MIGRATIONS, "limit="];
    rig.cluster.rule(Rule::always(
        &journal,
        Act::Refuse(403, "you cannot list them"),
    ));
    for verb in ["rewrite", "rollback"] {
        rig.run(&[verb, "--all", "--yes"])
            .ended(2)
            .said("the journal cannot be read")
            .said("deploy/rbac/rewrite.yaml has the rights");
    }
    rig.run(&["status"]).ended(2);
    rig.assert_untouched("a");
}
