//! What cannot be installed, and what is said of it.

use std::fs;
use std::os::unix::fs::symlink;

use super::world::{THEIRS, World, executable};
use crate::installation::InstallError;

fn error(world: &mut World) -> String {
    world.installation.keep(None).unwrap_err().to_string()
}

#[test]
fn a_missing_plugin_directory_is_not_made() {
    let mut world = World::new();
    fs::remove_dir(world.plugins()).unwrap();
    assert!(
        error(&mut world).contains("volumePluginDir"),
        "kubelet makes it"
    );
    assert!(!world.plugins().exists());
    fs::write(world.plugins(), "").unwrap();
    assert!(error(&mut world).contains("cannot open"));
}

#[test]
fn a_directory_that_kubelet_overlooks_is_refused() {
    let mut world = World::new();
    let elsewhere = world.root().join("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    symlink(&elsewhere, world.plugins().join("a.io~b")).unwrap();
    let message = error(&mut world);
    assert!(message.contains("a.io~b is a symbolic link"), "{message}");
    assert_eq!(fs::read_dir(&elsewhere).unwrap().count(), 0);
    fs::remove_file(world.plugins().join("a.io~b")).unwrap();
    fs::write(world.plugins().join("a.io~b"), "").unwrap();
    let message = error(&mut world);
    assert!(message.contains("a.io~b is a file"), "{message}");
}

#[test]
fn what_is_no_executable_is_left_alone() {
    let mut world = World::new();
    fs::create_dir_all(world.file("b")).unwrap();
    let message = error(&mut world);
    assert!(message.contains("is a directory"), "{message}");
    fs::remove_dir(world.file("b")).unwrap();
    let fifo = world.file("b");
    rustix::fs::mknodat(
        rustix::fs::CWD,
        &fifo,
        rustix::fs::FileType::Fifo,
        0o755.into(),
        0,
    )
    .unwrap();
    let message = error(&mut world);
    assert!(message.contains("is a pipe"), "{message}");
    assert_eq!(world.names(&world.plugins().join("a.io~b")), ["b"]);
}

#[test]
fn without_an_exec_binary_nothing_is_changed() {
    let mut world = World::new();
    world.legacy(THEIRS);
    let exec = world.wanted().exec_binary;
    fs::write(&exec, "").unwrap();
    assert!(error(&mut world).contains("it is empty"));
    fs::remove_file(&exec).unwrap();
    let missing = world.installation.keep(None).unwrap_err();
    assert!(
        matches!(missing, InstallError::ExecBinary { .. }),
        "{missing}"
    );
    fs::create_dir(&exec).unwrap();
    assert!(error(&mut world).contains("it is no file"));
    assert_eq!(world.names(&world.plugins().join("a.io~b")), ["b"]);
    assert_eq!(world.text("b"), THEIRS);
}

#[test]
fn planted_files_are_replaced_and_not_followed() {
    let mut world = World::new();
    world.legacy(THEIRS);
    let victim = world.root().join("victim");
    executable(&victim, "precious");
    for name in [
        ".b.flex2csi.new",
        ".b.flex2csi.json.new",
        ".b.flex2csi.json",
        ".b.orig.new",
    ] {
        symlink(&victim, world.file(name)).unwrap();
    }
    symlink(&victim, world.plugins().join(".a.io~b.flex2csi.new")).unwrap();
    world.keep();
    world.assert_tidy();
    assert_eq!(fs::read_to_string(&victim).unwrap(), "precious");
    assert!(
        fs::symlink_metadata(world.file(".b.flex2csi.json"))
            .unwrap()
            .is_file()
    );
}

#[test]
fn a_second_process_is_told() {
    use crate::installation::directory::Directory;
    use crate::installation::lock::lock;
    let mut world = World::new();
    let held = Directory::open(&world.plugins()).unwrap();
    lock(&held).unwrap();
    let locked = world.installation.keep(None).unwrap_err();
    assert!(matches!(locked, InstallError::Locked { .. }), "{locked}");
    drop(held);
    world.keep();
}
