//! What every volume needs that is to be kept as CSI, whatever it was.

use std::borrow::Cow;

use crate::context::Context;
use crate::error::Error;
use crate::in_tree;
use crate::json::{At, Object, Path};
use crate::note::{Code, Note};
use crate::source;
use crate::storage_class::StorageClass;

/// Who provisioned the volume (external-provisioner and kube-controller-manager).
pub(crate) const PROVISIONED_BY: &str = "pv.kubernetes.io/provisioned-by";
/// Set by kube-controller-manager while a volume is served by CSI without being
/// one; it removes it from volumes whose provisioner is a CSI driver.
pub(crate) const MIGRATED_TO: &str = "pv.kubernetes.io/migrated-to";
const DELETION_SECRET_NAME: &str = "volume.kubernetes.io/provisioner-deletion-secret-name";
const DELETION_SECRET_NAMESPACE: &str =
    "volume.kubernetes.io/provisioner-deletion-secret-namespace";
/// The parameters of a class that name the Secret, and its namespace, with which
/// external-provisioner makes and deletes volumes.
pub(crate) const PROVISIONER_SECRET: [&str; 2] = [
    "csi.storage.k8s.io/provisioner-secret-name",
    "csi.storage.k8s.io/provisioner-secret-namespace",
];

const SPEC: &[&str] = &["spec"];
const METADATA: &[&str] = &["metadata"];
const ANNOTATIONS: &[&str] = &["metadata", "annotations"];

/// CSI asks drivers to accept identifiers of this many bytes (CSI 1.12, "Size Limits").
const HANDLE_BYTES: usize = 128;

/// The CSI driver that a volume was translated for.
pub(crate) struct Backend {
    /// The CSI driver.
    pub driver: Cow<'static, str>,
    /// Who deletes the volume, where the mapping has not said so itself.
    pub provisioner: Option<Cow<'static, str>>,
    /// Whether it gives block devices, to one node at a time.
    pub block: bool,
}

impl Backend {
    /// A driver whose mapping writes its own annotations and notes.
    pub fn mapped(driver: String) -> Self {
        Self {
            driver: driver.into(),
            provisioner: None,
            block: false,
        }
    }
}

/// Completes a volume that has its CSI source.
pub(crate) fn finish(
    pv: &mut Object<'_>,
    backend: &Backend,
    context: &Context<'_>,
    notes: &mut Vec<Note>,
) -> Result<(), Error> {
    if let Some(spec) = pv.object("spec")? {
        check_handle(spec, backend, notes)?;
        if backend.block {
            note_many_nodes(spec, notes)?;
        }
    }
    annotate(pv, backend, context, notes)
}

/// The attach/detach controller names a volume `<driver>^<handle>` and splits that
/// on `^` when it detaches: with another one in it, it fails for ever (kubernetes
/// `pkg/volume/csi/csi_attacher.go`).
fn check_handle(
    spec: &mut Object<'_>,
    backend: &Backend,
    notes: &mut Vec<Note>,
) -> Result<(), Error> {
    let path = || Path::of(&["spec", source::CSI, "volumeHandle"]);
    let handle = match spec.object(source::CSI).at(SPEC)? {
        Some(csi) => csi
            .str("volumeHandle")
            .at(&["spec", source::CSI])?
            .unwrap_or_default(),
        None => Cow::Borrowed(""),
    };
    let invalid = |reason: &str| Error::Invalid {
        driver: backend.driver.clone(),
        path: path(),
        reason: reason.to_owned(),
    };
    if handle.is_empty() {
        return Err(invalid("the volume handle would be empty"));
    }
    if handle.contains('^') {
        return Err(invalid(
            "the volume handle would hold `^`, at which Kubernetes takes it apart when it detaches",
        ));
    }
    if handle.contains(char::is_control) {
        return Err(invalid(
            "the volume handle would hold a control character, which no CSI driver has in its ids",
        ));
    }
    if handle.len() > HANDLE_BYTES {
        let message = format!("the volume handle has {} bytes", handle.len());
        notes.push(Note::new(Code::HandleLong, path(), message));
    }
    Ok(())
}

fn note_many_nodes(spec: &mut Object<'_>, notes: &mut Vec<Note>) -> Result<(), Error> {
    let block_mode = spec.str("volumeMode").at(SPEC)?.as_deref() == Some("Block");
    let Some(modes) = spec.array("accessModes").at(SPEC)? else {
        return Ok(());
    };
    for mode in modes {
        if mode.as_str().at(&["spec", "accessModes"])?.as_deref() == Some("ReadWriteMany")
            && !block_mode
        {
            notes.push(Note::new(
                Code::MultiNodeBlock,
                Path::of(&["spec", "accessModes"]),
                "ReadWriteMany on a filesystem of a block device",
            ));
            return Ok(());
        }
    }
    Ok(())
}

