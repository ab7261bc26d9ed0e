//! The rights that the manifests in `deploy/rbac` give.

use std::borrow::Cow;

use super::Right;
use crate::rewrite::PIN_NAMESPACE;

/// The rights that a plan needs, as `deploy/rbac/plan.yaml` has them.
pub const PLAN: &str = include_str!("../../deploy/rbac/plan.yaml");

/// A file in `deploy/rbac`.
#[derive(Debug, Clone, Copy)]
pub struct Manifest {
    /// Its name, as in messages.
    pub file: &'static str,
    /// What it says.
    pub text: &'static str,
    /// The rights that its roles give.
    pub rights: &'static [Right],
}

/// A right for a resource or one of its subresources, in one namespace or all, and for the
/// object of one name or all. (What has a destructor cannot be taken apart in a constant.)
const fn of(
    verb: &'static str,
    group: &'static str,
    (resource, subresource): (&'static str, &'static str),
    (namespace, name): (&'static str, &'static str),
) -> Right {
    Right {
        namespace: Cow::Borrowed(namespace),
        verb,
        group,
        resource,
        subresource,
        name: Cow::Borrowed(name),
    }
}

const fn right(verb: &'static str, group: &'static str, resource: &'static str) -> Right {
    of(verb, group, (resource, ""), ("", ""))
}

const fn pin(verb: &'static str, resource: &'static str) -> Right {
    of(verb, "", (resource, ""), (PIN_NAMESPACE, ""))
}

const fn status(verb: &'static str, group: &'static str, resource: &'static str) -> Right {
    of(verb, group, (resource, "status"), ("", ""))
}

const fn fence(verb: &'static str, resource: &'static str) -> Right {
    of(verb, ADMISSION, (resource, ""), ("", "flex2csi-fence"))
}

const STORAGE: &str = "storage.k8s.io";
const ADMISSION: &str = "admissionregistration.k8s.io";
const OURS: &str = "flex2csi.io";

/// To list the journal, which [`PLAN`] gives.
pub const JOURNAL: Right = right("list", OURS, "volumemigrations");

/// What a rewrite and a rollback do to the cluster, beside what a plan reads.
pub const REWRITE: Manifest = Manifest {
    file: "deploy/rbac/rewrite.yaml",
    text: include_str!("../../deploy/rbac/rewrite.yaml"),
    rights: &[
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
    ],
};

/// What it needs beside that for volumes that are pinned under their pods.
pub const PINS: Manifest = Manifest {
    file: "deploy/rbac/rewrite-pins.yaml",
    text: include_str!("../../deploy/rbac/rewrite-pins.yaml"),
    rights: &[
        right("get", "", "nodes"),
        right("get", STORAGE, "volumeattachments"),
        right("get", OURS, "nodevolumes"),
        pin("get", "pods"),
        pin("create", "pods"),
        pin("patch", "pods"),
        pin("delete", "pods"),
        pin("create", "persistentvolumeclaims"),
        pin("delete", "persistentvolumeclaims"),
    ],
};

/// What `--wait-idle` and `--restart` need beside these.
pub const RESTART: Manifest = Manifest {
    file: "deploy/rbac/rewrite-restart.yaml",
    text: include_str!("../../deploy/rbac/rewrite-restart.yaml"),
    rights: &[
        right("watch", "", "pods"),
        right("watch", "", "nodes"),
        right("watch", STORAGE, "volumeattachments"),
        right("watch", OURS, "nodevolumes"),
        right("get", "apps", "deployments"),
        right("patch", "apps", "deployments"),
        right("get", "apps", "statefulsets"),
        right("patch", "apps", "statefulsets"),
        right("get", "apps", "replicasets"),
        right("patch", "apps", "replicasets"),
        right("get", "apps", "daemonsets"),
        right("patch", "apps", "daemonsets"),
        right("get", "", "replicationcontrollers"),
        right("patch", "", "replicationcontrollers"),
        right("get", "batch", "jobs"),
        right("patch", "batch", "jobs"),
    ],
};

/// To look for a Secret, and to read it.
pub const GET_SECRET: Right = right("get", "", "secrets");
/// To make one.
pub const CREATE_SECRET: Right = right("create", "", "secrets");

/// What `--create-secrets` needs.
pub const SECRETS: Manifest = Manifest {
    file: "deploy/rbac/rewrite-secrets.yaml",
    text: include_str!("../../deploy/rbac/rewrite-secrets.yaml"),
    rights: &[GET_SECRET, CREATE_SECRET],
};

/// What `--fence` needs.
pub const FENCE: Manifest = Manifest {
    file: "deploy/rbac/rewrite-fence.yaml",
    text: include_str!("../../deploy/rbac/rewrite-fence.yaml"),
    rights: &[
        right("create", ADMISSION, "validatingadmissionpolicies"),
        right("create", ADMISSION, "validatingadmissionpolicybindings"),
        fence("patch", "validatingadmissionpolicies"),
        fence("delete", "validatingadmissionpolicies"),
        fence("delete", "validatingadmissionpolicybindings"),
        right("get", OURS, "claimfences"),
        right("create", OURS, "claimfences"),
        right("patch", OURS, "claimfences"),
        right("delete", OURS, "claimfences"),
        fence("get", "validatingadmissionpolicies"),
        fence("get", "validatingadmissionpolicybindings"),
    ],
};

/// What the server-side dry run needs beside reading.
pub const DRY_RUN: [Right; 2] = [
    right("create", "", "persistentvolumes"),
    right("create", STORAGE, "storageclasses"),
];

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
            let names = match &rule["resourceNames"] {
                serde_json::Value::Null => vec![String::new()],
                names => texts(names).iter().map(|name| format!(" {name}")).collect(),
            };
            for resource in texts(&rule["resources"]) {
                for verb in texts(&rule["verbs"]) {
                    for name in &names {
                        rights.push(format!("{verb} {resource}{group}{name}{place}"));
                    }
                }
            }
        }
        rights
    }

    #[test]
    fn what_is_asked_for_is_what_a_rewrite_is_given() {
        for manifest in [REWRITE, PINS, RESTART, SECRETS, FENCE] {
            let mut asked: Vec<String> = manifest.rights.iter().map(ToString::to_string).collect();
            asked.sort();
            assert_eq!(asked, rights(manifest.text), "{}", manifest.file);
            let path = format!("{}/{}", env!("CARGO_MANIFEST_DIR"), manifest.file);
            assert_eq!(std::fs::read_to_string(path).unwrap(), manifest.text);
        }
        let of_plan: Vec<String> = PLAN
            .split("---\n")
            .filter(|text| text.contains("rules:"))
            .flat_map(of_role)
            .collect();
        assert!(of_plan.contains(&JOURNAL.to_string()), "{of_plan:?}");
    }
}
