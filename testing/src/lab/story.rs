//! A namespace of a test's own in a lab, and what happens in it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use k8s_openapi::api::core::v1::{Event, Namespace, Pod as PodObject, ServiceAccount};
use kube::Api;
use kube::api::{DeleteParams, ListParams, PostParams};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::Lab;
use super::pod::Pod;
use crate::applied::applied;

/// Ends a wait that would not end; nothing is meant to take this long.
const PATIENCE: Duration = Duration::from_secs(240);

/// A namespace of a test's own. When a test fails, it prints what happened there.
pub struct Story {
    /// The lab in which it is.
    pub lab: Arc<Lab>,
    namespace: String,
    client: kube::Client,
}

/// A pod that was created.
#[derive(Clone)]
pub struct Started<'a> {
    story: &'a Story,
    name: String,
    /// Its uid.
    pub uid: String,
}

#[expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
impl Story {
    /// Begins a story in a namespace of this name, where pods can be created.
    ///
    /// # Panics
    /// The namespace cannot be made.
    pub async fn begin(lab: Arc<Lab>, namespace: &str) -> Self {
        let client = lab.cluster.client().unwrap();
        let story = Self {
            lab,
            namespace: namespace.to_owned(),
            client,
        };
        let object = json!({ "metadata": { "name": namespace } });
        let namespaces: Api<Namespace> = Api::all(story.client.clone());
        let created = namespaces.create(&PostParams::default(), &of(object)).await;
        created.unwrap();
        let accounts: Api<ServiceAccount> = story.api();
        story
            .until("pods can be created", async || {
                accounts.get("default").await.is_ok()
            })
            .await;
        story
    }

    /// The namespace.
    #[must_use]
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// Applies objects of any kind; those that have no namespace and need one get
    /// the story's, if they say so as `"namespace": ""`.
    ///
    /// # Panics
    /// The server refuses one.
    pub async fn apply(&self, objects: impl IntoIterator<Item = Value>) -> Vec<Value> {
        let objects = objects.into_iter().map(|mut object| {
            if object["metadata"]["namespace"] == "" {
                object["metadata"]["namespace"] = json!(self.namespace);
            }
            object
        });
        applied(&self.lab.cluster, objects).await.unwrap()
    }

    /// A PersistentVolume with this source, as `{"flexVolume": …}`, and the claim
    /// `name` that is bound to it. The volume's name is the namespace's and the claim's.
    ///
    /// # Panics
    /// The server refuses them.
    pub async fn volume(&self, name: &str, access_mode: &str, source: Value) -> String {
        let volume = format!("{}-{name}", self.namespace);
        let mut spec = json!({
            "accessModes": [access_mode],
            "capacity": { "storage": "1Gi" },
            "persistentVolumeReclaimPolicy": "Retain",
            "storageClassName": "",
            "claimRef": { "namespace": self.namespace, "name": name },
        });
        merge(&mut spec, source);
        let pv = json!({
            "apiVersion": "v1", "kind": "PersistentVolume",
            "metadata": { "name": volume }, "spec": spec,
        });
        let pvc = json!({
            "apiVersion": "v1", "kind": "PersistentVolumeClaim",
            "metadata": { "name": name, "namespace": self.namespace },
            "spec": {
                "accessModes": [access_mode],
                "resources": { "requests": { "storage": "1Gi" } },
                "storageClassName": "",
                "volumeName": volume,
            },
        });
        self.apply([pv, pvc]).await;
        volume
    }

