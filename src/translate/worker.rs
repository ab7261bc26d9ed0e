//! A batch in, its output and what is to be said of it out.

mod lists;

use std::sync::Arc;

use flex2csi_translators::{Error, Outcome};

use super::batch::{Batch, Broken, What};
use super::format::{self, Form, Output, Unit};
use super::known::View;
use super::list::{Item, List};
use super::object::{self, Settings};
use super::readers::{Counts, NotesTold};
use super::remark::{Fate, Identity, Place, Remark};
use super::status;
use super::summary::Summary;
use crate::manifest::{Format, yaml};

/// What became of a batch.
pub struct Finished {
    /// The output.
    pub out: Output,
    /// What is to be said.
    pub remarks: Vec<Remark>,
    /// Notes that were only counted.
    pub hidden: Counts,
    /// How many objects became what.
    pub summary: Summary,
    /// The input's name.
    pub source: Arc<str>,
    /// Whether an input starts here.
    pub starts: bool,
}

impl Finished {
    fn new(source: &Arc<str>) -> Self {
        Self {
            out: Output::default(),
            remarks: Vec::new(),
            hidden: Counts::new(),
            summary: Summary::default(),
            source: Arc::clone(source),
            starts: false,
        }
    }
}

/// Works on batches, in the order of the input.
pub struct Worker<'w> {
    /// What holds for the whole run.
    pub settings: &'w Settings,
    /// How the output is written.
    pub form: Form,
    /// What is known before the next object.
    pub view: View,
    /// What it has told so far.
    pub told: NotesTold,
}

impl Worker<'_> {
    /// Translates a batch.
    pub fn work(&mut self, batch: &Batch) -> Finished {
        let mut desk = Desk {
            settings: self.settings,
            form: form_of(self.form, batch.format),
            view: &mut self.view,
            told: &mut self.told,
            source: &batch.source,
            finished: Finished::new(&batch.source),
        };
        desk.finished.starts = batch.starts;
        let text = &mut desk.finished.out.text;
        text.reserve(batch.bytes.len() + batch.bytes.len() / 4);
        let mut start = 0;
        for stretch in &batch.stretches {
            desk.view.advance(stretch.upto);
            desk.stretch(
                &batch.bytes[start..stretch.end],
                &stretch.what,
                batch.format,
            );
            start = stretch.end;
        }
        desk.finished
    }
}

/// An input in another format than the first one's is written in that of the first.
fn form_of(form: Form, input: Format) -> Form {
    match (form, input) {
        (Form::Json, Format::Yaml) => Form::Objects,
        (Form::Yaml, Format::Json) => Form::Documents,
        _ => form,
    }
}

/// One batch's work.
struct Desk<'d> {
    settings: &'d Settings,
    form: Form,
    /// What is known before the next object.
    view: &'d mut View,
    told: &'d mut NotesTold,
    source: &'d Arc<str>,
    finished: Finished,
}

