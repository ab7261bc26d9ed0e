use std::fs;
use std::path::Path;

use super::{Source, expand};
use crate::manifest::Error;

fn write(directory: &Path, names: &[&str]) {
    for name in names {
        let path = directory.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "").unwrap();
    }
}

fn names(directory: &Path, sources: &[Source]) -> Vec<String> {
    let name = |source: &Source| match source {
        Source::Stdin => "-".to_owned(),
        Source::File(path) => path.strip_prefix(directory).unwrap().display().to_string(),
    };
    sources.iter().map(name).collect()
}

#[test]
fn a_directory_stands_for_its_manifests_by_name() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path();
    write(
        root,
        &[
            "b.yaml", "a.yml", "C.json", "d.txt", "e.YAML", "yaml", "b/x.yaml", "a/y.json",
        ],
    );
    assert_eq!(
        names(root, &expand([root], false).unwrap()),
        ["C.json", "a.yml", "b.yaml"]
    );
    assert_eq!(
        names(root, &expand([root], true).unwrap()),
        ["C.json", "a/y.json", "a.yml", "b/x.yaml", "b.yaml"]
    );
}

#[test]
fn what_is_given_by_name_is_taken_in_that_order() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path();
    write(root, &["b.txt", "a.yaml"]);
    let given = [
        root.join("b.txt"),
        "-".into(),
        root.join("a.yaml"),
        root.join("b.txt"),
    ];
    let sources = expand(given, false).unwrap();
    assert_eq!(names(root, &sources), ["b.txt", "-", "a.yaml", "b.txt"]);
}

#[test]
fn what_cannot_be_read_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path();
    let gone = root.join("gone.yaml");
    let error = expand([&gone], false).unwrap_err();
    assert!(
        matches!(&error, Error::Missing { path } if *path == gone),
        "{error}"
    );
    write(root, &["sub/a.yaml"]);
    let error = expand([root], false).unwrap_err();
    assert!(
        matches!(&error, Error::NoManifests { path } if path == root),
        "{error}"
    );
    assert!(matches!(expand(["-", "-"], false), Err(Error::StdinTwice)));
}

#[cfg(unix)]
#[test]
fn a_mounted_config_map_is_read_once() {
    use std::os::unix::fs::symlink;

    let directory = tempfile::tempdir().unwrap();
    let root = directory.path();
    write(root, &["..2024/a.yaml"]);
    symlink("..2024", root.join("..data")).unwrap();
    symlink("..data/a.yaml", root.join("a.yaml")).unwrap();
    assert_eq!(names(root, &expand([root], false).unwrap()), ["a.yaml"]);
}
