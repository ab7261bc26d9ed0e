//! One volume for several pods.

use flex2csi::csi::v1::node_service_capability::rpc::Type;
use flex2csi::csi::v1::volume_capability::AccessType;

use crate::rig::{PATIENCE, Rig};

#[tokio::test]
async fn two_pods_share_what_is_staged() {
    let rig = Rig::new();
    rig.mount(1, "pv-0").await.unwrap();
    rig.mount(2, "pv-0").await.unwrap();
    assert_eq!(rig.records().len(), 1);
    assert_eq!(rig.driver.state().staged.len(), 1);
    rig.unmount(1, "pv-0").await.unwrap();
    assert_eq!(rig.driver.count("NodeUnstageVolume"), 0);
    assert!(rig.is_published(&rig.path(2, "pv-0")));
    rig.unmount(2, "pv-0").await.unwrap();
    rig.assert_nothing_left();
}

#[tokio::test]
async fn many_at_once_are_all_there_and_all_gone() {
    let rig = Rig::new();
    for pod in 0..32 {
        std::fs::create_dir_all(rig.path(pod, &format!("pv-{}", pod % 3))).unwrap();
    }
    let calls = |pod: u32| rig.call(pod, &format!("pv-{}", pod % 3));
    let mut mounts = tokio::task::JoinSet::new();
    for pod in 0..32 {
        let (volumes, call, context) = (rig.volumes.clone(), calls(pod), rig.context(PATIENCE));
        mounts.spawn(async move { volumes.mount(call, context).await });
    }
    while let Some(mounted) = mounts.join_next().await {
        mounted.unwrap().unwrap();
    }
    assert_eq!(rig.driver.state().published.len(), 32);
    assert_eq!(rig.driver.state().staged.len(), 3);
    let mut unmounts = tokio::task::JoinSet::new();
    for pod in 0..32 {
        let (volumes, context) = (rig.volumes.clone(), rig.context(PATIENCE));
        let target = calls(pod).target;
        unmounts.spawn(async move { volumes.unmount(&target, context).await });
    }
    while let Some(unmounted) = unmounts.join_next().await {
        unmounted.unwrap().unwrap();
    }
    rig.assert_nothing_left();
}

#[tokio::test]
async fn a_volume_is_staged_again_as_it_was_first() {
    let rig = Rig::new();
    rig.driver
        .state()
        .capabilities
        .insert(Type::VolumeMountGroup as i32);
    let group_of = |capability: &Option<flex2csi::csi::v1::VolumeCapability>| match capability
        .as_ref()
        .unwrap()
        .access_type
        .clone()
        .unwrap()
    {
        AccessType::Mount(mount) => mount.volume_mount_group,
        AccessType::Block(_) => panic!("a block device"),
    };
    for (pod, group) in [(1, 2000), (2, 3000)] {
        let mut call = rig.call(pod, "pv-0");
        call.options.fs_group = Some(group);
        rig.mount_within(call, PATIENCE).await.unwrap();
    }
    let state = rig.driver.state();
    let staged = state.staged.values().next().unwrap();
    assert_eq!(group_of(&staged.volume_capability), "2000");
    let second = &state.published[&rig.path(2, "pv-0")];
    assert_eq!(group_of(&second.volume_capability), "3000");
}

#[tokio::test]
async fn another_volume_at_the_same_target_takes_the_place_of_what_was_tried_before() {
    use crate::driver::Fault;
    let rig = Rig::new();
    rig.driver
        .fails("NodePublishVolume", Fault::Before(tonic::Code::Unavailable));
    rig.mount(1, "pv-0").await.unwrap_err();
    // The site's values were corrected meanwhile: it is another handle now.
    let pv = crate::rig::pv(1, serde_json::json!({}));
    rig.cluster.known().volumes.insert("pv-0".into(), pv);
    rig.mount(1, "pv-0").await.unwrap();
    {
        let state = rig.driver.state();
        assert_eq!(state.published[&rig.path(1, "pv-0")].volume_id, "vol-1");
        assert_eq!(state.staged.len(), 1);
    }
    assert_eq!(rig.records().len(), 1);
    rig.unmount(1, "pv-0").await.unwrap();
    rig.assert_nothing_left();
}
