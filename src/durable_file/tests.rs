use std::os::unix::fs::PermissionsExt;

use super::*;

#[test]
fn a_file_is_private_and_comes_back() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.json");
    assert_eq!(read::<Vec<u8>>(&path).unwrap(), None);
    std::fs::write(path.with_extension(PARTIAL), "left by a crash, and longer").unwrap();
    write(&path, &vec![1u8, 2]).unwrap();
    assert_eq!(read::<Vec<u8>>(&path).unwrap(), Some(vec![1, 2]));
    assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    remove(&path).unwrap();
    remove(&path).unwrap();
    assert_eq!(dir.path().read_dir().unwrap().count(), 0);
}

#[test]
fn of_two_that_are_written_at_once_one_counts() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.json");
    assert!(write_new(&path, &1).unwrap());
    assert!(!write_new(&path, &2).unwrap());
    assert_eq!(read::<u8>(&path).unwrap(), Some(1));
    assert_eq!(
        dir.path().read_dir().unwrap().count(),
        1,
        "nothing else is left"
    );
}

#[test]
fn a_damaged_file_is_no_missing_one() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.json");
    for text in ["", "{", "[1] x", "\"text\""] {
        std::fs::write(&path, text).unwrap();
        let read = read::<Vec<u8>>(&path);
        assert!(matches!(read, Err(FileError::Damaged { .. })), "{text:?}");
    }
}

#[test]
fn what_is_planted_is_neither_followed_nor_waited_for() {
    let dir = tempfile::tempdir().unwrap();
    let damaged = |path: &Path| match read::<Vec<u8>>(path) {
        Err(FileError::Damaged { why, .. }) => why,
        other => panic!("{other:?}"),
    };
    let (file, link) = (dir.path().join("file"), dir.path().join("link"));
    std::fs::write(&file, "[1]").unwrap();
    std::os::unix::fs::symlink(&file, &link).unwrap();
    assert_eq!(damaged(&link), "it is a link");
    assert_eq!(damaged(dir.path()), "it is no file");
    let pipe = dir.path().join("pipe");
    rustix::fs::mknodat(
        rustix::fs::CWD,
        &pipe,
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::RUSR,
        0,
    )
    .unwrap();
    assert_eq!(damaged(&pipe), "it is no file");
    std::fs::write(&file, vec![b' '; LARGEST as usize + 1]).unwrap();
    assert!(damaged(&file).contains("bytes"));
}

#[test]
fn a_failed_write_leaves_the_old_file_and_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.json");
    std::fs::create_dir(&path).unwrap();
    assert!(write(&path, &1).is_err());
    assert!(path.is_dir());
    assert_eq!(dir.path().read_dir().unwrap().count(), 1);
}

#[test]
fn directories_are_made_with_those_above() {
    let dir = tempfile::tempdir().unwrap();
    let deep = dir.path().join("a/b/c");
    make_directory(&deep).unwrap();
    make_directory(&deep).unwrap();
    assert!(deep.is_dir());
}
