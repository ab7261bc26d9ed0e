//! Azure file shares that are kept: as at run time. The handle names a storage
//! account, which the in-tree source does not; where the Secret's name does not
//! tell, the site can.
//!
//! Facts: azurefile-csi-driver `docs/driver-parameters.md`.

use super::{AzureFile, DRIVER, SOURCE, account};
use crate::error::Error;
use crate::in_tree::fields::Fields;
use crate::in_tree::stored::{
    About, InlineMode, Reach, Step, Store, Stored, StoredCsi, claim_namespace,
    class_as_at_run_time, csi, field, table, volume_as_at_run_time,
};
use crate::json::{At, Object};
use crate::note::Code;
use crate::values::ValueSpec;

const NAMESPACE: &str = "secretNamespace";

const ABOUT: About = About {
    field: SOURCE,
    plugin: "kubernetes.io/azure-file",
    provisioners: &["kubernetes.io/azure-file"],
    driver: Some(DRIVER),
    block: false,
    inline: InlineMode::Many,
    reach: Reach::Full,
    summary: "As Kubernetes itself translates it at run time.",
    known: &["secretName", "shareName", NAMESPACE, "readOnly"],
    fields: &[
        field("spec.csi.driver", "", DRIVER),
        field(
            "spec.csi.volumeHandle",
            "annotation kubernetes.io/azure-file-resource-group, values accounts, spec.azureFile, metadata.name",
            "<group>#<account>#<share>#<volume>#<namespace>; the account by the Secret's name",
        ),
        field("spec.csi.readOnly", "spec.azureFile.readOnly", ""),
        field(
            "spec.csi.nodeStageSecretRef",
            "spec.azureFile.secretName, secretNamespace",
            "the claim's namespace where none is set",
        ),
        field(
            "spec.csi.volumeAttributes.sharename",
            "spec.azureFile.shareName",
            "",
        ),
        field("spec.mountOptions", "spec.mountOptions", "as they are"),
    ],
    values,
};

fn values() -> Vec<ValueSpec> {
    vec![table(
        "accounts",
        false,
        "the storage account by spec.azureFile.secretName, for Secrets not named \
         azure-storage-account-<account>-secret",
    )]
}

impl Store for AzureFile {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn volume(&self, pv: &mut Object<'_>, step: &mut Step<'_>) -> Result<Stored, Error> {
        let named = {
            let root = Fields::of(pv);
            let spec = root.child("spec")?;
            let source = spec.child(SOURCE)?;
            source.text_if_set(NAMESPACE)?
        };
        if named.is_none_or(|namespace| namespace.is_empty())
            && let Some(namespace) = claim_namespace(pv, step)?
        {
            let spec = pv.object_or_new("spec")?;
            if let Some(source) = spec.object(SOURCE).at(&["spec"])? {
                source.set(NAMESPACE, namespace);
            }
            step.note(
                Code::SecretNamespaceAssumed,
                &["spec", SOURCE, NAMESPACE],
                "the Secret is looked for in the claim's namespace",
            );
        }
        let origin = volume_as_at_run_time(self, &ABOUT, pv, step)?;
        let secret = origin.required("secretName")?;
        let assumed = account::of_secret(&secret);
        if let Some(account) = step.values().entry(SOURCE, "accounts", &secret) {
            let csi = csi(pv)?;
            let handle = csi.str("volumeHandle")?.unwrap_or_default();
            let handle = handle.replacen(&format!("#{assumed}#"), &format!("#{account}#"), 1);
            csi.set("volumeHandle", handle);
        } else if assumed == secret {
            step.advise(
                Code::HandleAssumed,
                &["spec", SOURCE, "secretName"],
                "the handle has the Secret's name for the storage account, which it does not tell; \
                 mounts work, for they read the Secret, but expanding and snapshots may not",
                "name the account with the value azureFile.accounts",
            );
        }
        Ok(Stored::Csi(StoredCsi::of(DRIVER.into(), &ABOUT)))
    }

    fn storage_class(&self, class: &mut Object<'_>, step: &mut Step<'_>) -> Result<(), Error> {
        class_as_at_run_time(self, &ABOUT, &[], class, step)
    }
}
