use super::Effect;

macro_rules! codes {
    ($($variant:ident, $text:literal, $effect:ident, $remedy:literal, $doc:literal;)*) => {
        /// The stable code of a finding; each is explained in `docs/plan.md`.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum FindingCode {
            $(#[doc = $doc] $variant,)*
        }

        impl FindingCode {
            /// Every code, in the order of the documentation.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The code as written.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }

            /// What it does to the verdict.
            pub fn effect(self) -> Effect {
                match self { $(Self::$variant => Effect::$effect,)* }
            }

            /// The one thing to do about it, unless a finding says more.
            pub fn remedy(self) -> &'static str {
                match self { $(Self::$variant => $remedy,)* }
            }

            /// What it means, in a sentence.
            pub fn meaning(self) -> &'static str {
                match self { $(Self::$variant => $doc,)* }
            }
        }
    };
}

codes! {
    // The object and its claim.
    Terminating, "terminating", Block, "wait until it is gone, or find out who deleted it", "The object is being deleted.";
    MigrationUnderWay, "migration-under-way", Block, "let `flex2csi rewrite` finish it, or `flex2csi rollback` take it back", "A rewrite of the object was begun and is not finished.";
    PhaseFailed, "phase-failed", Block, "see `kubectl describe pv`, and set it right first", "The volume's reclaim failed.";
    ClaimMissing, "claim-missing", Block, "delete the volume if its data is not needed, or remove its `spec.claimRef` if it is", "The claim that the volume was bound to is gone.";
    ClaimOther, "claim-other", Block, "find out which claim the volume belongs to, and correct its `spec.claimRef`", "Volume and claim do not name each other.";
    ClaimTerminating, "claim-terminating", Block, "wait until the claim is gone", "The claim is being deleted.";
    ClaimLost, "claim-lost", Block, "see `kubectl describe pvc`, and get the claim bound again first", "The claim has lost its volume.";
    ClaimNotBound, "claim-not-bound", Block, "wait until volume and claim are bound, and plan again", "Volume and claim are not bound on both sides yet.";
    ResizePending, "resize-pending", Block, "wait until it is done (a pod may have to use the volume for that), or take the request back", "The claim waits for its volume to grow, and would forget it.";
    AttributesClass, "attributes-class", Block, "wait until it is done, or take the request back and ask again after the rewrite (no volume in legacy form is given a class)", "Another VolumeAttributesClass is asked for, or being set.";
    AttributesClassAgain, "attributes-class-again", Warn, "see that external-resizer runs beside the CSI driver", "The claim's VolumeAttributesClass is in force; the claim forgets so, and external-resizer sets the same one again.";
    // Who else has a say.
    ForeignFinalizer, "foreign-finalizer", Block, "find out what its owner waits for, and have it removed", "A finalizer that is not Kubernetes' own holds the object.";
    OwnedByController, "owned-by-controller", Block, "stop the controller, and take its owner reference off", "A controller owns the object and would make it again as it was.";
    OwnerReference, "owner-reference", Warn, "check that the owner is to stay: with it the new object goes too", "The object has an owner.";
    GitOpsOwned, "gitops-owned", Warn, "translate the manifests with `flex2csi translate`, and pause its syncing until they are in", "The object is applied from somewhere else, and the next sync would fight.";
    VendorController, "vendor-controller", Block, "scale it to 0 while these volumes are rewritten", "A vendor's controller acts on the deletion of PersistentVolumes.";
    LegacyInstaller, "legacy-installer", Block, "delete the DaemonSet", "A DaemonSet puts the legacy driver on the nodes, and would do so again.";
    PolicyDeleteStatic, "policy-delete-static", Warn, "set `keepDelete: true` in the plan if its data is to be deleted with its claim", "A hand-made volume with the policy Delete becomes truly deletable once it is CSI; it will get Retain.";
    // What takes its place.
    HandleShared, "handle-shared", Block, "decide which of the volumes stays, and delete the other (with the policy Retain)", "Another volume has the same handle: two volumes on one piece of storage.";
    DriverNotInstalled, "driver-not-installed", Block, "install the CSI driver", "No node has the CSI driver.";
    DriverNotOnNode, "driver-not-on-node", Block, "get the CSI driver's node plugin to run there", "No node where the volume may be used has the CSI driver.";
    DriverNotOnEveryNode, "driver-not-on-every-node", Warn, "get the CSI driver's node plugin to run there, or keep the pods off", "Some nodes where the volume may be used do not have the CSI driver.";
    AffinityMatchesNoNode, "affinity-matches-no-node", Warn, "compare the node affinity that would be written with the nodes' labels", "No node has the labels that the new volume's node affinity asks for.";
    ControllerAttachOff, "controller-attach-off", Block, "set `enableControllerAttachDetach: true` in kubelet's configuration, node by node, drained", "The CSI driver attaches volumes, and the kubelet does not let the controller do so.";
    SecretMissing, "secret-missing", Block, "create the Secret", "A Secret that the CSI driver is to be given is not there.";
    SecretToCreate, "secret-to-create", Block, "give `flex2csi rewrite` the flag --create-secrets, or write it with `flex2csi translate --secret-values` and apply it", "The CSI driver reads other keys than the legacy Secret has: a new one is needed.";
    SecretUnchecked, "secret-unchecked", Warn, "look yourself, or give the right to get it", "Whether a Secret is there could not be found out.";
    SnapshotHandle, "snapshot-handle", Warn, "make the VolumeSnapshotContent anew after the rewrite, by the handle of its snapshot: its source cannot be changed", "A snapshot names the volume by a handle that changes.";
    SnapshotDriver, "snapshot-driver", Warn, "keep what serves that driver until they are gone, or make them anew for the new one: docs/endpoint.md, Snapshots", "Snapshots were taken under the name of another CSI driver than the new one, and stay that one's.";
    DryRunRefused, "dry-run-refused", Block, "the message is the API server's", "The API server would not take the new object.";
    // Whether it is idle.
    NodeSilent, "node-silent", Block, "run the node daemon there, or, where none is to run, give --without-node-evidence", "A node does not say what it has mounted.";
    NodeStale, "node-stale", Block, "see why its node daemon does not renew its NodeVolumes", "What a node says of its mounts is too old to go by.";
    NodeNotReady, "node-not-ready", Block, "bring it back, delete its Node, or, once it is switched off, taint it node.kubernetes.io/out-of-service", "A node does not answer, and may have the volume mounted.";
    NoNodeEvidence, "no-node-evidence", Block, "see on the nodes that nothing has it mounted, and give --without-node-evidence", "Nothing tells from the nodes whether this source is mounted.";
    UsedByPod, "used-by-pod", InUse, "stop it, or let `flex2csi rewrite --restart` stop what makes it, or --wait-idle wait for its end", "A pod uses the claim.";
    UsedByEndedPod, "used-by-ended-pod", InUse, "delete the pod: its volumes may be mounted still", "A pod that has ended names the claim.";
    Attached, "attached", InUse, "wait until it is detached", "A VolumeAttachment names the volume.";
    HeldByNode, "held-by-node", InUse, "wait until the node lets go of it", "A node lists the volume as in use or attached.";
    MountedByOriginal, "mounted-by-original", InUse, "stop the pod", "A node has it mounted by the original FlexVolume driver.";
    MountedByShim, "mounted-by-shim", InUse, "stop the pod, or see what keeps the volume from being rewritten under it", "A node has it mounted by flex2csi.";
    RestartIfTold, "restart-if-told", Warn, "stop it yourself, or give --restart-managed as well", "`flex2csi rewrite --restart` stops a workload only if it is told that it may.";
    NoRestart, "no-restart", Warn, "stop it yourself; `flex2csi rewrite --wait-idle` goes on then", "`flex2csi rewrite --restart` cannot stop what uses the volume and bring it back.";
    ShimNotEnough, "shim-not-enough", Warn, "stop the pod", "Every mount is flex2csi's, but the volume cannot be rewritten under its pods.";
    RuntimeDiffers, "runtime-differs", Warn, "stop the pod", "The cluster serves the volume through CSI, but by another specification than would be stored.";
    RuntimeEqual, "runtime-equal", Proof, "", "The cluster serves the volume through CSI already, by the very specification that would be stored.";
    ServedByShim, "served-by-shim", Proof, "", "Every mount of the volume was made by flex2csi.";
    // Other objects.
    PendingClaims, "pending-claims", Block, "wait until they are bound", "Claims wait for volumes of this class.";
    InlineVolume, "inline-volume", Keep, "write its new volume, claim and workload with `flex2csi translate`, and apply them", "A live workload is never edited.";
    // The cluster as a whole.
    PermissionMissing, "permission-missing", Warn, "have it granted: `flex2csi rewrite --rbac` prints what is needed", "You may not do what the rewrite needs.";
    NotLookedAt, "not-looked-at", Warn, "give the right to list them: `flex2csi plan --rbac` prints what is needed", "Some objects could not be listed.";
    WithoutNodeEvidence, "without-node-evidence", Warn, "see on the nodes that nothing is mounted", "Nodes were not asked: a volume that is mounted for a pod that was deleted by force is not seen.";
}
