//! Deadlines, and calls that are given up.

mod tier_1 {
    use flex2csi_testing::grpc_client::Age;
    use serde_json::json;
    use tokio::task::JoinSet;

    use super::super::rig::{DELETE, PROBE, Rig, STREAM, UNKNOWN, both_ways, script};
    use super::super::tonic_client::TonicClient;

    #[tokio::test]
    #[ignore = "tier 1: needs grpc-go clients; testing/run builds them"]
    async fn the_driver_sees_the_callers_deadline() {
        for age in Age::ALL {
            let rig = Rig::start(age, &[]).await;
            let told = json!({ "report": true });
            let scripted = script(&told);
            let flags = ["-metadata", &scripted, "-timeout", "30s"];
            for method in [PROBE, DELETE, UNKNOWN] {
                for (_, through) in both_ways(&rig, method, &json!({}), &flags).await {
                    let left = through["trailer"]["x-deadline-ms"][0].as_str().unwrap();
                    let left: u64 = left.parse().unwrap();
                    assert!((1..=30_000).contains(&left), "{age:?} {method}: {left}");
                }
                let client = TonicClient::connect(&rig.through()).await;
                let answer = client.call(method, b"", &told).await;
                assert_eq!(answer.metadata("x-deadline-ms"), None, "{age:?} {method}");
            }
        }
    }

    #[tokio::test]
    #[ignore = "tier 1: needs grpc-go clients; testing/run builds them"]
    async fn a_deadline_that_passes_is_told_as_such_and_ends_the_call_at_the_driver() {
        for age in Age::ALL {
            let rig = Rig::start(age, &[]).await;
            let told = script(&json!({ "sleep_ms": 600_000 }));
            let flags = ["-metadata", &told, "-timeout", "400ms"];
            for (calls, method) in (1..).zip([PROBE, DELETE, UNKNOWN, STREAM]) {
                for (direct, through) in both_ways(&rig, method, &json!({}), &flags).await {
                    assert_eq!(direct["code"], "DeadlineExceeded", "{age:?} {method}");
                    assert_eq!(through["code"], "DeadlineExceeded", "{age:?} {method}");
                }
                // Two ways and two callers.
                rig.counted("ended", calls * 4).await;
            }
        }
    }

    #[tokio::test]
    #[ignore = "tier 1: needs grpc-go clients; testing/run builds them"]
    async fn a_call_that_is_given_up_ends_at_the_driver() {
        for age in Age::ALL {
            let rig = Rig::start(age, &[]).await;
            let client = TonicClient::connect(&rig.through()).await;
            let mut calls = JoinSet::new();
            for method in [PROBE, DELETE, UNKNOWN] {
                for _ in 0..20 {
                    let client = client.clone();
                    let told = json!({ "sleep_ms": 600_000 });
                    calls.spawn(async move { client.call(method, b"", &told).await });
                }
            }
            rig.counted("started", 60).await;
            calls.abort_all();
            rig.counted("cancelled", 60).await;
            assert_eq!(rig.counts().await["ended"], 60, "{age:?}");
        }
    }
}
