//! The Secret that a CSI driver reads where the legacy one has other keys. Its
//! values are written only if the caller gives those of the legacy one: what
//! was asked for is a manifest, and that is often kept where Secrets must not be.

use std::borrow::Cow;

use super::evaluate::{Evaluator, note_once};
use super::legacy::Legacy;
use super::plan::SecretRefPlan;
use super::schema::SecretSpec;
use super::translate::{SecretRef, secret_ref};
use super::view::option;
use crate::context::Context;
use crate::error::Error;
use crate::json::Object;
use crate::note::{Code, Note};
use crate::source::FLEX_VOLUME;

/// A Secret in the making.
pub(super) struct NewSecret<'m> {
    name: Cow<'m, str>,
    namespace: Cow<'m, str>,
    kind: Option<&'m str>,
    /// From the legacy Secret, in base64.
    data: Vec<(&'m str, String)>,
    /// From options, in plain text, and what is to be filled in.
    string_data: Vec<(&'m str, String)>,
    to_fill_in: bool,
}

/// The Secret beside a volume; `None` where it would hold nothing.
pub(super) fn secret<'m>(
    evaluator: &Evaluator<'_>,
    plan: &'m SecretRefPlan,
    spec: &'m SecretSpec,
    legacy: &Legacy<'_>,
    options: Option<&Object<'_>>,
    context: &Context<'_>,
) -> Result<Option<NewSecret<'m>>, Error> {
    let mut data = Vec::new();
    let mut string_data = Vec::new();
    let mut to_fill_in = false;
    if !legacy.secret_name.is_empty() {
        let place = (
            legacy.secret_namespace.to_string(),
            legacy.secret_name.to_string(),
        );
        let known = context.secrets.and_then(|secrets| secrets.get(&place));
        for (new, keys) in spec.keys.iter() {
            let value = known.and_then(|known| keys.iter().find_map(|key| known.get(key)));
            data.extend(value.map(|value| (new, value.clone())));
        }
        // Keys can stand for each other: one that is missing among others is not
        // asked for.
        if data.is_empty() {
            for (new, _) in spec.keys.iter() {
                string_data.push((new, String::new()));
                to_fill_in = true;
            }
        }
    }
    for (new, keys) in spec.options.iter() {
        let value = keys.iter().find_map(|key| option(options?, key));
        if let Some(Ok(Some(value))) = value.map(|value| value.as_str())
            && !value.is_empty()
        {
            string_data.retain(|(known, _)| *known != new);
            if context.secrets.is_some() {
                string_data.push((new, value.into_owned()));
            } else {
                string_data.push((new, String::new()));
                to_fill_in = true;
            }
        }
    }
    if data.is_empty() && string_data.is_empty() {
        return Ok(None);
    }
    let Some(SecretRef { name, namespace }) = secret_ref(evaluator, plan, legacy)? else {
        return Ok(None);
    };
    Ok(Some(NewSecret {
        name,
        namespace,
        kind: spec.kind.as_deref(),
        data,
        string_data,
        to_fill_in,
    }))
}

impl NewSecret<'_> {
    /// The object, and a note where values are to be filled in.
    pub fn object(self, notes: &mut Vec<Note>) -> Object<'static> {
        if self.to_fill_in {
            let message = format!(
                "the CSI driver reads other keys: fill in the Secret {}/{}",
                self.namespace, self.name
            );
            let path = &["spec", FLEX_VOLUME];
            note_once(notes, Code::SecretKeysDiffer, path, message);
        }
        let mut metadata = Object::new();
        metadata.set("name", self.name.into_owned());
        metadata.set("namespace", self.namespace.into_owned());
        let mut secret = Object::new();
        secret.set("apiVersion", "v1");
        secret.set("kind", "Secret");
        secret.set("metadata", metadata);
        secret.set("type", self.kind.unwrap_or("Opaque").to_owned());
        for (field, entries) in [("data", self.data), ("stringData", self.string_data)] {
            if !entries.is_empty() {
                let entries = entries.into_iter();
                let entries: Object<'static> = entries
                    .map(|(key, value)| (key.to_owned(), value))
                    .collect();
                secret.set(field, entries);
            }
        }
        secret
    }
}
