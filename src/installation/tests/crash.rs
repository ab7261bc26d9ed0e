//! Dying at each step, and what the next run makes of it.

use std::fs;

use flex2csi_exec::installed::Attaches;

use super::world::{OURS, THEIRS, World};
use crate::installation::steps::{STEPS, tests::dying_at};
use crate::installation::{Change, Restored};

/// What kubelet could run at this moment is whole, and is what it says.
fn assert_whole(world: &World) {
    let text = world.text("b");
    assert!(["", OURS, THEIRS].contains(&&*text), "{text}");
    if text == OURS {
        assert_eq!(world.installed().driver, "a.io/b");
        if world.installed().original.is_some() {
            assert_eq!(world.text(".b.orig"), THEIRS);
        }
    }
}

#[test]
fn the_first_installation() {
    let mut died = 0;
    for step in STEPS {
        let mut world = World::new();
        let done = dying_at(step, || world.installation.keep(None).unwrap());
        died += u32::from(done.is_none());
        assert_whole(&world);
        let there = world.names(&world.plugins());
        let is_placed = step == "install.directory.placed" || done.is_some();
        assert_eq!(
            there.contains(&"a.io~b".to_owned()),
            is_placed,
            "{step}: whole or not at all"
        );
        world.restart();
        world.keep();
        world.assert_tidy();
        assert_eq!(world.keep().change, Change::None, "{step}");
    }
    assert!(died >= 6, "{died} steps are on this way");
}

#[test]
fn over_an_original() {
    let mut died = 0;
    for step in STEPS {
        let mut world = World::new();
        world.legacy(THEIRS);
        let done = dying_at(step, || world.installation.keep(None).unwrap());
        died += u32::from(done.is_none());
        assert_whole(&world);
        assert!(
            !world.text("b").is_empty(),
            "{step}: there is no moment without a driver"
        );
        world.restart();
        world.keep();
        world.assert_tidy();
        assert_eq!(world.text(".b.orig"), THEIRS, "{step}");
        assert_eq!(world.attaches(), Some(Attaches::Unknown), "{step}");
        assert_eq!(world.keep().change, Change::None, "{step}");
    }
    assert!(died >= 7, "{died} steps are on this way");
}

#[test]
fn letting_new_mounts_be_ours_makes_kubelet_ask_again_whatever_happens() {
    for step in STEPS {
        let mut world = World::new();
        world.legacy(THEIRS);
        world.keep();
        world.original_answers(true);
        let device = world.device();
        world.keep_with(&[]);
        fs::remove_dir(device).unwrap();
        world.events();
        dying_at(step, || world.keep_with(&[]));
        world.restart();
        world.keep_with(&[]);
        assert_eq!(world.attaches(), Some(Attaches::No), "{step}");
        assert!(
            !world.events().is_empty(),
            "{step}: kubelet has to ask init again"
        );
        world.assert_tidy();
    }
}

#[test]
fn an_upgrade_is_never_taken_for_an_original() {
    for step in STEPS {
        let mut world = World::new();
        world.keep();
        fs::write(world.wanted().exec_binary, "newer").unwrap();
        dying_at(step, || world.keep());
        // And yet another one comes.
        fs::write(world.wanted().exec_binary, "newest").unwrap();
        world.restart();
        world.keep();
        assert_eq!(world.text("b"), "newest", "{step}");
        assert_eq!(world.installed().original, None, "{step}");
        assert!(!world.file(".b.orig").exists(), "{step}");
    }
}

#[test]
fn uninstalling() {
    for step in STEPS {
        for original in [false, true] {
            let mut world = World::new();
            if original {
                world.legacy(THEIRS);
            }
            world.keep();
            let uninstaller = world.uninstaller();
            dying_at(step, || uninstaller.uninstall(&[]).unwrap());
            let again = world.uninstall().unwrap();
            if original {
                assert_eq!(world.text("b"), THEIRS, "{step}");
                assert_eq!(
                    world.names(&world.plugins().join("a.io~b")),
                    ["b"],
                    "{step}"
                );
            } else {
                assert!(
                    world.names(&world.plugins()).is_empty(),
                    "{step}: {again:?}"
                );
            }
            assert_eq!(world.uninstall().unwrap(), Restored::NothingThere);
        }
    }
}
