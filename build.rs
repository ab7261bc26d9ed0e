//! Compiles the `.proto` files, without protoc.

use std::path::PathBuf;

use protox::prost::Message;

const FILES: [&str; 6] = [
    "csi/identity.proto",
    "csi/controller.proto",
    "csi/group_controller.proto",
    "csi/node.proto",
    "csi/snapshot_metadata.proto",
    "pluginregistration.proto",
];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo::rerun-if-changed=proto");
    let descriptors = protox::compile(FILES, ["proto"])?;
    let out = PathBuf::from(std::env::var("OUT_DIR")?);
    std::fs::write(out.join("descriptors.bin"), descriptors.encode_to_vec())?;
    tonic_prost_build::configure()
        .btree_map(".")
        .compile_fds(descriptors)?;
    Ok(())
}
