//! A machine of its own, as far as kubelet and containerd can tell: namespaces
//! with directories, processes and a network that no other node sees.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::component::Component;
use crate::process::Process;
use crate::{StartError, programs};

use super::command::run;

/// What makes the namespaces a node's, and what enters them.
const NAMESPACES: [&str; 5] = ["--mount", "--pid", "--net", "--uts", "--ipc"];

/// A running machine. When it is dropped, everything that ran on it has ended,
/// and its mounts are gone.
#[derive(Debug)]
pub(super) struct Machine {
    // Whose end is the end of all on the machine. There until it is dropped.
    process: Option<Process>,
    init: u32,
    directory: PathBuf,
}

impl Machine {
    /// Starts a machine with its files in `directory`, as far as they are its own;
    /// `shared` is the directory that all machines have at `/var/lib/hostpath.flex2csi.io`.
    pub async fn start(name: &str, directory: &Path, shared: &Path) -> Result<Self, StartError> {
        let started = directory.join("init");
        std::fs::remove_file(&started).ok();
        let unshare = programs::installed("unshare")?;
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/node/init");
        let (directory_argument, shared) = (directory.display(), shared.display());
        let rest = [
            "--propagation=private",
            "--fork",
            "--kill-child",
            "--",
            script,
            name,
            &directory_argument.to_string(),
            &shared.to_string(),
        ];
        let arguments = NAMESPACES.iter().copied().chain(rest);
        let mut process = Process::start("machine", &unshare, arguments, directory)?;
        process
            .wait_ready(Duration::from_secs(60), async || {
                std::fs::metadata(&started).map(drop)
            })
            .await?;
        let text = std::fs::read_to_string(&started).unwrap_or_default();
        let init = text.trim().parse().map_err(|_| StartError::Missing {
            program: "machine".to_owned(),
            reason: format!("{} has no process id", started.display()),
        })?;
        Ok(Self {
            process: Some(process),
            init,
            directory: directory.to_owned(),
        })
    }

    /// The first process, by the number that this machine knows.
    pub fn init(&self) -> u32 {
        self.init
    }

    /// Starts a program on the machine, with its log beside the machine's files. It
    /// ends with the handle.
    pub fn start_program(
        &self,
        name: &'static str,
        program: &Path,
        arguments: impl IntoIterator<Item = String>,
    ) -> Result<Program, StartError> {
        let entered = self.entering(["setpriv", "--pdeathsig", "KILL", "--"]);
        let entered = entered
            .chain([program.display().to_string()])
            .chain(arguments);
        let nsenter = programs::installed("nsenter")?;
        let component = Component::start(name, nsenter, entered.collect(), &self.directory)?;
        Ok(Program { component })
    }

    /// Runs a program of this machine's own file system on the other one, to its end,
    /// and gives what it prints.
    pub async fn run<A: AsRef<str>>(
        &self,
        command: impl IntoIterator<Item = A>,
    ) -> Result<String, StartError> {
        run("nsenter", self.entering(command)).await
    }

    fn entering<A: AsRef<str>>(
        &self,
        command: impl IntoIterator<Item = A>,
    ) -> impl Iterator<Item = String> {
        let init = self.init.to_string();
        let command: Vec<String> = command
            .into_iter()
            .map(|word| word.as_ref().to_owned())
            .collect();
        ["-t".to_owned(), init]
            .into_iter()
            .chain(NAMESPACES.iter().map(|&namespace| namespace.to_owned()))
            .chain(["--".to_owned()])
            .chain(command)
    }
}

impl Drop for Machine {
    /// Ends everything at once, as a power failure does, and waits for it.
    fn drop(&mut self) {
        drop(self.process.take());
        // The kernel ends the first process with the one that made it, and all others with the first.
        for _ in 0..3000 {
            if has_ended(self.init) {
                break;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

/// A program that runs on a machine.
#[derive(Debug)]
pub(super) struct Program {
    component: Component,
}

impl Program {
    /// See [`Component::wait_ready`].
    pub async fn wait_ready<E: ToString>(
        &self,
        deadline: Duration,
        probe: impl AsyncFnMut() -> Result<(), E>,
    ) -> Result<(), StartError> {
        self.component.wait_ready(deadline, probe).await
    }

    /// Ends it with SIGKILL, and waits for its end.
    pub async fn kill(&self) {
        // What is ours is nsenter; the kernel ends its child with it.
        let child = self.component.id().await.and_then(child_of);
        self.component.kill().await;
        if let Some(child) = child {
            while !has_ended(child) {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
    }

    /// Starts it as it was started before; one that runs is killed first.
    pub async fn start_again(&self) -> Result<(), StartError> {
        self.kill().await;
        self.component.start_again().await
    }
}

/// The only child of a process.
fn child_of(id: u32) -> Option<u32> {
    let processes = std::fs::read_dir("/proc").ok()?.flatten();
    let mut ids = processes.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    ids.find(|&process| stat(process).is_some_and(|(_, parent)| parent == id))
}

/// Whether a process has ended; nobody has to have asked how.
fn has_ended(id: u32) -> bool {
    stat(id).is_none_or(|(state, _)| state == 'Z')
}

/// A process's state and its parent, as proc(5) has them.
fn stat(id: u32) -> Option<(char, u32)> {
    let text = std::fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    // After the program's name, which may have anything in it.
    let (_, rest) = text.rsplit_once(") ")?;
    let mut fields = rest.split_ascii_whitespace();
    let state = fields.next()?.chars().next()?;
    Some((state, fields.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::{child_of, stat};

    #[test]
    fn a_process_and_its_parent_are_found() {
        let child = std::process::Command::new("sleep").arg("60").spawn();
        let mut child = child.unwrap();
        let parent = stat(child.id()).unwrap().1;
        assert_eq!(parent, std::process::id());
        assert!(child_of(parent).is_some());
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(stat(child.id()), None);
    }
}
