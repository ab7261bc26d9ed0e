//! What is recorded of a volume.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::cluster::{PodName, SecretName, VolumeId};

/// The version that is written, and the only one that is read. A later flex2csi may
/// add members to it that an earlier one can do without, and keeps: what has to be
/// understood to undo a mount takes another version.
pub(super) const VERSION: u32 = 1;

/// How many pods are remembered of which the mounts are gone.
const ENDED: usize = 16;

/// A volume of which something may be staged, published or attached here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct VolumeRecord {
    /// Of the form.
    pub(super) version: u32,
    /// The boot in which something was last done for it.
    #[serde(rename = "bootID")]
    pub boot_id: Arc<str>,
    /// The volume, as CSI knows it.
    pub volume: Arc<VolumeId>,
    /// The FlexVolume driver, as `vendor/driver`.
    pub legacy_driver: Arc<str>,
    /// The PersistentVolume; `None` for one that stands in its pod.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub persistent_volume: Option<String>,
    /// `fs_type` of its capability.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub fs_type: String,
    /// The number of its capability's access mode.
    pub access_mode: i32,
    /// `mount_flags` of its capability.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mount_flags: Vec<String>,
    /// `volume_mount_group` with which it was staged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stage_group: Option<u32>,
    /// Whether it is, or may be, staged.
    #[serde(default)]
    pub is_staged: bool,
    /// Whether it is, or may be, attached by us.
    #[serde(default)]
    pub is_attached: bool,
    /// The Secrets of calls that come later.
    #[serde(default, skip_serializing_if = "SecretNames::is_empty")]
    pub secrets: SecretNames,
    /// Where it is, or may be, published.
    pub mounts: Vec<Mount>,
    /// The pods whose mounts went last, while there is something left to undo.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ended: Vec<PodName>,
    /// What a later flex2csi has written.
    #[serde(flatten)]
    pub(super) others: BTreeMap<String, Value>,
}

/// The names of Secrets.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SecretNames {
    /// For ControllerExpandVolume.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub controller_expand: Option<SecretName>,
    /// For NodeExpandVolume.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node_expand: Option<SecretName>,
}

impl SecretNames {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// A volume at a pod's path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Mount {
    /// The path.
    pub target: Arc<Path>,
    /// Whose it is.
    pub pod: PodName,
    /// Whether it is not to be written.
    #[serde(default)]
    pub read_only: bool,
    /// When it was first asked for, in seconds since 1970.
    pub since: u64,
}

impl VolumeRecord {
    /// A record of a volume of which nothing is mounted yet.
    pub fn new(volume: VolumeId, legacy_driver: &str, boot_id: Arc<str>) -> Self {
        Self {
            version: VERSION,
            boot_id,
            volume: Arc::new(volume),
            legacy_driver: legacy_driver.into(),
            persistent_volume: None,
            fs_type: String::new(),
            access_mode: 0,
            mount_flags: Vec::new(),
            stage_group: None,
            is_staged: false,
            is_attached: false,
            secrets: SecretNames::default(),
            mounts: Vec::new(),
            ended: Vec::new(),
            others: BTreeMap::new(),
        }
    }

    /// The mount at a target.
    pub fn mount(&self, target: &Path) -> Option<&Mount> {
        self.mounts.iter().find(|mount| &*mount.target == target)
    }

    /// Puts a mount into the record, for one at the same target if there is one,
    /// whose time it keeps.
    pub fn add(&mut self, mut mount: Mount) {
        match self.mounts.iter_mut().find(|it| it.target == mount.target) {
            Some(there) => {
                mount.since = there.since;
                *there = mount;
            }
            None => self.mounts.push(mount),
        }
    }

    /// Takes the mount at a target out of the record.
    pub fn take(&mut self, target: &Path) -> Option<Mount> {
        let index = self.mounts.iter().position(|it| &*it.target == target)?;
        let mount = self.mounts.remove(index);
        if !self.ended.contains(&mount.pod) {
            self.ended.push(mount.pod.clone());
        }
        let surplus = self.ended.len().saturating_sub(ENDED);
        self.ended.drain(..surplus);
        Some(mount)
    }

    /// What is read first: a later version may have anything else.
    pub(super) fn version_of(text: &str) -> Option<u64> {
        #[derive(Deserialize)]
        struct Versioned {
            #[serde(default)]
            version: Value,
        }
        let versioned: Versioned = serde_json::from_str(text).ok()?;
        versioned.version.as_u64()
    }
}
