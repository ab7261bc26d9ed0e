//! Every RPC, answered and failed: status, details, headers, trailers and message.

use flex2csi::csi::DESCRIPTORS;
use prost::Message as _;

/// The paths of every unary RPC of CSI, and of one that there is not.
fn unary() -> Vec<String> {
    let set = prost_types::FileDescriptorSet::decode(DESCRIPTORS).unwrap();
    let services = set.file.iter().filter(|file| file.package() == "csi.v1");
    let services = services.flat_map(|file| &file.service);
    let mut paths: Vec<String> = services
        .flat_map(|service| {
            let methods = service.method.iter();
            let methods = methods.filter(|method| !method.server_streaming());
            methods.map(|method| format!("/csi.v1.{}/{}", service.name(), method.name()))
        })
        .collect();
    assert!(paths.len() > 25);
    paths.push(super::rig::UNKNOWN.to_owned());
    paths
}

mod tier_1 {
    use flex2csi_testing::grpc_client::Age;
    use serde_json::{Value, json};

    use super::super::rig::{Rig, both_ways, lasting, script};
    use super::super::tonic_client::TonicClient;
    use super::unary;

    const PLUGIN_INFO: &str = "/csi.v1.Identity/GetPluginInfo";

    fn answered() -> Value {
        json!({
            "bytes": 100,
            "header": { "x-head": ["1", "2"], "x-bytes-bin": ["\u{1}\u{2}"] },
            "trailer": { "x-tail": ["3"], "x-tail-bin": ["\u{1}"] },
            "report": true,
        })
    }

    fn failed() -> Value {
        json!({
            "code": 9,
            "message": "100% \u{1f}of it\n is in use; \\u00e9",
            "details": { "type.example/of.a.detail": "AAECAwQ=" },
            "header": { "x-head": ["1", "2"] },
            "trailer": { "x-tail": ["3"], "x-tail-bin": ["\u{1}"] },
        })
    }

    #[tokio::test]
    #[ignore = "tier 1: needs grpc-go clients; testing/run builds them"]
    async fn grpc_go_gets_what_the_driver_answers() {
        for age in Age::ALL {
            let rig = Rig::start(age, &[]).await;
            for method in unary() {
                for told in [answered(), failed()] {
                    let told = script(&told);
                    let flags = [
                        "-metadata",
                        &told,
                        "-pad",
                        "10",
                        "-metadata",
                        "x-plain=a, b",
                    ];
                    for (direct, through) in both_ways(&rig, &method, &json!({}), &flags).await {
                        let [mut direct, mut through] = [direct, through].map(lasting);
                        if method == PLUGIN_INFO && direct["code"] == "OK" {
                            assert_eq!(
                                through["responses"][0]["name"],
                                "ebs.csi.aws.com.flex2csi.io"
                            );
                            for answer in [&mut direct, &mut through] {
                                answer["wire"].take();
                                answer["responses"][0]["name"].take();
                            }
                        }
                        assert_eq!(through, direct, "{age:?} {method}");
                    }
                }
            }
        }
    }

    #[tokio::test]
    #[ignore = "tier 1: needs grpc-go clients; testing/run builds them"]
    async fn tonic_gets_what_the_driver_answers() {
        for age in Age::ALL {
            let rig = Rig::start(age, &[]).await;
            let direct = TonicClient::connect(&rig.direct()).await;
            let through = TonicClient::connect(&rig.through()).await;
            for method in unary().iter().filter(|method| *method != PLUGIN_INFO) {
                for told in [answered(), failed()] {
                    // A field that no message has.
                    let message = b"\xfa\xf0\x04\x03abc";
                    let expected = direct.call(method, message, &told).await;
                    let answer = through.call(method, message, &told).await;
                    assert_eq!(answer, expected, "{age:?} {method}");
                    let is_failed = told["code"] == 9;
                    assert_eq!(answer.code == tonic::Code::FailedPrecondition, is_failed);
                }
            }
        }
    }
}
