//! What becomes of each call.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use flex2csi_exec::installed::original_file;
use flex2csi_exec::wire::{Answer, Reply, Request};
use http::HeaderValue;
use tokio::time::Instant;
use tonic::Code;

use super::call::{Call, InvalidCall};
use super::exchange::{failure, reply};
use super::kubelet_default::{self, DefaultError};
use super::pod_target::PodTarget;
use super::volumes::{CallContext, MountCall, Unmounted, VolumeError, Volumes};
use super::whose::Coming;
use super::{device_directory, server};
use crate::installation::FlexDriver;
use crate::metrics::{Door as MetricsDoor, Metrics};
use crate::mountinfo::{self, real_path};
use crate::node_record::Refused;
use crate::original_mounts::OriginalMounts;
use crate::request_id::{RequestId, RequestIds};

/// What the door has to know.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Kubelet's root directory.
    pub root: PathBuf,
    /// Where kubelet looks for drivers.
    pub plugin_directory: PathBuf,
    /// The longest that a call may take.
    pub timeout: Duration,
}

/// The FlexVolume door of a node.
#[derive(Debug)]
pub struct Door {
    settings: Settings,
    volumes: Volumes,
    metrics: Metrics,
    request_ids: RequestIds,
    pub(super) coming: Coming,
}

/// Why a call fails.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CallError {
    /// It is not kubelet's.
    #[error(transparent)]
    Invalid(#[from] InvalidCall),
    /// The engine failed.
    #[error(transparent)]
    Volume(#[from] VolumeError),
    /// What kubelet would do itself failed.
    #[error(transparent)]
    Default(#[from] DefaultError),
    /// What the original driver has cannot be told.
    #[error("it cannot be told what the original driver has mounted: {0}")]
    Originals(io::Error),
    /// The original driver may have the volume in a moment.
    #[error(
        "the original driver may be mounting {volume} at {}: it is tried again when it has, or \
         when that directory is gone", other.display()
    )]
    MaybeOriginals {
        /// The volume.
        volume: String,
        /// Where it may be about to.
        other: PathBuf,
    },
    /// It may stand in a record that is not trusted.
    #[error(
        "{} is mounted and stands in no record, and the record {} is not trusted ({reason}): \
         repair or remove that first", target.display(), record.display()
    )]
    Unclear {
        /// What is mounted.
        target: PathBuf,
        /// A record that is not trusted.
        record: PathBuf,
        /// Why not.
        reason: String,
    },
    /// The work broke off: an error of this program.
    #[error("the call broke off, which is an error of flex2csi: {0}")]
    BrokeOff(String),
}

impl CallError {
    /// For metrics.
    fn code(&self) -> Code {
        match self {
            Self::Invalid(_) => Code::InvalidArgument,
            Self::Volume(error) => error.code(),
            Self::Unclear { .. } => Code::FailedPrecondition,
            Self::MaybeOriginals { .. } => Code::Aborted,
            Self::Default(_) | Self::Originals(_) | Self::BrokeOff(_) => Code::Internal,
        }
    }
}

impl Door {
    /// The door to a node's volumes.
    #[must_use]
    pub fn new(settings: Settings, volumes: Volumes, metrics: Metrics) -> Self {
        Self {
            settings,
            volumes,
            metrics,
            request_ids: RequestIds::new(),
            coming: Coming::default(),
        }
    }

    async fn carry_out(
        &self,
        request: &Request,
        context: CallContext,
    ) -> Result<Answer, CallError> {
        if request.original_does_not {
            return self.instead_of_original(request).await;
        }
        match Call::parse(request, &self.settings.root)? {
            Call::Mount { target, options } => {
                let _come = self.coming.come(&target.path);
                if self.is_originals(&request.driver, &target).await? {
                    return Ok(Answer::Original);
                }
                let call = MountCall {
                    driver: request.driver.clone(),
                    target,
                    options: *options,
                };
                self.volumes.mount(call, context).await?;
                Ok(Answer::Success)
            }
            Call::Unmount { target } => {
                let unmounted = self.volumes.unmount(&target, context).await?;
                self.unmounted(request, target, unmounted).await
            }
            Call::ExpandFs { target, new_size } => {
                if let Some(originals) = self.originals(&request.driver).await?
                    && originals.has_target(&target.path)
                {
                    return Ok(Answer::Original);
                }
                self.volumes.expand(&target, new_size, context).await?;
                Ok(Answer::Success)
            }
        }
    }

