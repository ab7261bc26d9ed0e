//! How units are written: as they came, or in another format.

use flex2csi_translators::json::Object;
use serde::de::IgnoredAny;

use super::diff;
use super::list::Item;
use super::new_secrets::NewSecret;
use crate::manifest::{self, yaml};

/// How the output is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// JSON input as JSON: everything between objects as it was.
    Json,
    /// YAML input as YAML: everything between objects as it was.
    Yaml,
    /// YAML, a document for each object.
    Documents,
    /// One `v1 List` of all objects, whatever they came in.
    List,
    /// JSON, one object behind the other: YAML input where JSON came before it.
    Objects,
    /// One line for each object.
    Lines,
    /// What changes, for people.
    Diff,
}

impl Form {
    /// Whether what stands between objects is copied.
    pub fn copies(self) -> bool {
        matches!(self, Self::Json | Self::Yaml)
    }
}

/// What opens, and what closes, a list of all objects.
pub const LIST: (&str, &str) = (
    "{\n    \"apiVersion\": \"v1\",\n    \"kind\": \"List\",\n    \"items\": [",
    "\n    ]\n}\n",
);

/// Before each item of a list of all objects.
const ITEM_INDENT: &str = "\n        ";

/// Output, and what in it need not be there twice.
#[derive(Debug, Default)]
pub struct Output {
    /// The text.
    pub text: Vec<u8>,
    /// The new Secrets in it.
    pub secrets: Vec<NewSecret>,
}

impl Output {
    /// Appends a new object with `write`.
    fn extra(
        &mut self,
        extra: &Object<'_>,
        line: u64,
        write: impl FnOnce(&mut Vec<u8>) -> Result<(), manifest::Error>,
    ) -> Result<(), manifest::Error> {
        let start = self.text.len();
        write(&mut self.text)?;
        let end = self.text.len();
        self.secrets.extend(NewSecret::of(extra, start..end, line));
        Ok(())
    }

    /// Takes off what was appended since it was so long: its text, and its
    /// number of Secrets.
    pub fn truncate(&mut self, (text, secrets): (usize, usize)) {
        self.text.truncate(text);
        self.secrets.truncate(secrets);
    }

    /// How long it is, for [`Output::truncate`].
    pub fn length(&self) -> (usize, usize) {
        (self.text.len(), self.secrets.len())
    }
}

/// An input object, and what it became.
#[derive(Clone, Copy)]
pub struct Unit<'u, 'a> {
    /// The object as it was, as JSON text.
    pub before: &'u str,
    /// The line of its first byte, from 1.
    pub line: u64,
    /// The object as it was written, where that is not `before`.
    pub written: Option<&'u str>,
    /// Set for an item of a list.
    pub item: Option<&'u Item>,
    /// Its text has to start with `---`.
    pub own_marker: bool,
    /// The object as it is now; `None` if it is the same.
    pub after: Option<&'u Object<'a>>,
    /// New objects beside it.
    pub extra: &'u [Object<'static>],
}

impl<'u> Unit<'u, '_> {
    /// An object that was given as this JSON text.
    pub fn of(text: &'u str, line: u64) -> Self {
        Self {
            before: text,
            line,
            written: None,
            item: None,
            own_marker: false,
            after: None,
            extra: &[],
        }
    }
}

impl Unit<'_, '_> {
    /// Writes the unit.
    ///
    /// # Errors
    /// Its JSON cannot be written in that form.
    pub fn write(&self, form: Form, out: &mut Output) -> Result<(), manifest::Error> {
        match form {
            Form::Json => self.json(out),
            Form::Yaml => self.yaml(out),
            Form::Documents => self.documents(out),
            Form::List => self.list(out),
            Form::Objects => self.objects(out),
            Form::Lines => {
                self.line(out);
                Ok(())
            }
            Form::Diff => self.diff(out),
        }
    }

    fn json(&self, out: &mut Output) -> Result<(), manifest::Error> {
        let Some(after) = self.after else {
            out.text.extend_from_slice(self.before.as_bytes());
            return Ok(());
        };
        after.write(&mut out.text);
        for extra in self.extra {
            out.extra(extra, self.line, |text| {
                if self.item.is_some() {
                    text.push(b',');
                    let end = after.layout().map_or("", |layout| layout.end);
                    text.extend_from_slice(end.as_bytes());
                } else {
                    text.push(b'\n');
                }
                extra.write_like(after, text);
                Ok(())
            })?;
        }
        Ok(())
    }

    fn yaml(&self, out: &mut Output) -> Result<(), manifest::Error> {
        let Some(after) = self.after else {
            let written = self.written.unwrap_or(self.before);
            out.text.extend_from_slice(written.as_bytes());
            return Ok(());
        };
        if self.own_marker {
            out.text.extend_from_slice(b"---\n");
        }
        let yaml = yaml::from_json(&after.to_json())?;
        out.text.extend_from_slice(yaml.as_bytes());
        self.extra_documents(out)
    }

    fn documents(&self, out: &mut Output) -> Result<(), manifest::Error> {
        document(&self.named_json(), &mut out.text)?;
        self.extra_documents(out)
    }

    fn extra_documents(&self, out: &mut Output) -> Result<(), manifest::Error> {
        for extra in self.extra {
            out.extra(extra, self.line, |text| document(&extra.to_json(), text))?;
        }
        Ok(())
    }

