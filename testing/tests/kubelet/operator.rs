//! What an operator does with `flex2csi` itself.

use flex2csi_testing::Lab;
use flex2csi_testing::lab::Story;
use flex2csi_testing::tool::Tool;
use serde_json::Value;

/// The image of flex2csi in the lab, for pin pods.
pub const IMAGE: &str = "docker.io/library/flex2csi:test";

/// Runs it, as the administrator, which has to end well, and gives what it says.
pub async fn flex2csi(lab: &Lab, arguments: &[&str]) -> String {
    let tool = Tool::flex2csi().unwrap().arguments(arguments);
    let ended = tool.kubeconfig(&lab.cluster.kubeconfig()).run().await;
    let ended = ended.unwrap();
    let said = ended.stdout + &ended.stderr;
    assert_eq!(ended.code, Some(0), "{arguments:?}: {said}");
    said
}

/// Waits until the plan has this verdict on all volumes of a namespace, so many.
pub async fn planned(story: &Story, count: usize, verdict: &str) {
    let what = format!("the plan says of {count} volumes: {verdict}");
    let member = format!(r#""verdict":"{verdict}""#);
    let mut last = String::new();
    let holds = async || {
        let plan = ["plan", "-n", story.namespace(), "-o", "json"];
        let plan = flex2csi(&story.lab, &plan).await;
        let holds = plan.matches(&member).count() == count;
        if plan != last {
            eprintln!("{plan}");
            last = plan;
        }
        holds
    };
    story.until(&what, holds).await;
}

/// An object of the cluster.
pub async fn object(lab: &Lab, arguments: &[&str]) -> Value {
    let arguments = ["get", "-o", "json"].iter().chain(arguments);
    let object = lab.kubectl(arguments).await.unwrap();
    serde_json::from_str(&object).unwrap()
}
