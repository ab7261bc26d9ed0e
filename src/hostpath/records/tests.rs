use serde::Deserialize;

use super::*;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Thing {
    id: Id,
}

impl Record for Thing {
    const OBJECT: Object = Object::Volume;
    fn id(&self) -> &Id {
        &self.id
    }
}

fn id(text: &str) -> Id {
    Id::required("volume_id", text).unwrap()
}

fn put(things: &Records<Thing>, text: &str) {
    let id = id(text);
    let guard = things.lock(&id, Share::Exclusive).unwrap();
    things.put(&guard, &Thing { id }).unwrap();
}

fn ids(page: &Page<Thing>) -> Vec<&str> {
    page.records.iter().map(|thing| thing.id.as_str()).collect()
}

#[test]
fn pages_outlive_changes() {
    let dir = tempfile::tempdir().unwrap();
    let things = Records::<Thing>::open(dir.path().join("things")).unwrap();
    for name in ["a", "b.x", "c/d", "e"] {
        put(&things, name);
    }
    let first = things.page("", 2, |_| true).unwrap();
    assert_eq!(ids(&first), ["a", "b.x"]);
    let (guard, _) = things.lock_known(&id("b.x"), Share::Exclusive).unwrap();
    things.remove(guard, &id("b.x")).unwrap();
    put(&things, "b.y");
    let second = things.page(&first.next_token, 2, |_| true).unwrap();
    assert_eq!(ids(&second), ["b.y", "c/d"]);
    let last = things.page(&second.next_token, 2, |_| true).unwrap();
    assert_eq!((ids(&last), last.next_token.as_str()), (vec!["e"], ""));
    let exact = things.page("", 4, |_| true).unwrap();
    assert_eq!((exact.records.len(), exact.next_token.as_str()), (4, ""));
}

#[test]
fn what_is_no_page_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let things = Records::<Thing>::open(dir.path().join("things")).unwrap();
    assert!(matches!(
        things.page("invalid-token", 0, |_| true),
        Err(Error::Token(_))
    ));
    assert!(matches!(
        things.page("", -1, |_| true),
        Err(Error::Invalid { .. })
    ));
}

#[test]
fn unknown_ids_leave_nothing_behind() {
    let dir = tempfile::tempdir().unwrap();
    let things = Records::<Thing>::open(dir.path().join("things")).unwrap();
    let unknown = things.lock_known(&id("../x"), Share::Exclusive);
    assert!(matches!(unknown, Err(Error::Unknown { .. })));
    assert_eq!(things.locks.read_dir().unwrap().count(), 0);
    put(&things, "a");
    let (guard, _) = things.lock_known(&id("a"), Share::Exclusive).unwrap();
    things.remove(guard, &id("a")).unwrap();
    assert_eq!(things.locks.read_dir().unwrap().count(), 0);
}

#[test]
fn a_record_of_another_is_damage() {
    let dir = tempfile::tempdir().unwrap();
    let things = Records::<Thing>::open(dir.path().join("things")).unwrap();
    put(&things, "a");
    std::fs::rename(things.path("a"), things.path("b")).unwrap();
    assert!(matches!(things.find(&id("b")), Err(Error::Record { .. })));
}
