//! What is opened of every object at once.

use crate::json::{JsonError, Object, Shape};

const FLAT: Option<&Shape> = Some(&Shape::FLAT);

static OBJECT: Shape = Shape::of(&[("metadata", Some(&METADATA)), ("spec", Some(&SPEC))]);

static METADATA: Shape = Shape::of(&[("annotations", FLAT), ("labels", FLAT)]);

/// Of a volume: its source, whatever it is, and its node affinity.
static SPEC: Shape = Shape::of(&[
    ("accessModes", None),
    ("capacity", None),
    ("claimRef", None),
    ("nodeAffinity", Some(&AFFINITY)),
])
.and_others(&SOURCE);

static SOURCE: Shape = Shape::of(&[("options", FLAT), ("secretRef", FLAT)]);

static AFFINITY: Shape = Shape::of(&[("required", Some(&REQUIRED))]);
static REQUIRED: Shape = Shape::of(&[("nodeSelectorTerms", Some(&TERM))]);
static TERM: Shape = Shape::of(&[("matchExpressions", FLAT)]);

/// Opens the JSON object in `text` for [`translate`](crate::translate()): with
/// the parts that the translation of a volume looks into. Any other object comes
/// out the same, only later.
///
/// # Errors
/// The text is not one JSON object, or a key stands in it twice.
pub fn parse(text: &str) -> Result<Object<'_>, JsonError> {
    Object::open(text, &OBJECT)
}
