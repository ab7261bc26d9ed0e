//! The RPCs that there are.

use flex2csi::csi::DESCRIPTORS;
use prost::Message as _;
use prost_types::FileDescriptorSet;

/// The path of every RPC of CSI 1.12.
pub fn of_csi() -> Vec<String> {
    let set = FileDescriptorSet::decode(DESCRIPTORS).unwrap();
    let files = set.file.iter().filter(|file| file.package() == "csi.v1");
    let services = files.flat_map(|file| &file.service);
    let paths: Vec<String> = services
        .flat_map(|service| {
            let methods = service.method.iter();
            methods.map(|method| format!("/csi.v1.{}/{}", service.name(), method.name()))
        })
        .collect();
    assert!(paths.len() > 25, "{paths:?}");
    paths
}
