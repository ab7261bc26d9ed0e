//! `flex2csi rewrite`, `status` and `rollback` over a fleet on a real cluster, with the
//! rights of `deploy/rbac` and no others.

#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.

mod tier_2 {
    use std::path::PathBuf;
    use std::process::{Output, Stdio};

    use flex2csi_testing::applied::applied;
    use flex2csi_testing::controller_manager::ApiRate;
    use flex2csi_testing::deployed::deployed;
    use flex2csi_testing::fleet::{Expect, Fleet, Member, Size};
    use flex2csi_testing::users::User;
    use flex2csi_testing::{Cluster, Setup, programs, rewrite_account, rights};
    use serde_json::Value;
    use tokio::io::{AsyncBufReadExt as _, BufReader};

    /// A cluster with a fleet, and who rewrites it.
    struct Site {
        cluster: Cluster,
        fleet: Fleet,
        user: User,
        values: PathBuf,
    }

    impl Site {
        async fn new(pairs: usize) -> Self {
            let user = rewrite_account::user();
            let setup = Setup::binding(ApiRate::FAST).user(user.clone());
            let cluster = Cluster::start_with(&setup).await.unwrap();
            rewrite_account::install(&cluster, &[]).await.unwrap();
            let fleet = Fleet::make(&cluster, &Size::pairs(pairs)).await.unwrap();
            let values = fleet.values_file(&cluster).unwrap();
            Self {
                cluster,
                fleet,
                user,
                values,
            }
        }

        fn file(&self, name: &str) -> String {
            let path = self.cluster.directory().join(name);
            path.to_str().unwrap().to_owned()
        }

        /// Runs the program, which dies at a step if that is asked for.
        async fn run(&self, args: &[&str], die_at: &str) -> Output {
            self.command(args, die_at).output().await.unwrap()
        }

        fn command(&self, args: &[&str], die_at: &str) -> tokio::process::Command {
            let mut command = tokio::process::Command::new(programs::flex2csi().unwrap());
            command
                .args(args)
                .arg("--kubeconfig")
                .arg(self.user.kubeconfig(self.cluster.directory()))
                .stdin(Stdio::null())
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .kill_on_drop(true);
            if args
                .first()
                .is_some_and(|verb| matches!(*verb, "plan" | "rewrite"))
            {
                command.arg("--values").arg(&self.values);
            }
            if !die_at.is_empty() {
                command.env("FLEX2CSI_DIE_AT", die_at);
            }
            command
        }

        /// Runs the program, which has to end well.
        async fn done(&self, args: &[&str]) -> String {
            let output = self.run(args, "").await;
            let said = said(&output);
            assert_eq!(output.status.code(), Some(0), "{args:?}: {said}");
            said
        }

        /// What `status` says of the objects, by phase.
        async fn phases(&self) -> Vec<(String, String)> {
            let output = self.run(&["status", "-o", "json"], "").await;
            let text = String::from_utf8(output.stdout).unwrap();
            text.lines()
                .map(|line| {
                    let line: Value = serde_json::from_str(line).unwrap();
                    let text = |key: &str| line[key].as_str().unwrap().to_owned();
                    (text("name"), text("phase"))
                })
                .collect()
        }
    }

    fn said(output: &Output) -> String {
        String::from_utf8_lossy(&output.stdout).into_owned()
            + &String::from_utf8_lossy(&output.stderr)
    }

    /// The fleet is planned, reviewed, rewritten by a process that is killed in the
    /// middle of it and by its successor, and brought back.
    #[tokio::test]
    #[ignore = "tier 2: needs etcd, kube-apiserver and kube-controller-manager; testing/run prepares them"]
    async fn a_fleet_is_planned_rewritten_after_a_kill_and_rolled_back() {
        let site = Site::new(72).await;
        let plan = site.file("plan.yaml");
        let node = "--without-node-evidence";
        site.done(&["plan", "--out", &plan, node]).await;
        // Whoever reviews it says that volumes made by hand keep their policy.
        let text = std::fs::read_to_string(&plan).unwrap();
        std::fs::write(&plan, text.replace("keepDelete: false", "keepDelete: true")).unwrap();

        // Without the journal, and without --yes, nothing is done.
        let rewrite = ["rewrite", "--plan", &plan, node, "--yes"];
        let output = site.run(&rewrite, "").await;
        assert_eq!(output.status.code(), Some(2), "{}", said(&output));
        assert!(
            said(&output).contains("kubectl apply -f deploy/crds/volumemigrations.yaml"),
            "{}",
            said(&output)
        );
        applied(&site.cluster, deployed("crds/volumemigrations.yaml"))
            .await
            .unwrap();
        let shown = site.done(&["rewrite", "--plan", &plan, node]).await;
        assert!(shown.contains("dry run"), "{shown}");
        let shown = site.done(&["status"]).await;
        assert!(shown.contains("Nothing was rewritten"), "{shown}");
        site.fleet
            .check(&site.cluster, Expect::Originals)
            .await
            .unwrap();

        let witness = site.fleet.watch(&site.cluster).await.unwrap();
        let backup = site.file("backup");
        let rewrite = [&rewrite[..], &["--backup", &backup]].concat();
        let killed = site.run(&rewrite, "delete.after:20").await;
        assert_eq!(killed.status.code(), None, "{}", said(&killed));
        let phases = site.phases().await;
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
        let log = site.done(&rewrite).await;
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
        let phases = site.phases().await;
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
        let again = site.done(&rewrite).await;
        assert!(
            again.contains(&format!("{} done before", phases.len())),
            "{again}"
        );

        // One back, then, in two shares, all.
        let one = site.fleet.members.keys().next().unwrap();
        let shown = site.done(&["rollback", "--pv", one]).await;
        assert!(shown.contains("dry run") && shown.contains(one), "{shown}");
        let mut looking = site.command(&["status", "--watch"], "").spawn().unwrap();
        let mut seen = BufReader::new(looking.stdout.take().unwrap()).lines();
        // It has shown what there is, and looks from then on.
        seen.next_line().await.unwrap();
        site.done(&["rollback", "--pv", one, node, "--yes"]).await;
        while let Some(line) = seen.next_line().await.unwrap() {
            if line.contains(one.as_str()) && line.contains("RolledBack") {
                break;
            }
        }
        looking.kill().await.unwrap();
        let share = |index| ["rollback", "--all", "--shard", index, node, "--yes"];
        let (first, second) = (share("0/2"), share("1/2"));
        let (first, second) = tokio::join!(site.run(&first, ""), site.run(&second, ""));
        for output in [first, second] {
            assert_eq!(output.status.code(), Some(0), "{}", said(&output));
        }
        site.fleet
            .check(&site.cluster, Expect::Originals)
            .await
            .unwrap();
        let phases = site.phases().await;
        assert!(
            phases.iter().all(|(_, phase)| phase == "RolledBack"),
            "{phases:?}"
        );
        witness.so_far().await.unwrap();
        rights::prove(&site.cluster, "rewrite", &["get secrets"]).await;
    }
}
