//! What kubelet calls (kubernetes `pkg/volume/flexvolume/driver-call.go`, v1.36).

use std::path::{Path, PathBuf};

use flex2csi_exec::wire::Request;

use super::options::{InvalidOptions, Options};
use super::pod_target::{PodTarget, TargetError};

/// A call that is understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Call {
    /// `mount <directory> <options>`
    Mount {
        /// Where.
        target: PodTarget,
        /// What.
        options: Box<Options>,
    },
    /// `unmount <directory>`
    Unmount {
        /// What is mounted there.
        target: PodTarget,
    },
    /// `expandfs <options> <device> <directory> <new size> <old size>`
    ExpandFs {
        /// What is mounted there.
        target: PodTarget,
        /// In bytes.
        new_size: u64,
    },
}

/// Why a call is not carried out.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidCall {
    /// An argument is missing, or one too many is there.
    #[error("`{call}` takes {expected} arguments and was called with {found}")]
    Arguments {
        /// The call.
        call: String,
        /// How many it takes.
        expected: usize,
        /// How many there were.
        found: usize,
    },
    /// The options cannot be read.
    #[error(transparent)]
    Options(#[from] InvalidOptions),
    /// The directory is not kubelet's.
    #[error(transparent)]
    Target(#[from] TargetError),
    /// A size is none.
    #[error("`expandfs` was called with {size:?} for a size: expected bytes")]
    Size {
        /// What was given.
        size: String,
    },
    /// `mount` without the pod, or about another volume than its directory.
    #[error("`mount` was called for {}: {reason}", .target.path.display())]
    Contradiction {
        /// Where.
        target: PodTarget,
        /// What does not fit.
        reason: String,
    },
    /// A directory is no device's.
    #[error("{} is no directory of a device of {driver:?}", .path.display())]
    NoDevice {
        /// What was given.
        path: PathBuf,
        /// The FlexVolume driver.
        driver: String,
    },
    /// A call that needs no daemon, or that nobody knows.
    #[error("the node daemon does not serve the call {call:?}")]
    Unknown {
        /// The call.
        call: String,
    },
}

impl Call {
    /// Reads a request.
    ///
    /// # Errors
    /// It is no call of kubelet's to this driver.
    pub fn parse(request: &Request, root: &Path) -> Result<Self, InvalidCall> {
        let target = |path: &str| PodTarget::check(path, root, &request.driver);
        match request.call.as_str() {
            "mount" => {
                let [path, options] = arguments(request)?;
                let target = target(path)?;
                let options = Options::parse(options)?;
                agree(&target, &options)?;
                Ok(Self::Mount {
                    target,
                    options: Box::new(options),
                })
            }
            "unmount" => {
                let [path] = arguments(request)?;
                Ok(Self::Unmount {
                    target: target(path)?,
                })
            }
            "expandfs" => {
                let [_options, _device, path, new_size, _old_size] = arguments(request)?;
                let size = || InvalidCall::Size {
                    size: new_size.chars().take(40).collect(),
                };
                Ok(Self::ExpandFs {
                    target: target(path)?,
                    new_size: new_size.parse().map_err(|_| size())?,
                })
            }
            call => Err(InvalidCall::Unknown {
                call: call.to_owned(),
            }),
        }
    }
}

fn arguments<const N: usize>(request: &Request) -> Result<&[String; N], InvalidCall> {
    let args = request.args.as_slice();
    args.try_into().map_err(|_| InvalidCall::Arguments {
        call: request.call.clone(),
        expected: N,
        found: args.len(),
    })
}

/// That what the options say of pod and volume is what the directory says.
fn agree(target: &PodTarget, options: &Options) -> Result<(), InvalidCall> {
    let contradiction = |reason: String| {
        Err(InvalidCall::Contradiction {
            target: target.clone(),
            reason,
        })
    };
    let Some(pod) = &options.pod else {
        return contradiction("the options do not name the pod, as those of kubelet do".into());
    };
    if pod.uid != target.pod_uid {
        return contradiction(format!("the options are those of pod {}", pod.uid));
    }
    match &options.volume {
        Some(volume) if *volume != target.volume => {
            contradiction(format!("the options are those of volume {volume:?}"))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const POD: &str = r#""kubernetes.io/pod.name":"p","kubernetes.io/pod.namespace":"n","kubernetes.io/pod.uid":"u1""#;

    fn parse(call: &str, args: &[&str]) -> Result<Call, InvalidCall> {
        let root = tempfile::tempdir().unwrap();
        let target = format!("{}/pods/u1/volumes/k8s~nfs/pv-1", root.path().display());
        let request = Request {
            version: 1,
            request_id: "r".into(),
            driver: "k8s/nfs".into(),
            call: call.into(),
            args: args
                .iter()
                .map(|arg| arg.replace("TARGET", &target))
                .collect(),
            timeout_ms: 1000,
            original_does_not: false,
        };
        Call::parse(&request, root.path())
    }

    #[test]
    fn each_call_is_read() {
        let options = format!(r#"{{{POD},"kubernetes.io/pvOrVolumeName":"pv-1","server":"s"}}"#);
        let Ok(Call::Mount { target, options }) = parse("mount", &["TARGET", &options]) else {
            panic!("no mount");
        };
        assert_eq!((&*target.volume, &*options.own["server"]), ("pv-1", "s"));
        assert!(matches!(
            parse("unmount", &["TARGET"]),
            Ok(Call::Unmount { .. })
        ));
        let expand = parse("expandfs", &["{}", "", "TARGET", "2048", "1024"]);
        assert!(matches!(expand, Ok(Call::ExpandFs { new_size: 2048, .. })));
    }

    #[test]
    fn what_is_wrong_is_said() {
        let other_pod = format!("{{{}}}", POD.replace("u1", "u2"));
        let other_volume = format!(r#"{{{POD},"kubernetes.io/pvOrVolumeName":"pv-2"}}"#);
        let cases: &[(&str, &[&str], &str)] = &[
            (
                "mount",
                &["TARGET"],
                "takes 2 arguments and was called with 1",
            ),
            ("mount", &["TARGET", "{}", "x"], "with 3"),
            ("mount", &["/etc", "{}"], "no volume directory"),
            ("mount", &["TARGET", "[]"], "JSON object"),
            ("mount", &["TARGET", "{}"], "do not name the pod"),
            ("mount", &["TARGET", &other_pod], "those of pod u2"),
            (
                "mount",
                &["TARGET", &other_volume],
                "those of volume \"pv-2\"",
            ),
            (
                "expandfs",
                &["{}", "", "TARGET", "big", "0"],
                "\"big\" for a size",
            ),
            ("attach", &[], "does not serve the call \"attach\""),
        ];
        for (call, args, expected) in cases {
            let error = parse(call, args).unwrap_err().to_string();
            assert!(error.contains(expected), "{call}: {error}");
        }
    }
}
