//! The path of a socket: taken by one daemon, never open to others, never empty.

use std::fs;
use std::mem::MaybeUninit;
use std::os::unix::fs::{FileTypeExt, PermissionsExt, symlink};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use flex2csi::socket::path::LONGEST;
use flex2csi::socket::{Listener, Place, SocketError};
use rustix::fs::inotify::{self, CreateFlags, ReadFlags, WatchFlags};
use tempfile::TempDir;

fn directory() -> (TempDir, PathBuf) {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("csi.sock");
    (directory, path)
}

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().permissions().mode() & 0o7777
}

fn names(directory: &Path) -> Vec<String> {
    let name = |entry: std::io::Result<fs::DirEntry>| entry.unwrap().file_name();
    let mut names: Vec<String> = fs::read_dir(directory)
        .unwrap()
        .map(|entry| name(entry).into_string().unwrap())
        .collect();
    names.sort();
    names
}

fn refused(path: &Path) -> String {
    Listener::bind(path).unwrap_err().to_string()
}

#[tokio::test]
async fn the_socket_is_for_its_owner_alone_and_all_else_beside_it_has_a_dot() {
    let (directory, path) = directory();
    let listener = Listener::bind(&path).unwrap();
    assert_eq!(mode(&path), 0o600);
    assert!(fs::metadata(&path).unwrap().file_type().is_socket());
    assert_eq!(names(directory.path()), [".csi.sock.lock", "csi.sock"]);
    assert_eq!(listener.path(), path);
}

#[tokio::test]
async fn a_socket_that_is_replaced_is_never_missing_and_never_open_to_others() {
    let (_directory, path) = directory();
    drop(Listener::bind(&path).unwrap());
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                assert_eq!(mode(&path), 0o600);
            }
        });
        for _ in 0..300 {
            drop(Listener::bind(&path).unwrap());
        }
        done.store(true, Ordering::Relaxed);
    });
}

/// Kubelet watches like this: a socket that goes, even for a moment, is a driver
/// that is gone.
#[tokio::test]
async fn who_watches_the_directory_sees_sockets_come_ready_and_never_go() {
    let (directory, path) = directory();
    let watch = inotify::init(CreateFlags::NONBLOCK).unwrap();
    let all = WatchFlags::CREATE | WatchFlags::DELETE | WatchFlags::MOVE;
    inotify::add_watch(&watch, directory.path(), all).unwrap();
    drop(Listener::bind(&path).unwrap());
    drop(Listener::bind(&path).unwrap());

    let mut buffer = [MaybeUninit::uninit(); 4096];
    let mut events = inotify::Reader::new(watch, &mut buffer);
    let mut seen = Vec::new();
    while let Ok(event) = events.next() {
        let name = event.file_name().unwrap().to_str().unwrap().to_owned();
        // Kubelet overlooks names with a dot.
        if !name.starts_with('.') {
            seen.push((event.events(), name));
        }
    }
    let came = (ReadFlags::MOVED_TO, "csi.sock".to_owned());
    assert_eq!(seen, [came.clone(), came]);
}

#[tokio::test]
async fn the_socket_stays_when_the_daemon_ends() {
    let (_directory, path) = directory();
    drop(Listener::bind(&path).unwrap());
    assert!(path.exists());
    let refused = UnixStream::connect(&path).unwrap_err();
    assert_eq!(refused.kind(), std::io::ErrorKind::ConnectionRefused);
}

#[tokio::test]
async fn two_daemons_do_not_share_a_path() {
    let (_directory, path) = directory();
    let first = Listener::bind(&path).unwrap();
    let second = Listener::bind(&path).unwrap_err();
    assert!(matches!(second, SocketError::Served { .. }), "{second}");
    let process = format!("already served by process {}", std::process::id());
    assert!(second.to_string().contains(&process), "{second}");
    UnixStream::connect(&path).unwrap();
    drop(first);
    Listener::bind(&path).unwrap();
}

/// As a sidecar that was there before.
#[tokio::test]
async fn a_server_without_our_lock_is_not_replaced() {
    let (_directory, path) = directory();
    let other = UnixListener::bind(&path).unwrap();
    assert!(refused(&path).contains("already served by another program"));
    drop(other);
    Listener::bind(&path).unwrap();
}

