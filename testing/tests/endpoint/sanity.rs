//! csi-sanity passes through the endpoint exactly what it passes without.

mod tier_1 {
    use std::path::Path;

    use flex2csi_testing::csi_sanity::{CsiSanity, Outcome, Outcomes};
    use flex2csi_testing::served::Served;

    use crate::rig::{Rig, text};

    /// mkfs.xfs makes no smaller ones; the files are sparse.
    const SIZE: u64 = 384 << 20;
    const EXPANDED: u64 = 512 << 20;

    async fn run(socket: &Path, kind: &str, of: impl FnOnce(CsiSanity) -> CsiSanity) -> Outcomes {
        let directory = tempfile::tempdir().unwrap();
        let sanity = CsiSanity::new(socket, directory.path())
            .sizes(SIZE, EXPANDED)
            .mutable_parameter("iops", "100")
            .parameter("kind", kind)
            .attach_limit();
        let sanity = of(if kind == "block" {
            sanity.block()
        } else {
            sanity
        });
        let log = sanity.log();
        let run = tokio::task::spawn_blocking(move || sanity.run()).await;
        let outcomes = run.unwrap().unwrap();
        let mut all = outcomes.values();
        if all.any(|outcome| *outcome == Outcome::Failed) {
            panic!("{}", std::fs::read_to_string(log).unwrap());
        }
        outcomes
    }

    async fn the_same_passes(kind: &str) {
        let backend = ["--node-id", "node", "--attach", "--max-volumes", "4"];
        let rig = Rig::start(&backend, &[]).await;
        let direct = run(&rig.direct(), kind, |sanity| sanity).await;
        let through = run(&rig.through(), kind, |sanity| sanity).await;
        assert_eq!(direct, through);
        rig.end();
    }

    #[tokio::test]
    #[ignore = "needs root: mounts, and csi-sanity, which testing/run builds"]
    async fn for_directories() {
        the_same_passes("directory").await;
    }

    #[tokio::test]
    #[ignore = "needs root: mounts, and csi-sanity, which testing/run builds"]
    async fn for_ext4() {
        the_same_passes("ext4").await;
    }

    #[tokio::test]
    #[ignore = "needs root: mounts, and csi-sanity, which testing/run builds"]
    async fn for_xfs() {
        the_same_passes("xfs").await;
    }

    #[tokio::test]
    #[ignore = "needs root: mounts, and csi-sanity, which testing/run builds"]
    async fn for_btrfs() {
        the_same_passes("btrfs").await;
    }

    #[tokio::test]
    #[ignore = "needs root: mounts, and csi-sanity, which testing/run builds"]
    async fn for_block_devices() {
        the_same_passes("block").await;
    }

    /// As in a cluster: a socket for the node's calls, one for the controller's, on
    /// both sides.
    #[tokio::test]
    #[ignore = "needs root: mounts, and csi-sanity, which testing/run builds"]
    async fn for_two_daemons_in_front_of_two_sockets() {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name);
        let (node, controller) = (path("node.sock"), path("controller.sock"));
        let (state, records) = (text(&path("state")), text(&path("records")));
        let driver = [
            "hostpath",
            "--node-id",
            "node",
            "--attach",
            "--max-volumes",
            "4",
            "--state-dir",
            &state,
            "--endpoint",
            &text(&node),
            "--controller-endpoint",
            &text(&controller),
        ];
        let driver = Served::start("backend", driver, &controller, directory.path()).await;
        let mut daemons = vec![driver.unwrap()];
        for (verb, backend) in [("node", &node), ("controller", &controller)] {
            let endpoint = path(&format!("{verb}-endpoint.sock"));
            let args = [
                verb,
                "--backend",
                &text(backend),
                "--endpoint",
                &text(&endpoint),
                "--state",
                &records,
            ];
            let daemon = Served::start(verb, args, &endpoint, directory.path()).await;
            daemons.push(daemon.unwrap());
        }
        let direct = run(&node, "directory", |sanity| {
            sanity.controller_endpoint(&controller)
        })
        .await;
        let (node, controller) = (daemons[1].socket.clone(), daemons[2].socket.clone());
        let through = run(&node, "directory", |sanity| {
            sanity.controller_endpoint(&controller)
        })
        .await;
        assert_eq!(direct, through);
    }
}
