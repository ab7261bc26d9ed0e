//! What a plan and a rewrite have to be allowed, and whether they are.

mod review;

pub use review::{may_get_secret, missing};

use crate::rewrite::PIN_NAMESPACE;

/// The rights that a plan needs, as `deploy/rbac/plan.yaml` has them.
pub const PLAN: &str = include_str!("../deploy/rbac/plan.yaml");

/// The rights that a rewrite and a rollback need beside these.
pub const REWRITE_ROLE: &str = include_str!("../deploy/rbac/rewrite.yaml");

/// What it needs beside that for volumes that are pinned under their pods.
pub const PINS_ROLES: &str = include_str!("../deploy/rbac/rewrite-pins.yaml");

/// What `--wait-idle` and `--restart` need beside these.
pub const RESTART_ROLES: &str = include_str!("../deploy/rbac/rewrite-restart.yaml");

/// What `--fence` needs.
pub const FENCE_ROLE: &str = include_str!("../deploy/rbac/rewrite-fence.yaml");

/// A right: verb, API group, resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Right {
    /// Empty for what is in none, or for all of them.
    namespace: &'static str,
    verb: &'static str,
    group: &'static str,
    resource: &'static str,
    subresource: &'static str,
}

const fn right(verb: &'static str, group: &'static str, resource: &'static str) -> Right {
    Right {
        namespace: "",
        verb,
        group,
        resource,
        subresource: "",
    }
}

const fn pin(verb: &'static str, resource: &'static str) -> Right {
    Right {
        namespace: PIN_NAMESPACE,
        ..right(verb, "", resource)
    }
}

const fn status(verb: &'static str, group: &'static str, resource: &'static str) -> Right {
    Right {
        subresource: "status",
        ..right(verb, group, resource)
    }
}

const STORAGE: &str = "storage.k8s.io";
const OURS: &str = "flex2csi.io";

/// What the rewrite does to the cluster: `deploy/rbac/rewrite.yaml`.
pub const REWRITE: [Right; 18] = [
    right("get", "", "persistentvolumes"),
    right("watch", "", "persistentvolumes"),
    right("patch", "", "persistentvolumes"),
    right("delete", "", "persistentvolumes"),
    right("create", "", "persistentvolumes"),
    right("get", STORAGE, "storageclasses"),
    right("patch", STORAGE, "storageclasses"),
    right("delete", STORAGE, "storageclasses"),
    right("create", STORAGE, "storageclasses"),
    right("get", "", "persistentvolumeclaims"),
    right("watch", "", "persistentvolumeclaims"),
    right("patch", "", "persistentvolumeclaims"),
    right("get", OURS, "volumemigrations"),
    right("watch", OURS, "volumemigrations"),
    right("create", OURS, "volumemigrations"),
    right("patch", OURS, "volumemigrations"),
    status("patch", OURS, "volumemigrations"),
    right("create", "", "events"),
];

/// Those without which a rewrite would stop half way. Without watching it looks by
/// itself, and an event that cannot be written is none.
pub fn needed(classes: bool, claims: bool) -> Vec<Right> {
    let is_needed = |right: &Right| match right.resource {
        "events" => false,
        "storageclasses" => classes,
        "persistentvolumeclaims" => claims,
        _ => true,
    };
    let needed = REWRITE.into_iter();
    needed
        .filter(|right| right.verb != "watch" && is_needed(right))
        // The journal, which `deploy/rbac/plan.yaml` has the right to list.
        .chain([right("list", OURS, "volumemigrations")])
        .collect()
}

/// What pins need beside that: `deploy/rbac/rewrite-pins.yaml`.
pub const PINS: [Right; 9] = [
    right("get", "", "nodes"),
    right("get", STORAGE, "volumeattachments"),
    right("get", OURS, "nodevolumes"),
    pin("get", "pods"),
    pin("create", "pods"),
    pin("patch", "pods"),
    pin("delete", "pods"),
    pin("create", "persistentvolumeclaims"),
    pin("delete", "persistentvolumeclaims"),
];

/// What the server-side dry run needs beside reading.
pub const DRY_RUN: [Right; 2] = [
    right("create", "", "persistentvolumes"),
    right("create", STORAGE, "storageclasses"),
];

impl std::fmt::Display for Right {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.verb, self.resource)?;
        if !self.subresource.is_empty() {
            write!(f, "/{}", self.subresource)?;
        }
        if !self.group.is_empty() {
            write!(f, ".{}", self.group)?;
        }
        match self.namespace {
            "" => Ok(()),
            namespace => write!(f, " in namespace {namespace}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::yaml;

    /// The rights of the roles in a manifest.
    fn rights(manifest: &str) -> Vec<String> {
        let mut rights: Vec<String> = manifest.split("---\n").flat_map(of_role).collect();
        rights.sort();
        rights
    }

    fn of_role(manifest: &str) -> Vec<String> {
        let json = yaml::to_json(manifest, 1).unwrap();
        let role: serde_json::Value = serde_json::from_str(&json).unwrap();
        let texts = |value: &serde_json::Value| -> Vec<String> {
            serde_json::from_value(value.clone()).unwrap()
        };
        let place = match role["metadata"]["namespace"].as_str() {
            Some(namespace) => format!(" in namespace {namespace}"),
            None => String::new(),
        };
        let mut rights = Vec::new();
        for rule in role["rules"].as_array().unwrap() {
            let group = match texts(&rule["apiGroups"])[0].as_str() {
                "" => String::new(),
                group => format!(".{group}"),
            };
            for resource in texts(&rule["resources"]) {
                for verb in texts(&rule["verbs"]) {
                    rights.push(format!("{verb} {resource}{group}{place}"));
                }
            }
        }
        rights
    }

    #[test]
    fn what_is_asked_for_is_what_a_rewrite_is_given() {
        for (asked, given) in [(&REWRITE[..], REWRITE_ROLE), (&PINS[..], PINS_ROLES)] {
            let mut asked: Vec<String> = asked.iter().map(ToString::to_string).collect();
            asked.sort();
            assert_eq!(asked, rights(given));
        }
    }
}
