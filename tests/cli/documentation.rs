//! The pages know every flag, name what there is, and say why each crate is here.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use clap::{Command, CommandFactory as _};
use flex2csi::cli::Cli;

/// The README, and all pages of `docs/` as path and text.
fn pages() -> Vec<(String, String)> {
    let mut paths = vec!["README.md".to_owned()];
    for directory in ["docs", "docs/guides"] {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path().to_str().unwrap().to_owned();
            if path.ends_with(".md") {
                paths.push(path);
            }
        }
    }
    let read = |path: String| {
        let text = fs::read_to_string(&path).unwrap();
        (path, text)
    };
    paths.into_iter().map(read).collect()
}

/// The long flags of a verb and of those below it, each with who has it.
fn flags(command: &Command, name: &str, found: &mut BTreeSet<(String, String)>) {
    for argument in command
        .get_arguments()
        .filter(|argument| !argument.is_hide_set())
    {
        if let Some(long) = argument.get_long() {
            found.insert((format!("--{long}"), name.to_owned()));
        }
    }
    for below in command
        .get_subcommands()
        .filter(|below| !below.is_hide_set())
    {
        flags(below, &format!("{name} {}", below.get_name()), found);
    }
}

/// Whether a flag stands somewhere, and not only the beginning of a longer one.
fn has(text: &str, flag: &str) -> bool {
    let of_flag = |character: char| character.is_ascii_alphanumeric() || character == '-';
    text.match_indices(flag).any(|(at, _)| {
        let after = text[at + flag.len()..].chars().next();
        !text[..at].ends_with(of_flag) && !after.is_some_and(of_flag)
    })
}

#[test]
fn every_flag_stands_in_some_page() {
    let text: String = pages().into_iter().map(|(_, text)| text).collect();
    let mut all = BTreeSet::new();
    flags(&Cli::command(), "flex2csi", &mut all);
    assert!(all.len() > 50, "{all:?}");
    let missing: Vec<_> = all.iter().filter(|(flag, _)| !has(&text, flag)).collect();
    assert!(missing.is_empty(), "in no page: {missing:?}");
}

#[test]
fn a_flag_is_not_found_in_a_longer_one() {
    assert!(has("give `--state`, or", "--state"));
    assert!(!has("--state-dir and ---state", "--state"));
}

/// The texts in backticks.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.lines()
        .flat_map(|line| line.split('`').skip(1).step_by(2))
}

#[test]
fn paths_in_the_pages_are_there() {
    /// Where we have files; `tests/` and the like are also other projects'.
    const OURS: [&str; 9] = [
        "benches/",
        "deploy/",
        "docs/",
        "exec/",
        "testdata/",
        "testing/",
        "tests/",
        "translators/",
        "src/",
    ];
    let mut seen = 0;
    for (page, text) in pages() {
        for path in quoted(&text) {
            let is_path = !path.contains([' ', '*', '<', '…', '$', '(']);
            if !is_path || !OURS.iter().any(|ours| path.starts_with(ours)) {
                continue;
            }
            seen += 1;
            assert!(Path::new(path).exists(), "{page}: there is no {path}");
        }
    }
    assert!(seen > 30);
}

/// The crates that a member of the workspace names as dependencies.
fn dependencies(manifest: &str) -> Vec<String> {
    let text = fs::read_to_string(manifest).unwrap();
    let mut names = Vec::new();
    let mut inside = false;
    for line in text.lines() {
        if line.starts_with('[') {
            inside = line.ends_with("dependencies]") && !line.contains("workspace");
        } else if let (true, Some((name, _))) = (inside, line.split_once([' ', '.', '='])) {
            names.push(name.to_owned());
        }
    }
    names
}

#[test]
fn every_crate_has_its_reason() {
    let page = fs::read_to_string("docs/dependencies.md").unwrap();
    let mut said = BTreeSet::new();
    for row in page.lines().filter(|line| line.starts_with("| ")).skip(1) {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        for name in cells[1].split(", ") {
            for place in cells[2].split(", ") {
                assert!(said.insert((name, place)), "{name} in {place}: twice");
            }
        }
    }
    for (manifest, place) in [
        ("Cargo.toml", "program"),
        ("exec/Cargo.toml", "exec binary"),
        ("translators/Cargo.toml", "translators"),
        ("testing/Cargo.toml", "testing"),
    ] {
        let names = dependencies(manifest);
        assert!(names.len() > 3, "{names:?}");
        for name in names.iter().filter(|name| !name.starts_with("flex2csi")) {
            // What its tests alone use is in the same place, or in all tests.
            let places = [place, "all", "tests", "build"];
            let is_said = places
                .iter()
                .any(|place| said.contains(&(name.as_str(), *place)));
            assert!(
                is_said,
                "docs/dependencies.md does not say why {place} has {name}"
            );
        }
    }
}
