//! Legacy volumes from attach to detach, with data: what the old forms could do,
//! and what they could not.

mod tier_1 {
    use std::collections::BTreeMap;
    use std::fs;

    use flex2csi::csi::v1::controller_client::ControllerClient;
    use flex2csi::csi::v1::node_client::NodeClient;
    use flex2csi::csi::v1::volume_capability::{
        AccessMode, AccessType, MountVolume, access_mode::Mode,
    };
    use flex2csi::csi::v1::*;
    use tonic::Code;
    use tonic::transport::Channel;

    use crate::rig::{Rig, channel, text};

    const EBS: [&str; 6] = [
        "--node-id",
        "i-1",
        "--driver-name",
        "ebs.csi.aws.com",
        "--attach",
        "--volume=vol-0abc=xfs:384Mi",
    ];

    fn map<const N: usize>(entries: [(&str, &str); N]) -> BTreeMap<String, String> {
        entries
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .into()
    }

    /// The attributes of the volume that the backend has had all along, as
    /// `translate --via-endpoint` writes them.
    fn attributes() -> BTreeMap<String, String> {
        let source =
            r#"{"awsElasticBlockStore":{"volumeID":"aws://us-east-1a/vol-0abc","fsType":"xfs"}}"#;
        map([
            ("flex2csi.io/version", "1"),
            ("flex2csi.io/source", source),
            ("flex2csi.io/context", r#"{"name":"pv-ebs"}"#),
        ])
    }

    fn mounted() -> Option<VolumeCapability> {
        Some(VolumeCapability {
            access_type: Some(AccessType::Mount(MountVolume::default())),
            access_mode: Some(AccessMode {
                mode: Mode::SingleNodeWriter.into(),
            }),
        })
    }

    struct Callers {
        controller: ControllerClient<Channel>,
        node: NodeClient<Channel>,
        staging: String,
        target: String,
    }

    impl Callers {
        async fn of(rig: &Rig) -> Self {
            let channel = channel(&rig.through()).await;
            Self {
                controller: ControllerClient::new(channel.clone()),
                node: NodeClient::new(channel),
                staging: text(&rig.path("staging")),
                target: text(&rig.path("target")),
            }
        }

        async fn publish(&mut self, id: &str, context: BTreeMap<String, String>) {
            let attach = ControllerPublishVolumeRequest {
                volume_id: id.into(),
                node_id: "i-1".into(),
                volume_capability: mounted(),
                volume_context: context.clone(),
                ..Default::default()
            };
            let attached = self.controller.controller_publish_volume(attach).await;
            let publish_context = attached.unwrap().into_inner().publish_context;
            let stage = NodeStageVolumeRequest {
                volume_id: id.into(),
                staging_target_path: self.staging.clone(),
                volume_capability: mounted(),
                volume_context: context.clone(),
                publish_context: publish_context.clone(),
                ..Default::default()
            };
            self.node.node_stage_volume(stage).await.unwrap();
            let publish = NodePublishVolumeRequest {
                volume_id: id.into(),
                staging_target_path: self.staging.clone(),
                target_path: self.target.clone(),
                volume_capability: mounted(),
                volume_context: context,
                publish_context,
                ..Default::default()
            };
            self.node.node_publish_volume(publish).await.unwrap();
        }

        async fn unpublish(&mut self, id: &str) {
            let unpublish = NodeUnpublishVolumeRequest {
                volume_id: id.into(),
                target_path: self.target.clone(),
            };
            self.node.node_unpublish_volume(unpublish).await.unwrap();
            let unstage = NodeUnstageVolumeRequest {
                volume_id: id.into(),
                staging_target_path: self.staging.clone(),
            };
            self.node.node_unstage_volume(unstage).await.unwrap();
            let detach = ControllerUnpublishVolumeRequest {
                volume_id: id.into(),
                node_id: "i-1".into(),
                ..Default::default()
            };
            self.controller
                .controller_unpublish_volume(detach)
                .await
                .unwrap();
        }

        fn file(&self) -> std::path::PathBuf {
            std::path::Path::new(&self.target).join("data")
        }

        async fn bytes(&mut self, id: &str) -> i64 {
            let stats = NodeGetVolumeStatsRequest {
                volume_id: id.into(),
                volume_path: self.target.clone(),
                ..Default::default()
            };
            let stats = self
                .node
                .node_get_volume_stats(stats)
                .await
                .unwrap()
                .into_inner();
            let mut usage = stats.usage.into_iter();
            usage
                .find(|usage| usage.unit() == volume_usage::Unit::Bytes)
                .unwrap()
                .total
        }
    }

    #[tokio::test]
    #[ignore = "needs root: mounts"]
    async fn a_volume_that_was_there_before_is_used_grown_snapshotted_and_restored() {
        let mut rig = Rig::start(&EBS, &[]).await;
        let mut callers = Callers::of(&rig).await;
        let id = "vol-0abc";
        callers.publish(id, attributes()).await;
        fs::write(callers.file(), "before").unwrap();

        // The backend dies under it and comes back: mounts stay, calls go on.
        rig.restart_backend().await;
        assert_eq!(fs::read_to_string(callers.file()).unwrap(), "before");

        let before = callers.bytes(id).await;
        let range = Some(CapacityRange {
            required_bytes: 512 << 20,
            limit_bytes: 0,
        });
        let expand = ControllerExpandVolumeRequest {
            volume_id: id.into(),
            capacity_range: range,
            volume_capability: mounted(),
            ..Default::default()
        };
        let expanded = callers.controller.controller_expand_volume(expand).await;
        assert!(expanded.unwrap().into_inner().node_expansion_required);
        let expand = NodeExpandVolumeRequest {
            volume_id: id.into(),
            volume_path: callers.target.clone(),
            staging_target_path: callers.staging.clone(),
            capacity_range: range,
            volume_capability: mounted(),
            ..Default::default()
        };
        callers.node.node_expand_volume(expand).await.unwrap();
        assert!(callers.bytes(id).await > before * 5 / 4);

        let snapshot = CreateSnapshotRequest {
            source_volume_id: id.into(),
            name: "s".into(),
            ..Default::default()
        };
        let snapshot = callers.controller.create_snapshot(snapshot).await.unwrap();
        let snapshot = snapshot.into_inner().snapshot.unwrap();
        assert_eq!(snapshot.source_volume_id, id);
        fs::write(callers.file(), "behind").unwrap();
        callers.unpublish(id).await;

        // A legacy class makes the new volume, from the snapshot of the old one.
        let class = r#"{"metadata":{"name":"gp2"},"provisioner":"kubernetes.io/aws-ebs","parameters":{"type":"gp2","fsType":"xfs"}}"#;
        let create = CreateVolumeRequest {
            name: "pvc-restored".into(),
            parameters: map([("flex2csi.io/version", "1"), ("flex2csi.io/source", class)]),
            volume_capabilities: mounted().into_iter().collect(),
            capacity_range: range,
            volume_content_source: Some(VolumeContentSource {
                r#type: Some(volume_content_source::Type::Snapshot(
                    volume_content_source::SnapshotSource {
                        snapshot_id: snapshot.snapshot_id.clone(),
                    },
                )),
            }),
            ..Default::default()
        };
        let created = callers.controller.create_volume(create).await.unwrap();
        let created = created.into_inner().volume.unwrap();
        callers
            .publish(&created.volume_id, created.volume_context)
            .await;
        assert_eq!(fs::read_to_string(callers.file()).unwrap(), "before");
        callers.unpublish(&created.volume_id).await;

