//! Ends containers of daemons, as no one would ask them to.

use flex2csi_testing::Lab;
use serde_json::Value;

/// The container of a daemon on a node.
#[derive(Debug, Clone, Copy)]
pub struct Container<'a> {
    pub node: &'a str,
    pub namespace: &'a str,
    pub label: &'a str,
    pub name: &'a str,
}

/// A container as it runs now.
#[derive(Debug)]
pub struct Running {
    pub pod: String,
    pub id: String,
    pub restarts: i64,
}

impl Container<'_> {
    /// As it runs; none while it does not.
    pub async fn running(&self, lab: &Lab) -> Option<Running> {
        let field = format!("spec.nodeName={}", self.node);
        let arguments = [
            "get",
            "pods",
            "-n",
            self.namespace,
            "-l",
            self.label,
            "--field-selector",
            &field,
            "-o",
            "json",
        ];
        let list: Value = serde_json::from_str(&lab.kubectl(arguments).await.unwrap()).unwrap();
        let pod = list["items"]
            .as_array()?
            .iter()
            .find(|pod| pod["metadata"]["deletionTimestamp"].is_null())?;
        let mut statuses = pod["status"]["containerStatuses"].as_array()?.iter();
        let status =
            statuses.find(|status| status["name"] == self.name && status["ready"] == true)?;
        Some(Running {
            pod: pod["metadata"]["name"].as_str()?.to_owned(),
            id: status["containerID"].as_str()?.replace("containerd://", ""),
            restarts: status["restartCount"].as_i64()?,
        })
    }

    /// Kills it, in the middle of whatever it does; gives what was killed, if it ran.
    pub async fn kill(&self, lab: &Lab) -> Option<Running> {
        let running = self.running(lab).await?;
        let kill = [
            "ctr",
            "-n",
            "k8s.io",
            "tasks",
            "kill",
            "--signal",
            "SIGKILL",
            &running.id,
        ];
        lab.node(self.node).run(kill).await.ok()?;
        Some(running)
    }
}
