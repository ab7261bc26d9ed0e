//! Scalars under the tags that YAML itself defines.

use granit_parser::{ScalarStyle, Tag};

use super::scalar::{Scalar, resolve};

const NAMESPACE: &str = "tag:yaml.org,2002:";

/// A scalar's value; if its tag does not allow it, what is wrong with it.
pub(super) fn value<'a>(
    text: &'a str,
    style: ScalarStyle,
    tag: Option<&Tag>,
) -> Result<Scalar<'a>, String> {
    let Some(tag) = tag else {
        return Ok(if style == ScalarStyle::Plain {
            resolve(text)
        } else {
            Scalar::Str(text)
        });
    };
    let name = tag.suffix_in_namespace(NAMESPACE);
    let value = match (name.as_deref(), resolve(text)) {
        (Some("int"), value @ Scalar::Int(_))
        | (Some("float"), value @ Scalar::Float(_))
        | (Some("bool"), value @ Scalar::Bool(_))
        | (Some("null"), value @ Scalar::Null) => value,
        #[expect(clippy::cast_precision_loss, reason = "it is what the tag asks for")]
        (Some("float"), Scalar::Int(value)) => Scalar::Float(value as f64),
        (Some(name @ ("int" | "float" | "bool" | "null")), _) => {
            return Err(format!("is tagged !!{name}, and is none"));
        }
        (Some("binary"), _) => {
            return Err(
                "is tagged !!binary, which JSON has no form for; write the text".to_owned(),
            );
        }
        _ => Scalar::Str(text),
    };
    Ok(value)
}

/// Whether a key asks for the value's members to be merged.
pub(super) fn is_merge(text: &str, style: ScalarStyle, tag: Option<&Tag>) -> bool {
    text == "<<"
        && match tag {
            None => style == ScalarStyle::Plain,
            Some(tag) => tag.suffix_in_namespace(NAMESPACE).as_deref() == Some("merge"),
        }
}