fn annotate(
    pv: &mut Object<'_>,
    backend: &Backend,
    context: &Context<'_>,
    notes: &mut Vec<Note>,
) -> Result<(), Error> {
    let claim = match context.storage_class {
        Some(_) => claim_of(pv, context)?,
        None => Default::default(),
    };
    let Some(metadata) = pv.object("metadata")? else {
        return Ok(());
    };
    let name = metadata.str("name").at(METADATA)?.unwrap_or_default();
    let Some(annotations) = metadata.object("annotations").at(METADATA)? else {
        return Ok(());
    };
    annotations.remove(MIGRATED_TO);
    let Some(before) = annotations.str(PROVISIONED_BY).at(ANNOTATIONS)? else {
        return Ok(());
    };
    let Some(provisioner) = backend.provisioner.as_ref().or_else(|| {
        // A mapping has said so itself, unless somebody else deletes the volume.
        (before == backend.driver).then_some(&backend.driver)
    }) else {
        return Ok(());
    };
    if before != *provisioner {
        let path = Path::of(&["metadata", "annotations", PROVISIONED_BY]);
        let message = format!("provisioned-by is now {provisioner}");
        notes.push(Note::new(Code::ProvisionerChanged, path, message));
        annotations.set(PROVISIONED_BY, provisioner.clone());
    }
    let Some(class) = context.storage_class else {
        return Ok(());
    };
    for (annotation, secret) in deletion_secret(class, context, &name, &claim) {
        if !annotations.contains(annotation) {
            annotations.set(annotation, secret);
        }
    }
    Ok(())
}

/// The claim's namespace and name, empty where it is not known.
fn claim_of(pv: &mut Object<'_>, context: &Context<'_>) -> Result<(String, String), Error> {
    let Some(spec) = pv.object("spec")? else {
        return Ok(Default::default());
    };
    if let Some(claim) = spec.object("claimRef").at(SPEC)? {
        let at = &["spec", "claimRef"];
        let namespace = claim.str("namespace").at(at)?.unwrap_or_default();
        let name = claim.str("name").at(at)?.unwrap_or_default();
        return Ok((namespace.into_owned(), name.into_owned()));
    }
    Ok(context
        .claim
        .map(|claim| (claim.namespace.to_owned(), claim.name.to_owned()))
        .unwrap_or_default())
}

/// With which Secret external-provisioner deletes the volume, as it would have
/// noted itself. Templates that need more than names are left to it: it reads
/// the class where the annotation is missing.
fn deletion_secret(
    class: &StorageClass,
    context: &Context<'_>,
    volume: &str,
    (namespace, claim): &(String, String),
) -> Vec<(&'static str, String)> {
    let class = match context.mappings.provisioner_secret(class, context) {
        Ok(Some(parameters)) => Cow::Owned(parameters),
        Ok(None) => in_tree::stored::class_parameters(class),
        // That the class cannot be translated is said where the class is.
        Err(_) => return Vec::new(),
    };
    let resolve = |parameter: &str| -> Option<String> {
        let template = class.iter().find(|(key, _)| key == parameter)?.1.clone();
        let text = template
            .replace("${pv.name}", volume)
            .replace("${pvc.name}", claim)
            .replace("${pvc.namespace}", namespace);
        (!text.is_empty() && !text.contains("${")).then_some(text)
    };
    match (
        resolve(PROVISIONER_SECRET[0]),
        resolve(PROVISIONER_SECRET[1]),
    ) {
        (Some(name), Some(namespace)) => vec![
            (DELETION_SECRET_NAME, name),
            (DELETION_SECRET_NAMESPACE, namespace),
        ],
        _ => Vec::new(),
    }
}

/// Names the in-tree plugin as provisioner again.
pub(crate) fn provisioned_in_tree(pv: &mut Object<'_>) -> Result<(), Error> {
    let Some(metadata) = pv.object("metadata")? else {
        return Ok(());
    };
    let Some(annotations) = metadata.object("annotations").at(METADATA)? else {
        return Ok(());
    };
    let plugin = match annotations.str(PROVISIONED_BY).at(ANNOTATIONS)? {
        Some(driver) => in_tree::plugin_of_driver(&driver),
        None => None,
    };
    if let Some(plugin) = plugin {
        annotations.set(PROVISIONED_BY, plugin);
    }
    Ok(())
}
