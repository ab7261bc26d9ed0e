//! A volume that is rewritten to CSI under its running pod (`hazards` of the swap: the
//! attachment and the staging are kubelet's and the attach/detach controller's then).

mod tier_2 {
    use std::ffi::OsStr;
    use std::process::Command;

    use k8s_openapi::api::core::v1::PersistentVolume;
    use kube::api::Api;
    use serde_json::{Value, json};

    use crate::cluster::Volume;
    use crate::deployed::eventually;
    use crate::kubelet::Pod;
    use crate::node::Node;

    const STAYS: &str = "the volume stays: kubelet's CSI plugin may need it";

    /// The stored PersistentVolume in CSI form, as `flex2csi translate` gives it.
    async fn translated(node: &Node, volume: &Volume) -> Value {
        let volumes: Api<PersistentVolume> = Api::all(node.admin.clone());
        let stored = volumes.get(&volume.name).await.unwrap();
        let file = node.path("stored.json");
        std::fs::write(&file, serde_json::to_vec(&stored).unwrap()).unwrap();
        let mapping = node.path("mapping.yaml");
        let (file, mapping) = (file.to_str().unwrap(), mapping.to_str().unwrap());
        let args = ["translate", "-f", file, "--mappings", mapping, "-o", "json"];
        let object = node.run(&args);
        assert_eq!(object["spec"]["csi"]["volumeHandle"], *volume.handle());
        object
    }

    /// What kubelet's CSI plugin keeps of a pod's volume, from before it is mounted.
    fn begun_by_kubelet(node: &Node, pod: &Pod, volume: &Volume) -> std::path::PathBuf {
        let directory = pod.directory().join("volumes/kubernetes.io~csi");
        let directory = directory.join(&volume.name);
        std::fs::create_dir_all(&directory).unwrap();
        let data = json!({ "driverName": node.driver, "volumeHandle": volume.handle() });
        std::fs::write(directory.join("vol_data.json"), data.to_string()).unwrap();
        directory
    }

    fn run<A: AsRef<OsStr>>(program: &str, arguments: &[A]) {
        let status = Command::new(program).args(arguments).status().unwrap();
        assert!(status.success(), "{program}: {status}");
    }

    /// Starts the daemon anew, which looks at once what there is to let go of, and
    /// waits until it has left the volume as it is.
    async fn is_kept(node: &mut Node, volume: &Volume, uid: &str) {
        node.start_daemon().await;
        eventually("it is looked at", async || node.log().contains(STAYS)).await;
        assert!(node.is_staged(volume));
        assert_eq!(node.recorded(), [0]);
        let attachment = node.attachment(volume).await.unwrap();
        assert_eq!(
            (&*attachment.uid, attachment.is_being_deleted),
            (uid, false)
        );
    }

    #[tokio::test]
    #[ignore = "tier 2: needs root, etcd and kube-apiserver; testing/run prepares them"]
    async fn what_kubelets_csi_plugin_may_have_is_kept_until_it_has_not() {
        let mut node = Node::start("begun").await;
        let volume = node.volume("a").await;
        let pod = node.pod("web", &volume).await;
        pod.mount(&volume).unwrap();
        let uid = node.attachment(&volume).await.unwrap().uid;

        let object = translated(&node, &volume).await;
        node.replace_volume(&volume, object).await;
        let directory = begun_by_kubelet(&node, &pod, &volume);
        let in_use = format!("kubernetes.io/csi/{}^{}", node.driver, volume.handle());
        node.uses(&[in_use]).await;

        // Kubelet unmounts what the pod's volume is no longer made of. The pod runs on.
        pod.unmount(&volume).unwrap();
        eventually("that is recorded", async || node.recorded() == [0]).await;
        is_kept(&mut node, &volume, &uid).await;

        // The pod ends. Kubelet unpublishes, and later says that it no longer uses it.
        node.delete_pod(&pod).await;
        is_kept(&mut node, &volume, &uid).await;
        std::fs::remove_dir_all(directory).unwrap();
        is_kept(&mut node, &volume, &uid).await;
        node.uses(&[]).await;
        node.start_daemon().await;
        eventually("it is let go of", async || node.recorded().is_empty()).await;
        assert!(!node.is_staged(&volume));
        node.publishes_mounts_of(&[]).await;

        // The attachment is the attach/detach controller's.
        let attachment = node.attachment(&volume).await.unwrap();
        assert_eq!((attachment.uid, attachment.is_being_deleted), (uid, false));
        assert!(node.lease(&volume).await.unwrap().is_released);
        node.assert_nothing_denied("flex2csi-node");
    }

    #[tokio::test]
    #[ignore = "tier 2: needs root, etcd and kube-apiserver; testing/run prepares them"]
    async fn what_kubelets_csi_plugin_took_over_is_left_to_it() {
        let mut node = Node::start("swapped").await;
        let volume = node.volume("a").await;
        let pod = node.pod("web", &volume).await;
        pod.mount(&volume).unwrap();
        let uid = node.attachment(&volume).await.unwrap().uid;
        let target = begun_by_kubelet(&node, &pod, &volume).join("mount");
        std::fs::create_dir(&target).unwrap();
        let staged = node.staging(&volume);
        run(
            "mount",
            &["--bind".as_ref(), staged.as_os_str(), target.as_os_str()],
        );
        let in_use = format!("kubernetes.io/csi/{}^{}", node.driver, volume.handle());
        node.uses(&[in_use]).await;

        // There is no PersistentVolume in CSI form: nobody would detach it.
        pod.unmount(&volume).unwrap();
        eventually("that is recorded", async || node.recorded() == [0]).await;
        is_kept(&mut node, &volume, &uid).await;
        assert!(!node.lease(&volume).await.unwrap().is_released);

        let object = translated(&node, &volume).await;
        node.replace_volume(&volume, object).await;
        node.start_daemon().await;
        eventually("it is left to kubelet", async || node.recorded().is_empty()).await;
        node.publishes_mounts_of(&[]).await;
        assert!(node.is_staged(&volume));
        let attachment = node.attachment(&volume).await.unwrap();
        assert_eq!(
            (attachment.uid, attachment.is_being_deleted),
            (uid.clone(), false)
        );
        assert!(node.lease(&volume).await.unwrap().is_released);

        // The pod ends without the daemon's doing anything.
        run("umount", &[&target]);
        node.delete_pod(&pod).await;
        node.start_daemon().await;
        assert!(node.is_staged(&volume));
        let attachment = node.attachment(&volume).await.unwrap();
        assert_eq!((attachment.uid, attachment.is_being_deleted), (uid, false));
        node.assert_nothing_denied("flex2csi-node");
    }
}
