//! The rewrite's Job of `deploy/`, which a cluster has once.

use flex2csi_testing::lab::Story;
use flex2csi_testing::overlaid::overlaid;
use serde_json::Value;

use crate::operator::object;

/// Its namespace.
pub const NAMESPACE: &str = "flex2csi-rewrite";

const JOB: &str = "job/flex2csi-rewrite";
const PLAN: &str = "configmap/flex2csi-plan";

/// Applies the Job anew, with these components, for the plan in a file.
pub async fn applied(story: &Story, plan: &str, components: &[&str]) {
    kubectl(story, &["delete", "--ignore-not-found", JOB, PLAN]).await;
    let from = format!("--from-file=plan.yaml={plan}");
    kubectl(story, &["create", "configmap", "flex2csi-plan", &from]).await;
    let site = overlaid("test-hostpath", components).unwrap();
    let apply = [
        "apply",
        "--server-side",
        "-k",
        site.path().to_str().unwrap(),
    ];
    story.lab.kubectl(apply).await.unwrap();
}

/// Lets it begin.
pub async fn begun(story: &Story) {
    kubectl(
        story,
        &["patch", JOB, "-p", r#"{"spec": {"suspend": false}}"#],
    )
    .await;
}

/// Waits until it has ended, which has to be well, in so many pods; gives what each said.
pub async fn done(story: &Story, pods: usize) -> Vec<String> {
    let mut job = Value::Null;
    story
        .until("the Job has ended", async || {
            job = object(&story.lab, &["-n", NAMESPACE, JOB]).await;
            let conditions = job["status"]["conditions"].as_array();
            conditions
                .into_iter()
                .flatten()
                .any(|condition| condition["type"] == "Complete" || condition["type"] == "Failed")
        })
        .await;
    let names = [
        "get",
        "pods",
        "-l",
        "batch.kubernetes.io/job-name=flex2csi-rewrite",
        "-o",
        "name",
    ];
    let mut said = Vec::new();
    for pod in kubectl(story, &names).await.lines() {
        said.push(kubectl(story, &["logs", pod]).await);
    }
    assert_eq!(job["status"]["succeeded"], pods, "{said:#?}");
    said
}

async fn kubectl(story: &Story, arguments: &[&str]) -> String {
    let all = ["-n", NAMESPACE].iter().chain(arguments);
    story.lab.kubectl(all).await.unwrap()
}
