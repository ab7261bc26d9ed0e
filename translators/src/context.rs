//! What a translation is told beside the object.

use std::collections::BTreeMap;

use crate::flex::Mappings;
use crate::storage_class::StorageClass;
use crate::values::Values;

/// What the translated object is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Target {
    /// To be kept in the API server.
    #[default]
    Stored,
    /// What kubelet and the attach/detach controller hold in memory for
    /// in-tree sources: equal to k8s.io/csi-translation-lib, and nothing else.
    Runtime,
}

/// The form that a translation gives a volume.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TargetForm {
    /// The backend's CSI form, from the legacy form or from the endpoint's.
    #[default]
    Csi,
    /// The in-tree form, from CSI.
    InTree,
    /// That of flex2csi's own CSI endpoint, from the legacy form.
    Endpoint,
}

/// The claim that uses a volume, where the volume does not name it itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClaimRef<'a> {
    /// The claim's namespace.
    pub namespace: &'a str,
    /// The claim's name.
    pub name: &'a str,
}

/// Secrets whose content may be written into new ones, by namespace and name:
/// their `data` as it stands, so values stay base64.
pub type Secrets = BTreeMap<(String, String), BTreeMap<String, String>>;

/// What a translation is told beside the object.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// What the result is for.
    pub target: Target,
    /// Which form it has.
    pub target_form: TargetForm,
    /// The namespace of an object that names none; `default` without it.
    pub namespace: Option<&'a str>,
    /// The claim of a volume that has no `claimRef`.
    pub claim: Option<ClaimRef<'a>>,
    /// The volume's StorageClass as it was before translation.
    pub storage_class: Option<&'a StorageClass>,
    /// What only the site knows.
    pub values: &'a Values,
    /// The known FlexVolume drivers.
    pub mappings: &'a Mappings,
    /// Where Secrets under other keys are to be written with their values;
    /// `None` writes them without.
    pub secrets: Option<&'a Secrets>,
}

impl<'a> Context<'a> {
    /// What every translation is told: from legacy to CSI, to be stored, without
    /// anything that the object does not say itself.
    #[must_use]
    pub fn new(values: &'a Values, mappings: &'a Mappings) -> Self {
        Self {
            target: Target::default(),
            target_form: TargetForm::default(),
            namespace: None,
            claim: None,
            storage_class: None,
            values,
            mappings,
            secrets: None,
        }
    }
}