#[tokio::test]
async fn nothing_but_a_socket_is_replaced() {
    let (directory, path) = directory();
    fs::write(&path, "precious").unwrap();
    assert!(refused(&path).contains("is a file, not a socket"));
    assert_eq!(fs::read_to_string(&path).unwrap(), "precious");
    assert_eq!(names(directory.path()), ["csi.sock"]);

    let link = directory.path().join("link.sock");
    symlink(&path, &link).unwrap();
    assert!(refused(&link).contains("is a symbolic link, not a socket"));
    assert_eq!(fs::read_link(&link).unwrap(), path);

    let inner = directory.path().join("directory.sock");
    fs::create_dir(&inner).unwrap();
    assert!(refused(&inner).contains("is a directory, not a socket"));
}

#[tokio::test]
async fn a_lock_that_is_a_link_is_not_followed() {
    let (directory, path) = directory();
    let precious = directory.path().join("precious");
    fs::write(&precious, "text").unwrap();
    symlink(&precious, directory.path().join(".csi.sock.lock")).unwrap();
    assert!(refused(&path).contains("cannot lock the socket"));
    assert_eq!(fs::read_to_string(&precious).unwrap(), "text");
}

#[tokio::test]
async fn the_longest_path_serves_and_a_longer_one_is_named() {
    let directory = TempDir::new().unwrap();
    let room = LONGEST - directory.path().as_os_str().len() - 1;
    let path = directory.path().join("s".repeat(room));
    let _listener = Listener::bind(&path).unwrap();
    UnixStream::connect(&path).unwrap();

    let path = directory.path().join("s".repeat(room + 1));
    let error = refused(&path);
    assert!(error.contains(&path.display().to_string()), "{error}");
    assert!(
        error.contains("has 108 bytes, and Linux takes 107"),
        "{error}"
    );
    assert!(refused(Path::new("/")).contains("names no file"));
}

#[tokio::test]
async fn a_missing_directory_is_made_but_not_the_one_above() {
    let (directory, _) = directory();
    let path = directory.path().join("plugins/csi.sock");
    Listener::bind(&path).unwrap();
    assert_eq!(mode(path.parent().unwrap()), 0o750);

    let error = refused(&directory.path().join("no/such/csi.sock"));
    assert!(error.contains("no/such/csi.sock cannot be used"), "{error}");
    assert!(!directory.path().join("no").exists());
}

/// What a process leaves that is killed before the rename.
#[tokio::test]
async fn what_a_killed_daemon_left_is_no_obstacle() {
    let (directory, path) = directory();
    let hidden = directory.path().join(".csi.sock.new");
    fs::create_dir(&hidden).unwrap();
    drop(UnixListener::bind(hidden.join(".s")).unwrap());
    Listener::bind(&path).unwrap();
    assert_eq!(names(directory.path()), [".csi.sock.lock", "csi.sock"]);
}

#[tokio::test]
async fn uninstalling_removes_the_socket_and_what_is_beside_it() {
    let (directory, path) = directory();
    let listener = Listener::bind(&path).unwrap();
    listener.place().remove().unwrap();
    assert!(names(directory.path()).is_empty());
    listener.place().remove().unwrap();
}

#[tokio::test]
async fn uninstalling_removes_no_socket_of_somebody_else() {
    let (directory, path) = directory();
    let listener = Listener::bind(&path).unwrap();
    let other = directory.path().join("other.sock");
    let _other = UnixListener::bind(&other).unwrap();
    fs::rename(&other, &path).unwrap();
    let error = listener.place().remove().unwrap_err();
    assert!(matches!(error, SocketError::NotOurs { .. }), "{error}");
    UnixStream::connect(&path).unwrap();
}

#[tokio::test]
async fn a_socket_that_nobody_serves_is_removed_by_another_process_too() {
    let (_directory, path) = directory();
    let listener = Listener::bind(&path).unwrap();
    assert!(matches!(
        Place::claim(&path),
        Err(SocketError::Served { .. })
    ));
    drop(listener);
    Place::claim(&path).unwrap().remove().unwrap();
    assert!(!path.exists());
}

#[test]
fn of_many_who_come_and_go_one_has_the_place_at_a_time() {
    let (_directory, path) = directory();
    let taken = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..500 {
                    let Ok(place) = Place::claim(&path) else {
                        continue;
                    };
                    assert!(!taken.swap(true, Ordering::SeqCst), "it is taken");
                    std::thread::yield_now();
                    taken.store(false, Ordering::SeqCst);
                    place.remove().unwrap();
                }
            });
        }
    });
}
