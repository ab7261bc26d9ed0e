//! A mount, as it should go.

use std::os::unix::fs::PermissionsExt as _;

use flex2csi::csi::v1::volume_capability::AccessType;
use flex2csi::csi::v1::{VolumeCapability, node_service_capability::rpc::Type};
use flex2csi::flexvolume::volumes::{MountedState, Unmounted, VolumeError};
use serde_json::json;

use crate::rig::{PATIENCE, Rig, pv};

#[tokio::test]
async fn a_volume_is_staged_published_and_taken_away_again() {
    let rig = Rig::new();
    rig.mount(1, "pv-0").await.unwrap();
    let (target, staging) = (rig.path(1, "pv-0"), rig.staging("vol-0"));
    assert_eq!(
        rig.listed(),
        [(Some(target.clone()), MountedState::Published)]
    );
    assert_eq!(rig.records().len(), 1);
    {
        let state = rig.driver.state();
        let staged = &state.staged[&staging.join("globalmount")];
        assert_eq!(staged.volume_id, "vol-0");
        assert_eq!(staged.volume_context["tier"], "fast");
        let published = &state.published[&target];
        assert_eq!(published.staging_target_path, staged.staging_target_path);
        assert_eq!(published.volume_capability, staged.volume_capability);
        assert!(!published.readonly);
    }
    let data = std::fs::read_to_string(staging.join("vol_data.json")).unwrap();
    assert_eq!(
        data,
        "{\"driverName\":\"disk.example.com\",\"volumeHandle\":\"vol-0\"}\n"
    );
    let mode = staging
        .join("globalmount")
        .metadata()
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o750);

    assert_eq!(rig.unmount(1, "pv-0").await.unwrap(), Unmounted::Ours);
    assert!(!target.exists());
    rig.assert_nothing_left();
}

#[tokio::test]
async fn what_the_driver_is_told_comes_from_the_volume_itself() {
    let rig = Rig::new();
    let spec = json!({"accessModes": ["ReadOnlyMany", "ReadWriteOnce"], "mountOptions": ["noatime", "discard"]});
    rig.cluster
        .known()
        .volumes
        .insert("pv-0".into(), pv(0, spec));
    rig.cluster.known().driver.pod_info_on_mount = true;
    let mut call = rig.call(1, "pv-0");
    call.options.read_only = true;
    rig.mount_within(call, PATIENCE).await.unwrap();
    let state = rig.driver.state();
    let published = &state.published[&rig.path(1, "pv-0")];
    assert!(published.readonly);
    let capability = published.volume_capability.as_ref().unwrap();
    assert_eq!(mode_of(capability), 3);
    let Some(AccessType::Mount(mount)) = &capability.access_type else {
        panic!("{capability:?}");
    };
    assert_eq!(
        (mount.fs_type.as_str(), mount.mount_flags.len()),
        ("ext4", 2)
    );
    assert_eq!(mount.mount_flags[1], "discard");
    for (key, value) in [
        ("tier", "fast"),
        ("csi.storage.k8s.io/pod.name", "pod-1"),
        ("csi.storage.k8s.io/pod.namespace", "web"),
        ("csi.storage.k8s.io/pod.uid", "uid-1"),
        ("csi.storage.k8s.io/serviceAccount.name", "default"),
        ("csi.storage.k8s.io/ephemeral", "false"),
    ] {
        assert_eq!(published.volume_context[key], value, "{key}");
    }
    let staged = state.staged.values().next().unwrap();
    assert_eq!(
        staged.volume_context.len(),
        1,
        "staging is nobody's in particular"
    );
}

fn mode_of(capability: &VolumeCapability) -> i32 {
    capability.access_mode.as_ref().unwrap().mode
}

#[tokio::test]
async fn a_driver_without_staging_is_not_asked_to_stage() {
    let rig = Rig::new();
    rig.driver.state().capabilities = [Type::SingleNodeMultiWriter as i32].into();
    rig.mount(1, "pv-0").await.unwrap();
    {
        let state = rig.driver.state();
        let published = &state.published[&rig.path(1, "pv-0")];
        assert_eq!(published.staging_target_path, "");
        assert_eq!(mode_of(published.volume_capability.as_ref().unwrap()), 7);
    }
    assert!(!rig.staging("vol-0").exists());
    rig.unmount(1, "pv-0").await.unwrap();
    for rpc in ["NodeStageVolume", "NodeUnstageVolume"] {
        assert_eq!(rig.driver.count(rpc), 0, "{rpc}");
    }
    rig.assert_nothing_left();
}

#[tokio::test]
async fn a_second_call_for_what_is_mounted_does_nothing() {
    let rig = Rig::new();
    rig.mount(1, "pv-0").await.unwrap();
    let before = rig.driver.state().calls.len();
    let call = rig.call(1, "pv-0");
    rig.volumes
        .mount(call, rig.context(PATIENCE))
        .await
        .unwrap();
    assert_eq!(rig.driver.state().calls.len(), before);
}

