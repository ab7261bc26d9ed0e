//! Stands in for external-provisioner, which is in no Go module that can be had: answers
//! the claims of a provisioner's StorageClasses with CreateVolume, and volumes that are
//! done with by DeleteVolume.
//!
//! What it asks of the driver, and the PersistentVolume that it makes, are as
//! external-provisioner v5 has them, for what the tests need: no Secrets, no clones, no
//! raw block, no capacity.

mod place;
mod request;
mod volume;

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use k8s_openapi::api::core::v1::{Node, PersistentVolume, PersistentVolumeClaim};
use k8s_openapi::api::storage::v1::{CSINode, StorageClass, VolumeAttachment};
use kube::api::{DeleteParams, ListParams, Patch, PatchParams, PostParams};
use kube::core::{ApiResource, DynamicObject, GroupVersionKind};
use kube::{Api, Client, Resource};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use crate::Cluster;
use crate::grpc_client::{Age, ClientError, Dial, GrpcClient};

use place::Places;

/// Keeps a PersistentVolume until its volume is deleted (sig-storage-lib-external-provisioner
/// v13, controller/controller.go).
const FINALIZER: &str = "external-provisioner.volume.kubernetes.io/finalizer";

/// Who made a PersistentVolume, and so deletes what it stands for.
const PROVISIONED_BY: &str = "pv.kubernetes.io/provisioned-by";

/// Where the scheduler says for which node a volume is to be made.
const SELECTED_NODE: &str = "volume.kubernetes.io/selected-node";

const LOOK_EVERY: Duration = Duration::from_millis(300);

/// Why a claim is not answered yet, or a volume not deleted.
#[derive(Debug, thiserror::Error)]
enum Problem {
    #[error("the API server: {0}")]
    Api(#[from] kube::Error),
    #[error(transparent)]
    Client(#[from] ClientError),
    #[error("{method}: {answer}")]
    Driver {
        method: &'static str,
        answer: Box<Value>,
    },
    #[error("{0}")]
    Object(String),
}

/// A provisioner at work, until its handle is dropped.
#[derive(Debug)]
pub struct Provisioner {
    task: JoinHandle<()>,
    name: String,
    problems: Arc<Mutex<Vec<String>>>,
}

impl Provisioner {
    /// Answers the claims of the StorageClasses with the provisioner `name` by the CSI
    /// driver `driver`, whose controller is at `socket`.
    ///
    /// # Errors
    /// A program is not built, or the cluster's certificate is not usable.
    pub fn start(
        cluster: &Cluster,
        name: &str,
        driver: &str,
        socket: &Path,
    ) -> Result<Self, ClientError> {
        Self::start_as(cluster.client()?, name, driver, socket)
    }

    /// The same, with the rights of a client.
    ///
    /// # Errors
    /// A program is not built.
    pub fn start_as(
        client: Client,
        name: &str,
        driver: &str,
        socket: &Path,
    ) -> Result<Self, ClientError> {
        let problems = Arc::default();
        let worker = Worker {
            client,
            csi: GrpcClient::new(Age::New, socket)?,
            name: name.to_owned(),
            driver: driver.to_owned(),
            problems: Arc::clone(&problems),
        };
        Ok(Self {
            task: tokio::spawn(worker.work()),
            name: name.to_owned(),
            problems,
        })
    }
}

impl Drop for Provisioner {
    #[expect(
        clippy::print_stderr,
        reason = "it is for whoever reads why a test failed"
    )]
    fn drop(&mut self) {
        self.task.abort();
        if std::thread::panicking() {
            let problems = self.problems.lock().unwrap_or_else(PoisonError::into_inner);
            eprintln!("the provisioner {}: {problems:?}", self.name);
        }
    }
}

struct Worker {
    client: Client,
    csi: GrpcClient,
    name: String,
    driver: String,
    /// Of the last look.
    problems: Arc<Mutex<Vec<String>>>,
}