    /// What is to be done about an unmount of what may not be ours.
    async fn unmounted(
        &self,
        request: &Request,
        target: PodTarget,
        unmounted: Unmounted,
    ) -> Result<Answer, CallError> {
        let refused = match unmounted {
            Unmounted::Ours => return Ok(Answer::Success),
            Unmounted::Nothing => Vec::new(),
            Unmounted::NotOurs { refused } => refused,
        };
        if let Some(Refused { file, why }) = refused.into_iter().next() {
            return Err(CallError::Unclear {
                target: target.path,
                record: file,
                reason: why,
            });
        }
        if let Some(originals) = self.originals(&request.driver).await? {
            // Some fail where nothing is mounted, and the pod would never end.
            return Ok(match originals.has_target(&target.path) {
                true => Answer::Original,
                false => Answer::Success,
            });
        }
        let path = target.path;
        if blocking(move || is_mounted(&path))
            .await?
            .map_err(CallError::Originals)?
        {
            tracing::warn!(
                request_id = %request.request_id, target = %request.args.concat(),
                "unmounts what stands in no record: was the state directory lost?"
            );
            self.instead_of_original(request).await?;
        }
        Ok(Answer::Success)
    }

    /// What kubelet does itself where a driver does not.
    async fn instead_of_original(&self, request: &Request) -> Result<Answer, CallError> {
        let root = self.settings.root.clone();
        if request.call == "unmountdevice" {
            let directory = device_directory::check(request, &root)?;
            blocking(move || kubelet_default::unmount(&directory)).await??;
            return Ok(Answer::Success);
        }
        match Call::parse(request, &root)? {
            Call::Mount { target, options } => {
                let directory = device_directory::of(&root, &request.driver, &target.volume);
                let bind =
                    move || kubelet_default::bind(&directory, &target.path, options.read_only);
                blocking(bind).await??;
            }
            Call::Unmount { target } => {
                blocking(move || kubelet_default::unmount(&target.path)).await??;
            }
            Call::ExpandFs { .. } => {
                return Err(InvalidCall::Unknown {
                    call: request.call.clone(),
                }
                .into());
            }
        }
        Ok(Answer::Success)
    }

    /// What the original driver has on this node, where one is kept.
    pub(super) async fn originals(
        &self,
        driver: &str,
    ) -> Result<Option<OriginalMounts>, CallError> {
        let Ok(driver) = driver.parse::<FlexDriver>() else {
            return Ok(None);
        };
        let directory = self.settings.plugin_directory.join(driver.directory());
        let original = directory.join(original_file(driver.executable()));
        // Most nodes have none.
        match original.symlink_metadata() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            looked => looked.map_err(CallError::Originals)?,
        };
        let (root, volumes) = (self.settings.root.clone(), self.volumes.clone());
        let find = move || {
            let are_mounted = |paths: &[PathBuf]| mountinfo::are_mounted(paths);
            OriginalMounts::find(&root, &driver, are_mounted, || volumes.targets()).map(Some)
        };
        blocking(find).await?.map_err(CallError::Originals)
    }

    fn context(&self, request: &Request) -> CallContext {
        let given = HeaderValue::from_str(&request.request_id).ok();
        let given = given.and_then(|value| RequestId::from_caller(&value));
        let timeout = Duration::from_millis(request.timeout_ms).min(self.settings.timeout);
        CallContext {
            request_id: given.unwrap_or_else(|| self.request_ids.next()),
            deadline: Instant::now() + timeout,
        }
    }
}

impl server::Answer for Door {
    async fn answer(&self, request: Request) -> Reply {
        let timer = self
            .metrics
            .calls(MetricsDoor::FlexVolume, known(&request.driver))
            .rpc(&request.call)
            .start();
        let context = self.context(&request);
        let request_id = context.request_id.clone();
        match self.carry_out(&request, context).await {
            Ok(answer) => {
                timer.finish(Code::Ok);
                tracing::debug!(
                    %request_id, driver = request.driver, call = request.call, ?answer, "answered"
                );
                reply(answer, String::new())
            }
            Err(error) => {
                timer.finish(error.code());
                tracing::warn!(
                    %request_id, driver = request.driver, call = request.call, %error, "failed"
                );
                failure(format!("{error} (request {request_id})"))
            }
        }
    }

    async fn finish(&self) {
        self.volumes.finish().await;
    }
}

/// A driver's name for metrics: root alone calls, and could make series all the same.
fn known(driver: &str) -> &str {
    match driver.parse::<FlexDriver>() {
        Ok(_) => driver,
        Err(_) => "other",
    }
}

fn is_mounted(path: &Path) -> io::Result<bool> {
    let mounted = mountinfo::are_mounted(&[real_path(path)])?;
    Ok(mounted.contains(&true))
}

/// Does what waits for the kernel where nobody else waits for it.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, CallError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|broken| CallError::BrokeOff(broken.to_string()))
}
