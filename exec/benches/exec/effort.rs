//! What a call takes that no other load of the machine changes, where `valgrind`
//! and `strace` are there to count it.

use std::path::Path;

use crate::programs::Program;

/// Its instructions in user mode, its dynamic linker's among them.
pub fn instructions(program: &Program, call: &[&str]) -> Option<u64> {
    let valgrind = [
        "valgrind",
        "--tool=callgrind",
        "--callgrind-out-file=/dev/null",
    ];
    let output = program.command_under(&valgrind, call).output().ok()?;
    let said = String::from_utf8(output.stderr).ok()?;
    let counted = said
        .lines()
        .find_map(|line| line.split_once("Collected : "))?;
    counted.1.trim().parse().ok()
}

/// Its system calls, and those of what it starts.
pub fn system_calls(program: &Program, call: &[&str], scratch: &Path) -> Option<u64> {
    let traced = scratch.join("strace");
    let strace = [
        "strace",
        "-f",
        "-qq",
        "-e",
        "signal=none",
        "-o",
        traced.to_str()?,
    ];
    let output = program.command_under(&strace, call).output().ok()?;
    let text = std::fs::read_to_string(&traced)
        .ok()
        .filter(|_| output.status.success())?;
    Some(
        text.lines()
            .filter(|line| !line.contains("resumed>"))
            .count() as u64,
    )
}
