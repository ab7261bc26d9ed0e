//! What is shown, step by step.

use std::path::Path;

use anyhow::{Context as _, ensure};
use serde_json::Value;

use super::backend::Backend;
use super::children::Role;
use super::csi::{Csi, CsiVolume};
use super::daemon::NodeDaemon;
use super::kubelet::{Kubelet, Pod, text};
use super::place::Place;
use super::report::Report;
use super::volumes::{flex_options, of_endpoint};

const FLEX_DRIVER: &str = "huawei.com/fuxivol";
const FLEX_VOLUME: &str = "orders";
const FLEX_BACKEND: Backend = Backend {
    driver: "disk.csi.everest.io",
    handle: "6f1a0c4e-0d4b-4f3e-9c1c-2b7f1d0e5a11",
};
const IN_TREE_VOLUME: &str = "invoices";
const IN_TREE_BACKEND: Backend = Backend {
    driver: "ebs.csi.aws.com",
    handle: "vol-0fedcba9876543210",
};
const FIRST: Pod<'_> = Pod {
    name: "orders-0",
    uid: "0b1d7a5e-0001",
};
const SECOND: Pod<'_> = Pod {
    name: "orders-reader",
    uid: "0b1d7a5e-0002",
};
const THIRD: Pod<'_> = Pod {
    name: "invoices-0",
    uid: "0b1d7a5e-0003",
};
const FOURTH: Pod<'_> = Pod {
    name: "invoices-restored",
    uid: "0b1d7a5e-0004",
};
const GIB: i64 = 1 << 30;
const DATA: &str = "written before the daemon was killed\n";

/// Tells it all.
pub(super) async fn tell(place: &Place, report: &mut Report) -> anyhow::Result<()> {
    let mut cast = Cast::new(place)?;
    report.chapter(
        "Two CSI drivers (of our own, posing as vendors'), and flex2csi in front of them",
    )?;
    cast.start(place, report).await?;
    flex_volume(&mut cast, report).await?;
    in_tree(&mut cast, report).await?;
    report.chapter("The end")?;
    cast.end(report).await
}

/// Who is in it.
struct Cast {
    kubelet: Kubelet,
    daemon: NodeDaemon,
    endpoint: Csi,
    node: Option<Role>,
    backends: Vec<Role>,
}

impl Cast {
    fn new(place: &Place) -> anyhow::Result<Self> {
        let daemon = NodeDaemon::configure(place, (FLEX_DRIVER, FLEX_BACKEND), IN_TREE_BACKEND)?;
        Ok(Self {
            kubelet: place.kubelet(),
            endpoint: Csi::new(&daemon.endpoint)?,
            daemon,
            node: None,
            backends: Vec::new(),
        })
    }

    async fn start(&mut self, place: &Place, report: &mut Report) -> anyhow::Result<()> {
        for backend in [FLEX_BACKEND, IN_TREE_BACKEND] {
            let start = async {
                self.backends.push(backend.start(place).await?);
                Ok(format!("has volume {}", backend.handle))
            };
            report.step(backend.driver, start).await?;
        }
        let start = async {
            self.node = Some(self.daemon.start().await?);
            Ok(format!("exec binary installed as {FLEX_DRIVER}"))
        };
        report.step("flex2csi node", start).await
    }

    async fn kill_node(&mut self, report: &mut Report) -> anyhow::Result<()> {
        let kill = async {
            let node = self.node.take().context("the daemon runs")?;
            node.kill().await?;
            Ok("mounts stay".to_owned())
        };
        report.step("kill -9 of the daemon", kill).await
    }

    async fn start_node(&mut self, report: &mut Report) -> anyhow::Result<()> {
        let start = async {
            self.node = Some(self.daemon.start().await?);
            Ok("finds what it had mounted".to_owned())
        };
        report.step("the daemon starts again", start).await
    }

    async fn end(self, report: &mut Report) -> anyhow::Result<()> {
        let ended = async {
            for role in self.node.into_iter().chain(self.backends) {
                role.terminate().await?;
            }
            Ok("SIGTERM".to_owned())
        };
        report.step("daemon and CSI drivers end", ended).await
    }
}

