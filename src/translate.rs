//! The door of files: manifests in, manifests out.
//!
//! The input is read in batches ([`batch`]), a thread for each processor
//! translates them ([`worker`]), and what they wrote is put out in the order of
//! the input. Memory holds a few batches, whatever the input's size.

mod args;
mod batch;
mod diff;
mod format;
mod known;
mod lines;
mod object;
mod remark;
mod report;
mod status;
mod summary;
mod worker;

use std::collections::HashSet;
use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use anyhow::Context as _;
pub use args::{OutputFormat, TranslateArgs};

use self::batch::{Batch, Batches};
use self::format::Form;
use self::known::Known;
use self::object::Settings;
use self::report::Report;
use self::summary::Summary;
use self::worker::{Finished, Worker};
use crate::exit::{Done, Usage};
use crate::manifest::{self, Format, Piece, Source};
use crate::site;

/// Batches that wait for a worker, and for being put out, each.
const WAITING: usize = 2;

/// Runs `flex2csi translate`.
///
/// # Errors
/// Usage, or the output cannot be written.
pub fn run(args: &TranslateArgs) -> anyhow::Result<Done> {
    let mappings = site::mappings(&args.mappings)?;
    let values = site::values(args.values.as_deref(), &mappings)?;
    let settings = Settings {
        target: args.target(),
        direction: args.direction(),
        namespace: args.namespace.clone(),
        values,
        mappings,
    };
    let sources = sources(args)?;
    let known = context(&args.context, Known::new(args.secret_values))?;
    let report = Report::new(args.report.as_deref(), args.quiet)
        .map_err(|error| Usage(format!("cannot write the report: {error}")))?;
    let mut batches = Batches::new(sources, known);
    let (first, unreadable) = first_batch(&mut batches);
    let Some(first) = first else {
        return match unreadable {
            Some(error) => Err(Usage(error).into()),
            None => Ok(Done::All),
        };
    };
    let form = form(args, first.format);
    let mut run = Run {
        report,
        form,
        summary: Summary::default(),
        unreadable: unreadable.into_iter().collect(),
        secrets: HashSet::new(),
        last: None,
    };
    run.go(first, batches, &settings)?;
    run.close()
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
                    let kind = list.as_ref().and_then(|list| batch::item(list).kind());
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
fn first_batch(batches: &mut Batches) -> (Option<Batch>, Option<String>) {
    let mut unreadable = None;
    loop {
        match batches.next() {
            Ok(batch) => return (batch, unreadable),
            Err(error) => {
                unreadable.get_or_insert(error.to_string());
            }
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

struct Run {
    report: Report,
    form: Form,
    summary: Summary,
    unreadable: Vec<String>,
    /// The new Secrets put out so far.
    secrets: HashSet<String>,
    /// The last byte put out.
    last: Option<u8>,
}

impl Run {
    /// Translates everything, each worker in turn getting a batch, so that the
    /// order of the output is that of the turns.
    fn go(
        &mut self,
        first: Batch,
        mut batches: Batches,
        settings: &Settings,
    ) -> anyhow::Result<()> {
        let form = self.form;
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        std::thread::scope(|scope| {
            let mut to: Vec<SyncSender<Batch>> = Vec::new();
            let mut from: Vec<Receiver<Finished>> = Vec::new();
            for _ in 0..threads {
                let (give, take) = sync_channel::<Batch>(WAITING);
                let (done, finished) = sync_channel::<Finished>(WAITING);
                scope.spawn(move || {
                    let worker = Worker { settings, form };
                    for batch in take {
                        // Nobody takes it any more if the output failed.
                        if done.send(worker.work(&batch)).is_err() {
                            return;
                        }
                    }
                });
                to.push(give);
                from.push(finished);
            }
            let reader = scope.spawn(move || feed(first, &mut batches, &to));
            let put = self.put(&from);
            // Ends workers that wait to hand something on.
            drop(from);
            match reader.join() {
                Ok(unreadable) => self.unreadable.extend(unreadable),
                Err(panic) => std::panic::resume_unwind(panic),
            }
            put
        })
    }

    fn put(&mut self, from: &[Receiver<Finished>]) -> anyhow::Result<()> {
        let stdout = io::stdout();
        let mut out: Box<dyn Write> = if self.form == Form::Diff {
            Box::new(anstream::AutoStream::auto(stdout.lock()))
        } else {
            Box::new(stdout.lock())
        };
        if self.form == Form::List {
            out.write_all(format::LIST.0.as_bytes())?;
        }
        for turn in 0.. {
            let Ok(finished) = from[turn % from.len()].recv() else {
                break;
            };
            self.take(&finished, &mut out)?;
        }
        if self.form == Form::List {
            out.write_all(format::LIST.1.as_bytes())?;
        }
        out.flush().context("cannot write the output")
    }

    fn take(&mut self, finished: &Finished, out: &mut dyn Write) -> anyhow::Result<()> {
        let all = finished.out.text.as_slice();
        if self.form == Form::Yaml && finished.starts {
            self.separate(all, out).context("cannot write the output")?;
        }
        let mut start = 0;
        for (range, secret) in &finished.out.secrets {
            self.write(&all[start..range.start], out)?;
            start = range.start;
            if !self.secrets.insert(secret.clone()) {
                start = range.end;
            }
        }
        self.write(&all[start..], out)?;
        for remark in &finished.remarks {
            self.report
                .take(remark)
                .context("cannot write the report")?;
        }
        self.summary += finished.summary;
        Ok(())
    }

    fn write(&mut self, mut text: &[u8], out: &mut dyn Write) -> anyhow::Result<()> {
        if self.form == Form::List && self.last.is_none() {
            // The comma before the first item.
            text = text.strip_prefix(b",").unwrap_or(text);
        }
        self.last = text.last().copied().or(self.last);
        out.write_all(text).context("cannot write the output")
    }

    /// Ends the last document of one input before the first of the next.
    fn separate(&self, next: &[u8], out: &mut dyn Write) -> io::Result<()> {
        match self.last {
            None => return Ok(()),
            Some(b'\n') => {}
            Some(_) => out.write_all(b"\n")?,
        }
        if next.starts_with(b"---") {
            return Ok(());
        }
        out.write_all(b"---\n")
    }

    fn close(self) -> anyhow::Result<Done> {
        for error in &self.unreadable {
            writeln!(anstream::stderr(), "error: {error}")?;
        }
        self.report
            .close(&self.summary)
            .context("cannot write the report")?;
        if self.summary.failed > 0 || !self.unreadable.is_empty() {
            Ok(Done::Some)
        } else {
            Ok(Done::All)
        }
    }
}

/// Gives each worker a batch in turn; gives back which sources could not be read.
fn feed(first: Batch, batches: &mut Batches, to: &[SyncSender<Batch>]) -> Vec<String> {
    let mut unreadable = Vec::new();
    let mut next = Some(first);
    let mut turn = 0;
    loop {
        if let Some(batch) = next.take() {
            if to[turn % to.len()].send(batch).is_err() {
                return unreadable;
            }
            turn += 1;
        }
        match batches.next() {
            Ok(Some(batch)) => next = Some(batch),
            Ok(None) => return unreadable,
            Err(error) => unreadable.push(error.to_string()),
        }
    }
}
