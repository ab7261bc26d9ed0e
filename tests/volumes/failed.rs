//! Calls to the driver that fail.

use std::sync::{Arc, Mutex};

use flex2csi::flexvolume::volumes::MountedState;
use tonic::Code;

use crate::driver::Fault;
use crate::rig::Rig;

/// Codes after which nothing happens any more, and codes that leave it open.
const FINAL: [Code; 4] = [
    Code::InvalidArgument,
    Code::Internal,
    Code::NotFound,
    Code::FailedPrecondition,
];
const OPEN: [Code; 5] = [
    Code::Cancelled,
    Code::DeadlineExceeded,
    Code::Unavailable,
    Code::ResourceExhausted,
    Code::Aborted,
];

#[tokio::test]
async fn a_mount_that_failed_for_good_is_undone_before_it_is_answered() {
    for code in FINAL {
        for rpc in ["NodeStageVolume", "NodePublishVolume"] {
            for fault in [Fault::Before(code), Fault::After(code)] {
                let rig = Rig::new();
                rig.driver.fails(rpc, fault);
                let error = rig.mount(1, "pv-0").await.unwrap_err().to_string();
                assert!(error.contains(rpc) && error.contains("vol-0"), "{error}");
                rig.assert_nothing_left();
                rig.mount(1, "pv-0").await.unwrap();
            }
        }
    }
}

#[tokio::test]
async fn what_was_never_asked_for_is_not_undone() {
    let rig = Rig::new();
    rig.driver
        .fails("NodeStageVolume", Fault::Before(Code::Internal));
    rig.mount(1, "pv-0").await.unwrap_err();
    assert_eq!(rig.driver.count("NodeUnpublishVolume"), 0);
    assert_eq!(rig.driver.count("NodeUnstageVolume"), 1);
}

#[tokio::test]
async fn a_mount_that_may_yet_happen_is_kept_while_the_pod_is_there() {
    for code in OPEN {
        for rpc in ["NodeStageVolume", "NodePublishVolume"] {
            for fault in [Fault::Before(code), Fault::After(code)] {
                let rig = Rig::new();
                rig.driver.fails(rpc, fault);
                rig.mount(1, "pv-0").await.unwrap_err();
                let target = rig.path(1, "pv-0");
                assert_eq!(rig.listed(), [(Some(target), MountedState::Uncertain)]);
                assert_eq!(rig.driver.count("NodeUnpublishVolume"), 0);
                std::fs::create_dir_all(rig.root().join("pods/uid-1")).unwrap();
                let collected = rig.volumes.collect().await;
                assert_eq!((collected.unmounted, collected.left), (0, 0));

                rig.end(1);
                assert_eq!(rig.volumes.collect().await.unmounted, 1);
                rig.assert_nothing_left();
            }
        }
    }
}

#[tokio::test]
async fn kubelets_next_call_finishes_what_was_left_open() {
    for rpc in ["NodeStageVolume", "NodePublishVolume"] {
        let rig = Rig::new();
        rig.driver.fails(rpc, Fault::Before(Code::Unavailable));
        rig.mount(1, "pv-0").await.unwrap_err();
        rig.mount(1, "pv-0").await.unwrap();
        assert_eq!(rig.listed()[0].1, MountedState::Published);
        rig.unmount(1, "pv-0").await.unwrap();
        rig.assert_nothing_left();
    }
}

#[tokio::test]
async fn what_cannot_be_undone_stays_recorded() {
    let rig = Rig::new();
    rig.driver
        .fails("NodePublishVolume", Fault::After(Code::Internal));
    rig.driver
        .fails("NodeUnpublishVolume", Fault::Before(Code::Internal));
    rig.mount(1, "pv-0").await.unwrap_err();
    assert_eq!(rig.listed()[0].1, MountedState::Uncertain);
    rig.end(1);
    assert_eq!(rig.volumes.collect().await.unmounted, 1);
    rig.assert_nothing_left();
}

