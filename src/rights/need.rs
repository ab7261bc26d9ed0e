//! Which rights a run needs, by what it will do, and which manifest gives each.

use std::collections::BTreeSet;

use super::Right;
use super::tables::{
    CREATE_SECRET, FENCE, GET_SECRET, JOURNAL, Manifest, PINS, RESTART, REWRITE, SECRETS,
};

/// What gives the right to list the journal.
const PLAN_FILE: &str = "deploy/rbac/plan.yaml";
/// What every namespace may have a role of its own for.
const CLAIMS: &str = "persistentvolumeclaims";
const CLAIM_FENCES: &str = "claimfences";

/// The namespaces that a run is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Places {
    /// All that there are.
    All,
    /// These.
    These(BTreeSet<String>),
}

/// A right that a run needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Need {
    /// For all namespaces, or for the one that it names.
    pub right: Right,
    /// Where the same will do: in each of these namespaces, if there are any.
    pub or_in: BTreeSet<String>,
    /// The manifest that gives it.
    pub file: &'static str,
}

impl Need {
    fn new(right: Right, file: &'static str) -> Self {
        Self {
            right,
            or_in: BTreeSet::new(),
            file,
        }
    }

    /// The same right in each of the namespaces.
    pub fn in_each(&self) -> impl Iterator<Item = Self> {
        let namespaces = self.or_in.iter();
        namespaces.map(|namespace| Self::new(self.right.at(namespace), self.file))
    }
}

fn needs(manifest: Manifest, is_needed: impl Fn(&Right) -> bool) -> impl Iterator<Item = Need> {
    let rights = manifest.rights.iter();
    rights
        .filter(move |right| is_needed(right))
        .map(move |right| Need::new(right.clone(), manifest.file))
}

/// Those of some namespaces alone. None are needed where there is none.
fn at(places: &Places, resource: &str, need: Need) -> Option<Need> {
    match places {
        Places::These(namespaces) if need.right.resource == resource => {
            let or_in = namespaces.clone();
            (!or_in.is_empty()).then_some(Need { or_in, ..need })
        }
        _ => Some(need),
    }
}

/// Those without which a rewrite or a rollback would stop half way. Without watching it
/// looks by itself, and an event that cannot be written is none. `classes`: whether there
/// may be StorageClasses; `claims`: where claims may be.
pub fn of_rewrite(classes: bool, claims: &Places) -> Vec<Need> {
    let needed = needs(REWRITE, |right| {
        let is_meant = match right.resource {
            "events" => false,
            "storageclasses" => classes,
            _ => true,
        };
        is_meant && right.verb != "watch"
    });
    needed
        .filter_map(|need| at(claims, CLAIMS, need))
        .chain([Need::new(JOURNAL, PLAN_FILE)])
        .collect()
}

/// Those that pins need beside that, in the namespace where they are; `makes`: whether
/// some are made, or may be there, or they are only looked for.
pub fn of_pins(namespace: &str, makes: bool) -> Vec<Need> {
    let of_pins = needs(PINS, |right| makes || right.verb == "get");
    // What gives this to a rewrite may be bound where the volumes' claims are.
    let claims = needs(REWRITE, |right| {
        right.resource == CLAIMS && right.verb == "get"
    });
    let claims = claims.map(|need| Need {
        right: need.right.at(namespace),
        ..need
    });
    of_pins
        .map(|mut need| {
            if !need.right.namespace.is_empty() {
                need.right = need.right.at(namespace);
            }
            need
        })
        .chain(claims)
        .collect()
}

/// Those that `--fence` needs for claims in these places. Whoever makes a policy has to
/// be allowed to get all that its parameters may be.
pub fn of_fence(claims: &Places) -> Vec<Need> {
    needs(FENCE, |_| true)
        .filter_map(|need| match need.right.verb {
            "get" => Some(need),
            _ => at(claims, CLAIM_FENCES, need),
        })
        .collect()
}

/// Those that a restart needs to stop workloads of a group and resource in these
/// namespaces, and to put them back.
pub fn of_restart(group: &str, resource: &str, namespaces: &BTreeSet<String>) -> Vec<Need> {
    let of_it = needs(RESTART, |right| {
        right.verb != "watch" && right.group == group && right.resource == resource
    });
    of_it
        .map(|need| Need {
            or_in: namespaces.clone(),
            ..need
        })
        .collect()
}

