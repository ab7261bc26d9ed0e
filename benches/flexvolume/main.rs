//! What the FlexVolume door adds to CSI: a volume of the embedded backend mounted
//! and unmounted through the exec binary and the node daemon, and in the same rounds
//! by plain CSI calls to the same backend, and beside them what the door cannot do
//! without (`floor`): a process for each call, and the record's writes. Then what the
//! daemon takes of the machine, without and with a thousand volumes.
//!
//! As root: `cargo bench --bench flexvolume`, or with another number of rounds behind
//! `--`. `TMPDIR` says on which filesystem; on a tmpfs, where a sync costs nothing,
//! the processor's part is to be seen.

#![allow(clippy::print_stdout)]

mod csi;
mod floor;
mod kubelet;
mod processes;
mod resident;
mod rig;
mod rounds;

use rig::Rig;
use rounds::{Lane, Rounds};

const ROUNDS: usize = 40;
/// How many volumes there are.
const VOLUMES: usize = 1000;

fn main() -> anyhow::Result<()> {
    if !rustix::process::geteuid().is_root() {
        println!("mounting needs root, so nothing was measured");
        return Ok(());
    }
    let rounds = std::env::args().filter_map(|arg| arg.parse().ok()).next();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(bench(rounds.unwrap_or(ROUNDS)))
}

async fn bench(rounds: usize) -> anyhow::Result<()> {
    let rig = Rig::new(VOLUMES).await?;
    let mut daemon = rig.ready_daemon(rig.starts(rounds)).await?;
    resident::say("idle", &daemon)?;
    table(&rig, rounds, "").await?;
    resident::say("after that", &daemon)?;

    resident::fill(&rig).await?;
    resident::say(&format!("with {VOLUMES} volumes mounted"), &daemon)?;
    drop(daemon);
    daemon = rig.ready_daemon(rig.starts(rounds)).await?;
    resident::say(&format!("started with {VOLUMES} volumes mounted"), &daemon)?;
    rig.without(rounds::MOST).await?;
    table(
        &rig,
        rounds / 2,
        &format!(", beside {} others", VOLUMES - rounds::MOST),
    )
    .await?;
    resident::say("after that", &daemon)?;
    Ok(())
}

async fn table(rig: &Rig, rounds: usize, beside: &str) -> anyhow::Result<()> {
    println!(
        "\n{:<34}{:>9}{:>9}{:>9}{:>9}{:>11}{:>13}",
        "", "csi ms", "floor ms", "door ms", "door/csi", "least/csi", "door/least"
    );
    for at_once in [1, rounds::MOST] {
        let rounds = match at_once {
            1 => rounds * 4,
            _ => rounds,
        };
        let figures = Rounds {
            rig,
            at_once,
            rounds,
        }
        .measure()
        .await?;
        for (what, of) in [
            ("mount", rounds::mount as fn(_) -> _),
            ("unmount", rounds::unmount),
            ("both", rounds::both),
        ] {
            let volumes = if at_once == 1 {
                "1 volume"
            } else {
                "32 at once"
            };
            println!(
                "{:<34}{:>9.2}{:>9.2}{:>9.2}{:>9.2}{:>11.2}{:>13.2}",
                format!("{volumes}{beside}, {what}"),
                figures.median(Lane::Csi, of),
                figures.median(Lane::Floor, of),
                figures.median(Lane::Door, of),
                figures.to_csi(of),
                figures.least_to_csi(of),
                figures.to_least(of),
            );
        }
    }
    println!();
    Ok(())
}