impl Desk<'_> {
    fn stretch(&mut self, bytes: &[u8], what: &What, format: Format) {
        match what {
            What::Between | What::Broken => self.copy(bytes),
            What::Lines { line } => self.lines(bytes, *line),
            What::Failure(broken) => self.failure(broken),
            What::Object {
                line,
                own_marker,
                item,
            } => match yaml::text(bytes, *line) {
                Ok(text) if format == Format::Json => {
                    let unit = Unit {
                        item: item.as_ref(),
                        ..Unit::of(text, *line)
                    };
                    self.object(&unit);
                }
                Ok(text) => self.yaml(text, *line, *own_marker),
                Err(error) => self.broken(bytes, *line, error.to_string()),
            },
        }
    }

    fn place(&self, line: u64) -> Place {
        Place {
            source: Arc::clone(self.source),
            line,
        }
    }

    /// Text that is no object: as it was, or not at all.
    fn copy(&mut self, bytes: &[u8]) {
        if self.form.copies() {
            self.finished.out.text.extend_from_slice(bytes);
        }
    }

    /// Text that could not be read.
    fn broken(&mut self, bytes: &[u8], line: u64, error: String) {
        self.copy(bytes);
        self.failure(&Broken {
            line,
            error,
            bytes: bytes.len() as u64,
        });
    }

    /// The end of text that could not be read, and was copied or left out.
    fn failure(&mut self, broken: &Broken) {
        let fate = match self.form {
            Form::Json | Form::Yaml => Fate::Stays,
            Form::Diff => Fate::NotShown,
            Form::Lines | Form::Objects | Form::List | Form::Documents => {
                Fate::LeftOut(broken.bytes)
            }
        };
        let place = self.place(broken.line);
        let remark = Remark::unreadable(broken.error.clone(), fate, &place);
        self.put_status(&remark);
        self.fail(remark);
    }

    /// Counts a failure.
    fn fail(&mut self, remark: Remark) {
        self.finished.summary.failed += 1;
        self.finished.remarks.push(remark);
    }

    /// Writes the `Status` of an object whose text cannot stand in the output.
    fn put_status(&mut self, remark: &Remark) {
        let out = &mut self.finished.out.text;
        match self.form {
            Form::Lines | Form::Objects => {
                out.extend_from_slice(status::json(remark).as_bytes());
                out.push(b'\n');
            }
            Form::List => format::item(&status::json(remark), out),
            // A Status is plain JSON, and that is YAML.
            Form::Documents => {
                let _ = format::document(&status::json(remark), out);
            }
            Form::Json | Form::Yaml | Form::Diff => {}
        }
    }

    fn lines(&mut self, block: &[u8], first: u64) {
        let mut start = 0;
        for (index, line) in block.split_inclusive(|byte| *byte == b'\n').enumerate() {
            let number = first + index as u64;
            let whole = &block[start..start + line.len()];
            start += line.len();
            let object = whole.trim_ascii();
            let behind = whole.len() - whole.trim_ascii_end().len();
            if object.is_empty() {
                self.copy(whole);
                continue;
            }
            match yaml::text(object, number) {
                Ok(text) => self.line(text, number),
                Err(error) => self.broken(object, number, error.to_string()),
            }
            self.copy(&whole[whole.len() - behind..]);
        }
    }

    /// A line's text: an object, or more than one of them.
    fn line(&mut self, text: &str, line: u64) {
        let result = object::translate(text, None, self.settings, self.view);
        if matches!(&result, Err(error) if is_trailing(error)) {
            self.several(text, line);
        } else {
            self.done(&Unit::of(text, line), result);
        }
    }

    /// An object in JSON; tells whether it was changed.
    fn object(&mut self, unit: &Unit<'_, '_>) -> bool {
        let kind = unit.item.and_then(Item::kind);
        let result = object::translate(unit.before, kind, self.settings, self.view);
        self.done(unit, result)
    }

    /// What a translation gave: for a list, its items are to be translated.
    fn done(&mut self, unit: &Unit<'_, '_>, result: Result<Outcome<'_>, Error>) -> bool {
        let list = match &result {
            Ok(outcome) if !outcome.changed => List::of(&outcome.object),
            _ => None,
        };
        match list {
            Some(list) => self.list(unit, &list),
            None => self.put(unit, result),
        }
    }

    /// A YAML document, which can be a list.
    fn yaml(&mut self, text: &str, line: u64, own_marker: bool) {
        let json = match yaml::to_json(text, line) {
            Ok(json) => json,
            Err(error) => {
                self.broken(text.as_bytes(), line, error.to_string());
                return;
            }
        };
        if json == "null" {
            self.copy(text.as_bytes());
            return;
        }
        let unit = Unit {
            written: Some(text),
            own_marker,
            ..Unit::of(&json, line)
        };
        self.object(&unit);
    }

    /// Writes what became of one object; tells whether it was changed.
    fn put(&mut self, unit: &Unit<'_, '_>, result: Result<Outcome<'_>, Error>) -> bool {
        let outcome = match result {
            Ok(outcome) => outcome,
            Err(error) => {
                self.put_failed(unit, &error);
                return false;
            }
        };
        let now = Unit {
            after: outcome.changed.then_some(&outcome.object),
            extra: &outcome.extra,
            ..*unit
        };
        let before = self.finished.out.length();
        if let Err(error) = now.write(self.form, &mut self.finished.out) {
            self.finished.out.truncate(before);
            let text = unit.written.unwrap_or(unit.before);
            self.broken(text.as_bytes(), unit.line, error.to_string());
            return false;
        }
        self.finished.summary.count(&outcome);
        let hidden = &mut self.finished.hidden;
        let notes = self
            .told
            .pick(&outcome.notes, self.settings.readers, hidden);
        if !notes.is_empty() {
            let identity = Identity::read(unit.before);
            let place = self.place(unit.line);
            let remarks = notes.into_iter().cloned();
            self.finished
                .remarks
                .extend(remarks.map(|note| Remark::note(note, identity.clone(), &place)));
        }
        outcome.changed
    }

    /// An object that could not be translated: it is written as it was, unless
    /// each line says what became of one object, or it is no JSON at all.
    fn put_failed(&mut self, unit: &Unit<'_, '_>, error: &Error) {
        let place = self.place(unit.line);
        let mut failure = Remark::failure(error, Identity::read(unit.before), &place);
        let before = self.finished.out.length();
        let stays = match self.form {
            Form::Lines => false,
            Form::Diff => true,
            Form::List | Form::Documents | Form::Objects if !format::is_json(unit.before) => false,
            _ => unit.write(self.form, &mut self.finished.out).is_ok(),
        };
        if !stays || self.form == Form::Diff {
            failure.is_replaced();
        }
        if !stays {
            self.finished.out.truncate(before);
            if self.form != Form::Lines {
                failure.left_out(unit.before.len() as u64);
            }
            self.put_status(&failure);
        }
        self.fail(failure);
    }
}

/// Whether the text went on behind the object.
fn is_trailing(error: &Error) -> bool {
    matches!(error, Error::Json(error)
        if error.problem.is_trailing())
}