    /// Creates a pod.
    ///
    /// # Panics
    /// The server refuses it.
    pub async fn start(&self, pod: &Pod) -> Started<'_> {
        let pods: Api<PodObject> = self.api();
        let created = pods
            .create(&PostParams::default(), &of(pod.object().clone()))
            .await
            .unwrap();
        Started {
            story: self,
            name: pod.name().to_owned(),
            uid: created.metadata.uid.unwrap_or_default(),
        }
    }

    /// Creates a pod and waits until it runs.
    ///
    /// # Panics
    /// It ends, or does not run in time.
    pub async fn run(&self, pod: &Pod) -> Started<'_> {
        let started = self.start(pod).await;
        started.running().await;
        started
    }

    /// A pod of the namespace that somebody else created, as a controller.
    ///
    /// # Panics
    /// It is not there.
    pub async fn pod(&self, name: &str) -> Started<'_> {
        let pods: Api<PodObject> = self.api();
        let pod = pods.get(name).await.unwrap();
        Started {
            story: self,
            name: name.to_owned(),
            uid: pod.metadata.uid.unwrap_or_default(),
        }
    }

    /// The pod with a label, as `app=a`, that is not ending, once a controller has
    /// made it.
    ///
    /// # Panics
    /// None comes.
    pub async fn pod_of(&self, label: &str) -> Started<'_> {
        let pods: Api<PodObject> = self.api();
        let mut found = None;
        let what = format!("there is a pod {label}");
        self.until(&what, async || {
            let labelled = ListParams::default().labels(label);
            let all = pods.list(&labelled).await.unwrap();
            let mut living = all
                .items
                .into_iter()
                .filter(|pod| pod.metadata.deletion_timestamp.is_none());
            found = living.next();
            found.is_some()
        })
        .await;
        let metadata = found.unwrap().metadata;
        Started {
            story: self,
            name: metadata.name.unwrap_or_default(),
            uid: metadata.uid.unwrap_or_default(),
        }
    }

    /// Waits until something holds.
    ///
    /// # Panics
    /// It does not within four minutes.
    pub async fn until(&self, what: &str, mut holds: impl AsyncFnMut() -> bool) {
        let start = Instant::now();
        while !holds().await {
            assert!(start.elapsed() < PATIENCE, "it did not come true: {what}");
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    /// An object of the namespace, as `["persistentvolumeclaim", "data"]`, or of the cluster.
    ///
    /// # Panics
    /// It is not there.
    pub async fn object(&self, arguments: &[&str]) -> Value {
        let get = ["get", "-o", "json", "-n", &self.namespace];
        let object = self.lab.kubectl(get.iter().chain(arguments)).await.unwrap();
        serde_json::from_str(&object).unwrap()
    }

    /// The objects of a kind in the namespace.
    pub fn api<K>(&self) -> Api<K>
    where
        K: kube::Resource<Scope = k8s_openapi::NamespaceResourceScope>,
        K::DynamicType: Default,
    {
        Api::namespaced(self.client.clone(), &self.namespace)
    }

    /// What happened in the namespace, for a person to read.
    fn told(&self) -> String {
        let Ok(kubectl) = crate::programs::built("kubectl") else {
            return String::new();
        };
        let mut all = String::new();
        for arguments in [
            &["get", "pods,pvc", "-o", "wide"][..],
            &["get", "events", "--sort-by=.lastTimestamp"],
        ] {
            let output = std::process::Command::new(&kubectl)
                .arg("--kubeconfig")
                .arg(self.lab.cluster.kubeconfig())
                .args(["-n", &self.namespace])
                .args(arguments)
                .output();
            if let Ok(output) = output {
                all += &String::from_utf8_lossy(&output.stdout);
            }
        }
        all
    }
}

impl Drop for Story {
    #[expect(
        clippy::print_stderr,
        reason = "it is for whoever reads why a test failed"
    )]
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.lab.fail();
            eprintln!("the namespace {}:\n{}", self.namespace, self.told());
        }
    }
}

