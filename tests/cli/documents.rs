//! The commands of the documentation run, and do not fail.
//!
//! `kubectl` and `helm` are stand-ins that print a dump and a chart, and `jq`
//! one that reads all it is given; what tests and installs is left to those who
//! run it.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::command::flex2csi;

/// How the program is run before it is installed.
const FROM_SOURCE: &str = "cargo run --release -- ";

#[test]
fn of_the_readme_and_the_pages() {
    let mut pages = vec!["README.md".into()];
    for entry in fs::read_dir("docs").unwrap() {
        pages.push(entry.unwrap().path());
    }
    // Guides are followed in a cluster: testing/tests/guides.
    pages.retain(|page: &PathBuf| page.extension().is_some_and(|extension| extension == "md"));
    pages.retain(|page: &PathBuf| !ELSEWHERE.iter().any(|name| page.ends_with(name)));
    let mut count = 0;
    for page in pages {
        let text = fs::read_to_string(&page).unwrap();
        for command in fenced(&text) {
            run(command, &page.display().to_string());
            count += 1;
        }
    }
    assert!(count >= 5, "only {count} commands found");
}

#[test]
fn of_the_help() {
    let mut count = 0;
    for verb in ["translate", "drivers", "explain"] {
        let help = flex2csi(&[verb, "--help"], "").ended(0);
        let (_, examples) = help.split_once("Examples:").unwrap();
        for line in examples.lines().map(str::trim) {
            if is_command(line) {
                // What it explains stands behind it in a column of its own.
                let command = line.split("   ").next().unwrap();
                run(command, verb);
                count += 1;
            }
        }
    }
    assert!(count >= 6, "only {count} commands found");
}

/// The lines of code blocks that are commands, without their comments.
fn fenced(text: &str) -> Vec<&str> {
    let blocks = text.split("```").skip(1).step_by(2);
    blocks
        .flat_map(str::lines)
        .filter(|line| is_command(line))
        .map(|line| line.split("  #").next().unwrap_or(line).trim())
        .collect()
}

/// Pages whose commands need a cluster: tests of tier 2 run them there.
const ELSEWHERE: [&str; 1] = ["rewrite-protocol.md"];

/// Daemons do not end by themselves: tests/daemon runs them, and the embedded
/// backend, which needs root, the tests of the endpoint in testing. What needs a
/// cluster is run by testing/tests/plan.rs and rewrite.rs.
const NOT_HERE: [&str; 8] = [
    // It mounts: tests/demo.rs.
    "flex2csi demo",
    "flex2csi node ",
    "flex2csi controller ",
    "flex2csi hostpath ",
    "flex2csi plan",
    "flex2csi rewrite ",
    "flex2csi rollback ",
    "flex2csi status",
];

fn is_command(line: &str) -> bool {
    let names = ["flex2csi ", "kubectl ", "helm ", FROM_SOURCE];
    let begins = |with: &[&str]| with.iter().any(|name| line.starts_with(name));
    begins(&names) && !begins(&NOT_HERE)
}

fn run(command: &str, page: &str) {
    let command = &command.replace(FROM_SOURCE, "flex2csi ");
    let directory = tempfile::tempdir().unwrap();
    let home = directory.path();
    let here = std::env::current_dir().unwrap();
    let data = here.join("testdata/manifests");
    let bin = home.join("bin");
    fs::create_dir(&bin).unwrap();
    symlink(env!("CARGO_BIN_EXE_flex2csi"), bin.join("flex2csi")).unwrap();
    stand_in(&bin.join("kubectl"), &data.join("velero-backup/in.json"));
    stand_in(&bin.join("helm"), &data.join("helm-chart/in.yaml"));
    stand_in(&bin.join("jq"), Path::new("-"));
    symlink(here.join("testdata"), home.join("testdata")).unwrap();
    fs::copy(data.join("velero-backup/in.json"), home.join("dump.json")).unwrap();
    fs::copy(
        data.join("velero-backup/in.json"),
        home.join("volumes.ndjson"),
    )
    .unwrap();
    fs::copy(
        data.join("cluster-dump/values.yaml"),
        home.join("site.yaml"),
    )
    .unwrap();
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
    let output = Command::new("sh")
        .args(["-ec", command])
        .current_dir(home)
        .env("PATH", path)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{page}: {command}\n{said}");
    assert!(!said.contains("not found"), "{page}: {command}\n{said}");
}

fn stand_in(path: &Path, prints: &Path) {
    fs::write(
        path,
        format!("#!/bin/sh\nexec cat '{}'\n", prints.display()),
    )
    .unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}
