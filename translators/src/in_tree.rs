//! In-tree plugins, translated as kubelet and the attach/detach controller
//! translate them: with the results of k8s.io/csi-translation-lib v0.36.3, and
//! v0.30.14 for RBD, which later versions no longer know.
//!
//! Where the library's answer depends on the order of a Go map, here the order
//! is fixed: of two sources in one volume the first in [`PLUGINS`] is
//! translated and the other stays; of two parameters or attributes that become
//! one the last in the object counts. Where the library panics, here is an error.
//!
//! What a translation does not touch keeps its text. A source is replaced as a
//! whole, what is unknown in it included.

use std::borrow::Cow;

use crate::error::Error;
use crate::json::{At, Object, Path};

mod affinity;
mod allowed_topologies;
mod aws_ebs;
mod azure_disk;
mod azure_file;
mod ceph;
mod cephfs;
mod cinder;
mod csi_source;
mod fields;
mod flocker;
mod gce_pd;
mod glusterfs;
mod go_text;
mod go_url;
mod kept;
mod nfs;
mod omit_empty;
mod parameters;
mod partition;
mod photon;
mod plugin;
mod portworx;
mod quobyte;
mod rbd;
mod regions;
mod scaleio;
mod storageos;
pub mod stored;
mod topology;
mod vsphere;

use csi_source::CSI;
use fields::Fields;
use plugin::Plugin;
pub(crate) use vsphere::SYNCER as VSPHERE_SYNCER;

/// The plugins that the library knows, in the order in which a volume's sources
/// are looked for.
pub(crate) static PLUGINS: [&dyn Plugin; 8] = [
    &aws_ebs::AwsEbs,
    &gce_pd::GcePd,
    &cinder::Cinder,
    &azure_disk::AzureDisk,
    &azure_file::AzureFile,
    &vsphere::Vsphere,
    &portworx::Portworx,
    &rbd::Rbd,
];

/// The members of a volume that hold their sources.
const SOURCES: [&str; 8] = [
    aws_ebs::SOURCE,
    gce_pd::SOURCE,
    cinder::SOURCE,
    azure_disk::SOURCE,
    azure_file::SOURCE,
    vsphere::SOURCE,
    portworx::SOURCE,
    rbd::SOURCE,
];

/// Which of [`PLUGINS`] has its source in a volume's member of this name.
fn position(member: &str) -> Option<usize> {
    SOURCES.iter().position(|source| *source == member)
}

/// The plugin of this name.
pub(crate) fn by_name(name: &str) -> Option<&'static dyn Plugin> {
    PLUGINS.into_iter().find(|plugin| plugin.name() == name)
}

/// The plugin that this CSI driver succeeds.
pub(crate) fn by_driver(driver: &str) -> Option<&'static dyn Plugin> {
    PLUGINS.into_iter().find(|plugin| plugin.driver() == driver)
}

