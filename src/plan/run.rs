//! The verb.

use std::io::{IsTerminal, Write};

use flex2csi_translators::plan::{FindingCode, VerdictKind};
use k8s_openapi::jiff::Timestamp;

use super::args::PlanArgs;
use super::file::{Head, Writer};
use super::output::Output;
use super::survey::{Found, Survey, SurveyError};
use crate::api_client::cluster_identity;
use crate::exit::{Done, Usage};
use crate::objects::translator::Translator;
use crate::rights::{self, Right};
use crate::{daemon, listing, site};

/// Runs `flex2csi plan`.
///
/// # Errors
/// The cluster cannot be read, or what was found not be written.
pub fn run(args: &PlanArgs) -> anyhow::Result<Done> {
    if args.rbac {
        return listing::print(rights::PLAN);
    }
    let mappings = args.mappings.read()?;
    let values = site::values(args.values.as_deref(), &mappings)?;
    let translator = Translator::new(mappings, values);
    let mut translator = translator.via_endpoint(args.survey.via_endpoint);
    let mut survey = Survey {
        selection: args.selection.selection()?,
        node_evidence: !args.survey.without_node_evidence,
        dry_run: !args.survey.no_server_dry_run,
        at_once: args.survey.concurrency.get(),
        now: Timestamp::now(),
    };
    daemon::run(async |stop| {
        tokio::select! {
            planned = plan(args, &mut survey, &mut translator) => planned,
            () = stop.cancelled() => anyhow::bail!("interrupted; nothing was changed"),
        }
    })
}

async fn plan(
    args: &PlanArgs,
    survey: &mut Survey,
    translator: &mut Translator,
) -> anyhow::Result<Done> {
    let client = args.cluster.client().await?;
    let cluster = cluster_identity(&client).await?;
    let mut warnings = Vec::new();
    let missing = rights::missing(&client, rights::REWRITE.rights).await?;
    if survey.dry_run && rights::DRY_RUN.iter().any(|right| missing.contains(right)) {
        survey.dry_run = false;
        warnings.push((
            FindingCode::PermissionMissing,
            "you may not create volumes and classes, so the API server was not shown the new ones"
                .to_owned(),
        ));
    }
    if !missing.is_empty() {
        let message = format!(
            "a rewrite with these credentials would fail: you may not {}",
            names(&missing)
        );
        warnings.push((FindingCode::PermissionMissing, message));
    }
    if !survey.node_evidence {
        warnings.push((
            FindingCode::WithoutNodeEvidence,
            FindingCode::WithoutNodeEvidence.meaning().to_owned(),
        ));
    }
    let head = Head {
        cluster,
        tool: env!("CARGO_PKG_VERSION").to_owned(),
        created: format!("{:.0}", survey.now),
        node_evidence: survey.node_evidence,
        server_dry_run: survey.dry_run,
        via_endpoint: Some(args.survey.via_endpoint),
    };
    let file = match &args.out {
        Some(path) => Some(Writer::file(path, &head)?),
        None => None,
    };
    let stdout = std::io::stdout();
    let width = stdout.is_terminal().then(terminal_width).flatten();
    let mut output = Output::new(anstream::stdout().lock(), args.output, width, &head, file)?;
    let found = survey
        .run(&client, translator, &mut output)
        .await
        .map_err(report)?;
    if found.pinned > 0 {
        let missing = rights::missing(&client, rights::PINS.rights).await?;
        if !missing.is_empty() {
            let message = format!(
                "{} volumes can only be rewritten under their pods with pin pods: you may not {}",
                found.pinned,
                names(&missing)
            );
            warnings.push((FindingCode::PermissionMissing, message));
        }
    }
    for unread in &found.unread {
        let message = format!("{} were not looked at: {}", unread.what, unread.why);
        warnings.push((FindingCode::NotLookedAt, message));
    }
    output.close(&found, &next_step(args, &found))?;
    warn(&warnings);
    Ok(Done::All)
}

fn names(rights: &[Right]) -> String {
    let names: Vec<String> = rights.iter().map(ToString::to_string).collect();
    names.join(", ")
}

fn usage(message: String) -> anyhow::Error {
    Usage(message).into()
}

/// Without rights nothing was done.
pub(crate) fn report(error: SurveyError) -> anyhow::Error {
    use super::evidence::load::LoadError;
    match error {
        SurveyError::Sink(error) => error,
        SurveyError::Load(LoadError::Needed { ref source, .. }) if source.is_forbidden() => {
            usage(error.to_string())
        }
        error => error.into(),
    }
}

fn next_step(args: &PlanArgs, found: &Found) -> String {
    let count = |kind| found.verdicts.get(&kind).copied().unwrap_or(0);
    let ready = count(VerdictKind::Ready) + count(VerdictKind::ReadyInUse);
    match (&args.out, ready) {
        (Some(path), 0) => format!("The plan is in {}.", path.display()),
        (Some(path), _) => format!(
            "The plan is in {0}. Next: review it, then `flex2csi rewrite --plan {0}`, which is a dry run without --yes.",
            path.display()
        ),
        (None, 0) => String::new(),
        (None, _) => "Next: `flex2csi plan --out plan.yaml`, and review it.".to_owned(),
    }
}

/// What is true of the plan as a whole, said where words go.
fn warn(warnings: &[(FindingCode, String)]) {
    let mut err = anstream::stderr().lock();
    for (code, message) in warnings {
        // Who does not listen is not told.
        let _ = writeln!(
            err,
            "warning: {message} [{}]\n         {}",
            code.as_str(),
            code.remedy()
        );
    }
}

fn terminal_width() -> Option<usize> {
    comfy_table::Table::new().width().map(usize::from)
}
