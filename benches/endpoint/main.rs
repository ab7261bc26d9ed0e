//! What the CSI endpoint adds to a call: a driver that answers at once, in a
//! process of its own, is called directly and through `flex2csi node`, and in
//! the same rounds through hops that have nothing of ours: HTTP/2 forwarded
//! (`hop`) and bytes copied (`copy`). Ratios to the direct call count, not times.
//!
//! `cargo bench --bench endpoint`, or with another number of rounds behind `--`.

#![allow(clippy::print_stdout)]

mod calls;
mod driver;
mod floor;
mod measure;
mod processes;
mod ready;

use std::path::PathBuf;
use std::process::Command;
use std::rc::Rc;
use std::sync::Arc;

use calls::Call;
use measure::{Caller, Case, Figures, Path, ratio};
use processes::Process;

const ROUNDS: usize = 25;
const MIB: usize = 1 << 20;

fn main() -> anyhow::Result<()> {
    let mut args: Vec<String> = std::env::args().skip(1).collect();
    let role = (!args.is_empty()).then(|| args.remove(0));
    let sockets: Vec<PathBuf> = args.iter().map(PathBuf::from).collect();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    match (role.as_deref(), &*sockets) {
        (Some("driver"), [socket]) => runtime.block_on(driver::serve(socket)),
        (Some("hop"), [socket, backend]) => runtime.block_on(floor::forward(socket, backend)),
        (Some("copy"), [socket, backend]) => Ok(floor::copy(socket, backend.clone())?),
        _ => {
            let rounds = std::env::args().filter_map(|arg| arg.parse().ok()).next();
            runtime.block_on(bench(rounds.unwrap_or(ROUNDS)))
        }
    }
}

async fn bench(rounds: usize) -> anyhow::Result<()> {
    let directory = tempfile::tempdir()?;
    let socket = |name: &str| directory.path().join(format!("{name}.sock"));
    let (direct, state) = (socket("driver"), directory.path().join("state"));
    let _driver = Process::role("driver", &[&direct])?;
    let _hop = Process::role("hop", &[&socket("hop"), &direct])?;
    let _copy = Process::role("copy", &[&socket("copy"), &direct])?;

    let (daemon, endpoint) = ready::measure(&direct, &socket("endpoint"), &state).await?;
    let paths = [
        Path::connect("directly", direct).await?,
        endpoint,
        Path::connect("through the hop", socket("hop")).await?,
        Path::connect("through the copy", socket("copy")).await?,
    ];
    check_translation(&paths[0], &paths[1]).await?;

    println!(
        "\n{:<33}{:>9}{:>10}{:>10}{:>10}{:>10}{:>12}{:>10}{:>10}",
        "", "direct", "endpoint", "endpoint", "hop", "copy", "endpoint", "direct", "endpoint"
    );
    println!(
        "{:<33}{:>9}{:>10}{:>10}{:>10}{:>10}{:>12}{:>10}{:>10}",
        "", "p50 µs", "p50", "p99", "p50", "p50", "p50 to hop", "calls/s", "calls/s"
    );
    let table = Table {
        paths: &paths,
        rounds,
    };
    let (probe, publish, legacy) = (Call::Probe, Call::publish(1), Call::legacy(1));
    table.row("tonic, Probe", tonic(&probe, 1)).await?;
    table.row("tonic, NodePublish", tonic(&publish, 1)).await?;
    table
        .row("tonic, NodePublish legacy", tonic(&legacy, 1))
        .await?;
    for program in ["grpc-client-1.47", "grpc-client-1.79"] {
        let Some(path) = built(program) else {
            println!("no Go here: {program} was left out");
            continue;
        };
        let go = |call: &Call, in_flight| Case {
            caller: Caller::Go(path.clone()),
            ..tonic(call, in_flight)
        };
        let age = program.replace("grpc-client-", "grpc-go ");
        for (name, call, in_flight) in [
            ("Probe", &probe, 1),
            ("NodePublish", &publish, 1),
            ("NodePublish legacy", &legacy, 1),
            ("Probe, 16 in flight", &probe, 16),
        ] {
            table
                .row(&format!("{age}, {name}"), go(call, in_flight))
                .await?;
        }
    }
    for in_flight in [4, 16, 64] {
        let name = format!("tonic, Probe, {in_flight} in flight");
        table.row(&name, tonic(&probe, in_flight)).await?;
    }
    for in_flight in [4, 16, 64] {
        let name = format!("tonic, legacy, {in_flight} in flight");
        table.row(&name, tonic(&legacy, in_flight)).await?;
    }
    let large = Case {
        count: 20,
        ..tonic(&Call::Large(8 * MIB), 1)
    };
    table.row("tonic, 8 MiB answer", large).await?;
    for volumes in [1, 100, 10_000] {
        let case = Case {
            calls: (0..volumes).map(Call::legacy).collect(),
            count: 10_000,
            ..tonic(&legacy, 1)
        };
        let name = format!("tonic, legacy, {volumes} volumes");
        Table {
            rounds: rounds.div_ceil(5),
            ..table
        }
        .row(&name, case)
        .await?;
    }
    ready::after(&daemon, &state)
}

fn tonic(call: &Call, in_flight: usize) -> Case {
    Case {
        caller: Caller::Tonic,
        calls: Arc::new([call.clone()]),
        count: 400.max(50 * in_flight),
        in_flight,
    }
}

/// That what is measured as translated is translated.
async fn check_translation(direct: &Path, endpoint: &Path) -> anyhow::Result<()> {
    let call = Call::legacy(1).strict();
    let refused = direct.call(call.clone()).await;
    anyhow::ensure!(refused.is_err(), "the driver took a volume in legacy form");
    endpoint.call(call).await?;
    Ok(())
}

/// A Go program, built if Go is there.
fn built(program: &str) -> Option<Rc<PathBuf>> {
    let build = concat!(env!("CARGO_MANIFEST_DIR"), "/testing/go/build");
    let output = Command::new(build).arg(program).output().ok()?;
    let path = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| Rc::new(path.trim().into()))
}

#[derive(Clone, Copy)]
struct Table<'a> {
    paths: &'a [Path],
    rounds: usize,
}

impl Table<'_> {
    async fn row(&self, name: &str, case: Case) -> anyhow::Result<()> {
        let figures = case.measure(self.paths, self.rounds).await?;
        let [direct, endpoint, hop, copy] = &*figures else {
            anyhow::bail!("four paths are measured");
        };
        let p50 = |figures: &Figures| figures.p50;
        let median =
            |of: &[Figures], figure: fn(&Figures) -> f64| measure::median(of.iter().map(figure));
        println!(
            "{name:<33}{:>9.1}{:>10.2}{:>10.2}{:>10.2}{:>10.2}{:>12.2}{:>10.0}{:>10.0}",
            median(direct, p50),
            ratio(endpoint, direct, p50),
            ratio(endpoint, direct, |figures| figures.p99),
            ratio(hop, direct, p50),
            ratio(copy, direct, p50),
            ratio(endpoint, hop, p50),
            median(direct, |figures| figures.per_second),
            median(endpoint, |figures| figures.per_second),
        );
        Ok(())
    }
}
