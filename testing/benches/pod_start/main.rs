//! How long a pod takes from its creation until its container runs, with a FlexVolume
//! through the shim, with the same volume as plain CSI, and with a FlexVolume driver
//! that is a script of bash: on one cluster, in turns.
//!
//! `testing/image/build --release`, once `testing/run 3` has prepared the machine, and then
//! `FLEX2CSI_IMAGES=$PWD/target/release/images cargo bench -p flex2csi-testing --profile dev
//! --bench pod_start`: what is measured is in the images. A container's first deed is a file in its volume, whose time counts: what kubelet says
//! of a pod comes up to a second later. `FLEX2CSI_BENCH_ROUNDS` says how often.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a measurement")]

mod peer;

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use flex2csi_testing::Lab;
use flex2csi_testing::lab::{NODES, Pod, Story};

use crate::peer::{PEERS, Peer, Volume};

/// What is held against what.
const PAIRS: [(&str, &str); 3] = [
    ("shim", "csi"),
    ("shim", "bash"),
    ("shim, attached", "csi, attached"),
];

#[tokio::main]
async fn main() {
    let rounds = std::env::var("FLEX2CSI_BENCH_ROUNDS").ok();
    let rounds: usize = rounds.map_or(15, |text| text.parse().unwrap());
    let lab = Arc::new(Lab::start().await.unwrap());
    lab.install().await.unwrap();
    peer::install_script(lab.node(NODES[0]));
    let story = Story::begin(lab.clone(), "starts").await;
    let mut volumes = Vec::new();
    for peer in &PEERS {
        volumes.push(peer.volume(&story).await);
    }
    let mut rows: Vec<Vec<Duration>> = Vec::new();
    // The first round is not counted: whatever is done once is done in it.
    for round in 0..=rounds {
        let mut row = vec![Duration::ZERO; PEERS.len()];
        for turn in 0..PEERS.len() {
            let index = (round + turn) % PEERS.len();
            row[index] = start(&story, &PEERS[index], &volumes[index]).await;
        }
        if round > 0 {
            rows.push(row);
        }
    }
    print(&rows);
}

/// One pod, from its creation to its container's first deed.
async fn start(story: &Story, peer: &Peer, volume: &Volume) -> Duration {
    let pod = Pod::new(volume.claim)
        .on(NODES[0])
        .claim(volume.claim, "/data")
        .runs("touch /data/started; exec sleep infinity");
    let started = story.lab.node(NODES[0]).path(&volume.file("started"));
    let before = SystemTime::now();
    let pod = story.run(&pod).await;
    // A container runs a moment before it does anything.
    story
        .until("its first deed is done", async || started.exists())
        .await;
    let time = std::fs::metadata(&started).unwrap().modified().unwrap();
    let taken = time.duration_since(before).unwrap();
    pod.exec("rm /data/started").await;
    pod.delete().await;
    if peer.is_ours() {
        story.nothing_left_of(&volume.handle).await;
    }
    taken
}

fn print(rows: &[Vec<Duration>]) {
    println!(
        "{} rounds; seconds to the container's first deed",
        rows.len()
    );
    println!(
        "{:<16} {:>7} {:>7} {:>7} {:>7}",
        "", "least", "median", "p90", "most"
    );
    let mut p90s = Vec::new();
    for (index, peer) in PEERS.iter().enumerate() {
        let times = sorted(rows.iter().map(|row| row[index].as_secs_f64()));
        let [least, median, p90, most] = [0, 50, 90, 100].map(|part| at(&times, part));
        println!(
            "{:<16} {least:>7.3} {median:>7.3} {p90:>7.3} {most:>7.3}",
            peer.name
        );
        p90s.push(p90);
    }
    println!("\nmedian of the rounds' ratios; ratio of the p90s");
    for (ours, other) in PAIRS {
        let of = |name| PEERS.iter().position(|peer| peer.name == name).unwrap();
        let (ours_at, other_at) = (of(ours), of(other));
        let ratio = |row: &Vec<Duration>| row[ours_at].as_secs_f64() / row[other_at].as_secs_f64();
        let ratios = sorted(rows.iter().map(ratio));
        println!(
            "{ours} / {other}: {:.2}; {:.2}",
            at(&ratios, 50),
            p90s[ours_at] / p90s[other_at]
        );
    }
}

/// Of sorted values the one below which so many of a hundred are.
fn at(sorted: &[f64], part: usize) -> f64 {
    sorted[(sorted.len() - 1) * part / 100]
}

fn sorted(values: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values
}
