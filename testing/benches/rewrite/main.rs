//! How fast volumes are rewritten, beside how fast they can be.
//!
//! `cargo bench -p flex2csi-testing --bench rewrite`, once `testing/run 2` has
//! prepared the machine. With kube-controller-manager at its default rate and at
//! 500 calls a second, in turns on one fleet:
//!
//! - `kubectl`: patch, delete, strip, create by hand, one after another;
//! - `bare`: the same four writes in a loop, as many at once as the others;
//! - `waiting`: every write of a rewrite and the wait for Bound, without a check;
//! - `flex2csi`: `flex2csi rewrite --yes`.
//!
//! `FLEX2CSI_BENCH_ROUNDS`, `FLEX2CSI_BENCH_OUTSTANDING` and `FLEX2CSI_BENCH_VOLUMES`
//! change how often, how many at once, and how many in all: so many at 500 calls a
//! second, and 3 in 10 of them at the default.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a measurement")]

mod pass;
mod peer;
mod table;

use std::collections::BTreeMap;

use flex2csi_testing::audit::Audit;
use flex2csi_testing::controller_manager::ApiRate;
use flex2csi_testing::fleet::{Fleet, Size};
use flex2csi_testing::rewriter::grant;
use flex2csi_testing::{Cluster, Setup};

use crate::pass::Pass;
use crate::peer::Peer;

fn number(variable: &str, otherwise: usize) -> usize {
    let given = std::env::var(variable).ok();
    given
        .and_then(|text| text.parse().ok())
        .unwrap_or(otherwise)
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let rounds = number("FLEX2CSI_BENCH_ROUNDS", 3);
    let outstanding = number("FLEX2CSI_BENCH_OUTSTANDING", 16);
    let volumes = number("FLEX2CSI_BENCH_VOLUMES", 200);
    let peers = Peer::all(outstanding).await;
    println!(
        "{outstanding} at once, {rounds} rounds; volumes a second until the last is Bound again"
    );
    for (rate, volumes) in [
        (ApiRate::DEFAULT, volumes * 3 / 10),
        (ApiRate::FAST, volumes),
    ] {
        let a_round: usize = peers.iter().map(|peer| peer.volumes(volumes)).sum();
        let setup = peers
            .iter()
            .map(Peer::user)
            .fold(Setup::binding(rate), Setup::user);
        let cluster = Cluster::start_with(&setup).await.unwrap();
        cluster.install_definitions().await.unwrap();
        for peer in peers.iter().filter(|peer| peer.name == "flex2csi") {
            grant(&cluster, &peer.user()).await.unwrap();
        }
        let fleet = Fleet::make(&cluster, &Size::pairs(rounds * a_round))
            .await
            .unwrap();
        let witness = fleet.watch(&cluster).await.unwrap();
        let names: Vec<String> = fleet.members.keys().cloned().collect();
        let mut left = &names[..];
        let mut passes: BTreeMap<&str, Vec<Pass>> = BTreeMap::new();
        for _ in 0..rounds {
            for peer in &peers {
                let (part, rest) = left.split_at(peer.volumes(volumes));
                left = rest;
                let part = fleet.part(|member| part.contains(&member.name));
                let pass = pass::run(&cluster, &part, &witness, peer).await;
                passes.entry(peer.name).or_default().push(pass);
            }
        }
        println!(
            "\nkube-controller-manager at {} QPS, burst {}",
            rate.qps, rate.burst
        );
        let audit = Audit::read(cluster.directory()).unwrap();
        table::print(&peers, &passes, &audit);
    }
}
