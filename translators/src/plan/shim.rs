//! FlexVolumes whose mounts the node daemon made: whether one may be rewritten
//! under the pods that use it.

use super::{Finding, FindingCode, PodPhase, PodUse, TargetFacts};

/// A mount that a node's daemon tells of (`NodeVolumes`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mount {
    /// The node.
    pub node: String,
    /// The pod; empty where it is not a pod's.
    pub pod_uid: String,
    /// What it is.
    pub state: MountState,
}

/// What a mount is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MountState {
    /// The original FlexVolume driver's.
    Original,
    /// The node daemon's, whole, of the handle that the volume is to have.
    Shim,
    /// The node daemon's, of another driver or handle.
    OtherHandle,
    /// The node daemon's, on its way: as the node says it.
    Changing(String),
}

/// What else has to be known to rewrite a volume under its pods.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Shim {
    /// The CSI driver attaches volumes.
    pub attaches: bool,
    /// `CSIDriver.spec.requiresRepublish`
    pub republishes: bool,
    /// `CSIDriver.spec.seLinuxMount`
    pub se_linux_mount: bool,
    /// `CSIDriver.spec.fsGroupPolicy` is `None`.
    pub leaves_groups_alone: bool,
    /// The volume is ReadWriteOncePod.
    pub one_pod: bool,
    /// Nodes that have it mounted and that its node affinity leaves out.
    pub misplaced: Vec<String>,
    /// Nodes that have it mounted with a kubelet before 1.24.
    pub old_kubelets: Vec<String>,
}

/// CSI drivers that mount by FUSE. After a container's restart the container may
/// get the new mount, which is another filesystem than the one other containers
/// have, with caches of its own.
const FUSE: [&str; 6] = [
    "blob.csi.azure.com",
    "cos.s3.csi.ibm.io",
    "csi.juicefs.com",
    "obs.csi.everest.io",
    "ossplugin.csi.alibabacloud.com",
    "com.mapr.csi-kdf",
];

impl Shim {
    /// Whether a volume with these mounts may be rewritten under these pods: the
    /// proof, or why not. Nothing where the node daemons do not have it mounted.
    pub(super) fn check(
        &self,
        target: &TargetFacts,
        uses: &[PodUse],
        mounts: &[Mount],
        findings: &mut Vec<Finding>,
    ) {
        if !mounts.iter().any(|mount| mount.state == MountState::Shim) {
            return;
        }
        match self.obstacle(target, uses, mounts) {
            Some(obstacle) => findings.push(Finding::new(FindingCode::ShimNotEnough, obstacle)),
            None => {
                let mut nodes: Vec<&str> = mounts.iter().map(|mount| mount.node.as_str()).collect();
                nodes.sort_unstable();
                nodes.dedup();
                let message = format!(
                    "flex2csi made every mount, on {}",
                    super::target::nodes(&nodes)
                );
                findings.push(Finding::new(FindingCode::ServedByShim, message));
            }
        }
    }

