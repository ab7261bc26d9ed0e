//! How long the daemon takes to be ready, and what it takes of the machine.

use std::path::Path as FilePath;
use std::time::{Duration, Instant};

use crate::calls::Call;
use crate::measure::{Path, median};
use crate::processes::Process;

const STARTS: usize = 15;
const CALLS: usize = 10_000;

/// Starts the daemon several times, until its first answer; the last one goes on,
/// and is looked at again after many calls.
pub async fn measure(
    backend: &FilePath,
    socket: &FilePath,
    state: &FilePath,
) -> anyhow::Result<(Process, Path)> {
    let mut took = Vec::new();
    for _ in 1..STARTS {
        took.push(start(backend, socket, state).await?.2);
    }
    let (daemon, path, last) = start(backend, socket, state).await?;
    took.push(last);
    println!(
        "start to first answer: {:.1} ms, the longest of {STARTS} {:.1} ms",
        median(took.iter().copied()),
        took.iter().copied().fold(0.0, f64::max),
    );
    let idle = |what: &str| {
        let (resident, own) = daemon.memory()?;
        println!("{what}: {resident:.1} MiB resident, {own:.1} MiB of it not from files");
        Ok::<_, anyhow::Error>(())
    };
    tokio::time::sleep(Duration::from_secs(2)).await;
    idle("after start")?;
    let written = daemon.written()?;
    for number in 0..CALLS {
        let call = match number % 2 {
            0 => Call::Probe,
            _ => Call::publish(number),
        };
        path.call(call).await?;
    }
    idle("after 10,000 calls")?;
    println!(
        "written to disks for them: {} bytes; state directory made: {}",
        daemon.written()? - written,
        state.exists(),
    );
    Ok((daemon, path))
}

async fn start(
    backend: &FilePath,
    socket: &FilePath,
    state: &FilePath,
) -> anyhow::Result<(Process, Path, f64)> {
    let begun = Instant::now();
    let daemon = Process::daemon(backend, socket, state)?;
    let path = loop {
        // The socket of the one before stays, and refuses.
        if let Ok(path) = Path::connect("through the endpoint", socket.to_owned()).await
            && path.call(Call::Probe).await.is_ok()
        {
            break path;
        }
        tokio::time::sleep(Duration::from_micros(500)).await;
    };
    Ok((daemon, path, begun.elapsed().as_secs_f64() * 1e3))
}

/// What the daemon takes after all.
pub fn after(daemon: &Process, state: &FilePath) -> anyhow::Result<()> {
    let (resident, own) = daemon.memory()?;
    println!(
        "\nafter all: {resident:.1} MiB resident, {own:.1} MiB of it not from files; \
         state directory made: {}",
        state.exists()
    );
    Ok(())
}