#[expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
impl Started<'_> {
    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The object as it is now; none when it is gone, or another of its name is there.
    ///
    /// # Panics
    /// The server does not say.
    pub async fn object(&self) -> Option<PodObject> {
        let pod = self.api().get_opt(&self.name).await.unwrap()?;
        (pod.metadata.uid.as_deref() == Some(&*self.uid)).then_some(pod)
    }

    /// Waits until it runs.
    ///
    /// # Panics
    /// It ends, or does not run in time.
    pub async fn running(&self) {
        self.comes_to("Running").await;
    }

    /// Waits until it has ended well.
    ///
    /// # Panics
    /// It fails, or does not end in time.
    pub async fn succeeded(&self) {
        self.comes_to("Succeeded").await;
    }

    /// Waits until something holds of it.
    ///
    /// # Panics
    /// It does not within four minutes.
    pub async fn until(&self, what: &str, holds: impl AsyncFnMut() -> bool) {
        let what = format!("of pod {}: {what}", self.name);
        self.story.until(&what, holds).await;
    }

    async fn comes_to(&self, wanted: &str) {
        let what = format!("pod {} is {wanted}", self.name);
        let holds = async || {
            let phase = self.phase().await;
            let has_ended = phase == "Failed" || phase == "Succeeded" || phase == "gone";
            assert!(phase == wanted || !has_ended, "not {what}: {phase}");
            phase == wanted
        };
        self.story.until(&what, holds).await;
    }

    /// Its phase, or `gone`.
    pub async fn phase(&self) -> String {
        let pod = self.object().await;
        let phase = pod.map(|pod| pod.status.and_then(|status| status.phase));
        phase.map_or("gone".to_owned(), Option::unwrap_or_default)
    }

    /// The node that it is on.
    ///
    /// # Panics
    /// It is gone, or on none.
    pub async fn node(&self) -> String {
        let spec = self.object().await.unwrap().spec.unwrap();
        spec.node_name.unwrap()
    }

    /// Runs a shell script in it, and gives what it prints.
    ///
    /// # Panics
    /// The script fails.
    pub async fn exec(&self, script: &str) -> String {
        self.try_exec(script).await.unwrap()
    }

    /// Runs a shell script in it, and gives what it prints.
    ///
    /// # Errors
    /// What it says when it fails.
    pub async fn try_exec(&self, script: &str) -> Result<String, String> {
        let namespace = self.story.namespace();
        let arguments = [
            "exec", "-n", namespace, &self.name, "--", "sh", "-c", script,
        ];
        let printed = self.story.lab.kubectl(arguments).await;
        printed.map_err(|error| error.to_string())
    }

    /// Waits for an event about it whose message holds a text, and gives the message.
    ///
    /// # Panics
    /// None comes in time.
    pub async fn event(&self, text: &str) -> String {
        let events: Api<Event> = self.story.api();
        let mut found = None;
        let what = format!("an event about {} says: {text}", self.name);
        self.story
            .until(&what, async || {
                let all = events.list(&ListParams::default()).await.unwrap();
                let mut messages = all
                    .items
                    .into_iter()
                    .filter(|event| event.involved_object.uid.as_deref() == Some(&*self.uid))
                    .filter_map(|event| event.message);
                found = messages.find(|message| message.contains(text));
                found.is_some()
            })
            .await;
        found.unwrap_or_default()
    }

    /// Deletes it, and waits until kubelet has let go of it.
    ///
    /// # Panics
    /// It stays.
    pub async fn delete(&self) {
        self.ask_to_end().await;
        self.gone().await;
    }

    /// Deletes it, and waits for nothing.
    ///
    /// # Panics
    /// The server refuses.
    pub async fn ask_to_end(&self) {
        let (pods, options) = (self.api(), DeleteParams::default());
        pods.delete(&self.name, &options).await.unwrap();
    }

    /// Waits until it is gone.
    ///
    /// # Panics
    /// It stays.
    pub async fn gone(&self) {
        let what = format!("pod {} is gone", self.name);
        let holds = async || self.object().await.is_none();
        self.story.until(&what, holds).await;
    }

    fn api(&self) -> Api<PodObject> {
        self.story.api()
    }
}

#[expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
fn of<K: DeserializeOwned>(object: Value) -> K {
    serde_json::from_value(object).unwrap()
}

fn merge(into: &mut Value, from: Value) {
    if let (Some(into), Value::Object(from)) = (into.as_object_mut(), from) {
        into.extend(from);
    }
}
