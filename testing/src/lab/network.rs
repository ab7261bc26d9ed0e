//! The network between the nodes and this machine.
//!
//! A bridge in a network namespace of its own, with one end of a cable on this
//! machine. The cables go with the namespaces at their ends, so nothing of it
//! outlives the process that holds the bridge.

use std::net::Ipv4Addr;
use std::path::Path;
use std::time::Duration;

use crate::StartError;
use crate::process::Process;

use super::command::{run, words};

/// Networks for tests are taken from 198.18.0.0/15, which is for tests of
/// network devices (RFC 2544) and so is in use nowhere.
const NETWORKS: u32 = 512;

/// Where every cluster of the tests has its API server for pods: the first
/// address of `--service-cluster-ip-range`.
const SERVICE: &str = "10.0.0.1";

/// The network of one lab, while it is held.
#[derive(Debug)]
pub(super) struct Network {
    bridge: Process,
    number: u32,
}

impl Network {
    /// Makes a network that no other lab on this machine has.
    pub async fn start(directory: &Path) -> Result<Self, StartError> {
        let script = "ip link set lo up && ip link add bridge type bridge && ip link set bridge up \
                      && : >network && exec sleep infinity";
        let unshare = crate::programs::installed("unshare")?;
        let arguments = ["--net", "--", "sh", "-c", script];
        let mut bridge = Process::start("network", &unshare, arguments, directory)?;
        let made = directory.join("network");
        bridge
            .wait_ready(Duration::from_secs(60), async || {
                std::fs::metadata(&made).map(drop)
            })
            .await?;
        let number = connect_host(bridge.id()).await?;
        Ok(Self { bridge, number })
    }

    /// This machine's address in it, where the API server listens.
    pub fn host(&self) -> Ipv4Addr {
        address(self.number, 1)
    }

    /// The address of a node.
    pub fn node(&self, index: u8) -> Ipv4Addr {
        address(self.number, 10 + index)
    }

    /// The pods of a node that are not in the node's network have addresses of these.
    pub fn pods(index: u8) -> String {
        format!("172.30.{index}.0/24")
    }

    /// Connects a node, by its first process, and has it reach the API server at
    /// `port` as its pods call it.
    pub async fn connect(&self, index: u8, init: u32, port: u16) -> Result<(), StartError> {
        let (bridge, host) = (self.bridge.id(), self.host());
        let add =
            format!("link add node{index} netns {bridge} type veth peer name eth0 netns {init}");
        run("ip", words(&add)).await?;
        let plug = format!("-t {bridge} -n ip link set node{index} master bridge up");
        run("nsenter", words(&plug)).await?;
        let (node, pods) = (self.node(index), Self::pods(index));
        let script = format!(
            "set -e
             ip link set lo up
             ip addr add {node}/24 dev eth0
             ip link set eth0 up
             ip route add default via {host}
             echo 1 >/proc/sys/net/ipv4/ip_forward
             for chain in PREROUTING OUTPUT; do
               iptables -t nat -A $chain -d {SERVICE} -p tcp --dport 443 -j DNAT --to-destination {host}:{port}
             done
             iptables -t nat -A POSTROUTING -s {pods} ! -d {pods} -j MASQUERADE"
        );
        let init = init.to_string();
        // In the node's mount namespace, for the lock that iptables takes in /run.
        let enter = ["-t", &init, "-m", "-n", "sh", "-c", &script];
        run("nsenter", enter).await.map(drop)
    }
}

fn address(network: u32, host: u8) -> Ipv4Addr {
    let base = u32::from(Ipv4Addr::new(198, 18, 0, 0));
    Ipv4Addr::from(base + (network << 8) + u32::from(host))
}

/// Lays the cable from this machine to the bridge. Its name is the network's, so
/// that of two labs that want one network, one goes on to the next.
async fn connect_host(bridge: u32) -> Result<u32, StartError> {
    let mut last = None;
    for number in (0..NETWORKS).map(|step| (std::process::id() + step) % NETWORKS) {
        let name = format!("flex2csi{number}");
        let add = format!("link add {name} type veth peer name host netns {bridge}");
        if let Err(error) = run("ip", words(&add)).await {
            last = Some(error);
            continue;
        }
        let plug = format!("-t {bridge} -n ip link set host master bridge up");
        run("nsenter", words(&plug)).await?;
        let host = address(number, 1);
        run("ip", words(&format!("addr add {host}/24 dev {name}"))).await?;
        run("ip", words(&format!("link set {name} up"))).await?;
        return Ok(number);
    }
    Err(last.unwrap_or_else(|| StartError::Missing {
        program: "network".to_owned(),
        reason: format!("all {NETWORKS} networks for tests are in use"),
    }))
}

#[cfg(test)]
mod tests {
    use super::{Ipv4Addr, NETWORKS, address};

    #[test]
    fn networks_are_where_tests_may_be() {
        assert_eq!(address(0, 1), Ipv4Addr::new(198, 18, 0, 1));
        assert_eq!(address(NETWORKS - 1, 11), Ipv4Addr::new(198, 19, 255, 11));
    }
}
