//! On filesystems that refuse.

use std::path::PathBuf;

use rustix::mount::{MountFlags, UnmountFlags, mount, mount_remount, unmount};

use super::world::{OURS, THEIRS, World};

/// A plugin directory on a filesystem of its own.
struct Tmpfs(PathBuf);

impl Tmpfs {
    fn mount(world: &World) -> Self {
        let options = Some(c"size=64k,mode=0755");
        mount(
            "none",
            world.plugins(),
            "tmpfs",
            MountFlags::empty(),
            options,
        )
        .unwrap();
        Self(world.plugins())
    }
}

impl Drop for Tmpfs {
    fn drop(&mut self) {
        unmount(&self.0, UnmountFlags::DETACH).unwrap();
    }
}

#[test]
#[ignore = "needs root: mounts"]
fn on_a_full_disk_nothing_is_changed() {
    for is_first in [true, false] {
        let mut world = World::new();
        let exec = world.wanted().exec_binary;
        std::fs::write(&exec, vec![b'x'; 256 << 10]).unwrap();
        let _mounted = Tmpfs::mount(&world);
        if !is_first {
            world.legacy(THEIRS);
        }
        let error = world.installation.keep(None).unwrap_err().to_string();
        assert!(error.contains("make room"), "{error}");
        let (plugins, driver) = (world.plugins(), world.plugins().join("a.io~b"));
        if is_first {
            assert!(world.names(&plugins).is_empty());
        } else {
            assert_eq!(world.names(&driver), ["b"], "its room is given back");
            assert_eq!(world.text("b"), THEIRS);
        }
        std::fs::write(&exec, OURS).unwrap();
        world.keep();
        world.assert_tidy();
    }
}

#[test]
#[ignore = "needs root: mounts"]
fn on_a_read_only_disk_what_is_well_is_well_and_the_rest_is_said() {
    let mut world = World::new();
    let _mounted = Tmpfs::mount(&world);
    world.keep();
    let remount = |flags| mount_remount(world.plugins(), flags, c"").unwrap();
    remount(MountFlags::RDONLY);
    world.restart();
    assert_eq!(world.keep().change, crate::installation::Change::None);
    std::fs::write(world.wanted().exec_binary, "newer").unwrap();
    let error = world.installation.keep(None).unwrap_err().to_string();
    assert!(error.contains("volumePluginDir"), "{error}");
    assert_eq!(world.text("b"), OURS);
    mount_remount(world.plugins(), MountFlags::empty(), c"").unwrap();
    world.keep();
    assert_eq!(world.text("b"), "newer");
}
