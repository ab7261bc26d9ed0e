//! Azure file shares.
//!
//! # In-tree source
//! `azureFile` of plugin `kubernetes.io/azure-file`, in PersistentVolumes and
//! pods.
//!
//! # CSI driver
//! `file.csi.azure.com`
//!
//! # Fields
//! | in-tree | CSI |
//! |---|---|
//! | `shareName` | attribute `sharename` |
//! | `secretName`, `secretNamespace` | `nodeStageSecretRef`; an unset namespace is the claim's, in a pod the pod's or `default` |
//! | all of these, the volume's name, annotation `kubernetes.io/azure-file-resource-group` | `volumeHandle`: `<group>#<account>#<share>#<volume>#<namespace>`, in a pod without group; the account is read from the Secret's name `azure-storage-account-<account>-secret`, else it is that name |
//! | `readOnly` | the same |
//!
//! # Topology
//! None.
//!
//! # StorageClass
//! Stays as it is.
//!
//! # What is lost
//! That `secretNamespace` was unset.
//!
//! # To be stored
//! As at run time; the account by values where the Secret's name does not tell
//! ([`stored`]).
//!
//! # References
//! k8s.io/csi-translation-lib v0.36.3, `plugins/azure_file.go`

use std::borrow::Cow;

use super::csi_source::{CSI, CsiSource, SecretRef};
use super::fields::Fields;
use super::plugin::{Inline, Plugin, invalid, place_in_tree};
use super::{go_text, omit_empty};
use crate::error::Error;
use crate::json::{At, Object, Path};

mod account;
mod stored;

const DRIVER: &str = "file.csi.azure.com";
pub(super) const SOURCE: &str = "azureFile";
const RESOURCE_GROUP: &str = "kubernetes.io/azure-file-resource-group";
const DEFAULT_NAMESPACE: &str = "default";

/// See the module.
pub(crate) struct AzureFile;

impl Plugin for AzureFile {
    fn name(&self) -> &'static str {
        "kubernetes.io/azure-file"
    }

    fn driver(&self) -> &'static str {
        DRIVER
    }

    fn to_csi(&self, pv: &mut Object<'_>) -> Result<(), Error> {
        let csi = {
            let root = Fields::of(pv);
            let metadata = root.child("metadata")?;
            let spec = root.child("spec")?;
            let source = spec.child(SOURCE)?;
            let namespace = match source.text_if_set("secretNamespace")? {
                Some(namespace) => namespace,
                None => spec.child("claimRef")?.text("namespace")?,
            };
            if namespace.is_empty() {
                return Err(Error::MissingField {
                    driver: DRIVER.into(),
                    path: Path::of(&["spec", SOURCE, "secretNamespace"]),
                });
            }
            let group = metadata.child("annotations")?.entry(RESOURCE_GROUP)?;
            let name = metadata.text("name")?;
            csi_source(&source, &group.unwrap_or_default(), &name, namespace)?
        };
        csi.place(pv, SOURCE)
    }

    fn inline_to_csi<'a>(
        &self,
        volume: &Fields<'_, 'a>,
        pod_namespace: &'a str,
    ) -> Result<Inline<'a>, Error> {
        let namespace = match pod_namespace {
            "" => DEFAULT_NAMESPACE,
            namespace => namespace,
        };
        let name = volume.text("name")?;
        let csi = csi_source(&volume.child(SOURCE)?, "", &name, Cow::Borrowed(namespace))?;
        Ok(Inline {
            name: csi.handle.clone(),
            csi,
            access_mode: "ReadWriteMany",
        })
    }

    fn to_in_tree(&self, pv: &mut Object<'_>) -> Result<(), Error> {
        let (source, group) = in_tree_source(&Fields::of(pv).child("spec")?.child(CSI)?)?;
        if !group.is_empty() {
            pv.object_or_new("metadata")?
                .object_or_new("annotations")
                .at(&["metadata"])?
                .set(RESOURCE_GROUP, group);
        }
        place_in_tree(pv, SOURCE, source)
    }

    fn storage_class(&self, _class: &mut Object<'_>) -> Result<(), Error> {
        Ok(())
    }
}

fn csi_source<'a>(
    source: &Fields<'_, 'a>,
    group: &str,
    volume: &str,
    namespace: Cow<'a, str>,
) -> Result<CsiSource<'a>, Error> {
    let share = source.text("shareName")?;
    let secret = source.text("secretName")?;
    let account = account::of_secret(&secret);
    Ok(CsiSource {
        driver: DRIVER,
        handle: Cow::Owned([group, account, &share, volume, &namespace].join("#")),
        read_only: source.flag("readOnly")?,
        attributes: Object::from_iter([("sharename", share)]),
        secrets: &["nodeStageSecretRef"],
        secret: SecretRef {
            name: secret,
            namespace,
        },
        ..CsiSource::default()
    })
}

/// The source, and the resource group that the handle names if it was needed.
fn in_tree_source<'a>(csi: &Fields<'_, 'a>) -> Result<(Object<'a>, String), Error> {
    let mut share = Cow::Borrowed("");
    let mut secret = Cow::Borrowed("");
    let mut namespace = None;
    let attributes = csi.child("volumeAttributes")?;
    // Attributes that differ in case only: the last one counts, see `parameters`.
    for member in attributes.object().members() {
        let value = || attributes.text(member.key());
        match go_text::to_lower(member.key()).as_str() {
            "sharename" => share = value()?,
            "secretname" => secret = value()?,
            "secretnamespace" => namespace = Some(value()?),
            _ => {}
        }
    }
    let reference = csi.child("nodeStageSecretRef")?;
    let name = reference.text("name")?;
    if !name.is_empty() {
        secret = name;
        namespace = Some(reference.text("namespace")?);
    }
    let mut resource_group = String::new();
    if share.is_empty() || secret.is_empty() {
        let handle = csi.text("volumeHandle")?;
        let mut parts = handle.split('#');
        let (Some(group), Some(account), Some(named)) = (parts.next(), parts.next(), parts.next())
        else {
            let reason = "the handle has less than three parts";
            return Err(invalid(DRIVER, &["spec", CSI, "volumeHandle"], reason));
        };
        if share.is_empty() {
            share = Cow::Owned(named.to_owned());
        }
        if secret.is_empty() {
            secret = Cow::Owned(account::secret(account));
        }
        resource_group = group.to_owned();
    }
    let mut source = Object::new();
    source.set("secretName", secret);
    source.set("shareName", share);
    omit_empty::flag(&mut source, "readOnly", csi.flag("readOnly")?);
    source.set(
        "secretNamespace",
        namespace.unwrap_or(Cow::Borrowed(DEFAULT_NAMESPACE)),
    );
    Ok((source, resource_group))
}
