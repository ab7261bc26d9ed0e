use std::collections::BTreeSet;
use std::io;
use std::path::PathBuf;

use flex2csi_translators::Error;
use flex2csi_translators::json::{Object, Path};

use super::*;

fn volume(error: Error) -> CallError {
    CallError::volume("vol-1", error)
}

fn unreachable() -> BackendError {
    BackendError::Unreachable {
        driver: Some("d".into()),
        socket: "/csi.sock".into(),
        source: io::ErrorKind::NotFound.into(),
    }
}

#[test]
fn each_error_has_its_code() {
    let id = || "flex2csi-1".to_owned();
    let path = || Path::of(&["spec"]);
    let socket = || PathBuf::from("/csi.sock");
    let table = [
        (CallError::Malformed(Malformed), Code::Internal),
        (CallError::Frame(FrameError::Short), Code::Internal),
        (CallError::Interrupted("reset".into()), Code::Cancelled),
        (CallError::TooLong { limit: 1 }, Code::ResourceExhausted),
        (
            CallError::Compression {
                encoding: "zstd".into(),
            },
            Code::Unimplemented,
        ),
        (CallError::Decompress("no gzip".into()), Code::Internal),
        (
            volume(Object::parse("[]").unwrap_err().into()),
            Code::InvalidArgument,
        ),
        (
            volume(Error::MissingField {
                driver: "d".into(),
                path: path(),
            }),
            Code::InvalidArgument,
        ),
        (
            volume(Error::Invalid {
                driver: "d".into(),
                path: path(),
                reason: "r".into(),
            }),
            Code::InvalidArgument,
        ),
        (
            volume(Error::SeveralSources {
                path: path(),
                sources: vec!["csi".into(), "nfs".into()],
            }),
            Code::InvalidArgument,
        ),
        (
            volume(Error::NewerVersion {
                path: path(),
                driver: "f".into(),
                version: "2".into(),
            }),
            Code::FailedPrecondition,
        ),
        (
            volume(Error::UnknownDriver {
                path: path(),
                driver: "d".into(),
                skeleton: "s".into(),
            }),
            Code::FailedPrecondition,
        ),
        (
            CallError::Parameters {
                error: Box::new(Error::MissingValue {
                    path: path(),
                    driver: "d".into(),
                    source_name: "s".into(),
                    value: "v".into(),
                    help: "h".into(),
                }),
            },
            Code::FailedPrecondition,
        ),
        (
            CallError::OtherBackend {
                what: "volume".into(),
                found: "e".into(),
                expected: "d".into(),
            },
            Code::FailedPrecondition,
        ),
        (
            CallError::OtherVolume {
                id: id(),
                handle: "vol-2".into(),
            },
            Code::FailedPrecondition,
        ),
        (
            CallError::MissingSecret {
                id: id(),
                secret_ref: "nodeStageSecretRef".into(),
            },
            Code::FailedPrecondition,
        ),
        (
            CallError::UnknownHandle { id: id() },
            Code::FailedPrecondition,
        ),
        (
            CallError::Lookup {
                id: id(),
                error: LookupError::Two("a".into(), "b".into()),
            },
            Code::FailedPrecondition,
        ),
        (
            CallError::Lookup {
                id: id(),
                error: LookupError::BrokeOff("r".into()),
            },
            Code::Unavailable,
        ),
        (
            CallError::Record {
                id: id(),
                file: socket(),
                error: io::ErrorKind::StorageFull.into(),
            },
            Code::Internal,
        ),
        (unreachable().into(), Code::Unavailable),
        (
            BackendError::Silent {
                driver: None,
                socket: socket(),
            }
            .into(),
            Code::Unavailable,
        ),
        (
            BackendError::OtherDriver {
                socket: socket(),
                expected: "d".into(),
                found: "e".into(),
            }
            .into(),
            Code::FailedPrecondition,
        ),
        (
            BackendError::NoDriver {
                socket: socket(),
                reason: "r".into(),
            }
            .into(),
            Code::Unavailable,
        ),
        (
            BackendError::Broken {
                socket: socket(),
                reason: "r".into(),
            }
            .into(),
            Code::Unavailable,
        ),
        (CallError::Answer("r".into()), Code::Internal),
        (CallError::Deadline, Code::DeadlineExceeded),
    ];
    let mut codes = BTreeSet::new();
    for (error, code) in table {
        assert_eq!(error.status().code(), code, "{error}");
        // As grpc-go, and so kubelet, writes it.
        codes.insert(format!("{code:?}").replace("Cancelled", "Canceled"));
    }
    assert_eq!(codes, documented());
}

/// The codes in the table of docs/endpoint.md.
fn documented() -> BTreeSet<String> {
    let page = include_str!("../../../docs/endpoint.md");
    let (_, section) = page.split_once("## When it refuses").unwrap();
    let (section, _) = section.split_once("\n## ").unwrap();
    let rows = section.lines().filter_map(|line| line.strip_prefix("| `"));
    rows.map(|row| row.split('`').next().unwrap().to_owned())
        .collect()
}

#[test]
fn a_message_says_what_happened_where_and_what_to_do() {
    let error = CallError::from(unreachable());
    assert_eq!(
        error.to_string(),
        "the CSI driver d cannot be reached at /csi.sock: entity not found; is its pod running on \
         this node, and is the socket mounted here?"
    );
}
