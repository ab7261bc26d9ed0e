//! Pods that come and go on both nodes while what serves them is killed.

mod tier_3 {
    use std::sync::Arc;
    use std::time::{Duration, Instant};

    use flex2csi_testing::Lab;
    use flex2csi_testing::lab::backend::{BACKEND_NAMESPACE, NAMESPACE};
    use flex2csi_testing::lab::{Backend, NODES, Pod, Started, Story};
    use flex2csi_testing::seed::Seed;

    use crate::killing::Container;

    /// `FLEX2CSI_CHURN=50,300`: so many volumes, for so many seconds.
    fn size() -> (usize, Duration) {
        let text = std::env::var("FLEX2CSI_CHURN").unwrap_or("8,60".to_owned());
        let (volumes, seconds) = text.split_once(',').unwrap();
        let seconds = seconds.parse().unwrap();
        (volumes.parse().unwrap(), Duration::from_secs(seconds))
    }

    #[tokio::test]
    #[ignore = "tier 3: needs containerd, kubelet and root; testing/run prepares them"]
    async fn no_pod_is_stuck_and_no_line_lost_whatever_is_killed() {
        let lab = Arc::new(Lab::start().await.unwrap());
        lab.install().await.unwrap();
        let story = Story::begin(lab.clone(), "churn").await;
        let (volumes, time) = size();
        let end = Instant::now() + time;
        let mut handles = Vec::new();
        for number in 0..volumes {
            let backend = [Backend::Files, Backend::Disks][number % 2];
            handles.push(story.flex_volume(backend, &format!("data-{number}")).await);
        }
        let seed = Seed::from_env("FLEX2CSI_CHURN_SEED", 1);
        let come_and_go = (0..volumes).map(|number| comes_and_goes(&story, number, end));
        let all = futures::future::join_all(come_and_go);
        let (pods, killed) = tokio::join!(all, kill_until(&lab, seed, end));
        for handle in &handles {
            story.nothing_left_of(handle).await;
        }
        let pods: usize = pods.into_iter().sum();
        eprintln!("{pods} pods on {volumes} volumes, {killed} kills");
        assert!(pods >= volumes && killed > 0, "{pods} pods, {killed} kills");
    }

    /// One pod after another on a volume, on either node; each finds the lines of all before it.
    async fn comes_and_goes(story: &Story, number: usize, end: Instant) -> usize {
        let mut lines = 0;
        while Instant::now() < end {
            // One that was to be started again may find its own line.
            let script = format!(
                "touch /data/log
                 [ $(wc -l </data/log) != {lines} ] || echo {lines} >>/data/log
                 [ $(wc -l </data/log) = $(({lines} + 1)) ] && [ $(tail -n 1 /data/log) = {lines} ] && sync"
            );
            let pod = Pod::new(&format!("pod-{number}"))
                .on(NODES[(number + lines) % 2])
                .claim(&format!("data-{number}"), "/data")
                .runs(&script);
            let pod = story.start(&pod).await;
            if has_run(&pod).await {
                lines += 1;
            }
            pod.delete().await;
        }
        lines
    }

    /// Whether a pod has run to its end, which it has to reach well. Without it, kubelet was
    /// killed while it had the container started, which containerd then gives up.
    async fn has_run(pod: &Started<'_>) -> bool {
        pod.until("it ends", async || {
            matches!(&*pod.phase().await, "Succeeded" | "Failed" | "gone")
        })
        .await;
        let status = pod.object().await.and_then(|pod| pod.status).unwrap();
        if status.phase.as_deref() == Some("Succeeded") {
            return true;
        }
        let containers = status.container_statuses.iter().flatten();
        let states =
            containers.filter_map(|container| container.state.as_ref()?.terminated.as_ref());
        let reasons: Vec<_> = states.filter_map(|state| state.reason.as_deref()).collect();
        assert_eq!(reasons, ["StartError"], "{} failed: {status:?}", pod.name());
        false
    }

    /// Kills the daemon, the backend or kubelet, on either node, as the seed says.
    async fn kill_until(lab: &Lab, mut seed: Seed, end: Instant) -> usize {
        let mut killed = 0;
        while Instant::now() < end {
            tokio::time::sleep(Duration::from_millis(2000 + seed.below(4000))).await;
            let node = NODES[usize::from(seed.below(2) == 1)];
            let container = |namespace, label, name| Container {
                node,
                namespace,
                label,
                name,
            };
            let victim = match seed.below(4) {
                0 => container(BACKEND_NAMESPACE, "app=hostpath", "disk"),
                1 => container(BACKEND_NAMESPACE, "app=hostpath", "nas"),
                2 => container(NAMESPACE, "app.kubernetes.io/component=node", "flex2csi"),
                _ => {
                    lab.restart_kubelet(node).await.unwrap();
                    killed += 1;
                    continue;
                }
            };
            if let Some(running) = victim.kill(lab).await {
                killed += 1;
                // Or kubelet would wait longer each time before it starts it again.
                let delete = [
                    "delete",
                    "pod",
                    "-n",
                    victim.namespace,
                    &running.pod,
                    "--grace-period=1",
                    "--wait=false",
                ];
                lab.kubectl(delete).await.unwrap();
            }
        }
        killed
    }
}
