//! A million volumes, file to file: `flex2csi translate -o ndjson`. How many a
//! second, how much memory at most, how busy the processors.
//!
//! `cargo bench --bench stream`, or with another number behind `--`.

#![allow(clippy::print_stdout)]

mod volumes;

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use volumes::{FLEX, IN_TREE};

const MILLION: u32 = 1_000_000;
/// Of `/proc/<pid>/stat`, on every Linux that Rust runs on.
const TICKS_A_SECOND: f64 = 100.0;

fn main() -> std::io::Result<()> {
    let number = std::env::args()
        .filter_map(|arg| arg.parse().ok())
        .next()
        .unwrap_or(MILLION);
    let directory = tempfile::tempdir()?;
    let input = directory.path().join("in.ndjson");
    let bytes = generate(&input, number)?;
    println!("{number} volumes, {} MB", bytes / 1_000_000);
    println!(
        "{:<28}{:>12}{:>10}{:>12}{:>12}",
        "", "volumes/s", "MB/s", "peak MiB", "processors"
    );
    for (name, args) in [
        ("stored, from a file", ["--target", "stored"]),
        ("runtime, from a file", ["--target", "runtime"]),
    ] {
        let output = File::create(directory.path().join("out.ndjson"))?;
        let run = measure(&input, &args, output)?;
        let seconds = run.wall.as_secs_f64();
        println!(
            "{name:<28}{:>12.0}{:>10.0}{:>12.1}{:>12.2}",
            f64::from(number) / seconds,
            bytes as f64 / 1e6 / seconds,
            run.peak_kib as f64 / 1024.0,
            run.cpu / seconds
        );
    }
    Ok(())
}

/// All kinds in turn but those that need a value.
fn generate(path: &Path, number: u32) -> std::io::Result<u64> {
    let kinds: Vec<_> = IN_TREE
        .iter()
        .filter(|kind| !matches!(kind.name, "gce-pd" | "vsphere"))
        .chain(&FLEX)
        .collect();
    let mut file = BufWriter::new(File::create(path)?);
    for n in 0..number {
        let kind = kinds[n as usize % kinds.len()];
        writeln!(file, "{}", kind.volume(n))?;
    }
    file.flush()?;
    Ok(fs::metadata(path)?.len())
}

struct Run {
    wall: Duration,
    /// Seconds of all processors together.
    cpu: f64,
    peak_kib: u64,
}

fn measure(input: &Path, args: &[&str], output: File) -> std::io::Result<Run> {
    let start = Instant::now();
    let mut child = Command::new(env!("CARGO_BIN_EXE_flex2csi"))
        .args(["translate", "-q", "-o", "ndjson", "-f"])
        .arg(input)
        .args(args)
        .stdout(output)
        .stderr(Stdio::null())
        .spawn()?;
    let (mut peak_kib, mut cpu) = (0, 0.0);
    loop {
        // The last reading before it ends is near enough.
        if let Some(reading) = reading(child.id()) {
            (peak_kib, cpu) = reading;
        }
        if child.try_wait()?.is_some() {
            break;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    Ok(Run {
        wall: start.elapsed(),
        cpu,
        peak_kib,
    })
}

/// The highest resident memory so far, in KiB, and the processor time.
fn reading(pid: u32) -> Option<(u64, f64)> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let peak = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    let peak = peak.trim().trim_end_matches(" kB").parse().ok()?;
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks = |index: usize| fields.get(index)?.parse::<f64>().ok();
    Some((peak, (ticks(11)? + ticks(12)?) / TICKS_A_SECOND))
}
