//! The processes that a call goes through: this program in another role, and the
//! daemon.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// A process that ends with its handle.
pub struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Process {
    fn start(command: &mut Command) -> io::Result<Self> {
        let quiet = command.stdin(Stdio::null()).stdout(Stdio::null());
        quiet.spawn().map(Self)
    }

    /// This program in a role.
    pub fn role(role: &str, sockets: &[&Path]) -> io::Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        let process = Self::start(command.arg(role).args(sockets))?;
        if let Some(socket) = sockets.first() {
            wait_for(socket);
        }
        Ok(process)
    }

    /// The daemon; it may not be ready yet.
    pub fn daemon(backend: &Path, endpoint: &Path, state: &Path) -> io::Result<Self> {
        let mut command = Command::new(env!("CARGO_BIN_EXE_flex2csi"));
        command.arg("node").arg("--backend").arg(backend);
        command.arg("--endpoint").arg(endpoint);
        command.arg("--state").arg(state).stderr(Stdio::null());
        Self::start(&mut command)
    }

    fn proc(&self, file: &str) -> io::Result<String> {
        fs::read_to_string(PathBuf::from(format!("/proc/{}/{file}", self.0.id())))
    }

    /// Resident memory, and of that what is not shared with other processes (MiB).
    pub fn memory(&self) -> io::Result<(f64, f64)> {
        let mib = |text: &str, name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(name));
            let kib = line.and_then(|line| line.trim().strip_suffix(" kB"));
            let kib = kib.and_then(|kib| kib.trim().parse::<f64>().ok());
            kib.map(|kib| kib / 1024.0)
                .ok_or_else(|| io::Error::other(format!("/proc has no {name}")))
        };
        let resident = mib(&self.proc("status")?, "VmRSS:")?;
        let own = mib(&self.proc("smaps_rollup")?, "Pss_Anon:")?;
        Ok((resident, own))
    }

    /// What it has written to disks (bytes).
    pub fn written(&self) -> io::Result<u64> {
        let io = self.proc("io")?;
        let line = io
            .lines()
            .find_map(|line| line.strip_prefix("write_bytes:"));
        line.and_then(|bytes| bytes.trim().parse().ok())
            .ok_or_else(|| io::Error::other("/proc has no write_bytes"))
    }
}

/// Waits until a socket is served.
fn wait_for(socket: &Path) {
    while std::os::unix::net::UnixStream::connect(socket).is_err() {
        std::thread::sleep(Duration::from_millis(1));
    }
}
