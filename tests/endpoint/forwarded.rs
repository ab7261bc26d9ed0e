//! What needs no translation comes through as it is.

use bytes::Bytes;
use flex2csi::csi::v1::*;
use http::{HeaderMap, HeaderName, HeaderValue};
use proptest::prelude::*;
use prost::Message as _;
use tonic::Code;

use crate::rig::{Rig, Setup};
use crate::rpcs;
use crate::scripted::Reply;

/// The path of every RPC of CSI, and of some that there are not.
fn paths() -> Vec<String> {
    // The scripted backend answers these two itself.
    let of_itself = ["/csi.v1.Identity/GetPluginInfo", "/csi.v1.Node/NodeGetInfo"];
    let mut paths = rpcs::of_csi();
    paths.retain(|path| !of_itself.contains(&path.as_str()));
    paths.push("/csi.v1.Controller/ControllerTeleportVolume".to_owned());
    paths.push("/vendor.v1.Extras/DoThings".to_owned());
    paths
}

/// Fields of numbers that no message has, in forms that no encoder here writes.
fn unknown_fields() -> impl Strategy<Value = Vec<u8>> {
    let field = (100_u64..4000, prop::collection::vec(any::<u8>(), 0..30));
    prop::collection::vec(field, 0..4).prop_map(|fields| {
        let mut out = Vec::new();
        for (number, bytes) in fields {
            prost::encoding::encode_varint(number << 3 | 2, &mut out);
            out.extend([bytes.len() as u8 | 0x80, 0]);
            out.extend(bytes);
        }
        out
    })
}

fn runtime() -> tokio::runtime::Runtime {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder.enable_all().build().unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn a_message_that_needs_no_translation_comes_out_byte_for_byte(
        id in "[a-z0-9-]{0,40}",
        attributes in prop::collection::btree_map("[a-z./]{0,12}", ".{0,12}", 0..4),
        before in unknown_fields(),
        behind in unknown_fields(),
    ) {
        let request = NodePublishVolumeRequest {
            volume_id: id,
            volume_context: attributes,
            target_path: "/t".into(),
            ..Default::default()
        };
        let message = [before, request.encode_to_vec(), behind].concat();
        runtime().block_on(async {
            let rig = Rig::echo();
            for path in ["/csi.v1.Node/NodePublishVolume", "/vendor.v1.Extras/DoThings"] {
                let (forwarded, answer) = rig.forwarded(path, &message).await;
                prop_assert_eq!(&forwarded[..], &message[..]);
                prop_assert_eq!(&answer.message[..], &message[..]);
            }
            Ok(())
        })?;
    }
}

#[tokio::test]
async fn every_rpc_is_forwarded_known_or_not() {
    let rig = Rig::echo();
    for path in paths() {
        // `volume_id`, or whatever else has the number 1, and an unknown field.
        let message = b"\x0a\x05vol-1\xfa\x3f\x03new";
        let (forwarded, answer) = rig.forwarded(&path, message).await;
        assert_eq!(rig.backend.last().path, path);
        assert_eq!(forwarded, &message[..], "{path}");
        assert_eq!(answer.message, &message[..], "{path}");
    }
}

#[tokio::test]
async fn metadata_trailers_and_error_details_come_through() {
    let header = HeaderName::from_static;
    let value = HeaderValue::from_static;
    let rig = Rig::with(Setup::default(), move |call| {
        if call.path.ends_with("/DeleteVolume") {
            let details = Bytes::from_static(b"\x08\x09details of a newer kind");
            let mut status = tonic::Status::with_details(Code::Aborted, "für später", details);
            status
                .metadata_mut()
                .insert("x-retry", "7".parse().unwrap());
            return Reply::Status(status);
        }
        Reply::Message {
            message: Bytes::from_static(b"\x0a\x01a"),
            headers: [(header("x-before"), value("1"))].into_iter().collect(),
            trailers: [(header("x-behind"), value("2"))].into_iter().collect(),
        }
    });
    let mut headers = HeaderMap::new();
    headers.append("x-many", value("one"));
    headers.append("x-many", value("two"));
    headers.insert("x-key-bin", value("AAEC"));
    headers.insert("x-request-id", value("from-the-caller"));
    headers.insert("grpc-timeout", value("9S"));
    let probe = rig
        .call_with("/csi.v1.Identity/Probe", b"", headers.clone())
        .await;
    let got = rig.backend.last().headers;
    for (name, value) in &headers {
        assert!(
            got.get_all(name).iter().any(|other| other == value),
            "{name:?}"
        );
    }
    assert_eq!(probe.headers["x-before"], "1");
    assert_eq!(probe.trailers["x-behind"], "2");

    let deleted = rig
        .call_with("/csi.v1.Controller/DeleteVolume", b"\x0a\x01v", headers)
        .await;
    assert_eq!(
        (deleted.code, deleted.said.as_str()),
        (Code::Aborted, "für später")
    );
    let status = tonic::Status::from_header_map(&deleted.headers).unwrap();
    assert_eq!(status.details(), b"\x08\x09details of a newer kind");
    assert_eq!(deleted.headers["x-retry"], "7");
}