    fn list(&self, out: &mut Output) -> Result<(), manifest::Error> {
        item(&self.named_json(), &mut out.text);
        for extra in self.extra {
            out.extra(extra, self.line, |text| {
                item(&extra.to_json(), text);
                Ok(())
            })?;
        }
        Ok(())
    }

    fn diff(&self, out: &mut Output) -> Result<(), manifest::Error> {
        let Some(after) = self.after else {
            return Ok(());
        };
        diff::write(Some(self.before), &after.to_json(), &mut out.text)?;
        for extra in self.extra {
            out.extra(extra, self.line, |text| {
                diff::write(None, &extra.to_json(), text)
            })?;
        }
        Ok(())
    }

    fn objects(&self, out: &mut Output) -> Result<(), manifest::Error> {
        out.text.extend_from_slice(self.named_json().as_bytes());
        out.text.push(b'\n');
        for extra in self.extra {
            out.extra(extra, self.line, |text| {
                extra.write(text);
                text.push(b'\n');
                Ok(())
            })?;
        }
        Ok(())
    }

    fn line(&self, output: &mut Output) {
        let out = &mut output.text;
        let start = out.len();
        if self.extra.is_empty() {
            match (self.item.and_then(|item| item.named.as_ref()), self.after) {
                (None, Some(after)) => after.write(out),
                (None, None) => out.extend_from_slice(self.before.as_bytes()),
                (Some(_), _) => out.extend_from_slice(self.named_json().as_bytes()),
            }
        } else {
            out.extend_from_slice(b"{\"apiVersion\":\"v1\",\"kind\":\"List\",\"items\":[");
            out.extend_from_slice(self.named_json().as_bytes());
            for extra in self.extra {
                out.push(b',');
                extra.write(out);
                // It has to stay: who reads the line finds all of it there.
                let stays = NewSecret::of(extra, start..start, self.line);
                output.secrets.extend(stays);
            }
            out.extend_from_slice(b"]}");
        }
        one_line(out, start);
        out.push(b'\n');
    }

    /// The object as it is now, with the kind that its list gave it.
    fn named_json(&self) -> String {
        let text = match self.after {
            Some(after) => after.to_json(),
            None => self.before.to_owned(),
        };
        let Some((version, kind)) = self.item.and_then(|item| item.named.as_ref()) else {
            return text;
        };
        match Object::parse(&text) {
            Ok(object) if !object.contains("kind") => {
                let mut named = Object::new();
                named.set("apiVersion", version.clone());
                named.set("kind", kind.clone());
                for member in object.members() {
                    named.set(member.to_key(), member.value.clone());
                }
                named.to_json()
            }
            _ => text,
        }
    }
}

/// Whether a text is JSON: then it can be written in any form.
pub fn is_json(text: &str) -> bool {
    serde_json::from_str::<IgnoredAny>(text).is_ok()
}

/// Appends a YAML document of its own.
pub fn document(json: &str, out: &mut Vec<u8>) -> Result<(), manifest::Error> {
    if out.last().is_some_and(|byte| *byte != b'\n') {
        out.push(b'\n');
    }
    out.extend_from_slice(b"---\n");
    out.extend_from_slice(yaml::from_json(json)?.as_bytes());
    Ok(())
}

/// Appends an item of a list of all objects, with the comma before it: whoever
/// writes the list leaves out the first.
pub fn item(json: &str, out: &mut Vec<u8>) {
    out.push(b',');
    out.extend_from_slice(ITEM_INDENT.as_bytes());
    match Object::parse(json).and_then(Object::into_owned) {
        Ok(object) => object.write_indented(ITEM_INDENT, "    ", out),
        // Nested too deep to be laid out: as it is.
        Err(_) => out.extend_from_slice(json.as_bytes()),
    }
}

/// Takes the line breaks out of the JSON text from `start` on, with the
/// indentation behind them. Strings have none.
pub fn one_line(out: &mut Vec<u8>, start: usize) {
    if !out[start..]
        .iter()
        .any(|byte| matches!(byte, b'\n' | b'\r'))
    {
        return;
    }
    let text = out.split_off(start);
    for (index, line) in text.split(|byte| matches!(byte, b'\n' | b'\r')).enumerate() {
        let line = if index == 0 {
            line
        } else {
            line.trim_ascii_start()
        };
        out.extend_from_slice(line);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_no_breaks_and_keeps_what_is_in_strings() {
        let mut out = b"before\n".to_vec();
        out.extend_from_slice(b"{\n  \"a\": \"x\\n  y\",\r\n  \"b\": [\n    1\n  ]\n}");
        one_line(&mut out, 7);
        assert_eq!(out, b"before\n{\"a\": \"x\\n  y\",\"b\": [1]}");
    }

    #[test]
    fn an_item_of_a_typed_list_gets_the_kind_that_its_list_gave_it() {
        let item = Item {
            named: Some(("v1".into(), "PersistentVolume".into())),
        };
        let unit = Unit {
            item: Some(&item),
            ..Unit::of("{\"metadata\":{\"name\":\"a\"}}", 1)
        };
        let mut out = Output::default();
        unit.write(Form::Lines, &mut out).unwrap();
        let expected =
            "{\"apiVersion\":\"v1\",\"kind\":\"PersistentVolume\",\"metadata\":{\"name\":\"a\"}}\n";
        assert_eq!(String::from_utf8(out.text).unwrap(), expected);
    }
}
