//! What a run has to be allowed, and whether it is, before anything is touched.

use std::collections::{BTreeMap, BTreeSet};

use flex2csi_translators::rewrite::InUse;
use kube::Client;

use super::args::RewriteArgs;
use super::records::Known;
use super::restart;
use super::rewrite::is_in_use;
use crate::api_request::ask::AskError;
use crate::exit::{Done, Usage};
use crate::plan::row::Row;
use crate::rights::{self, FENCE, Manifest, Need, PINS, Places, RESTART, REWRITE, SECRETS};
use crate::{listing, selection::Selection};

/// Rights of one manifest that are named; there may be one for each of many namespaces.
const NAMED: usize = 12;

/// Asks for all of these.
///
/// # Errors
/// One is missing, or the API server does not say. `done`: what was done before.
pub async fn check(client: &Client, needs: Vec<Need>, done: &str) -> anyhow::Result<()> {
    match lacking(client, needs).await? {
        None => Ok(()),
        Some(what) => Err(Usage(format!("{done}: {what}")).into()),
    }
}

/// What of these is missing, in words.
///
/// # Errors
/// The API server does not say.
pub async fn lacking(client: &Client, needs: Vec<Need>) -> Result<Option<String>, AskError> {
    match rights::missing_of(client, needs).await {
        Ok(missing) => Ok(say(&missing)),
        // Whoever may not ask has to find out.
        Err(AskError::Forbidden { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

fn say(missing: &[Need]) -> Option<String> {
    let mut by_file: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for need in missing {
        let names = by_file.entry(need.file).or_default();
        let name = need.right.to_string();
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let parts = by_file.into_iter().map(|(file, mut names)| {
        let more = names.len().saturating_sub(NAMED);
        names.truncate(NAMED);
        let more = match more {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        format!("{}{more} ({file} has the rights)", names.join(", "))
    });
    let parts: Vec<String> = parts.collect();
    (!parts.is_empty()).then(|| format!("you may not {}", parts.join("; nor ")))
}

/// The namespaces of the claims that are asked for.
pub fn of_selection(selection: &Selection) -> Places {
    if !selection.has_namespaces() {
        return Places::All;
    }
    let of_claims = selection.claims.iter().map(|(namespace, _)| namespace);
    Places::These(of_claims.chain(&selection.namespaces).cloned().collect())
}

/// What every run needs, and its fence.
pub fn of_run(classes: bool, claims: &Places, fence: bool) -> Vec<Need> {
    let mut needs = rights::of_rewrite(classes, claims);
    if fence {
        needs.extend(rights::of_fence(claims));
    }
    needs
}

/// What records need that are gone on with: whether pods pin their volumes is looked at
/// again, and those of what was not done are removed, or made. `also`: where the ones of
/// this run would be.
pub fn of_records<'k>(known: impl IntoIterator<Item = &'k Known>, also: Option<&str>) -> Vec<Need> {
    let pinned = known.into_iter().filter_map(|record| record.pins.as_ref());
    let mut by_namespace: BTreeMap<&str, bool> = BTreeMap::new();
    for pins in pinned {
        let others = also.filter(|_| !pins.is_done);
        for namespace in std::iter::once(pins.namespace.as_str()).chain(others) {
            *by_namespace.entry(namespace).or_default() |= !pins.is_done;
        }
    }
    let needs = by_namespace.into_iter();
    needs
        .flat_map(|(namespace, makes)| rights::of_pins(namespace, makes))
        .collect()
}

/// What is going to be done with the objects of a run.
#[derive(Debug, Clone, Copy)]
pub struct Plans<'a> {
    /// The namespace of pin pods.
    pub pin_namespace: &'a str,
    /// Whether workloads are stopped; if so, whether those are that others have a say in.
    pub restart: Option<bool>,
}

/// What a run needs for these rows, beside what every run does.
pub fn of_rows(rows: &[Row], plans: Plans<'_>) -> Vec<Need> {
    let is_pinned =
        |row: &Row| row.is_ready() && matches!(row.in_use, InUse::Shim { attach: true, .. });
    let mut needs = Vec::new();
    if rows.iter().any(is_pinned) {
        needs.extend(rights::of_pins(plans.pin_namespace, true));
    }
    if let Some(managed) = plans.restart {
        let in_use = rows.iter().filter(|row| is_in_use(row)).cloned();
        let mut to_stop: BTreeMap<(&str, &str), BTreeSet<String>> = BTreeMap::new();
        for (kind, namespace) in restart::to_stop(in_use.collect(), managed) {
            let kind = (kind.group, kind.plural);
            to_stop.entry(kind).or_default().insert(namespace);
        }
        for ((group, resource), namespaces) in to_stop {
            needs.extend(rights::of_restart(group, resource, &namespaces));
        }
    }
    needs
}

/// Prints the rights that a rewrite as this one, and the plan that it makes, need.
///
/// # Errors
/// The output cannot be written.
pub fn print(args: &RewriteArgs) -> anyhow::Result<Done> {
    let mut roles = vec![rights::PLAN, REWRITE.text, PINS.text];
    let mut with = |is_asked: bool, manifest: Manifest| {
        if is_asked {
            roles.push(manifest.text);
        }
    };
    with(args.in_use.is_any(), RESTART);
    with(args.create_secrets, SECRETS);
    with(args.run.fence, FENCE);
    listing::print(&roles.join("---\n"))
}

#[cfg(test)]
mod tests {
    use flex2csi_translators::plan::{Restart, VerdictKind, Workload};
    use flex2csi_translators::rewrite::{Direction, ObjectKind};

    use super::*;
    use crate::drive::records::RecordedPins;

    fn row(verdict: VerdictKind, in_use: InUse, workloads: Vec<Workload>) -> Row {
        Row {
            in_use,
            workloads,
            ..Row::of_volume("a", verdict)
        }
    }

    fn shim(attach: bool) -> InUse {
        InUse::Shim {
            nodes: vec!["n".to_owned()],
            attach,
        }
    }

    fn needs(row: Row, restart: Option<bool>) -> Option<String> {
        let plans = Plans {
            pin_namespace: "pins",
            restart,
        };
        say(&of_rows(&[row], plans))
    }

    #[test]
    fn what_a_volume_needs_is_told_by_what_becomes_of_it() {
        let pinned = needs(row(VerdictKind::ReadyInUse, shim(true), Vec::new()), None);
        assert_eq!(
            pinned.unwrap(),
            "you may not get nodes, get volumeattachments.storage.k8s.io, get nodevolumes.flex2csi.io, \
             get pods in namespace pins, create pods in namespace pins, patch pods in namespace pins, \
             delete pods in namespace pins, create persistentvolumeclaims in namespace pins, delete \
             persistentvolumeclaims in namespace pins (deploy/rbac/rewrite-pins.yaml has the rights); nor \
             get persistentvolumeclaims in namespace pins (deploy/rbac/rewrite.yaml has the rights)"
        );
        for (verdict, in_use) in [
            (VerdictKind::ReadyInUse, shim(false)),
            (VerdictKind::ReadyInUse, InUse::RuntimeEqual),
            (VerdictKind::Ready, InUse::No),
            (VerdictKind::Blocked, shim(true)),
        ] {
            assert_eq!(needs(row(verdict, in_use, Vec::new()), Some(true)), None);
        }
    }

    #[test]
    fn only_the_kinds_that_are_stopped_are_asked_for() {
        let workload = |restart| {
            let mut workload = Workload::unknown("StatefulSet", "shop", "db", "why");
            workload.restart = restart;
            vec![workload]
        };
        let in_use = |restart| row(VerdictKind::InUse, InUse::No, workload(restart));
        let stopped = "you may not get statefulsets.apps, patch statefulsets.apps \
                       (deploy/rbac/rewrite-restart.yaml has the rights)";
        let stops = |restart, told| needs(in_use(restart), told);
        assert_eq!(stops(Restart::Plain, Some(false)).as_deref(), Some(stopped));
        assert_eq!(stops(Restart::IfTold, Some(true)).as_deref(), Some(stopped));
        assert_eq!(stops(Restart::IfTold, Some(false)), None);
        assert_eq!(stops(Restart::Plain, None), None);
        let idle = row(VerdictKind::Ready, InUse::No, workload(Restart::Plain));
        assert_eq!(needs(idle, Some(true)), None);
    }

    #[test]
    fn pins_that_were_recorded_are_looked_for_where_they_are() {
        let known = |pins: Option<RecordedPins>| Known {
            kind: ObjectKind::PersistentVolume,
            name: "a".into(),
            claim: String::new(),
            driver: String::new(),
            direction: Direction::Forward,
            is_finished: false,
            is_committed: false,
            holder: "h".into(),
            pins,
        };
        let recorded = |is_done| {
            Some(RecordedPins {
                namespace: "then".to_owned(),
                is_done,
            })
        };
        let said = |pins| say(&of_records(&[known(pins)], Some("now"))).unwrap_or_default();
        assert_eq!(said(None), "");
        let open = said(recorded(false));
        for right in [
            "create pods in namespace then",
            "create pods in namespace now",
        ] {
            assert!(open.contains(right), "{open}");
        }
        let done = said(recorded(true));
        assert!(done.contains("get pods in namespace then"), "{done}");
        assert!(!done.contains("create") && !done.contains("now"), "{done}");
    }

    #[test]
    fn many_namespaces_are_not_all_named() {
        let namespaces = (0..100).map(|number| format!("n-{number}")).collect();
        let needs = rights::of_restart("apps", "statefulsets", &namespaces);
        let needs: Vec<Need> = needs.iter().flat_map(Need::in_each).collect();
        let said = say(&needs).unwrap();
        assert!(
            said.contains("in namespace n-0,") && said.contains(" and 188 more ("),
            "{said}"
        );
    }
}
