//! The processes that are measured.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// A process of the program. It ends with its handle.
pub struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Process {
    /// Starts the program; what it logs goes to a file.
    pub fn start(args: &[impl AsRef<OsStr>], log: &Path) -> io::Result<Self> {
        let log = fs::File::options().create(true).append(true).open(log)?;
        let mut command = Command::new(env!("CARGO_BIN_EXE_flex2csi"));
        command.args(args).env_remove("KUBERNETES_SERVICE_HOST");
        command.stdin(Stdio::null()).stdout(Stdio::null());
        command.stderr(log).spawn().map(Self)
    }

    /// Resident memory, and of that what is not of files (MiB).
    pub fn memory(&self) -> io::Result<(f64, f64)> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.0.id()))?;
        let mib = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            let kib = line.and_then(|line| line.trim().strip_suffix(" kB"));
            let kib = kib.and_then(|kib| kib.trim().parse::<f64>().ok());
            kib.map(|kib| kib / 1024.0)
                .ok_or_else(|| io::Error::other(format!("/proc has no {name}")))
        };
        Ok((mib("VmRSS:")?, mib("RssAnon:")?))
    }
}
