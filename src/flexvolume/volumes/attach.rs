//! Attaching a volume before it is staged, where its driver needs that.

use tokio::time::timeout_at;

use super::prepare::Prepared;
use super::{CallContext, Inner, VolumeError};
use crate::attachment::PublishContext;
use crate::fault_points::{self as points, at};

impl Inner {
    /// Has the volume attached, and waits for it as long as the caller does; gives
    /// what the driver's calls are told of it, which can be nothing.
    pub(super) async fn attach(
        &self,
        prepared: &Prepared,
        context: &CallContext,
    ) -> Result<PublishContext, VolumeError> {
        let Some(wanted) = &prepared.attachment else {
            return Ok(PublishContext::new());
        };
        let Some(attacher) = &self.settings.attacher else {
            return Err(VolumeError::NoAttacher {
                driver: prepared.id.driver.clone(),
            });
        };
        at(points::ATTACH_BEFORE);
        let attached = timeout_at(context.deadline, attacher.attach(wanted)).await;
        let what = "attaching the volume";
        let attached = attached.map_err(|_| VolumeError::Late { what })??;
        at(points::ATTACH_AFTER);
        Ok(attached)
    }
}
