//! The calls of CSI, by name.

/// Makes the list of calls and their names in one place.
macro_rules! rpcs {
    ($($name:ident)*) => {
        /// A call of CSI 1.12 that this driver has.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(super) enum Rpc {
            $($name,)*
        }

        impl Rpc {
            /// Every one.
            const ALL: &[Self] = &[$(Self::$name,)*];

            /// As the specification writes it.
            pub(super) fn name(self) -> &'static str {
                match self {
                    $(Self::$name => stringify!($name),)*
                }
            }
        }
    };
}

rpcs! {
    GetPluginInfo GetPluginCapabilities Probe
    CreateVolume DeleteVolume ControllerPublishVolume ControllerUnpublishVolume
    ValidateVolumeCapabilities ListVolumes GetCapacity ControllerGetCapabilities
    CreateSnapshot DeleteSnapshot ListSnapshots GetSnapshot ControllerExpandVolume
    ControllerGetVolume ControllerModifyVolume
    GroupControllerGetCapabilities CreateVolumeGroupSnapshot DeleteVolumeGroupSnapshot
    GetVolumeGroupSnapshot
    NodeStageVolume NodeUnstageVolume NodePublishVolume NodeUnpublishVolume
    NodeGetVolumeStats NodeExpandVolume NodeGetCapabilities NodeGetInfo
}

impl Rpc {
    /// The call of a name.
    pub(super) fn of_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|rpc| rpc.name() == name)
    }
}
