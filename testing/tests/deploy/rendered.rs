//! Kustomizations of `deploy/` as the objects that they are.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use flex2csi::manifest::{self, Seen, each_object};
use flex2csi_testing::programs;
use serde_json::{Value, json};
use tempfile::TempDir;

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
    let mut objects = Vec::new();
    each_object::<manifest::Error>(&[file.path().to_str().unwrap().to_owned()], |seen| {
        match seen {
            Seen::Object(object) => objects.push(serde_json::from_slice(object.json).unwrap()),
            Seen::Broken(problem) => panic!("{problem}"),
        }
        Ok(())
    })
    .unwrap();
    assert!(!objects.is_empty(), "{}", directory.display());
    objects
}

/// What a site makes of an overlay of ours: an overlay of its own, with these components.
pub fn overlaid(overlay: &str, components: &[&str]) -> TempDir {
    let directory = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let deploy = relative(directory.path(), &deploy());
    let components: Vec<PathBuf> = components
        .iter()
        .map(|component| deploy.join("components").join(component))
        .collect();
    let kustomization = json!({
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "resources": [deploy.join("overlays").join(overlay)],
        "components": components,
    });
    let file = directory.path().join("kustomization.yaml");
    std::fs::write(file, kustomization.to_string()).unwrap();
    directory
}

/// Its objects.
pub fn with(overlay: &str, components: &[&str]) -> Vec<Value> {
    kustomized(overlaid(overlay, components).path())
}

/// kubectl takes no absolute paths.
fn relative(from: &Path, to: &Path) -> PathBuf {
    let from = from.canonicalize().unwrap();
    let up = from.components().skip(1).map(|_| "..");
    up.collect::<PathBuf>().join(to.strip_prefix("/").unwrap())
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
