//! Connections that the driver ends, and limits, under calls that go on.

mod tier_1 {
    use std::time::Duration;

    use flex2csi_testing::grpc_client::{Age, Dial, GrpcClient, Load};
    use serde_json::{Value, json};

    use super::super::rig::{DELETE, PROBE, Rig, both_ways, script};

    const LOAD: Load = Load {
        calls: 1_000_000,
        concurrency: 8,
        keys: 0,
    };

    /// Calls of this length by two callers of each age, until `duration` has passed.
    async fn call(rig: &Rig, load: Load, milliseconds: u32, duration: &str) -> Vec<Value> {
        let told = script(&json!({ "sleep_ms": milliseconds }));
        let flags = ["-metadata", &told, "-duration", duration];
        let bench = async |age, method| {
            let client = GrpcClient::new(age, &rig.through()).unwrap();
            let request = json!({});
            let figures = client.bench_with(Dial::Localhost, method, &request, load, &flags);
            figures.await.unwrap()
        };
        let [old, new] = Age::ALL;
        <[_; 4]>::from(tokio::join!(
            bench(old, PROBE),
            bench(old, DELETE),
            bench(new, PROBE),
            bench(new, DELETE),
        ))
        .to_vec()
    }

    /// That each call was answered, and made once.
    async fn assert_none_failed(rig: &Rig, figures: &[Value]) {
        let mut calls = 0;
        for figures in figures {
            assert_eq!(figures["failed"], 0, "{figures}");
            calls += figures["calls"].as_u64().unwrap();
        }
        assert!(calls > 200, "{calls}");
        assert_eq!(rig.counts().await["started"], calls);
    }

    #[tokio::test]
    #[ignore = "tier 1: needs grpc-go clients; testing/run builds them"]
    async fn no_call_fails_for_a_connection_that_has_come_of_age() {
        for age in Age::ALL {
            let rig = Rig::start(age, &["-age", "300ms"]).await;
            assert_none_failed(&rig, &call(&rig, LOAD, 3, "3s").await).await;
            let log = rig.endpoint.log_tail();
            let connections = log.matches("connected to the backend").count();
            assert!(connections > 5, "{age:?}: {log}");
        }
    }

    #[tokio::test]
    #[ignore = "tier 1: needs grpc-go clients; testing/run builds them"]
    async fn more_calls_than_the_driver_takes_at_once_wait_for_their_turn() {
        for age in Age::ALL {
            let rig = Rig::start(age, &["-streams", "4"]).await;
            let load = Load {
                calls: 200,
                concurrency: 16,
                keys: 0,
            };
            assert_none_failed(&rig, &call(&rig, load, 5, "30s").await).await;
        }
    }

    /// Calls that wait for their turn are moved to the next connection.
    #[tokio::test]
    #[ignore = "tier 1: needs grpc-go clients; testing/run builds them"]
    async fn calls_that_wait_for_their_turn_outlive_the_connection() {
        for age in Age::ALL {
            let rig = Rig::start(age, &["-streams", "4", "-age", "100ms"]).await;
            assert_none_failed(&rig, &call(&rig, LOAD, 5, "3s").await).await;
        }
    }

    /// They were acted on: making them again is their caller's to decide.
    #[tokio::test]
    #[ignore = "tier 1: needs grpc-go clients; testing/run builds them"]
    async fn calls_that_a_connection_does_not_wait_for_are_not_made_again() {
        for age in Age::ALL {
            let rig = Rig::start(age, &["-age", "200ms", "-grace", "200ms"]).await;
            let told = script(&json!({ "sleep_ms": 600_000 }));
            for (calls, method) in (1..).zip([PROBE, DELETE]) {
                let flags = ["-metadata", &told];
                for (direct, through) in both_ways(&rig, method, &json!({}), &flags).await {
                    assert_eq!(direct["code"], "Unavailable", "{age:?} {method}: {direct}");
                    assert_eq!(
                        through["code"], "Unavailable",
                        "{age:?} {method}: {through}"
                    );
                }
                // Two ways and two callers.
                rig.counted("cancelled", calls * 4).await;
                assert_eq!(rig.counts().await["started"], calls * 4, "{age:?} {method}");
            }
        }
    }

    /// What a driver that is gone cannot do is told as such, and nothing else is.
    #[tokio::test]
    #[ignore = "tier 1: needs grpc-go clients; testing/run builds them"]
    async fn a_driver_that_restarts_is_unavailable_until_it_is_back() {
        for age in Age::ALL {
            let mut rig = Rig::start(age, &[]).await;
            let socket = rig.through();
            let told = script(&json!({ "sleep_ms": 2 }));
            let mut calls = tokio::task::JoinSet::new();
            for (caller, method) in [(Age::Old, PROBE), (Age::New, DELETE)] {
                let client = GrpcClient::new(caller, &socket).unwrap();
                let flags = [
                    "-metadata".to_owned(),
                    told.clone(),
                    "-duration".to_owned(),
                    "3s".to_owned(),
                ];
                calls.spawn(async move {
                    let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
                    let request = json!({});
                    let figures =
                        client.bench_with(Dial::Localhost, method, &request, LOAD, &flags);
                    figures.await.unwrap()
                });
            }
            let client = GrpcClient::new(Age::New, &socket).unwrap();
            for round in 0..4 {
                tokio::time::sleep(Duration::from_millis(300)).await;
                let server = rig.server.take().unwrap();
                if round % 2 == 0 {
                    server.terminate(Duration::from_secs(30)).await.unwrap();
                } else {
                    drop(server); // Killed.
                }
                let answer = client.call(Dial::Unix, DELETE, &json!({})).await.unwrap();
                assert_eq!(answer["code"], "Unavailable", "{age:?}: {answer}");
                // Sidecars end over an error, and wait for what is not ready.
                let answer = client.call(Dial::Unix, PROBE, &json!({})).await.unwrap();
                assert_eq!(answer["code"], "OK", "{age:?}: {answer}");
                assert_eq!(answer["responses"], json!([{"ready": false}]), "{age:?}");
                rig.serve_again().await;
                let answer = client.call(Dial::Unix, PROBE, &json!({})).await.unwrap();
                assert_eq!(answer["code"], "OK", "{age:?}: {answer}");
            }
            for figures in calls.join_all().await {
                let codes = figures["codes"].as_object().unwrap();
                let mut others = codes.keys().filter(|code| *code != "Unavailable");
                assert_eq!(others.next().unwrap(), "OK", "{age:?}: {figures}");
                assert_eq!(others.next(), None, "{age:?}: {figures}");
            }
        }
    }
}
