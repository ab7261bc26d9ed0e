//! `flex2csi rewrite --wait-idle`: rewrites volumes that are in use as those who use
//! them go.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::time::Instant;

use super::args::Wait;
use super::idle::news::News;
use super::idle::{Seen, is_passing};
use super::rewrite::Run;
use super::work::{Tally, line};
use crate::plan::row::Row;

/// Without anything else to say, one says so often that one waits.
const SAY: Duration = Duration::from_secs(600);

/// The namespaces in which pods may use volumes.
pub(super) fn namespaces(rows: &[Row]) -> BTreeSet<String> {
    let claims = rows.iter().filter_map(|row| row.claim.as_ref());
    claims.map(|claim| claim.namespace.clone()).collect()
}

/// Waits for volumes that are in use, and rewrites them. Those that it did not come to
/// count as left.
///
/// # Errors
/// The cluster cannot be read.
pub(super) async fn all(
    run: &Run<'_>,
    mut rows: Vec<Row>,
    wait: Wait,
    tally: &mut Tally,
) -> anyhow::Result<()> {
    let idle = run.idle().await?;
    let mut news = News::start(&run.client, namespaces(&rows));
    let until = wait.0.map(|longest| Instant::now() + longest);
    let mut said: Option<(usize, Instant)> = None;
    while !rows.is_empty() {
        if run.is_over(tally) {
            break;
        }
        match idle.look(&rows).await {
            Ok(seen) => {
                let users = rewrite(run, &mut rows, seen, tally).await?;
                let is_due =
                    said.is_none_or(|(count, at)| count != rows.len() || at.elapsed() >= SAY);
                if is_due && let Some(first) = users.first() {
                    line(&waiting(rows.len(), first, until));
                    said = Some((rows.len(), Instant::now()));
                }
            }
            Err(error) if is_passing(&error) => line(&format!("warning: {error}; waiting on")),
            Err(error) => return Err(error.into()),
        }
        if rows.is_empty() {
            break;
        }
        let over = async {
            match until {
                Some(until) => tokio::time::sleep_until(until).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = news.next() => {}
            () = run.stop.cancelled() => {}
            () = over => {
                line(&format!("the time to wait is over; {} volumes are in use still", rows.len()));
                break;
            }
        }
    }
    tally.left += rows.len();
    Ok(())
}

fn waiting(count: usize, first: &str, until: Option<Instant>) -> String {
    let volumes = if count == 1 { "volume" } else { "volumes" };
    let left = until.map_or(String::new(), |until| {
        let left = until.saturating_duration_since(Instant::now());
        format!(", for {} s more", left.as_secs())
    });
    format!("waiting for {count} {volumes} in use{left}: {first}")
}

/// Rewrites those of the volumes that are idle, and takes them out. Who uses the rest.
async fn rewrite(
    run: &Run<'_>,
    rows: &mut Vec<Row>,
    seen: Vec<Seen>,
    tally: &mut Tally,
) -> anyhow::Result<Vec<String>> {
    let mut users = Vec::new();
    let mut idle = BTreeSet::new();
    for (row, seen) in rows.iter().zip(seen) {
        match seen {
            Seen::Used(who) => users.push(format!("{}: {who}", row.object.full_name())),
            Seen::Idle | Seen::Gone => {
                idle.insert(row.object.name.clone());
            }
        }
    }
    if idle.is_empty() {
        return Ok(users);
    }
    // Somebody may use one again already.
    let again = run.rewrite_idle(&idle, tally).await?;
    rows.retain(|row| !idle.contains(&row.object.name) || again.contains(&row.object.name));
    Ok(users)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_waited_for_is_said_in_one_line() {
        assert_eq!(
            waiting(1, "PersistentVolume a: pod n/p uses it", None),
            "waiting for 1 volume in use: PersistentVolume a: pod n/p uses it"
        );
    }
}
