//! Timing calls, path by path and round by round: noise of the machine hits all
//! paths alike, and ratios are taken within a round.

use std::path::PathBuf;
use std::process::Command;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use tokio::task::JoinSet;
use tonic::transport::Channel;

use crate::calls::Call;

/// One way to the driver.
pub struct Path {
    /// Its name in the table.
    pub name: &'static str,
    /// Where it starts.
    pub socket: PathBuf,
    channel: Channel,
}

impl Path {
    /// A way that starts at a socket.
    pub async fn connect(name: &'static str, socket: PathBuf) -> anyhow::Result<Self> {
        let uri = format!("unix:{}", socket.display());
        let endpoint = tonic::transport::Endpoint::from_shared(uri)?;
        Ok(Self {
            name,
            channel: endpoint.connect().await?,
            socket,
        })
    }

    /// Makes one call.
    pub async fn call(&self, call: Call) -> Result<(), tonic::Status> {
        call.make(self.channel.clone()).await
    }
}

/// Who calls.
#[derive(Clone)]
pub enum Caller {
    /// tonic, in this process.
    Tonic,
    /// grpc-go, a program.
    Go(Rc<PathBuf>),
}

/// What is measured.
pub struct Case {
    /// Who calls.
    pub caller: Caller,
    /// The calls, in turn.
    pub calls: Arc<[Call]>,
    /// How many in a round.
    pub count: usize,
    /// How many at a time.
    pub in_flight: usize,
}

/// A round of one path.
#[derive(Debug, Clone, Copy)]
pub struct Figures {
    /// Microseconds for a call.
    pub p50: f64,
    pub p99: f64,
    pub per_second: f64,
}

impl Case {
    /// One path after the other, so many rounds; for each path its rounds.
    pub async fn measure(
        &self,
        paths: &[Path],
        rounds: usize,
    ) -> anyhow::Result<Vec<Vec<Figures>>> {
        let mut figures = vec![Vec::new(); paths.len()];
        for round in 0..=rounds {
            for turn in 0..paths.len() {
                // Nobody is always the first, or always behind the same one.
                let index = (turn + round) % paths.len();
                let path = &paths[index];
                let measured = match &self.caller {
                    Caller::Tonic => self.tonic(path).await,
                    Caller::Go(program) => self.go(program, path),
                };
                let measured = measured.with_context(|| format!("the calls {}", path.name))?;
                // The first is to warm up.
                if round > 0 {
                    figures[index].push(measured);
                }
            }
        }
        Ok(figures)
    }

    async fn tonic(&self, path: &Path) -> anyhow::Result<Figures> {
        let next = Arc::new(AtomicUsize::new(0));
        let mut callers = JoinSet::new();
        let start = Instant::now();
        for _ in 0..self.in_flight {
            let (calls, count) = (self.calls.clone(), self.count);
            let (next, channel) = (next.clone(), path.channel.clone());
            callers.spawn(async move {
                let mut took = Vec::new();
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= count {
                        return Ok::<_, tonic::Status>(took);
                    }
                    let call = calls[number % calls.len()].clone();
                    let began = Instant::now();
                    call.make(channel.clone()).await?;
                    took.push(began.elapsed());
                }
            });
        }
        let mut took = Vec::new();
        while let Some(ended) = callers.join_next().await {
            took.extend(ended??);
        }
        let seconds = start.elapsed().as_secs_f64();
        took.sort_unstable();
        Ok(Figures {
            p50: percentile(&took, 50),
            p99: percentile(&took, 99),
            per_second: self.count as f64 / seconds,
        })
    }

    fn go(&self, program: &std::path::Path, path: &Path) -> anyhow::Result<Figures> {
        let (method, request) = self.calls[0].as_json();
        let output = Command::new(program)
            .args(["bench", "-dial", "unix", "-method", method])
            .args(["-request", &request, "-socket"])
            .arg(&path.socket)
            .args(["-calls", &self.count.to_string()])
            .args(["-concurrency", &self.in_flight.to_string()])
            .output()?;
        let said = String::from_utf8_lossy(&output.stderr);
        anyhow::ensure!(output.status.success(), "grpc-go: {said}");
        let answer: serde_json::Value = serde_json::from_slice(&output.stdout)?;
        anyhow::ensure!(answer["failed"] == 0, "grpc-go: {answer}");
        let number = |name: &str| answer[name].as_f64().context(name.to_owned());
        Ok(Figures {
            p50: number("p50_us")?,
            p99: number("p99_us")?,
            per_second: self.count as f64 / number("seconds")?,
        })
    }
}

fn percentile(sorted: &[Duration], percent: usize) -> f64 {
    let index = sorted.len().saturating_sub(1) * percent / 100;
    sorted
        .get(index)
        .map_or(0.0, |took| took.as_secs_f64() * 1e6)
}

/// The median.
pub fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// The median of one path's rounds against another's.
pub fn ratio(of: &[Figures], to: &[Figures], figure: impl Fn(&Figures) -> f64) -> f64 {
    median(of.iter().zip(to).map(|(of, to)| figure(of) / figure(to)))
}