/// Those that `--create-secrets` needs to read these Secrets, by namespace and name, and to
/// make new ones in these namespaces. A role may be for some Secrets alone.
pub fn of_secrets(read: &BTreeSet<(String, String)>, made: &BTreeSet<String>) -> Vec<Need> {
    let read = read.iter();
    let read = read.map(|(namespace, name)| GET_SECRET.of_one(namespace, name));
    let made = made.iter().map(|namespace| CREATE_SECRET.at(namespace));
    let rights = read.chain(made);
    rights.map(|right| Need::new(right, SECRETS.file)).collect()
}

/// Those without which volumes in use are looked at now and then, and not when something
/// happens.
pub fn of_watching() -> Vec<Need> {
    needs(RESTART, |right| right.verb == "watch").collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(needs: &[Need]) -> Vec<String> {
        let names = needs
            .iter()
            .map(|need| format!("{} {}", need.right, need.file));
        names.collect()
    }

    fn these(namespaces: &[&str]) -> Places {
        Places::These(namespaces.iter().map(|name| (*name).to_owned()).collect())
    }

    #[test]
    fn a_rewrite_needs_what_it_is_about() {
        let all = names(&of_rewrite(true, &Places::All));
        assert!(
            all.contains(&"patch storageclasses.storage.k8s.io deploy/rbac/rewrite.yaml".into())
        );
        assert!(all.contains(&"list volumemigrations.flex2csi.io deploy/rbac/plan.yaml".into()));
        assert!(
            !all.iter()
                .any(|name| name.contains("watch") || name.contains("events"))
        );
        let few = of_rewrite(false, &these(&["shop"]));
        assert!(
            !names(&few)
                .iter()
                .any(|name| name.contains("storageclasses"))
        );
        let of_claims: Vec<String> = few
            .iter()
            .flat_map(Need::in_each)
            .map(|need| need.right.to_string())
            .collect();
        assert_eq!(
            of_claims,
            [
                "get persistentvolumeclaims in namespace shop",
                "patch persistentvolumeclaims in namespace shop"
            ]
        );
        let none = names(&of_rewrite(false, &these(&[])));
        assert!(!none.iter().any(|name| name.contains("claims")), "{none:?}");
    }

    #[test]
    fn pins_are_where_they_are_told_to_be() {
        let pins = names(&of_pins("elsewhere", true));
        let made = "create pods in namespace elsewhere deploy/rbac/rewrite-pins.yaml";
        assert!(pins.contains(&made.to_owned()), "{pins:?}");
        let read = "get persistentvolumeclaims in namespace elsewhere deploy/rbac/rewrite.yaml";
        assert!(pins.contains(&read.to_owned()), "{pins:?}");
        assert!(pins.contains(&"get nodes deploy/rbac/rewrite-pins.yaml".to_owned()));
        let looked_for = names(&of_pins("elsewhere", false));
        assert!(
            looked_for.iter().all(|name| name.starts_with("get ")),
            "{looked_for:?}"
        );
    }

    #[test]
    fn a_fence_and_a_restart_may_be_allowed_by_namespace() {
        let fence = of_fence(&these(&["shop"]));
        let by_namespace: Vec<String> = fence
            .iter()
            .filter(|need| !need.or_in.is_empty())
            .map(|need| need.right.to_string())
            .collect();
        let expected =
            ["create", "patch", "delete"].map(|verb| format!("{verb} claimfences.flex2csi.io"));
        assert_eq!(by_namespace, expected);
        assert_eq!(fence.len(), FENCE.rights.len());
        let namespaces = ["shop".to_owned()].into();
        let restart = of_restart("apps", "statefulsets", &namespaces);
        let in_shop: Vec<String> = restart
            .iter()
            .flat_map(Need::in_each)
            .map(|need| need.right.to_string())
            .collect();
        assert_eq!(
            in_shop,
            ["get", "patch"].map(|verb| format!("{verb} statefulsets.apps in namespace shop"))
        );
        assert_eq!(of_watching().len(), 4);
    }

    #[test]
    fn secrets_are_read_by_name_and_made_by_namespace() {
        let read = ["old", "new"].map(|name| ("shop".to_owned(), name.to_owned()));
        let needs = of_secrets(&read.into(), &["shop".to_owned()].into());
        let file = "deploy/rbac/rewrite-secrets.yaml";
        let expected = [
            "get secrets new in namespace shop",
            "get secrets old in namespace shop",
            "create secrets in namespace shop",
        ];
        assert_eq!(
            names(&needs),
            expected.map(|right| format!("{right} {file}"))
        );
        assert_eq!(of_secrets(&BTreeSet::new(), &BTreeSet::new()), []);
    }
}
