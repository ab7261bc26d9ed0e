//! Which test uses which right.

use super::Right;

/// The rights of a role that a test uses.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    /// The role, as `ClusterRole flex2csi-plan`.
    pub role: &'static str,
    /// The test that uses them, and calls [`super::prove`] with this name.
    pub test: &'static str,
    /// The rights, as kubectl names resources.
    pub uses: &'static [&'static str],
}

impl Row {
    /// Its rights.
    pub fn rights(&self) -> impl Iterator<Item = Right> {
        let uses = self.uses.iter();
        uses.map(|what| (self.role.to_owned(), (*what).to_owned()))
    }
}

/// What no test here uses, by role, and why.
pub const UNTRIED: [(&str, &[&str], &str); 4] = [
    (
        "ClusterRole flex2csi-sidecars",
        &[
            "get csinodes.storage.k8s.io",
            "get nodes",
            "get persistentvolumeclaims",
            "get persistentvolumes",
            "get storageclasses.storage.k8s.io",
            "list volumesnapshots.snapshot.storage.k8s.io",
            "update persistentvolumeclaims",
            "watch nodes",
            "watch storageclasses.storage.k8s.io",
        ],
        "external-provisioner asks for them, which is in no Go module; the stand-in for it uses the rest",
    ),
    (
        "ClusterRole flex2csi-sidecars",
        &[
            "list persistentvolumes",
            "list pods",
            "list volumeattachments.storage.k8s.io",
        ],
        "kubelet::endpoint uses them, but the account has them by the controller's own role as well, \
         and the audit log names either of both",
    ),
    (
        "ClusterRole flex2csi-sidecars",
        &[
            "get pods",
            "get volumeattachments.storage.k8s.io",
            "get volumeattributesclasses.storage.k8s.io",
            "get volumesnapshotclasses.snapshot.storage.k8s.io",
            "patch events",
            "update volumesnapshotcontents.snapshot.storage.k8s.io",
            "update volumesnapshotcontents.snapshot.storage.k8s.io/status",
        ],
        "the sidecars ask for them (deploy/kubernetes/rbac.yaml of each), for what fails or comes again",
    ),
    (
        "ClusterRole flex2csi-sidecars",
        &[
            "get volumegroupsnapshotclasses.groupsnapshot.storage.k8s.io",
            "get volumegroupsnapshotcontents.groupsnapshot.storage.k8s.io",
            "patch volumegroupsnapshotcontents.groupsnapshot.storage.k8s.io",
            "patch volumegroupsnapshotcontents.groupsnapshot.storage.k8s.io/status",
            "update volumegroupsnapshotcontents.groupsnapshot.storage.k8s.io",
            "update volumegroupsnapshotcontents.groupsnapshot.storage.k8s.io/status",
        ],
        "they are for snapshots of groups, which no story takes",
    ),
];

