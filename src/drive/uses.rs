//! Who uses an object, for the executor.

use std::sync::Arc;

use flex2csi_translators::rewrite::{ObjectKind, Use};

use super::forms::UnderWay;
use crate::api_request::ask::AskError;
use crate::plan::Fresh;
use crate::plan::evidence::load::LoadError;
use crate::rewrite::{Evidence, Failure, Subject};

/// The plan's evidence, as of now.
#[derive(Debug, Clone)]
pub struct Uses {
    /// The cluster.
    pub fresh: Arc<Fresh>,
    /// What is under way.
    pub under_way: Arc<UnderWay>,
}

impl Evidence for Uses {
    async fn used(&self, subject: &Subject<'_>) -> Result<Use, Failure> {
        if subject.kind == ObjectKind::StorageClass {
            return self.fresh.class(subject.name).await.map_err(failure);
        }
        let unknown = |why: &str| Ok(Use::Unknown(why.to_owned()));
        let Some(forms) = self.under_way.forms(subject.kind, subject.name) else {
            return unknown("its forms are not known");
        };
        let Some(csi) = subject.csi else {
            return unknown("its record has no CSI driver and handle");
        };
        let (original, translated) = (&forms.original, &forms.translated);
        let who = (subject.claim, subject.pinned);
        let used = self
            .fresh
            .volume(original, translated, csi, subject.form, who);
        used.await.map(|(used, _)| used).map_err(failure)
    }
}

/// What it means to the executor that the cluster cannot be read.
pub fn failure(error: LoadError) -> Failure {
    let message = error.to_string();
    match error {
        LoadError::Needed {
            source: AskError::Forbidden { .. },
            ..
        } => Failure::Refused {
            status: 403,
            message,
        },
        LoadError::Needed {
            source: AskError::Unavailable { .. },
            ..
        } => Failure::Unknown(message),
        _ => Failure::Refused { status: 0, message },
    }
}
