//! Manifests as people have them, and what they become: `testdata/*/*/in.*`
//! and `out.*`. `UPDATE_GOLDEN=1` writes what the program gives; read the diff.

use std::fs;
use std::path::{Path, PathBuf};

use crate::command::flex2csi;

#[test]
fn flex_volumes() {
    cases("testdata/flex");
}

#[test]
fn mixed_dumps() {
    cases("testdata/manifests");
}

/// Runs each directory below `root` that has an input.
fn cases(root: &str) {
    let mut failed = Vec::new();
    let mut directories = vec![PathBuf::from(root)];
    let mut count = 0;
    while let Some(directory) = directories.pop() {
        let mut entries: Vec<PathBuf> = fs::read_dir(&directory)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        entries.sort();
        for entry in entries {
            if entry.is_dir() {
                directories.push(entry);
            } else if entry.file_stem().is_some_and(|stem| stem == "in") {
                count += 1;
                failed.extend(case(&directory, &entry));
            }
        }
    }
    assert!(count > 0, "no case below {root}");
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

/// `in.*` becomes `out.*`, with `values.yaml` and the flags in `args` where they
/// are there, and the codes in `notes.txt` are what is said.
fn case(directory: &Path, input: &Path) -> Vec<String> {
    let report = tempfile::NamedTempFile::new().unwrap();
    let input_name = input.to_str().unwrap();
    let report_name = report.path().to_str().unwrap();
    let mut args = vec!["translate", "-f", input_name, "--report", report_name];
    let values = directory.join("values.yaml");
    if values.exists() {
        args.extend(["--values", values.to_str().unwrap()]);
    }
    let flags = fs::read_to_string(directory.join("args")).unwrap_or_default();
    args.extend(flags.split_whitespace());
    let ran = flex2csi(&args, "");
    let report = fs::read_to_string(report.path()).unwrap();
    let mut notes: Vec<String> = report.lines().map(note).collect();
    notes.sort();
    let notes: String = notes.into_iter().map(|note| note + "\n").collect();
    let out = input
        .with_file_name("out")
        .with_extension(input.extension().unwrap());
    let mut failed: Vec<String> = compare(&out, &ran.stdout).into_iter().collect();
    failed.extend(compare(&directory.join("notes.txt"), &notes));
    failed
}

/// `Kind/name code`, which is what a reviewer looks for.
fn note(line: &str) -> String {
    let note: serde_json::Value = serde_json::from_str(line).unwrap();
    let text = |value: &serde_json::Value| value.as_str().unwrap_or("").to_owned();
    let object = &note["object"];
    format!(
        "{}/{} {}",
        text(&object["kind"]),
        text(&object["name"]),
        text(&note["code"])
    )
}

fn compare(file: &Path, is: &str) -> Option<String> {
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(file, is).unwrap();
        return None;
    }
    let expected = fs::read_to_string(file).unwrap_or_default();
    if expected == is {
        return None;
    }
    let diff = similar::TextDiff::from_lines(expected.as_str(), is);
    let diff = diff.unified_diff().context_radius(3).to_string();
    Some(format!("{}:\n{diff}", file.display()))
}
