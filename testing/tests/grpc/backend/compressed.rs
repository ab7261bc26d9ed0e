//! Callers that compress, and are answered likewise.

mod tier_1 {
    use flex2csi::csi::v1::NodePublishVolumeRequest;
    use flex2csi_testing::grpc_client::Age;
    use prost::Message as _;
    use serde_json::{Value, json};

    use super::super::rig::{Rig, UNKNOWN, both_ways, lasting, script};

    const PUBLISH: &str = "/csi.v1.Node/NodePublishVolume";

    fn publish(context: &Value) -> Value {
        json!({
            "volumeId": "vol-1",
            "targetPath": "/target",
            "volumeCapability": { "mount": {}, "accessMode": { "mode": "SINGLE_NODE_WRITER" } },
            "volumeContext": context,
        })
    }

    /// The request as the driver got it.
    fn seen(answer: &Value) -> NodePublishVolumeRequest {
        let bytes = answer["trailer"]["x-request-bin"][0].as_str().unwrap();
        NodePublishVolumeRequest::decode(bytes.as_bytes()).unwrap()
    }

    #[tokio::test]
    #[ignore = "tier 1: needs grpc-go clients; testing/run builds them"]
    async fn what_needs_no_translation_comes_through() {
        for age in Age::ALL {
            let rig = Rig::start(age, &[]).await;
            let told = script(&json!({ "bytes": 1000, "report": true }));
            let flags = ["-gzip", "-metadata", &told];
            let request = publish(&json!({ "key": "value" }));
            let listed = "/csi.v1.Controller/ListVolumes";
            for (method, request) in [
                (PUBLISH, request),
                (listed, json!({})),
                (UNKNOWN, json!({})),
            ] {
                for (direct, through) in both_ways(&rig, method, &request, &flags).await {
                    let [mut direct, mut through] = [direct, through].map(lasting);
                    assert_eq!(direct["code"], "OK", "{age:?} {method}: {direct}");
                    // How an answer is compressed is between each two.
                    for answer in [&mut direct, &mut through] {
                        answer["header"]
                            .as_object_mut()
                            .unwrap()
                            .remove("grpc-encoding");
                    }
                    assert_eq!(through, direct, "{age:?} {method}");
                }
            }
        }
    }

    #[tokio::test]
    #[ignore = "tier 1: needs grpc-go clients; testing/run builds them"]
    async fn a_legacy_source_is_translated() {
        for age in Age::ALL {
            let rig = Rig::start(age, &[]).await;
            let told = script(&json!({ "bytes": 1000, "report": true }));
            let source =
                json!({ "awsElasticBlockStore": { "volumeID": "aws://us-east-1a/vol-1" } });
            let request = publish(&json!({
                "flex2csi.io/version": "1",
                "flex2csi.io/source": source.to_string(),
                "flex2csi.io/context": json!({ "name": "pv" }).to_string(),
            }));
            for flags in [&["-gzip", "-metadata", &told][..], &["-metadata", &told]] {
                for (direct, through) in both_ways(&rig, PUBLISH, &request, flags).await {
                    assert_eq!(through["code"], "OK", "{age:?}: {through}");
                    assert_eq!(through["wire"], direct["wire"], "{age:?}");
                    assert_eq!(seen(&direct).volume_context.len(), 3, "{age:?}");
                    let seen = seen(&through);
                    assert_eq!(seen.volume_id, "vol-1", "{age:?}");
                    assert_eq!(seen.target_path, "/target", "{age:?}");
                    let left = seen.volume_context.keys();
                    let left: Vec<_> = left.filter(|key| key.contains("flex2csi")).collect();
                    assert!(left.is_empty(), "{age:?}: {left:?}");
                }
            }
        }
    }
}
