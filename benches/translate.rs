//! One volume, one thread: decode, translate, encode. Beside it, in the same
//! run, the floor (each byte validated once and copied) and, where Go is there,
//! csi-translation-lib on the same volumes. Ratios count, not times.
//!
//! The library knows nothing of volumes that are to be kept; what it takes for
//! the runtime form stands beside ours for both.
//!
//! `cargo bench --bench translate`

#![allow(clippy::print_stdout)]

mod volumes;

use std::hint::black_box;
use std::io::Write;
use std::process::{Command, Stdio};
use std::time::Instant;

use flex2csi_translators::flex::Mappings;
use flex2csi_translators::{Context, Target, parse, translate};
use volumes::{FLEX, IN_TREE};

/// Volumes of each kind.
const VOLUMES: u32 = 25;
/// The best of so many rounds.
const ROUNDS: u32 = 9;
/// Passes over the volumes in a round.
const PASSES: u32 = 400;

fn main() {
    let mappings = Mappings::built_in();
    let values = volumes::values(VOLUMES);
    let context = |target| Context {
        target,
        ..Context::new(&values, &mappings)
    };
    let go = go_oracle();
    let mut peers = Vec::new();
    println!(
        "{:<16}{:<9}{:>7}{:>10}{:>10}{:>10}{:>8}{:>8}",
        "kind", "target", "bytes", "floor µs", "ours µs", "Go µs", "Go/us", "us/floor"
    );
    for kind in IN_TREE.iter().chain(&FLEX) {
        let pvs: Vec<String> = (0..VOLUMES).map(|n| kind.volume(n)).collect();
        let bytes = pvs.iter().map(String::len).sum::<usize>() / pvs.len();
        let floor = best(&pvs, &mut |pv, out| {
            let raw: &serde_json::value::RawValue = serde_json::from_str(pv).expect("JSON");
            out.extend_from_slice(raw.get().as_bytes());
        });
        // The library knows no FlexVolume; it is measured by what it takes for a
        // volume of that size that it knows.
        let peer = if kind.in_library {
            let time = go.as_deref().and_then(|oracle| go_time(oracle, &pvs));
            peers.extend(time);
            time
        } else {
            (!peers.is_empty()).then(|| peers.iter().sum::<f64>() / peers.len() as f64)
        };
        let targets: &[_] = match kind.in_library {
            true => &[(Target::Runtime, "runtime"), (Target::Stored, "stored")],
            false => &[(Target::Stored, "stored")],
        };
        for (target, name) in targets {
            let context = context(*target);
            let ours = best(&pvs, &mut |pv, out| {
                let object = parse(pv).expect("JSON");
                let outcome = translate(object, &context).expect("translates");
                assert!(outcome.changed);
                outcome.object.write(out);
            });
            print!(
                "{:<16}{name:<9}{bytes:>7}{floor:>10.2}{ours:>10.2}",
                kind.name
            );
            match peer {
                Some(peer) => print!("{peer:>10.2}{:>8.1}", peer / ours),
                None => print!("{:>10}{:>8}", "-", "-"),
            }
            println!("{:>8.1}", ours / floor);
        }
    }
    if go.is_none() {
        println!("no Go here: csi-translation-lib was left out");
    } else {
        println!("Go beside FlexVolumes: its mean for the in-tree kinds, since it knows no other");
    }
}

/// Microseconds for a volume, in the best round.
fn best(pvs: &[String], work: &mut dyn FnMut(&str, &mut Vec<u8>)) -> f64 {
    let mut out = Vec::with_capacity(4096);
    let round = |work: &mut dyn FnMut(&str, &mut Vec<u8>), out: &mut Vec<u8>| {
        let start = Instant::now();
        for _ in 0..PASSES {
            for pv in pvs {
                out.clear();
                work(black_box(pv), out);
                black_box(&out);
            }
        }
        start.elapsed().as_secs_f64() * 1e6 / f64::from(PASSES) / pvs.len() as f64
    };
    (0..ROUNDS)
        .map(|_| round(work, &mut out))
        .fold(f64::INFINITY, f64::min)
}

/// The program around csi-translation-lib, built if Go is there.
fn go_oracle() -> Option<String> {
    let build = concat!(env!("CARGO_MANIFEST_DIR"), "/testing/go/build");
    let output = Command::new(build)
        .arg("translation-oracle")
        .output()
        .ok()?;
    let path = String::from_utf8(output.stdout).ok()?;
    (output.status.success()).then(|| path.trim().to_owned())
}

/// The library's microseconds for a volume.
fn go_time(oracle: &str, pvs: &[String]) -> Option<f64> {
    let mut child = Command::new(oracle)
        .args(["-bench", &ROUNDS.to_string()])
        .env("GOMAXPROCS", "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .ok()?;
    let mut stdin = child.stdin.take()?;
    for pv in pvs.iter().cycle().take(pvs.len() * PASSES as usize) {
        writeln!(stdin, "{pv}").ok()?;
    }
    drop(stdin);
    let output = child.wait_with_output().ok()?;
    let answer: serde_json::Value = serde_json::from_slice(&output.stdout).ok()?;
    Some(answer["nsPerPV"].as_f64()? / 1000.0)
}
