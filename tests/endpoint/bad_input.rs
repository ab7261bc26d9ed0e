//! Bad input of every kind: the right code, a message that says what is wrong,
//! and nothing else disturbed.

use bytes::Bytes;
use flex2csi::csi::v1::*;
use flex2csi_translators::endpoint::{SOURCE, VERSION};
use http::HeaderMap;
use prost::Message as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;
use tonic::Code;

use crate::caller::call;
use crate::rig::Rig;

fn stage(attributes: &[(&str, &str)]) -> Vec<u8> {
    let attributes = attributes.iter();
    let request = NodeStageVolumeRequest {
        volume_id: "vol-1".into(),
        volume_context: attributes
            .map(|(key, value)| ((*key).into(), (*value).into()))
            .collect(),
        ..Default::default()
    };
    request.encode_to_vec()
}

const STAGE: &str = "/csi.v1.Node/NodeStageVolume";

#[tokio::test]
async fn attributes_that_are_not_the_form_are_refused_with_what_is_wrong() {
    let long = format!(
        r#"{{"awsElasticBlockStore":{{"volumeID":"vol-1","x":"{}"}}}}"#,
        "s3cret".repeat(800)
    );
    let driver = |driver: &str| {
        format!(r#"{{"flexVolume":{{"driver":"{driver}","options":{{"password":"s3cret"}}}}}}"#)
    };
    let ebs = r#"{"awsElasticBlockStore":{"volumeID":"vol-1"}}"#;
    let rig = Rig::echo();
    for (attributes, code, part) in [
        (
            vec![(VERSION, "1"), (SOURCE, "s3cret")],
            Code::InvalidArgument,
            SOURCE,
        ),
        (
            vec![(VERSION, "1"), (SOURCE, r#"{"a":1,"a":2}"#)],
            Code::InvalidArgument,
            SOURCE,
        ),
        (
            vec![(VERSION, "1"), (SOURCE, "{}")],
            Code::InvalidArgument,
            SOURCE,
        ),
        (
            vec![(VERSION, "1"), (SOURCE, r#"{"hostPath":{"path":"/"}}"#)],
            Code::InvalidArgument,
            SOURCE,
        ),
        (
            vec![(VERSION, "1"), (SOURCE, &long)],
            Code::InvalidArgument,
            "4096",
        ),
        (
            vec![(VERSION, "2"), (SOURCE, ebs)],
            Code::FailedPrecondition,
            "version \"2\"",
        ),
        (vec![(SOURCE, ebs)], Code::InvalidArgument, VERSION),
        (vec![(VERSION, "1")], Code::InvalidArgument, SOURCE),
        (
            vec![("flex2csi.io/what", "x")],
            Code::InvalidArgument,
            VERSION,
        ),
        (
            vec![(VERSION, "1"), (SOURCE, &driver("acme.com/none"))],
            Code::FailedPrecondition,
            "acme.com/none",
        ),
    ] {
        let (got, said) = rig.refused(STAGE, stage(&attributes)).await;
        assert_eq!(got, code, "{attributes:?}: {said}");
        assert!(said.contains(part), "{attributes:?}: {said}");
        assert!(said.contains("vol-1"), "{said}");
        assert!(!said.contains("s3cret"), "{said}");
    }
    // The next call on the same endpoint is as good as ever.
    rig.forwarded(STAGE, stage(&[])).await;
}

#[tokio::test]
async fn what_is_no_message_is_refused() {
    let rig = Rig::echo();
    for message in [&b"\x0a\xff"[..], b"\x0a\x01\xff", b"\x0c", b"\x00\x00"] {
        let (code, said) = rig.refused(STAGE, message).await;
        assert_eq!(code, Code::Internal, "{said}");
        assert!(said.contains("protobuf"), "{said}");
    }
    for body in [
        &b""[..],
        b"\0\0\0\0\x09ab",
        b"\0\0\0\0\0\0\0\0\0\0",
        b"\x07\0\0\0\0",
    ] {
        let answer = call(
            &rig.socket(),
            STAGE,
            Bytes::from_static(body),
            HeaderMap::new(),
        )
        .await;
        assert_eq!(answer.code, Code::Internal, "{body:?}: {}", answer.said);
    }
    assert!(rig.backend.calls().is_empty());
    rig.forwarded(STAGE, stage(&[])).await;
}

#[tokio::test]
async fn a_request_that_is_too_long_to_look_into_is_refused() {
    let rig = Rig::echo();
    let body = flex2csi::grpc::frame(&vec![0; (16 << 20) + 1]);
    let answer = call(&rig.socket(), STAGE, body, HeaderMap::new()).await;
    assert_eq!(answer.code, Code::ResourceExhausted, "{}", answer.said);
    rig.forwarded(STAGE, stage(&[])).await;
}

#[tokio::test]
async fn garbage_on_the_socket_disturbs_nobody() {
    let rig = Rig::echo();
    let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    let frame = |kind: u8, flags: u8, payload: &[u8]| {
        let length = (payload.len() as u32).to_be_bytes();
        [
            &preface[..],
            &[0, 0, 0, 4, 0, 0, 0, 0, 0],
            &length[1..],
            &[kind, flags, 0, 0, 0, 1],
            payload,
        ]
        .concat()
    };
    for garbage in [
        b"GET / HTTP/1.1\r\n\r\n".to_vec(),
        vec![0xff; 100_000],
        preface.to_vec(),
        frame(1, 4, &[0xff; 100]),
        frame(1, 0, &[0x82; 10]),
        frame(0, 1, b"data of no stream"),
        frame(9, 4, &[0x82; 10]),
        frame(200, 255, &[1; 1000]),
    ] {
        let mut stream = UnixStream::connect(rig.socket()).await.unwrap();
        let _ = stream.write_all(&garbage).await;
        let _ = stream.shutdown().await;
        let mut answer = Vec::new();
        let read = stream.read_to_end(&mut answer);
        let _ = tokio::time::timeout(std::time::Duration::from_secs(20), read)
            .await
            .expect("it hangs");
        rig.forwarded(STAGE, stage(&[])).await;
    }
}

#[tokio::test]
async fn what_is_http_and_no_grpc_is_told_so() {
    let rig = Rig::echo();
    let mut connection = flex2csi::backend::Connection::open(&rig.socket())
        .await
        .unwrap();
    let request = http::Request::get("http://localhost/metrics")
        .body(flex2csi::grpc::Body::empty())
        .unwrap();
    let response = connection
        .send(request)
        .await
        .map_err(|(error, _)| error)
        .unwrap();
    assert_eq!(response.status(), 415);
    assert!(rig.backend.calls().is_empty());
}
