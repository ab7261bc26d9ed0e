//! The rights of flex2csi's accounts, held against what they did.

use std::collections::BTreeSet;

use flex2csi_testing::Cluster;
use flex2csi_testing::audit::Audit;
use serde_json::Value;

/// What speaks against this: an account was denied nothing, and all that it may do was
/// done, but for `unused`.
pub fn more_or_less(cluster: &Cluster, account: &Account) -> Option<String> {
    let user = format!("system:serviceaccount:{}", account.name);
    let audit = Audit::read(cluster.directory()).unwrap();
    let denied = audit.denied(&user);
    if !denied.is_empty() {
        return Some(format!("denied: {denied:?}"));
    }
    let done = audit.counts(&user);
    let mut unused = BTreeSet::new();
    for rule in &account.rules {
        if !done.contains_key(rule) {
            unused.insert(rule.as_str());
        }
    }
    let expected: BTreeSet<&str> = account.unused.iter().map(|(rule, _)| *rule).collect();
    (unused != expected).then(|| format!("{user} did {done:?}, and not {unused:?}"))
}

/// An account and its rights.
pub struct Account {
    /// Namespace and name, with a colon between.
    name: String,
    /// `verb resource`, each.
    rules: BTreeSet<String>,
    /// What a story does not do, and why it may be done.
    unused: &'static [(&'static str, &'static str)],
}

impl Account {
    /// An account with its rights, as they are bound to it now.
    pub async fn read(
        cluster: &Cluster,
        name: &str,
        unused: &'static [(&'static str, &'static str)],
    ) -> Self {
        let mut rules = BTreeSet::new();
        for (binding, namespaced) in [("clusterrolebindings", false), ("rolebindings", true)] {
            for binding in items(cluster, binding).await {
                let subjects = binding["subjects"].as_array().into_iter().flatten();
                let mut names = subjects.map(|subject| {
                    let part = |key: &str| subject[key].as_str().unwrap_or_default().to_owned();
                    format!("{}:{}", part("namespace"), part("name"))
                });
                if !names.any(|other| other == name) {
                    continue;
                }
                let role = &binding["roleRef"];
                let kind = if role["kind"] == "Role" {
                    "roles"
                } else {
                    "clusterroles"
                };
                let namespace = binding["metadata"]["namespace"].as_str();
                for found in items(cluster, kind).await {
                    let is_there = !namespaced
                        || kind == "clusterroles"
                        || found["metadata"]["namespace"].as_str() == namespace;
                    if found["metadata"]["name"] == role["name"] && is_there {
                        rules.extend(rules_of(&found));
                    }
                }
            }
        }
        assert!(!rules.is_empty(), "{name} has no rights");
        Self {
            name: name.to_owned(),
            rules,
            unused,
        }
    }
}

fn rules_of(role: &Value) -> Vec<String> {
    let texts = |value: &Value| -> Vec<String> {
        let texts = value.as_array().unwrap().iter();
        texts
            .map(|text| text.as_str().unwrap().to_owned())
            .collect()
    };
    let mut all = Vec::new();
    for rule in role["rules"].as_array().unwrap() {
        for resource in texts(&rule["resources"]) {
            let verbs = texts(&rule["verbs"]).into_iter();
            all.extend(verbs.map(|verb| format!("{verb} {resource}")));
        }
    }
    all
}

async fn items(cluster: &Cluster, kind: &str) -> Vec<Value> {
    let arguments = ["get", kind, "-A", "-o", "json"];
    let text = cluster.kubectl(arguments).await.unwrap();
    let list: Value = serde_json::from_str(&text).unwrap();
    list["items"].as_array().unwrap().clone()
}
