//! Whatever happens in whatever order, it ends right.

use std::fs;

use proptest::prelude::*;

use super::events::Op;
use super::world::{OURS, World};
use crate::installation::steps::{STEPS, tests::dying_at};
use crate::installation::{Change, Restored};

/// What can happen on a node.
#[derive(Debug, Clone)]
enum Event {
    Keep,
    /// Installing, and dying at a step.
    KeepAndDie(usize),
    Restart,
    /// A legacy installer renames its driver into place.
    Legacy(u8),
    /// One writes over what is there.
    LegacyInPlace(u8),
    Uninstall,
    UninstallAndDie(usize),
    Answer(bool),
    Device,
    NoDevice,
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        4 => Just(Event::Keep),
        4 => (0..STEPS.len()).prop_map(Event::KeepAndDie),
        1 => Just(Event::Restart),
        2 => (0..3u8).prop_map(Event::Legacy),
        1 => (0..3u8).prop_map(Event::LegacyInPlace),
        1 => Just(Event::Uninstall),
        1 => (0..STEPS.len()).prop_map(Event::UninstallAndDie),
        1 => any::<bool>().prop_map(Event::Answer),
        1 => Just(Event::Device),
        1 => Just(Event::NoDevice),
    ]
}

fn legacy(version: u8) -> String {
    format!("legacy driver {version}")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn it_ends_right(events in prop::collection::vec(event(), 1..16)) {
        let mut world = World::new();
        // The newest driver that somebody else has put there.
        let mut newest: Option<String> = None;
        for event in &events {
            match event {
                Event::Keep => {
                    world.keep_with(&[]);
                }
                Event::KeepAndDie(step) => {
                    dying_at(STEPS[*step], || world.keep_with(&[]));
                    world.restart();
                }
                Event::Restart => world.restart(),
                Event::Legacy(version) => {
                    world.legacy(&legacy(*version));
                    newest = Some(legacy(*version));
                }
                Event::LegacyInPlace(version) => {
                    if world.file("b").exists() {
                        fs::write(world.file("b"), legacy(*version)).unwrap();
                        newest = Some(legacy(*version));
                    }
                }
                Event::Uninstall => {
                    world.uninstall().unwrap();
                }
                Event::UninstallAndDie(step) => {
                    let uninstaller = world.uninstaller();
                    dying_at(STEPS[*step], || uninstaller.uninstall(&[]).unwrap());
                }
                Event::Answer(attach) => {
                    if world.file(".b.orig").exists() {
                        world.original_answers(*attach);
                    }
                }
                Event::Device => {
                    world.device();
                }
                Event::NoDevice => {
                    let _ = fs::remove_dir(world.device());
                }
            }
            // Kubelet never finds half a driver, and never none where there was one.
            let text = world.text("b");
            prop_assert!(text.is_empty() || text == OURS || text.starts_with("legacy driver"));
            prop_assert!(newest.is_none() || !text.is_empty(), "{event:?} left no driver");
            if text == OURS {
                let original = world.installed().original;
                prop_assert_eq!(original.is_some(), newest.is_some(), "{:?}", event);
            }
        }

        world.keep_with(&[]);
        world.assert_tidy();
        let kept = world.file(".b.orig").exists().then(|| world.text(".b.orig"));
        prop_assert_eq!(&kept, &newest, "the newest original is kept");
        world.events();
        let change = world.keep_with(&[]).change;
        prop_assert_eq!(change, Change::None);
        prop_assert_eq!(world.events(), []);

        let restored = world.uninstall().unwrap();
        match newest {
            Some(text) => {
                prop_assert_eq!(restored, Restored::Original);
                prop_assert_eq!(world.text("b"), text);
                prop_assert_eq!(world.events(), [("a.io~b/b".to_owned(), Op::Create)]);
                prop_assert_eq!(world.names(&world.plugins().join("a.io~b")), ["b"]);
            }
            None => {
                prop_assert_eq!(restored, Restored::Removed);
                prop_assert!(world.names(&world.plugins()).is_empty());
            }
        }
    }
}