async fn flex_volume(cast: &mut Cast, report: &mut Report) -> anyhow::Result<()> {
    let title = format!(
        "A FlexVolume: PersistentVolume {FLEX_VOLUME} of {FLEX_DRIVER}, through {}",
        FLEX_BACKEND.driver
    );
    report.chapter(&title)?;
    let kubelet = cast.kubelet.clone();
    let options = flex_options(FLEX_VOLUME)?;
    let init = async {
        let answer = kubelet.call(FLEX_DRIVER, &["init"]).await?;
        Ok(format!("attach: {}", answer["capabilities"]["attach"]))
    };
    report.step("kubelet: init", init).await?;
    let first = kubelet.directory(FIRST, FLEX_DRIVER, FLEX_VOLUME);
    let second = kubelet.directory(SECOND, FLEX_DRIVER, FLEX_VOLUME);
    let mount = async {
        kubelet
            .mount(FIRST, FLEX_DRIVER, FLEX_VOLUME, &options)
            .await?;
        Ok("NodeStage, NodePublish".to_owned())
    };
    report
        .step("kubelet: mount for pod orders-0", mount)
        .await?;
    report.step("the pod writes", write(&first, DATA)).await?;
    cast.kill_node(report).await?;
    let init = async {
        kubelet.call(FLEX_DRIVER, &["init"]).await?;
        Ok("answered without the daemon".to_owned())
    };
    report.step("kubelet: init", init).await?;
    cast.start_node(report).await?;
    let mount = async {
        kubelet
            .mount(SECOND, FLEX_DRIVER, FLEX_VOLUME, &options)
            .await?;
        Ok("NodePublish beside the first".to_owned())
    };
    report
        .step("kubelet: mount for pod orders-reader", mount)
        .await?;
    report.step("the pod reads", read(&second, DATA)).await?;
    let expand = async {
        let options = Value::Object(options.clone()).to_string();
        let (new, old) = ((2 * GIB).to_string(), GIB.to_string());
        let args = ["expandfs", &options, "", text(&first)?, &new, &old];
        kubelet.call(FLEX_DRIVER, &args).await?;
        Ok("ControllerExpand, NodeExpand: 2 GiB".to_owned())
    };
    report.step("kubelet: expandfs", expand).await?;
    for pod in [FIRST, SECOND] {
        let unmount = async {
            kubelet.unmount(pod, FLEX_DRIVER, FLEX_VOLUME).await?;
            Ok(if pod.name == SECOND.name {
                "NodeUnpublish, NodeUnstage".to_owned()
            } else {
                "NodeUnpublish".to_owned()
            })
        };
        report
            .step(&format!("kubelet: unmount for pod {}", pod.name), unmount)
            .await?;
    }
    Ok(())
}

async fn in_tree(cast: &mut Cast, report: &mut Report) -> anyhow::Result<()> {
    let title = format!(
        "An in-tree volume: PersistentVolume {IN_TREE_VOLUME} of kubernetes.io/aws-ebs, through {}",
        IN_TREE_BACKEND.driver
    );
    report.chapter(&title)?;
    let kubelet = cast.kubelet.clone();
    let staging = |volume: &str| {
        kubelet
            .root
            .join("plugins/demo")
            .join(volume)
            .join("globalmount")
    };
    let target = kubelet.csi_directory(THIRD, IN_TREE_VOLUME);
    let restored_target = kubelet.csi_directory(FOURTH, "restored");
    let volume = of_endpoint(IN_TREE_VOLUME)?;
    let mount = async {
        cast.endpoint
            .mount(&volume, &staging(IN_TREE_VOLUME), &target)
            .await?;
        Ok("NodeStage, NodePublish, translated".to_owned())
    };
    report
        .step("kubelet: mount for pod invoices-0", mount)
        .await?;
    report.step("the pod writes", write(&target, DATA)).await?;
    let mut snapshot = String::new();
    let take = async {
        snapshot = cast.endpoint.snapshot(&volume, "before").await?;
        Ok("an in-tree volume has none".to_owned())
    };
    report.step("snapshotter: snapshot", take).await?;
    report
        .step("the pod writes over it", write(&target, "spoilt\n"))
        .await?;
    cast.kill_node(report).await?;
    cast.start_node(report).await?;
    let mut restored = None;
    let restore = async {
        let made: &CsiVolume =
            restored.insert(cast.endpoint.restore(&snapshot, "restored", GIB).await?);
        Ok(format!("volume {}", short(&made.id)))
    };
    report
        .step("provisioner: restore the snapshot", restore)
        .await?;
    let restored = restored.context("a volume was made")?;
    let mount = async {
        cast.endpoint
            .mount(&restored, &staging("restored"), &restored_target)
            .await?;
        Ok("NodeStage, NodePublish".to_owned())
    };
    report
        .step("kubelet: mount for pod invoices-restored", mount)
        .await?;
    report
        .step("the pod reads", read(&restored_target, DATA))
        .await?;
    let expand = async {
        let bytes = cast
            .endpoint
            .expand(&volume, target.clone(), 2 * GIB)
            .await?;
        Ok(format!("{} GiB", bytes / GIB))
    };
    report.step("resizer: expand", expand).await?;
    for (pod, volume, name, target) in [
        (THIRD, &volume, IN_TREE_VOLUME, &target),
        (FOURTH, &restored, "restored", &restored_target),
    ] {
        let unmount = async {
            cast.endpoint
                .unmount(volume, &staging(name), target)
                .await?;
            kubelet.forget(pod)?;
            Ok("NodeUnpublish, NodeUnstage".to_owned())
        };
        report
            .step(&format!("kubelet: unmount for pod {}", pod.name), unmount)
            .await?;
    }
    let delete = async {
        cast.endpoint.delete(snapshot, restored).await?;
        Ok("the original stays".to_owned())
    };
    report
        .step("the snapshot and its copy are deleted", delete)
        .await
}

async fn write(directory: &Path, text: &str) -> anyhow::Result<String> {
    fs_err::write(directory.join("data"), text)?;
    Ok(format!("{} bytes", text.len()))
}

async fn read(directory: &Path, expected: &str) -> anyhow::Result<String> {
    let found = fs_err::read_to_string(directory.join("data"))?;
    ensure!(found == expected, "it reads {found:?} and not {expected:?}");
    Ok(format!("{:?}", found.trim_end()))
}

/// Enough of an id to tell it from others.
fn short(id: &str) -> String {
    id.chars().take(12).collect()
}
