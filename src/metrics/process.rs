//! What the process itself takes, under the names that every Prometheus client
//! library has for it.

use std::fmt;
use std::sync::atomic::AtomicU64;
use std::time::{SystemTime, UNIX_EPOCH};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::{ConstGauge, Gauge};
use prometheus_client::registry::{Registry, Unit};
use rustix::time::{ClockId, clock_gettime};

pub(super) fn register(registry: &mut Registry) {
    let started = Gauge::<f64, AtomicU64>::default();
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    started.set(now.unwrap_or_default().as_secs_f64());
    registry.register_with_unit(
        "process_start_time",
        "When the process started, since 1970",
        Unit::Seconds,
        started,
    );
    registry.register_collector(Box::new(Process));
}

/// Read from the kernel when Prometheus asks. What it does not tell, as where
/// `/proc` is not mounted, is left out.
#[derive(Debug)]
struct Process;

impl Collector for Process {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        put(
            &mut encoder,
            "process_cpu",
            "Processor time used, in user and system mode",
            Some(&Unit::Seconds),
            &ConstCounter::new(cpu_seconds()),
        )?;
        if let Some(bytes) = resident_bytes() {
            put(
                &mut encoder,
                "process_resident_memory",
                "Memory in use that is not swapped out",
                Some(&Unit::Bytes),
                &ConstGauge::new(bytes),
            )?;
        }
        if let Some(count) = open_files() {
            put(
                &mut encoder,
                "process_open_fds",
                "Open file descriptors",
                None,
                &ConstGauge::new(count),
            )?;
        }
        Ok(())
    }
}

fn put(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    unit: Option<&Unit>,
    metric: &impl EncodeMetric,
) -> fmt::Result {
    metric.encode(encoder.encode_descriptor(name, help, unit, metric.metric_type())?)
}

fn cpu_seconds() -> f64 {
    let used = clock_gettime(ClockId::ProcessCPUTime);
    // Both numbers are small enough to be exact.
    used.tv_sec as f64 + used.tv_nsec as f64 / 1e9
}

/// `VmRSS:      8532 kB`, in proc_pid_status(5).
fn resident_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kilobytes: u64 = line.trim().strip_suffix(" kB")?.trim().parse().ok()?;
    Some(kilobytes * 1024)
}

/// Without the one that it takes to look.
fn open_files() -> Option<u64> {
    let count = std::fs::read_dir("/proc/self/fd").ok()?.count();
    Some(count.saturating_sub(1) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_tells_what_the_process_takes() {
        let _one_more = std::fs::File::open("/proc/self/status").unwrap();
        assert!(open_files().unwrap() >= 1);
        let resident = resident_bytes().unwrap();
        assert!((100 << 10..1 << 40).contains(&resident), "{resident}");
        assert!(cpu_seconds() > 0.0);
    }
}
