//! A pod that writes all the time, so that a mount that goes away shows.

use flex2csi_testing::lab::Pod;
use flex2csi_testing::lab::story::Started;

/// A pod that appends a number to `/data/log` five times a second, and ends with an
/// error when it cannot, or when what it wrote before is not there.
pub fn writer(name: &str, claim: &str) -> Pod {
    Pod::new(name).claim(claim, "/data").runs(
        "n=0
         touch /data/log
         had=$(wc -l </data/log)
         while :; do
           n=$((n + 1))
           echo $n >>/data/log || exit 1
           [ $(wc -l </data/log) = $((had + n)) ] || exit 2
           sleep 0.2
         done",
    )
}

/// Checks that a writer has written since, is still the same container, and has lost nothing.
pub async fn writes_on(pod: &Started<'_>) {
    // A kubelet that has just started knows its pods a little later.
    let mut before = None;
    pod.until("it has written since", async || {
        assert_eq!(pod.phase().await, "Running", "{} ended", pod.name());
        let Ok(lines) = pod.try_exec("wc -l </data/log").await else {
            return false;
        };
        let lines: u64 = lines.trim().parse().unwrap();
        lines >= *before.get_or_insert(lines) + 3
    })
    .await;
    let status = pod.object().await.unwrap().status.unwrap();
    let restarts: i32 = status
        .container_statuses
        .unwrap()
        .iter()
        .map(|status| status.restart_count)
        .sum();
    assert_eq!(restarts, 0, "{} was restarted", pod.name());
}
