//! Who rewrites.

use std::path::Path;

use flex2csi_testing::fleet::Fleet;
use flex2csi_testing::tool::Tool;
use flex2csi_testing::users::User;
use flex2csi_testing::{Cluster, order, programs};

/// Somebody who rewrites volumes.
pub struct Peer {
    /// As the table has it.
    pub name: &'static str,
    outstanding: usize,
}

impl Peer {
    /// Those that are there: `flex2csi` only once it can rewrite.
    pub async fn all(outstanding: usize) -> Vec<Self> {
        let mut names = vec!["kubectl", "bare", "waiting"];
        let help = Tool::flex2csi().unwrap().arguments(["rewrite", "--help"]);
        if help.run().await.unwrap().code == Some(0) {
            names.push("flex2csi");
        }
        let peer = |name| Self { name, outstanding };
        names.into_iter().map(peer).collect()
    }

    /// How many volumes it gets where others get `volumes`.
    pub fn volumes(&self, volumes: usize) -> usize {
        if self.name == "kubectl" { 20 } else { volumes }
    }

    /// Who it is to the API server, which so can tell its calls apart.
    pub fn user(&self) -> User {
        if self.name == "flex2csi" {
            return User::service_account("flex2csi-system", "rewrite");
        }
        User {
            name: format!("bench:{}", self.name),
            groups: User::admin().groups,
        }
    }

    /// The program that rewrites these volumes.
    pub fn tool(&self, cluster: &Cluster, part: &Fleet, directory: &Path) -> Tool {
        let kubeconfig = cluster.kubeconfig_of(&self.user());
        let outstanding = self.outstanding.to_string();
        match self.name {
            "kubectl" => {
                order::write_objects(part, directory).unwrap();
                let script = concat!(env!("CARGO_MANIFEST_DIR"), "/peers/swap-with-kubectl");
                let kubectl = programs::built("kubectl").unwrap();
                Tool::new(script.into()).arguments([&*kubectl, &*kubeconfig, directory])
            }
            "flex2csi" => {
                let values = part.values_file(cluster).unwrap();
                let names = part.members.keys().flat_map(|name| ["--pv", name]);
                let tool = Tool::flex2csi().unwrap().arguments([
                    "rewrite",
                    "--yes",
                    "--without-node-evidence",
                ]);
                tool.kubeconfig(&kubeconfig)
                    .arguments(["--values".as_ref(), values.as_os_str()])
                    .arguments(["--parallel", &outstanding])
                    .arguments(names)
            }
            floor => {
                let orders = order::write(part, directory).unwrap();
                let tool = Tool::new(programs::beside("bare-swap").unwrap());
                let tool = tool
                    .kubeconfig(&kubeconfig)
                    .arguments(["--orders".as_ref(), orders.as_os_str()])
                    .arguments(["--outstanding", &outstanding]);
                if floor == "waiting" {
                    tool.arguments(["--wait", "--journal"])
                } else {
                    tool
                }
            }
        }
    }
}
