//! The writes that replace one volume.

use anyhow::Context;
use flex2csi_testing::api;
use flex2csi_testing::order::Order;
use kube::Client;
use kube::api::{DeleteParams, DynamicObject, Patch, PatchParams, PostParams, Preconditions};
use serde_json::{Value, json};

use crate::bound::{Bound, is_bound, key};

const MANAGER: &str = "bare-swap";

pub struct Swap {
    pub client: Client,
    pub bound: Option<Bound>,
    pub journal: bool,
}

impl Swap {
    pub async fn one(&self, order: &Order) -> anyhow::Result<()> {
        let done = self.replace(order).await;
        done.with_context(|| order.name.clone())
    }

    async fn replace(&self, order: &Order) -> anyhow::Result<()> {
        let volumes = api::volumes(&self.client);
        if self.journal {
            self.record(order).await?;
        }
        let retain = json!({ "spec": { "persistentVolumeReclaimPolicy": "Retain" } });
        let volume = self.patch(&volumes, &order.name, &retain).await?;
        if self.journal {
            self.note(order, "Deleting").await?;
        }
        let deletion = DeleteParams {
            preconditions: Some(Preconditions {
                uid: volume.metadata.uid,
                resource_version: volume.metadata.resource_version,
            }),
            ..DeleteParams::background()
        };
        volumes.delete(&order.name, &deletion).await?;
        let strip = json!({ "metadata": { "finalizers": null } });
        self.patch(&volumes, &order.name, &strip).await?;
        let object = self.create(&volumes, &order.object).await?;
        let Some(bound) = &self.bound else {
            return Ok(());
        };
        let claims = api::claims_in(&self.client, &order.namespace);
        let poke = |at: &str| json!({ "metadata": { "annotations": { "bare-swap/poke": at } } });
        let claim = self.patch(&claims, &order.claim, &poke("created")).await?;
        let (claim_uid, volume_uid) = (uid(&claim), uid(&object));
        let claim_key = key(Some(&order.namespace), &order.claim);
        let volume_key = key(None, &order.name);
        bound
            .until(|phases| is_bound(phases, &volume_key, &volume_uid))
            .await;
        let late = bound.until(|phases| is_bound(phases, &claim_key, &claim_uid));
        // The first poke may have come before the controller knew the volume.
        if tokio::time::timeout(std::time::Duration::ZERO, late)
            .await
            .is_err()
        {
            self.patch(&claims, &order.claim, &poke("bound")).await?;
        }
        bound
            .until(|phases| is_bound(phases, &claim_key, &claim_uid))
            .await;
        if order.policy != "Retain" {
            let policy = json!({ "spec": { "persistentVolumeReclaimPolicy": order.policy } });
            self.patch(&volumes, &order.name, &policy).await?;
        }
        if self.journal {
            self.note(order, "Done").await?;
        }
        Ok(())
    }

    async fn record(&self, order: &Order) -> anyhow::Result<()> {
        let record = json!({
            "apiVersion": "flex2csi.io/v1alpha1", "kind": "VolumeMigration",
            "metadata": { "name": format!("pv-{}", order.name) },
            "spec": {
                "kind": "PersistentVolume", "name": order.name,
                "original": order.original.to_string(), "translated": order.object.to_string(),
            },
        });
        self.create(&api::migrations(&self.client), &record).await?;
        Ok(())
    }

    async fn note(&self, order: &Order, phase: &str) -> anyhow::Result<()> {
        let patch = json!({ "status": { "phase": phase } });
        let name = format!("pv-{}", order.name);
        let parameters = PatchParams::apply(MANAGER);
        let migrations = api::migrations(&self.client);
        let patch = Patch::Merge(&patch);
        migrations.patch_status(&name, &parameters, &patch).await?;
        Ok(())
    }

    async fn patch(
        &self,
        api: &kube::Api<DynamicObject>,
        name: &str,
        patch: &Value,
    ) -> kube::Result<DynamicObject> {
        let parameters = PatchParams::apply(MANAGER);
        api.patch(name, &parameters, &Patch::Merge(patch)).await
    }

    async fn create(
        &self,
        api: &kube::Api<DynamicObject>,
        object: &Value,
    ) -> anyhow::Result<DynamicObject> {
        let object = serde_json::from_value(object.clone())?;
        let parameters = PostParams {
            field_manager: Some(MANAGER.to_owned()),
            ..PostParams::default()
        };
        Ok(api.create(&parameters, &object).await?)
    }
}

fn uid(object: &DynamicObject) -> String {
    object.metadata.uid.clone().unwrap_or_default()
}
