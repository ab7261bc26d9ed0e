//! Uninstalling.

use std::fs;
use std::path::PathBuf;

use super::events::Op;
use super::world::{OURS, THEIRS, World, event};
use crate::installation::{Restored, UninstallError, installed_drivers};

#[test]
fn where_nothing_was_nothing_is_left() {
    let mut world = World::new();
    world.keep();
    world.original_answers(true);
    fs::write(world.file(".b.orig.init.json.4711"), "").unwrap();
    world.events();
    assert_eq!(world.uninstall().unwrap(), Restored::Removed);
    assert!(world.names(&world.plugins()).is_empty());
    let events = world.events();
    assert_eq!(
        events[0],
        event("a.io~b/b", Op::Remove),
        "kubelet drops the driver"
    );
    assert!(
        events.iter().all(|(_, op)| *op == Op::Remove),
        "and never looks for it: {events:?}"
    );
    assert_eq!(world.uninstall().unwrap(), Restored::NothingThere);
}

#[test]
fn an_original_is_there_again_in_one_event() {
    let mut world = World::new();
    world.legacy(THEIRS);
    world.keep();
    world.original_answers(true);
    world.events();
    assert_eq!(world.uninstall().unwrap(), Restored::Original);
    assert_eq!(world.events(), [event("a.io~b/b", Op::Create)]);
    assert_eq!(world.text("b"), THEIRS);
    assert_eq!(world.names(&world.plugins().join("a.io~b")), ["b"]);
    assert_eq!(world.uninstall().unwrap(), Restored::NothingThere);
}

#[test]
fn what_is_needed_stays() {
    let mut world = World::new();
    world.keep();
    world.pod_directory();
    let target = PathBuf::from("/k/pods/u/volumes/a.io~b/pv");
    let error = world
        .uninstaller()
        .uninstall(std::slice::from_ref(&target))
        .unwrap_err();
    let message = error.to_string();
    assert!(message.contains("pods uid-1"), "{message}");
    assert!(message.contains(target.to_str().unwrap()), "{message}");
    fs::remove_dir_all(world.root().join("kubelet/pods")).unwrap();
    let error = world.uninstaller().uninstall(&[target]).unwrap_err();
    assert!(matches!(error, UninstallError::InUse { .. }));
    world.assert_tidy();
    assert_eq!(world.uninstall().unwrap(), Restored::Removed);
}

#[test]
fn files_of_others_stay() {
    let mut world = World::new();
    world.keep();
    fs::write(world.file("b.conf"), "theirs").unwrap();
    assert_eq!(
        world.uninstall().unwrap(),
        Restored::Others(vec!["b.conf".into()])
    );
    assert_eq!(world.names(&world.plugins().join("a.io~b")), ["b.conf"]);
}

#[test]
fn a_driver_that_was_put_over_ours_stays() {
    let mut world = World::new();
    world.legacy("an old one");
    world.keep();
    world.legacy(THEIRS);
    world.events();
    assert_eq!(world.uninstall().unwrap(), Restored::Original);
    assert_eq!(world.events(), [], "it is at work already");
    assert_eq!(world.text("b"), THEIRS);
    assert_eq!(world.names(&world.plugins().join("a.io~b")), ["b"]);
}

#[test]
fn what_is_not_ours_is_not_touched() {
    let world = World::new();
    world.legacy(THEIRS);
    assert_eq!(world.uninstall().unwrap(), Restored::NothingThere);
    assert_eq!(world.text("b"), THEIRS);
}

#[test]
fn what_cannot_be_told_is_left_alone() {
    let mut world = World::new();
    world.legacy(THEIRS);
    world.keep();
    fs::remove_file(world.file(".b.flex2csi.json")).unwrap();
    let mut uninstaller = world.uninstaller();
    uninstaller.exec_binary = None;
    let error = uninstaller.uninstall(&[]).unwrap_err();
    assert!(matches!(error, UninstallError::Unclear { .. }), "{error}");
    assert_eq!(
        (world.text("b"), world.text(".b.orig")),
        (OURS.into(), THEIRS.into())
    );
    // With the exec binary at hand it can.
    assert_eq!(world.uninstall().unwrap(), Restored::Original);
}

#[test]
fn an_original_that_is_lost_is_asked_for() {
    let mut world = World::new();
    world.legacy(THEIRS);
    world.keep();
    fs::remove_file(world.file(".b.orig")).unwrap();
    let error = world.uninstall().unwrap_err();
    assert!(
        matches!(error, UninstallError::OriginalLost { .. }),
        "{error}"
    );
    assert_eq!(world.text("b"), OURS);
}

#[test]
fn what_is_installed_is_found() {
    let mut world = World::new();
    world.legacy(THEIRS);
    fs::create_dir(world.plugins().join("not-a-driver")).unwrap();
    assert_eq!(installed_drivers(&world.plugins()).unwrap(), []);
    world.keep();
    let found = installed_drivers(&world.plugins()).unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].driver.to_string(), "a.io/b");
    assert_eq!(found[0].socket.as_ref(), Some(&world.wanted().socket));
}
