//! The writes that replace one volume.

use anyhow::Context;
use flex2csi_testing::api;
use flex2csi_testing::order::Order;
use kube::Client;
use kube::api::{DeleteParams, DynamicObject, Patch, PatchParams, PostParams, Preconditions};
use serde_json::{Value, json};

use crate::bound::{Bound, is_bound, is_deletable, is_gone, is_let_go, key};

pub const MANAGER: &str = "bare-swap";

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
        // With a record a volume also says who is at work on it.
        let mark = self.journal.then_some(MANAGER);
        let retain = json!({
            "metadata": { "annotations": { "bare-swap/by": mark } },
            "spec": { "persistentVolumeReclaimPolicy": "Retain" },
        });
        let volume = self.patch(&volumes, &order.name, &retain).await?;
        let volume_key = key(None, &order.name);
        self.let_go(&volume_key, &volume).await?;
        if self.journal {
            self.commit(order, &volume).await?;
        }
        let volume = self.delete(volume).await?;
        self.strip(&order.name).await?;
        self.gone(&volume_key, &uid(&volume)).await?;
        let object = self.create(&volumes, &order.object).await?;
        let Some(bound) = &self.bound else {
            return Ok(());
        };
        let claims = api::claims_in(&self.client, &order.namespace);
        let poke = |at: &str| json!({ "metadata": { "annotations": { "bare-swap/poke": at } } });
        let claim = self.patch(&claims, &order.claim, &poke("created")).await?;
        let (claim_uid, volume_uid) = (uid(&claim), uid(&object));
        let claim_key = key(Some(&order.namespace), &order.claim);
        let volume_bound = |seen: &_| is_bound(seen, &volume_key, &volume_uid);
        let claim_bound = |seen: &_| is_bound(seen, &claim_key, &claim_uid);
        bound.until("the volume is Bound", volume_bound).await?;
        // The first poke may have come before the controller knew the volume.
        if !bound.is_now(claim_bound) {
            self.patch(&claims, &order.claim, &poke("bound")).await?;
        }
        bound.until("the claim is Bound", claim_bound).await?;
        if self.journal || order.policy != "Retain" {
            let policy = json!({
                "metadata": { "annotations": { "bare-swap/done": mark } },
                "spec": { "persistentVolumeReclaimPolicy": order.policy },
            });
            self.patch(&volumes, &order.name, &policy).await?;
        }
        if self.journal {
            self.finish(order, &object, &claim).await?;
        }
        Ok(())
    }

    /// Waits until no deleter holds the volume any more. (One that was `Retain`
    /// before is not changed by the patch, and no watch tells of it.)
    async fn let_go(&self, key: &str, volume: &DynamicObject) -> anyhow::Result<()> {
        if let Some(bound) = &self.bound
            && is_deletable(&volume.metadata)
        {
            let version = volume.metadata.resource_version.as_deref();
            let since = version.unwrap_or_default().parse()?;
            let let_go = |seen: &_| is_let_go(seen, key, since);
            bound.until("no deleter holds it", let_go).await?;
        }
        Ok(())
    }

    /// Takes all finalizers off, but the one that the garbage collector takes off.
    async fn strip(&self, name: &str) -> anyhow::Result<()> {
        let volumes = api::volumes(&self.client);
        let all = json!({ "metadata": { "finalizers": null } });
        if self.journal {
            let rest = json!({ "metadata": { "finalizers": ["orphan"] } });
            match self.patch(&volumes, name, &rest).await {
                // It was taken off already.
                Err(kube::Error::Api(status)) if status.code == 422 => {}
                result => return Ok(result.map(drop)?),
            }
        }
        Ok(self.patch(&volumes, name, &all).await.map(drop)?)
    }

    /// Waits until the garbage collector has let the volume go, whose dependents are
    /// orphaned as a rewrite does it.
    async fn gone(&self, key: &str, uid: &str) -> anyhow::Result<()> {
        if let Some(bound) = &self.bound
            && self.journal
        {
            let gone = |seen: &_| is_gone(seen, key, uid);
            bound.until("it is gone", gone).await?;
        }
        Ok(())
    }

    /// Deletes the very volume, as it was last seen; the controller may write in between.
    async fn delete(&self, mut volume: DynamicObject) -> anyhow::Result<DynamicObject> {
        let volumes = api::volumes(&self.client);
        let name = volume.metadata.name.clone().unwrap_or_default();
        loop {
            let deletion = DeleteParams {
                preconditions: Some(Preconditions {
                    uid: volume.metadata.uid.clone(),
                    resource_version: volume.metadata.resource_version.clone(),
                }),
                ..match self.journal {
                    true => DeleteParams::orphan(),
                    false => DeleteParams::background(),
                }
            };
            match volumes.delete(&name, &deletion).await {
                Err(kube::Error::Api(status)) if status.code == 409 => {
                    volume = volumes.get(&name).await?;
                }
                result => return Ok(result.map(|_| volume)?),
            }
        }
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

    pub async fn create(
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

pub fn uid(object: &DynamicObject) -> String {
    object.metadata.uid.clone().unwrap_or_default()
}