        callers.publish(id, attributes()).await;
        assert_eq!(fs::read_to_string(callers.file()).unwrap(), "behind");
        callers.unpublish(id).await;
        assert!(
            !rig.path("records/handles").exists(),
            "nothing had to be recorded"
        );
        rig.end();
    }

    #[tokio::test]
    #[ignore = "needs root: mounts"]
    async fn what_is_not_attached_is_refused_by_the_backend_in_its_own_words() {
        let rig = Rig::start(&EBS, &[]).await;
        let stage = NodeStageVolumeRequest {
            volume_id: "vol-0abc".into(),
            staging_target_path: text(&rig.path("staging")),
            volume_capability: mounted(),
            volume_context: attributes(),
            ..Default::default()
        };
        let direct = NodeStageVolumeRequest {
            volume_context: BTreeMap::new(),
            ..stage.clone()
        };
        let call = async |socket: std::path::PathBuf, stage| {
            let mut node = NodeClient::new(channel(&socket).await);
            node.node_stage_volume(stage).await.unwrap_err()
        };
        let through = call(rig.through(), stage).await;
        let direct = call(rig.direct(), direct).await;
        assert_eq!(direct.code(), Code::FailedPrecondition, "{direct}");
        assert_eq!(
            (through.code(), through.message()),
            (direct.code(), direct.message())
        );
        rig.end();
    }
}
