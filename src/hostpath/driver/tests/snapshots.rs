use super::*;
use v1::volume_content_source::{SnapshotSource, Type};

fn restore(name: &str, snapshot: &str, required_bytes: i64) -> v1::CreateVolumeRequest {
    v1::CreateVolumeRequest {
        volume_content_source: Some(v1::VolumeContentSource {
            r#type: Some(Type::Snapshot(SnapshotSource {
                snapshot_id: snapshot.to_owned(),
            })),
        }),
        capacity_range: Some(v1::CapacityRange {
            required_bytes,
            limit_bytes: 0,
        }),
        ..request(name)
    }
}

fn remove(snapshot: &str) -> v1::DeleteSnapshotRequest {
    v1::DeleteSnapshotRequest {
        snapshot_id: snapshot.to_owned(),
        secrets: BTreeMap::new(),
    }
}

#[test]
fn a_snapshot_outlives_its_volume() {
    let here = Here::new();
    let volume = here.create("a");
    std::fs::write(here.data(&volume).join("file"), "then").unwrap();
    let snapshot = here.snapshot("s", &volume.volume_id);
    assert!(snapshot.ready_to_use);
    assert_eq!(
        here.snapshot("s", &volume.volume_id),
        snapshot,
        "the same name"
    );
    std::fs::write(here.data(&volume).join("file"), "now").unwrap();
    here.driver
        .delete_volume(delete(&volume.volume_id))
        .unwrap();
    let restored = here
        .driver
        .create_volume(restore("b", &snapshot.snapshot_id, 0))
        .unwrap();
    let restored = restored.volume.unwrap();
    assert_eq!(
        std::fs::read(here.data(&restored).join("file")).unwrap(),
        b"then"
    );
    assert!(restored.content_source.is_some());
}

#[test]
fn wrong_snapshots_are_refused() {
    let here = Here::new();
    let (a, b) = (here.create("a").volume_id, here.create("b").volume_id);
    let snapshot = here.snapshot("s", &a).snapshot_id;
    let create = |name, volume| code(here.driver.create_snapshot(snapshot_request(name, volume)));
    assert_eq!(create("s", &b), Code::AlreadyExists);
    assert_eq!(create("t", "none"), Code::NotFound);
    assert_eq!(create("", &a), Code::InvalidArgument);
    assert_eq!(create("t", ""), Code::InvalidArgument);
    let unknown = here.driver.create_volume(restore("c", "none", 0));
    assert_eq!(code(unknown), Code::NotFound);
    // 1 GiB was snapshot; a smaller limit cannot hold it.
    let mut small = restore("c", &snapshot, 0);
    small.capacity_range = Some(v1::CapacityRange {
        required_bytes: 0,
        limit_bytes: 5,
    });
    assert_eq!(code(here.driver.create_volume(small)), Code::OutOfRange);
}

#[test]
fn snapshots_are_listed_and_removed() {
    let here = Here::new();
    let before = here.files();
    let (a, b) = (here.create("a").volume_id, here.create("b").volume_id);
    let first = here.snapshot("s", &a).snapshot_id;
    let second = here.snapshot("t", &b).snapshot_id;
    let list = |source: &str, snapshot: &str| {
        let request = v1::ListSnapshotsRequest {
            source_volume_id: source.to_owned(),
            snapshot_id: snapshot.to_owned(),
            ..Default::default()
        };
        let listed = here.driver.list_snapshots(request).unwrap().entries;
        let ids = listed
            .into_iter()
            .map(|entry| entry.snapshot.unwrap().snapshot_id);
        ids.collect::<Vec<_>>()
    };
    assert_eq!(list("", "").len(), 2);
    assert_eq!(list(&a, ""), [first.as_str()]);
    assert_eq!(list("", &second), [second.as_str()]);
    assert!(list("none", "").is_empty() && list(&a, &second).is_empty());
    for snapshot in [&first, &first, &second] {
        here.driver.delete_snapshot(remove(snapshot)).unwrap();
    }
    let gone = here.driver.get_snapshot(v1::GetSnapshotRequest {
        snapshot_id: first,
        ..Default::default()
    });
    assert_eq!(code(gone), Code::NotFound);
    for volume in [a, b] {
        here.driver.delete_volume(delete(&volume)).unwrap();
    }
    assert_eq!(here.files(), before);
}
