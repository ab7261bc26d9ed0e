//! kube-apiserver.

use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use http::Request;
use kube::config::{Config, KubeConfigOptions, Kubeconfig};
use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256};

use crate::component::Component;
use crate::users::{self, User};
use crate::{StartError, audit, kubeconfig, ports, programs};

/// Six seconds on an idle machine.
const READY_WITHIN: Duration = Duration::from_secs(180);

/// Its certificate, in the directory of its certificates. It signs itself.
const CERTIFICATE: &str = "apiserver.crt";

/// A running kube-apiserver.
#[derive(Debug)]
pub struct ApiServer {
    component: Component,
    /// How its administrator reaches it.
    pub admin: Config,
    /// Where it is reached.
    pub url: String,
    /// Its certificate.
    pub certificate: PathBuf,
    kubeconfig: PathBuf,
}

/// What is asked of a kube-apiserver beside serving.
#[derive(Debug, Clone, Default)]
pub struct Serving {
    /// Who may call it beside the administrator.
    pub users: Vec<User>,
    /// Whether it writes an audit log ([`audit`]), and stores what it keeps as
    /// JSON and for good, so that [`crate::history`] can read every version.
    pub recorded: bool,
    /// The address where real kubelets reach it. Without one, nodes are only
    /// objects: no pod gets a token, and no kubelet has the rights of its node.
    pub nodes_at: Option<Ipv4Addr>,
}

impl ApiServer {
    /// Starts kube-apiserver on the etcd at `etcd_url`, with its files, its log
    /// and the users' kubeconfigs in `directory`.
    ///
    /// # Errors
    /// kube-apiserver is not built, or does not start.
    pub async fn start(
        directory: &Path,
        etcd_url: &str,
        serving: &Serving,
    ) -> Result<Self, StartError> {
        let program = programs::built("kube-apiserver")?;
        let [port] = ports::free()?;
        let signing_key = directory.join("service-account.key");
        let verifying_key = directory.join("service-account.pub");
        let tokens = directory.join("tokens.csv");
        let certificates = directory.join("certificates");
        let account_key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
        write(&signing_key, &account_key.serialize_pem())?;
        write(&verifying_key, &account_key.public_key_pem())?;
        let mut known = vec![User::admin(), User::controllers()];
        known.extend_from_slice(&serving.users);
        users::write_tokens(&tokens, &known)?;

        let address = serving.nodes_at.unwrap_or(Ipv4Addr::LOCALHOST);
        let mut arguments = vec![
            format!("--etcd-servers={etcd_url}"),
            format!("--bind-address={address}"),
            format!("--advertise-address={address}"),
            format!("--secure-port={port}"),
            format!("--cert-dir={}", certificates.display()),
            format!("--service-account-key-file={}", verifying_key.display()),
            format!(
                "--service-account-signing-key-file={}",
                signing_key.display()
            ),
            "--service-account-issuer=https://kubernetes.default.svc".to_owned(),
            format!("--token-auth-file={}", tokens.display()),
            "--allow-privileged=true".to_owned(),
            // Wide, since a dumped Service has an address of its own cluster.
            "--service-cluster-ip-range=10.0.0.0/8".to_owned(),
        ];
        let of_nodes: &[&str] = match serving.nodes_at {
            Some(_) => &[
                "--authorization-mode=Node,RBAC",
                "--enable-admission-plugins=NodeRestriction",
                // The names of nodes are in no DNS.
                "--kubelet-preferred-address-types=InternalIP",
            ],
            None => &[
                "--authorization-mode=RBAC",
                // Pods are admitted without the service account's token, which nothing here makes.
                "--disable-admission-plugins=ServiceAccount",
            ],
        };
        arguments.extend(of_nodes.iter().map(|&flag| flag.to_owned()));
        if serving.recorded {
            let policy = directory.join("audit-policy.json");
            write(&policy, &audit::policy())?;
            arguments.extend([
                format!("--audit-policy-file={}", policy.display()),
                format!("--audit-log-path={}", audit::log(directory).display()),
                // Without, a log of 100 MB is put aside and a new one begun.
                "--audit-log-maxsize=100000".to_owned(),
                "--storage-media-type=application/json".to_owned(),
                "--etcd-compaction-interval=0".to_owned(),
            ]);
        }
        let component = Component::start("kube-apiserver", program, arguments, directory)?;

        let url = format!("https://{address}:{port}");
        let certificate = certificates.join(CERTIFICATE);
        for user in &known {
            let text = kubeconfig::text(&url, Some(&certificate), &user.token());
            write(&user.kubeconfig(directory), &text)?;
        }
        let path = User::admin().kubeconfig(directory);
        // The server writes its certificate before it listens, but after it has started.
        component
            .wait_ready(READY_WITHIN, async || probe(&path).await)
            .await?;
        let admin = config(&path).await?;
        Ok(Self {
            component,
            admin,
            url,
            certificate,
            kubeconfig: path,
        })
    }

    /// Ends it with SIGKILL, in the middle of whatever it does.
    pub async fn kill(&self) {
        self.component.kill().await;
    }

    /// Has it answer nothing any more, with its connections open (SIGSTOP).
    ///
    /// # Errors
    /// It cannot be asked.
    pub async fn pause(&self) -> Result<(), StartError> {
        self.component.signal("STOP").await
    }

    /// Has a paused one go on.
    ///
    /// # Errors
    /// It cannot be asked.
    pub async fn resume(&self) -> Result<(), StartError> {
        self.component.signal("CONT").await
    }

    /// Starts it again, on its port and with what etcd holds, and waits until
    /// it is ready.
    ///
    /// # Errors
    /// It does not start.
    pub async fn start_again(&self) -> Result<(), StartError> {
        self.component.start_again().await?;
        let probe = async || probe(&self.kubeconfig).await;
        self.component.wait_ready(READY_WITHIN, probe).await
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
