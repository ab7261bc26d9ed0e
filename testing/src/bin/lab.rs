//! Brings a lab up and keeps it until it is interrupted, for a person to look around in:
//! `cargo run -p flex2csi-testing --bin lab`, after `testing/image/build`.

use anyhow::Context;
use flex2csi_testing::Lab;

#[tokio::main]
#[expect(clippy::print_stdout, reason = "it is for a person at a terminal")]
async fn main() -> anyhow::Result<()> {
    let lab = Lab::start().await.context("the lab does not start")?;
    println!("export KUBECONFIG={}", lab.cluster.kubeconfig().display());
    for node in lab.nodes() {
        let root = node.path("/");
        println!("{} is at {}", node.name(), root.display());
    }
    println!("It ends with a line of input, or with the end of input.");
    let mut line = String::new();
    std::io::stdin().read_line(&mut line)?;
    Ok(())
}
