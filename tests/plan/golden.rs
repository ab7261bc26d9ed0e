//! Each case is a directory of `testdata/plan`: `in.yaml` is the cluster (with
//! `base.yaml` beside it, unless the case has nodes of its own), `args.txt` what the
//! program is told, `out.txt` what it says, `plan.yaml` the plan file.
//! UPDATE_GOLDEN=1 writes the results.

use std::path::Path;

use super::{Api, plan, testdata};

/// Credentials in the cases. None of them is ever to be shown.
const CREDENTIALS: [&str; 2] = ["hunter2hunter2", "aHVudGVyMg"];

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_default()
}

/// What changes from run to run.
fn steady(text: &str, api: &Api) -> String {
    let directory = api.directory();
    let mut steady = String::new();
    for line in text.replace(&*directory.to_string_lossy(), "DIR").lines() {
        let line = match line.trim_start().strip_prefix("created: ") {
            Some(_) => "  created: TIME",
            None if line.starts_with("checksum: ") => "checksum: SHA256",
            None => line,
        };
        steady.push_str(line);
        steady.push('\n');
    }
    steady
}

fn check(case: &Path) {
    let input = read(&case.join("in.yaml"));
    let mut manifests = vec![input.clone()];
    if !input.contains("kind: Node\n") {
        manifests.push(read(&testdata().join("base.yaml")));
    }
    let api = Api::of_manifests(&manifests);
    let out = api.directory().join("plan.yaml");
    let arguments = read(&case.join("args.txt"));
    let mut arguments: Vec<String> = arguments.split_whitespace().map(str::to_owned).collect();
    arguments.extend(["--out".to_owned(), out.display().to_string()]);
    if case.join("values.yaml").exists() {
        let values = case.join("values.yaml").display().to_string();
        arguments.extend(["--values".to_owned(), values]);
    }
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let output = plan(&api, &arguments);
    let stdout = String::from_utf8(output.stdout).unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    let mut said = stdout;
    if !stderr.is_empty() {
        said += &format!("--- stderr\n{stderr}");
    }
    if output.status.code() != Some(0) {
        said += &format!("--- exit {}\n", output.status.code().unwrap());
    }
    let written = read(&out);
    for credential in CREDENTIALS {
        assert!(
            !said.contains(credential) && !written.contains(credential),
            "{said}{written}"
        );
    }
    for (name, text) in [
        ("out.txt", steady(&said, &api)),
        ("plan.yaml", steady(&written, &api)),
    ] {
        let golden = case.join(name);
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            std::fs::write(&golden, &text).unwrap();
        }
        let expected = read(&golden);
        assert!(
            expected == text,
            "{} differs; UPDATE_GOLDEN=1 writes it:\n{}",
            golden.display(),
            similar::TextDiff::from_lines(&expected, &text).unified_diff()
        );
    }
}

fn cases() -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(testdata()).unwrap();
    let mut cases: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    cases.retain(|case| case.is_dir());
    cases.sort();
    assert!(!cases.is_empty());
    cases
}

#[test]
fn every_case_is_planned_as_it_stands() {
    for case in cases() {
        check(&case);
    }
}

/// A code that no case shows is a code that nobody has seen working.
#[test]
fn every_code_is_seen() {
    let mut all = String::new();
    for case in cases() {
        all += &read(&case.join("out.txt"));
        all += &read(&case.join("plan.yaml"));
    }
    let unseen: Vec<&str> = flex2csi_translators::plan::FindingCode::ALL
        .iter()
        .map(|code| code.as_str())
        .filter(|code| {
            let shown = [format!("code: {code}\n"), format!("[{code}]")];
            !shown.iter().any(|shown| all.contains(shown))
        })
        .collect();
    assert!(unseen.is_empty(), "{unseen:?}");
}
