//! What is seen on a terminal, and what in a log.

use std::fs::File;
use std::io::Read;
use std::sync::Arc;
use std::sync::mpsc;

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};
use tokio::sync::Semaphore;

use super::cluster::{Act, Rule};
use super::rig::Rig;
use super::store::VOLUMES;

/// Both ends of a terminal of 100 columns.
fn terminal() -> (File, File) {
    let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY;
    let ours = openpt(flags).unwrap();
    grantpt(&ours).unwrap();
    unlockpt(&ours).unwrap();
    let size = Winsize {
        ws_row: 40,
        ws_col: 100,
        ws_xpixel: 0,
        ws_ypixel: 0,
    };
    tcsetwinsize(&ours, size).unwrap();
    let path = ptsname(&ours, Vec::new()).unwrap();
    let theirs = File::options()
        .read(true)
        .write(true)
        .open(path.to_str().unwrap())
        .unwrap();
    (ours.into(), theirs)
}

#[test]
fn a_terminal_shows_how_far_all_is() {
    let rig = Rig::of(4);
    rig.cluster.rule(Rule::always(
        &["PATCH", VOLUMES, "/pv-n-0?"],
        Act::Refuse(403, "not this one"),
    ));
    let gate = Arc::new(Semaphore::new(0));
    // While one is in the gap, its claim is Lost.
    let create = Rule::always(&["POST", VOLUMES, "Strict"], Act::Hold(Arc::clone(&gate)));
    rig.cluster.rule(create.but(&["dryRun"]));
    let (mut ours, theirs) = terminal();
    let mut command = rig.command(&["rewrite", "--all", "--parallel", "1", "--yes"]);
    command
        .env("TERM", "xterm")
        .stderr(theirs)
        .stdout(std::process::Stdio::null());
    let mut running = command.spawn().unwrap();
    // Ours is the only other end now.
    drop(command);
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        let mut piece = [0; 4096];
        while let Ok(read @ 1..) = ours.read(&mut piece) {
            if sender.send(piece[..read].to_vec()).is_err() {
                return;
            }
        }
    });
    let mut seen = String::new();
    let mut until = |text: &str| {
        while !seen.contains(text) {
            let piece = receiver.recv_timeout(std::time::Duration::from_secs(60));
            let piece = piece.unwrap_or_else(|_| panic!("{text} is not seen in {seen:?}"));
            seen += &String::from_utf8_lossy(&piece);
        }
    };
    until("1 Lost now");
    until("/4");
    gate.add_permits(100);
    until("rewrite: 3 done, 1 failed");
    assert_eq!(running.wait().unwrap().code(), Some(1));
    // What went wrong stands above it, what went well is only counted.
    assert!(seen.contains("PersistentVolume pv-n-0: failed"), "{seen:?}");
    assert!(seen.contains("1 failed, "), "{seen:?}");
    assert!(!seen.contains(": rewritten"), "{seen:?}");
    assert!(seen.contains("/s, ") && seen.contains(" left"), "{seen:?}");
}

#[test]
fn a_log_has_a_line_for_each() {
    let rig = Rig::of(4);
    let said = rig.run(&["rewrite", "--all", "--yes"]).ended(0);
    let lines: Vec<&str> = said.stderr.lines().collect();
    assert_eq!(lines.len(), 5, "{lines:?}");
    for (number, line) in lines[..4].iter().enumerate() {
        let begin = format!("{}/4 PersistentVolume pv-n-", number + 1);
        assert!(
            line.starts_with(&begin) && line.contains(": rewritten ("),
            "{line}"
        );
    }
    assert_eq!(lines[4], "rewrite: 4 done");
    assert!(!said.all().contains('\x1b'), "{}", said.all());
}