#[tokio::test]
async fn no_header_is_lost_or_added_but_the_request_id() {
    let rig = Rig::echo();
    let body = || flex2csi::grpc::frame(b"\x0a\x05vol-1");
    for path in ["/csi.v1.Identity/Probe", "/csi.v1.Controller/DeleteVolume"] {
        let direct =
            crate::caller::call(&rig.backend_socket(), path, body(), HeaderMap::new()).await;
        let mut asked = vec![rig.backend.last().headers];
        let through = crate::caller::call(&rig.socket(), path, body(), HeaderMap::new()).await;
        asked.push(rig.backend.last().headers);
        assert!(asked[1].remove("x-request-id").is_some());
        assert_eq!(asked[0], asked[1], "{path}");
        let without_date = |mut headers: HeaderMap| {
            headers.remove("date");
            headers
        };
        assert_eq!(
            without_date(direct.headers),
            without_date(through.headers),
            "{path}"
        );
        assert_eq!(direct.trailers, through.trailers, "{path}");
    }
}

#[tokio::test]
async fn each_call_has_a_request_id_at_the_backend() {
    let rig = Rig::echo();
    let mut ids = std::collections::BTreeSet::new();
    for _ in 0..10 {
        rig.call("/csi.v1.Identity/Probe", b"").await;
        ids.insert(
            rig.backend.last().headers["x-request-id"]
                .to_str()
                .unwrap()
                .to_owned(),
        );
    }
    assert_eq!(ids.len(), 10);
}

#[tokio::test]
async fn the_driver_has_the_endpoints_name_and_all_else_of_the_backend() {
    let rig = Rig::echo();
    let answer = rig.call("/csi.v1.Identity/GetPluginInfo", b"").await;
    let info = GetPluginInfoResponse::decode(answer.message).unwrap();
    assert_eq!(info.name, "ebs.csi.aws.com.flex2csi.io");
    assert_eq!(info.vendor_version, "1");
}

#[tokio::test]
async fn large_messages_go_both_ways() {
    let large = vec![7_u8; 8 << 20];
    let mut message = Vec::new();
    prost::encoding::encode_varint(2000 << 3 | 2, &mut message);
    prost::encoding::encode_varint(large.len() as u64, &mut message);
    message.extend(&large);
    let rig = Rig::echo();
    for path in [
        "/csi.v1.Controller/ListVolumes",
        "/csi.v1.Controller/DeleteVolume",
    ] {
        let (forwarded, answer) = rig.forwarded(path, &message).await;
        assert_eq!(forwarded, &message[..]);
        assert_eq!(answer.message, &message[..]);
    }
}

#[tokio::test]
async fn a_gzipped_message_that_needs_no_translation_stays_gzipped() {
    use std::io::Write as _;
    let rig = Rig::echo();
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(b"\x0a\x05vol-1").unwrap();
    let gzipped = encoder.finish().unwrap();
    let mut body = vec![1];
    body.extend((gzipped.len() as u32).to_be_bytes());
    body.extend(&gzipped);
    let headers = [(
        HeaderName::from_static("grpc-encoding"),
        HeaderValue::from_static("gzip"),
    )];
    let path = "/csi.v1.Controller/DeleteVolume";
    crate::caller::call(
        &rig.socket(),
        path,
        body.into(),
        headers.into_iter().collect(),
    )
    .await;
    let got = rig.backend.last();
    assert_eq!(got.message, gzipped);
    assert_eq!(got.headers["grpc-encoding"], "gzip");
}
