//! Volumes in legacy form, each RPC: what the backend gets, and what the caller.

use std::collections::BTreeMap;

use flex2csi::csi::v1::*;
use flex2csi_translators::digest::sha256_hex;
use flex2csi_translators::endpoint::{CONTEXT, SOURCE, VERSION};
use prost::Message as _;
use serde_json::json;
use tonic::Code;

use crate::rig::{EBS, Rig, Setup};
use crate::scripted::Reply;

type Map = BTreeMap<String, String>;

fn map<const N: usize>(entries: [(&str, &str); N]) -> Map {
    entries
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .into()
}

/// The attributes of a volume in the endpoint's form.
fn attributes(source: serde_json::Value, told: serde_json::Value) -> Map {
    map([
        (VERSION, "1"),
        (SOURCE, &source.to_string()),
        (CONTEXT, &told.to_string()),
    ])
}

fn ebs() -> Map {
    let source = json!({"awsElasticBlockStore": {"volumeID": "aws://us-east-1a/vol-1", "partition": 3, "fsType": "xfs"}});
    attributes(source, json!({"name": "pv"}))
}

/// What kubelet adds to the attributes.
const POD: (&str, &str) = ("csi.storage.k8s.io/pod.name", "web-0");

fn mounted(fs_type: &str) -> Option<VolumeCapability> {
    let mount = volume_capability::MountVolume {
        fs_type: fs_type.into(),
        mount_flags: vec!["noatime".into()],
        ..Default::default()
    };
    Some(VolumeCapability {
        access_type: Some(volume_capability::AccessType::Mount(mount)),
        ..Default::default()
    })
}

fn with(mut attributes: Map, (key, value): (&str, &str)) -> Map {
    attributes.insert(key.into(), value.into());
    attributes
}

#[tokio::test]
async fn a_stage_and_a_publish_get_the_backends_attributes() {
    let rig = Rig::echo();
    let stage = NodeStageVolumeRequest {
        volume_id: "vol-1".into(),
        staging_target_path: "/s".into(),
        volume_capability: mounted(""),
        secrets: map([("password", "p")]),
        publish_context: map([("devicePath", "/dev/x")]),
        volume_context: with(ebs(), POD),
    };
    let (got, _) = rig
        .forwarded("/csi.v1.Node/NodeStageVolume", stage.encode_to_vec())
        .await;
    let expected = NodeStageVolumeRequest {
        volume_capability: mounted("xfs"),
        volume_context: with(map([("partition", "3")]), POD),
        ..stage
    };
    assert_eq!(NodeStageVolumeRequest::decode(got).unwrap(), expected);

    let publish = NodePublishVolumeRequest {
        volume_id: "vol-1".into(),
        target_path: "/t".into(),
        volume_capability: mounted("ext4"),
        volume_context: with(ebs(), POD),
        readonly: true,
        ..Default::default()
    };
    let (got, _) = rig
        .forwarded("/csi.v1.Node/NodePublishVolume", publish.encode_to_vec())
        .await;
    let expected = NodePublishVolumeRequest {
        volume_context: with(map([("partition", "3")]), POD),
        ..publish
    };
    assert_eq!(NodePublishVolumeRequest::decode(got).unwrap(), expected);
    // A volume that has its handle needs nothing written down.
    assert!(!rig.directory.path().join("handles").exists());
}

#[tokio::test]
async fn an_attach_gets_the_backends_attributes() {
    let rig = Rig::echo();
    let publish = ControllerPublishVolumeRequest {
        volume_id: "vol-1".into(),
        node_id: "n".into(),
        volume_capability: mounted("ext4"),
        volume_context: ebs(),
        ..Default::default()
    };
    let path = "/csi.v1.Controller/ControllerPublishVolume";
    let (got, _) = rig.forwarded(path, publish.encode_to_vec()).await;
    let expected = ControllerPublishVolumeRequest {
        volume_context: map([("partition", "3")]),
        ..publish
    };
    assert_eq!(
        ControllerPublishVolumeRequest::decode(got).unwrap(),
        expected
    );
}

#[tokio::test]
async fn unknown_fields_stay_where_they_are() {
    let rig = Rig::echo();
    let stage = NodeStageVolumeRequest {
        volume_id: "vol-1".into(),
        volume_context: ebs(),
        ..Default::default()
    };
    let unknown = b"\xfa\x3f\x83\x00new";
    let message = [&unknown[..], &stage.encode_to_vec(), unknown].concat();
    let (got, _) = rig
        .forwarded("/csi.v1.Node/NodeStageVolume", &message)
        .await;
    assert!(
        got.starts_with(unknown) && got.ends_with(unknown),
        "{got:?}"
    );
}

