//! Another user's processes.

mod tier_1 {
    use std::fs::{Permissions, set_permissions};
    use std::os::unix::fs::PermissionsExt;
    use std::path::PathBuf;

    use flex2csi::socket::Listener;
    use flex2csi_testing::grpc_client::{Age, ClientError, Dial, GrpcClient, Load};
    use serde_json::json;
    use tempfile::TempDir;
    use tonic::transport::Server;

    use crate::identity::{PLUGIN_INFO, server};

    const NOBODY: u32 = 65534;

    /// A served socket in a directory that everybody can get into.
    fn socket() -> (TempDir, PathBuf) {
        let directory = TempDir::new().unwrap();
        set_permissions(directory.path(), Permissions::from_mode(0o755)).unwrap();
        let path = directory.path().join("csi.sock");
        let incoming = Listener::bind(&path).unwrap().into_incoming();
        tokio::spawn(
            Server::builder()
                .add_service(server())
                .serve_with_incoming(incoming),
        );
        (directory, path)
    }

    #[tokio::test]
    #[ignore = "tier 1: needs root and grpc-go clients; testing/run builds them"]
    async fn another_user_does_not_get_in() {
        let (directory, path) = socket();
        let client = GrpcClient::new(Age::New, &path).unwrap();
        let nobody = client.as_user(NOBODY, directory.path()).unwrap();
        let error = nobody
            .call(Dial::Unix, PLUGIN_INFO, &json!({}))
            .await
            .unwrap_err();
        assert!(
            matches!(&error, ClientError::Failed(text) if text.contains("permission denied")),
            "{error}"
        );
    }

    #[tokio::test]
    #[ignore = "tier 1: needs root and grpc-go clients; testing/run builds them"]
    async fn another_user_who_got_in_is_denied_and_disturbs_nobody() {
        let (directory, path) = socket();
        set_permissions(&path, Permissions::from_mode(0o666)).unwrap();
        let load = Load {
            calls: 2000,
            concurrency: 4,
            keys: 10,
        };
        let root = GrpcClient::new(Age::New, &path).unwrap();
        for age in Age::ALL {
            let client = GrpcClient::new(age, &path).unwrap();
            let nobody = client.as_user(NOBODY, directory.path()).unwrap();
            let denied = async {
                for dial in Dial::ALL {
                    let answer = nobody.call(dial, PLUGIN_INFO, &json!({})).await.unwrap();
                    assert_eq!(
                        answer["code"], "PermissionDenied",
                        "{age:?} {dial:?}: {answer}"
                    );
                    let message = format!(
                        "user {NOBODY} may not call {}: only root may",
                        path.display()
                    );
                    assert_eq!(answer["message"], message, "{age:?} {dial:?}");
                }
            };
            let request = json!({});
            let served = root.bench(Dial::Path, PLUGIN_INFO, &request, load);
            let ((), figures) = tokio::join!(denied, served);
            assert_eq!(figures.unwrap()["failed"], 0);
        }
    }
}
