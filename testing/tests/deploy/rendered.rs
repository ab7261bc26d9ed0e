//! Kustomizations of `deploy/` as the objects that they are.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use flex2csi_testing::deployed::objects_in;
use flex2csi_testing::overlaid::overlaid;
use flex2csi_testing::programs;
use serde_json::Value;

/// `deploy/`.
pub fn deploy() -> PathBuf {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../deploy");
    PathBuf::from(path).canonicalize().unwrap()
}

/// The overlays, by name.
pub fn overlays() -> Vec<String> {
    let entries = deploy().join("overlays").read_dir().unwrap();
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert!(names.contains(&"test-hostpath".to_owned()), "{names:?}");
    names
}

/// The objects of a directory under `deploy/`, as `kubectl apply -k` would apply them.
pub fn rendered(directory: &str) -> Vec<Value> {
    kustomized(&deploy().join(directory))
}

/// The objects of any kustomization.
pub fn kustomized(directory: &Path) -> Vec<Value> {
    let kubectl = programs::built("kubectl").unwrap();
    let output = Command::new(kubectl)
        .arg("kustomize")
        .arg(directory)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {said}", directory.display());
    // Deprecated fields are warned of here.
    assert_eq!(said, "", "{}", directory.display());
    let file = tempfile::Builder::new().suffix(".yaml").tempfile().unwrap();
    std::fs::write(file.path(), output.stdout).unwrap();
    objects_in(file.path())
}

/// The objects of an overlay with components.
pub fn with(overlay: &str, components: &[&str]) -> Vec<Value> {
    kustomized(overlaid(overlay, components).unwrap().path())
}

/// What kind an object is of.
pub fn kind(object: &Value) -> &str {
    object["kind"].as_str().unwrap()
}

/// Kind and name, to be told in messages.
pub fn title(object: &Value) -> String {
    let name = object["metadata"]["name"].as_str().unwrap();
    format!("{} {name}", kind(object))
}
