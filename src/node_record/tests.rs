use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::*;
use crate::cluster::{PodName, VolumeId};
use crate::node_record::place::file_name;

const ROOT: &str = "/var/lib/kubelet";

fn id(handle: &str) -> VolumeId {
    VolumeId {
        driver: "d.example.com".into(),
        handle: handle.into(),
    }
}

fn target(uid: &str) -> PathBuf {
    format!("{ROOT}/pods/{uid}/volumes/a~b/pv").into()
}

fn mount(uid: &str) -> Mount {
    Mount {
        target: target(uid).into(),
        pod: PodName {
            namespace: "ns".into(),
            name: "p".into(),
            uid: uid.into(),
        },
        read_only: false,
        since: 7,
    }
}

fn record(handle: &str, uids: &[&str]) -> VolumeRecord {
    let mut record = VolumeRecord::new(id(handle), "a/b", "boot-1".into());
    record.mounts = uids.iter().map(|uid| mount(uid)).collect();
    record
}

struct State(tempfile::TempDir);

impl State {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn directory(&self) -> PathBuf {
        self.0.path().join("state/volumes")
    }

    fn open(&self) -> NodeRecord {
        NodeRecord::open(self.directory(), ROOT.into(), "boot-1").unwrap()
    }

    fn file(&self, handle: &str) -> PathBuf {
        self.directory().join(file_name(&id(handle)))
    }

