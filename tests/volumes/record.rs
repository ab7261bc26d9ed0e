//! Records that are not as we wrote them.

use std::path::PathBuf;

use flex2csi::flexvolume::volumes::{MountedState, Unmounted, VolumeError};

use crate::rig::Rig;

/// A volume that is mounted, and its record, which is then spoiled.
struct Spoiled {
    rig: Rig,
    file: PathBuf,
    good: Vec<u8>,
}

impl Spoiled {
    async fn new() -> Self {
        let rig = Rig::new();
        rig.mount(1, "pv-0").await.unwrap();
        let file = rig.records()[0].clone();
        let good = std::fs::read(&file).unwrap();
        let mut spoiled = Self { rig, file, good };
        spoiled.spoil();
        spoiled
    }

    fn spoil(&mut self) {
        let text = String::from_utf8(self.good.clone()).unwrap();
        let other = text.replace("\"version\": 1", "\"version\": 7");
        assert_ne!(other, text);
        std::fs::write(&self.file, other).unwrap();
        self.rig.restart();
    }

    fn put_right(&self) {
        std::fs::write(&self.file, &self.good).unwrap();
    }
}

#[tokio::test]
async fn a_volume_whose_record_is_not_trusted_is_left_alone_and_others_are_served() {
    let Spoiled { rig, .. } = Spoiled::new().await;
    let refused = rig.volumes.refused();
    assert!(refused[0].why.contains("version 7"), "{refused:?}");

    let error = rig.mount(2, "pv-0").await.unwrap_err();
    assert!(matches!(error, VolumeError::Record(_)), "{error}");
    // Whose this one is stands in no record that can be read.
    let unmounted = rig.unmount(1, "pv-0").await.unwrap();
    assert_eq!(unmounted, Unmounted::NotOurs { refused });
    rig.end(1);
    rig.volumes.collect().await;
    assert_eq!(rig.driver.count("NodeUnpublishVolume"), 0);
    assert_eq!(rig.driver.state().staged.len(), 1);

    rig.mount(3, "pv-1").await.unwrap();
    rig.unmount(3, "pv-1").await.unwrap();
    assert_eq!(rig.records().len(), 1);
}

#[tokio::test]
async fn a_record_that_was_put_right_counts_with_the_next_call() {
    let spoiled = Spoiled::new().await;
    let rig = &spoiled.rig;
    rig.mount(2, "pv-0").await.unwrap_err();
    spoiled.put_right();
    rig.mount(2, "pv-0").await.unwrap();
    assert_eq!(rig.volumes.list().len(), 2);
    rig.unmount(1, "pv-0").await.unwrap();
    rig.unmount(2, "pv-0").await.unwrap();
    rig.assert_nothing_left();
}

#[tokio::test]
async fn a_record_that_was_put_right_counts_for_an_unmount() {
    let spoiled = Spoiled::new().await;
    let rig = &spoiled.rig;
    spoiled.put_right();
    assert_eq!(rig.unmount(1, "pv-0").await.unwrap(), Unmounted::Ours);
    assert_eq!(rig.volumes.refused(), []);
    rig.assert_nothing_left();
}

/// As long as a record is not trusted nothing is published of the node, and nothing
/// unmounted that stands in none.
#[tokio::test]
async fn a_record_that_was_put_right_is_noticed_when_nobody_calls() {
    let mut spoiled = Spoiled::new().await;
    let rig = &spoiled.rig;
    let mut changes = rig.volumes.changes();
    rig.volumes.collect().await;
    assert_eq!(rig.volumes.refused().len(), 1);
    spoiled.put_right();
    changes.borrow_and_update();
    rig.volumes.collect().await;
    assert_eq!(rig.volumes.refused(), []);
    assert!(changes.has_changed().unwrap());
    assert_eq!(rig.listed()[0].1, MountedState::Published);
    // Or removed: then nothing of it is mounted here.
    spoiled.spoil();
    let rig = &spoiled.rig;
    std::fs::remove_file(&spoiled.file).unwrap();
    rig.volumes.collect().await;
    assert_eq!(rig.volumes.refused(), []);
}
