//! Batches to workers, and what they wrote to the output, in the order of the
//! input.

use std::io::{self, Write};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use anyhow::Context as _;

use super::batch::{Batch, Batches};
use super::format::{self, Form};
use super::known::Known;
use super::new_secrets::{NewSecret, NewSecrets, Told};
use super::object::Settings;
use super::readers::NotesTold;
use super::remark::{Place, Remark};
use super::report::Report;
use super::summary::Summary;
use super::worker::{Finished, Worker};
use crate::exit::{self, Done};

/// Batches that wait for a worker, and for being put out, each.
const WAITING: usize = 2;

/// One run over all sources.
pub struct Run {
    report: Report,
    form: Form,
    summary: Summary,
    unreadable: Vec<String>,
    /// The new Secrets put out so far.
    secrets: NewSecrets,
    /// The last byte put out.
    last: Option<u8>,
}

impl Run {
    /// A run that writes in this form; some sources may have failed before it.
    pub fn new(report: Report, form: Form, unreadable: Vec<String>) -> Self {
        Self {
            report,
            form,
            summary: Summary::default(),
            unreadable,
            secrets: NewSecrets::default(),
            last: None,
        }
    }

    /// Translates everything, each worker in turn getting a batch, so that the
    /// order of the output is that of the turns.
    ///
    /// # Errors
    /// The output cannot be written.
    pub fn go(
        &mut self,
        first: Batch,
        mut batches: Batches,
        settings: &Settings,
        known: &Known,
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
                    let mut worker = Worker {
                        settings,
                        form,
                        view: known.view(),
                        told: NotesTold::default(),
                    };
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
        .map_err(exit::output)
    }

    fn put(&mut self, from: &[Receiver<Finished>]) -> io::Result<()> {
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
        out.flush()
    }

    fn take(&mut self, finished: &Finished, out: &mut dyn Write) -> io::Result<()> {
        let all = finished.out.text.as_slice();
        if self.form == Form::Yaml && finished.starts {
            self.separate(all, out)?;
        }
        self.summary += finished.summary;
        let mut start = 0;
        for secret in &finished.out.secrets {
            let told = self.secrets.tell(secret);
            if told == Told::Differs {
                self.differs(secret, finished);
            }
            if told == Told::New || secret.range.is_empty() {
                continue;
            }
            self.summary.new = self.summary.new.saturating_sub(1);
            self.write(&all[start..secret.range.start], out)?;
            start = secret.range.end;
        }
        self.write(&all[start..], out)?;
        for remark in &finished.remarks {
            self.report.take(remark);
        }
        for (code, count) in &finished.hidden {
            self.report.count(code.as_str(), *count);
        }
        Ok(())
    }

    /// A new Secret that another object needs with another content.
    fn differs(&mut self, secret: &NewSecret, finished: &Finished) {
        let place = Place {
            source: finished.source.clone(),
            line: secret.line,
        };
        let remark = Remark::secret_differs(secret, &place);
        self.report.take(&remark);
        self.summary.failed += 1;
    }

    fn write(&mut self, mut text: &[u8], out: &mut dyn Write) -> io::Result<()> {
        if self.form == Form::List && self.last.is_none() {
            // The comma before the first item.
            text = text.strip_prefix(b",").unwrap_or(text);
        }
        self.last = text.last().copied().or(self.last);
        out.write_all(text)
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

    /// Says how it went.
    ///
    /// # Errors
    /// The report could not be written.
    pub fn close(self) -> anyhow::Result<Done> {
        for error in &self.unreadable {
            // Who does not listen is not told.
            let _ = writeln!(anstream::stderr(), "error: {error}");
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
