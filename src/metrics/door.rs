//! Where calls come in, and which there are.

use prometheus_client::encoding::{EncodeLabelValue, LabelValueEncoder};

/// Where a call comes in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Door {
    /// The CSI endpoint.
    Csi,
    /// FlexVolume: kubelet's exec calls.
    FlexVolume,
    /// The embedded backend.
    Hostpath,
}

/// What calls are counted under that no door knows.
pub(super) const OTHER: &str = "other";

/// The calls that the exec binary brings to the daemon, [`OTHER`] last.
const FLEX_VOLUME: &[&str] = &["mount", "unmount", "unmountdevice", "expandfs", OTHER];

/// Every RPC of CSI 1.12, [`OTHER`] last.
const CSI: &[&str] = &[
    "GetPluginInfo",
    "GetPluginCapabilities",
    "Probe",
    "CreateVolume",
    "DeleteVolume",
    "ControllerPublishVolume",
    "ControllerUnpublishVolume",
    "ValidateVolumeCapabilities",
    "ListVolumes",
    "GetCapacity",
    "ControllerGetCapabilities",
    "CreateSnapshot",
    "DeleteSnapshot",
    "ListSnapshots",
    "GetSnapshot",
    "ControllerExpandVolume",
    "ControllerGetVolume",
    "ControllerModifyVolume",
    "GroupControllerGetCapabilities",
    "CreateVolumeGroupSnapshot",
    "DeleteVolumeGroupSnapshot",
    "GetVolumeGroupSnapshot",
    "GetMetadataAllocated",
    "GetMetadataDelta",
    "NodeStageVolume",
    "NodeUnstageVolume",
    "NodePublishVolume",
    "NodeUnpublishVolume",
    "NodeGetVolumeStats",
    "NodeExpandVolume",
    "NodeGetCapabilities",
    "NodeGetInfo",
    OTHER,
];

impl Door {
    fn as_str(self) -> &'static str {
        match self {
            Self::Csi => "csi",
            Self::FlexVolume => "flexvolume",
            Self::Hostpath => "hostpath",
        }
    }

    /// What can be called there, [`OTHER`] last.
    pub(super) fn rpcs(self) -> &'static [&'static str] {
        match self {
            Self::Csi | Self::Hostpath => CSI,
            Self::FlexVolume => FLEX_VOLUME,
        }
    }
}

impl EncodeLabelValue for Door {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> Result<(), std::fmt::Error> {
        EncodeLabelValue::encode(&self.as_str(), encoder)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use prost::Message as _;
    use prost_types::FileDescriptorSet;

    use super::*;

    #[test]
    fn every_rpc_of_csi_is_counted_under_its_name() {
        let files = FileDescriptorSet::decode(crate::csi::DESCRIPTORS).unwrap();
        let services = files
            .file
            .iter()
            .filter(|file| file.package() == "csi.v1")
            .flat_map(|file| &file.service);
        let described: BTreeSet<&str> = services
            .flat_map(|service| &service.method)
            .map(|method| method.name())
            .collect();
        let (other, known) = CSI.split_last().unwrap();
        assert_eq!(*other, OTHER);
        assert_eq!(known.iter().copied().collect::<BTreeSet<_>>(), described);
        assert_eq!(known.len(), described.len(), "each once");
    }
}
