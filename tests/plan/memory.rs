//! How much memory a program takes.

use std::process::{Child, ExitStatus};
use std::time::Duration;

/// The largest resident set of a process until its end, in MiB, and how it ended.
pub fn peak_of(child: &mut Child) -> (u64, ExitStatus) {
    let mut peak = 0;
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        // The kernel keeps the high-water mark itself.
        let memory = std::fs::read_to_string(format!("/proc/{}/status", child.id()));
        let mark = memory.unwrap_or_default();
        let mark = mark.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib = mark.and_then(|mark| mark.trim().strip_suffix(" kB")?.parse::<u64>().ok());
        peak = peak.max(kib.unwrap_or(0) / 1024);
        std::thread::sleep(Duration::from_millis(20));
    };
    (peak, status)
}
