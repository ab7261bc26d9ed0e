//! What the daemon takes of memory.

use tokio::task::JoinSet;

use crate::VOLUMES;
use crate::processes::Process;
use crate::rig::Rig;
use crate::rounds::{Lane, MOST};

/// Says what a process takes now.
pub fn say(when: &str, process: &Process) -> anyhow::Result<()> {
    let (resident, own) = process.memory()?;
    println!("{when}: {resident:.1} MiB resident, {own:.1} MiB of it not of files");
    Ok(())
}

/// Mounts every volume.
pub async fn fill(rig: &Rig) -> anyhow::Result<()> {
    let mut calls = JoinSet::new();
    for volume in 0..VOLUMES {
        if calls.len() == MOST
            && let Some(done) = calls.join_next().await
        {
            done??;
        }
        rig.prepare(Lane::Door, volume)?;
        calls.spawn(rig.mount(Lane::Door, volume));
    }
    while let Some(done) = calls.join_next().await {
        done??;
    }
    Ok(())
}
