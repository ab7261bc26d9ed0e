//! The writes of a rewrite that are there for its record, and for people.

use flex2csi_testing::api;
use flex2csi_testing::order::Order;
use kube::api::{DynamicObject, Patch, PatchParams};
use serde_json::{Value, json};

use crate::swap::{MANAGER, Swap, uid};

impl Swap {
    /// Before anything is touched.
    pub async fn record(&self, order: &Order) -> anyhow::Result<()> {
        let object = order.object.to_string();
        let record = json!({
            "apiVersion": "flex2csi.io/v1alpha1", "kind": "VolumeMigration",
            "metadata": { "name": name(order) },
            "spec": {
                "kind": "PersistentVolume", "name": order.name,
                "id": id(order), "uid": order.original["metadata"]["uid"], "holder": MANAGER,
                "original": order.original.to_string(), "restore": order.original.to_string(),
                "translated": object,
                "claim": {
                    "namespace": order.namespace, "name": order.claim,
                    "uid": order.original["spec"]["claimRef"]["uid"],
                },
            },
        });
        let migrations = api::migrations(&self.client);
        self.create(&migrations, &record).await.map(drop)
    }

    /// Before the volume is deleted.
    pub async fn commit(&self, order: &Order, volume: &DynamicObject) -> anyhow::Result<()> {
        let status = json!({
            "step": "Committed", "replaces": uid(volume), "body": order.object.to_string(),
            "resourceVersion": volume.metadata.resource_version,
        });
        self.note(order, status).await
    }

    /// At the end, with what people look at.
    pub async fn finish(
        &self,
        order: &Order,
        volume: &DynamicObject,
        claim: &DynamicObject,
    ) -> anyhow::Result<()> {
        let status = json!({ "step": "Done", "uid": uid(volume), "body": null });
        self.note(order, status).await?;
        for (kind, namespace, about) in [
            ("PersistentVolume", None, volume),
            ("PersistentVolumeClaim", Some(&order.namespace), claim),
        ] {
            let own = namespace.map_or("default", String::as_str);
            let event = json!({
                "apiVersion": "v1", "kind": "Event",
                "metadata": { "namespace": own, "name": format!("{}.{}", order.name, uid(about)) },
                "involvedObject": {
                    "apiVersion": "v1", "kind": kind, "namespace": namespace,
                    "name": about.metadata.name, "uid": uid(about),
                },
                "type": "Normal", "reason": "Rewritten", "message": "its stored form is now CSI",
                "source": { "component": MANAGER },
            });
            self.create(&api::of(&self.client, &event), &event).await?;
        }
        Ok(())
    }

    async fn note(&self, order: &Order, mut status: Value) -> anyhow::Result<()> {
        status["id"] = json!(id(order));
        status["direction"] = json!("Forward");
        status["phase"] = status["step"].clone();
        let patch = json!({ "status": status });
        let parameters = PatchParams::apply(MANAGER);
        let migrations = api::migrations(&self.client);
        let patch = Patch::Merge(&patch);
        migrations
            .patch_status(&name(order), &parameters, &patch)
            .await?;
        Ok(())
    }
}

fn name(order: &Order) -> String {
    format!("pv-{}", order.name)
}

fn id(order: &Order) -> String {
    let uid = order.original["metadata"]["uid"].as_str();
    uid.unwrap_or_default().replace('-', "")
}
