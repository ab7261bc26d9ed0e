//! What a run does about volumes that are in use, and what it owes workloads and pods.

use std::collections::BTreeSet;
use std::sync::Arc;

use flex2csi_translators::plan::VerdictKind;
use flex2csi_translators::rewrite::ObjectKind;

use super::{IS_GONE, Run, is_now};
use crate::drive::coming::Coming;
use crate::drive::idle::Idle;
use crate::drive::restart::{self, StoppedWorkloads};
use crate::drive::work::{Tally, line};
use crate::drive::{fence, records, rewriter, wait_idle};
use crate::plan::row::Row;
use crate::selection::Selection;

impl Run<'_> {
    /// Those of workloads that are stopped come first.
    pub(super) async fn of_stopped(
        &self,
        stopped: &StoppedWorkloads,
        ready: Vec<Row>,
    ) -> (Vec<Row>, Vec<Row>) {
        if stopped.is_empty() {
            return (Vec::new(), ready);
        }
        let (mut first, mut rest) = (Vec::new(), Vec::new());
        for row in ready {
            let is_theirs = match &row.claim {
                Some(claim) => stopped.use_claim(&claim.namespace, &claim.name).await,
                None => false,
            };
            if is_theirs { &mut first } else { &mut rest }.push(row);
        }
        (first, rest)
    }

    /// Works off what is in use, as it was asked for. Those that still are.
    pub(super) async fn in_use(
        &self,
        mut rows: Vec<Row>,
        tally: &mut Tally,
    ) -> anyhow::Result<Vec<Row>> {
        if self.args.in_use.restart && !rows.is_empty() {
            rows = restart::all(self, rows, tally).await?;
        }
        let Some(wait) = self.args.in_use.wait_idle else {
            tally.left += rows.len();
            return Ok(rows);
        };
        if !rows.is_empty() {
            wait_idle::all(self, rows, wait, tally).await?;
        }
        Ok(Vec::new())
    }

    /// Rewrites volumes that were in use and are not any more, by all that a plan looks
    /// at. Which of them are in use again.
    ///
    /// # Errors
    /// The cluster cannot be read.
    pub(in crate::drive) async fn rewrite_idle(
        &self,
        names: &BTreeSet<String>,
        tally: &mut Tally,
    ) -> anyhow::Result<BTreeSet<String>> {
        let selection = Selection {
            volumes: names.clone(),
            ..Selection::default()
        };
        let (rows, translator) = self.survey(selection, false).await?;
        let mut gone = names.clone();
        let (mut ready, mut again) = (Vec::new(), BTreeSet::new());
        for mut row in rows {
            let name = row.object.name.clone();
            gone.remove(&name);
            if let Some(planned) = &self.planned
                && let Some(planned) = planned.get(&(row.object.kind.clone(), name.clone()))
            {
                (row.to, row.options) = (planned.to.clone(), planned.options.clone());
            }
            match row.verdict {
                VerdictKind::Ready | VerdictKind::ReadyInUse => ready.push(row),
                VerdictKind::InUse => {
                    again.insert(name);
                }
                VerdictKind::Blocked | VerdictKind::Kept => {
                    tally.failed += 1;
                    line(&format!("failed: {}", is_now(&row)));
                }
            }
        }
        for name in gone {
            let kind = ObjectKind::PersistentVolume;
            match records::get(&self.client, kind, &name).await {
                Ok(document) if document.is_finished() => tally.were_done += 1,
                _ => {
                    tally.failed += 1;
                    line(&format!("failed: {kind} {name} {IS_GONE}"));
                }
            }
        }
        let rewriter = self.rewriter(translator, Coming::default())?;
        self.rewrite(&rewriter, ready, tally).await;
        Ok(again)
    }

    /// Who tells whether volumes are idle.
    ///
    /// # Errors
    /// StorageClasses cannot be listed, or a file not be read.
    pub(in crate::drive) async fn idle(&self) -> anyhow::Result<Arc<Idle>> {
        let mut translator = self.translator()?;
        rewriter::learn(&self.client, &mut translator).await?;
        let node_evidence = !self.args.survey.without_node_evidence;
        let idle = Idle::new(self.client.clone(), node_evidence, Arc::new(translator));
        Ok(Arc::new(idle))
    }

    /// Puts the fence up, if one is asked for and that is not done yet, and removes one that
    /// is left over.
    pub(super) async fn put_up_fence(&self) -> anyhow::Result<()> {
        if self.fence.get().is_none() {
            let wanted = self.args.run.fence;
            let fence = fence::at_start(&self.client, &self.holder, wanted).await?;
            let _ = self.fence.set(fence);
        }
        Ok(())
    }

    pub(super) async fn take_down_fence(&self) {
        if let Some(Some(fence)) = self.fence.get() {
            fence.at_end().await;
        }
    }
}