impl Worker {
    async fn work(self) {
        loop {
            let mut problems = Vec::new();
            if let Err(problem) = self.look(&mut problems).await {
                problems.push(problem.to_string());
            }
            *self.problems.lock().unwrap_or_else(PoisonError::into_inner) = problems;
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    async fn look(&self, problems: &mut Vec<String>) -> Result<(), Problem> {
        let mut classes = self.all::<StorageClass>().await?;
        classes.retain(|class| class["provisioner"] == self.name);
        let volumes = self.all::<PersistentVolume>().await?;
        for claim in self.all::<PersistentVolumeClaim>().await? {
            let is_made = volumes
                .iter()
                .any(|volume| volume["metadata"]["name"] == volume::name_for(&claim));
            if !is_made
                && let Some(class) = class_of(&claim, &classes)
                && let Err(problem) = self.provision(&claim, class).await
            {
                problems.push(format!("claim {}: {problem}", claim["metadata"]["name"]));
            }
        }
        for volume in &volumes {
            if volume::is_to_be_deleted(volume, &self.name, &self.driver)
                && let Err(problem) = self.delete(volume).await
            {
                problems.push(format!("volume {}: {problem}", volume["metadata"]["name"]));
            }
        }
        Ok(())
    }

    async fn provision(&self, claim: &Value, class: &Value) -> Result<(), Problem> {
        let selected = claim["metadata"]["annotations"][SELECTED_NODE].as_str();
        if class["volumeBindingMode"] == "WaitForFirstConsumer" && selected.is_none() {
            return Ok(());
        }
        let nodes = self.all::<Node>().await?;
        let places = Places::of(&nodes, &self.all::<CSINode>().await?, &self.driver);
        let accessibility = places
            .requirement(&class["allowedTopologies"], selected)
            .map_err(Problem::Object)?;
        let snapshot = self.snapshot_of(claim).await?;
        let request = request::create_volume(claim, class, accessibility, snapshot)
            .map_err(Problem::Object)?;
        let answer = self
            .call("/csi.v1.Controller/CreateVolume", &request)
            .await?;
        let made = volume::of(claim, class, &answer["volume"], &self.name, &self.driver);
        let made: PersistentVolume =
            serde_json::from_value(made).map_err(|error| Problem::Object(error.to_string()))?;
        let volumes: Api<PersistentVolume> = Api::all(self.client.clone());
        match volumes.create(&PostParams::default(), &made).await {
            Err(kube::Error::Api(status)) if status.is_already_exists() => Ok(()),
            created => Ok(created.map(drop)?),
        }
    }

    /// The driver's id of the snapshot from which a claim is to be filled, once it is
    /// ready; none when it is to be empty.
    async fn snapshot_of(&self, claim: &Value) -> Result<Option<String>, Problem> {
        let source = &claim["spec"]["dataSource"];
        let Some(name) = source["name"].as_str() else {
            return Ok(None);
        };
        if source["kind"] != "VolumeSnapshot" {
            return Err(Problem::Object(format!("cannot be filled from {source}")));
        }
        let namespace = claim["metadata"]["namespace"].as_str().unwrap_or_default();
        let snapshots = Api::namespaced_with(
            self.client.clone(),
            namespace,
            &snapshot_kind("VolumeSnapshot"),
        );
        let snapshot: DynamicObject = snapshots.get(name).await?;
        let status = &snapshot.data["status"];
        let content = status["boundVolumeSnapshotContentName"].as_str();
        let (Some(content), Some(true)) = (content, status["readyToUse"].as_bool()) else {
            return Err(Problem::Object(format!("snapshot {name} is not ready")));
        };
        let contents = Api::all_with(self.client.clone(), &snapshot_kind("VolumeSnapshotContent"));
        let content: DynamicObject = contents.get(content).await?;
        let handle = content.data["status"]["snapshotHandle"].as_str();
        let handle =
            handle.ok_or_else(|| Problem::Object(format!("snapshot {name} has no handle")))?;
        Ok(Some(handle.to_owned()))
    }

    async fn delete(&self, volume: &Value) -> Result<(), Problem> {
        let name = volume["metadata"]["name"].as_str().unwrap_or_default();
        let attachments = self.all::<VolumeAttachment>().await?;
        if attachments
            .iter()
            .any(|attachment| attachment["spec"]["source"]["persistentVolumeName"] == name)
        {
            return Err(Problem::Object("it is still attached".to_owned()));
        }
        let request = json!({ "volumeId": volume["spec"]["csi"]["volumeHandle"] });
        self.call("/csi.v1.Controller/DeleteVolume", &request)
            .await?;
        let volumes: Api<PersistentVolume> = Api::all(self.client.clone());
        volumes.delete(name, &DeleteParams::default()).await?;
        let finalizers = volume["metadata"]["finalizers"].as_array();
        let others: Vec<&Value> = finalizers
            .into_iter()
            .flatten()
            .filter(|finalizer| **finalizer != FINALIZER)
            .collect();
        let patch = Patch::Merge(json!({ "metadata": { "finalizers": others } }));
        match volumes.patch(name, &PatchParams::default(), &patch).await {
            Err(kube::Error::Api(status)) if status.is_not_found() => Ok(()),
            patched => Ok(patched.map(drop)?),
        }
    }

    async fn call(&self, method: &'static str, request: &Value) -> Result<Value, Problem> {
        let mut answer = self.csi.call(Dial::Unix, method, request).await?;
        match answer.pointer_mut("/responses/0") {
            Some(response) => Ok(response.take()),
            None => Err(Problem::Driver {
                method,
                answer: Box::new(answer),
            }),
        }
    }

    async fn all<K>(&self) -> Result<Vec<Value>, Problem>
    where
        K: Resource<DynamicType = ()> + Clone + std::fmt::Debug + DeserializeOwned + Serialize,
    {
        let all: Api<K> = Api::all(self.client.clone());
        let list = all.list(&ListParams::default()).await?;
        let objects = list.items.iter().map(serde_json::to_value);
        objects
            .collect::<Result<_, _>>()
            .map_err(|error| Problem::Object(error.to_string()))
    }
}

/// The class by which a claim is to be answered; none when it has a volume, is being
/// deleted, or is somebody else's.
fn class_of<'a>(claim: &Value, classes: &'a [Value]) -> Option<&'a Value> {
    let has_volume = claim["spec"]["volumeName"]
        .as_str()
        .is_some_and(|volume| !volume.is_empty());
    let is_going = claim["metadata"]["deletionTimestamp"].is_string();
    let class = claim["spec"]["storageClassName"].as_str()?;
    let mut classes = classes.iter();
    classes
        .find(|each| each["metadata"]["name"] == class)
        .filter(|_| !has_volume && !is_going)
}

fn snapshot_kind(kind: &str) -> ApiResource {
    ApiResource::from_gvk(&GroupVersionKind::gvk(
        "snapshot.storage.k8s.io",
        "v1",
        kind,
    ))
}
