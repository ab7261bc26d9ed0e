//! Makes a fleet.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use flex2csi_translators::flex::Mappings;
use flex2csi_translators::json::Object;
use flex2csi_translators::storage_class::StorageClass;
use flex2csi_translators::{Context, TargetForm, Values, translate};
use futures::{StreamExt, TryStreamExt, stream};
use kube::Client;
use kube::api::{Api, DynamicObject, Patch, PatchParams, PostParams};
use serde_json::Value;

use super::kind::Site;
use super::pair::Pair;
use super::{Fleet, Member, Size, Untrue, check, kinds, pairs, surroundings, text};
use crate::Cluster;
use crate::api;

/// What the fleet's writes bear as their field manager.
const MANAGER: &str = "flex2csi-test-fleet";

pub async fn fleet(cluster: &Cluster, size: &Size) -> Result<Fleet, Untrue> {
    let pairs = pairs(size);
    let mut site = Site::default();
    for pair in &pairs {
        (pair.kind.site)(&pair.which, &mut site);
    }
    let values = site.text();
    let translation = Translation::new(&values)?;

    cluster.controllers().kill().await;
    let maker = Maker(cluster.client().map_err(Untrue::of)?);
    let around = surroundings::namespaces()
        .into_iter()
        .chain(surroundings::storage_classes(&kinds()));
    maker.all(around, size.workers).await?;
    let pairs = stream::iter(pairs).map(|pair| maker.pair(pair));
    let pairs: Vec<(Pair, Value, Value)> =
        pairs.buffer_unordered(size.workers).try_collect().await?;

    let mut members = BTreeMap::new();
    let mut drivers = BTreeSet::new();
    for (pair, volume, claim) in pairs {
        let translated = translation.of(&volume)?;
        let endpoint = translation.via_endpoint(&volume)?;
        for form in [&translated, &endpoint] {
            drivers.insert(text(form, "/spec/csi/driver").to_owned());
        }
        let name = pair.which.name;
        let member = Member {
            name: name.clone(),
            kind: pair.kind.name,
            dynamic: pair.dynamic,
            volume,
            translated,
            endpoint,
            claim,
        };
        members.insert(name, member);
    }
    let nodes = surroundings::nodes(&drivers);
    let around = surroundings::csi_drivers(&drivers).into_iter().chain(nodes);
    maker.all(around, size.workers).await?;
    for node in surroundings::NODES {
        let nodes = api::nodes(&maker.0);
        maker
            .status(&nodes, node, &surroundings::node_status())
            .await?;
    }
    cluster
        .controllers()
        .start_again()
        .await
        .map_err(Untrue::of)?;
    let fleet = Fleet {
        members: Arc::new(members),
        values,
    };
    check::bound(&fleet, cluster).await?;
    Ok(fleet)
}

struct Maker(Client);

impl Maker {
    async fn all(
        &self,
        objects: impl IntoIterator<Item = Value>,
        workers: usize,
    ) -> Result<(), Untrue> {
        let made = stream::iter(objects).map(|object| async move {
            let api = api::of(&self.0, &object);
            match self.create(&api, &object).await {
                // Another fleet's, or the server's own.
                Err(kube::Error::Api(status)) if status.code == 409 => Ok(()),
                result => result
                    .map(drop)
                    .map_err(|error| Untrue::of(format!("{error}: {object}"))),
            }
        });
        made.buffer_unordered(workers).try_collect().await
    }

    /// The claim first, since the volume names its uid.
    async fn pair(&self, pair: Pair) -> Result<(Pair, Value, Value), Untrue> {
        let claim = pair.claim();
        let claims = api::of(&self.0, &claim);
        let refused = |error| Untrue::of(format!("{}: {error}", pair.which.name));
        let claim = self.create(&claims, &claim).await.map_err(refused)?;
        let volume = pair.volume(text(&claim, "/metadata/uid"));
        let volumes = api::of(&self.0, &volume);
        self.create(&volumes, &volume).await.map_err(refused)?;
        let (volume, claim) = pair.statuses();
        let volume = self.status(&volumes, &pair.which.name, &volume).await?;
        let claim = self.status(&claims, &pair.claim_name, &claim).await?;
        Ok((pair, volume, claim))
    }

    async fn create(&self, api: &Api<DynamicObject>, object: &Value) -> kube::Result<Value> {
        let object = serde_json::from_value(object.clone()).map_err(kube::Error::SerdeError)?;
        let parameters = PostParams {
            field_manager: Some(MANAGER.to_owned()),
            ..PostParams::default()
        };
        let created = api.create(&parameters, &object).await?;
        serde_json::to_value(created).map_err(kube::Error::SerdeError)
    }

    async fn status(
        &self,
        api: &Api<DynamicObject>,
        name: &str,
        status: &Value,
    ) -> Result<Value, Untrue> {
        let parameters = PatchParams::apply(MANAGER);
        let patch = Patch::Merge(status);
        let patched = api.patch_status(name, &parameters, &patch).await;
        let patched = patched.map_err(|error| Untrue::of(format!("{name}: {error}")))?;
        serde_json::to_value(patched).map_err(Untrue::of)
    }
}

/// The translation library, as the program uses it for what is stored.
pub struct Translation {
    values: Values,
    mappings: Mappings,
    classes: BTreeMap<String, StorageClass>,
}

impl Translation {
    pub fn new(values: &str) -> Result<Self, Untrue> {
        let mut classes = BTreeMap::new();
        for class in surroundings::storage_classes(&kinds()) {
            let text = class.to_string();
            let object = Object::parse(&text).map_err(Untrue::of)?;
            let class = StorageClass::read(object).map_err(Untrue::of)?;
            classes.insert(class.name.clone(), class);
        }
        Ok(Self {
            values: Values::parse(values).map_err(Untrue::of)?,
            mappings: Mappings::built_in(),
            classes,
        })
    }

    /// A volume or a class in CSI form.
    pub fn of(&self, object: &Value) -> Result<Value, Untrue> {
        self.to(TargetForm::Csi, object)
    }

    /// The same in the form of flex2csi's own endpoint.
    pub fn via_endpoint(&self, object: &Value) -> Result<Value, Untrue> {
        self.to(TargetForm::Endpoint, object)
    }

    fn to(&self, target_form: TargetForm, volume: &Value) -> Result<Value, Untrue> {
        let text = volume.to_string();
        let context = Context {
            target_form,
            storage_class: self
                .classes
                .get(super::text(volume, "/spec/storageClassName")),
            ..Context::new(&self.values, &self.mappings)
        };
        let name = super::text(volume, "/metadata/name");
        let failed = |error: &dyn std::fmt::Display| Untrue::of(format!("{name}: {error}"));
        let object = Object::parse(&text).map_err(|error| failed(&error))?;
        let outcome = translate(object, &context).map_err(|error| failed(&error))?;
        if !outcome.changed {
            return Err(failed(&"it has no CSI form"));
        }
        serde_json::from_str(&outcome.object.to_json()).map_err(|error| failed(&error))
    }
}
