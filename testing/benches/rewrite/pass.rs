//! One peer's rewrite of some volumes.

use std::time::{Duration, Instant};

use flex2csi_testing::Cluster;
use flex2csi_testing::fleet::{Expect, Fleet, Lost, Witness};

use crate::peer::Peer;

/// Long enough for every claim to come back by the controller's own resync.
const BOUND_WITHIN: Duration = Duration::from_secs(180);

/// How a pass went.
pub struct Pass {
    pub volumes: usize,
    /// Until the program ended.
    pub program: Duration,
    /// Until the last claim was Bound.
    pub bound: Duration,
    pub lost: Lost,
    pub peak_kib: u64,
}

impl Pass {
    /// Volumes a second until the last was Bound again.
    pub fn rate(&self) -> f64 {
        self.volumes as f64 / self.bound.as_secs_f64()
    }
}

pub async fn run(cluster: &Cluster, part: &Fleet, witness: &Witness, peer: &Peer) -> Pass {
    // The controller's bucket of calls fills up again.
    tokio::time::sleep(Duration::from_secs(3)).await;
    let directory = tempfile::tempdir().unwrap();
    let tool = peer.tool(cluster, part, directory.path());
    let tool = tool.deadline(BOUND_WITHIN);
    let start = Instant::now();
    let ended = tool.run().await.unwrap();
    assert_eq!(ended.code, Some(0), "{}: {}", peer.name, ended.stderr);
    // A peer that does not put the policy back leaves `Retain`.
    while let Err(error) = part.check(cluster, Expect::Either).await {
        assert!(start.elapsed() < BOUND_WITHIN, "{}: {error}", peer.name);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let bound = start.elapsed();
    let is_of_the_part = |name: &str| part.members.contains_key(name);
    let lost = witness.of(|member| is_of_the_part(&member.name)).await;
    let lost = lost.unwrap();
    assert_eq!(lost.replaced, part.members.len(), "{}", peer.name);
    Pass {
        volumes: part.members.len(),
        program: ended.time,
        bound,
        lost,
        peak_kib: ended.peak_kib,
    }
}
