//! Streams of answers.

mod tier_1 {
    use std::time::Duration;

    use flex2csi_testing::grpc_client::{Age, Dial, GrpcClient};
    use serde_json::json;

    use super::super::rig::{Rig, STREAM, UNKNOWN, script};
    use super::super::tonic_client::TonicClient;

    /// The server sends the second message only when told to, and is told so by
    /// who got the first.
    #[tokio::test]
    #[ignore = "tier 1: needs grpc-go clients; testing/run builds them"]
    async fn grpc_go_gets_each_message_as_it_is_sent() {
        for age in Age::ALL {
            let rig = Rig::start(age, &[]).await;
            let server = rig.direct().display().to_string();
            let told = script(&json!({
                "messages": 50, "gated": true, "bytes": 1000,
                "header": { "x-head": ["1"] }, "trailer": { "x-tail": ["3"] },
            }));
            let flags = ["-metadata", &told, "-release", &server];
            for caller in Age::ALL {
                let call = async |socket: std::path::PathBuf| {
                    let client = GrpcClient::new(caller, &socket).unwrap();
                    let request = json!({});
                    let answer = client.call_with(Dial::Localhost, STREAM, &request, &flags);
                    answer.await.unwrap()
                };
                let direct = call(rig.direct()).await;
                assert_eq!(direct["code"], "OK", "{age:?} {caller:?}: {direct}");
                assert_eq!(direct["wire"].as_array().unwrap().len(), 50);
                assert_eq!(call(rig.through()).await, direct, "{age:?} {caller:?}");
            }
        }
    }

    #[tokio::test]
    #[ignore = "tier 1: needs grpc-go clients; testing/run builds them"]
    async fn tonic_gets_each_message_as_it_is_sent() {
        for age in Age::ALL {
            let rig = Rig::start(age, &[]).await;
            let driver = TonicClient::connect(&rig.direct()).await;
            let client = TonicClient::connect(&rig.through()).await;
            let told = json!({ "messages": 3, "gated": true });
            let message = b"\xfa\xf0\x04\x03abc";
            let mut stream = client.stream(UNKNOWN, message, &told).await.unwrap();
            let first = tokio::time::timeout(Duration::from_secs(30), stream.message());
            let first = first.await.expect("the first message is kept back");
            assert_eq!(first.unwrap().unwrap(), &message[..]);
            assert_eq!(rig.counts().await["ended"], 0);
            let release = "/flex2csi.testing.Server/Release";
            driver.call(release, b"", &json!({})).await;
            for _ in 0..2 {
                assert_eq!(stream.message().await.unwrap().unwrap(), &message[..]);
            }
            assert_eq!(stream.message().await.unwrap(), None);
            assert!(stream.trailers().await.unwrap().is_some());
        }
    }

    #[tokio::test]
    #[ignore = "tier 1: needs grpc-go clients; testing/run builds them"]
    async fn a_stream_whose_driver_is_killed_is_unavailable() {
        for age in Age::ALL {
            let mut rig = Rig::start(age, &[]).await;
            let told = json!({ "messages": 3, "gated": true });
            let client = TonicClient::connect(&rig.through()).await;
            let mut stream = client.stream(STREAM, b"", &told).await.unwrap();
            stream.message().await.unwrap().unwrap();
            drop(rig.server.take());
            let status = stream.message().await.unwrap_err();
            assert_eq!(status.code(), tonic::Code::Unavailable, "{age:?}: {status}");
        }
    }

    #[tokio::test]
    #[ignore = "tier 1: needs grpc-go clients; testing/run builds them"]
    async fn a_stream_that_is_given_up_ends_at_the_driver() {
        for age in Age::ALL {
            let rig = Rig::start(age, &[]).await;
            let told = json!({ "messages": 3, "gated": true });
            let client = TonicClient::connect(&rig.through()).await;
            let mut stream = client.stream(STREAM, b"", &told).await.unwrap();
            stream.message().await.unwrap().unwrap();
            drop(stream);
            rig.counted("cancelled", 1).await;
            for (number, caller) in (2..).zip(Age::ALL) {
                let client = GrpcClient::new(caller, &rig.through()).unwrap();
                let told = script(&told);
                let flags = ["-metadata", &told, "-cancel-after", "1"];
                let request = json!({});
                let answer = client.call_with(Dial::Unix, STREAM, &request, &flags);
                assert_eq!(answer.await.unwrap()["code"], "Canceled", "{caller:?}");
                rig.counted("cancelled", number).await;
            }
            rig.counted("ended", 3).await;
        }
    }
}
