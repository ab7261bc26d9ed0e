//! Lists that are in memory, and other texts of more than one object.

use std::io::Read;

use flex2csi_translators::Severity;

use super::{Desk, Finished};
use crate::manifest::{JsonSplitter, Piece, yaml};
use crate::translate::batch::Gathered;
use crate::translate::format::{Form, Unit};
use crate::translate::list::{Item, List};
use crate::translate::remark::Remark;
use crate::translate::summary::Summary;

impl Desk<'_> {
    /// A list; tells whether an item was changed.
    pub(super) fn list(&mut self, unit: &Unit<'_, '_>, list: &List) -> bool {
        match (self.form, unit.written) {
            (Form::Yaml, Some(text)) => self.yaml_list(unit, text, list),
            _ => self.items(unit.before, unit.line, list),
        }
    }

    fn items(&mut self, json: &str, line: u64, list: &List) -> bool {
        let splitter = JsonSplitter::new(json.as_bytes());
        self.pieces(
            splitter.of_list(&list.api_version, &list.kind),
            line,
            Some(list),
        )
    }

    /// More than one object in a text.
    pub(super) fn several(&mut self, json: &str, line: u64) {
        self.pieces(JsonSplitter::new(json.as_bytes()), line, None);
    }

    /// The objects, and the items of lists; tells whether one was changed.
    fn pieces(
        &mut self,
        mut splitter: JsonSplitter<impl Read>,
        first: u64,
        of: Option<&List>,
    ) -> bool {
        let mut changed = false;
        let mut gathered = Gathered::default();
        // Reading from memory does not fail.
        while let Ok(Some(piece)) = splitter.next() {
            if let Some(broken) = gathered.take(&piece, first - 1) {
                self.failure(&broken);
            }
            match piece {
                Piece::Between(bytes) | Piece::Broken { text: bytes, .. } => self.copy(bytes),
                Piece::Object {
                    text, line, list, ..
                } => {
                    let line = first - 1 + line;
                    let whole = String::from_utf8_lossy(text);
                    match (&list, of) {
                        (None, Some(of)) => self.not_taken_apart(&whole, line, of),
                        _ => {
                            let item = list.as_ref().map(Item::of);
                            let unit = Unit {
                                item: item.as_ref(),
                                ..Unit::of(&whole, line)
                            };
                            changed |= self.object(&unit);
                            let kind = item.as_ref().and_then(Item::kind);
                            self.view.read_item(text, line, kind);
                        }
                    }
                }
            }
        }
        if let Some(broken) = gathered.end() {
            self.failure(&broken);
        }
        changed
    }

    /// What says that it is a list, and is written so that its items were not
    /// found.
    fn not_taken_apart(&mut self, text: &str, line: u64, list: &List) {
        let message = format!(
            "the items of this {} could not be told apart; write its members `kind` and `items` once each, without escapes",
            list.kind
        );
        self.broken(text.as_bytes(), line, message);
    }

    /// A list in one YAML document: worked on as JSON, and written again as one
    /// document if an item changed.
    fn yaml_list(&mut self, unit: &Unit<'_, '_>, text: &str, list: &List) -> bool {
        let mut desk = Desk {
            settings: self.settings,
            form: Form::Json,
            view: &mut *self.view,
            told: &mut *self.told,
            source: self.source,
            finished: Finished::new(self.source),
        };
        let changed = desk.items(unit.before, unit.line, list);
        let Finished {
            out,
            mut remarks,
            hidden,
            mut summary,
            ..
        } = desk.finished;
        let json = String::from_utf8_lossy(&out.text);
        let written = changed.then(|| yaml::from_json(&json)).transpose();
        match &written {
            Ok(Some(yaml)) => {
                // What is in one document is not left out of it.
                let at = self.finished.out.text.len();
                let secrets = out.secrets.into_iter().map(|secret| secret.at(at));
                self.finished.out.secrets.extend(secrets);
                if unit.own_marker {
                    self.copy(b"---\n");
                }
                self.copy(yaml.as_bytes());
            }
            Ok(None) => self.copy(text.as_bytes()),
            Err(error) => {
                // The list goes out as it was: nothing in it was done.
                remarks.retain(|remark: &Remark| remark.severity == Severity::Block);
                summary = Summary {
                    failed: summary.failed,
                    ..Summary::default()
                };
                self.broken(text.as_bytes(), unit.line, error.to_string());
            }
        }
        self.finished.remarks.extend(remarks);
        for (code, count) in hidden {
            *self.finished.hidden.entry(code).or_default() += count;
        }
        self.finished.summary += summary;
        changed && written.is_ok()
    }
}
