//! Installing, and leaving alone what is installed.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};

use super::events::Op;
use super::world::{OURS, World, event, executable};
use crate::installation::Change;

#[test]
fn the_first_time_a_whole_directory_appears() {
    let mut world = World::new();
    assert_eq!(world.keep().change, Change::Installed);
    assert_eq!(world.events(), [event("a.io~b", Op::Create)]);
    world.assert_tidy();
    let installed = world.installed();
    assert_eq!(installed.driver, "a.io/b");
    assert_eq!(installed.timeout_ms, 110_000);
    assert_eq!(installed.original, None);
}

#[test]
fn in_an_empty_directory_a_whole_file_appears() {
    let mut world = World::new();
    fs::create_dir(world.plugins().join("a.io~b")).unwrap();
    world.events();
    assert_eq!(world.keep().change, Change::Installed);
    assert_eq!(world.events(), [event("a.io~b/b", Op::Create)]);
    world.assert_tidy();
}

#[test]
fn nothing_is_touched_that_is_well() {
    let mut world = World::new();
    world.keep();
    world.events();
    let before = fs::metadata(world.file("b")).unwrap();
    for _ in 0..3 {
        assert_eq!(world.keep().change, Change::None);
        world.restart();
    }
    assert_eq!(world.events(), []);
    let after = fs::metadata(world.file("b")).unwrap();
    assert_eq!(
        (before.ino(), before.ctime_nsec()),
        (after.ino(), after.ctime_nsec())
    );
}

#[test]
fn a_look_at_what_is_well_reads_nothing() {
    let mut world = World::new();
    world.keep();
    // Later than any time of a file can be confused with another's.
    let old = rustix::fs::Timestamps {
        last_access: rustix::time::Timespec {
            tv_sec: 1,
            tv_nsec: 0,
        },
        last_modification: rustix::time::Timespec {
            tv_sec: 1,
            tv_nsec: 0,
        },
    };
    for file in ["b", ".b.flex2csi.json"] {
        rustix::fs::utimensat(
            rustix::fs::CWD,
            world.file(file),
            &old,
            rustix::fs::AtFlags::empty(),
        )
        .unwrap();
    }
    std::thread::sleep(std::time::Duration::from_millis(50));
    assert_eq!(world.keep().change, Change::None);
    assert!(world.installation.seen.is_some());
    // Whoever changes the content and hides it is not seen in the times that can be set ...
    fs::write(world.file("b"), "x".repeat(OURS.len())).unwrap();
    rustix::fs::utimensat(
        rustix::fs::CWD,
        world.file("b"),
        &old,
        rustix::fs::AtFlags::empty(),
    )
    .unwrap();
    // ... but in the one that cannot.
    assert_eq!(world.keep().change, Change::TookBack);
    world.assert_tidy();
}

#[test]
fn a_new_exec_binary_replaces_the_old_one() {
    let mut world = World::new();
    world.keep();
    world.events();
    let text = "a newer exec binary";
    fs::write(world.wanted().exec_binary, text).unwrap();
    assert_eq!(world.keep().change, Change::Replaced);
    assert_eq!(world.events(), [event("a.io~b/b", Op::Create)]);
    assert_eq!(world.text("b"), text);
    assert_eq!(world.installed().original, None, "ours is no original");
    fs::write(world.wanted().exec_binary, OURS).unwrap();
    world.restart();
    assert_eq!(world.keep().change, Change::Replaced);
    world.assert_tidy();
    assert!(!world.file(".b.orig").exists());
}

#[test]
fn kubelet_asks_again_only_for_what_it_is_told() {
    let mut world = World::new();
    world.keep();
    world.events();
    let mut wanted = world.wanted();
    wanted.socket = "/run/other.sock".into();
    world.installation = crate::installation::Installation::new(wanted.clone());
    assert_eq!(world.keep().change, Change::Recorded);
    assert_eq!(world.events(), []);
    assert_eq!(world.installed().socket.to_str(), Some("/run/other.sock"));

    let mut capabilities = wanted.capabilities;
    capabilities.supports_metrics = false;
    world.installation.want(capabilities, wanted.timeout);
    assert_eq!(world.keep().change, Change::Replaced);
    assert_eq!(world.events(), [event("a.io~b/b", Op::Create)]);
    assert!(!world.installed().capabilities.supports_metrics);
}

#[test]
fn what_is_missing_or_spoilt_comes_back() {
    let mut world = World::new();
    world.keep();
    fs::remove_file(world.file(".b.flex2csi.json")).unwrap();
    assert_eq!(world.keep().change, Change::Replaced);
    world.assert_tidy();
    fs::write(world.file(".b.flex2csi.json"), "{\"version\":").unwrap();
    assert_eq!(world.keep().change, Change::Replaced);
    assert_eq!(world.installed().original, None);
    fs::remove_file(world.file("b")).unwrap();
    assert_eq!(world.keep().change, Change::Installed);
    fs::set_permissions(world.file("b"), fs::Permissions::from_mode(0o777)).unwrap();
    assert_eq!(world.keep().change, Change::Replaced);
    world.assert_tidy();
    fs::remove_dir_all(world.plugins().join("a.io~b")).unwrap();
    assert_eq!(world.keep().change, Change::Installed);
    world.assert_tidy();
}

#[test]
fn other_drivers_are_left_alone() {
    let mut world = World::new();
    let other = world.plugins().join("a.io~c");
    fs::create_dir(&other).unwrap();
    executable(&other.join("c"), "another");
    world.events();
    world.keep();
    assert_eq!(world.events(), [event("a.io~b", Op::Create)]);
    assert_eq!(fs::read_to_string(other.join("c")).unwrap(), "another");
}
