//! Running a program of somebody else's, which may hang, say too much, or leave
//! processes behind that hold on to its stdout.

use std::ffi::OsString;
use std::io::{PipeReader, Read as _};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};

use crate::deadline::Deadline;

/// The most that is kept of what it says, in bytes.
pub const MOST: usize = 1 << 20;

const FIRST_PAUSE: Duration = Duration::from_millis(1);
const LONGEST_PAUSE: Duration = Duration::from_millis(50);

/// For how long what it has left behind may complete its answer.
const AFTERWARDS: Duration = Duration::from_secs(2);

/// Between asking it to end and killing it; kubelet leaves as much.
const LONGEST_GRACE: Duration = Duration::from_secs(10);

/// For how long a killed one is waited for: it may hang in the kernel.
const KILLED: Duration = Duration::from_secs(1);

/// What has ended by itself.
pub struct Ended {
    pub status: ExitStatus,
    /// Stdout and stderr in one, as kubelet reads them.
    pub output: Vec<u8>,
    /// There was more.
    pub exceeded: bool,
}

/// Runs it to its end, which comes after `time` at the latest: then it is killed
/// with all that is in its process group. What it leaves behind when it ends in
/// time stays: FUSE daemons do.
pub fn run(path: &Path, args: &[OsString], time: Duration) -> Result<Ended, String> {
    let grace = (time / 10).min(LONGEST_GRACE);
    let deadline = Deadline::after(time - grace);
    let cannot = |error: std::io::Error| {
        format!("cannot be run: {error}; see that it is executable and what it needs is there")
    };
    let (reader, child) = start(path, args).map_err(cannot)?;
    let mut running = Running {
        child,
        output: Output {
            reader,
            bytes: Vec::new(),
            exceeded: false,
            ended: false,
        },
    };
    match running.watch(deadline).map_err(cannot)? {
        Some(status) => Ok(Ended {
            status,
            output: running.output.bytes,
            exceeded: running.output.exceeded,
        }),
        None => {
            running.kill(Deadline::after(grace));
            Err(format!(
                "did not answer within {time:?} and was killed: see what it waits for; kubelet will try again"
            ))
        }
    }
}

fn start(path: &Path, args: &[OsString]) -> std::io::Result<(PipeReader, Child)> {
    let (reader, writer) = std::io::pipe()?;
    let child = Command::new(path)
        .args(args)
        .stdin(Stdio::null())
        .stdout(writer.try_clone()?)
        .stderr(writer)
        .process_group(0)
        .spawn()?;
    Ok((reader, child))
}

struct Running {
    child: Child,
    output: Output,
}

impl Running {
    /// Its status, or nothing when the time is over.
    fn watch(&mut self, deadline: Deadline) -> std::io::Result<Option<ExitStatus>> {
        let mut pause = FIRST_PAUSE;
        let mut exit: Option<(ExitStatus, Deadline)> = None;
        loop {
            if exit.is_none() {
                let status = self.child.try_wait()?;
                exit = status.map(|status| (status, deadline.or_after(AFTERWARDS)));
            }
            let silent =
                !self
                    .output
                    .read_within(if exit.is_some() { FIRST_PAUSE } else { pause })?;
            match exit {
                // Whoever still holds its stdout may do so for ever.
                Some((status, end)) => {
                    let whole = self.output.ended || (silent && self.output.is_whole());
                    if whole || end.left().is_none() {
                        return Ok(Some(status));
                    }
                }
                None if deadline.left().is_none() => return Ok(None),
                None if self.output.ended => deadline.sleep(pause),
                None => {}
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Asks it and its group to end, and then kills them.
    fn kill(mut self, grace: Deadline) {
        // Not reaped before the last signal, so that its number stays its own.
        let group = Pid::from_child(&self.child);
        let _ = kill_process_group(group, Signal::TERM);
        while !has_ended(group) && grace.left().is_some() {
            // It may be waiting for its stdout to be read.
            let _ = self.output.read_within(LONGEST_PAUSE);
            if self.output.ended {
                grace.sleep(FIRST_PAUSE);
            }
        }
        let _ = kill_process_group(group, Signal::KILL);
        let killed = Deadline::after(KILLED);
        while !matches!(self.child.try_wait(), Ok(Some(_)) | Err(_)) && killed.left().is_some() {
            killed.sleep(FIRST_PAUSE);
        }
    }
}

fn has_ended(process: Pid) -> bool {
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    !matches!(waitid(WaitId::Pid(process), options), Ok(None))
}

struct Output {
    reader: PipeReader,
    bytes: Vec<u8>,
    exceeded: bool,
    ended: bool,
}

impl Output {
    /// Reads what comes within this time, if something does.
    fn read_within(&mut self, time: Duration) -> std::io::Result<bool> {
        if self.ended {
            return Ok(false);
        }
        let timeout = Timespec {
            tv_sec: 0,
            tv_nsec: i64::from(time.subsec_nanos()),
        };
        if poll(
            &mut [PollFd::new(&self.reader, PollFlags::IN)],
            Some(&timeout),
        )? == 0
        {
            return Ok(false);
        }
        let mut buffer = [0; 4096];
        let count = self.reader.read(&mut buffer)?;
        self.ended = count == 0;
        let room = MOST - self.bytes.len();
        self.bytes.extend_from_slice(&buffer[..count.min(room)]);
        self.exceeded |= count > room;
        Ok(true)
    }

    fn is_whole(&self) -> bool {
        serde_json::from_slice::<serde::de::IgnoredAny>(&self.bytes).is_ok()
    }
}
