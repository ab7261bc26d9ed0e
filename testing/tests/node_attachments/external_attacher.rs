//! The attachments in front of the real external-attacher and the embedded backend:
//! what stands in `inlineVolumeSpec` is all that a driver needs.

mod tier_2 {
    use std::path::Path;
    use std::sync::Arc;
    use std::time::Duration;

    use flex2csi::attachment::{
        AttachError, Attacher, Detached, Settings, VolumeAttachments, Wanted,
    };
    use flex2csi::cluster::{self, VolumeId};
    use flex2csi_testing::process::Process;
    use flex2csi_testing::programs;
    use flex2csi_testing::served::Served;
    use flex2csi_translators::attachment::inline_volume_spec;
    use flex2csi_translators::json::Object;
    use serde_json::json;

    use crate::site::*;

    const DRIVER: &str = "real.example.com";
    const NODE: &str = "real";

    fn wanted(handle: &str) -> Wanted {
        let mut pv = csi_volume(&format!("pv-{handle}"), handle);
        pv["spec"]["csi"]["driver"] = json!(DRIVER);
        let text = pv.to_string();
        Wanted {
            volume: VolumeId {
                driver: DRIVER.into(),
                handle: handle.into(),
            },
            persistent_volume: Some(format!("pv-{handle}")),
            inline_volume_spec: inline_volume_spec(&Object::parse(&text).unwrap()).unwrap(),
            is_shared: false,
        }
    }

    /// The backend, and the attacher beside it as a vendor's controller pod has it.
    async fn vendor(site: &Site, directory: &Path) -> (Served, Process) {
        let socket = directory.join("csi.sock");
        let address = socket.to_str().unwrap().to_owned();
        let state = directory.join("state").to_str().unwrap().to_owned();
        let backend = [
            "hostpath",
            "--endpoint",
            &address,
            "--state-dir",
            &state,
            "--driver-name",
            DRIVER,
            "--node-id",
            "id-of-real",
            "--attach",
            "--max-volumes",
            "1",
            "--volume=real-1=directory:1Gi",
            "--volume=real-2=directory:1Gi",
        ];
        let backend = Served::start("backend", backend, &socket, directory)
            .await
            .unwrap();
        let kubeconfig = site.cluster.kubeconfig();
        let attacher = [
            format!("--csi-address={address}"),
            format!("--kubeconfig={}", kubeconfig.display()),
            "--retry-interval-start=100ms".to_owned(),
            "--retry-interval-max=500ms".to_owned(),
        ];
        let program = programs::built("csi-attacher").unwrap();
        let attacher = Process::start("csi-attacher", &program, attacher, directory).unwrap();
        (backend, attacher)
    }

    #[tokio::test]
    #[ignore = "tier 2: needs etcd and kube-apiserver; testing/run prepares them"]
    async fn it_attaches_and_detaches_for_a_node() {
        let site = Site::shared().await;
        let directory = tempfile::tempdir().unwrap();
        let _vendor = vendor(&site, directory.path()).await;
        let client = site.node(NODE).await;
        for object in [
            // What kubelet writes when the driver registers there.
            json!({
                "apiVersion": "storage.k8s.io/v1", "kind": "CSINode",
                "metadata": { "name": NODE },
                "spec": { "drivers": [{ "name": DRIVER, "nodeID": "id-of-real", "topologyKeys": [] }] },
            }),
            json!({
                "apiVersion": "v1", "kind": "Secret",
                "metadata": { "namespace": "ceph", "name": "s" }, "data": {},
            }),
        ] {
            site.put(object).await;
        }
        let api = Arc::new(cluster::Api::new(client.clone(), NODE));
        let settings = Settings {
            node: NODE.into(),
            namespace: NAMESPACE.into(),
            boot_id: BOOT.into(),
            patience: Duration::from_secs(60),
        };
        let attacher = VolumeAttachments::new(client.clone(), api.clone(), settings.clone());
        let (first, second) = (wanted("real-1"), wanted("real-2"));
        attacher.attach(&first).await.unwrap();

        // The driver has no room for another one, and says so through the attacher.
        let patience = Duration::from_secs(5);
        let hasty = VolumeAttachments::new(
            client,
            api,
            Settings {
                patience,
                ..settings
            },
        );
        let error = hasty.attach(&second).await.unwrap_err();
        assert!(matches!(error, AttachError::Refused { .. }), "{error}");
        assert!(error.to_string().contains("as many volumes"), "{error}");
        attacher.detach(&second.volume).await.unwrap();

        assert_eq!(
            attacher.detach(&first.volume).await.unwrap(),
            Detached::UnderWay
        );
        eventually("the driver has detached", async || {
            attacher.detach(&first.volume).await.unwrap() == Detached::Gone
        })
        .await;
        // It has room again.
        attacher.attach(&second).await.unwrap();
        eventually("the driver has detached", async || {
            attacher.detach(&second.volume).await.unwrap() == Detached::Gone
        })
        .await;
    }
}
