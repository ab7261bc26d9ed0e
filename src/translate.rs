//! The door of files: manifests in, manifests out.
//!
//! The input is read in batches ([`batch`]), a thread for each processor
//! translates them ([`worker`]), and what they wrote is put out in the order of
//! the input ([`pipeline`]). Memory holds a few batches, whatever the input's
//! size.

mod args;
mod batch;
pub(crate) mod diff;
mod format;
mod known;
mod lines;
mod list;
mod new_secrets;
mod object;
mod pipeline;
mod readers;
mod remark;
mod report;
mod same_file;
mod status;
mod summary;
mod worker;

use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};

pub use args::{OutputFormat, TargetArg, To, TranslateArgs};

use self::batch::{Batch, Batches};
use self::format::Form;
use self::known::Known;
use self::list::Item;
use self::object::Settings;
use self::pipeline::Run;
use self::readers::Readers;
use self::report::Report;
use crate::exit::{Done, Usage};
use crate::manifest::{self, Format, Piece, Source};
use crate::site;

/// Runs `flex2csi translate`.
///
/// # Errors
/// Usage, or the output cannot be written.
pub fn run(args: &TranslateArgs) -> anyhow::Result<Done> {
    if args.via_endpoint && args.target == TargetArg::Runtime {
        let usage =
            "--via-endpoint writes what is to be stored: it cannot be used with --target runtime";
        return Err(Usage(usage.to_owned()).into());
    }
    let mappings = args.mappings.read()?;
    let values = site::values(args.values.as_deref(), &mappings)?;
    let settings = Settings {
        target: args.target(),
        target_form: args.target_form(),
        namespace: args.namespace.clone(),
        values,
        mappings,
        readers: match (&args.report, args.quiet) {
            (Some(_), _) => Readers::Report,
            (None, false) => Readers::Person,
            (None, true) => Readers::Nobody,
        },
    };
    let sources = sources(args)?;
    if let Some(report) = &args.report {
        check_report(report, &sources, args)?;
    }
    let known = context(&args.context, Known::new(args.secret_values))?;
    let report = Report::new(args.report.as_deref(), args.quiet)
        .map_err(|error| Usage(format!("cannot write the report: {error}")))?;
    let mut batches = Batches::new(sources, known.clone());
    let (first, unreadable) = first_batch(&mut batches);
    let Some(first) = first else {
        if unreadable.is_empty() {
            return Ok(Done::All);
        }
        return Err(Usage(unreadable.join("\nerror: ")).into());
    };
    let mut run = Run::new(report, form(args, first.format), unreadable);
    run.go(first, batches, &settings, &known)?;
    run.close()
}

/// Refuses a report that would be written over something that is read.
fn check_report(report: &Path, sources: &[Source], args: &TranslateArgs) -> anyhow::Result<()> {
    let sources = sources.iter().map(|source| match source {
        Source::Stdin => Path::new("/dev/stdin"),
        Source::File(path) => path,
    });
    let context =
        manifest::expand(&args.context, false).map_err(|error| Usage(error.to_string()))?;
    let context = context.iter().filter_map(|source| match source {
        Source::Stdin => None,
        Source::File(path) => Some(path.as_path()),
    });
    let others = args.values.iter().chain(&args.mappings.places);
    let mut read = sources.chain(context).chain(others.map(PathBuf::as_path));
    match read.find(|path| same_file::is_same(report, path)) {
        Some(path) => Err(Usage(format!(
            "the report {} is the same file as {}, which is read; give it another name",
            report.display(),
            path.display()
        ))
        .into()),
        None => Ok(()),
    }
}

fn sources(args: &TranslateArgs) -> anyhow::Result<Vec<Source>> {
    if !args.files.is_empty() {
        let sources = manifest::expand(&args.files, args.recursive);
        return sources.map_err(|error| Usage(error.to_string()).into());
    }
    if io::stdin().is_terminal() {
        let usage = "no input: give -f FILE, a directory, or pipe manifests in; see --help";
        return Err(Usage(usage.to_owned()).into());
    }
    Ok(vec![Source::Stdin])
}

/// Learns from the files given with `--context`.
fn context(files: &[PathBuf], mut known: Known) -> anyhow::Result<Known> {
    let sources = manifest::expand(files, false).map_err(|error| Usage(error.to_string()))?;
    for source in sources {
        let failed = |error: manifest::Error| Usage(format!("{source}: {error}"));
        let mut reader = manifest::open(&source).map_err(failed)?;
        let format = reader.format();
        while let Some(piece) = reader.next().map_err(failed)? {
            match piece {
                Piece::Object {
                    text, line, list, ..
                } => {
                    let kind = list.as_ref().and_then(|list| Item::of(list).kind());
                    let read = known.read(text, line, kind, format);
                    read.map_err(|error| Usage(format!("{source}: {error}")))?;
                }
                Piece::Broken {
                    error: Some(error), ..
                } => return Err(failed(error).into()),
                Piece::Between(_) | Piece::Broken { .. } => {}
            }
        }
    }
    Ok(known)
}

/// The first batch that can be read, and why none before it could.
fn first_batch(batches: &mut Batches) -> (Option<Batch>, Vec<String>) {
    let mut unreadable = Vec::new();
    loop {
        match batches.next() {
            Ok(batch) => return (batch, unreadable),
            Err(error) => unreadable.push(error.to_string()),
        }
    }
}

/// The output's form: the input's, which is that of its first source.
fn form(args: &TranslateArgs, input: Format) -> Form {
    match (args.diff, args.output, input) {
        (true, _, _) => Form::Diff,
        (_, Some(OutputFormat::Ndjson), _) => Form::Lines,
        (_, Some(OutputFormat::Yaml), Format::Json) => Form::Documents,
        (_, Some(OutputFormat::Json), Format::Yaml) => Form::List,
        (_, _, Format::Json) => Form::Json,
        (_, _, Format::Yaml) => Form::Yaml,
    }
}
