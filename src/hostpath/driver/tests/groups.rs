use super::*;

fn create(name: &str, volumes: &[&str]) -> v1::CreateVolumeGroupSnapshotRequest {
    v1::CreateVolumeGroupSnapshotRequest {
        name: name.to_owned(),
        source_volume_ids: volumes.iter().map(|volume| (*volume).to_owned()).collect(),
        ..Default::default()
    }
}

fn remove(group: &str, snapshots: &[String]) -> v1::DeleteVolumeGroupSnapshotRequest {
    v1::DeleteVolumeGroupSnapshotRequest {
        group_snapshot_id: group.to_owned(),
        snapshot_ids: snapshots.to_vec(),
        secrets: BTreeMap::new(),
    }
}

fn get(group: &str, snapshots: &[String]) -> v1::GetVolumeGroupSnapshotRequest {
    v1::GetVolumeGroupSnapshotRequest {
        group_snapshot_id: group.to_owned(),
        snapshot_ids: snapshots.to_vec(),
        secrets: BTreeMap::new(),
    }
}

#[test]
fn a_group_lives_and_goes_as_one() {
    let here = Here::new();
    let (a, b) = (here.create("a").volume_id, here.create("b").volume_id);
    let before = here.files();
    let take = |volumes: &[&str]| {
        here.driver
            .create_volume_group_snapshot(create("g", volumes))
    };
    let group = take(&[&a, &b]).unwrap().group_snapshot.unwrap();
    assert!(group.ready_to_use);
    assert_eq!(
        take(&[&b, &a, &a]).unwrap().group_snapshot.as_ref(),
        Some(&group),
        "the same set"
    );
    assert_eq!(code(take(&[&a])), Code::AlreadyExists);

    let members: Vec<_> = group
        .snapshots
        .iter()
        .map(|each| each.snapshot_id.clone())
        .collect();
    assert_eq!(members.len(), 2);
    assert!(
        group
            .snapshots
            .iter()
            .all(|each| each.group_snapshot_id == group.group_snapshot_id)
    );
    let alone = here.driver.delete_snapshot(v1::DeleteSnapshotRequest {
        snapshot_id: members[0].clone(),
        secrets: BTreeMap::new(),
    });
    assert_eq!(code(alone), Code::InvalidArgument);

    let id = &group.group_snapshot_id;
    let got = here
        .driver
        .get_volume_group_snapshot(get(id, &members))
        .unwrap();
    assert_eq!(got.group_snapshot.as_ref(), Some(&group));
    for wrong in [&members[..1], &[]] {
        assert_eq!(
            code(here.driver.get_volume_group_snapshot(get(id, wrong))),
            Code::InvalidArgument
        );
        assert_eq!(
            code(here.driver.delete_volume_group_snapshot(remove(id, wrong))),
            Code::InvalidArgument
        );
    }
    for _ in 0..2 {
        here.driver
            .delete_volume_group_snapshot(remove(id, &members))
            .unwrap();
    }
    assert_eq!(
        code(here.driver.get_volume_group_snapshot(get(id, &members))),
        Code::NotFound
    );
    assert_eq!(here.files(), before);
}

#[test]
fn a_group_that_fails_leaves_nothing() {
    let here = Here::new();
    let a = here.create("a").volume_id;
    let before = here.files();
    let take = |name, volumes: &[&str]| {
        code(
            here.driver
                .create_volume_group_snapshot(create(name, volumes)),
        )
    };
    assert_eq!(take("g", &[&a, "none"]), Code::NotFound);
    assert_eq!(take("", &[&a]), Code::InvalidArgument);
    assert_eq!(take("g", &[]), Code::InvalidArgument);
    assert_eq!(take("g", &[""]), Code::InvalidArgument);
    assert_eq!(here.files(), before);
}
