//! A batch in, its output and what is to be said of it out.

use std::sync::Arc;

use flex2csi_translators::json::{Object, Problem};
use flex2csi_translators::{Error, Kind, Outcome};

use super::batch::{Batch, Item, Stretch};
use super::format::{self, Form, Output, Unit};
use super::known::Known;
use super::object::{self, Settings};
use super::remark::{Identity, Place, Remark};
use super::status;
use super::summary::Summary;
use crate::manifest::{Format, JsonSplitter, Piece, yaml};

/// What became of a batch.
#[derive(Default)]
pub struct Finished {
    /// The output.
    pub out: Output,
    /// What is to be said.
    pub remarks: Vec<Remark>,
    /// How many objects became what.
    pub summary: Summary,
    /// Whether an input starts here.
    pub starts: bool,
}

/// Works on batches.
pub struct Worker<'w> {
    /// What holds for the whole run.
    pub settings: &'w Settings,
    /// How the output is written.
    pub form: Form,
}

impl Worker<'_> {
    /// Translates a batch.
    pub fn work(&self, batch: &Batch) -> Finished {
        let mut desk = Desk {
            settings: self.settings,
            form: form_of(self.form, batch.format),
            known: batch.known.clone(),
            source: &batch.source,
            finished: Finished::default(),
        };
        desk.finished.starts = batch.starts;
        let text = &mut desk.finished.out.text;
        text.reserve(batch.bytes.len() + batch.bytes.len() / 4);
        let mut start = 0;
        for (end, stretch) in &batch.stretches {
            desk.stretch(&batch.bytes[start..*end], stretch, batch.format);
            start = *end;
        }
        desk.finished
    }
}

/// An input in another format than the first one's is written in that of the first.
fn form_of(form: Form, input: Format) -> Form {
    match (form, input) {
        (Form::Json, Format::Yaml) => Form::Lines,
        (Form::Yaml, Format::Json) => Form::Documents,
        _ => form,
    }
}

/// One batch's work.
struct Desk<'d> {
    settings: &'d Settings,
    form: Form,
    /// What is known before the next object.
    known: Known,
    source: &'d Arc<str>,
    finished: Finished,
}

