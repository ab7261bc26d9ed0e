//! No file of `deploy/` is forgotten.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use flex2csi::manifest::yaml;
use serde_json::Value;

use crate::rendered::deploy;

/// What is applied by hand, or read by a person.
const BY_HAND: [&str; 2] = ["config.yaml", "rbac/examples/secret.yaml"];

fn walk(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in directory.read_dir().unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            walk(&path, found);
        } else if path
            .extension()
            .is_some_and(|extension| extension == "yaml")
        {
            found.push(path);
        }
    }
}

/// The files that a kustomization names.
fn named(kustomization: &Path) -> Vec<PathBuf> {
    let text = std::fs::read_to_string(kustomization).unwrap();
    let json: Value = serde_json::from_str(&yaml::to_json(&text, 1).unwrap()).unwrap();
    let generators = json["configMapGenerator"].as_array().into_iter().flatten();
    let files =
        generators.flat_map(|generator| generator["files"].as_array().into_iter().flatten());
    let resources = json["resources"].as_array().into_iter().flatten();
    let patches = json["patches"].as_array().into_iter().flatten();
    let patches = patches.filter_map(|patch| patch.get("path"));
    resources
        .chain(files)
        .chain(patches)
        .map(|name| {
            let name = name.as_str().unwrap();
            let file = name.split_once('=').map_or(name, |(_, file)| file);
            kustomization.with_file_name(file)
        })
        .filter(|path| path.is_file())
        .collect()
}

/// The API server is wherever it is: on port 443 or 6443 of most clusters, and on
/// 5443 of others, behind a name or not.
#[test]
fn no_policy_keeps_a_daemon_from_the_api_server() {
    let mut files = Vec::new();
    walk(&deploy(), &mut files);
    let policies = files.iter().filter_map(|path| {
        let text = std::fs::read_to_string(path).unwrap();
        let is_policy = text.lines().any(|line| line == "kind: NetworkPolicy");
        is_policy.then(|| yaml::to_json(&text, 1).unwrap())
    });
    let policies: Vec<Value> = policies
        .map(|json| serde_json::from_str(&json).unwrap())
        .collect();
    assert_eq!(policies.len(), 2);
    for policy in policies {
        let spec = &policy["spec"];
        let restricts = spec["policyTypes"].as_array().unwrap();
        assert!(!restricts.contains(&"Egress".into()), "{policy}");
        assert_eq!(spec.get("egress"), None);
    }
}

#[test]
fn every_file_is_in_a_kustomization() {
    let deploy = deploy();
    let mut files = Vec::new();
    walk(&deploy, &mut files);
    let (kustomizations, others): (Vec<PathBuf>, Vec<PathBuf>) = files
        .into_iter()
        .partition(|path| path.ends_with("kustomization.yaml"));
    assert!(kustomizations.len() > 5, "{kustomizations:?}");
    let named: BTreeSet<PathBuf> = kustomizations.iter().flat_map(|path| named(path)).collect();
    let forgotten: Vec<&Path> = others
        .iter()
        .filter(|path| !named.contains(*path))
        .map(|path| path.strip_prefix(&deploy).unwrap())
        .filter(|path| !BY_HAND.iter().any(|by_hand| Path::new(by_hand) == *path))
        .collect();
    assert!(forgotten.is_empty(), "in no kustomization: {forgotten:?}");
}