/// The first plugin whose source stands in `spec`, or in a pod's volume.
fn first_of(volume: &Object<'_>) -> Option<&'static dyn Plugin> {
    let members = volume.members().iter();
    let sources = members.filter(|member| !member.value.is_null());
    let first = sources.filter_map(|source| position(source.key())).min();
    first.and_then(|first| PLUGINS.get(first).copied())
}

fn first_of_pv(pv: &mut Object<'_>) -> Result<Option<&'static dyn Plugin>, Error> {
    Ok(pv.object("spec")?.and_then(|spec| first_of(spec)))
}

fn no_translation(what: impl Into<String>) -> Error {
    Error::NoTranslation {
        path: Path::default(),
        what: what.into(),
    }
}

/// Gives a PersistentVolume with an in-tree source its CSI source.
///
/// ```
/// use flex2csi_translators::{in_tree, parse};
///
/// let pv = parse(r#"{"spec": {"cinder": {"volumeID": "1", "fsType": "ext4"}}}"#)?;
/// let mut pv = in_tree::to_csi(pv)?;
/// let csi = pv.object("spec")?.expect("it has one").object("csi")?;
/// let csi = csi.expect("it is CSI now");
/// assert_eq!(csi.str("driver")?.as_deref(), Some("cinder.csi.openstack.org"));
/// assert_eq!(csi.str("volumeHandle")?.as_deref(), Some("1"));
/// # Ok::<(), flex2csi_translators::Error>(())
/// ```
///
/// # Errors
/// It has no in-tree source that is known, or one that has no form in CSI.
pub fn to_csi(mut pv: Object<'_>) -> Result<Object<'_>, Error> {
    let plugin = first_of_pv(&mut pv)?
        .ok_or_else(|| no_translation("a PersistentVolume without an in-tree source"))?;
    plugin.to_csi(&mut pv)?;
    Ok(pv)
}

/// Gives a PersistentVolume with the CSI source of a driver that succeeds an
/// in-tree plugin that plugin's source.
///
/// # Errors
/// It has no CSI source, one of another driver, or one that the plugin cannot
/// express.
pub fn to_in_tree(mut pv: Object<'_>) -> Result<Object<'_>, Error> {
    // Opened in place: it is changed anyway.
    pv.object("spec")?;
    let driver = {
        let root = Fields::of(&pv);
        let spec = root.child("spec")?;
        let csi = spec
            .child_if_set(CSI)?
            .ok_or_else(|| no_translation("a PersistentVolume without a CSI source"))?;
        csi.text("driver")?
    };
    let plugin = by_driver(&driver)
        .ok_or_else(|| no_translation(format!("the CSI driver {driver:?} to an in-tree plugin")))?;
    plugin.to_in_tree(&mut pv)?;
    Ok(pv)
}

/// Makes a StorageClass of an in-tree plugin one for the plugin's CSI driver.
/// What the class itself names as provisioner does not matter, and of most
/// plugins it stays.
///
/// # Errors
/// The plugin is not known, or its parameters have no form in CSI.
pub fn storage_class_to_csi<'a>(plugin: &str, class: Object<'a>) -> Result<Object<'a>, Error> {
    let known = by_name(plugin)
        .ok_or_else(|| no_translation(format!("StorageClasses of the plugin {plugin:?}")))?;
    let mut class = class;
    known.storage_class(&mut class)?;
    Ok(class)
}

/// The PersistentVolume, in memory only, that a pod's volume with an in-tree
/// source stands for: name, source, access mode and volume mode.
///
/// # Errors
/// The volume has no in-tree source that is known, or one that has no form in
/// CSI.
pub fn inline_to_csi<'a>(volume: Object<'a>, pod_namespace: &'a str) -> Result<Object<'a>, Error> {
    let plugin = first_of(&volume)
        .ok_or_else(|| no_translation("a pod's volume without an in-tree source"))?;
    let inline = plugin.inline_to_csi(&Fields::of(&volume), pod_namespace)?;
    Ok(inline.into_volume())
}

/// Completes a handle that leaves open what only the node's id tells. Handles of
/// all drivers but GCE's come back as they are.
///
/// # Errors
/// The driver succeeds no in-tree plugin, or handle and id have not the form
/// that they have to.
pub fn repair_handle<'h>(
    driver: &str,
    handle: &'h str,
    node_id: &str,
) -> Result<Cow<'h, str>, Error> {
    by_driver(driver)
        .ok_or_else(|| no_translation(format!("handles of the CSI driver {driver:?}")))?
        .repair_handle(handle, node_id)
}

/// The EBS volume's id in an id as Kubernetes has it: `vol-1`, `aws:///vol-1` or
/// `aws://zone/vol-1`.
///
/// # Errors
/// The id begins with `aws://` and is no URL with a volume's id for its path.
pub fn ebs_volume_id(id: &str) -> Result<Cow<'_, str>, Error> {
    aws_ebs::volume_id(Cow::Borrowed(id))
}

/// Whether [`to_csi`] knows a source of the PersistentVolume.
///
/// # Errors
/// `spec` is no object.
pub fn is_migratable(pv: &mut Object<'_>) -> Result<bool, Error> {
    Ok(first_of_pv(pv)?.is_some())
}

/// The CSI driver that succeeds the in-tree plugin of this name.
pub fn driver_of_plugin(plugin: &str) -> Option<&'static str> {
    by_name(plugin).map(Plugin::driver)
}

/// The in-tree plugin that this CSI driver succeeds.
pub fn plugin_of_driver(driver: &str) -> Option<&'static str> {
    by_driver(driver).map(Plugin::name)
}

/// The in-tree plugin whose source stands in a volume's member of this name.
pub fn plugin_of_member(member: &str) -> Option<&'static str> {
    position(member).map(|place| PLUGINS[place].name())
}

/// Whether volumes with this source are attached, so that nodes list them in
/// `volumesInUse` and `volumesAttached`.
pub fn is_attached(member: &str) -> bool {
    position(member).is_some_and(|place| !PLUGINS[place].listed_by().is_empty())
}

/// How nodes list a volume with this source.
pub(crate) fn unique_name(member: &str, source: &Object<'_>) -> Result<Option<String>, Error> {
    let Some(plugin) = position(member).map(|place| PLUGINS[place]) else {
        return Ok(None);
    };
    let mut parts = Vec::new();
    for field in plugin.listed_by() {
        match source.str(field).at(&["spec", member])? {
            Some(part) if !part.is_empty() => parts.push(part),
            _ => return Ok(None),
        }
    }
    let is_listed = !parts.is_empty();
    Ok(is_listed.then(|| format!("{}/{}", plugin.name(), parts.join(":"))))
}

/// Whether the CSI driver succeeds an in-tree plugin.
pub fn is_migrated_driver(driver: &str) -> bool {
    by_driver(driver).is_some()
}
