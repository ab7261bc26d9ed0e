//! Workloads that are stopped, by whomever: found, and what to say of them.

use kube::Client;
use kube::api::ListParams;
use serde_json::Value;

use super::workload::{FROM, KINDS, Kind, Live, by_hand, forget_by_hand};
use crate::api_request::readiness::Doubt;
use crate::api_request::{RequestError, request};

/// All workloads that are stopped, by whomever. What may not be listed is left out.
///
/// # Errors
/// The API server does not answer.
pub async fn list(client: &Client) -> Result<Vec<(Kind, Value)>, RequestError> {
    let mut found = Vec::new();
    let mut doubt = Doubt::default();
    for kind in KINDS {
        let parameters = ListParams::default().labels(FROM);
        let api = kind.everywhere(client);
        let mut listed = request(api.list(&parameters)).await;
        if let Err(RequestError::Forbidden(message)) = &listed
            && doubt.may_pass(client, message).await
        {
            listed = request(api.list(&parameters)).await;
        }
        let listed = match listed {
            Ok(listed) => listed,
            Err(RequestError::Forbidden(_) | RequestError::NotFound) => continue,
            Err(error) => return Err(error),
        };
        for object in listed.items {
            let mut object = serde_json::to_value(object).unwrap_or_default();
            object["kind"] = kind.name.into();
            found.push((kind, object));
        }
    }
    Ok(found)
}

/// What to say of those that are stopped; empty where there are none.
pub fn say(stopped: &[(Kind, Value)]) -> Vec<String> {
    let lines = stopped.iter().map(|(_, object)| {
        let live = Live(object);
        let (workload, from) = (live.workload(), live.label(FROM));
        let name = workload.full_name();
        let forget = forget_by_hand(&workload);
        if !live.is_stopped() {
            return format!(
                "{name} was stopped for a restart, and runs again. If no `flex2csi rewrite --restart` runs \
                 any more, the next `flex2csi rewrite --yes` takes its labels off; by hand: {forget}"
            );
        }
        if !live.is_noted() {
            return format!(
                "{name} is stopped, and has only some of a restart's labels: nobody puts it back. If that \
                 is meant, take them off: {forget}"
            );
        }
        let by_hand = by_hand(&workload, from);
        format!(
            "{name} is stopped for a restart. If no `flex2csi rewrite --restart` runs any more, the next \
             `flex2csi rewrite --yes` puts it back; by hand: {by_hand}"
        )
    });
    lines.collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::drive::restart::workload::{AT, BY};

    fn said(replicas: u32, labels: Value) -> String {
        let object = json!({
            "kind": "StatefulSet",
            "metadata": {"namespace": "shop", "name": "db", "labels": labels},
            "spec": {"replicas": replicas},
        });
        let kind = Kind::of("StatefulSet").unwrap();
        say(&[(kind, object)]).remove(0)
    }

    #[test]
    fn what_is_said_of_it_is_what_becomes_of_it() {
        let all = json!({FROM: "3", BY: "me", AT: "5"});
        let forget = "kubectl -n shop label statefulset db";
        let stopped = said(0, all.clone());
        assert!(stopped.contains("--replicas=3 && kubectl"), "{stopped}");
        let runs = said(3, all);
        assert!(
            runs.contains("runs again") && runs.contains(forget),
            "{runs}"
        );
        assert!(!runs.contains("scale"), "{runs}");
        let half = said(0, json!({FROM: "3"}));
        assert!(
            half.contains("nobody puts it back") && half.contains(forget),
            "{half}"
        );
    }
}
