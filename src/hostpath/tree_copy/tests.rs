use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt, symlink};
use std::path::PathBuf;

use super::*;

struct Tree {
    dir: tempfile::TempDir,
}

impl Tree {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("from")).unwrap();
        Self { dir }
    }

    fn from(&self, name: &str) -> PathBuf {
        self.dir.path().join("from").join(name)
    }

    fn copied(&self, name: &str) -> PathBuf {
        self.dir.path().join("to").join(name)
    }

    fn copy(&self) -> io::Result<()> {
        copy(&self.from(""), &self.copied(""))
    }
}

#[test]
fn a_tree_is_copied() {
    let tree = Tree::new();
    std::fs::create_dir_all(tree.from("a/b")).unwrap();
    std::fs::write(tree.from("a/b/file"), "content").unwrap();
    std::fs::set_permissions(tree.from("a/b/file"), PermissionsExt::from_mode(0o4751)).unwrap();
    std::fs::hard_link(tree.from("a/b/file"), tree.from("twin")).unwrap();
    symlink("nowhere", tree.from("a/link")).unwrap();
    rustix::fs::mknodat(CWD, tree.from("pipe"), FileType::Fifo, Mode::RUSR, 0).unwrap();
    std::fs::set_permissions(tree.from("a"), PermissionsExt::from_mode(0o555)).unwrap();
    tree.copy().unwrap();

    let file = tree.copied("a/b/file").metadata().unwrap();
    let original = tree.from("a/b/file").metadata().unwrap();
    assert_eq!(std::fs::read(tree.copied("a/b/file")).unwrap(), b"content");
    assert_eq!(file.mode(), original.mode());
    assert_eq!(
        (file.mtime(), file.mtime_nsec()),
        (original.mtime(), original.mtime_nsec())
    );
    assert_eq!(file.ino(), tree.copied("twin").metadata().unwrap().ino());
    assert_eq!(file.nlink(), 2);
    assert_eq!(
        std::fs::read_link(tree.copied("a/link")).unwrap(),
        Path::new("nowhere")
    );
    assert!(
        tree.copied("pipe")
            .metadata()
            .unwrap()
            .file_type()
            .is_fifo()
    );
    assert_eq!(tree.copied("a").metadata().unwrap().mode() & 0o7777, 0o555);
    sync(&tree.copied("")).unwrap();
}

#[test]
fn attributes_are_copied() {
    let tree = Tree::new();
    std::fs::write(tree.from("file"), "").unwrap();
    let set = |path: PathBuf| {
        rustix::fs::setxattr(path, "user.key", b"value", rustix::fs::XattrFlags::empty())
    };
    match set(tree.from("file")) {
        // tmpfs has none before Linux 6.6.
        Err(Errno::OPNOTSUPP) => return,
        set => set.unwrap(),
    }
    set(tree.from("")).unwrap();
    tree.copy().unwrap();
    for name in ["file", ""] {
        let mut value = Vec::with_capacity(16);
        rustix::fs::getxattr(
            tree.copied(name),
            "user.key",
            rustix::buffer::spare_capacity(&mut value),
        )
        .unwrap();
        assert_eq!(value, b"value", "{name:?}");
    }
}

#[test]
fn no_link_is_followed() {
    let tree = Tree::new();
    std::fs::create_dir(tree.dir.path().join("outside")).unwrap();
    std::fs::write(tree.dir.path().join("outside/secret"), "").unwrap();
    symlink("../outside", tree.from("link")).unwrap();
    tree.copy().unwrap();
    assert!(tree.copied("link").symlink_metadata().unwrap().is_symlink());
}

#[test]
fn a_tree_that_is_too_deep_is_refused() {
    let tree = Tree::new();
    let deep = "d/".repeat(DEEPEST);
    std::fs::create_dir_all(tree.from(&deep)).unwrap();
    assert!(tree.copy().unwrap_err().to_string().contains("nested"));
}

#[test]
fn nothing_is_copied_onto_something() {
    let tree = Tree::new();
    std::fs::create_dir(tree.copied("")).unwrap();
    assert_eq!(
        tree.copy().unwrap_err().kind(),
        io::ErrorKind::AlreadyExists
    );
}
