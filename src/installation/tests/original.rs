//! The driver that was there before.

use std::fs;
use std::os::unix::fs::{MetadataExt, symlink};

use flex2csi_exec::installed::Attaches;

use super::events::Op;
use super::world::{THEIRS, World, event, executable};
use crate::installation::{Change, Left, Trouble};

#[test]
fn it_is_kept_under_another_name_and_never_away() {
    let mut world = World::new();
    world.legacy(THEIRS);
    let inode = fs::metadata(world.file("b")).unwrap().ino();
    world.events();
    let kept = world.keep();
    assert_eq!(kept.change, Change::Installed);
    assert_eq!(kept.original.unwrap().trouble, None);
    assert_eq!(world.events(), [event("a.io~b/b", Op::Create)]);
    world.assert_tidy();
    assert_eq!(world.text(".b.orig"), THEIRS);
    assert_eq!(fs::metadata(world.file(".b.orig")).unwrap().ino(), inode);
    let original = world.installed().original.unwrap();
    assert_eq!(original.file, ".b.orig");
    assert_eq!(original.attaches, Attaches::Unknown, "it has to be asked");
}

#[test]
fn a_link_is_kept_as_one() {
    let mut world = World::new();
    let directory = world.plugins().join("a.io~b");
    fs::create_dir(&directory).unwrap();
    executable(&world.file(".real"), THEIRS);
    symlink(".real", world.file("b")).unwrap();
    world.keep();
    assert_eq!(world.text("b"), super::world::OURS);
    assert_eq!(world.text(".b.orig"), THEIRS);
    assert_eq!(
        fs::read_link(world.file(".b.orig")).unwrap().to_str(),
        Some(".real")
    );
    assert_eq!(world.text(".real"), THEIRS, "it is not written through");
}

#[test]
fn a_link_that_leads_out_of_sight_is_kept_too() {
    let mut world = World::new();
    fs::create_dir(world.plugins().join("a.io~b")).unwrap();
    symlink("/only/on/the/host/b", world.file("b")).unwrap();
    assert_eq!(world.keep().change, Change::Installed);
    let target = fs::read_link(world.file(".b.orig")).unwrap();
    assert_eq!(target.to_str(), Some("/only/on/the/host/b"));
    assert_eq!(world.attaches(), Some(Attaches::Unknown));
}

#[test]
fn one_that_does_not_attach_leaves_new_mounts_to_us() {
    let mut world = World::new();
    world.legacy(THEIRS);
    world.keep();
    world.original_answers(false);
    world.events();
    assert!(world.installation.needs_node());
    assert_eq!(world.keep().change, Change::Recorded);
    assert_eq!(world.attaches(), Some(Attaches::No));
    assert_eq!(world.events(), [], "init has said so already");
    assert!(!world.installation.needs_node());
}

#[test]
fn one_that_attaches_answers_until_nothing_of_it_is_left() {
    let mut world = World::new();
    world.legacy(THEIRS);
    world.keep();
    world.original_answers(true);
    let device = world.device();
    world.events();

    let kept = world.keep_with(&[]);
    assert_eq!(kept.change, Change::Recorded);
    assert_eq!(world.attaches(), Some(Attaches::Yes));
    let left = kept.original.unwrap().left.unwrap();
    let expected = Left {
        devices: vec![device.clone()],
        volumes: vec![],
        unknown: false,
    };
    assert_eq!(left, expected);

    fs::remove_dir(&device).unwrap();
    assert_eq!(world.keep_with(&["a.io/b/pv-1"]).change, Change::None);
    assert_eq!(
        world.keep_with(&["flexvolume-a.io/b/pv-1"]).change,
        Change::None
    );
    assert_eq!(world.keep().change, Change::None, "nobody knows");
    world.restart();
    assert_eq!(world.keep().change, Change::None);
    assert_eq!(world.events(), []);
    assert_eq!(world.attaches(), Some(Attaches::Yes));

    assert_eq!(world.keep_with(&["a.io/c/pv-1"]).change, Change::Released);
    assert_eq!(world.attaches(), Some(Attaches::No));
    assert_eq!(
        world.events(),
        [event("a.io~b/b", Op::Create)],
        "kubelet asks again"
    );
    assert_eq!(world.keep_with(&[]).change, Change::None);
    world.assert_tidy();
    assert_eq!(world.text(".b.orig"), THEIRS, "still there for its mounts");
}

#[test]
fn the_answer_of_an_older_one_does_not_count() {
    let mut world = World::new();
    world.legacy(THEIRS);
    fs::write(
        world.file(".b.orig.init.json"),
        r#"{"status":"Success","capabilities":{"attach":false}}"#,
    )
    .unwrap();
    world.keep();
    assert_eq!(world.attaches(), Some(Attaches::Unknown));
    assert!(!world.file(".b.orig.init.json").exists());
    assert_eq!(world.keep().change, Change::None);
    assert_eq!(world.attaches(), Some(Attaches::Unknown));
}

#[test]
fn one_that_is_lost_is_said_to_be() {
    let mut world = World::new();
    world.legacy(THEIRS);
    world.keep();
    fs::remove_file(world.file(".b.orig")).unwrap();
    for _ in 0..2 {
        let kept = world.keep();
        assert_eq!(kept.change, Change::None);
        assert_eq!(kept.original.unwrap().trouble, Some(Trouble::Lost));
        assert_eq!(world.attaches(), Some(Attaches::Unknown), "not forgotten");
        world.restart();
    }
}

#[test]
fn one_that_others_can_write_is_said_to_be() {
    use std::os::unix::fs::PermissionsExt;
    let mut world = World::new();
    world.legacy(THEIRS);
    fs::set_permissions(world.file("b"), fs::Permissions::from_mode(0o777)).unwrap();
    let trouble = world.keep().original.unwrap().trouble;
    assert_eq!(trouble, Some(Trouble::Untrusted));
    assert_eq!(world.keep().original.unwrap().trouble, trouble);
}
