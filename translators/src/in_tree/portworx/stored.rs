//! Portworx volumes that are kept: as at run time.

use super::{
    DRIVER, Portworx, SECRET_NAME, SECRET_NAMES, SECRET_NAMESPACE, SECRET_NAMESPACES, SOURCE,
};
use crate::error::Error;
use crate::in_tree::stored::{
    About, InlineMode, Reach, Step, Store, Stored, StoredCsi, class_as_at_run_time, field,
    volume_as_at_run_time,
};
use crate::json::Object;
use crate::storage_class::StorageClass;

const ABOUT: About = About {
    field: SOURCE,
    plugin: "kubernetes.io/portworx-volume",
    provisioners: &["kubernetes.io/portworx-volume"],
    driver: Some(DRIVER),
    block: false,
    inline: InlineMode::OnceOrReadOnly,
    reach: Reach::Full,
    summary: "As Kubernetes itself translates it at run time.",
    known: &["volumeID", "fsType", "readOnly"],
    fields: &[
        field("spec.csi.driver", "", DRIVER),
        field("spec.csi.volumeHandle", "spec.portworxVolume.volumeID", ""),
        field("spec.csi.fsType", "spec.portworxVolume.fsType", ""),
        field(
            "spec.csi.*SecretRef",
            "annotations openstorage.io/auth-secret-name, openstorage.io/auth-secret-namespace",
            "for every call but provisioning",
        ),
    ],
    values: Vec::new,
};

impl Store for Portworx {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn volume(&self, pv: &mut Object<'_>, step: &mut Step<'_>) -> Result<Stored, Error> {
        volume_as_at_run_time(self, &ABOUT, pv, step)?;
        Ok(Stored::Csi(StoredCsi::of(DRIVER.into(), &ABOUT)))
    }

    fn storage_class(&self, class: &mut Object<'_>, step: &mut Step<'_>) -> Result<(), Error> {
        let secrets = [SECRET_NAME, SECRET_NAMESPACE];
        class_as_at_run_time(self, &ABOUT, &secrets, class, step)
    }

    fn class_secrets(&self, class: &StorageClass) -> Option<Vec<(String, String)>> {
        let of = |wanted: &str| {
            let mut parameters = class.parameters.iter();
            parameters.find(|(key, _)| key.to_lowercase() == wanted)
        };
        let name = &of(SECRET_NAME)?.1;
        let namespace = &of(SECRET_NAMESPACE)?.1;
        let names = SECRET_NAMES.iter().map(|key| (key, name));
        let namespaces = SECRET_NAMESPACES.iter().map(|key| (key, namespace));
        let all = names.chain(namespaces);
        Some(
            all.map(|(key, value)| ((*key).to_owned(), value.clone()))
                .collect(),
        )
    }
}
