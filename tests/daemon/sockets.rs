//! The endpoint's socket over the life of daemons.

use std::fs;
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::daemon::Daemon;
use crate::site::{EBS, EBS_ENDPOINT, Site};

#[tokio::test]
async fn the_socket_stays_and_the_next_daemon_replaces_it_with_no_gap() {
    let site = Site::new();
    let _backend = site.backend("csi.sock", EBS);
    let mut daemon = site.node(&[]);
    site.name_at("endpoint.sock").await;

    let path = site.path("endpoint.sock");
    let done = Arc::new(AtomicBool::new(false));
    let watched = (path.clone(), done.clone());
    let watching = std::thread::spawn(move || {
        let (path, done) = watched;
        while !done.load(Ordering::Relaxed) {
            let there = fs::symlink_metadata(&path).unwrap();
            assert!(there.file_type().is_socket());
            assert_eq!(there.permissions().mode() & 0o777, 0o600);
        }
    });
    for round in 0..5 {
        if round % 2 == 0 {
            daemon.terminated().await;
        } else {
            daemon.killed().await;
        }
        assert!(UnixStream::connect(&path).is_err(), "nobody serves it");
        daemon = site.node(&[]);
        assert_eq!(site.name_at("endpoint.sock").await, EBS_ENDPOINT);
    }
    done.store(true, Ordering::Relaxed);
    watching.join().unwrap();
}

#[tokio::test]
async fn a_second_daemon_on_the_same_socket_is_refused_and_disturbs_nothing() {
    let site = Site::new();
    let backend = site.backend("csi.sock", EBS);
    let first = site.node(&[]);
    site.name_at("endpoint.sock").await;

    let log = site.node(&[]).ended_with(1).await;
    let said = format!(
        "{} is already served by process {}: end it first, or choose another path",
        site.text("endpoint.sock"),
        first.id()
    );
    assert!(log.contains(&said), "{log}");

    site.carried_out("/csi.v1.Identity/Probe", b"").await;
    assert_eq!(backend.last().path, "/csi.v1.Identity/Probe");
}

#[tokio::test]
async fn a_socket_that_cannot_be_had_is_named() {
    let site = Site::new();
    let _backend = site.backend("csi.sock", EBS);
    fs::write(site.path("endpoint.sock"), "precious").unwrap();
    let log = site.node(&[]).ended_with(1).await;
    assert!(
        log.contains("endpoint.sock is a file, not a socket"),
        "{log}"
    );
    assert_eq!(fs::read(site.path("endpoint.sock")).unwrap(), b"precious");

    let nowhere = site.text("no/such/e.sock");
    let args = [
        "node",
        "--backend",
        "/b",
        "--driver",
        EBS,
        "--endpoint",
        &nowhere,
    ];
    let log = Daemon::start(args).ended_with(1).await;
    let said = log.matches("No such file or directory").count();
    assert!(log.contains(&nowhere) && said == 1, "{log}");
}
