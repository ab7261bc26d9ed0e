use super::*;
use v1::volume_content_source::{Type, VolumeSource};

fn sized(name: &str, required: i64) -> v1::CreateVolumeRequest {
    v1::CreateVolumeRequest {
        capacity_range: Some(v1::CapacityRange {
            required_bytes: required,
            limit_bytes: 0,
        }),
        ..request(name)
    }
}

fn clone_of(name: &str, volume: &str) -> v1::CreateVolumeRequest {
    v1::CreateVolumeRequest {
        volume_content_source: Some(v1::VolumeContentSource {
            r#type: Some(Type::Volume(VolumeSource {
                volume_id: volume.to_owned(),
            })),
        }),
        ..request(name)
    }
}

fn with_parameter(name: &str, key: &str, value: &str) -> v1::CreateVolumeRequest {
    v1::CreateVolumeRequest {
        parameters: BTreeMap::from([(key.to_owned(), value.to_owned())]),
        ..request(name)
    }
}

#[test]
fn the_same_name_is_the_same_volume() {
    let here = Here::new();
    let made = here.driver.create_volume(sized("a", 100)).unwrap();
    assert_eq!(here.driver.create_volume(sized("a", 100)).unwrap(), made);
    assert_eq!(
        here.driver.create_volume(sized("a", 50)).unwrap(),
        made,
        "it is large enough"
    );
    let others = [
        sized("a", 101),
        with_parameter("a", "kind", "directory"),
        clone_of("a", &here.create("b").volume_id),
    ];
    for other in others {
        assert_eq!(code(here.driver.create_volume(other)), Code::AlreadyExists);
    }
}

#[test]
fn what_cannot_be_made_leaves_nothing() {
    let here = Here::new();
    let before = here.files();
    let table = [
        (request(""), Code::InvalidArgument),
        (request(&"x".repeat(129)), Code::InvalidArgument),
        (
            v1::CreateVolumeRequest {
                volume_capabilities: vec![],
                ..request("a")
            },
            Code::InvalidArgument,
        ),
        (with_parameter("a", "kind", "ext4"), Code::InvalidArgument),
        (with_parameter("a", "knid", "ext4"), Code::InvalidArgument),
        (
            with_parameter("a", "csi.storage.k8s.io/x", &"x".repeat(4096)),
            Code::InvalidArgument,
        ),
        (sized("a", i64::MAX), Code::OutOfRange),
        (sized("a", -1), Code::InvalidArgument),
        (clone_of("a", "vol-none"), Code::NotFound),
        (clone_of("a", ""), Code::InvalidArgument),
    ];
    for (request, expected) in table {
        assert_eq!(code(here.driver.create_volume(request)), expected);
    }
    assert_eq!(here.files(), before);
}

#[test]
fn a_clone_is_another_volume() {
    let here = Here::new();
    let source = here.create("a");
    std::fs::write(here.data(&source).join("file"), "content").unwrap();
    let clone = here
        .driver
        .create_volume(clone_of("b", &source.volume_id))
        .unwrap();
    let clone = clone.volume.unwrap();
    std::fs::write(here.data(&source).join("file"), "changed").unwrap();
    assert_eq!(
        std::fs::read(here.data(&clone).join("file")).unwrap(),
        b"content"
    );
    here.driver
        .delete_volume(delete(&source.volume_id))
        .unwrap();
    assert!(here.data(&clone).join("file").exists());
}

#[test]
fn a_removed_volume_is_gone() {
    let here = Here::new();
    let before = here.files();
    let volume = here.create("a");
    std::fs::create_dir_all(here.data(&volume).join("d/e")).unwrap();
    for _ in 0..2 {
        here.driver
            .delete_volume(delete(&volume.volume_id))
            .unwrap();
    }
    here.driver
        .delete_volume(delete("../../never/was"))
        .unwrap();
    assert_eq!(
        code(here.driver.delete_volume(delete(""))),
        Code::InvalidArgument
    );
    assert_eq!(here.files(), before);
}

#[test]
fn one_call_at_a_time_on_a_volume() {
    let here = Here::new();
    let volume = here.create("a");
    let other = here.again(&[]);
    let held = other
        .volumes
        .lock_known(&id(&volume.volume_id), Share::Exclusive);
    assert_eq!(
        code(here.driver.delete_volume(delete(&volume.volume_id))),
        Code::Aborted
    );
    assert_eq!(code(here.driver.create_volume(request("a"))), Code::Aborted);
    assert!(
        here.driver.create_volume(request("b")).is_ok(),
        "another volume"
    );
    drop(held);
    here.driver
        .delete_volume(delete(&volume.volume_id))
        .unwrap();
}

