//! How volumes are pinned to nodes while they are replaced under their pods.

use clap::Args;
use flex2csi_translators::rewrite::PinSettings;

use crate::rewrite::{PIN_IMAGE, PIN_NAMESPACE, PIN_PRIORITY_CLASS};

/// Pin pods hold a volume on its node while it is replaced under pods that use it, where
/// flex2csi's node daemon serves it and its CSI driver attaches.
#[derive(Debug, Args)]
pub struct PinArgs {
    /// The namespace of pin pods: of volumes in use that flex2csi serves and whose CSI
    /// driver attaches.
    #[arg(long, value_name = "NAMESPACE", default_value = PIN_NAMESPACE)]
    pub pin_namespace: String,
    /// The image of pin pods, in which `/flex2csi pin` only waits.
    #[arg(long, value_name = "IMAGE", default_value = PIN_IMAGE)]
    pub pin_image: String,
    /// The priority class of pin pods; empty for none.
    #[arg(long, value_name = "NAME", default_value = PIN_PRIORITY_CLASS)]
    pub pin_priority_class: String,
}

impl PinArgs {
    /// As it is recorded.
    pub fn settings(&self) -> PinSettings {
        let class = Some(self.pin_priority_class.clone());
        PinSettings {
            namespace: self.pin_namespace.clone(),
            image: self.pin_image.clone(),
            priority_class: class.filter(|class| !class.is_empty()),
        }
    }
}
