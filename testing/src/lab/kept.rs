//! What stays of a lab: its logs, when a test failed; and nothing else.

use std::collections::BTreeSet;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::programs;

/// Copies the logs of a lab to where they outlive it, and says where that is.
#[expect(
    clippy::print_stderr,
    reason = "it is for whoever reads why a test failed"
)]
pub(super) fn keep(lab: &Path, cluster: &Path) {
    let Some(kept) = directory(lab) else { return };
    copy_logs(cluster, &kept);
    copy_logs(lab, &kept);
    for node in super::NODES {
        let (from, to) = (lab.join(node), kept.join(node));
        copy_logs(&from, &to);
        // As kubelet lays them out: a directory for each pod.
        let pods = from.join("root/var/log/pods");
        let copied = Command::new("cp")
            .arg("-rL")
            .args([&pods, &to])
            .stderr(Stdio::null())
            .status();
        drop(copied);
    }
    eprintln!("the logs of the lab are kept in {}", kept.display());
}

/// `<target>/tier-3/<lab>`.
fn directory(lab: &Path) -> Option<PathBuf> {
    let test = std::env::current_exe().ok()?;
    let target = test.ancestors().nth(3)?;
    Some(target.join("tier-3").join(lab.file_name()?))
}

fn copy_logs(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).ok();
    for entry in std::fs::read_dir(from).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.extension().is_some_and(|extension| extension == "log") {
            std::fs::copy(&path, to.join(entry.file_name())).ok();
        }
    }
}

/// Gives back the loop devices of files in a directory: their node may have been
/// lost before it could. A device knows its file by number alone: the name is one
/// of a node's, which is gone.
pub(super) fn detach_loop_devices(directory: &Path) {
    let Ok(losetup) = programs::installed("losetup") else {
        return;
    };
    let columns = "NAME,BACK-INO,BACK-MAJ:MIN";
    let listed = Command::new(&losetup)
        .args(["--list", "--noheadings", "--raw", "--output", columns])
        .output();
    let listed = listed.map(|output| output.stdout).unwrap_or_default();
    let mut files = BTreeSet::new();
    collect_files(directory, &mut files);
    for line in String::from_utf8_lossy(&listed).lines() {
        if let Some((name, file)) = line.trim().split_once(' ')
            && files.contains(file)
        {
            Command::new(&losetup).arg("-d").arg(name).status().ok();
        }
    }
}

/// The files in a directory, as losetup names them: inode, and the device's numbers.
fn collect_files(directory: &Path, into: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(directory).into_iter().flatten().flatten() {
        let Ok(metadata) = entry.metadata() else {
            continue;
        };
        if metadata.is_dir() {
            collect_files(&entry.path(), into);
        } else if metadata.is_file() {
            // As makedev(3) packs them.
            let device = metadata.dev();
            let major = ((device >> 32) & 0xffff_f000) | ((device >> 8) & 0xfff);
            let minor = ((device >> 12) & 0xffff_ff00) | (device & 0xff);
            into.insert(format!("{} {major}:{minor}", metadata.ino()));
        }
    }
}
