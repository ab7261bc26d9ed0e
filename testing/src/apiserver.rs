//! kube-apiserver.

use std::path::Path;
use std::time::Duration;

use http::Request;
use kube::config::{Config, KubeConfigOptions, Kubeconfig};
use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256};

use crate::process::Process;
use crate::{StartError, audit, kubeconfig, ports, programs};

/// Six seconds on an idle machine.
const READY_WITHIN: Duration = Duration::from_secs(180);

/// The bearer token of the user `admin`, in group `system:masters`.
const ADMIN_TOKEN: &str = "flex2csi-test-admin";

/// A running kube-apiserver.
#[derive(Debug)]
pub struct ApiServer {
    /// The running program.
    pub process: Process,
    /// How its administrator reaches it.
    pub admin: Config,
}

impl ApiServer {
    /// Starts kube-apiserver on the etcd at `etcd_url`, with its files, its log
    /// and the administrator's kubeconfig in `directory`.
    ///
    /// # Errors
    /// kube-apiserver is not built, or does not start.
    pub async fn start(directory: &Path, etcd_url: &str) -> Result<Self, StartError> {
        let program = programs::built("kube-apiserver")?;
        let [port] = ports::free()?;
        let signing_key = directory.join("service-account.key");
        let verifying_key = directory.join("service-account.pub");
        let tokens = directory.join("tokens.csv");
        let certificates = directory.join("certificates");
        let account_key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
        write(&signing_key, &account_key.serialize_pem())?;
        write(&verifying_key, &account_key.public_key_pem())?;
        write(
            &tokens,
            &format!("{ADMIN_TOKEN},admin,admin,system:masters\n"),
        )?;

        let audit_policy = directory.join("audit-policy.json");
        write(&audit_policy, audit::POLICY)?;

        let arguments = [
            format!("--etcd-servers={etcd_url}"),
            "--bind-address=127.0.0.1".to_owned(),
            "--advertise-address=127.0.0.1".to_owned(),
            format!("--secure-port={port}"),
            format!("--cert-dir={}", certificates.display()),
            format!("--service-account-key-file={}", verifying_key.display()),
            format!(
                "--service-account-signing-key-file={}",
                signing_key.display()
            ),
            "--service-account-issuer=https://kubernetes.default.svc".to_owned(),
            format!("--token-auth-file={}", tokens.display()),
            "--authorization-mode=RBAC".to_owned(),
            format!("--audit-policy-file={}", audit_policy.display()),
            format!("--audit-log-path={}", audit::log(directory).display()),
            "--allow-privileged=true".to_owned(),
            // Wide, since a dumped Service has an address of its own cluster.
            "--service-cluster-ip-range=10.0.0.0/8".to_owned(),
            // No controller makes the service account that it asks of every pod.
            "--disable-admission-plugins=ServiceAccount".to_owned(),
        ];
        let mut process = Process::start("kube-apiserver", &program, arguments, directory)?;

        let path = directory.join("kubeconfig");
        let url = format!("https://127.0.0.1:{port}");
        let certificate = certificates.join("apiserver.crt");
        write(&path, &kubeconfig::text(&url, &certificate, ADMIN_TOKEN))?;
        // The server writes its certificate before it listens, but after it has started.
        process
            .wait_ready(READY_WITHIN, async || probe(&path).await)
            .await?;
        let admin = config(&path).await?;
        Ok(Self { process, admin })
    }
}

async fn probe(kubeconfig: &Path) -> Result<(), String> {
    let said = |error: &dyn std::error::Error| error.to_string();
    let config = config(kubeconfig).await.map_err(|error| said(&error))?;
    let client = kube::Client::try_from(config).map_err(|error| said(&error))?;
    let request = Request::get("/readyz")
        .body(Vec::new())
        .map_err(|error| said(&error))?;
    client
        .request_text(request)
        .await
        .map(drop)
        .map_err(|error| said(&error))
}

async fn config(kubeconfig: &Path) -> Result<Config, StartError> {
    let kubeconfig = Kubeconfig::read_from(kubeconfig)?;
    Ok(Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await?)
}

fn write(path: &Path, text: &str) -> Result<(), StartError> {
    std::fs::write(path, text).map_err(|source| StartError::File {
        path: path.to_owned(),
        source,
    })
}
