//! What an end at the worst moment leaves, and what the next start makes of it.

use super::*;

/// A driver whose calls end where their intent is recorded, and whose undoing
/// does not come: as if it were killed there.
fn cut_off_at(rpc: &str) -> Here {
    Here::with(&["--fault", &format!("{rpc}=INTERNAL,recorded,times=1")])
}

/// Puts a record back as it was when the process died.
fn as_if_killed(here: &Here, name: &str, phase: Phase) -> v1::Volume {
    let volume = here.create(name);
    let (guard, mut record) = here
        .driver
        .volumes
        .lock_known(&id(&volume.volume_id), Share::Exclusive)
        .unwrap();
    record.phase = phase;
    here.driver.volumes.put(&guard, &record).unwrap();
    std::fs::write(here.data(&volume).join("half"), "").unwrap();
    volume
}

#[test]
fn a_half_made_volume_is_not_there_and_is_made_anew() {
    let here = Here::new();
    let volume = as_if_killed(&here, "a", Phase::Creating);
    assert!(
        here.driver
            .list_volumes(Default::default())
            .unwrap()
            .entries
            .is_empty()
    );
    assert_eq!(here.create("a"), volume);
    assert!(!here.data(&volume).join("half").exists());
}

#[test]
fn the_next_start_takes_half_volumes_away() {
    for phase in [Phase::Creating, Phase::Deleting] {
        let here = Here::new();
        let before = here.files();
        let volume = as_if_killed(&here, "a", phase);
        here.again(&[]);
        assert_eq!(here.phase(&volume.volume_id), None);
        assert_eq!(here.files(), before, "{phase:?}");
    }
}

#[test]
fn what_is_worked_on_is_left_alone_by_the_next_start() {
    let here = Here::new();
    let volume = as_if_killed(&here, "a", Phase::Creating);
    let held = here
        .driver
        .volumes
        .lock(&id(&volume.volume_id), Share::Exclusive);
    here.again(&[]);
    assert_eq!(here.phase(&volume.volume_id), Some(Phase::Creating));
    drop(held);
}

#[test]
fn a_call_that_fails_undoes_what_it_did() {
    let here = cut_off_at("CreateVolume");
    let before = here.files();
    assert_eq!(
        code(here.driver.create_volume(request("a"))),
        Code::Internal
    );
    assert_eq!(here.files(), before);
    here.create("a");

    let here = cut_off_at("CreateSnapshot");
    let volume = here.create("a").volume_id;
    let before = here.files();
    let failed = here.driver.create_snapshot(snapshot_request("s", &volume));
    assert_eq!(code(failed), Code::Internal);
    assert_eq!(here.files(), before);
    here.snapshot("s", &volume);
}

#[test]
fn a_removal_that_was_begun_is_finished() {
    let here = cut_off_at("DeleteVolume");
    let before = here.files();
    let volume = here.create("a").volume_id;
    assert_eq!(
        code(here.driver.delete_volume(delete(&volume))),
        Code::Internal
    );
    assert_eq!(here.phase(&volume), Some(Phase::Deleting));
    let get = here
        .driver
        .controller_get_volume(v1::ControllerGetVolumeRequest {
            volume_id: volume.clone(),
        });
    assert_eq!(code(get), Code::NotFound);
    here.driver.delete_volume(delete(&volume)).unwrap();
    assert_eq!(here.files(), before);
}

#[test]
fn half_snapshots_and_groups_are_taken_away() {
    let here = cut_off_at("DeleteSnapshot");
    let volume = here.create("a").volume_id;
    let before = here.files();
    let snapshot_id = here.snapshot("s", &volume).snapshot_id;
    let delete = v1::DeleteSnapshotRequest {
        snapshot_id,
        ..Default::default()
    };
    assert_eq!(code(here.driver.delete_snapshot(delete)), Code::Internal);
    here.again(&[]);
    assert_eq!(here.files(), before);

    let group = v1::CreateVolumeGroupSnapshotRequest {
        name: "g".into(),
        source_volume_ids: vec![volume],
        ..Default::default()
    };
    let group = here
        .driver
        .create_volume_group_snapshot(group)
        .unwrap()
        .group_snapshot
        .unwrap();
    let (guard, mut record) = here
        .driver
        .groups
        .lock_known(&id(&group.group_snapshot_id), Share::Exclusive)
        .unwrap();
    record.phase = Phase::Deleting;
    here.driver.groups.put(&guard, &record).unwrap();
    drop(guard);
    here.again(&[]);
    assert_eq!(here.files(), before);
}
