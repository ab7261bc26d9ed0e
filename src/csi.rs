//! What the `.proto` files say: the services and messages of CSI 1.12 and of
//! kubelet's plugin registration.

/// CSI 1.12, package `csi.v1`.
#[allow(missing_docs, clippy::all)]
pub mod v1 {
    tonic::include_proto!("csi.v1");
}

/// Kubelet's plugin registration, package `pluginregistration`.
#[allow(missing_docs, clippy::all)]
pub mod registration {
    tonic::include_proto!("pluginregistration");
}

/// The descriptors of both, an encoded `google.protobuf.FileDescriptorSet`.
pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));
