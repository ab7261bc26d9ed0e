//! Rewrites one stored object of a live cluster, or brings its original back.
//!
//! What is to be done is decided in [`flex2csi_translators::rewrite`]; here it is
//! carried out, one API call at a time, and the world is looked at again whenever
//! an answer is lost or a call is refused because the world has changed.

mod api;
mod backoff;
mod begin;
mod events;
mod fault;
mod line;
mod options;
mod pins;
mod server;
mod stopped;
mod used;
mod worker;

use flex2csi_translators::rewrite::{Direction, Glimpsed, ObjectKind, Task, World};

pub use api::{Api, Call, Failure, Glimpse, Place, Resource, Sight, Verb};
pub(crate) use begin::bound_to;
pub use fault::{PIN_STEPS, STEPS};
pub use options::{Options, PIN_IMAGE, PIN_NAMESPACE, PIN_PRIORITY_CLASS};
pub use server::Server;
pub use stopped::{Finished, Stopped};
pub use used::{Evidence, Subject};

/// How the world was seen when a task was made.
#[derive(Debug, Clone, Default)]
pub struct Seen {
    /// The claim, JSON, if it was looked at. (The object is as the task has it.)
    pub claim: Option<String>,
    /// What was told by a watch.
    pub glimpsed: Glimpsed,
}

/// Brings an object into its translated form, from wherever it is. Probably it has no
/// record yet. It was just seen as the task has it, and its claim: neither is read again
/// at once.
///
/// # Errors
/// It could not be brought there. Everything is recorded: it may be called again,
/// by whoever, or [`roll_back_one`].
pub async fn rewrite_one<A: Api>(
    api: &A,
    task: &Task,
    seen: &Seen,
    options: &Options,
) -> Result<Finished, Stopped> {
    let start = begin::forward(api, task, options).await?;
    // What cannot be read is read again, and all where another may have done something.
    let read = |json: &str| serde_json::from_str(json).ok();
    let world = match start.is_new {
        true => World {
            object: read(&task.original),
            claim: seen.claim.as_deref().and_then(read),
            glimpsed: seen.glimpsed,
            ..World::default()
        },
        false => World::default(),
    };
    worker::run_as_seen(api, options, start, Direction::Forward, world).await
}

/// Brings an object back into its original form, from wherever it is, with what has
/// changed since.
///
/// # Errors
/// It has no record, or could not be brought back; see [`rewrite_one`].
pub async fn roll_back_one<A: Api>(
    api: &A,
    kind: ObjectKind,
    name: &str,
    options: &Options,
) -> Result<Finished, Stopped> {
    let start = begin::recorded(api, kind, name, options, Direction::Back).await?;
    worker::run(api, options, start, Direction::Back).await
}

/// Brings an object that has a record into its translated form, from wherever it is.
///
/// # Errors
/// It has no record, or could not be brought there; see [`rewrite_one`].
pub async fn go_on_one<A: Api>(
    api: &A,
    kind: ObjectKind,
    name: &str,
    options: &Options,
) -> Result<Finished, Stopped> {
    let start = begin::recorded(api, kind, name, options, Direction::Forward).await?;
    worker::run(api, options, start, Direction::Forward).await
}

#[cfg(test)]
mod tests;
