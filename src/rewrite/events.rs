//! Events on the volume and on its claim, so that who looks at them knows.

use flex2csi_translators::digest::sha256_hex;
use flex2csi_translators::rewrite::{Direction, ObjectKind, Record, View};
use serde_json::{Value, json};

use super::api::{Api, Call, Place, Resource, Verb};
use super::stopped::Stopped;
use crate::journal;

/// Where events of objects without a namespace are kept.
const OF_CLUSTER: &str = "default";

/// Tells how the rewrite ended. An event that cannot be written is no failure.
pub(super) async fn tell<A: Api>(
    api: &A,
    record: &Record,
    object: Option<&Value>,
    goal: Direction,
    stopped: Option<&Stopped>,
) {
    let (kind, reason, message) = match (stopped, goal) {
        (Some(stopped), _) => ("Warning", "RewriteStopped", stopped.to_string()),
        (None, Direction::Forward) => {
            let message = "its stored form is now CSI; nothing else of it has changed";
            ("Normal", "Rewritten", message.to_owned())
        }
        (None, Direction::Back) => {
            let message = "its stored form is the original one again";
            ("Normal", "RolledBack", message.to_owned())
        }
    };
    let version = match record.spec.kind {
        ObjectKind::PersistentVolume => "v1",
        ObjectKind::StorageClass => "storage.k8s.io/v1",
    };
    let uid = object.map_or(record.spec.uid.as_str(), |object| View(object).uid());
    let about = json!({
        "apiVersion": version,
        "kind": record.spec.kind.as_str(),
        "name": record.spec.name,
        "uid": uid,
    });
    let of_claim = record.spec.claim.as_ref().map(|claim| {
        json!({
            "apiVersion": "v1",
            "kind": "PersistentVolumeClaim",
            "namespace": claim.namespace,
            "name": claim.name,
            "uid": claim.uid,
        })
    });
    let event = |about: &Value| event(about, kind, reason, &message, &format!("{uid}/{reason}"));
    let of_claim = of_claim.as_ref().map(event);
    let (of_object, subject) = (event(&about), record.subject());
    tokio::join!(
        say(api, Some(of_object), &subject),
        say(api, of_claim, &subject)
    );
}

async fn say<A: Api>(api: &A, event: Option<Call>, subject: &str) {
    if let Some(event) = event
        && let Err(failure) = api.call(event).await
    {
        tracing::debug!(subject, %failure, "no event");
    }
}

fn event(about: &Value, kind: &str, reason: &str, message: &str, unique: &str) -> Call {
    let text = |at: &str| about[at].as_str().unwrap_or_default();
    let namespace = match text("namespace") {
        "" => OF_CLUSTER,
        namespace => namespace,
    };
    let now = journal::now();
    let digest = sha256_hex(format!("{unique}/{}/{now}", text("uid")));
    let beginning: String = text("name").chars().take(200).collect();
    let name = format!(
        "{}.{}",
        beginning.trim_end_matches(['.', '-']),
        &digest[..16]
    );
    // The API takes no longer one.
    let message: String = message.chars().take(1000).collect();
    let body = json!({
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": name, "namespace": namespace},
        "involvedObject": about,
        "type": kind,
        "reason": reason,
        "message": message,
        "source": {"component": "flex2csi"},
        "firstTimestamp": now,
        "lastTimestamp": now,
        "count": 1,
    });
    Call {
        verb: Verb::Create,
        place: Place {
            resource: Resource::Event,
            namespace: namespace.to_owned(),
            name,
        },
        body: Some(body),
        dry_run: false,
    }
}