#[tokio::test]
async fn a_mount_that_is_gone_is_made_again() {
    let rig = Rig::new();
    rig.mount(1, "pv-0").await.unwrap();
    let target = rig.path(1, "pv-0");
    rig.driver.state().published.remove(&target);
    rig.mount(1, "pv-0").await.unwrap();
    assert!(rig.is_published(&target));
    assert_eq!(rig.volumes.list().len(), 1);
}

#[tokio::test]
async fn capabilities_are_asked_once_for_each_connection() {
    let rig = Rig::new();
    for pod in 0..4 {
        rig.mount(pod, "pv-0").await.unwrap();
    }
    // The first time it is not known on which connection the answer came.
    assert!(rig.driver.count("NodeGetCapabilities") <= 2);
}

#[tokio::test]
async fn what_cannot_be_mounted_is_refused_before_anything_happens() {
    let rig = Rig::new();
    let csi = json!({"flexVolume": null, "csi": {"driver": "x", "volumeHandle": "y"}});
    let block = json!({"volumeMode": "Block"});
    let unknown = json!({"flexVolume": {"driver": "nobody/knows", "options": {}}});
    let nfs =
        json!({"flexVolume": {"driver": "k8s/nfs", "options": {"server": "s", "share": "/a"}}});
    for (spec, expected) in [
        (csi, "in CSI form already: kubelet mounts it"),
        (block, "volumeMode Block"),
        (unknown, "cannot be translated"),
        (
            nfs,
            "nfs.csi.k8s.io cannot be found: no backend of that name",
        ),
    ] {
        rig.cluster
            .known()
            .volumes
            .insert("pv-0".into(), pv(0, spec));
        let error = rig.mount(1, "pv-0").await.unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
    let error = rig.mount(1, "pv-9").await.unwrap_err().to_string();
    assert_eq!(error, "there is no PersistentVolume pv-9");
    let mut call = rig.call(1, "pv-1");
    call.options.pod = None;
    let error = rig.mount_within(call, PATIENCE).await.unwrap_err();
    assert!(matches!(error, VolumeError::Incomplete { .. }), "{error}");
    let mut call = rig.call(1, "pv-1");
    call.driver = "other/disk".into();
    let error = rig.mount_within(call, PATIENCE).await.unwrap_err();
    assert!(matches!(error, VolumeError::NoTarget { .. }), "{error}");
    assert_eq!(rig.driver.count("NodeStageVolume"), 0);
    rig.assert_nothing_left();
}

#[tokio::test]
async fn a_target_that_is_somebody_elses_is_left_alone() {
    let rig = Rig::new();
    let target = rig.path(1, "pv-0");
    rig.driver.state().foreign.insert(target);
    let error = rig.mount(1, "pv-0").await.unwrap_err();
    assert!(matches!(error, VolumeError::Foreign { .. }), "{error}");
    rig.assert_nothing_left();
}

#[tokio::test]
async fn a_pod_that_is_gone_gets_nothing() {
    let rig = Rig::new();
    let call = rig.call(1, "pv-0");
    let error = rig
        .volumes
        .mount(call, rig.context(PATIENCE))
        .await
        .unwrap_err();
    assert!(matches!(error, VolumeError::NoPod { .. }), "{error}");
    rig.assert_nothing_left();
}

#[tokio::test]
async fn a_volume_that_kubelets_csi_plugin_has_is_refused() {
    let rig = Rig::new();
    let directory = rig
        .root()
        .join("pods/uid-7/volumes/kubernetes.io~csi/other");
    std::fs::create_dir_all(&directory).unwrap();
    let data = json!({"driverName": "disk.example.com", "volumeHandle": "vol-0"});
    std::fs::write(directory.join("vol_data.json"), data.to_string()).unwrap();
    let error = rig.mount(1, "pv-0").await.unwrap_err();
    assert!(matches!(error, VolumeError::InUseByCsi { .. }), "{error}");
    rig.mount(1, "pv-1").await.unwrap();
}

#[tokio::test]
async fn a_driver_that_mounts_where_it_is_not_seen_is_undone() {
    let rig = Rig::new();
    rig.driver.state().is_unseen = true;
    let error = rig.mount(1, "pv-0").await.unwrap_err().to_string();
    assert!(error.contains("HostToContainer"), "{error}");
    rig.assert_nothing_left();
}

#[tokio::test]
async fn whoever_watches_is_told() {
    let rig = Rig::new();
    let mut changes = rig.volumes.changes();
    assert!(!changes.has_changed().unwrap());
    rig.mount(1, "pv-0").await.unwrap();
    assert!(changes.has_changed().unwrap());
    changes.mark_unchanged();
    rig.unmount(1, "pv-0").await.unwrap();
    assert!(changes.has_changed().unwrap());
}
