//! A fleet on its way, forward and back and forward again, whatever happens to who
//! takes it there.

use std::time::{Duration, Instant};

use flex2csi_testing::controller_manager::ApiRate;
use flex2csi_testing::fleet::{Expect, Witness};
use flex2csi_testing::proxy::{Proxy, Weather};
use flex2csi_testing::rewriter::Rewriter;
use flex2csi_testing::tool::{End, Ended, Tool};

use crate::troubles::Trouble;

/// A pass through weather may fail at first; each attempt goes on from where it is.
const ATTEMPTS: usize = 12;

/// A thousand volumes on a machine that has other things to do.
const WITHIN: Duration = Duration::from_secs(3600);

/// Where a pass leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum To {
    Csi,
    /// To flex2csi's own endpoint.
    Endpoint,
    /// From there to CSI: a second rewrite.
    CsiAgain,
    Legacy,
}

impl To {
    fn arguments(self) -> (&'static str, &'static [&'static str]) {
        match self {
            Self::Csi | Self::CsiAgain => ("rewrite", &[]),
            Self::Endpoint => ("rewrite", &["--via-endpoint"]),
            Self::Legacy => ("rollback", &[]),
        }
    }

    fn expected(self) -> Expect {
        match self {
            Self::Csi => Expect::Translated,
            Self::Endpoint => Expect::ViaEndpoint,
            Self::CsiAgain => Expect::TranslatedAgain,
            Self::Legacy => Expect::Originals,
        }
    }
}

/// To CSI and back.
pub const STRAIGHT: &[To] = &[To::Csi, To::Legacy];

/// To the endpoint, on to CSI, and back to the very first form.
pub const BY_WAY_OF_THE_ENDPOINT: &[To] = &[To::Endpoint, To::CsiAgain, To::Legacy];

/// A fleet that is taken there and back.
pub struct Journey {
    pub rewriter: Rewriter,
    witness: Witness,
    proxy: Proxy,
    /// The passes, one after the other and over again.
    route: &'static [To],
    /// Where the pass that is under way leads to.
    pub to: To,
    /// How many passes came to their end.
    pub passes: usize,
    pub kills: usize,
    began: Instant,
}

impl Journey {
    /// A fleet in legacy form, and weather in which so many of a thousand calls fail.
    pub async fn begin(route: &'static [To], pairs: usize, seed: u64, per_mille: u64) -> Self {
        let rewriter = Rewriter::start(ApiRate::FAST, pairs).await.unwrap();
        rewriter.cluster.install_definitions().await.unwrap();
        let witness = rewriter.fleet.watch_with_journal(&rewriter.cluster);
        let witness = witness.await.unwrap();
        let weather = Weather::stormy(seed, per_mille);
        let proxy = Proxy::start(&rewriter.cluster, weather).await.unwrap();
        Self {
            rewriter,
            witness,
            proxy,
            route,
            to: route[0],
            passes: 0,
            kills: 0,
            began: Instant::now(),
        }
    }

    /// The program that takes the fleet where the pass leads to.
    pub fn tool(&self) -> Tool {
        self.tool_for(&["--all"])
    }

    fn tool_for(&self, chosen: &[&str]) -> Tool {
        let (verb, more) = self.to.arguments();
        let tool = self.rewriter.tool(verb, Some(&self.proxy));
        tool.unwrap()
            .arguments(more)
            .arguments(chosen)
            .arguments(["--yes", "--without-node-evidence"])
            // Who is killed is known to be dead.
            .arguments(["--takeover-after", "1"])
            .arguments(["--max-failures", "100000"])
            .deadline(WITHIN)
    }

    /// Runs the program until `end`. Nothing that it did may be wrong, and if it came
    /// to its end, all is where it was to be.
    pub async fn run(&mut self, end: &End, trouble: Trouble) -> Ended {
        let tool = self.tool();
        let troubled = trouble.happen(&self.rewriter.cluster);
        let (ended, ()) = tokio::join!(tool.run_until(end), troubled);
        let ended = ended.unwrap();
        if ended.was_killed() {
            self.kills += 1;
            self.never_wrong().await;
        } else {
            self.arrive(&ended).await;
        }
        ended
    }

    /// Comes to the end of a pass, if need be by going on a few times, and turns round.
    async fn arrive(&mut self, first: &Ended) {
        let mut last = first.clone();
        let mut attempts = 1;
        while last.code != Some(0) {
            assert!(attempts < ATTEMPTS, "{:?}: {}", self.to, last.stderr);
            println!(
                "attempt {attempts} towards {:?}: {}",
                self.to,
                failures(&last)
            );
            last = self.tool().run().await.unwrap();
            attempts += 1;
        }
        self.never_wrong().await;
        let Rewriter { fleet, cluster, .. } = &self.rewriter;
        let checked = fleet.check(cluster, self.to.expected()).await;
        checked.unwrap_or_else(|untrue| panic!("{:?}: {untrue}\n{}", self.to, last.stderr));
        self.passes += 1;
        let here = self.route.iter().position(|to| *to == self.to);
        self.to = self.route[(here.unwrap() + 1) % self.route.len()];
    }

    /// Finishes the pass that is under way.
    pub async fn finish(&mut self) {
        let ended = self.tool().run().await.unwrap();
        self.arrive(&ended).await;
    }

    /// Kills the program where it comes to a boundary of a step, which it does, of a volume:
    /// the classes, which come first, are left to the end of the pass.
    pub async fn kill_at(&mut self, boundary: &str) {
        let tool = self.tool_for(&["-l", "fleet=legacy"]);
        let ended = tool.run_until(&End::At(boundary.to_owned())).await.unwrap();
        assert!(ended.was_killed(), "{boundary}: {}", ended.stderr);
        println!("towards {:?}, killed at {boundary}", self.to);
        self.kills += 1;
        self.never_wrong().await;
    }

    async fn never_wrong(&self) {
        if let Err(untrue) = self.witness.so_far().await {
            panic!("{untrue}\n{}", self.summary());
        }
    }

    /// Says how it went.
    pub async fn tell(&self) {
        let lost = self.witness.so_far().await.unwrap();
        let replaced = lost.replaced;
        println!("{}; {replaced} replaced; {lost}", self.summary());
    }

    fn summary(&self) -> String {
        format!(
            "{} volumes, {} passes, {} kills, faults {:?}, {:.0} s",
            self.rewriter.fleet.members.len(),
            self.passes,
            self.kills,
            self.proxy.met(),
            self.began.elapsed().as_secs_f64()
        )
    }
}

/// What the log says of what did not go well, shortened.
fn failures(ended: &Ended) -> String {
    let lines = ended.stderr.lines();
    let lines = lines.filter(|line| !line.contains(": rewritten (") && !line.contains("is back ("));
    lines.take(12).collect::<Vec<_>>().join("\n  ")
}
