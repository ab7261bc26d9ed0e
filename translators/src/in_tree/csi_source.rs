//! The CSI source of a PersistentVolume.

use std::borrow::Cow;

use super::omit_empty;
use crate::error::Error;
use crate::json::Object;

/// The member of `spec` that holds a CSI source.
pub(crate) const CSI: &str = "csi";

/// A Secret by name and namespace; the API's `SecretReference`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct SecretRef<'a> {
    /// The Secret's name.
    pub name: Cow<'a, str>,
    /// The Secret's namespace.
    pub namespace: Cow<'a, str>,
}

impl<'a> SecretRef<'a> {
    /// The reference as the API has it; `{}` without name and namespace.
    pub(crate) fn into_object(self) -> Object<'a> {
        let mut object = Object::new();
        omit_empty::text(&mut object, "name", self.name);
        omit_empty::text(&mut object, "namespace", self.namespace);
        object
    }
}

/// What a translation writes into `spec.csi`; an empty part is left out.
#[derive(Debug, Default)]
pub(crate) struct CsiSource<'a> {
    /// The CSI driver's name.
    pub driver: &'static str,
    /// The id by which the driver knows the volume.
    pub handle: Cow<'a, str>,
    /// `readOnly`
    pub read_only: bool,
    /// `fsType`; an unset one stays unset.
    pub fs_type: Cow<'a, str>,
    /// `volumeAttributes`
    pub attributes: Object<'a>,
    /// Secrets for the calls whose members of `spec.csi` are named.
    pub secrets: &'static [&'static str],
    /// The Secret that all these calls get.
    pub secret: SecretRef<'a>,
}

impl<'a> CsiSource<'a> {
    /// The source as the API has it.
    pub(crate) fn into_object(self) -> Object<'a> {
        let mut object = Object::with_capacity(5 + self.secrets.len());
        object.set("driver", self.driver);
        object.set("volumeHandle", self.handle);
        omit_empty::flag(&mut object, "readOnly", self.read_only);
        omit_empty::text(&mut object, "fsType", self.fs_type);
        if !self.attributes.is_empty() {
            object.set("volumeAttributes", self.attributes);
        }
        for call in self.secrets {
            object.set(*call, self.secret.clone().into_object());
        }
        object
    }

    /// Puts the source into a PersistentVolume, where its in-tree source stands.
    pub(crate) fn place(self, pv: &mut Object<'a>, source: &'static str) -> Result<(), Error> {
        let csi = self.into_object();
        pv.object_or_new("spec")?.replace(source, CSI, csi);
        Ok(())
    }
}
