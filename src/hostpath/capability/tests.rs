use super::*;
use v1::volume_capability::{AccessMode, AccessType, BlockVolume, MountVolume};

fn mount(fs_type: &str, flags: &[&str], mode: WireMode) -> v1::VolumeCapability {
    v1::VolumeCapability {
        access_mode: Some(AccessMode { mode: mode.into() }),
        access_type: Some(AccessType::Mount(MountVolume {
            fs_type: fs_type.into(),
            mount_flags: flags.iter().map(|flag| (*flag).to_owned()).collect(),
            volume_mount_group: String::new(),
        })),
    }
}

fn block(mode: WireMode) -> v1::VolumeCapability {
    v1::VolumeCapability {
        access_mode: Some(AccessMode { mode: mode.into() }),
        access_type: Some(AccessType::Block(BlockVolume {})),
    }
}

#[test]
fn a_capability_is_whole() {
    let whole = mount("", &[], WireMode::SingleNodeWriter);
    assert!(Capability::required(Some(&whole)).is_ok());
    let broken = [
        v1::VolumeCapability {
            access_mode: None,
            ..whole.clone()
        },
        v1::VolumeCapability {
            access_type: None,
            ..whole.clone()
        },
        mount("", &[], WireMode::Unknown),
        v1::VolumeCapability {
            access_mode: Some(AccessMode { mode: 99 }),
            ..whole
        },
    ];
    for wire in broken {
        assert!(Capability::required(Some(&wire)).is_err(), "{wire:?}");
    }
    assert!(Capability::required(None).is_err());
    assert!(Capability::list(&[]).is_err());
}

#[test]
fn a_kind_has_some_capabilities() {
    use WireMode::{MultiNodeMultiWriter as Shared, MultiNodeReaderOnly, SingleNodeWriter as One};
    let table = [
        (mount("", &[], Shared), Kind::Directory, true),
        (
            mount("ext4", &["ro", "noatime"], One),
            Kind::Directory,
            true,
        ),
        (mount("", &["data=ordered"], One), Kind::Directory, true),
        (mount("", &[], One), Kind::Ext4, true),
        (mount("ext4", &["data=ordered"], One), Kind::Ext4, true),
        (mount("xfs", &[], One), Kind::Ext4, false),
        (mount("", &[], Shared), Kind::Xfs, false),
        (mount("", &[], MultiNodeReaderOnly), Kind::Xfs, true),
        (mount("", &[], One), Kind::Block, false),
        (block(Shared), Kind::Block, true),
        (block(One), Kind::Directory, false),
        (block(One), Kind::Btrfs, false),
    ];
    for (wire, kind, has) in table {
        let capability = Capability::required(Some(&wire)).unwrap();
        assert_eq!(capability.check(kind).is_ok(), has, "{kind} {wire:?}");
    }
}