impl Desk<'_> {
    fn stretch(&mut self, bytes: &[u8], stretch: &Stretch, format: Format) {
        match stretch {
            Stretch::Between if self.form.copies() => {
                self.finished.out.text.extend_from_slice(bytes)
            }
            Stretch::Between => {}
            Stretch::Lines { line } => self.lines(bytes, *line),
            Stretch::Broken { line, error } => self.broken(bytes, *line, error.as_deref()),
            Stretch::Object {
                line,
                own_marker,
                item,
            } => match yaml::text(bytes, *line) {
                Ok(text) if format == Format::Json => {
                    self.json(text, *line, item.as_ref());
                }
                Ok(text) => self.yaml(text, *line, *own_marker),
                Err(error) => self.broken(bytes, *line, Some(&error.to_string())),
            },
        }
    }

    fn place(&self, line: u64) -> Place {
        Place {
            source: Arc::clone(self.source),
            line,
        }
    }

    fn broken(&mut self, bytes: &[u8], line: u64, error: Option<&str>) {
        if self.form.copies() {
            self.finished.out.text.extend_from_slice(bytes);
        }
        if let Some(error) = error {
            let remark = Remark::unreadable(error.to_owned(), &self.place(line));
            self.fail(remark);
        }
    }

    /// Counts a failure and writes its `Status` where the object cannot stay.
    fn fail(&mut self, remark: Remark) {
        let out = &mut self.finished.out.text;
        match self.form {
            Form::Lines => {
                out.extend_from_slice(status::json(&remark).as_bytes());
                out.push(b'\n');
            }
            Form::List => format::item(&status::json(&remark), out),
            // A Status is plain JSON, and that is YAML.
            Form::Documents => {
                let _ = format::document(&status::json(&remark), out);
            }
            Form::Json | Form::Yaml | Form::Diff => {}
        }
        self.finished.summary.failed += 1;
        self.finished.remarks.push(remark);
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
                if self.form == Form::Json {
                    self.finished.out.text.extend_from_slice(whole);
                }
                continue;
            }
            match yaml::text(object, number) {
                Ok(text) => self.line(text, number),
                Err(error) => self.broken(object, number, Some(&error.to_string())),
            }
            if self.form == Form::Json {
                let break_ = &whole[whole.len() - behind..];
                self.finished.out.text.extend_from_slice(break_);
            }
        }
    }

    /// A line's text: an object, a list, or more than one of them.
    fn line(&mut self, text: &str, line: u64) {
        let result = object::translate(text, None, self.settings, &self.known);
        let several = match &result {
            Ok(outcome) => !outcome.changed && is_list(&outcome.object),
            Err(error) => is_trailing(error),
        };
        if several {
            self.pieces(text, line);
        } else {
            self.put(&Unit::of(text), result, line);
        }
    }

    /// An object in JSON; tells whether it was changed.
    fn json(&mut self, text: &str, line: u64, item: Option<&Item>) -> bool {
        let unit = Unit {
            item,
            ..Unit::of(text)
        };
        let kind = item.and_then(Item::kind);
        let result = object::translate(text, kind, self.settings, &self.known);
        self.put(&unit, result, line)
    }

    /// A YAML document, which can be a list.
    fn yaml(&mut self, text: &str, line: u64, own_marker: bool) {
        let json = match yaml::to_json(text, line) {
            Ok(json) => json,
            Err(error) => {
                self.broken(text.as_bytes(), line, Some(&error.to_string()));
                return;
            }
        };
        if json == "null" {
            if self.form.copies() {
                self.finished.out.text.extend_from_slice(text.as_bytes());
            }
            return;
        }
        let result = object::translate(&json, None, self.settings, &self.known);
        if matches!(&result, Ok(outcome) if is_list(&outcome.object)) {
            self.yaml_list(text, &json, line, own_marker);
            return;
        }
        let unit = Unit {
            written: Some(text),
            own_marker,
            ..Unit::of(&json)
        };
        self.put(&unit, result, line);
    }

    /// A list in one YAML document: worked on as JSON, and written again as one
    /// document if an item changed.
    fn yaml_list(&mut self, text: &str, json: &str, line: u64, own_marker: bool) {
        if self.form != Form::Yaml {
            self.pieces(json, line);
            return;
        }
        let start = self.finished.out.text.len();
        self.form = Form::Json;
        let changed = self.pieces(json, line);
        self.form = Form::Yaml;
        let list = self.finished.out.text[start..].to_vec();
        // What shared Secrets are needed is said in one document: none is left out.
        self.finished.out.truncate(start);
        let list = String::from_utf8_lossy(&list);
        let written = if changed {
            yaml::from_json(&list).ok()
        } else {
            None
        };
        let out = &mut self.finished.out.text;
        match written {
            Some(yaml) => {
                if own_marker {
                    out.extend_from_slice(b"---\n");
                }
                out.extend_from_slice(yaml.as_bytes());
            }
            None => out.extend_from_slice(text.as_bytes()),
        }
    }

    /// The objects, and the items of lists, in a text; tells whether one was changed.
    fn pieces(&mut self, json: &str, line: u64) -> bool {
        let mut changed = false;
        let mut splitter = JsonSplitter::new(json.as_bytes());
        // What cannot fail to be read is not said to have failed.
        while let Ok(Some(piece)) = splitter.next() {
            match piece {
                Piece::Between(bytes) if self.form.copies() => {
                    self.finished.out.text.extend_from_slice(bytes);
                }
                Piece::Between(_) => {}
                Piece::Object { text, list, .. } => {
                    let item = list.as_ref().map(super::batch::item);
                    let kind = item.as_ref().and_then(Item::kind);
                    // What is wrong with it is said when it is translated.
                    let _ = self.known.read(text, line, kind, Format::Json);
                    let text = String::from_utf8_lossy(text);
                    changed |= self.json(&text, line, item.as_ref());
                }
                Piece::Broken { text, error, .. } => {
                    let error = error.map(|error| error.to_string());
                    self.broken(text, line, error.as_deref());
                }
            }
        }
        changed
    }

    /// Writes what became of one object; tells whether it was changed.
    fn put(&mut self, unit: &Unit<'_, '_>, result: Result<Outcome<'_>, Error>, line: u64) -> bool {
        let outcome = match result {
            Ok(outcome) => outcome,
            Err(error) => {
                let identity = Identity::read(unit.before);
                let failure = Remark::failure(&error, identity, &self.place(line));
                if self.form.keeps_failed() {
                    // As it was, it can be written.
                    let _ = unit.write(self.form, &mut self.finished.out);
                }
                self.fail(failure);
                return false;
            }
        };
        self.finished.summary.count(&outcome);
        if !outcome.notes.is_empty() {
            let identity = Identity::read(unit.before);
            let place = self.place(line);
            let remarks = outcome.notes.iter().cloned();
            self.finished
                .remarks
                .extend(remarks.map(|note| Remark::note(note, identity.clone(), &place)));
        }
        let unit = Unit {
            after: outcome.changed.then_some(&outcome.object),
            extra: &outcome.extra,
            ..*unit
        };
        let before = self.finished.out.text.len();
        let written = unit.write(self.form, &mut self.finished.out);
        if let Err(error) = written {
            self.finished.out.truncate(before);
            let place = self.place(line);
            self.broken(
                unit.written.unwrap_or(unit.before).as_bytes(),
                place.line,
                Some(&error.to_string()),
            );
            return false;
        }
        outcome.changed
    }
}

/// Whether an object is a list whose items are to be translated.
fn is_list(object: &Object<'_>) -> bool {
    matches!(Kind::of(object), Ok(Kind::List)) && object.contains("items")
}

/// Whether the text went on behind the object.
fn is_trailing(error: &Error) -> bool {
    matches!(error, Error::Json(error)
        if matches!(&error.problem, Problem::Syntax { reason, .. } if reason == "trailing characters"))
}
