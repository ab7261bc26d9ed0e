//! Long messages, up to the limits of each side, and beyond.

mod tier_1 {
    use flex2csi_testing::grpc_client::Age;
    use serde_json::json;

    use super::super::rig::{DELETE, PROBE, Rig, UNKNOWN, both_ways, script};

    #[tokio::test]
    #[ignore = "tier 1: needs grpc-go clients; testing/run builds them"]
    async fn long_answers_come_through_as_far_as_the_caller_takes_them() {
        for age in Age::ALL {
            let rig = Rig::start(age, &[]).await;
            let told = script(&json!({ "bytes": 8 << 20 }));
            // ListVolumes: its answers are looked into.
            for method in [PROBE, "/csi.v1.Controller/ListVolumes"] {
                for (limit, code) in [("16777216", "OK"), ("4194304", "ResourceExhausted")] {
                    let flags = ["-metadata", &told, "-limit", limit];
                    for (direct, through) in both_ways(&rig, method, &json!({}), &flags).await {
                        assert_eq!(direct["code"], code, "{age:?} {method}");
                        assert_eq!(through, direct, "{age:?} {method}");
                    }
                }
            }
        }
    }

    /// The limit is the server's own, and so are its words.
    #[tokio::test]
    #[ignore = "tier 1: needs grpc-go clients; testing/run builds them"]
    async fn long_requests_come_through_as_far_as_the_driver_takes_them() {
        for age in Age::ALL {
            let rig = Rig::start(age, &[]).await;
            for method in [PROBE, DELETE, UNKNOWN] {
                for (length, code) in [("4194000", "OK"), ("5000000", "ResourceExhausted")] {
                    let flags = ["-pad", length, "-limit", "16777216"];
                    for (direct, through) in both_ways(&rig, method, &json!({}), &flags).await {
                        assert_eq!(direct["code"], code, "{age:?} {method}");
                        for part in ["code", "message", "wire"] {
                            assert_eq!(through[part], direct[part], "{age:?} {method}");
                        }
                    }
                }
            }
        }
    }
}
