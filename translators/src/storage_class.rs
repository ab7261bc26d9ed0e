//! StorageClasses: their translation, and what that of volumes reads of them.

use std::borrow::Cow;

use crate::context::{Context, Target, TargetForm};
use crate::error::Error;
use crate::json::{At, Object};
use crate::kind::Kind;
use crate::outcome::Outcome;
use crate::{endpoint, in_tree};

/// Everest's parameter that names the CSI driver.
pub(crate) const DRIVER_NAME: &str = "csi.storage.k8s.io/csi-driver-name";

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

    /// The CSI driver of its volumes, where it is in CSI form: the provisioner by its
    /// name, mostly. Everest has one provisioner for all its drivers, and names the
    /// driver in a parameter.
    pub fn driver(&self) -> &str {
        let named = self.parameter(DRIVER_NAME);
        named.unwrap_or(&self.provisioner)
    }

    /// A parameter, by its exact name.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }
}

/// [`StorageClass::driver`] of a class in CSI form.
///
/// # Errors
/// One of the members has another type than the API gives it.
pub(crate) fn driver_of(class: &Object<'_>) -> Result<String, Error> {
    Ok(StorageClass::read(class.clone())?.driver().to_owned())
}

/// The older place of a class's name, and the one that is looked at first.
const CLASS_ANNOTATION: &str = "volume.beta.kubernetes.io/storage-class";

/// The class that a volume or a claim names; `None` where it names none, and for
/// objects of other kinds. Where it does so twice the annotation counts
/// (kubernetes `pkg/apis/core/v1/helper/helpers.go`, `GetPersistentVolumeClass`
/// and `GetPersistentVolumeClaimClass`).
///
/// # Errors
/// One of the places holds no text.
pub fn name_of<'a>(kind: Kind, object: &mut Object<'a>) -> Result<Option<Cow<'a, str>>, Error> {
    const METADATA: &[&str] = &["metadata"];
    const ANNOTATIONS: &[&str] = &["metadata", "annotations"];
    if !matches!(kind, Kind::PersistentVolume | Kind::PersistentVolumeClaim) {
        return Ok(None);
    }
    let mut name = None;
    if let Some(metadata) = object.object("metadata")?
        && let Some(annotations) = metadata.object("annotations").at(METADATA)?
    {
        name = annotations.str(CLASS_ANNOTATION).at(ANNOTATIONS)?;
    }
    if name.is_none()
        && let Some(spec) = object.object("spec")?
    {
        name = spec.str("storageClassName").at(&["spec"])?;
    }
    Ok(name.filter(|name| !name.is_empty()))
}

/// Translates a StorageClass.
///
/// # Errors
/// A parameter has no form in the target, or contradicts another.
pub(crate) fn translate<'a>(
    mut class: Object<'a>,
    context: &Context<'_>,
) -> Result<Outcome<'a>, Error> {
    match (context.target, context.target_form) {
        (_, TargetForm::InTree) => Ok(Outcome::unchanged(class)),
        (Target::Runtime, _) => {
            let provisioner = class.str("provisioner")?.unwrap_or_default();
            if in_tree::driver_of_plugin(&provisioner).is_none() {
                return Ok(Outcome::unchanged(class));
            }
            in_tree::storage_class_to_csi(&provisioner, class).map(Outcome::changed)
        }
        (Target::Stored, TargetForm::Endpoint) => endpoint::class(class, context),
        (Target::Stored, TargetForm::Csi) => {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_provisioner_of_several_drivers_is_none_of_them() {
        for (class, driver) in [
            (
                r#"{"provisioner": "everest-csi-provisioner", "parameters": {
                    "csi.storage.k8s.io/csi-driver-name": "disk.csi.everest.io"}}"#,
                "disk.csi.everest.io",
            ),
            (
                r#"{"provisioner": "ebs.csi.aws.com", "parameters": {"type": "gp3"}}"#,
                "ebs.csi.aws.com",
            ),
            (
                r#"{"provisioner": "ebs.csi.aws.com", "parameters": null}"#,
                "ebs.csi.aws.com",
            ),
            (r#"{"provisioner": "ebs.csi.aws.com"}"#, "ebs.csi.aws.com"),
        ] {
            let class = StorageClass::read(Object::parse(class).unwrap()).unwrap();
            assert_eq!(class.driver(), driver);
        }
    }

    #[test]
    fn the_annotation_goes_before_the_field() {
        let annotated =
            r#""metadata":{"annotations":{"volume.beta.kubernetes.io/storage-class":"old"}}"#;
        for (text, name) in [
            (
                r#"{"spec":{"storageClassName":"new"}}"#.to_owned(),
                Some("new"),
            ),
            (format!("{{{annotated}}}"), Some("old")),
            (
                format!(r#"{{{annotated},"spec":{{"storageClassName":"new"}}}}"#),
                Some("old"),
            ),
            (r#"{"spec":{"storageClassName":""}}"#.to_owned(), None),
            ("{}".to_owned(), None),
        ] {
            for kind in [Kind::PersistentVolume, Kind::PersistentVolumeClaim] {
                let mut object = Object::parse(&text).unwrap();
                assert_eq!(name_of(kind, &mut object).unwrap().as_deref(), name);
            }
            let mut object = Object::parse(&text).unwrap();
            assert_eq!(name_of(Kind::StorageClass, &mut object).unwrap(), None);
        }
    }

    #[test]
    fn a_name_that_is_no_text_is_said_to_be_where_it_stands() {
        let mut object = Object::parse(r#"{"spec":{"storageClassName":1}}"#).unwrap();
        let error = name_of(Kind::PersistentVolume, &mut object).unwrap_err();
        assert_eq!(error.path().as_str(), ".spec.storageClassName");
    }
}
