//! Rewrites the objects of a cluster, or brings their originals back: what is done with one.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use flex2csi_translators::rewrite::{ClaimId, Direction, Glimpsed, InUse, ObjectKind, Task, View};
use kube::Client;
use serde_json::Value;

use super::args::RunArgs;
use super::coming::Coming;
use super::display::Lost;
use super::fence::Fence;
use super::forms::{Forms, UnderWay};
use super::live::{self, Live};
use super::paced::Paced;
use super::uses::Uses;
use super::watch::Watch;
use super::{holder, records};
use crate::objects::translator::Translator;
use crate::plan::Fresh;
use crate::plan::evidence::load::{self, CLASSES};
use crate::plan::row::Row;
use crate::rewrite::{
    Finished, Options, Place, Seen, Server, Stopped, bound_to, go_on_one, rewrite_one,
    roll_back_one,
};

/// What is to be done with one object.
#[derive(Debug)]
pub enum Job {
    /// Rewrite it, as planned.
    Rewrite(Box<Row>),
    /// Finish the rewrite that was begun.
    Finish(ObjectKind, String),
    /// Bring its original back.
    Back(ObjectKind, String),
}

impl Job {
    /// As in messages.
    pub fn subject(&self) -> String {
        match self {
            Self::Rewrite(row) => row.object.full_name(),
            Self::Finish(kind, name) | Self::Back(kind, name) => format!("{kind} {name}"),
        }
    }
}

/// The cluster, and how it is worked on.
pub struct Rewriter {
    client: Client,
    translator: Arc<Translator>,
    fresh: Arc<Fresh>,
    under_way: Arc<UnderWay>,
    api: Paced<Server<Uses>>,
    fence: Option<Arc<Fence>>,
    options: Options,
}

/// Has the translator know the cluster's StorageClasses.
///
/// # Errors
/// They cannot be listed.
pub async fn learn(client: &Client, translator: &mut Translator) -> anyhow::Result<()> {
    load::each(client, CLASSES, |json| {
        // One that cannot be read is said where it is rewritten itself.
        let _ = translator.learn(json);
        Ok(())
    })
    .await
    .map_err(Into::into)
}

/// How a rewriter works. Each has a holder's name of its own, also in one process: what an
/// earlier one has sent may still arrive, and then is another's to the records.
///
/// # Errors
/// It can be given no name of its own.
pub fn options(run: &RunArgs) -> anyhow::Result<Options> {
    let holder = holder::name().context("this process cannot be given a name of its own")?;
    let mut options = Options::new(holder);
    options.stale_after = Duration::from_secs(run.takeover_after.get());
    Ok(options)
}

impl Rewriter {
    /// A cluster in which at most so many objects are under way at a time. Those that are
    /// coming are planned to be worked on soon.
    pub fn new(
        client: Client,
        translator: Arc<Translator>,
        node_evidence: bool,
        most: usize,
        fence: Option<Arc<Fence>>,
        options: Options,
        coming: Coming,
    ) -> Self {
        let fresh = Fresh::new(client.clone(), node_evidence, Arc::clone(&translator));
        let (fresh, under_way) = (Arc::new(fresh), Arc::new(UnderWay::default()));
        let uses = Uses {
            fresh: Arc::clone(&fresh),
            under_way: Arc::clone(&under_way),
        };
        let watch = Watch::start(&client, coming);
        Self {
            api: Paced::new(Server::new(client.clone(), uses), watch, most),
            client,
            translator,
            fresh,
            under_way,
            fence,
            options,
        }
    }

    /// How many objects are worth to be under way at a time.
    pub fn depth(&self) -> usize {
        self.api.depth()
    }

    /// The claims that are Lost now.
    pub fn lost(&self) -> Arc<Lost> {
        self.api.lost()
    }

