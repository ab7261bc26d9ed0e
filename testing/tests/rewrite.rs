//! `flex2csi rewrite`, `status` and `rollback` over a fleet on a real cluster, with the
//! rights of `deploy/rbac` and no others.

#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.

mod tier_2 {
    use flex2csi_testing::controller_manager::ApiRate;
    use flex2csi_testing::fleet::{Expect, Member};
    use flex2csi_testing::rewriter::Rewriter;
    use flex2csi_testing::tool::Ended;
    use serde_json::Value;

    /// Runs the program, which dies at a step if that is asked for.
    async fn run(site: &Rewriter, args: &[&str], die_at: &str) -> Ended {
        let (verb, rest) = args.split_first().unwrap();
        let mut tool = site.tool(verb, None).unwrap().arguments(rest);
        if !die_at.is_empty() {
            tool = tool.variable("FLEX2CSI_DIE_AT", die_at);
        }
        tool.run().await.unwrap()
    }

    /// Runs the program, which has to end well.
    async fn done(site: &Rewriter, args: &[&str]) -> String {
        let ended = run(site, args, "").await;
        assert_eq!(ended.code, Some(0), "{args:?}: {}", said(&ended));
        said(&ended)
    }

    /// What `status` says of the objects, by phase.
    async fn phases_of(site: &Rewriter) -> Vec<(String, String)> {
        let ended = run(site, &["status", "-o", "json"], "").await;
        let lines = ended.stdout.lines();
        lines
            .map(|line| {
                let line: Value = serde_json::from_str(line).unwrap();
                let text = |key: &str| line[key].as_str().unwrap().to_owned();
                (text("name"), text("phase"))
            })
            .collect()
    }

    fn said(ended: &Ended) -> String {
        format!("{}{}", ended.stdout, ended.stderr)
    }

    /// The fleet is planned, reviewed, rewritten by a process that is killed in the
    /// middle of it and by its successor, and brought back.
    #[tokio::test]
    #[ignore = "tier 2: needs etcd, kube-apiserver, kube-controller-manager and kubectl; testing/run prepares them"]
    async fn a_fleet_is_planned_rewritten_after_a_kill_and_rolled_back() {
        let site = Rewriter::start(ApiRate::FAST, 72).await.unwrap();
        let plan = site.file("plan.yaml");
        let node = "--without-node-evidence";
        done(&site, &["plan", "--out", &plan, node]).await;
        // Whoever reviews it says that volumes made by hand keep their policy.
        let text = std::fs::read_to_string(&plan).unwrap();
        std::fs::write(&plan, text.replace("keepDelete: false", "keepDelete: true")).unwrap();

        // Without the journal, and without --yes, nothing is done.
        let rewrite = ["rewrite", "--plan", &plan, node, "--yes"];
        let output = run(&site, &rewrite, "").await;
        assert_eq!(output.code, Some(2), "{}", said(&output));
        assert!(
            said(&output).contains("kubectl apply -f deploy/crds/volumemigrations.yaml"),
            "{}",
            said(&output)
        );
        site.cluster.install_definitions().await.unwrap();
        let shown = done(&site, &["rewrite", "--plan", &plan, node]).await;
        assert!(shown.contains("dry run"), "{shown}");
        let shown = done(&site, &["status"]).await;
        assert!(shown.contains("Nothing was rewritten"), "{shown}");
        site.fleet
            .check(&site.cluster, Expect::Originals)
            .await
            .unwrap();

        let witness = site.fleet.watch(&site.cluster).await.unwrap();
        let backup = site.file("backup");
        let rewrite = [&rewrite[..], &["--backup", &backup]].concat();
        let killed = run(&site, &rewrite, "delete.after:20").await;
        assert_eq!(killed.code, None, "{}", said(&killed));
        let phases = phases_of(&site).await;
        let count = |phase: &str| phases.iter().filter(|(_, is)| is == phase).count();
        assert!(
            count("Rewritten") > 0 && count("Replacing") > 0,
            "{phases:?}"
        );

        let interrupted: Vec<&String> = phases
            .iter()
            .filter(|(_, phase)| phase == "Replacing")
            .map(|(name, _)| name)
            .collect();
        let log = done(&site, &rewrite).await;
        println!("{log}");
        site.fleet
            .check(&site.cluster, Expect::Translated)
            .await
            .unwrap();
        let lost = witness.so_far().await.unwrap();
        let undisturbed = |member: &Member| !interrupted.contains(&&member.name);
        println!("{lost}");
        println!("undisturbed: {}", witness.of(undisturbed).await.unwrap());
        assert_eq!(lost.replaced, site.fleet.members.len());
        let phases = phases_of(&site).await;
        assert!(
            phases.iter().all(|(_, phase)| phase == "Rewritten"),
            "{phases:?}"
        );
        // What the kill left half written has another name.
        let backups = std::fs::read_dir(&backup).unwrap();
        let names = backups.map(|entry| entry.unwrap().file_name());
        let whole = names.filter(|name| name.to_string_lossy().ends_with(".yaml"));
        assert_eq!(whole.count(), phases.len());

        // Once more, there is nothing to do.
        let again = done(&site, &rewrite).await;
        assert!(
            again.contains(&format!("{} done before", phases.len())),
            "{again}"
        );

        // One back, then, in two shares, all.
        let one = site.fleet.members.keys().next().unwrap();
        let shown = done(&site, &["rollback", "--pv", one]).await;
        assert!(shown.contains("dry run") && shown.contains(one), "{shown}");
        done(&site, &["rollback", "--pv", one, node, "--yes"]).await;
        let share = |index| ["rollback", "--all", "--shard", index, node, "--yes"];
        let (first, second) = (share("0/2"), share("1/2"));
        let (first, second) = tokio::join!(run(&site, &first, ""), run(&site, &second, ""));
        for output in [first, second] {
            assert_eq!(output.code, Some(0), "{}", said(&output));
        }
        site.fleet
            .check(&site.cluster, Expect::Originals)
            .await
            .unwrap();
        let phases = phases_of(&site).await;
        assert!(
            phases.iter().all(|(_, phase)| phase == "RolledBack"),
            "{phases:?}"
        );
        witness.so_far().await.unwrap();
    }
}
