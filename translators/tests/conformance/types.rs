//! The API's types as Go has them: which fields there are, and which of them
//! Go's JSON prints (kubernetes `core/v1`, `storage/v1`, `meta/v1`).

/// A type of the API.
pub enum Type {
    Text,
    Bool,
    Int,
    Quantity,
    /// Kept as it is, as times and `fieldsV1`.
    Any,
    Map(&'static Type),
    List(&'static Type),
    Struct(&'static [Field]),
}

/// When a field is printed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Print {
    /// Always, also when it is unset.
    Always,
    /// Unless it is empty; a struct is never empty.
    NotEmpty,
    /// When it is set, empty or not: a pointer.
    Set,
    /// Up to Kubernetes 1.33 always, since then when it is set.
    CreationTimestamp,
}

/// A field of a struct.
pub struct Field(pub &'static str, pub &'static Type, pub Print);

use Print::{Always, NotEmpty, Set};
use Type::{Any, Bool, Int, List, Map, Quantity, Struct, Text};

const TEXTS: Type = List(&Text);
const TEXT_MAP: Type = Map(&Text);

const OWNER: Type = Struct(&[
    Field("apiVersion", &Text, Always),
    Field("kind", &Text, Always),
    Field("name", &Text, Always),
    Field("uid", &Text, Always),
    Field("controller", &Bool, Set),
    Field("blockOwnerDeletion", &Bool, Set),
]);

const MANAGED_FIELDS: Type = Struct(&[
    Field("manager", &Text, NotEmpty),
    Field("operation", &Text, NotEmpty),
    Field("apiVersion", &Text, NotEmpty),
    Field("time", &Any, Set),
    Field("fieldsType", &Text, NotEmpty),
    Field("fieldsV1", &Any, Set),
    Field("subresource", &Text, NotEmpty),
]);

const METADATA: Type = Struct(&[
    Field("name", &Text, NotEmpty),
    Field("generateName", &Text, NotEmpty),
    Field("namespace", &Text, NotEmpty),
    Field("selfLink", &Text, NotEmpty),
    Field("uid", &Text, NotEmpty),
    Field("resourceVersion", &Text, NotEmpty),
    Field("generation", &Int, NotEmpty),
    Field("creationTimestamp", &Any, Print::CreationTimestamp),
    Field("deletionTimestamp", &Any, Set),
    Field("deletionGracePeriodSeconds", &Int, Set),
    Field("labels", &TEXT_MAP, NotEmpty),
    Field("annotations", &TEXT_MAP, NotEmpty),
    Field("ownerReferences", &List(&OWNER), NotEmpty),
    Field("finalizers", &TEXTS, NotEmpty),
    Field("managedFields", &List(&MANAGED_FIELDS), NotEmpty),
]);

const SECRET: Type = Struct(&[
    Field("name", &Text, NotEmpty),
    Field("namespace", &Text, NotEmpty),
]);

const EBS: Type = Struct(&[
    Field("volumeID", &Text, Always),
    Field("fsType", &Text, NotEmpty),
    Field("partition", &Int, NotEmpty),
    Field("readOnly", &Bool, NotEmpty),
]);

const GCE: Type = Struct(&[
    Field("pdName", &Text, Always),
    Field("fsType", &Text, NotEmpty),
    Field("partition", &Int, NotEmpty),
    Field("readOnly", &Bool, NotEmpty),
]);

const CINDER: Type = Struct(&[
    Field("volumeID", &Text, Always),
    Field("fsType", &Text, NotEmpty),
    Field("readOnly", &Bool, NotEmpty),
    Field("secretRef", &SECRET, Set),
]);

const AZURE_DISK: Type = Struct(&[
    Field("diskName", &Text, Always),
    Field("diskURI", &Text, Always),
    Field("cachingMode", &Text, Set),
    Field("fsType", &Text, Set),
    Field("readOnly", &Bool, Set),
    Field("kind", &Text, Set),
]);

const AZURE_FILE: Type = Struct(&[
    Field("secretName", &Text, Always),
    Field("shareName", &Text, Always),
    Field("readOnly", &Bool, NotEmpty),
    Field("secretNamespace", &Any, Always),
]);

const VSPHERE: Type = Struct(&[
    Field("volumePath", &Text, Always),
    Field("fsType", &Text, NotEmpty),
    Field("storagePolicyName", &Text, NotEmpty),
    Field("storagePolicyID", &Text, NotEmpty),
]);

const PORTWORX: Type = Struct(&[
    Field("volumeID", &Text, Always),
    Field("fsType", &Text, NotEmpty),
    Field("readOnly", &Bool, NotEmpty),
]);

const RBD: Type = Struct(&[
    Field("monitors", &TEXTS, Always),
    Field("image", &Text, Always),
    Field("fsType", &Text, NotEmpty),
    Field("pool", &Text, NotEmpty),
    Field("user", &Text, NotEmpty),
    Field("keyring", &Text, NotEmpty),
    Field("secretRef", &SECRET, Set),
    Field("readOnly", &Bool, NotEmpty),
]);

const NFS: Type = Struct(&[
    Field("server", &Text, Always),
    Field("path", &Text, Always),
    Field("readOnly", &Bool, NotEmpty),
]);

const GLUSTERFS: Type = Struct(&[
    Field("endpoints", &Text, Always),
    Field("path", &Text, Always),
    Field("readOnly", &Bool, NotEmpty),
    Field("endpointsNamespace", &Text, Set),
]);

const CSI: Type = Struct(&[
    Field("driver", &Text, Always),
    Field("volumeHandle", &Text, Always),
    Field("readOnly", &Bool, NotEmpty),
    Field("fsType", &Text, NotEmpty),
    Field("volumeAttributes", &TEXT_MAP, NotEmpty),
    Field("controllerPublishSecretRef", &SECRET, Set),
    Field("nodeStageSecretRef", &SECRET, Set),
    Field("nodePublishSecretRef", &SECRET, Set),
    Field("controllerExpandSecretRef", &SECRET, Set),
    Field("nodeExpandSecretRef", &SECRET, Set),
]);

const CLAIM: Type = Struct(&[
    Field("kind", &Text, NotEmpty),
    Field("namespace", &Text, NotEmpty),
    Field("name", &Text, NotEmpty),
    Field("uid", &Text, NotEmpty),
    Field("apiVersion", &Text, NotEmpty),
    Field("resourceVersion", &Text, NotEmpty),
    Field("fieldPath", &Text, NotEmpty),
]);

const NODE_REQUIREMENT: Type = Struct(&[
    Field("key", &Text, Always),
    Field("operator", &Text, Always),
    Field("values", &TEXTS, NotEmpty),
]);

const NODE_TERM: Type = Struct(&[
    Field("matchExpressions", &List(&NODE_REQUIREMENT), NotEmpty),
    Field("matchFields", &List(&NODE_REQUIREMENT), NotEmpty),
]);

const NODE_AFFINITY: Type = Struct(&[Field(
    "required",
    &Struct(&[Field("nodeSelectorTerms", &List(&NODE_TERM), Always)]),
    Set,
)]);

const VOLUME_SPEC: Type = Struct(&[
    Field("capacity", &Map(&Quantity), NotEmpty),
    Field("awsElasticBlockStore", &EBS, Set),
    Field("gcePersistentDisk", &GCE, Set),
    Field("cinder", &CINDER, Set),
    Field("azureDisk", &AZURE_DISK, Set),
    Field("azureFile", &AZURE_FILE, Set),
    Field("vsphereVolume", &VSPHERE, Set),
    Field("portworxVolume", &PORTWORX, Set),
    Field("rbd", &RBD, Set),
    Field("nfs", &NFS, Set),
    Field("glusterfs", &GLUSTERFS, Set),
    Field("csi", &CSI, Set),
    Field("accessModes", &TEXTS, NotEmpty),
    Field("claimRef", &CLAIM, Set),
    Field("persistentVolumeReclaimPolicy", &Text, NotEmpty),
    Field("storageClassName", &Text, NotEmpty),
    Field("mountOptions", &TEXTS, NotEmpty),
    Field("volumeMode", &Text, Set),
    Field("nodeAffinity", &NODE_AFFINITY, Set),
    Field("volumeAttributesClassName", &Text, Set),
]);

const VOLUME_STATUS: Type = Struct(&[
    Field("phase", &Text, NotEmpty),
    Field("message", &Text, NotEmpty),
    Field("reason", &Text, NotEmpty),
    Field("lastPhaseTransitionTime", &Any, Set),
]);

/// `v1.PersistentVolume`
pub const PERSISTENT_VOLUME: Type = Struct(&[
    Field("kind", &Text, NotEmpty),
    Field("apiVersion", &Text, NotEmpty),
    Field("metadata", &METADATA, Always),
    Field("spec", &VOLUME_SPEC, Always),
    Field("status", &VOLUME_STATUS, Always),
]);

const TOPOLOGY_TERM: Type = Struct(&[Field(
    "matchLabelExpressions",
    &List(&Struct(&[
        Field("key", &Text, Always),
        Field("values", &TEXTS, Always),
    ])),
    NotEmpty,
)]);

/// `storage.k8s.io/v1.StorageClass`
pub const STORAGE_CLASS: Type = Struct(&[
    Field("kind", &Text, NotEmpty),
    Field("apiVersion", &Text, NotEmpty),
    Field("metadata", &METADATA, Always),
    Field("provisioner", &Text, Always),
    Field("parameters", &TEXT_MAP, NotEmpty),
    Field("reclaimPolicy", &Text, Set),
    Field("mountOptions", &TEXTS, NotEmpty),
    Field("allowVolumeExpansion", &Bool, Set),
    Field("volumeBindingMode", &Text, Set),
    Field("allowedTopologies", &List(&TOPOLOGY_TERM), NotEmpty),
]);