/// All others, each right once.
pub const USED: &[Row] = &[
    Row {
        role: "ClusterRole flex2csi-controller",
        test: "node_attachments::releasing",
        uses: &[
            "delete volumeattachments.storage.k8s.io",
            "get nodes",
            "get nodevolumes.flex2csi.io",
            "get persistentvolumes",
            "get volumeattachments.storage.k8s.io",
            "list persistentvolumes",
            "list pods",
            "list volumeattachments.storage.k8s.io",
        ],
    },
    Row {
        role: "ClusterRole flex2csi-node-attach",
        test: "node_daemon::attached",
        uses: &[
            "create nodevolumes.flex2csi.io",
            "create volumeattachments.storage.k8s.io",
            "delete volumeattachments.storage.k8s.io",
            "get volumeattachments.storage.k8s.io",
            "list nodes",
            "list nodevolumes.flex2csi.io",
            "patch nodevolumes.flex2csi.io",
        ],
    },
    Row {
        role: "ClusterRole flex2csi-node-reads",
        test: "node_daemon::attached",
        uses: &[
            "get csidrivers.storage.k8s.io",
            "get nodes",
            "get persistentvolumeclaims",
            "get persistentvolumes",
            "get pods",
            "get storageclasses.storage.k8s.io",
            "list persistentvolumes",
        ],
    },
    Row {
        role: "ClusterRole flex2csi-node-reads",
        test: "node_daemon::overwritten",
        uses: &["list pods"],
    },
    Row {
        role: "ClusterRole flex2csi-plan",
        test: "plan",
        uses: &[
            "get namespaces",
            "list cronjobs.batch",
            "list csidrivers.storage.k8s.io",
            "list csinodes.storage.k8s.io",
            "list daemonsets.apps",
            "list deployments.apps",
            "list horizontalpodautoscalers.autoscaling",
            "list jobs.batch",
            "list nodes",
            "list nodevolumes.flex2csi.io",
            "list persistentvolumeclaims",
            "list persistentvolumes",
            "list pods",
            "list replicasets.apps",
            "list replicationcontrollers",
            "list statefulsets.apps",
            "list storageclasses.storage.k8s.io",
            "list volumeattachments.storage.k8s.io",
            "list volumemigrations.flex2csi.io",
            "list volumesnapshotcontents.snapshot.storage.k8s.io",
        ],
    },
    Row {
        role: "ClusterRole flex2csi-plan-dry-run",
        test: "plan",
        uses: &[
            "create persistentvolumes",
            "create storageclasses.storage.k8s.io",
        ],
    },
    Row {
        role: "ClusterRole flex2csi-plan-secrets",
        test: "plan::secrets",
        uses: &["get secrets"],
    },
    Row {
        role: "ClusterRole flex2csi-rewrite",
        test: "rewrite",
        uses: &[
            "create events",
            "create persistentvolumes",
            "create storageclasses.storage.k8s.io",
            "create volumemigrations.flex2csi.io",
            "delete persistentvolumes",
            "delete storageclasses.storage.k8s.io",
            "get persistentvolumeclaims",
            "get persistentvolumes",
            "get storageclasses.storage.k8s.io",
            "get volumemigrations.flex2csi.io",
            "patch persistentvolumeclaims",
            "patch persistentvolumes",
            "patch storageclasses.storage.k8s.io",
            "patch volumemigrations.flex2csi.io",
            "patch volumemigrations.flex2csi.io/status",
            "watch persistentvolumeclaims",
            "watch persistentvolumes",
            "watch volumemigrations.flex2csi.io",
        ],
    },
    Row {
        role: "ClusterRole flex2csi-rewrite-fence",
        test: "restart::fence",
        uses: &[
            "create claimfences.flex2csi.io",
            "create validatingadmissionpolicies.admissionregistration.k8s.io",
            "create validatingadmissionpolicybindings.admissionregistration.k8s.io",
            "delete claimfences.flex2csi.io",
            "delete validatingadmissionpolicies.admissionregistration.k8s.io",
            "delete validatingadmissionpolicybindings.admissionregistration.k8s.io",
            "get claimfences.flex2csi.io",
            "patch claimfences.flex2csi.io",
            "patch validatingadmissionpolicies.admissionregistration.k8s.io",
        ],
    },
    Row {
        role: "ClusterRole flex2csi-rewrite-fence-look",
        test: "restart::fence",
        uses: &[
            "get validatingadmissionpolicies.admissionregistration.k8s.io",
            "get validatingadmissionpolicybindings.admissionregistration.k8s.io",
        ],
    },
    Row {
        role: "ClusterRole flex2csi-rewrite-pins",
        test: "rewrite_in_use::pinned",
        uses: &[
            "get nodes",
            "get nodevolumes.flex2csi.io",
            "get volumeattachments.storage.k8s.io",
        ],
    },
    Row {
        role: "ClusterRole flex2csi-rewrite-restart",
        test: "restart::told",
        uses: &[
            "get daemonsets.apps",
            "get jobs.batch",
            "get replicasets.apps",
            "get replicationcontrollers",
            "patch daemonsets.apps",
            "patch jobs.batch",
            "patch replicasets.apps",
            "patch replicationcontrollers",
        ],
    },
    Row {
        role: "ClusterRole flex2csi-rewrite-restart",
        test: "restart::stopped",
        uses: &[
            "get deployments.apps",
            "get statefulsets.apps",
            "patch deployments.apps",
            "patch statefulsets.apps",
        ],
    },
    Row {
        role: "ClusterRole flex2csi-rewrite-secrets",
        test: "rewrite_secrets",
        uses: &["create secrets", "get secrets"],
    },
    Row {
        role: "ClusterRole flex2csi-rewrite-wait",
        test: "restart::waited",
        uses: &[
            "watch nodes",
            "watch nodevolumes.flex2csi.io",
            "watch pods",
            "watch volumeattachments.storage.k8s.io",
        ],
    },
    Row {
        role: "ClusterRole flex2csi-sidecars",
        test: "kubelet::endpoint",
        uses: &[
            "create events",
            "create persistentvolumes",
            "delete persistentvolumes",
            "get volumesnapshotcontents.snapshot.storage.k8s.io",
            "get volumesnapshots.snapshot.storage.k8s.io",
            "list csinodes.storage.k8s.io",
            "list nodes",
            "list persistentvolumeclaims",
            "list storageclasses.storage.k8s.io",
            "list volumeattributesclasses.storage.k8s.io",
            "list volumegroupsnapshotclasses.groupsnapshot.storage.k8s.io",
            "list volumegroupsnapshotcontents.groupsnapshot.storage.k8s.io",
            "list volumesnapshotclasses.snapshot.storage.k8s.io",
            "list volumesnapshotcontents.snapshot.storage.k8s.io",
            "patch persistentvolumeclaims/status",
            "patch persistentvolumes",
            "patch volumeattachments.storage.k8s.io",
            "patch volumeattachments.storage.k8s.io/status",
            "patch volumesnapshotcontents.snapshot.storage.k8s.io",
            "patch volumesnapshotcontents.snapshot.storage.k8s.io/status",
            "watch csinodes.storage.k8s.io",
            "watch persistentvolumeclaims",
            "watch persistentvolumes",
            "watch pods",
            "watch volumeattachments.storage.k8s.io",
            "watch volumeattributesclasses.storage.k8s.io",
            "watch volumegroupsnapshotclasses.groupsnapshot.storage.k8s.io",
            "watch volumegroupsnapshotcontents.groupsnapshot.storage.k8s.io",
            "watch volumesnapshotclasses.snapshot.storage.k8s.io",
            "watch volumesnapshotcontents.snapshot.storage.k8s.io",
        ],
    },
    Row {
        role: "ClusterRole hostpath-attacher",
        test: "guides::on_nodes",
        uses: &[
            "list csinodes.storage.k8s.io",
            "list persistentvolumes",
            "list volumeattachments.storage.k8s.io",
            "patch persistentvolumes",
            "patch volumeattachments.storage.k8s.io",
            "patch volumeattachments.storage.k8s.io/status",
            "watch csinodes.storage.k8s.io",
            "watch persistentvolumes",
            "watch volumeattachments.storage.k8s.io",
        ],
    },
    Row {
        role: "Role flex2csi-controller",
        test: "node_daemon::released",
        uses: &[
            "create leases.coordination.k8s.io",
            "delete leases.coordination.k8s.io",
            "get leases.coordination.k8s.io",
            "list leases.coordination.k8s.io",
            "update leases.coordination.k8s.io",
        ],
    },
    Row {
        role: "Role flex2csi-node-leases",
        test: "node_daemon::attached",
        uses: &[
            "create leases.coordination.k8s.io",
            "delete leases.coordination.k8s.io",
            "get leases.coordination.k8s.io",
            "update leases.coordination.k8s.io",
        ],
    },
    Row {
        role: "Role flex2csi-node-secrets",
        test: "node_daemon::attached",
        uses: &["get secrets"],
    },
    Row {
        role: "Role flex2csi-rewrite-pins",
        test: "rewrite_in_use::pinned",
        uses: &[
            "create persistentvolumeclaims",
            "create pods",
            "delete persistentvolumeclaims",
            "delete pods",
            "get pods",
            "patch pods",
        ],
    },
];
