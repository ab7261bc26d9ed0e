//! Attaching a volume before it is staged, where its driver needs that.

use tokio::time::timeout_at;

use super::prepare::Prepared;
use super::{CallContext, Inner, VolumeError};
use crate::attachment::PublishContext;
use crate::fault_points::{self as points, at};
use crate::installation::FlexDriver;

impl Inner {
    /// That the attach/detach controller attaches no volumes of a FlexVolume driver to this
    /// node. To kubelet none of them can be attached, so it tells the controller of none
    /// that is in use, and a copy of the driver beside the controller would detach them
    /// whenever their pod ends (kubernetes v1.36,
    /// `pkg/controller/volume/attachdetach/reconciler/reconciler.go`).
    pub(super) async fn check_not_controllers(&self, driver: &str) -> Result<(), VolumeError> {
        let Ok(flex_driver) = driver.parse::<FlexDriver>() else {
            return Ok(());
        };
        let attached = self.settings.cluster.attached().await?;
        match attached.into_iter().find(|name| flex_driver.is_of(name)) {
            None => Ok(()),
            Some(attached) => Err(VolumeError::AttachedByController {
                driver: driver.to_owned(),
                attached,
            }),
        }
    }

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
