//! A fence that a run before has left.

use std::sync::Arc;
use std::time::Duration;

use kube::Client;
use tokio::time::sleep;

use super::server::{Server, bindings, policies};
use super::users::holders;
use super::{Fence, FenceError};
use crate::api_client::ReachArgs;
use crate::daemon;
use crate::drive::work::line;
use crate::exit::Done;

/// Who says nothing for so long is dead. Only one's own clock counts.
const STALE: Duration = Duration::from_secs(15);

/// What is done about fences when a run begins: one that is left over goes, and one is
/// put up if that is asked for.
///
/// # Errors
/// It is asked for, and cannot be put up.
pub async fn at_start(
    client: &Client,
    holder: &str,
    wanted: bool,
) -> Result<Option<Arc<Fence>>, FenceError> {
    match remove_stale(client).await {
        Ok(Removed::Gone) => line("a fence that a run before has left is removed"),
        Ok(Removed::None | Removed::Used) => {}
        Err(error) if wanted => return Err(error),
        // It is there, and turns pods away.
        Err(error) if error.is_of_removal() => line(&format!(
            "warning: a fence that a run before has left is still there: {error}; whoever may do \
             that removes it with `flex2csi rewrite --remove-fence`"
        )),
        // Who has no rights for it did not put it up.
        Err(error) => tracing::debug!(%error, "no look at fences"),
    }
    match wanted {
        true => Fence::install(client, holder).await.map(Some),
        false => Ok(None),
    }
}

/// `flex2csi rewrite --remove-fence`
///
/// # Errors
/// It cannot be removed.
pub fn remove_left(cluster: &ReachArgs) -> anyhow::Result<Done> {
    daemon::run(async |stop| {
        let client = cluster.client().await?;
        tokio::select! {
            removed = remove_stale(&client) => match removed? {
                Removed::Gone => line("the fence is removed"),
                Removed::None => line("there is no fence"),
                Removed::Used => anyhow::bail!(
                    "the fence is in use by a `flex2csi` that runs, and goes when that ends"
                ),
            },
            () = stop.cancelled() => anyhow::bail!("interrupted"),
        }
        Ok(Done::All)
    })
}

/// What became of a fence that was looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Removed {
    /// There was none.
    None,
    /// It is gone.
    Gone,
    /// Processes that live use it.
    Used,
}

/// Removes a fence that nobody uses any more.
///
/// # Errors
/// The API server does not do it.
async fn remove_stale(client: &Client) -> Result<Removed, FenceError> {
    let server = Server(client.clone());
    let Some(policy) = server.look(&policies(), "").await? else {
        // Whoever was removing it may not have come to the end.
        return Ok(match server.look(&bindings(), "").await? {
            Some(_) => {
                server.delete(&bindings(), "", None).await?;
                Removed::Gone
            }
            None => Removed::None,
        });
    };
    let before = holders(&policy);
    if !before.is_empty() {
        sleep(STALE).await;
    }
    let Some(policy) = server.look(&policies(), "").await? else {
        return Ok(Removed::None);
    };
    let lives = holders(&policy)
        .iter()
        .any(|(who, time)| before.get(who) != Some(time));
    if lives {
        return Ok(Removed::Used);
    }
    Ok(match server.remove(&policy).await? {
        true => Removed::Gone,
        false => Removed::Used,
    })
}