#[tokio::test]
async fn what_is_validated_is_confirmed_in_the_callers_words() {
    let rig = Rig::with(Setup::default(), |call| {
        let asked = ValidateVolumeCapabilitiesRequest::decode(call.message.clone()).unwrap();
        assert_eq!(asked.volume_context, map([("partition", "3")]));
        let confirmed = validate_volume_capabilities_response::Confirmed {
            volume_context: asked.volume_context,
            volume_capabilities: asked.volume_capabilities,
            ..Default::default()
        };
        let answer = ValidateVolumeCapabilitiesResponse {
            confirmed: Some(confirmed),
            message: "fine".into(),
        };
        Reply::message(answer.encode_to_vec())
    });
    let request = ValidateVolumeCapabilitiesRequest {
        volume_id: "vol-1".into(),
        volume_context: ebs(),
        volume_capabilities: mounted("xfs").into_iter().collect(),
        ..Default::default()
    };
    let path = "/csi.v1.Controller/ValidateVolumeCapabilities";
    let answer = rig.call(path, request.encode_to_vec()).await;
    let answer = ValidateVolumeCapabilitiesResponse::decode(answer.message).unwrap();
    let confirmed = answer.confirmed.unwrap();
    assert_eq!(confirmed.volume_context, ebs());
    assert_eq!(confirmed.volume_capabilities, request.volume_capabilities);
    assert_eq!(answer.message, "fine");
}

fn create(parameters: Map) -> CreateVolumeRequest {
    CreateVolumeRequest {
        name: "pvc-1".into(),
        parameters,
        volume_capabilities: mounted("").into_iter().collect(),
        ..Default::default()
    }
}

#[tokio::test]
async fn a_legacy_class_makes_a_csi_volume() {
    let rig = Rig::echo();
    let class = json!({
        "provisioner": "kubernetes.io/aws-ebs",
        "parameters": {"type": "io1", "iopsPerGB": "10", "fsType": "xfs"},
    });
    let request = create(map([(VERSION, "1"), (SOURCE, &class.to_string())]));
    let (got, _) = rig
        .forwarded("/csi.v1.Controller/CreateVolume", request.encode_to_vec())
        .await;
    let expected = CreateVolumeRequest {
        parameters: map([
            ("type", "io1"),
            ("iopsPerGB", "10"),
            ("allowautoiopspergbincrease", "true"),
        ]),
        volume_capabilities: mounted("xfs").into_iter().collect(),
        ..request
    };
    let got = CreateVolumeRequest::decode(got).unwrap();
    assert_eq!(got.volume_capabilities, expected.volume_capabilities);
    for (key, value) in [("type", "io1"), ("iopsPerGB", "10")] {
        assert_eq!(got.parameters[key], value);
    }
    assert!(
        got.parameters.keys().all(|key| !key.contains('/')),
        "{:?}",
        got.parameters
    );
}

#[tokio::test]
async fn parameters_without_a_mark_are_a_legacy_class_where_that_is_configured() {
    let setup = Setup {
        legacy_provisioner: Some("kubernetes.io/aws-ebs"),
        ..Setup::default()
    };
    let rig = Rig::with(setup, |call| Reply::message(call.message.clone()));
    let request = create(map([("type", "gp2"), ("fsType", "xfs")]));
    let path = "/csi.v1.Controller/CreateVolume";
    let (got, _) = rig.forwarded(path, request.encode_to_vec()).await;
    let got = CreateVolumeRequest::decode(got).unwrap();
    assert_eq!(got.parameters, map([("type", "gp2")]));
    assert_eq!(
        got.volume_capabilities,
        mounted("xfs").into_iter().collect::<Vec<_>>()
    );
    // Without it they are the backend's own.
    let (got, _) = Rig::echo().forwarded(path, request.encode_to_vec()).await;
    assert_eq!(CreateVolumeRequest::decode(got).unwrap(), request);
}

const VSPHERE: &str = "csi.vsphere.vmware.com";
const VALUES: &str = r#"{"vsphereVolume": {"volumes": {"[ds] kubevols/a.vmdk": "6000-c29"}}}"#;

