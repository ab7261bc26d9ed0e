//! What the roles of `deploy/` give, held against what was done with it: neither is a
//! right missing, nor is one idle. [`table`] says which test uses which right.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;

use crate::Cluster;
use crate::audit::{Audit, Call};
use crate::deployed::objects_in;

pub mod table;

/// A role, as `ClusterRole flex2csi-plan`, and a right that it gives, as kubectl names
/// resources: `list daemonsets.apps`, `patch volumeattachments.storage.k8s.io/status`.
pub type Right = (String, String);

/// The rights that the roles in `deploy/` give, each with the files that give it.
///
/// # Panics
/// A file cannot be read.
#[must_use]
pub fn given() -> BTreeMap<Right, BTreeSet<String>> {
    let mut given: BTreeMap<Right, BTreeSet<String>> = BTreeMap::new();
    for (file, object) in objects() {
        let kind = text(&object["kind"]);
        if kind == "Role" || kind == "ClusterRole" {
            for what in rights_of(&object) {
                let role = format!("{kind} {}", text(&object["metadata"]["name"]));
                given.entry((role, what)).or_default().insert(file.clone());
            }
        }
    }
    given
}

/// Asserts that a test has used every right that the table says it uses, and that nobody
/// who has rights of `deploy/` lacked one, but for `without`, as `get secrets`.
///
/// # Panics
/// A right was idle, or one was missing; or the table has nothing of this test.
pub async fn prove(cluster: &Cluster, test: &str, without: &[&str]) {
    let mut found = wrong(cluster, test, without);
    // A watch is logged when it ends, which the server sees a little later.
    for _ in 0..40 {
        if found.is_empty() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(250)).await;
        found = wrong(cluster, test, without);
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

/// What speaks against it, a line each. See [`prove`].
#[must_use]
#[expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
pub fn wrong(cluster: &Cluster, test: &str, without: &[&str]) -> Vec<String> {
    let audit = Audit::read(cluster.directory()).unwrap();
    let given = given();
    let roles: BTreeSet<&str> = given.keys().map(|(role, _)| role.as_str()).collect();
    let mut used: BTreeSet<Right> = BTreeSet::new();
    // By user, of those whom a role of ours allowed something.
    let mut done: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for call in audit.all().filter(|call| roles.contains(&*call.role)) {
        let done = done.entry(&call.user).or_default();
        if call.code != 403 {
            done.extend(uses(call));
            used.extend(uses(call).into_iter().map(|what| (call.role.clone(), what)));
        }
    }
    let mut wrong = Vec::new();
    let of_test = table::USED.iter().filter(|row| row.test == test);
    let rights: BTreeSet<Right> = of_test.flat_map(table::Row::rights).collect();
    if rights.is_empty() {
        wrong.push(format!("the table of rights has nothing of {test}"));
    }
    for right in rights.difference(&used) {
        let (role, what) = right;
        let files = given.get(right).cloned().unwrap_or_default();
        let files = Vec::from_iter(files).join(", ");
        wrong.push(format!(
            "{test} did not use `{what}` of {role} in deploy/{files}"
        ));
    }
    // What was allowed at another time was granted during the test.
    let is_lacking = |call: &&Call| {
        let done = done.get(&*call.user);
        (call.code == 403 || call.denied)
            && done.is_some_and(|done| {
                uses(call)
                    .iter()
                    .all(|what| !done.contains(what) && !without.contains(&&**what))
            })
    };
    let refused = audit.all().filter(is_lacking);
    let refused: BTreeSet<String> = refused.map(ToString::to_string).collect();
    wrong.extend(refused.into_iter().map(|call| format!("refused: {call}")));
    wrong
}

/// Which rights a call has taken. Two are asked for by the server and in no log: what is
/// applied and was not there is created by a patch that answers 201, and whoever makes an
/// admission policy with parameters has to be allowed to get these (kubernetes v1.36,
/// pkg/registry/admissionregistration/validatingadmissionpolicy/authz.go).
fn uses(call: &Call) -> Vec<String> {
    let (resource, subresource) = match call.resource.split_once('/') {
        Some((resource, subresource)) => (resource, Some(subresource)),
        None => (&*call.resource, None),
    };
    let named = named(&call.group, resource, subresource);
    let mut uses = vec![format!("{} {named}", call.verb)];
    if call.verb == "patch" && call.code == 201 {
        uses.push(format!("create {named}"));
    }
    if call.verb == "create" && call.code == 201 && resource == "validatingadmissionpolicies" {
        uses.push("get claimfences.flex2csi.io".to_owned());
    }
    uses
}

fn rights_of(role: &Value) -> Vec<String> {
    let mut rights = Vec::new();
    for rule in role["rules"].as_array().into_iter().flatten() {
        for group in texts(&rule["apiGroups"]) {
            for resource in texts(&rule["resources"]) {
                let (resource, subresource) = match resource.split_once('/') {
                    Some((resource, subresource)) => (resource, Some(subresource)),
                    None => (resource, None),
                };
                let named = named(group, resource, subresource);
                let verbs = texts(&rule["verbs"]);
                rights.extend(verbs.map(|verb| format!("{verb} {named}")));
            }
        }
    }
    rights
}

fn named(group: &str, resource: &str, subresource: Option<&str>) -> String {
    let dot = if group.is_empty() { "" } else { "." };
    let rest = subresource.map(|subresource| format!("/{subresource}"));
    format!("{resource}{dot}{group}{}", rest.unwrap_or_default())
}

/// The roles and bindings in `deploy/`, each with its file.
#[expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
fn objects() -> Vec<(String, Value)> {
    let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../deploy"));
    let mut files = Vec::new();
    collect(root, &mut files);
    let mut all = Vec::new();
    for file in files {
        // Others are no manifests, some of them.
        let is_of_rights = std::fs::read_to_string(&file)
            .unwrap()
            .contains("apiVersion: rbac.authorization.k8s.io/v1");
        if is_of_rights {
            let name = file.strip_prefix(root).unwrap().display().to_string();
            all.extend(
                objects_in(&file)
                    .into_iter()
                    .map(|object| (name.clone(), object)),
            );
        }
    }
    all
}

#[expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
fn collect(directory: &Path, into: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, into);
        } else if path
            .extension()
            .is_some_and(|extension| extension == "yaml")
        {
            into.push(path);
        }
    }
    into.sort();
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn texts(value: &Value) -> impl Iterator<Item = &str> {
    value.as_array().into_iter().flatten().map(text)
}

#[cfg(test)]
mod tests;
