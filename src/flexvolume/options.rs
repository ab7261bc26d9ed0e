//! The options of a call: one flat JSON object, with what kubelet adds under
//! `kubernetes.io/` (kubernetes `pkg/volume/flexvolume/driver-call.go`, v1.36).

use std::collections::BTreeMap;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::cluster::{PodName, SecretValues};

const KUBELET: &str = "kubernetes.io/";
const FS_TYPE: &str = "fsType";
const READ_WRITE: &str = "readwrite";
const VOLUME: &str = "pvOrVolumeName";
const POD_NAME: &str = "pod.name";
const POD_NAMESPACE: &str = "pod.namespace";
const POD_UID: &str = "pod.uid";
const SERVICE_ACCOUNT: &str = "serviceAccount.name";
const FS_GROUP: &str = "mounterArgs.FsGroup";
/// Up to Kubernetes 1.14.
const OLD_FS_GROUP: &str = "fsGroup";
const SECRET: &str = "secret/";

/// What a call says of its volume.
#[derive(Clone, PartialEq, Eq)]
pub struct Options {
    /// What the volume itself has. There may be secrets in it.
    pub own: BTreeMap<String, String>,
    /// Its filesystem, often empty.
    pub fs_type: String,
    /// Whether the pod may only read.
    pub read_only: bool,
    /// The PersistentVolume, or the pod's name for an inline volume.
    pub volume: Option<String>,
    /// The pod; only `mount` tells.
    pub pod: Option<PodName>,
    /// Its service account; only `mount` tells.
    pub service_account: Option<String>,
    /// Its `fsGroup`; only `mount` tells.
    pub fs_group: Option<u32>,
    /// The Secret that the volume names; only `mount` tells.
    pub secret: SecretValues,
}

/// Without values: there may be secrets among them.
impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("own", &self.own.keys())
            .field("volume", &self.volume)
            .field("pod", &self.pod)
            .finish_non_exhaustive()
    }
}

/// What is wrong with options. It names keys, never values.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the options of the call cannot be used: {0}")]
pub struct InvalidOptions(String);

impl Options {
    /// Options from their JSON.
    ///
    /// # Errors
    /// It is no flat object of texts, or kubelet's part of it is not as kubelet
    /// writes it.
    pub fn parse(json: &str) -> Result<Self, InvalidOptions> {
        // serde_json's message can hold a value.
        let mut own: BTreeMap<String, String> = serde_json::from_str(json).map_err(|error| {
            invalid(format!(
                "expected one JSON object of texts (line {}, column {})",
                error.line(),
                error.column()
            ))
        })?;
        let mut kubelets = BTreeMap::new();
        own.retain(|key, value| match key.strip_prefix(KUBELET) {
            Some(name) => {
                kubelets.insert(name.to_owned(), std::mem::take(value));
                false
            }
            None => true,
        });
        let mut take = |name: &str| kubelets.remove(name);
        let fs_type = take(FS_TYPE).unwrap_or_default();
        let read_only = match take(READ_WRITE).as_deref() {
            Some("ro") => true,
            Some("rw") | None => false,
            Some(_) => return Err(invalid(expected(READ_WRITE, "`ro` or `rw`"))),
        };
        let volume = take(VOLUME).filter(|volume| !volume.is_empty());
        let pod = match (take(POD_NAMESPACE), take(POD_NAME), take(POD_UID)) {
            (Some(namespace), Some(name), Some(uid)) => Some(PodName {
                namespace,
                name,
                uid,
            }),
            (None, None, None) => None,
            _ => {
                let message = format!(
                    "{KUBELET}{POD_NAMESPACE}, {KUBELET}{POD_NAME} and {KUBELET}{POD_UID} \
                     come together"
                );
                return Err(invalid(message));
            }
        };
        let service_account = take(SERVICE_ACCOUNT);
        let fs_group = match take(FS_GROUP).or_else(|| take(OLD_FS_GROUP)) {
            Some(group) => Some(
                group
                    .parse()
                    .map_err(|_| invalid(expected(FS_GROUP, "the decimal number of a group")))?,
            ),
            None => None,
        };
        let mut secret = SecretValues::default();
        for (name, value) in kubelets {
            if let Some(key) = name.strip_prefix(SECRET) {
                let value = STANDARD
                    .decode(value)
                    .map_err(|_| invalid(expected(&name, "base64")))?;
                secret.0.insert(key.to_owned(), value);
            }
            // Others are of a kubelet to come; drivers overlook what they do not know.
        }
        Ok(Self {
            own,
            fs_type,
            read_only,
            volume,
            pod,
            service_account,
            fs_group,
            secret,
        })
    }
}

fn invalid(message: String) -> InvalidOptions {
    InvalidOptions(message)
}

fn expected(name: &str, what: &str) -> String {
    format!("expected {what} in {KUBELET}{name}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_kubelet_adds_is_told_from_what_the_volume_has() {
        let options = Options::parse(
            r#"{"kubernetes.io/fsType":"ext4","kubernetes.io/readwrite":"ro",
                "kubernetes.io/pvOrVolumeName":"pv-1","kubernetes.io/pod.name":"p",
                "kubernetes.io/pod.namespace":"n","kubernetes.io/pod.uid":"u",
                "kubernetes.io/serviceAccount.name":"default",
                "kubernetes.io/mounterArgs.FsGroup":"2000",
                "kubernetes.io/secret/username":"YWxpY2U=","kubernetes.io/new":"x",
                "volumeID":"vol-1","fsType":"obs"}"#,
        )
        .unwrap();
        let own: Vec<_> = options.own.iter().map(|(k, v)| (&**k, &**v)).collect();
        assert_eq!(own, [("fsType", "obs"), ("volumeID", "vol-1")]);
        assert_eq!((&*options.fs_type, options.read_only), ("ext4", true));
        assert_eq!(options.volume.as_deref(), Some("pv-1"));
        assert_eq!(options.pod.unwrap().uid, "u");
        assert_eq!(options.service_account.as_deref(), Some("default"));
        assert_eq!(options.fs_group, Some(2000));
        assert_eq!(options.secret.0["username"], b"alice");
    }

    #[test]
    fn the_group_stands_under_its_old_name_too() {
        let options = Options::parse(r#"{"kubernetes.io/fsGroup":"5"}"#).unwrap();
        assert_eq!(options.fs_group, Some(5));
        assert_eq!((options.read_only, options.pod), (false, None));
    }

    #[test]
    fn what_is_wrong_is_said_without_a_value() {
        for wrong in [
            "",
            "[]",
            "s3cr3t",
            r#"{"password":["s3cr3t"]}"#,
            r#"{"a":"s3cr3t"} s3cr3t"#,
            r#"{"kubernetes.io/readwrite":"s3cr3t"}"#,
            r#"{"kubernetes.io/secret/password":"s3cr3t!"}"#,
            r#"{"kubernetes.io/mounterArgs.FsGroup":"-1"}"#,
            r#"{"kubernetes.io/pod.name":"p"}"#,
        ] {
            let error = Options::parse(wrong).unwrap_err().to_string();
            assert!(!error.contains("s3cr3t"), "{wrong}: {error}");
        }
    }

    #[test]
    fn values_are_not_in_what_is_logged() {
        let options =
            Options::parse(r#"{"akSecret":"s3cr3t","kubernetes.io/secret/p":"czNjcjN0"}"#).unwrap();
        let logged = format!("{options:?}");
        assert!(
            logged.contains("akSecret") && !logged.contains("s3cr3t"),
            "{logged}"
        );
    }
}
