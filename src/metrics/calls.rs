//! Counting calls.

use std::sync::{Arc, OnceLock};
use std::time::Instant;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};
use tonic::Code;

use super::code;
use super::door::Door;

/// From a call over two sockets to one that formats a disk, in seconds.
const BUCKETS: [f64; 20] = [
    50e-6, 100e-6, 250e-6, 500e-6, 1e-3, 2.5e-3, 5e-3, 10e-3, 25e-3, 50e-3, 0.1, 0.25, 0.5, 1.0,
    2.5, 5.0, 10.0, 30.0, 60.0, 120.0,
];

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct DriverLabels {
    door: Door,
    driver: Arc<str>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RpcLabels {
    door: Door,
    driver: Arc<str>,
    rpc: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CodeLabels {
    door: Door,
    driver: Arc<str>,
    rpc: &'static str,
    code: &'static str,
}

/// The series of all calls, by their labels.
#[derive(Debug, Clone)]
pub(super) struct CallFamilies {
    calls: Family<CodeLabels, Counter>,
    durations: Family<RpcLabels, Histogram, fn() -> Histogram>,
    in_flight: Family<DriverLabels, Gauge>,
}

impl CallFamilies {
    pub fn register(registry: &mut Registry) -> Self {
        let families = Self {
            calls: Family::default(),
            durations: Family::new_with_constructor(|| Histogram::new(BUCKETS)),
            in_flight: Family::default(),
        };
        registry.register("flex2csi_calls", "Calls that ended", families.calls.clone());
        registry.register_with_unit(
            "flex2csi_call_duration",
            "How long calls took",
            Unit::Seconds,
            families.durations.clone(),
        );
        registry.register(
            "flex2csi_calls_in_flight",
            "Calls that have not ended",
            families.in_flight.clone(),
        );
        families
    }

    pub fn driver(&self, door: Door, driver: &str) -> Calls {
        let driver: Arc<str> = driver.into();
        let labels = DriverLabels {
            door,
            driver: driver.clone(),
        };
        let series = door.rpcs().iter().map(|_| RpcSeries::default());
        Calls(Arc::new(DriverCalls {
            in_flight: self.in_flight.get_or_create_owned(&labels),
            families: self.clone(),
            door,
            driver,
            series: series.collect(),
        }))
    }
}

/// The calls of one door for one driver.
#[derive(Debug, Clone)]
pub struct Calls(Arc<DriverCalls>);

#[derive(Debug)]
struct DriverCalls {
    families: CallFamilies,
    door: Door,
    driver: Arc<str>,
    in_flight: Gauge,
    /// At the place that the RPC has in [`Door::rpcs`].
    series: Box<[RpcSeries]>,
}

/// The series of one RPC, each from the first call that counts in it on: what
/// is never called takes no room in what Prometheus reads.
#[derive(Debug, Default)]
struct RpcSeries {
    duration: OnceLock<Histogram>,
    calls: [OnceLock<Counter>; code::COUNT],
}

impl Calls {
    /// One RPC, by its name without the service's. Those that the door does not
    /// know are counted together, as `other`: callers cannot make series.
    pub fn rpc(&self, name: &str) -> Rpc {
        let names = self.0.door.rpcs();
        let known = names.iter().position(|known| *known == name);
        Rpc {
            calls: self.0.clone(),
            index: known.unwrap_or(names.len() - 1),
        }
    }
}

/// One RPC of one driver, to be kept by whoever serves it.
#[derive(Debug, Clone)]
pub struct Rpc {
    calls: Arc<DriverCalls>,
    index: usize,
}

impl Rpc {
    /// A call comes in.
    pub fn start(&self) -> CallTimer {
        self.calls.in_flight.inc();
        CallTimer {
            rpc: self.clone(),
            started: Instant::now(),
            code: Code::Cancelled,
        }
    }

    fn ended(&self, started: Instant, code: Code) {
        let DriverCalls {
            families,
            door,
            driver,
            in_flight,
            series,
        } = &*self.calls;
        let (rpc, series) = (door.rpcs()[self.index], &series[self.index]);
        let duration = series.duration.get_or_init(|| {
            families.durations.get_or_create_owned(&RpcLabels {
                door: *door,
                driver: driver.clone(),
                rpc,
            })
        });
        let calls = series.calls[code as usize].get_or_init(|| {
            families.calls.get_or_create_owned(&CodeLabels {
                door: *door,
                driver: driver.clone(),
                rpc,
                code: code::name(code),
            })
        });
        duration.observe(started.elapsed().as_secs_f64());
        calls.inc();
        in_flight.dec();
    }
}

/// A call that has not ended. Dropped, it was cancelled.
#[derive(Debug)]
#[must_use = "a call that is dropped counts as cancelled"]
pub struct CallTimer {
    rpc: Rpc,
    started: Instant,
    code: Code,
}

impl CallTimer {
    /// The call ended so.
    pub fn finish(mut self, code: Code) {
        self.code = code;
    }
}

impl Drop for CallTimer {
    fn drop(&mut self) {
        self.rpc.ended(self.started, self.code);
    }
}
