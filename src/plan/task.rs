//! From a planned object, and that object as it is now, to what the rewrite is told.

use std::collections::BTreeMap;

use flex2csi_translators::Kind;
use flex2csi_translators::plan::VerdictKind;
use flex2csi_translators::rewrite::{AnnotationChange, ObjectKind, Task};

use super::row::Row;
use crate::digest;
use crate::objects::metadata::Named;
use crate::objects::translator::Translator;

/// Why a planned object is not to be touched.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StaleError {
    /// The plan does not say that it may be.
    #[error("{object} is {verdict} in the plan")]
    NotReady {
        /// Which.
        object: String,
        /// What the plan says.
        verdict: VerdictKind,
    },
    /// It is of a kind that is never replaced.
    #[error("{object} is only reported: a live workload is never edited")]
    NotReplaced {
        /// Which.
        object: String,
    },
    /// Another object has its name now.
    #[error(
        "{object} was deleted and made again since it was planned (its uid is another); plan again"
    )]
    Recreated {
        /// Which.
        object: String,
    },
    /// It is another version.
    #[error("{object} has changed since it was planned; plan again")]
    Changed {
        /// Which.
        object: String,
    },
    /// It translates to something else.
    #[error(
        "{object} translates to something else than was planned: the values, the mappings, --via-endpoint \
         or flex2csi itself are others than then; plan again"
    )]
    OtherTranslation {
        /// Which.
        object: String,
    },
    /// It cannot be read.
    #[error(
        "{object}: what the API server has is no such object: {reason}; look at it with `kubectl get -o yaml`"
    )]
    Unreadable {
        /// Which.
        object: String,
        /// Where it is not what it has to be.
        reason: String,
    },
}

/// The annotations of a claim that the rewrite changes with its volume.
const CLAIM_ANNOTATIONS: [&str; 3] = [
    "volume.kubernetes.io/storage-provisioner",
    "volume.beta.kubernetes.io/storage-provisioner",
    "pv.kubernetes.io/migrated-to",
];

/// What the rewrite of a planned object is told. `live` is the object and `claim`
/// its claim, JSON, as the API server has them now.
///
/// # Errors
/// The plan does not allow it, or does not fit what is there.
pub fn task(
    row: &Row,
    live: &str,
    claim: Option<&str>,
    translator: &Translator,
) -> Result<Task, StaleError> {
    let object = row.object.full_name();
    if !row.is_ready() {
        return Err(StaleError::NotReady {
            object,
            verdict: row.verdict,
        });
    }
    let Some(kind) = row.object.replaced_kind() else {
        return Err(StaleError::NotReplaced { object });
    };
    let translated_kind = match kind {
        ObjectKind::PersistentVolume => Kind::PersistentVolume,
        ObjectKind::StorageClass => Kind::StorageClass,
    };
    let named: Named = match serde_json::from_str(live) {
        Ok(named) => named,
        Err(error) => {
            // serde's text may show what stands there.
            let (line, column) = (error.line(), error.column());
            let reason = format!("its metadata is wrong at line {line}, column {column}");
            return Err(StaleError::Unreadable { object, reason });
        }
    };
    if named.metadata.uid != row.object.uid {
        return Err(StaleError::Recreated { object });
    }
    if named.metadata.resource_version != row.object.resource_version {
        return Err(StaleError::Changed { object });
    }
    let translated = translator.stored(translated_kind, live).json;
    let planned = row.to.as_ref().map(|to| to.digest.as_str());
    let translated = match translated {
        Some(json) if digest::of_object(&json).ok().as_deref() == planned => json,
        _ => return Err(StaleError::OtherTranslation { object }),
    };
    Ok(Task {
        kind,
        original: live.to_owned(),
        translated,
        claim: row.claim.clone(),
        claim_annotations: claim.map_or_else(BTreeMap::new, |claim| changes(claim, translator)),
        in_use: row.in_use.clone(),
        keep_delete: row.options.keep_delete.unwrap_or(false),
    })
}

fn changes(claim: &str, translator: &Translator) -> BTreeMap<String, AnnotationChange> {
    let translated = translator.stored(Kind::PersistentVolumeClaim, claim).json;
    let read = |json: &str| {
        let named: Named = serde_json::from_str(json).unwrap_or_default();
        named.metadata.annotations
    };
    let Some(translated) = translated.as_deref().map(read) else {
        return BTreeMap::new();
    };
    let before = read(claim);
    let changed = CLAIM_ANNOTATIONS.iter().filter_map(|key| {
        let change = AnnotationChange {
            from: before.get(*key).cloned(),
            to: translated.get(*key).cloned(),
        };
        (change.from != change.to).then(|| ((*key).to_owned(), change))
    });
    changed.collect()
}

#[cfg(test)]
mod tests;