#[tokio::test]
async fn a_failed_unstage_is_done_later() {
    let rig = Rig::new();
    rig.driver
        .fails("NodePublishVolume", Fault::Before(Code::Internal));
    rig.driver
        .fails("NodeUnstageVolume", Fault::Before(Code::Internal));
    rig.mount(1, "pv-0").await.unwrap_err();
    assert_eq!(rig.listed(), [(None, MountedState::Releasing)]);
    assert_eq!(rig.volumes.collect().await.released, 1);
    rig.assert_nothing_left();
}

#[tokio::test]
async fn a_volume_that_is_used_elsewhere_is_not_unstaged_by_a_failure() {
    let rig = Rig::new();
    rig.mount(1, "pv-0").await.unwrap();
    rig.driver
        .fails("NodePublishVolume", Fault::After(Code::Internal));
    rig.mount(2, "pv-0").await.unwrap_err();
    assert!(rig.is_published(&rig.path(1, "pv-0")));
    assert!(!rig.is_published(&rig.path(2, "pv-0")));
    assert_eq!(rig.driver.count("NodeUnstageVolume"), 0);
    assert_eq!(rig.listed().len(), 1);
}

#[tokio::test]
async fn what_was_not_mounted_before_is_not_undone_for_its_own_sake() {
    let rig = Rig::new();
    // A published mount that is asked for again, and fails this time.
    rig.mount(1, "pv-0").await.unwrap();
    let target = rig.path(1, "pv-0");
    rig.driver.state().published.remove(&target);
    rig.driver
        .fails("NodePublishVolume", Fault::Before(Code::Internal));
    rig.mount(1, "pv-0").await.unwrap_err();
    rig.assert_nothing_left();
}

#[tokio::test]
async fn a_driver_that_is_not_there_leaves_nothing() {
    let rig = Rig::new();
    std::fs::remove_file(rig.directory.path().join("csi.sock")).unwrap();
    let error = rig.mount(1, "pv-0").await.unwrap_err().to_string();
    assert!(error.contains("cannot be reached"), "{error}");
    assert_eq!(rig.listed(), []);
    assert_eq!(rig.records(), Vec::<std::path::PathBuf>::new());
}

#[tokio::test]
async fn a_full_disk_stops_a_mount_before_anything_happens() {
    let rig = Rig::new();
    let directory = rig.directory.path().join("state/volumes");
    // Nothing can be written to what is no directory any more.
    let aside = rig.directory.path().join("aside");
    std::fs::rename(&directory, &aside).unwrap();
    std::fs::write(&directory, "").unwrap();
    let error = rig.mount(1, "pv-0").await.unwrap_err().to_string();
    assert!(
        error.contains("cannot be recorded, so nothing is done"),
        "{error}"
    );
    assert_eq!(rig.driver.count("NodeStageVolume"), 0);
    std::fs::remove_file(&directory).unwrap();
    std::fs::rename(&aside, &directory).unwrap();
    rig.assert_nothing_left();
    rig.mount(1, "pv-0").await.unwrap();
}

#[tokio::test]
async fn the_values_of_secrets_are_not_in_what_a_driver_says() {
    let rig = Rig::new();
    let mut call = rig.call(1, "pv-0");
    let secret = serde_json::json!({"flexVolume": {"driver": "test/disk", "options": {"id": "vol-0"},
        "secretRef": {"name": "s", "namespace": "web"}}});
    let pv = crate::rig::pv(0, secret);
    rig.cluster.known().volumes.insert("pv-0".into(), pv);
    // The driver says what it was told to, and that is its secret.
    call.options
        .secret
        .0
        .insert("key".into(), b"as it was".to_vec());
    rig.driver
        .fails("NodeStageVolume", Fault::Before(Code::Internal));
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::DEBUG)
        .with_writer(move || writer.clone())
        .finish();
    let logged = tracing::subscriber::set_default(subscriber);
    let error = rig
        .mount_within(call, crate::rig::PATIENCE)
        .await
        .unwrap_err();
    drop(logged);
    assert!(error.to_string().contains("[secret] told"), "{error}");
    let log = log.text();
    assert!(log.contains("called the CSI driver"), "{log}");
    assert!(!log.contains("as it was"), "{log}");
}

/// What is logged; at trace h2 shows the metadata of calls, as docs/operations.md says.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
