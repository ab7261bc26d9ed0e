//! What becomes of an answer; the calls themselves are tried in `tests/volumes`.

use std::collections::BTreeMap;

use tonic::Code;

use super::redact::redact;
use super::*;
use crate::csi::v1;
use v1::node_service_capability::{Rpc, Type, rpc};

fn status(code: Code, message: &str) -> CsiError {
    CsiError::Status {
        driver: "d".into(),
        rpc: "NodeStageVolume",
        code,
        message: message.into(),
    }
}

#[test]
fn only_the_driver_can_say_that_nothing_happens_any_more() {
    assert!(status(Code::Internal, "").is_final());
    assert!(status(Code::Unknown, "").is_final());
    assert!(!status(Code::Aborted, "").is_final());
    let late = CsiError::Deadline {
        driver: "d".into(),
        rpc: "NodeStageVolume",
    };
    assert!(!late.is_final());
    let unreadable = CsiError::Answer {
        driver: "d".into(),
        rpc: "NodeStageVolume",
        reason: "short".into(),
    };
    assert!(!unreadable.is_final());
}

#[test]
fn secrets_are_taken_out_of_messages() {
    let secrets = |values: &[&str]| -> BTreeMap<String, String> {
        let values = values.iter().enumerate();
        values
            .map(|(key, value)| (key.to_string(), (*value).to_owned()))
            .collect()
    };
    let said = |message: &str, values: &[&str]| {
        let error = redact(status(Code::Internal, message), &secrets(values));
        error.to_string()
    };
    let text = said(
        "mount -o user=u,pass=hunter22\nfailed",
        &["hunter2", "hunter22\n", "u"],
    );
    assert!(text.contains("user=u,pass=[secret]"), "{text}");
    // What is shorter than anybody's secret would take too much out.
    assert!(said("no such volume", &["no", ""]).contains("no such volume"));
}

#[test]
fn capabilities_that_are_not_known_yet_do_no_harm() {
    let capability = |kind: i32| v1::NodeServiceCapability {
        r#type: Some(Type::Rpc(Rpc { r#type: kind })),
    };
    let answer = v1::NodeGetCapabilitiesResponse {
        capabilities: vec![
            capability(rpc::Type::StageUnstageVolume as i32),
            capability(rpc::Type::VolumeMountGroup as i32),
            capability(4242),
            v1::NodeServiceCapability::default(),
        ],
    };
    let expected = NodeCapabilities {
        stage_unstage: true,
        volume_mount_group: true,
        ..NodeCapabilities::default()
    };
    assert_eq!(NodeCapabilities::of(&answer), expected);
}
