//! Objects as they are now, and what is to be done with them.

use flex2csi_translators::rewrite::{ObjectKind, Task};
use kube::Client;

use crate::api_request::ask::{Ask, AskError};
use crate::objects::translator::Translator;
use crate::plan::row::Row;
use crate::plan::task::task as planned;
use crate::rewrite::Place;

/// The place of an object of one of the kinds that are replaced.
pub fn place(kind: ObjectKind, name: &str) -> Place {
    Place::of_cluster(kind.into(), name)
}

/// An object as it is now.
///
/// # Errors
/// It cannot be read.
pub async fn get(client: &Client, place: &Place) -> anyhow::Result<Option<String>> {
    match Ask::get(place.path()).send(client).await {
        Ok(json) => Ok(Some(json)),
        Err(AskError::NotFound { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// What is to be done with a planned object, if it still is what was planned, and its
/// claim as it was just read.
///
/// # Errors
/// It is not, or cannot be read.
pub async fn task(
    client: &Client,
    translator: &Translator,
    row: &Row,
) -> anyhow::Result<(Task, Option<String>)> {
    let kind = match row.object.kind.as_str() {
        "StorageClass" => ObjectKind::StorageClass,
        _ => ObjectKind::PersistentVolume,
    };
    let place = place(kind, &row.object.name);
    let claim = async {
        match &row.claim {
            Some(claim) => get(client, &Place::of_claim(claim)).await,
            None => Ok(None),
        }
    };
    let (live, claim) = tokio::join!(get(client, &place), claim);
    let Some(live) = live? else {
        let object = row.object.full_name();
        anyhow::bail!("{object} was deleted since it was planned; plan again");
    };
    let claim = claim?;
    let task = planned(row, &live, claim.as_deref(), translator)?;
    Ok((task, claim))
}