/// A volume that was written for the endpoint without the value that it needs.
fn undecided() -> (String, Map) {
    let source = json!({"vsphereVolume": {"volumePath": "[ds] kubevols/a.vmdk", "fsType": "ext4"}});
    let attributes = attributes(source, json!({"name": "pv"}));
    let handle = format!("flex2csi-{}", sha256_hex(&attributes[SOURCE]));
    (handle, attributes)
}

fn vsphere(volumes: Option<String>) -> Rig {
    let setup = Setup {
        driver: VSPHERE,
        values: VALUES,
        volumes,
        ..Setup::default()
    };
    Rig::with(setup, |call| match call.path.as_str() {
        "/csi.v1.Controller/CreateSnapshot" => {
            let asked = CreateSnapshotRequest::decode(call.message.clone()).unwrap();
            let snapshot = Snapshot {
                snapshot_id: "snap-1".into(),
                source_volume_id: asked.source_volume_id,
                ..Default::default()
            };
            let answer = CreateSnapshotResponse {
                snapshot: Some(snapshot),
            };
            Reply::message(answer.encode_to_vec())
        }
        "/csi.v1.Controller/ListVolumes" => {
            let entry = |id: &str| list_volumes_response::Entry {
                volume: Some(Volume {
                    volume_id: id.into(),
                    ..Default::default()
                }),
                ..Default::default()
            };
            let answer = ListVolumesResponse {
                entries: vec![entry("6000-c29"), entry("other")],
                ..Default::default()
            };
            Reply::message(answer.encode_to_vec())
        }
        _ => Reply::message(""),
    })
}

#[tokio::test]
async fn a_handle_that_says_nothing_is_known_on_the_node_that_staged_it() {
    let rig = vsphere(None);
    let (id, attributes) = undecided();
    let unstage = NodeUnstageVolumeRequest {
        volume_id: id.clone(),
        staging_target_path: "/s".into(),
    };
    let path = "/csi.v1.Node/NodeUnstageVolume";
    let (code, said) = rig.refused(path, unstage.encode_to_vec()).await;
    assert_eq!(code, Code::FailedPrecondition, "{said}");

    let stage = NodeStageVolumeRequest {
        volume_id: id.clone(),
        volume_capability: mounted(""),
        volume_context: attributes,
        ..Default::default()
    };
    let (got, _) = rig
        .forwarded("/csi.v1.Node/NodeStageVolume", stage.encode_to_vec())
        .await;
    let got = NodeStageVolumeRequest::decode(got).unwrap();
    assert_eq!(got.volume_id, "6000-c29");
    assert_eq!(got.volume_capability, mounted("ext4"));
    let (got, _) = rig.forwarded(path, unstage.encode_to_vec()).await;
    let got = NodeUnstageVolumeRequest::decode(got).unwrap();
    assert_eq!(
        (got.volume_id.as_str(), got.staging_target_path.as_str()),
        ("6000-c29", "/s")
    );
}

#[tokio::test]
async fn a_handle_that_says_nothing_is_looked_up_for_the_controller_and_given_back() {
    let (id, attributes) = undecided();
    let pv = json!({
        "apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": "pv"},
        "spec": {"csi": {"driver": format!("{VSPHERE}.flex2csi.io"), "volumeHandle": id,
            "volumeAttributes": attributes}},
    });
    let rig = vsphere(Some(pv.to_string()));
    let request = CreateSnapshotRequest {
        source_volume_id: id.clone(),
        name: "s".into(),
        ..Default::default()
    };
    let path = "/csi.v1.Controller/CreateSnapshot";
    let (got, answer) = rig.forwarded(path, request.encode_to_vec()).await;
    assert_eq!(
        CreateSnapshotRequest::decode(got).unwrap().source_volume_id,
        "6000-c29"
    );
    let answer = CreateSnapshotResponse::decode(answer.message).unwrap();
    assert_eq!(answer.snapshot.unwrap().source_volume_id, id);

    // Lists name it as its caller does, and the others as they are.
    let answer = rig.call("/csi.v1.Controller/ListVolumes", b"").await;
    let answer = ListVolumesResponse::decode(answer.message).unwrap();
    let ids: Vec<String> = answer
        .entries
        .into_iter()
        .map(|entry| entry.volume.unwrap().volume_id)
        .collect();
    assert_eq!(ids, [id.as_str(), "other"]);

    // Every call that has the id alone.
    for (path, field) in [
        ("/csi.v1.Controller/DeleteVolume", 1),
        ("/csi.v1.Controller/ControllerUnpublishVolume", 1),
        ("/csi.v1.Controller/ControllerExpandVolume", 1),
        ("/csi.v1.Controller/ControllerModifyVolume", 1),
        ("/csi.v1.Controller/ControllerGetVolume", 1),
        ("/csi.v1.Controller/ListSnapshots", 3),
        ("/csi.v1.GroupController/CreateVolumeGroupSnapshot", 2),
        ("/csi.v1.Node/NodeGetVolumeStats", 1),
        ("/csi.v1.Node/NodeExpandVolume", 1),
        ("/csi.v1.Node/NodeUnpublishVolume", 1),
    ] {
        let mut message = Vec::new();
        flex2csi::endpoint::wire::add_text(&mut message, field, &id);
        let (got, _) = rig.forwarded(path, &message).await;
        assert_eq!(
            flex2csi::endpoint::wire::last_text(&got, field),
            Ok("6000-c29"),
            "{path}"
        );
    }
}