    fn obstacle(&self, target: &TargetFacts, uses: &[PodUse], mounts: &[Mount]) -> Option<String> {
        for mount in mounts {
            let node = &mount.node;
            match &mount.state {
                MountState::Shim => {}
                MountState::Original => {
                    return Some(format!(
                        "node {node} has a mount of the original driver's too"
                    ));
                }
                MountState::OtherHandle => {
                    return Some(format!(
                        "node {node} has it mounted by another handle than would be stored"
                    ));
                }
                MountState::Changing(state) => {
                    return Some(format!("node {node} is at it ({state})"));
                }
            }
            // Not a pod's: staged only, or of a pod that is gone.
            if !uses.iter().any(|pod| pod.uid == mount.pod_uid) {
                return Some(format!(
                    "node {node} has it mounted for a pod that is not there"
                ));
            }
        }
        for pod in uses {
            let name = pod.name();
            if pod.phase != PodPhase::Running {
                return Some(format!("pod {name} is not running"));
            }
            if !mounts
                .iter()
                .any(|mount| mount.pod_uid == pod.uid && mount.node == pod.node)
            {
                return Some(format!("no node has it mounted for pod {name}"));
            }
            if pod.fs_group && !self.leaves_groups_alone {
                return Some(format!(
                    "pod {name} has an fsGroup, to which kubelet would give the files"
                ));
            }
        }
        if self.republishes {
            return Some(format!("{} is published again and again", target.driver));
        }
        if self.se_linux_mount {
            return Some(format!(
                "{} is mounted with a SELinux context",
                target.driver
            ));
        }
        if FUSE.contains(&target.driver.as_str()) {
            return Some(format!("{} mounts by FUSE", target.driver));
        }
        if self.one_pod && self.attaches {
            return Some("it is ReadWriteOncePod, so no pod can pin it meanwhile".to_owned());
        }
        if let Some(node) = self.misplaced.first() {
            return Some(format!(
                "its node affinity leaves node {node} out, where it is mounted"
            ));
        }
        let node = self.old_kubelets.first()?;
        Some(format!("the kubelet of node {node} is older than 1.24"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pod() -> PodUse {
        PodUse {
            namespace: "n".into(),
            pod: "p".into(),
            uid: "u".into(),
            node: "a".into(),
            phase: PodPhase::Running,
            fs_group: false,
            owner: String::new(),
        }
    }

    fn mount() -> Mount {
        Mount {
            node: "a".into(),
            pod_uid: "u".into(),
            state: MountState::Shim,
        }
    }

    fn obstacle(shim: &Shim, uses: &[PodUse], mounts: &[Mount]) -> Option<String> {
        let target = TargetFacts {
            driver: "d".into(),
            ..TargetFacts::default()
        };
        shim.obstacle(&target, uses, mounts)
    }

    #[test]
    fn a_pod_whose_mount_is_ours_may_go_on() {
        assert_eq!(obstacle(&Shim::default(), &[pod()], &[mount()]), None);
    }

    #[test]
    fn each_condition_holds_it_up() {
        let with = |set: fn(&mut Shim)| {
            let mut shim = Shim::default();
            set(&mut shim);
            obstacle(&shim, &[pod()], &[mount()])
        };
        assert!(with(|shim| shim.republishes = true).is_some());
        assert!(with(|shim| shim.se_linux_mount = true).is_some());
        assert!(with(|shim| shim.one_pod = true).is_none());
        assert!(with(|shim| (shim.one_pod, shim.attaches) = (true, true)).is_some());
        assert!(with(|shim| shim.misplaced.push("a".into())).is_some());
        assert!(with(|shim| shim.old_kubelets.push("a".into())).is_some());
    }

    #[test]
    fn every_pod_needs_its_mount_and_every_mount_its_pod() {
        let shim = Shim::default();
        assert!(
            obstacle(
                &shim,
                &[
                    pod(),
                    PodUse {
                        uid: "v".into(),
                        ..pod()
                    }
                ],
                &[mount()]
            )
            .is_some()
        );
        assert!(obstacle(&shim, &[], &[mount()]).is_some());
        let elsewhere = PodUse {
            node: "b".into(),
            ..pod()
        };
        assert!(obstacle(&shim, &[elsewhere], &[mount()]).is_some());
        let ended = PodUse {
            phase: PodPhase::Ended,
            ..pod()
        };
        assert!(obstacle(&shim, &[ended], &[mount()]).is_some());
        for state in [
            MountState::Original,
            MountState::OtherHandle,
            MountState::Changing("Mounting".into()),
        ] {
            let other = Mount { state, ..mount() };
            assert!(obstacle(&shim, &[pod()], &[mount(), other]).is_some());
        }
    }

    #[test]
    fn a_group_that_would_get_the_files_holds_it_up() {
        let grouped = PodUse {
            fs_group: true,
            ..pod()
        };
        assert!(obstacle(&Shim::default(), std::slice::from_ref(&grouped), &[mount()]).is_some());
        let alone = Shim {
            leaves_groups_alone: true,
            ..Shim::default()
        };
        assert_eq!(obstacle(&alone, &[grouped], &[mount()]), None);
    }
}
