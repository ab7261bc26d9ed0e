//! What a call costs that does nothing but its way: the exec binary as it is
//! shipped, beside `/bin/true` and the same job in C (static), Go (static) and
//! bash, one after the other in each round. Ratios of paired rounds count.
//!
//! `cargo bench -p flex2csi-exec`, or with another number of rounds behind `--`.

#![allow(clippy::print_stdout)]

mod daemon;
mod effort;
mod measure;
mod programs;

use std::path::Path;

use measure::{median, microseconds, ratios};
use programs::Program;

const ROUNDS: usize = 1000;

/// About what kubelet sends for a volume with a secret.
const OPTIONS: &str = r#"{"kubernetes.io/fsType":"ext4","kubernetes.io/pod.name":"web-0","kubernetes.io/pod.namespace":"default","kubernetes.io/pod.uid":"0e3b4b52-1d9a-4f2c-8a57-6a3c0f8d2b11","kubernetes.io/pvOrVolumeName":"pvc-7a1b","kubernetes.io/readwrite":"rw","kubernetes.io/secret/key":"czNjcjN0","kubernetes.io/serviceAccount.name":"default","volumeID":"vol-17"}"#;
const TARGET: &str =
    "/var/lib/kubelet/pods/0e3b4b52-1d9a-4f2c-8a57-6a3c0f8d2b11/volumes/example.com~disk/pvc-7a1b";

fn main() -> Result<(), String> {
    let rounds = std::env::args().filter_map(|arg| arg.parse().ok()).next();
    let directory = tempfile::tempdir().map_err(|error| error.to_string())?;
    let addresses = daemon::serve(directory.path()).map_err(|error| error.to_string())?;
    let programs = programs::build(directory.path(), &addresses)?;
    for call in [&["init"][..], &["mount", TARGET, OPTIONS]] {
        bench(&programs, call, rounds.unwrap_or(ROUNDS), directory.path())?;
    }
    Ok(())
}

/// The first program is ours.
fn bench(programs: &[Program], call: &[&str], rounds: usize, scratch: &Path) -> Result<(), String> {
    for program in programs {
        program.check(call)?;
    }
    let took = measure::rounds(programs, call, rounds)?;
    println!("{}, {rounds} rounds", call[0]);
    println!(
        "program          bytes     p50 µs   / ours   (quartiles)    instructions  system calls"
    );
    for (program, times) in programs.iter().zip(&took) {
        let mut ratios = ratios(times, &took[0]);
        let [low, middle, high] = median(&mut ratios);
        let [_, p50, _] = median(&mut microseconds(times));
        let instructions = effort::instructions(program, call);
        let calls = effort::system_calls(program, call, scratch);
        let known = |count: Option<u64>| count.map_or("?".to_owned(), |count| count.to_string());
        println!(
            "{:<14} {:>9} {p50:>9.0} {middle:>8.2}   ({low:.2} to {high:.2}) {:>13} {:>13}",
            program.name,
            program.bytes,
            known(instructions),
            known(calls),
        );
    }
    println!();
    Ok(())
}
