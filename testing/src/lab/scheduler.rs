//! kube-scheduler.

use std::net::Ipv4Addr;
use std::time::Duration;

use tokio::net::TcpStream;

use crate::process::Process;
use crate::users::User;
use crate::{Cluster, StartError, ports, programs};

const READY_WITHIN: Duration = Duration::from_secs(120);

/// Starts kube-scheduler for a cluster that knows it ([`User::scheduler`]).
pub(super) async fn start(cluster: &Cluster) -> Result<Process, StartError> {
    let [port] = ports::free()?;
    let kubeconfig = cluster.kubeconfig_of(&User::scheduler());
    let directory = cluster.directory();
    let arguments = [
        format!("--kubeconfig={}", kubeconfig.display()),
        "--leader-elect=false".to_owned(),
        "--bind-address=127.0.0.1".to_owned(),
        format!("--secure-port={port}"),
        format!(
            "--cert-dir={}",
            directory.join("scheduler-certificates").display()
        ),
    ];
    let program = programs::built("kube-scheduler")?;
    let mut scheduler = Process::start("kube-scheduler", &program, arguments, directory)?;
    scheduler
        .wait_ready(READY_WITHIN, async || {
            TcpStream::connect((Ipv4Addr::LOCALHOST, port))
                .await
                .map(drop)
        })
        .await?;
    Ok(scheduler)
}