    /// Puts a file there as we would have written it, but for its text.
    fn plant(&self, name: &str, text: &str) {
        let path = self.directory().join(name);
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o600)).unwrap();
    }

    /// Why a record is not trusted.
    async fn why(&self, handle: &str) -> String {
        match self.open().check(&id(handle)).await {
            Err(RecordError::Refused { why, .. }) => why,
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn what_is_recorded_is_there_after_us() {
    let state = State::new();
    let here = state.open();
    here.put(record("v1", &["u1", "u2"])).await.unwrap();
    here.put(record("v2", &[])).await.unwrap();
    here.put(record("v3", &["u3"])).await.unwrap();
    here.remove(&id("v3")).await.unwrap();
    let again = state.open();
    assert_eq!(
        again.find(&id("v1")).as_deref(),
        Some(&record("v1", &["u1", "u2"]))
    );
    assert_eq!(again.all().len(), 2);
    let entry = again.at(&target("u2")).unwrap();
    assert_eq!(
        (&*entry.volume, entry.state),
        (&id("v1"), MountState::Uncertain)
    );
    assert!(again.at(&target("u3")).is_none());
    assert_eq!(
        state.file("v1").metadata().unwrap().permissions().mode() & 0o777,
        0o600
    );
    assert_eq!(
        state.directory().metadata().unwrap().permissions().mode() & 0o777,
        0o700
    );
}

#[tokio::test]
async fn the_index_follows_the_record() {
    let state = State::new();
    let here = state.open();
    here.put(record("v1", &["u1", "u2"])).await.unwrap();
    here.set_state(&target("u1"), MountState::Published);
    let mut changed = record("v1", &["u1", "u2"]);
    changed.take(&target("u2")).unwrap();
    here.put(changed).await.unwrap();
    assert_eq!(here.at(&target("u1")).unwrap().state, MountState::Published);
    assert!(here.at(&target("u2")).is_none());
    assert_eq!(here.find(&id("v1")).unwrap().ended[0].uid, "u2");
}

#[tokio::test]
async fn two_volumes_cannot_have_one_target() {
    let state = State::new();
    let here = state.open();
    here.put(record("v1", &["u1"])).await.unwrap();
    let error = here.put(record("v2", &["u1"])).await.unwrap_err();
    assert!(matches!(error, RecordError::OtherVolume { .. }), "{error}");
    assert!(here.find(&id("v2")).is_none());
    assert!(!state.file("v2").exists());
}

#[tokio::test]
async fn what_cannot_be_written_is_not_known_either() {
    let state = State::new();
    let here = state.open();
    // As a full disk: nothing new gets into the directory.
    std::fs::create_dir(state.file("v1").with_extension("partial")).unwrap();
    let error = here.put(record("v1", &["u1"])).await.unwrap_err();
    assert!(error.to_string().contains("nothing is done"), "{error}");
    assert!(here.find(&id("v1")).is_none());
    assert!(here.at(&target("u1")).is_none());
}

#[tokio::test]
async fn a_record_that_is_not_ours_is_refused_and_others_are_served() {
    let state = State::new();
    let here = state.open();
    here.put(record("good", &["u1"])).await.unwrap();
    let text = |record: &VolumeRecord| serde_json::to_string(record).unwrap();
    let good = text(&record("bad", &["u2"]));
    let bad = |text: String, why: &'static str| (text, why);
    for (text, why) in [
        bad(String::new(), "damaged"),
        bad("{\"version\":".into(), "damaged"),
        bad("[]".into(), "damaged"),
        bad("{}".into(), "no version"),
        bad(good.replace("\"version\":1", "\"version\":2"), "version 2"),
        bad(text(&record("other", &[])), "another volume"),
        bad(
            good.replace("/pods/u2", "/pods/u2/../u1"),
            "no path of a FlexVolume",
        ),
        bad(good.replace(ROOT, "/etc"), "no path of a FlexVolume"),
        bad(
            good.replace("/pods/u2", "/pods/u1"),
            "no path of a FlexVolume",
        ),
        bad(
            good.replace("\"uid\":\"u2\"", "\"uid\":\"u1\""),
            "no path of a FlexVolume",
        ),
        bad(
            good.replace(
                target("u2").to_str().unwrap(),
                target("u1").to_str().unwrap(),
            )
            .replace("\"uid\":\"u2\"", "\"uid\":\"u1\""),
            "the target of another volume",
        ),
    ] {
        state.plant(&file_name(&id("bad")), &text);
        assert!(
            state.why("bad").await.contains(why),
            "{text}: {}",
            state.why("bad").await
        );
        let here = state.open();
        assert!(here.find(&id("bad")).is_none());
        assert_eq!(here.refused().len(), 1);
        here.check(&id("good")).await.unwrap();
        here.put(record("good", &["u1", "u3"])).await.unwrap();
        here.put(record("good", &["u1"])).await.unwrap();
    }
}

#[tokio::test]
async fn what_a_later_version_has_added_is_kept() {
    let state = State::new();
    state.open();
    let text = serde_json::to_string(&record("v1", &["u1"])).unwrap();
    let later = text.replace("\"version\":1", "\"version\":1,\"fence\":{\"a\":[1]}");
    state.plant(&file_name(&id("v1")), &later);
    let here = state.open();
    assert!(here.refused().is_empty());
    let mut known = (*here.find(&id("v1")).unwrap()).clone();
    known.add(mount("u2"));
    here.put(known).await.unwrap();
    let text = std::fs::read(state.file("v1")).unwrap();
    let json: serde_json::Value = serde_json::from_slice(&text).unwrap();
    assert_eq!(json["fence"], serde_json::json!({"a": [1]}));
    assert_eq!(json["mounts"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn a_record_that_somebody_else_could_have_written_is_refused() {
    let state = State::new();
    state.open().put(record("v1", &["u1"])).await.unwrap();
    std::fs::set_permissions(state.file("v1"), PermissionsExt::from_mode(0o666)).unwrap();
    assert_eq!(state.why("v1").await, "can be written by others");
    let elsewhere = state.0.path().join("elsewhere");
    std::fs::rename(state.file("v1"), &elsewhere).unwrap();
    std::os::unix::fs::symlink(&elsewhere, state.file("v1")).unwrap();
    assert!(state.why("v1").await.contains("it is a link"));
}

#[tokio::test]
async fn a_refused_record_counts_again_when_it_is_put_right_or_gone() {
    let state = State::new();
    state.open();
    state.plant(&file_name(&id("v1")), "{");
    let here = state.open();
    here.check(&id("v1")).await.unwrap_err();
    let good = serde_json::to_string(&record("v1", &["u1"])).unwrap();
    state.plant(&file_name(&id("v1")), &good);
    here.check(&id("v1")).await.unwrap();
    assert!(here.at(&target("u1")).is_some());

    state.plant(&file_name(&id("v2")), "{");
    let here = state.open();
    here.check(&id("v2")).await.unwrap_err();
    std::fs::remove_file(state.file("v2")).unwrap();
    here.check(&id("v2")).await.unwrap();
    assert!(here.refused().is_empty());
}

#[test]
fn the_directory_has_to_be_ours() {
    let state = State::new();
    state.open();
    let open = || NodeRecord::open(state.directory(), ROOT.into(), "b");
    std::fs::set_permissions(state.directory(), PermissionsExt::from_mode(0o777)).unwrap();
    let error = open().unwrap_err();
    assert!(error.to_string().contains("written by others"), "{error}");
    std::fs::remove_dir(state.directory()).unwrap();
    std::os::unix::fs::symlink("/", state.directory()).unwrap();
    assert!(open().unwrap_err().to_string().contains("no directory"));
}

#[test]
fn what_was_not_finished_is_removed_and_strangers_are_left_alone() {
    let state = State::new();
    state.open();
    state.plant("0a.partial", "{\"ver");
    state.plant("notes.txt", "hello");
    let here = state.open();
    assert!(here.refused().is_empty());
    let names: Vec<_> = state.directory().read_dir().unwrap().collect();
    assert_eq!(names.len(), 1);
}

#[tokio::test]
async fn ownership_that_was_not_finished_is_known_in_the_same_boot() {
    let state = State::new();
    let pending = |boot: &str| PendingOwnership {
        target: target("u1").into(),
        group: 2000,
        on_root_mismatch: true,
        boot_id: boot.into(),
        tries: 2,
    };
    let here = state.open();
    here.begin_ownership(pending("boot-1")).await.unwrap();
    assert_eq!(
        state.open().pending_ownership().await.unwrap(),
        [pending("boot-1")]
    );
    here.end_ownership(&target("u1")).await.unwrap();
    here.end_ownership(&target("u1")).await.unwrap();
    assert_eq!(state.open().pending_ownership().await.unwrap(), []);
    here.begin_ownership(pending("boot-0")).await.unwrap();
    assert_eq!(state.open().pending_ownership().await.unwrap(), []);
    assert_eq!(state.directory().read_dir().unwrap().count(), 0);
}

#[test]
fn of_ended_pods_the_last_are_kept() {
    let uids: Vec<String> = (0..40).map(|number| format!("u{number}")).collect();
    let uids: Vec<&str> = uids.iter().map(String::as_str).collect();
    let mut record = record("v", &uids);
    for uid in &uids {
        record.take(Path::new(&target(uid))).unwrap();
    }
    assert_eq!(record.ended.len(), 16);
    assert_eq!(record.ended[15].uid, "u39");
}

#[test]
fn a_mount_that_is_asked_for_again_keeps_its_time() {
    let mut record = record("v", &["u1"]);
    record.add(Mount {
        since: 99,
        read_only: true,
        ..mount("u1")
    });
    assert_eq!(record.mounts.len(), 1);
    assert_eq!(
        (record.mounts[0].since, record.mounts[0].read_only),
        (7, true)
    );
}
