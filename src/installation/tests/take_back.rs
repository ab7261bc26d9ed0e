//! Legacy installers that come back.

use std::fs;

use flex2csi_exec::installed::Attaches;

use super::events::Op;
use super::world::{OURS, THEIRS, World, event};
use crate::installation::Change;

#[test]
fn what_is_put_over_ours_becomes_the_original() {
    let mut world = World::new();
    world.keep();
    world.legacy(THEIRS);
    world.events();
    assert_eq!(world.keep().change, Change::TookBack);
    assert_eq!(world.events(), [event("a.io~b/b", Op::Create)]);
    world.assert_tidy();
    assert_eq!(world.text(".b.orig"), THEIRS);
    assert_eq!(world.keep().change, Change::None);
}

#[test]
fn ours_written_over_in_place_does_not_hide_it() {
    let mut world = World::new();
    world.keep();
    // As `cp` does: the same inode, mode and owner.
    fs::write(world.file("b"), THEIRS).unwrap();
    assert_eq!(world.keep().change, Change::TookBack);
    assert_eq!(world.text(".b.orig"), THEIRS);
    world.assert_tidy();
}

#[test]
fn a_newer_one_takes_the_place_of_the_kept_one() {
    let mut world = World::new();
    world.legacy(THEIRS);
    world.keep();
    world.original_answers(false);
    world.keep();
    world.legacy("a newer legacy driver");
    assert_eq!(world.keep().change, Change::TookBack);
    assert_eq!(world.text(".b.orig"), "a newer legacy driver");
    assert!(
        !world.file(".b.orig.init.json").exists(),
        "it may answer otherwise"
    );
    world.assert_tidy();
}

#[test]
fn the_same_once_more_has_answered_already() {
    let mut world = World::new();
    world.legacy(THEIRS);
    world.keep();
    world.original_answers(true);
    world.legacy(THEIRS);
    assert_eq!(world.keep().change, Change::TookBack);
    assert!(world.file(".b.orig.init.json").exists());
    world.assert_tidy();
}

#[test]
fn ours_stay_ours_unless_it_has_taken_up_work() {
    let mut world = World::new();
    world.legacy(THEIRS);
    world.keep();
    world.original_answers(true);
    world.keep_with(&[]);
    assert_eq!(world.attaches(), Some(Attaches::No));

    world.legacy(THEIRS);
    assert_eq!(world.keep().change, Change::TookBack);
    assert_eq!(
        world.attaches(),
        Some(Attaches::No),
        "our mounts are not its"
    );

    world.device();
    world.legacy(THEIRS);
    assert_eq!(world.keep().change, Change::TookBack);
    assert_eq!(world.attaches(), Some(Attaches::Unknown), "it has a device");
}

#[test]
fn an_installation_undone_by_hand_is_done_again() {
    let mut world = World::new();
    world.legacy(THEIRS);
    world.keep();
    fs::remove_file(world.file("b")).unwrap();
    std::os::unix::fs::symlink(".b.orig", world.file("b")).unwrap();
    assert_eq!(world.keep().change, Change::TookBack);
    assert_eq!(world.text(".b.orig"), THEIRS, "and does not lead to itself");
    assert_eq!(world.text("b"), OURS);
    fs::rename(world.file(".b.orig"), world.file("b")).unwrap();
    assert_eq!(world.keep().change, Change::TookBack);
    assert_eq!(world.text(".b.orig"), THEIRS);
    world.assert_tidy();
}
