//! Calls that their callers give up: nothing of them stays.

use std::fs;
use std::path::Path;
use std::time::Duration;

use flex2csi::backend::Connection;
use flex2csi::grpc::{self, Body};
use http::Request;
use tokio::task::JoinSet;

use crate::daemon::{Daemon, until};
use crate::http::counted;
use crate::scripted::{Reply, Scripted};
use crate::site::{EBS, Site, echo};
use crate::undecided::{STAGE, UNSTAGE};

const CALLS: usize = 10_000;
/// Calls at a time, on one connection.
const AT_A_TIME: usize = 250;
/// What the allocator may keep of memory that was in use (bytes).
const SLACK: u64 = 32 << 20;

/// Numbers that are as good as random, and the same in each run.
struct Numbers(u64);

impl Numbers {
    /// One below a bound (Knuth's MMIX generator).
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }
}

impl Daemon {
    fn open_files(&self) -> usize {
        let files = fs::read_dir(format!("/proc/{}/fd", self.id())).unwrap();
        files.count()
    }

    /// Resident memory (bytes).
    fn memory(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.id())).unwrap();
        let mut lines = status.lines();
        let kib = lines.find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        kib.trim().trim_end_matches(" kB").parse::<u64>().unwrap() << 10
    }
}

/// Calls over one connection, each given up some time between at once and long
/// after its answer.
async fn round(socket: &Path, numbers: &mut Numbers) {
    let connection = Connection::open(socket).await.unwrap();
    let mut calls = JoinSet::new();
    for _ in 0..AT_A_TIME {
        let path = [
            // Forwarded as it comes, looked into, and with an answer that is.
            "/csi.v1.Identity/Probe",
            STAGE,
            UNSTAGE,
            "/csi.v1.Identity/GetPluginInfo",
        ][numbers.below(4) as usize];
        let patience = Duration::from_micros(numbers.below(20_000));
        let message = [0x0a, 1, numbers.below(100) as u8];
        let mut connection = connection.clone();
        calls.spawn(async move {
            let request = Request::post(grpc::uri(&path.parse().unwrap()))
                .header("content-type", grpc::CONTENT_TYPE)
                .body(Body::message(grpc::frame(&message)))
                .unwrap();
            let _ = tokio::time::timeout(patience, connection.send(request)).await;
        });
    }
    while calls.join_next().await.is_some() {}
}

#[tokio::test]
async fn nothing_stays_of_ten_thousand_calls_that_were_given_up_at_random() {
    let site = Site::new();
    let backend = Scripted::serve(&site.path("csi.sock"), EBS, |call| {
        match call.message.last().copied().unwrap_or_default() % 4 {
            0 => Reply::Hang,
            1 => Reply::Late(Duration::from_millis(5), call.message.clone()),
            _ => echo(call),
        }
    });
    let operations = site.path("operations.sock");
    let daemon = site.node(&[
        "--driver",
        EBS,
        "--operations",
        operations.to_str().unwrap(),
    ]);
    daemon.says("serving endpoint=").await;
    let in_flight = format!("flex2csi_calls_in_flight{{door=\"csi\",driver=\"{EBS}\"}}");
    let mut numbers = Numbers(9);
    // What is made once is made.
    for _ in 0..4 {
        round(&site.path("endpoint.sock"), &mut numbers).await;
    }
    counted(&operations, &in_flight, 0).await;
    let (files, memory) = (daemon.open_files(), daemon.memory());

    for _ in 0..CALLS / AT_A_TIME {
        round(&site.path("endpoint.sock"), &mut numbers).await;
    }
    counted(&operations, &in_flight, 0).await;
    until("the backend holds no call", async || {
        (backend.open() == 0).then_some(())
    })
    .await;
    until("every connection is closed", async || {
        (daemon.open_files() <= files).then_some(())
    })
    .await;
    let grown = daemon.memory().saturating_sub(memory);
    assert!(grown < SLACK, "{grown} bytes more than before");
    site.carried_out("/csi.v1.Identity/Probe", b"\x0a\x01\x02")
        .await;
}
