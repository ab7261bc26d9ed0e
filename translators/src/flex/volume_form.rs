//! The CSI form, written into the volume.

use std::borrow::Cow;

use super::evaluate::note_once;
use super::translate::Made;
use crate::error::Error;
use crate::json::{At, JsonError, Object, Value};
use crate::note::{Code, Note};
use crate::source::FLEX_VOLUME;

/// Puts the CSI source where the FlexVolume source stands, and what goes with
/// it where it belongs.
pub(super) fn write(
    pv: &mut Object<'_>,
    made: Made<'_>,
    notes: &mut Vec<Note>,
) -> Result<(), Error> {
    annotations(pv, &made.annotations)?;
    let spec = pv.object_or_new("spec")?;
    let under_spec = |error: JsonError| error.under("spec");
    mount_options(spec, &made.mount_options, notes).map_err(under_spec)?;
    access_modes(spec, &made.access_modes, notes).map_err(under_spec)?;
    topology(spec, &made.topology, notes).map_err(under_spec)?;
    if let Some(capacity) = &made.capacity {
        let member = spec.object_or_new("capacity").map_err(under_spec)?;
        member.set("storage", capacity.clone().into_owned());
    }
    spec.replace(FLEX_VOLUME, "csi", csi(made));
    Ok(())
}

/// In the order of the API's CSI source.
fn csi<'a>(made: Made<'_>) -> Object<'a> {
    // Four plain fields, the attributes and the references at most.
    let mut csi = Object::with_capacity(5 + made.secret_refs.len());
    csi.set("driver", made.driver.into_owned());
    csi.set("volumeHandle", made.handle.into_owned());
    if made.read_only {
        csi.set("readOnly", true);
    }
    if let Some(fs_type) = made.fs_type {
        csi.set("fsType", fs_type.into_owned());
    }
    if !made.attributes.is_empty() {
        let mut attributes = Object::with_capacity(made.attributes.len());
        for (key, value) in made.attributes {
            attributes.set(key.to_owned(), value.into_owned());
        }
        csi.set("volumeAttributes", attributes);
    }
    for (field, secret) in made.secret_refs {
        let mut object = Object::with_capacity(2);
        object.set("name", secret.name.into_owned());
        object.set("namespace", secret.namespace.into_owned());
        csi.set(field, object);
    }
    csi
}

fn annotations(pv: &mut Object<'_>, made: &[(&str, Cow<'_, str>)]) -> Result<(), Error> {
    if made.is_empty() {
        return Ok(());
    }
    let metadata = pv.object_or_new("metadata")?;
    let annotations = metadata.object_or_new("annotations").at(&["metadata"])?;
    for (key, value) in made {
        annotations.set((*key).to_owned(), value.clone().into_owned());
    }
    Ok(())
}

fn mount_options(
    spec: &mut Object<'_>,
    made: &[String],
    notes: &mut Vec<Note>,
) -> Result<(), JsonError> {
    if made.is_empty() {
        return Ok(());
    }
    let mut options = texts(spec, "mountOptions")?;
    let before = options.len();
    for option in made {
        if !options.iter().any(|known| known == option) {
            options.push(Cow::Borrowed(option));
        }
    }
    if options.len() == before {
        return Ok(());
    }
    let options: Vec<String> = options.into_iter().map(Cow::into_owned).collect();
    set_texts(spec, "mountOptions", options);
    let message = "mount options were made from the volume's options";
    note_once(
        notes,
        Code::MountOptionsAdded,
        &["spec", "mountOptions"],
        message,
    );
    Ok(())
}

fn access_modes(
    spec: &mut Object<'_>,
    made: &[String],
    notes: &mut Vec<Note>,
) -> Result<(), JsonError> {
    if made.is_empty() {
        return Ok(());
    }
    let before = texts(spec, "accessModes")?;
    if before == made {
        return Ok(());
    }
    let before = before.join(", ");
    set_texts(spec, "accessModes", made.to_vec());
    let message = format!("the access modes are {} and were {before}", made.join(", "));
    note_once(
        notes,
        Code::AccessModesChanged,
        &["spec", "accessModes"],
        message,
    );
    Ok(())
}

fn texts<'a>(spec: &mut Object<'a>, key: &str) -> Result<Vec<Cow<'a, str>>, JsonError> {
    let Some(items) = spec.array(key)? else {
        return Ok(Vec::new());
    };
    let mut texts = Vec::with_capacity(items.len());
    for item in items {
        texts.extend(item.to_str().at(&[key])?);
    }
    Ok(texts)
}

fn set_texts(spec: &mut Object<'_>, key: &'static str, texts: Vec<String>) {
    let items: Vec<Value<'_>> = texts.into_iter().map(Value::from).collect();
    spec.set(key, items);
}

/// Adds each key to every term, since a volume is where any one term says.
fn topology(
    spec: &mut Object<'_>,
    made: &[(&str, Vec<String>)],
    notes: &mut Vec<Note>,
) -> Result<(), JsonError> {
    if made.is_empty() {
        return Ok(());
    }
    const TERMS: &str = "nodeSelectorTerms";
    let under = |error: JsonError| error.under("required").under("nodeAffinity");
    let affinity = spec.object_or_new("nodeAffinity")?;
    let required = affinity.object_or_new("required").map_err(under)?;
    if required
        .array(TERMS)
        .map_err(under)?
        .is_none_or(|terms| terms.is_empty())
    {
        required.set(TERMS, vec![Value::from(Object::new())]);
    }
    let mut added = false;
    if let Some(terms) = required.array(TERMS).map_err(under)? {
        for term in terms {
            if let Some(term) = term
                .open_object()
                .map_err(|error| under(error.under(TERMS)))?
            {
                added |= add_to_term(term, made).map_err(|error| under(error.under(TERMS)))?;
            }
        }
    }
    if added {
        let message = "node affinity was made from what the volume says of its place";
        note_once(
            notes,
            Code::TopologyWritten,
            &["spec", "nodeAffinity"],
            message,
        );
    }
    Ok(())
}

fn add_to_term(term: &mut Object<'_>, made: &[(&str, Vec<String>)]) -> Result<bool, JsonError> {
    const EXPRESSIONS: &str = "matchExpressions";
    if term.array(EXPRESSIONS)?.is_none() {
        term.set(EXPRESSIONS, Vec::<Value<'_>>::new());
    }
    let Some(expressions) = term.array(EXPRESSIONS)? else {
        return Ok(false);
    };
    let mut present = Vec::new();
    for expression in expressions.iter_mut() {
        if let Some(expression) = expression.open_object()? {
            present.extend(expression.str("key")?);
        }
    }
    let mut added = false;
    for (key, values) in made {
        if present.iter().any(|known| known == key) {
            continue;
        }
        let values: Vec<Value<'_>> = values.iter().cloned().map(Value::from).collect();
        let mut expression = Object::new();
        expression.set("key", (*key).to_owned());
        expression.set("operator", "In");
        expression.set("values", values);
        expressions.push(expression.into());
        added = true;
    }
    Ok(added)
}
