//! The file as written, as `docs/configuration.md` explains it.

use serde::Deserialize;
use serde_saphyr::Spanned;

use super::places::Places;
use crate::log::Format;

type Text = Spanned<String>;

// A key with nothing behind it counts as left out, as in Kubernetes.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct File {
    pub backends: Option<Vec<Backend>>,
    pub flex_volume: Option<FlexVolume>,
    pub kubelet: Option<Kubelet>,
    pub values: Option<Spanned<Places>>,
    pub values_file: Option<Text>,
    pub mappings: Option<Vec<Text>>,
    pub persistent_volumes: Option<Vec<Text>>,
    pub state: Option<Text>,
    pub operations: Option<Operations>,
    pub log: Option<Log>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Backend {
    pub driver: Text,
    pub socket: Option<Text>,
    pub controller_socket: Option<Text>,
    pub legacy_provisioner: Option<Text>,
    pub endpoint: Option<Endpoint>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Endpoint {
    pub name: Option<Text>,
    pub socket: Option<Text>,
    pub register: Option<bool>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Kubelet {
    pub root: Option<Text>,
    pub registry: Option<Text>,
    pub plugin_directory: Option<Text>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct FlexVolume {
    pub drivers: Option<Vec<FlexVolumeDriver>>,
    pub socket: Option<Text>,
    pub exec_binary: Option<Text>,
    pub timeout_seconds: Option<Spanned<u64>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct FlexVolumeDriver {
    pub driver: Text,
    pub selinux_relabel: Option<bool>,
    pub supports_metrics: Option<bool>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Operations {
    pub listen: Option<Text>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Log {
    pub format: Option<Format>,
    pub level: Option<Text>,
}