    /// Does one thing.
    ///
    /// # Errors
    /// It was not done. Whatever was done of it is recorded.
    pub async fn work(&self, job: Job) -> anyhow::Result<Finished> {
        match job {
            Job::Rewrite(row) => {
                let (task, seen) = self.task(&row).await?;
                let (kind, name) = (task.kind, row.object.name.as_str());
                let forms = Forms {
                    original: task.original.clone(),
                    translated: task.translated.clone(),
                };
                self.under_way.begin(kind, name, forms);
                let work = rewrite_one(&self.api, &task, &seen, &self.options);
                self.fenced(kind, name, task.claim.as_ref(), work).await
            }
            Job::Finish(kind, name) => {
                let claim = self.recorded(kind, &name).await?;
                let work = go_on_one(&self.api, kind, &name, &self.options);
                self.fenced(kind, &name, claim.as_ref(), work).await
            }
            Job::Back(kind, name) => {
                let claim = self.recorded(kind, &name).await?;
                let work = roll_back_one(&self.api, kind, &name, &self.options);
                self.fenced(kind, &name, claim.as_ref(), work).await
            }
        }
    }

    /// Works on one object, fenced in where that is asked for from before the last check
    /// on.
    async fn fenced(
        &self,
        kind: ObjectKind,
        name: &str,
        claim: Option<&ClaimId>,
        work: impl Future<Output = Result<Finished, Stopped>>,
    ) -> anyhow::Result<Finished> {
        self.api.begin(kind, name, claim);
        let done = match self.fence.as_ref().zip(claim) {
            Some((fence, claim)) => fence.around(claim, work).await,
            None => work.await.map_err(Into::into),
        };
        self.end(kind, name, claim);
        done
    }

    fn end(&self, kind: ObjectKind, name: &str, claim: Option<&ClaimId>) {
        self.under_way.end(kind, name);
        self.api.end(kind, name, claim);
        if let Some(claim) = claim {
            self.fresh.forget(claim);
        }
    }

    async fn recorded(&self, kind: ObjectKind, name: &str) -> anyhow::Result<Option<ClaimId>> {
        let spec = records::get(&self.client, kind, name).await?.spec;
        let forms = Forms {
            // Where it is not the original that may be used, it is what came of it.
            original: spec.from.unwrap_or(spec.original),
            translated: spec.translated,
        };
        self.under_way.begin(kind, name, forms);
        if spec.claim.is_some() || kind != ObjectKind::PersistentVolume {
            return Ok(spec.claim);
        }
        // It may have got one since.
        let live = live::get(&self.client, &live::place(kind, name)).await?;
        let live = live.as_deref().map(serde_json::from_str::<Value>);
        Ok(live.transpose()?.and_then(|live| bound_to(View(&live))))
    }

    /// What is to be done with a planned object, if it still may be, and how its claim is.
    async fn task(&self, row: &Row) -> anyhow::Result<(Task, Seen)> {
        let (task, seen) = self.as_live(row).await?;
        if task.in_use == InUse::RuntimeEqual {
            self.is_runtime(row, &task).await?;
        }
        Ok((task, seen))
    }

    async fn as_live(&self, row: &Row) -> anyhow::Result<(Task, Seen)> {
        if let Some(told) = self.told(row)
            && let Ok(task) = told.task(row, &self.translator)
        {
            return Ok((task, told.seen));
        }
        // What does not fit is read before that is said.
        let live = Live::read(&self.client, row).await?;
        Ok((live.task(row, &self.translator)?, live.seen))
    }

    /// A planned object and its claim, if the watch told of both.
    fn told(&self, row: &Row) -> Option<Live> {
        let object = self.api.take(&live::place_of(row));
        let claim = row.claim.as_ref().map(Place::of_claim);
        let told = claim.as_ref().and_then(|claim| self.api.take(claim));
        (told.is_some() == claim.is_some()).then_some(Live {
            object: object?,
            seen: Seen {
                claim: told,
                glimpsed: Glimpsed {
                    object: true,
                    claim: claim.is_some(),
                },
            },
        })
    }

    /// What was true when it was planned has to be so now: who uses it is not asked
    /// any more later.
    async fn is_runtime(&self, row: &Row, task: &Task) -> anyhow::Result<()> {
        let to = row.to.as_ref().context("it has no CSI form")?;
        let csi = (to.driver.as_str(), to.handle.as_str());
        let (original, translated) = (&task.original, &task.translated);
        let used = self.fresh.volume(
            original,
            translated,
            csi,
            Direction::Back,
            (task.claim.as_ref(), &[]),
        );
        if !used.await?.1 {
            anyhow::bail!(
                "{} is not served through CSI any more by the specification that would be \
                 stored; plan again",
                row.object.full_name()
            );
        }
        Ok(())
    }
}
