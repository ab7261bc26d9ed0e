//! Objects as they are now, and what is to be done with them.

use flex2csi_translators::rewrite::{ObjectKind, Task};
use kube::Client;

use crate::api_request::ask::{Ask, AskError};
use crate::objects::translator::Translator;
use crate::plan::row::Row;
use crate::plan::task::{StaleError, task as planned};
use crate::rewrite::{Place, Seen};

/// The place of an object of one of the kinds that are replaced.
pub fn place(kind: ObjectKind, name: &str) -> Place {
    Place::of_cluster(kind.into(), name)
}

/// The place of a planned object.
pub fn place_of(row: &Row) -> Place {
    let kind = row
        .object
        .replaced_kind()
        .unwrap_or(ObjectKind::PersistentVolume);
    place(kind, &row.object.name)
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

/// A planned object and its claim, JSON.
#[derive(Debug)]
pub struct Live {
    /// The object.
    pub object: String,
    /// Its claim, and what of both is only as a watch told it.
    pub seen: Seen,
}

impl Live {
    /// Reads them.
    ///
    /// # Errors
    /// The object is not there any more, or one cannot be read.
    pub async fn read(client: &Client, row: &Row) -> anyhow::Result<Self> {
        let claim = async {
            match &row.claim {
                Some(claim) => get(client, &Place::of_claim(claim)).await,
                None => Ok(None),
            }
        };
        let place = place_of(row);
        let (object, claim) = tokio::join!(get(client, &place), claim);
        let Some(object) = object? else {
            let object = row.object.full_name();
            anyhow::bail!("{object} was deleted since it was planned; plan again");
        };
        Ok(Self {
            object,
            seen: Seen {
                claim: claim?,
                ..Seen::default()
            },
        })
    }

    /// What is to be done with the object, if it still is what was planned.
    ///
    /// # Errors
    /// It is not.
    pub fn task(&self, row: &Row, translator: &Translator) -> Result<Task, StaleError> {
        planned(row, &self.object, self.seen.claim.as_deref(), translator)
    }
}
