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
    let lines = async || -> u64 { pod.exec("wc -l </data/log").await.trim().parse().unwrap() };
    let before = lines().await;
    let mut after = before;
    while after < before + 3 {
        assert_eq!(pod.phase().await, "Running", "{} ended", pod.name());
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
        after = lines().await;
    }
    let status = pod.object().await.unwrap().status.unwrap();
    let restarts: i32 = status
        .container_statuses
        .unwrap()
        .iter()
        .map(|status| status.restart_count)
        .sum();
    assert_eq!(restarts, 0, "{} was restarted", pod.name());
}
