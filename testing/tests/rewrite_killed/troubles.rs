//! What else goes wrong meanwhile.

use std::time::Duration;

use flex2csi_testing::Cluster;
use flex2csi_testing::seed::Seed;

/// What happens to the control plane during a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// Nothing.
    None,
    /// kube-apiserver is killed after this time, and started again.
    Server(Duration),
    /// It answers nothing for two seconds.
    Silence(Duration),
    /// kube-controller-manager is killed after this time, and started again later.
    Controllers(Duration),
}

impl Trouble {
    /// One of them, more often none.
    pub fn by_chance(seed: &mut Seed) -> Self {
        let after = Duration::from_millis(seed.below(5_000));
        match seed.below(8) {
            0 => Self::Server(after),
            1 => Self::Silence(after),
            2 => Self::Controllers(after),
            _ => Self::None,
        }
    }

    /// Happens, and is over.
    pub async fn happen(self, cluster: &Cluster) {
        match self {
            Self::None => {}
            Self::Server(after) => {
                tokio::time::sleep(after).await;
                cluster.apiserver.kill().await;
                cluster.apiserver.start_again().await.unwrap();
            }
            Self::Silence(after) => {
                tokio::time::sleep(after).await;
                cluster.apiserver.pause().await.unwrap();
                tokio::time::sleep(Duration::from_secs(2)).await;
                cluster.apiserver.resume().await.unwrap();
            }
            Self::Controllers(after) => {
                tokio::time::sleep(after).await;
                cluster.controllers().kill().await;
                tokio::time::sleep(Duration::from_secs(1)).await;
                cluster.controllers().start_again().await.unwrap();
            }
        }
    }
}
