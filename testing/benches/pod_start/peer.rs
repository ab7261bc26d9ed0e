//! Ways in which a pod gets its volume.

use std::os::unix::fs::PermissionsExt as _;

use flex2csi_testing::lab::{Backend, Node, Story};
use serde_json::json;

/// A driver of nobody else's: flex2csi takes over those of its configuration.
const SCRIPT_DRIVER: &str = "example.com/script";

/// A way in which a pod gets its volume.
pub struct Peer {
    pub name: &'static str,
    claim: &'static str,
    backend: Backend,
    way: Way,
}

enum Way {
    Shim,
    Csi,
    Script,
}

/// A volume, with a claim.
pub struct Volume {
    pub claim: &'static str,
    pub handle: String,
    backend: Backend,
}

pub const PEERS: [Peer; 5] = [
    peer("shim", "shim", Backend::Files, Way::Shim),
    peer("csi", "csi", Backend::Files, Way::Csi),
    peer("bash", "bash", Backend::Files, Way::Script),
    peer("shim, attached", "shim-disk", Backend::Disks, Way::Shim),
    peer("csi, attached", "csi-disk", Backend::Disks, Way::Csi),
];

const fn peer(name: &'static str, claim: &'static str, backend: Backend, way: Way) -> Peer {
    Peer {
        name,
        claim,
        backend,
        way,
    }
}

impl Peer {
    /// A volume of its own: no two of a cluster may be the same.
    pub async fn volume(&self, story: &Story) -> Volume {
        let (backend, claim) = (self.backend, self.claim);
        let handle = story.provisioned(backend, claim).await;
        let source = match self.way {
            Way::Shim => backend.flex_source(&handle),
            Way::Csi => backend.csi_source(&handle),
            Way::Script => json!({ "flexVolume": {
                "driver": SCRIPT_DRIVER, "options": { "volumeID": handle },
            }}),
        };
        story.volume(claim, backend.access_mode(), source).await;
        Volume {
            claim,
            handle,
            backend,
        }
    }

    /// Whether what it leaves is gone a while after its pod.
    pub fn is_ours(&self) -> bool {
        !matches!(self.way, Way::Script)
    }
}

impl Volume {
    /// A file of the volume, by its path on a node.
    pub fn file(&self, name: &str) -> String {
        let backend = match self.backend {
            Backend::Files => "nas",
            Backend::Disks => "disk",
        };
        let handle = &self.handle;
        format!("/var/lib/hostpath.flex2csi.io/{backend}/data/volumes/{handle}/{name}")
    }
}

/// As its installer does: under another name first.
pub fn install_script(node: &Node) {
    let (vendor, name) = SCRIPT_DRIVER.split_once('/').unwrap();
    let directory = node.path(&format!(
        "/usr/libexec/kubernetes/kubelet-plugins/volume/exec/{vendor}~{name}"
    ));
    std::fs::create_dir_all(&directory).unwrap();
    let partial = directory.join(".partial");
    std::fs::write(&partial, include_str!("driver")).unwrap();
    std::fs::set_permissions(&partial, std::fs::Permissions::from_mode(0o755)).unwrap();
    std::fs::rename(&partial, directory.join(name)).unwrap();
}
