//! A cluster with two nodes and one volume.

use std::sync::Arc;
use std::time::Duration;

use flex2csi::attachment::{
    AttachError, Attacher, Attaching, CsiVolumes, Originals, Settings, VolumeAttachments, Wanted,
};
use flex2csi::cluster::{Api, OriginalOn, VolumeId};
use flex2csi_translators::attachment::{attachment_name, lease_name, shared_lease_name};
use serde_json::{Value, json};

use crate::api_server::ApiServer;

pub const DRIVER: &str = "csi.example.com";
pub const HANDLE: &str = "vol-1";
pub const NAMESPACE: &str = "flex2csi-system";
pub const BOOT: &str = "boot-1";
pub const ATTACHMENTS: &str = "/apis/storage.k8s.io/v1/volumeattachments";
pub const LEASES: &str = "/apis/coordination.k8s.io/v1/namespaces/flex2csi-system/leases";

pub fn volume() -> VolumeId {
    VolumeId {
        driver: DRIVER.into(),
        handle: HANDLE.into(),
    }
}

pub fn wanted() -> Wanted {
    let spec = json!({
        "accessModes": ["ReadWriteOnce"],
        "csi": { "driver": DRIVER, "volumeHandle": HANDLE },
        "persistentVolumeReclaimPolicy": "Retain",
        "volumeMode": "Filesystem",
    });
    Wanted {
        volume: volume(),
        persistent_volume: Some("pv-1".into()),
        inline_volume_spec: spec.to_string(),
        is_shared: false,
    }
}

pub fn attachment(node: &str) -> String {
    format!("{ATTACHMENTS}/{}", attachment_name(DRIVER, HANDLE, node))
}

pub fn lease() -> String {
    format!("{LEASES}/{}", lease_name(DRIVER, HANDLE))
}

pub fn shared_lease(node: &str) -> String {
    format!("{LEASES}/{}", shared_lease_name(DRIVER, HANDLE, node))
}

/// PersistentVolumes as the API server has them.
pub struct Volumes(pub ApiServer, pub String);

impl CsiVolumes for Volumes {
    fn csi_volume_with<'a>(&'a self, volume: &'a VolumeId) -> Attaching<'a, Option<String>> {
        Box::pin(async move {
            let all = self.0.paths("/api/v1/persistentvolumes");
            let found = all.into_iter().find(|path| {
                let pv = self.0.get(path).unwrap();
                let csi = &pv["spec"]["csi"];
                csi["driver"] == volume.driver && csi["volumeHandle"] == volume.handle
            });
            Ok(found.map(|path| path.rsplit('/').next().unwrap().to_owned()))
        })
    }
}

impl Originals for Volumes {
    fn original_elsewhere<'a>(
        &'a self,
        volume: &'a VolumeId,
        name: &'a str,
    ) -> Attaching<'a, Option<OriginalOn>> {
        Box::pin(async move {
            let api = Api::new(self.0.client(), self.1.clone());
            Originals::original_elsewhere(&api, volume, name).await
        })
    }
}

/// Does not know.
pub struct Unknown;

impl CsiVolumes for Unknown {
    fn csi_volume_with<'a>(&'a self, volume: &'a VolumeId) -> Attaching<'a, Option<String>> {
        Box::pin(async move {
            Err(AttachError::Unavailable {
                handle: volume.handle.clone(),
                reason: "away".into(),
            })
        })
    }
}

impl Originals for Unknown {
    fn original_elsewhere<'a>(
        &'a self,
        _: &'a VolumeId,
        _: &'a str,
    ) -> Attaching<'a, Option<OriginalOn>> {
        Box::pin(async { Ok(None) })
    }
}

pub fn settings(node: &str) -> Settings {
    Settings {
        node: node.into(),
        namespace: NAMESPACE.into(),
        boot_id: BOOT.into(),
        patience: Settings::PATIENCE,
    }
}

/// The daemon's part on a node.
pub fn attacher(server: &ApiServer, node: &str) -> VolumeAttachments {
    let volumes = Arc::new(Volumes(server.clone(), node.into()));
    VolumeAttachments::new(server.client(), volumes, settings(node))
}

/// What the driver's external-attacher does with all attachments that are there.
pub fn drive(server: &ApiServer) {
    for path in server.paths(ATTACHMENTS) {
        server.edit(&path, |object| {
            if object["metadata"]["deletionTimestamp"].is_null() {
                object["metadata"]["finalizers"] = json!(["external-attacher/csi-example-com"]);
                object["status"] = json!({
                    "attached": true,
                    "attachmentMetadata": { "devicePath": "/dev/vdb" },
                });
            } else {
                object["metadata"]["finalizers"] = json!([]);
            }
        });
    }
}

/// The same, again and again.
pub async fn driver(server: ApiServer) {
    loop {
        tokio::time::sleep(Duration::from_millis(700)).await;
        drive(&server);
    }
}

/// Attaches while the driver's attacher is there.
pub async fn attached(server: &ApiServer, node: &str) {
    let attacher = attacher(server, node);
    let wanted = wanted();
    tokio::select! {
        done = attacher.attach(&wanted) => drop(done.unwrap()),
        () = driver(server.clone()) => {}
    }
}

pub fn csi_volume(name: &str, claim: Option<&str>) -> Value {
    let mut pv = json!({
        "metadata": { "name": name },
        "spec": { "csi": { "driver": DRIVER, "volumeHandle": HANDLE } },
    });
    if let Some(claim) = claim {
        pv["spec"]["claimRef"] = json!({ "namespace": "apps", "name": claim });
    }
    pv
}

pub fn put_volume(server: &ApiServer, name: &str, claim: Option<&str>) {
    let path = format!("/api/v1/persistentvolumes/{name}");
    server.put(&path, csi_volume(name, claim));
}