#[tokio::test]
async fn an_id_that_the_in_tree_form_leaves_open_is_completed_from_the_node() {
    let setup = Setup {
        driver: "pd.csi.storage.gke.io",
        ..Setup::default()
    };
    let rig = Rig::with(setup, |call| Reply::message(call.message.clone()));
    let open = "projects/UNSPECIFIED/zones/UNSPECIFIED/disks/d";
    let publish = ControllerPublishVolumeRequest {
        volume_id: open.into(),
        node_id: "projects/p2/zones/z2/instances/n".into(),
        ..Default::default()
    };
    let (got, _) = rig
        .forwarded(
            "/csi.v1.Controller/ControllerPublishVolume",
            publish.encode_to_vec(),
        )
        .await;
    let got = ControllerPublishVolumeRequest::decode(got).unwrap();
    assert_eq!(got.volume_id, "projects/p2/zones/z2/disks/d");
    // The node's own socket says on which node it is.
    let stage = NodeUnstageVolumeRequest {
        volume_id: open.into(),
        ..Default::default()
    };
    let (got, _) = rig
        .forwarded("/csi.v1.Node/NodeUnstageVolume", stage.encode_to_vec())
        .await;
    let got = NodeUnstageVolumeRequest::decode(got).unwrap();
    assert_eq!(got.volume_id, "projects/p/zones/z1/disks/d");
}

#[tokio::test]
async fn another_volume_than_the_ids_is_never_used() {
    let rig = Rig::echo();
    let stage = |id: &str, volume_context| NodeStageVolumeRequest {
        volume_id: id.into(),
        volume_context,
        ..Default::default()
    };
    let path = "/csi.v1.Node/NodeStageVolume";
    let (code, said) = rig
        .refused(path, stage("vol-2", ebs()).encode_to_vec())
        .await;
    assert_eq!(code, Code::FailedPrecondition);
    assert!(said.contains("vol-2") && said.contains("vol-1"), "{said}");
    // A handle of another source's digest.
    let (id, _) = undecided();
    let (code, said) = rig.refused(path, stage(&id, ebs()).encode_to_vec()).await;
    assert_eq!(code, Code::FailedPrecondition, "{said}");
    // The source of another backend.
    let (id, attributes) = undecided();
    let setup = Setup {
        values: VALUES,
        ..Setup::default()
    };
    let rig = Rig::with(setup, |call| Reply::message(call.message.clone()));
    let (code, said) = rig
        .refused(path, stage(&id, attributes).encode_to_vec())
        .await;
    assert_eq!(code, Code::FailedPrecondition);
    assert!(said.contains(VSPHERE) && said.contains(EBS), "{said}");
}

#[tokio::test]
async fn values_that_are_learned_count_from_the_next_call_on() {
    let setup = Setup {
        driver: VSPHERE,
        ..Setup::default()
    };
    let rig = Rig::with(setup, |call| Reply::message(call.message.clone()));
    let (id, volume_context) = undecided();
    let stage = NodeStageVolumeRequest {
        volume_id: id,
        volume_context,
        ..Default::default()
    };
    let path = "/csi.v1.Node/NodeStageVolume";
    let (code, said) = rig.refused(path, stage.encode_to_vec()).await;
    assert_eq!(code, Code::FailedPrecondition);
    assert!(said.contains("vsphereVolume.volumes"), "{said}");
    rig.endpoint.learn(crate::rig::knowledge(VALUES));
    rig.forwarded(path, stage.encode_to_vec()).await;
}
