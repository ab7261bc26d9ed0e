//! Kubelets register drivers and call them, whatever authority they send.

mod tier_1 {
    use std::path::Path;

    use flex2csi::registration::{Registration, State};
    use flex2csi::socket::Listener;
    use flex2csi_testing::grpc_client::{Age, Dial, GrpcClient, Load};
    use serde_json::json;
    use tempfile::TempDir;
    use tokio::net::UnixListener;
    use tokio_stream::wrappers::UnixListenerStream;
    use tonic::transport::Server;

    use crate::identity::{PLUGIN_INFO, server};

    /// Serves until the test ends.
    fn serve(path: &Path) {
        let incoming = Listener::bind(path).unwrap().into_incoming();
        let router = Server::builder().add_service(server());
        tokio::spawn(router.serve_with_incoming(incoming));
    }

    /// Calls in each form, with each client: all have to succeed.
    async fn all_reach(path: &Path) {
        for age in Age::ALL {
            let client = GrpcClient::new(age, path).unwrap();
            for dial in Dial::ALL {
                let answer = client.call(dial, PLUGIN_INFO, &json!({})).await.unwrap();
                let expected = json!([{ "name": "test.flex2csi.io" }]);
                assert_eq!(answer["code"], "OK", "{age:?} {dial:?}: {answer}");
                assert_eq!(answer["responses"], expected, "{age:?} {dial:?}");
            }
        }
    }

    #[tokio::test]
    #[ignore = "tier 1: needs grpc-go clients; testing/run builds them"]
    async fn kubelets_of_both_ages_register_a_driver_and_refuse_it() {
        for age in Age::ALL {
            let registry = TempDir::new().unwrap();
            let driver = "x.flex2csi.io".parse().unwrap();
            let endpoint = Path::new("/var/lib/kubelet/plugins/x.flex2csi.io/csi.sock");
            let registration = Registration::bind(registry.path(), &driver, endpoint).unwrap();
            let mut state = registration.state();
            let socket = registration.place().path().to_owned();
            tokio::spawn(registration.serve(std::future::pending()));

            let kubelet = GrpcClient::new(age, &socket).unwrap();
            let info = kubelet.register(None).await.unwrap();
            let expected = json!({
                "type": "CSIPlugin",
                "name": "x.flex2csi.io",
                "endpoint": "/var/lib/kubelet/plugins/x.flex2csi.io/csi.sock",
                "supported_versions": ["1.0.0"],
            });
            assert_eq!(info, expected, "{age:?}");
            assert_eq!(*state.borrow_and_update(), State::Registered, "{age:?}");

            kubelet
                .register(Some("another driver has the name"))
                .await
                .unwrap();
            let refused = State::Refused("another driver has the name".to_owned());
            assert_eq!(*state.borrow_and_update(), refused, "{age:?}");
        }
    }

    #[tokio::test]
    #[ignore = "tier 1: needs grpc-go clients; testing/run builds them"]
    async fn every_client_reaches_a_csi_socket() {
        let directory = TempDir::new().unwrap();
        let path = directory.path().join("csi.sock");
        serve(&path);
        all_reach(&path).await;
    }

    /// With characters that an authority has no place for. grpc-go itself takes
    /// `#` and `?` for the end of a path.
    #[tokio::test]
    #[ignore = "tier 1: needs grpc-go clients; testing/run builds them"]
    async fn every_client_reaches_a_socket_with_an_odd_path() {
        for name in ["a:b:c", "[x", "x@", ">^}<`{|\"", "a b", "\u{e9}\u{4e2d}"] {
            let directory = TempDir::new().unwrap();
            let path = directory.path().join(name);
            serve(&path);
            for age in Age::ALL {
                let client = GrpcClient::new(age, &path).unwrap();
                for dial in [Dial::Path, Dial::Localhost] {
                    let answer = client.call(dial, PLUGIN_INFO, &json!({})).await.unwrap();
                    assert_eq!(answer["code"], "OK", "{name} {age:?} {dial:?}: {answer}");
                }
            }
        }
    }

    #[tokio::test]
    #[ignore = "tier 1: needs grpc-go clients; testing/run builds them"]
    async fn thousands_of_calls_with_changing_metadata_succeed_on_one_connection() {
        let directory = TempDir::new().unwrap();
        let path = directory.path().join("csi.sock");
        serve(&path);
        let load = Load {
            calls: 5000,
            concurrency: 32,
            keys: 300,
        };
        for age in Age::ALL {
            let client = GrpcClient::new(age, &path).unwrap();
            for dial in Dial::ALL {
                let figures = client
                    .bench(dial, PLUGIN_INFO, &json!({}), load)
                    .await
                    .unwrap();
                assert_eq!(figures["calls"], 5000, "{age:?} {dial:?}");
                assert_eq!(figures["failed"], 0, "{age:?} {dial:?}: {figures}");
            }
        }
    }

    /// What all of this is for. When this fails, h2 takes such authorities, and
    /// `socket::authority` can go.
    #[tokio::test]
    #[ignore = "tier 1: needs grpc-go clients; testing/run builds them"]
    async fn a_stock_server_refuses_kubelets_that_dial_a_bare_path() {
        let directory = TempDir::new().unwrap();
        let path = directory.path().join("csi.sock");
        let incoming = UnixListenerStream::new(UnixListener::bind(&path).unwrap());
        tokio::spawn(
            Server::builder()
                .add_service(server())
                .serve_with_incoming(incoming),
        );
        for age in Age::ALL {
            let client = GrpcClient::new(age, &path).unwrap();
            for (dial, expected) in [
                (Dial::Path, "Internal"),
                (Dial::Localhost, "OK"),
                (Dial::Unix, "OK"),
            ] {
                let answer = client.call(dial, PLUGIN_INFO, &json!({})).await.unwrap();
                assert_eq!(answer["code"], expected, "{age:?} {dial:?}: {answer}");
            }
        }
    }
}
