//! Who uses the fence, and where: what its policy's annotations say.

use std::collections::HashMap;
use std::time::Duration;

use k8s_openapi::jiff::Timestamp;
use kube::Client;
use kube::api::{Api, DynamicObject, Patch};
use serde_json::{Value, json};
use tokio::time::sleep;

use super::policy::NAME;
use super::server::{parameters, policies};
use crate::api_request::request;

/// Annotations of the policy: `holder.flex2csi.io/<who>`, with the time.
pub(super) const HOLDER: &str = "holder.flex2csi.io/";
/// Annotations of the policy: `namespace.flex2csi.io/<name>`, where there may be a ClaimFence.
pub(super) const NAMESPACE: &str = "namespace.flex2csi.io/";

const RENEW: Duration = Duration::from_secs(5);

/// Who uses it, with the time that each has said last.
pub(super) fn holders(policy: &Value) -> HashMap<String, String> {
    let annotations = policy["metadata"]["annotations"].as_object();
    let annotations = annotations.into_iter().flatten();
    annotations
        .filter_map(|(key, value)| {
            let who = key.strip_prefix(HOLDER)?;
            Some((
                who.to_owned(),
                value.as_str().unwrap_or_default().to_owned(),
            ))
        })
        .collect()
}

/// Where there may be a ClaimFence.
pub(super) fn namespaces(policy: &Value) -> Vec<String> {
    let annotations = policy["metadata"]["annotations"].as_object();
    let keys = annotations.into_iter().flatten().map(|(key, _)| key);
    keys.filter_map(|key| key.strip_prefix(NAMESPACE))
        .map(str::to_owned)
        .collect()
}

/// The time as it is noted.
pub(super) fn now() -> String {
    format!("{:.0}", Timestamp::now())
}

/// Says again and again that one uses it.
pub(super) async fn renew(client: Client, who: String) {
    let policies = policies();
    let api = Api::<DynamicObject>::all_with(client, &policies);
    loop {
        sleep(RENEW).await;
        let patch = json!({"metadata": {"annotations": {format!("{HOLDER}{who}"): now()}}});
        if let Err(error) = request(api.patch(NAME, &parameters(), &Patch::Merge(patch))).await {
            tracing::debug!(%error, "the fence is not renewed");
        }
    }
}
