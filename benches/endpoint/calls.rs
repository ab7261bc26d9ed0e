//! What is called, and with what.

use std::collections::BTreeMap;

use flex2csi::csi::v1::identity_client::IdentityClient;
use flex2csi::csi::v1::node_client::NodeClient;
use flex2csi::csi::v1::*;
use flex2csi_translators::endpoint::{CONTEXT, SOURCE, VERSION};
use serde_json::json;
use tonic::Status;
use tonic::transport::Channel;

/// A call of an RPC.
#[derive(Clone)]
pub enum Call {
    /// An empty one.
    Probe,
    /// One of a volume.
    Publish(Box<NodePublishVolumeRequest>),
    /// One whose answer has so many bytes.
    Large(usize),
}

impl Call {
    /// A volume in the backend's own form.
    pub fn publish(number: usize) -> Self {
        let attributes = [("partition".to_owned(), "3".to_owned())];
        Self::of(number, attributes.into(), "xfs")
    }

    /// A volume in legacy form.
    pub fn legacy(number: usize) -> Self {
        let source = json!({"awsElasticBlockStore": {
            "volumeID": format!("aws://us-east-1a/vol-{number}"), "partition": 3, "fsType": "xfs",
        }});
        let attributes = [
            (VERSION, "1".to_owned()),
            (SOURCE, source.to_string()),
            (CONTEXT, json!({"name": format!("pv-{number}")}).to_string()),
        ];
        let attributes = attributes.map(|(key, value)| (key.to_owned(), value));
        Self::of(number, attributes.into(), "")
    }

    fn of(number: usize, mut attributes: BTreeMap<String, String>, fs_type: &str) -> Self {
        for (key, value) in [
            ("csi.storage.k8s.io/pod.name", "web-0"),
            ("csi.storage.k8s.io/pod.namespace", "default"),
            (
                "csi.storage.k8s.io/pod.uid",
                "0e3b4b52-1d9a-4f2c-8a57-6a3c0f8d2b11",
            ),
            ("csi.storage.k8s.io/serviceAccount.name", "default"),
            ("csi.storage.k8s.io/ephemeral", "false"),
        ] {
            attributes.insert(key.to_owned(), value.to_owned());
        }
        let mount = volume_capability::MountVolume {
            fs_type: fs_type.to_owned(),
            ..Default::default()
        };
        let mode = volume_capability::AccessMode {
            mode: volume_capability::access_mode::Mode::SingleNodeWriter.into(),
        };
        let pod = "/var/lib/kubelet/pods/0e3b4b52-1d9a-4f2c-8a57-6a3c0f8d2b11";
        Self::Publish(Box::new(NodePublishVolumeRequest {
            volume_id: format!("vol-{number}"),
            staging_target_path: format!(
                "/var/lib/kubelet/plugins/kubernetes.io/csi/ebs.csi.aws.com/{number:064x}/globalmount"
            ),
            target_path: format!("{pod}/volumes/kubernetes.io~csi/pv-{number}/mount"),
            volume_capability: Some(VolumeCapability {
                access_mode: Some(mode),
                access_type: Some(volume_capability::AccessType::Mount(mount)),
            }),
            volume_context: attributes,
            ..Default::default()
        }))
    }

    /// The same volume, to be refused where it is not translated.
    pub fn strict(self) -> Self {
        match self {
            Self::Publish(mut request) => {
                request.readonly = true;
                Self::Publish(request)
            }
            other => other,
        }
    }

    /// Makes it.
    pub async fn make(self, channel: Channel) -> Result<(), Status> {
        match self {
            Self::Probe => {
                let mut client = IdentityClient::new(channel);
                client.probe(ProbeRequest {}).await.map(drop)
            }
            Self::Publish(request) => {
                let mut client = NodeClient::new(channel);
                client.node_publish_volume(*request).await.map(drop)
            }
            Self::Large(bytes) => {
                let mut client = NodeClient::new(channel).max_decoding_message_size(2 * bytes);
                let request = NodeGetVolumeStatsRequest {
                    volume_id: bytes.to_string(),
                    volume_path: "/mnt".to_owned(),
                    ..Default::default()
                };
                client.node_get_volume_stats(request).await.map(drop)
            }
        }
    }

    /// Its RPC, and its request as JSON.
    pub fn as_json(&self) -> (&'static str, String) {
        match self {
            Self::Probe => ("/csi.v1.Identity/Probe", "{}".to_owned()),
            Self::Large(bytes) => (
                "/csi.v1.Node/NodeGetVolumeStats",
                json!({"volumeId": bytes.to_string(), "volumePath": "/mnt"}).to_string(),
            ),
            Self::Publish(request) => {
                let fs_type = match request.volume_capability.as_ref() {
                    Some(VolumeCapability {
                        access_type: Some(volume_capability::AccessType::Mount(mount)),
                        ..
                    }) => mount.fs_type.as_str(),
                    _ => "",
                };
                let request = json!({
                    "volumeId": request.volume_id,
                    "stagingTargetPath": request.staging_target_path,
                    "targetPath": request.target_path,
                    "volumeCapability": {
                        "mount": {"fsType": fs_type},
                        "accessMode": {"mode": "SINGLE_NODE_WRITER"},
                    },
                    "readonly": request.readonly,
                    "volumeContext": request.volume_context,
                });
                ("/csi.v1.Node/NodePublishVolume", request.to_string())
            }
        }
    }
}