#[test]
fn a_given_volume_is_made_once() {
    let here = Here::with(&[
        "--volume",
        "vol-0abc=directory:5",
        "--volume",
        "/sub/disks/x",
    ]);
    let get = |volume: &str| {
        let volume_id = volume.to_owned();
        here.driver
            .controller_get_volume(v1::ControllerGetVolumeRequest { volume_id })
    };
    assert_eq!(get("vol-0abc").unwrap().volume.unwrap().capacity_bytes, 5);
    std::fs::write(
        here.driver.volume_data(&id("/sub/disks/x")).join("file"),
        "",
    )
    .unwrap();
    let again = here.again(&["--volume", "/sub/disks/x"]);
    assert!(again.volume_data(&id("/sub/disks/x")).join("file").exists());
    assert_eq!(code(get("vol-0")), Code::NotFound);
}

#[test]
fn a_volume_without_its_data_is_not_well() {
    let here = Here::new();
    let volume = here.create("a");
    let condition = || {
        let volume_id = volume.volume_id.clone();
        let got = here
            .driver
            .controller_get_volume(v1::ControllerGetVolumeRequest { volume_id });
        got.unwrap().status.unwrap().volume_condition.unwrap()
    };
    assert!(!condition().abnormal);
    std::fs::remove_dir(here.data(&volume)).unwrap();
    assert!(condition().abnormal);
    std::fs::write(here.data(&volume), "").unwrap();
    assert!(condition().abnormal);
}

#[test]
fn a_volume_is_modified_and_expanded() {
    let here = Here::new();
    let volume_id = here.create("a").volume_id;
    let modify = |key: &str, volume_id: &str| {
        here.driver
            .controller_modify_volume(v1::ControllerModifyVolumeRequest {
                volume_id: volume_id.to_owned(),
                mutable_parameters: BTreeMap::from([(key.to_owned(), "1".to_owned())]),
                ..Default::default()
            })
    };
    modify("iops", &volume_id).unwrap();
    assert_eq!(code(modify("speed", &volume_id)), Code::InvalidArgument);
    assert_eq!(code(modify("iops", "none")), Code::NotFound);
    let recorded = here.driver.volumes.get(&id(&volume_id)).unwrap();
    assert_eq!(
        recorded.mutable_parameters,
        BTreeMap::from([("iops".into(), "1".into())])
    );

    let expand = |required_bytes, volume_id: &str| {
        here.driver
            .controller_expand_volume(v1::ControllerExpandVolumeRequest {
                volume_id: volume_id.to_owned(),
                capacity_range: Some(v1::CapacityRange {
                    required_bytes,
                    limit_bytes: 0,
                }),
                ..Default::default()
            })
    };
    let grown = expand(3 << 30, &volume_id).unwrap();
    assert_eq!(
        (grown.capacity_bytes, grown.node_expansion_required),
        (3 << 30, false)
    );
    assert_eq!(
        expand(1, &volume_id).unwrap().capacity_bytes,
        3 << 30,
        "never smaller"
    );
    assert_eq!(code(expand(i64::MAX, &volume_id)), Code::OutOfRange);
    assert_eq!(code(expand(1, "none")), Code::NotFound);
}

#[test]
fn capabilities_are_confirmed() {
    let here = Here::new();
    let volume_id = here.create("a").volume_id;
    let validate = |capability, kind: &str| {
        here.driver
            .validate_volume_capabilities(v1::ValidateVolumeCapabilitiesRequest {
                volume_id: volume_id.clone(),
                volume_capabilities: vec![capability],
                parameters: BTreeMap::from([("kind".to_owned(), kind.to_owned())]),
                ..Default::default()
            })
            .unwrap()
            .confirmed
    };
    assert!(validate(capability(Mode::MultiNodeMultiWriter), "directory").is_some());
    assert!(validate(capability(Mode::SingleNodeWriter), "ext4").is_none());
    let block = v1::VolumeCapability {
        access_type: Some(AccessType::Block(Default::default())),
        ..capability(Mode::SingleNodeWriter)
    };
    assert!(validate(block, "directory").is_none());
}

#[test]
fn volumes_are_listed_page_by_page() {
    let here = Here::new();
    let mut made: Vec<_> = ["a", "b", "c"]
        .map(|name| here.create(name).volume_id)
        .into();
    made.sort();
    let mut listed = Vec::new();
    let mut starting_token = String::new();
    loop {
        let request = v1::ListVolumesRequest {
            max_entries: 2,
            starting_token,
        };
        let page = here.driver.list_volumes(request).unwrap();
        listed.extend(
            page.entries
                .into_iter()
                .map(|entry| entry.volume.unwrap().volume_id),
        );
        starting_token = page.next_token;
        if starting_token.is_empty() {
            break;
        }
    }
    assert_eq!(listed, made);
}
