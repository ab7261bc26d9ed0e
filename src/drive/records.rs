//! What the journal knows, read a page at a time.

use flex2csi_translators::rewrite::{Direction, InUse, ObjectKind, Step};
use kube::Client;
use serde::Deserialize;
use serde_json::{Value, json};

use super::shard::Shard;
use crate::api_request::ask::{Ask, AskError};
use crate::api_request::pages::Pages;
use crate::exit::Usage;
use crate::journal::{Document, name_of};
use crate::objects::class;
use crate::objects::volume::Volume;
use crate::plan::evidence::load::MIGRATIONS;
use crate::rewrite::{Place, Resource};
use crate::selection::Selection;

/// What is kept of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// What the object is.
    pub kind: ObjectKind,
    /// Its name.
    pub name: String,
    /// A volume's claim: `namespace/name`.
    pub claim: String,
    /// The CSI driver of its translated form.
    pub driver: String,
    /// Where it goes, or went.
    pub direction: Direction,
    /// Whether nothing is under way, and nothing left to do when pods are gone.
    pub is_finished: bool,
    /// Whether its object may be deleted already.
    pub is_committed: bool,
    /// Who may go on.
    pub holder: String,
    /// The pods that pin its volume to nodes, if it was to have some.
    pub pins: Option<RecordedPins>,
}

/// Pods that pin a volume, as they are recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordedPins {
    /// Where they are.
    pub namespace: String,
    /// Whether there are none any more.
    pub is_done: bool,
}

/// Without the journal nothing is done.
const NO_JOURNAL: &str = "the cluster does not know VolumeMigration, in which every rewrite is recorded; run: \
                          kubectl apply -f deploy/crds/volumemigrations.yaml";

/// Goes through all records.
///
/// # Errors
/// They cannot be listed, or one cannot be taken.
pub async fn each(
    client: &Client,
    mut take: impl FnMut(&Value) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let mut pages = Pages::new(client, MIGRATIONS.path);
    while let Some(page) = pages.next().await.map_err(unlisted)? {
        for item in page.items()? {
            take(&serde_json::from_str(item)?)?;
        }
    }
    Ok(())
}

fn unlisted(error: AskError) -> anyhow::Error {
    match error {
        AskError::NotFound { .. } => Usage(NO_JOURNAL.to_owned()).into(),
        AskError::Forbidden { .. } => Usage(format!(
            "the journal cannot be read: {error}; deploy/rbac/rewrite.yaml has the rights"
        ))
        .into(),
        error => anyhow::Error::new(error).context("cannot read the journal"),
    }
}

/// The records of a selection's objects, of one share.
///
/// # Errors
/// They cannot be listed.
pub async fn selected(
    client: &Client,
    shard: Shard,
    selects: impl Fn(&Document) -> bool,
) -> anyhow::Result<Vec<Known>> {
    let mut known = Vec::new();
    each(client, |object| {
        let Ok(document) = Document::read(object) else {
            known.extend(unread(object, shard, &selects));
            return Ok(());
        };
        let spec = &document.spec;
        if !shard.has(spec.kind, &spec.name) || !selects(&document) {
            return Ok(());
        }
        let is_begun = document.status.id == spec.id;
        let claim = spec.claim.as_ref();
        let claim = claim.map(|claim| format!("{}/{}", claim.namespace, claim.name));
        known.push(Known {
            kind: spec.kind,
            name: spec.name.clone(),
            claim: claim.unwrap_or_default(),
            driver: driver_of(&document),
            direction: match is_begun {
                true => document.status.direction,
                false => Direction::Forward,
            },
            is_finished: document.is_settled(),
            is_committed: is_begun && document.status.step == Step::Committed,
            holder: spec.holder.clone(),
            pins: pins_of(&document),
        });
        Ok(())
    })
    .await?;
    Ok(known)
}

/// A record that another version has written, or somebody by hand, if it may be asked for:
/// it stands in the way of nobody else's, and whoever takes it up says why it cannot be
/// read.
fn unread(object: &Value, shard: Shard, selects: impl Fn(&Document) -> bool) -> Option<Known> {
    let text = |at: &str| object.pointer(at).and_then(Value::as_str);
    let of_record = text("/metadata/name").unwrap_or_default();
    let by_name = match of_record.split_once('-') {
        Some(("sc", name)) => (ObjectKind::StorageClass, name),
        Some((_, name)) => (ObjectKind::PersistentVolume, name),
        None => (ObjectKind::PersistentVolume, of_record),
    };
    let kind = ObjectKind::deserialize(&object["spec"]["kind"]);
    let (kind, name) = match (kind, text("/spec/name")) {
        (Ok(kind), Some(name)) => (kind, name),
        _ => by_name,
    };
    let as_far_as_known = text("/spec/original").map(|original| {
        let translated = text("/spec/translated").unwrap_or("{}");
        json!({"spec": {
            "kind": kind.as_str(), "name": name, "id": "", "uid": "", "holder": "",
            "original": original, "restore": original, "translated": translated,
        }})
    });
    let is_other = as_far_as_known
        .and_then(|known| Document::read(&known).ok())
        .is_some_and(|known| !selects(&known));
    (shard.has(kind, name) && !is_other).then(|| Known {
        kind,
        name: name.to_owned(),
        claim: String::new(),
        driver: String::new(),
        direction: Direction::Forward,
        is_finished: false,
        is_committed: false,
        holder: String::new(),
        pins: None,
    })
}

/// The CSI driver of the translated form; empty of what is none.
fn driver_of(document: &Document) -> String {
    let translated = &document.spec.translated;
    match document.spec.kind {
        ObjectKind::PersistentVolume => serde_json::from_str::<Volume<'_>>(translated)
            .ok()
            .and_then(|volume| Some(volume.spec.csi?.driver.clone()))
            .unwrap_or_default(),
        ObjectKind::StorageClass => class::driver_of(translated),
    }
}

fn pins_of(document: &Document) -> Option<RecordedPins> {
    let InUse::Shim { attach: true, .. } = document.spec.in_use else {
        return None;
    };
    document.spec.pins.as_ref().map(|pins| RecordedPins {
        namespace: pins.namespace.clone(),
        is_done: document.is_finished(),
    })
}

/// Whether a selection names a record's object, labels aside.
pub fn is_selected(selection: &Selection, document: &Document) -> bool {
    let spec = &document.spec;
    selection.recorded(spec.kind, &spec.original, &driver_of(document))
}

/// One record.
///
/// # Errors
/// It cannot be read.
pub async fn get(client: &Client, kind: ObjectKind, name: &str) -> anyhow::Result<Document> {
    let place = Place::of_cluster(Resource::Migration, name_of(kind, name));
    let json = Ask::get(place.path()).send(client).await?;
    Ok(Document::read(&serde_json::from_str(&json)?)?)
}
