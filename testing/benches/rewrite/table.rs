//! What is printed.

use std::collections::BTreeMap;
use std::time::Duration;

use flex2csi_testing::audit::Audit;

use crate::pass::Pass;
use crate::peer::Peer;

pub fn print(peers: &[Peer], passes: &BTreeMap<&str, Vec<Pass>>, audit: &Audit) {
    println!(
        "{:<9} {:>7} {:>9} {:>9} {:>9} {:>8} {:>8} {:>8} {:>9} {:>6} {:>6}",
        "",
        "PVs/s",
        "to floor",
        "program",
        "bound",
        "Lost",
        "p50",
        "p99",
        "peak MiB",
        "calls",
        "writes"
    );
    for peer in peers {
        let Some(own) = passes.get(peer.name) else {
            continue;
        };
        let seconds = |time: Duration| format!("{:.2} s", time.as_secs_f64());
        let lost: usize = own.iter().map(|pass| pass.lost.claims).sum();
        let all: usize = own.iter().map(|pass| pass.volumes).sum();
        let user = peer.user().name;
        let peak = own.iter().map(|pass| pass.peak_kib).max().unwrap_or(0);
        println!(
            "{:<9} {:>7.1} {:>9.2} {:>9} {:>9} {:>8} {:>8} {:>8} {:>9.1} {:>6.1} {:>6.1}",
            peer.name,
            median(own.iter().map(Pass::rate)),
            ratio(own, passes.get("waiting")),
            seconds(middle(own.iter().map(|pass| pass.program))),
            seconds(middle(own.iter().map(|pass| pass.bound))),
            format!("{lost}/{all}"),
            seconds(middle(own.iter().map(|pass| pass.lost.percentile(50)))),
            seconds(middle(own.iter().map(|pass| pass.lost.percentile(99)))),
            peak as f64 / 1024.0,
            audit.of(&user).count() as f64 / all as f64,
            audit.of(&user).filter(|call| call.is_write()).count() as f64 / all as f64,
        );
    }
    for peer in peers {
        if let Some(own) = passes.get(peer.name) {
            let all: usize = own.iter().map(|pass| pass.volumes).sum();
            calls(peer, all, audit);
        }
    }
}

/// Which calls those are, by how many a volume.
fn calls(peer: &Peer, volumes: usize, audit: &Audit) {
    let counts = audit.counts(&peer.user().name);
    let a_volume = |count: usize| count as f64 / volumes as f64;
    let said = counts
        .iter()
        .filter(|(_, count)| a_volume(**count) >= 0.05)
        .map(|(what, count)| format!("{what} {:.1}", a_volume(*count)));
    println!("{}: {}", peer.name, said.collect::<Vec<_>>().join(", "));
}

/// The median of the rounds' ratios to the floor that waits.
fn ratio(own: &[Pass], floor: Option<&Vec<Pass>>) -> f64 {
    let pairs = own.iter().zip(floor.into_iter().flatten());
    median(pairs.map(|(pass, floor)| pass.rate() / floor.rate()))
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

fn middle(values: impl Iterator<Item = Duration>) -> Duration {
    let mut values: Vec<Duration> = values.collect();
    values.sort_unstable();
    values.get(values.len() / 2).copied().unwrap_or_default()
}
