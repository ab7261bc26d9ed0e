//! A volume that was written for the endpoint without the value that it needs:
//! its handle says nothing.

use std::collections::BTreeMap;

use flex2csi::csi::v1::{NodeStageVolumeRequest, NodeUnstageVolumeRequest};
use flex2csi_translators::digest::sha256_hex;
use flex2csi_translators::endpoint::{CONTEXT, SOURCE, VERSION};
use prost::Message as _;
use serde_json::json;

pub const VSPHERE: &str = "csi.vsphere.vmware.com";

/// What the driver calls the volume, as the values say.
pub const HANDLE: &str = "6000-c29";
pub const VALUES: &str = "vsphereVolume: {volumes: {'[ds] kubevols/a.vmdk': 6000-c29}}\n";

pub const STAGE: &str = "/csi.v1.Node/NodeStageVolume";
pub const UNSTAGE: &str = "/csi.v1.Node/NodeUnstageVolume";

fn source() -> String {
    json!({"vsphereVolume": {"volumePath": "[ds] kubevols/a.vmdk", "fsType": "ext4"}}).to_string()
}

/// Its handle in the PersistentVolume.
pub fn id() -> String {
    format!("flex2csi-{}", sha256_hex(source()))
}

fn attributes() -> BTreeMap<String, String> {
    let attributes = [
        (VERSION, "1".to_owned()),
        (SOURCE, source()),
        (CONTEXT, json!({"name": "pv"}).to_string()),
    ];
    BTreeMap::from(attributes.map(|(key, value)| (key.to_owned(), value)))
}

/// Its PersistentVolume.
pub fn persistent_volume() -> String {
    let csi = json!({
        "driver": format!("{VSPHERE}.flex2csi.io"),
        "volumeHandle": id(),
        "volumeAttributes": attributes(),
    });
    json!({
        "apiVersion": "v1", "kind": "PersistentVolume",
        "metadata": {"name": "pv"}, "spec": {"csi": csi},
    })
    .to_string()
}

/// What kubelet sends to have it staged.
pub fn stage() -> Vec<u8> {
    NodeStageVolumeRequest {
        volume_id: id(),
        volume_context: attributes(),
        ..Default::default()
    }
    .encode_to_vec()
}

/// What kubelet sends to have it unstaged.
pub fn unstage() -> Vec<u8> {
    NodeUnstageVolumeRequest {
        volume_id: id(),
        staging_target_path: "/s".to_owned(),
    }
    .encode_to_vec()
}

/// The volume that a request is for; in all of them it is the first field.
pub fn volume_of(message: &[u8]) -> &str {
    flex2csi::endpoint::wire::last_text(message, 1).unwrap()
}
