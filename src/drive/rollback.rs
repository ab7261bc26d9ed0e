//! `flex2csi rollback`.

use std::io::Write;
use std::sync::Arc;

use flex2csi_translators::Values;
use flex2csi_translators::flex::Mappings;
use flex2csi_translators::plan::FindingCode;
use flex2csi_translators::rewrite::{Direction, ObjectKind};

use super::args::RollbackArgs;
use super::coming::Coming;
use super::diff;
use super::labels::Labelled;
use super::records::{self, Known};
use super::restart::StoppedWorkloads;
use super::rewrite::{is_for_cluster, read_plan};
use super::rewriter::{self, Job, Rewriter};
use super::rights;
use super::work::{self, line};
use super::{fence, holder};
use crate::api_client::cluster_identity;
use crate::daemon;
use crate::exit::{self, Done};
use crate::listing::{table, text};
use crate::objects::translator::Translator;
use crate::rights::Places;

/// Runs `flex2csi rollback`.
///
/// # Errors
/// Nothing was done, or not all of what was found can be told.
pub fn run(args: &RollbackArgs) -> anyhow::Result<Done> {
    args.run.check(&args.selection)?;
    let selection = args.selection.selection()?;
    let planned = args.run.plan.as_deref();
    let planned = planned.map(|path| read_plan(path, |_| true)).transpose()?;
    daemon::run(async |stop| {
        work::tell_of_stop(&stop);
        work::warn(&args.run);
        let client = args.cluster.client().await?;
        let cluster = cluster_identity(&client).await?;
        is_for_cluster(args.run.plan.as_deref(), &cluster)?;
        let labelled = Labelled::find(&client, &selection).await?;
        let mut known = records::selected(&client, args.run.share()?, |document| {
            let spec = &document.spec;
            if let Some(planned) = &planned {
                return planned.contains_key(&(spec.kind.to_string(), spec.name.clone()));
            }
            labelled.may_have(document) && records::is_selected(&selection, document)
        })
        .await?;
        labelled.leave_others(&client, &mut known).await?;
        known.retain(|record| !(record.is_finished && record.direction == Direction::Back));
        if known.is_empty() {
            line("nothing of what was asked for is rewritten, so there is nothing to bring back");
            return Ok(Done::All);
        }
        if args.run.diff {
            return diff::back(&client, &known).await;
        }
        if !args.run.yes {
            return show(&known);
        }
        if args.without_node_evidence {
            line(&format!(
                "warning: {}",
                FindingCode::WithoutNodeEvidence.meaning()
            ));
        }
        let holder = holder::name()?;
        let has_classes = known
            .iter()
            .any(|record| record.kind == ObjectKind::StorageClass);
        let claims = known
            .iter()
            .filter_map(|record| record.claim.split_once('/'));
        let claims = Places::These(claims.map(|(namespace, _)| namespace.to_owned()).collect());
        let mut needs = rights::of_run(has_classes, &claims, args.run.fence);
        needs.extend(rights::of_records(&known, None));
        rights::check(&client, needs, "nothing was done").await?;
        let fence = fence::at_start(&client, &holder, args.run.fence).await?;
        // What a restart that was killed has left stopped is put back afterwards.
        let stopped = StoppedWorkloads::left_by_others(&client, &holder).await;
        let mut options = rewriter::options(&args.run)?;
        options.cancel = stop.clone();
        // Nothing is translated: both forms are in the record.
        let mut translator = Translator::new(Mappings::built_in(), Values::default());
        rewriter::learn(&client, &mut translator).await?;
        let rewriter = Arc::new(Rewriter::new(
            client,
            Arc::new(translator),
            !args.without_node_evidence,
            args.run.parallel.get(),
            fence.clone(),
            options,
            Coming::default(),
        ));
        let jobs = known.into_iter();
        let jobs = jobs.map(|record| Job::Back(record.kind, record.name));
        let mut tally = work::all(&rewriter, jobs.collect(), &args.run, &stop).await;
        tally.failed += stopped.put_back().await;
        if let Some(fence) = &fence {
            fence.at_end().await;
        }
        tally.say("rollback");
        Ok(tally.ended())
    })
}

fn show(known: &[Known]) -> anyhow::Result<Done> {
    let mut table = table(&["OBJECT", "CLAIM", "NOW"]);
    for record in known {
        let now = match (record.direction, record.is_finished) {
            (Direction::Forward, true) => "rewritten",
            (Direction::Forward, false) => "being rewritten",
            (Direction::Back, _) => "being brought back",
        };
        let object = super::status::object(record.kind.as_str(), &record.name);
        table.add_row([object, record.claim.clone(), now.to_owned()]);
    }
    let mut out = anstream::stdout().lock();
    let count = known.len();
    let written = writeln!(
        out,
        "{}\nThis is a dry run: nothing was changed. Originals to be brought back with --yes: \
         {count}.",
        text(&table)
    );
    written.and_then(|()| out.flush()).map_err(exit::output)?;
    Ok(Done::All)
}
