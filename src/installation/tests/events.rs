//! What kubelet sees: a watcher like that of its prober (kubernetes
//! `pkg/volume/flexvolume/probe.go`, v1.36), with inotify as fsnotify has it.

use std::collections::HashMap;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::inotify::{self, CreateFlags, ReadFlags, Reader, WatchFlags};
use rustix::io::Errno;

/// An event, as fsnotify calls it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Op {
    Create,
    Write,
    Chmod,
    Rename,
    Remove,
}

/// Watches a plugin directory with all that is in it and has no dot in front.
pub struct Prober {
    root: PathBuf,
    inotify: OwnedFd,
    watched: HashMap<i32, PathBuf>,
}

impl Prober {
    pub fn start(root: &Path) -> Self {
        let flags = CreateFlags::NONBLOCK | CreateFlags::CLOEXEC;
        let mut prober = Self {
            root: root.to_owned(),
            inotify: inotify::init(flags).unwrap(),
            watched: HashMap::new(),
        };
        prober.watch(root);
        prober
    }

    fn watch(&mut self, directory: &Path) {
        let flags = WatchFlags::CREATE
            | WatchFlags::MODIFY
            | WatchFlags::ATTRIB
            | WatchFlags::MOVED_FROM
            | WatchFlags::MOVED_TO
            | WatchFlags::MOVE_SELF
            | WatchFlags::DELETE
            | WatchFlags::DELETE_SELF;
        let Ok(watch) = inotify::add_watch(self.inotify.as_fd(), directory, flags) else {
            return;
        };
        self.watched.insert(watch, directory.to_owned());
        for entry in std::fs::read_dir(directory).unwrap() {
            let entry = entry.unwrap();
            if entry.file_type().unwrap().is_dir() {
                self.watch(&entry.path());
            }
        }
    }

    /// What has happened since the last time, but for what kubelet overlooks.
    pub fn events(&mut self) -> Vec<(String, Op)> {
        let mut events = Vec::new();
        let mut buffer = [MaybeUninit::uninit(); 4096];
        loop {
            let mut new = Vec::new();
            let inotify = self.inotify.try_clone().unwrap();
            let mut reader = Reader::new(inotify, &mut buffer);
            loop {
                match reader.next() {
                    Err(Errno::WOULDBLOCK) => break,
                    Err(errno) => panic!("{errno}"),
                    Ok(event) => {
                        let name = event
                            .file_name()
                            .map(|name| name.to_str().unwrap().to_owned());
                        new.push((event.wd(), event.events(), name));
                    }
                }
            }
            if new.is_empty() {
                return events;
            }
            for (watch, flags, name) in new {
                let Some(directory) = self.watched.get(&watch).cloned() else {
                    continue;
                };
                let path = name.map_or(directory.clone(), |name| directory.join(name));
                let Some(op) = op(flags) else { continue };
                if path.file_name().unwrap().to_str().unwrap().starts_with('.') {
                    continue;
                }
                if op == Op::Create && path.is_dir() {
                    self.watch(&path);
                }
                let relative = path.strip_prefix(&self.root).unwrap();
                events.push((relative.to_str().unwrap().to_owned(), op));
            }
        }
    }
}

fn op(flags: ReadFlags) -> Option<Op> {
    [
        (ReadFlags::CREATE | ReadFlags::MOVED_TO, Op::Create),
        (ReadFlags::MODIFY, Op::Write),
        (ReadFlags::ATTRIB, Op::Chmod),
        (ReadFlags::MOVED_FROM | ReadFlags::MOVE_SELF, Op::Rename),
        (ReadFlags::DELETE | ReadFlags::DELETE_SELF, Op::Remove),
    ]
    .into_iter()
    .find(|(which, _)| flags.intersects(*which))
    .map(|(_, op)| op)
}

#[test]
fn the_prober_sees_what_kubelet_would() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().canonicalize().unwrap();
    std::fs::create_dir(root.join("a~b")).unwrap();
    let mut prober = Prober::start(&root);
    std::fs::write(root.join("a~b/.b.tmp"), "x").unwrap();
    assert_eq!(prober.events(), []);
    std::fs::write(root.join("a~b/b"), "x").unwrap();
    std::fs::remove_file(root.join("a~b/b")).unwrap();
    let expected = [Op::Create, Op::Write, Op::Remove].map(|op| ("a~b/b".to_owned(), op));
    assert_eq!(prober.events(), expected);
}
