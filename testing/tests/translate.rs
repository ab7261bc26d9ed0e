//! Tier 2: what `flex2csi translate` writes is what a real API server stores.

#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.

mod tier_2 {
    use std::path::{Path, PathBuf};
    use std::process::Command;

    use flex2csi_testing::dry_run::accepted;
    use flex2csi_testing::{Cluster, programs};
    use serde_json::{Value, json};

    const TESTDATA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../testdata");

    #[tokio::test]
    #[ignore = "tier 2: needs etcd and kube-apiserver; testing/run prepares them"]
    async fn mixed_dumps_are_accepted() {
        all_accepted("manifests").await;
    }

    #[tokio::test]
    #[ignore = "tier 2: needs etcd and kube-apiserver; testing/run prepares them"]
    async fn flex_volumes_of_every_driver_are_accepted() {
        all_accepted("flex").await;
    }

    #[tokio::test]
    #[ignore = "tier 2: needs etcd and kube-apiserver; testing/run prepares them"]
    async fn in_tree_volumes_are_accepted() {
        all_accepted("in-tree").await;
    }

    /// Translates every input below a directory and has each object tried.
    async fn all_accepted(directory: &str) {
        let cluster = Cluster::shared().await.unwrap();
        let mut refused = Vec::new();
        let mut count = 0;
        for input in inputs(&Path::new(TESTDATA).join(directory)) {
            let mut objects = translated(&cluster, &input);
            objects.iter_mut().for_each(complete);
            count += objects.len();
            if let Err(refusals) = accepted(&cluster, objects).await {
                refused.push(format!("{}:\n{refusals}", input.display()));
            }
        }
        assert!(count > 0, "nothing to try below {directory}");
        assert!(refused.is_empty(), "{}", refused.join("\n"));
    }

    /// Cases show what matters to a translation; what else a volume has to have
    /// is filled in.
    fn complete(object: &mut Value) {
        if let Some(items) = object.get_mut("items").and_then(Value::as_array_mut) {
            items.iter_mut().for_each(complete);
        }
        if object["kind"] != "PersistentVolume" {
            return;
        }
        for (field, value) in [
            ("capacity", json!({ "storage": "1Gi" })),
            ("accessModes", json!(["ReadWriteOnce"])),
        ] {
            if object["spec"].get(field).is_none() {
                object["spec"][field] = value;
            }
        }
    }

    fn inputs(root: &Path) -> Vec<PathBuf> {
        let mut found = Vec::new();
        let mut directories = vec![root.to_owned()];
        while let Some(directory) = directories.pop() {
            for entry in std::fs::read_dir(&directory).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    directories.push(path);
                } else if path.file_stem().is_some_and(|stem| stem == "in") {
                    found.push(path);
                }
            }
        }
        found.sort();
        found
    }

    /// The objects of an input after translation. One that cannot be translated
    /// stays as it was, as it does for whoever applies the output.
    fn translated(cluster: &Cluster, input: &Path) -> Vec<Value> {
        let mut program = Command::new(programs::flex2csi().unwrap());
        program.args(["translate", "-q", "-f"]).arg(input);
        let beside = |name: &str| Some(input.with_file_name(name)).filter(|path| path.exists());
        if let Some(values) = beside("values.yaml") {
            program.arg("--values").arg(values);
        }
        if let Some(args) = beside("args") {
            let args = std::fs::read_to_string(args).unwrap();
            program.args(args.split_whitespace());
        }
        let output = program.output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        if input
            .extension()
            .is_some_and(|extension| extension == "json")
        {
            let objects = serde_json::Deserializer::from_str(&text).into_iter();
            return objects.collect::<Result<_, _>>().unwrap();
        }
        read_by_kubectl(cluster, &text)
    }

    /// YAML means what kubectl reads in it.
    fn read_by_kubectl(cluster: &Cluster, yaml: &str) -> Vec<Value> {
        let file = tempfile::NamedTempFile::with_suffix(".yaml").unwrap();
        std::fs::write(file.path(), yaml).unwrap();
        let output = Command::new(programs::built("kubectl").unwrap())
            .arg("--kubeconfig")
            .arg(cluster.kubeconfig())
            .args([
                "create",
                "--dry-run=client",
                "--validate=false",
                "-o",
                "json",
                "-f",
            ])
            .arg(file.path())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{said}\n{yaml}");
        let objects = serde_json::Deserializer::from_slice(&output.stdout).into_iter();
        objects.collect::<Result<_, _>>().unwrap()
    }
}
