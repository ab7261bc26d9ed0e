//! StorageClasses: their translation, and what that of volumes reads of them.

use crate::context::{Context, Direction, Target};
use crate::error::Error;
use crate::json::{At, Object};
use crate::outcome::Outcome;
use crate::{endpoint, in_tree};

/// What a volume's translation reads of its StorageClass.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StorageClass {
    /// `metadata.name`
    pub name: String,
    /// `provisioner`
    pub provisioner: String,
    /// `parameters`, in the order in which they stand.
    pub parameters: Vec<(String, String)>,
}

impl StorageClass {
    /// Reads a StorageClass.
    ///
    /// # Errors
    /// One of the members has another type than the API gives it.
    pub fn read(mut object: Object<'_>) -> Result<Self, Error> {
        let provisioner = object.str("provisioner")?.unwrap_or_default().into_owned();
        let name = match object.object("metadata")? {
            Some(metadata) => metadata.str("name").at(&["metadata"])?,
            None => None,
        };
        let name = name.unwrap_or_default().into_owned();
        let mut parameters = Vec::new();
        if let Some(members) = object.object("parameters")? {
            for member in members.members() {
                let value = members.str(member.key()).at(&["parameters"])?;
                parameters.push((
                    member.key().to_owned(),
                    value.unwrap_or_default().into_owned(),
                ));
            }
        }
        Ok(Self {
            name,
            provisioner,
            parameters,
        })
    }

    /// A parameter, by its exact name.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }
}

/// Translates a StorageClass.
///
/// # Errors
/// A parameter has no form in the target, or contradicts another.
pub(crate) fn translate<'a>(
    mut class: Object<'a>,
    context: &Context<'_>,
) -> Result<Outcome<'a>, Error> {
    match (context.target, context.direction) {
        (_, Direction::ToInTree) => Ok(Outcome::unchanged(class)),
        (Target::Runtime, _) => {
            let provisioner = class.str("provisioner")?.unwrap_or_default();
            if in_tree::driver_of_plugin(&provisioner).is_none() {
                return Ok(Outcome::unchanged(class));
            }
            in_tree::storage_class_to_csi(&provisioner, class).map(Outcome::changed)
        }
        (Target::Stored, Direction::ToEndpoint) => endpoint::class(class, context),
        (Target::Stored, Direction::ToCsi) => {
            match endpoint::class_from_endpoint(&mut class, context)? {
                Some(outcome) => Ok(outcome),
                None => to_stored(class, context),
            }
        }
    }
}

/// Gives a StorageClass the form in which its CSI driver is asked for volumes.
pub(crate) fn to_stored<'a>(
    mut class: Object<'a>,
    context: &Context<'_>,
) -> Result<Outcome<'a>, Error> {
    let mut notes = Vec::new();
    let changed = if in_tree::stored::storage_class(&mut class, context, &mut notes)? {
        true
    } else if let Some(more) = context.mappings.storage_class(&mut class, context)? {
        notes.extend(more);
        true
    } else {
        false
    };
    Ok(Outcome {
        object: class,
        changed,
        extra: Vec::new(),
        notes,
    })
}
