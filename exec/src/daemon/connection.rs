//! One line there and one line back.

use std::io::{ErrorKind, Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use flex2csi_exec::wire::LONGEST;
use rustix::io::Errno;
use rustix::net::sockopt::{Timeout, set_socket_timeout, socket_peercred};
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType};
use rustix::process::geteuid;

use crate::daemon::request::Unsent;
use crate::deadline::Deadline;

/// How long a daemon may be away: its pod is replaced at an update.
const AWAY: Duration = Duration::from_secs(5);
const FIRST_PAUSE: Duration = Duration::from_millis(5);
const LONGEST_PAUSE: Duration = Duration::from_millis(200);

const IS_IT_RUNNING: &str =
    "is the pod of flex2csi node running on this node? Kubelet will try again";

/// A connection to a daemon that is root's, or our own user's.
pub struct Connection(UnixStream);

/// Connects, as soon as the daemon is there.
pub fn connect(socket: &Path, deadline: Deadline) -> Result<Connection, String> {
    let name = socket.display();
    let address = SocketAddrUnix::new(socket).map_err(|error| {
        format!("{name} can be no socket: {error}; see the daemon's configuration")
    })?;
    let back = deadline.or_after(AWAY);
    let mut pause = FIRST_PAUSE;
    let mut left = deadline.left().ok_or_else(too_late)?;
    loop {
        let error = match attempt(&address, left) {
            Ok(stream) => return trusted(stream, socket),
            Err(error) => error,
        };
        let is_away = [Errno::NOENT, Errno::CONNREFUSED].contains(&error);
        if is_away && back.left().is_some_and(|left| left > pause) {
            back.sleep(pause);
            pause = (pause * 2).min(LONGEST_PAUSE);
            if let Some(now_left) = deadline.left() {
                left = now_left;
                continue;
            }
        }
        return Err(match error {
            Errno::AGAIN => format!(
                "flex2csi node is too busy to take the call at {name}: see its log; kubelet will \
                 try again"
            ),
            _ => format!("flex2csi node is not at {name}: {error}; {IS_IT_RUNNING}"),
        });
    }
}

/// Whether anybody serves a socket now.
pub fn is_served(socket: &Path) -> bool {
    let address = SocketAddrUnix::new(socket);
    let Ok(address) = address else { return false };
    !matches!(
        attempt(&address, Duration::from_secs(1)),
        Err(Errno::NOENT | Errno::CONNREFUSED)
    )
}

fn attempt(address: &SocketAddrUnix, left: Duration) -> rustix::io::Result<OwnedFd> {
    let flags = SocketFlags::CLOEXEC;
    let socket = rustix::net::socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
    // A daemon that no longer accepts lets callers wait in `connect` as well.
    set_socket_timeout(&socket, Timeout::Send, Some(left))?;
    rustix::net::connect(&socket, address)?;
    Ok(socket)
}

/// The call may hold secrets: somebody else's socket gets none of them.
fn trusted(stream: OwnedFd, socket: &Path) -> Result<Connection, String> {
    let name = socket.display();
    let peer = socket_peercred(&stream)
        .map_err(|error| format!("it cannot be found out who serves {name}: {error}"))?;
    let user = peer.uid.as_raw();
    if user != 0 && user != geteuid().as_raw() {
        return Err(format!(
            "{name} is served by user {user}, not by root: it is not flex2csi node's; \
             find out which process that is, and end it"
        ));
    }
    Ok(Connection(stream.into()))
}

impl Connection {
    /// Sends a request and reads the answer to it, without its newline. A daemon that
    /// has more to do than the deadline lets it says so, and gets `patience` anew.
    pub fn exchange(
        mut self,
        request: Unsent,
        deadline: Deadline,
        patience: Duration,
    ) -> Result<Vec<u8>, String> {
        let left = deadline.left().ok_or_else(too_late)?;
        let line = request.line(left)?;
        match self.send(&line, deadline) {
            // It may have answered before it had read everything.
            Err(error)
                if [ErrorKind::BrokenPipe, ErrorKind::ConnectionReset].contains(&error.kind()) => {}
            Err(error) => return Err(broken(&error)),
            Ok(()) => {}
        }
        self.receive(deadline, patience)
    }

    fn send(&mut self, mut line: &[u8], deadline: Deadline) -> std::io::Result<()> {
        while !line.is_empty() {
            let left = deadline.left().ok_or(ErrorKind::TimedOut)?;
            self.0.set_write_timeout(Some(left))?;
            match self.0.write(line) {
                Ok(sent) => line = &line[sent..],
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn receive(mut self, mut deadline: Deadline, patience: Duration) -> Result<Vec<u8>, String> {
        let mut line = Vec::new();
        let mut buffer = [0; 4096];
        loop {
            let left = deadline.left().ok_or_else(too_late)?;
            let read = self
                .0
                .set_read_timeout(Some(left))
                .and_then(|()| self.0.read(&mut buffer));
            let bytes = match read {
                Ok(0) => return Err(ended(&line)),
                Ok(count) => &buffer[..count],
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) if error.kind() == ErrorKind::ConnectionReset => {
                    return Err(ended(&line));
                }
                Err(error) => return Err(broken(&error)),
            };
            // A blank before its answer: it is still at it.
            let blanks = bytes.iter().take_while(|byte| **byte == b' ').count();
            let bytes = match line.is_empty() && blanks > 0 {
                true => {
                    deadline = deadline.or_later(patience);
                    &bytes[blanks..]
                }
                false => bytes,
            };
            if let Some(end) = bytes.iter().position(|byte| *byte == b'\n') {
                line.extend_from_slice(&bytes[..end]);
                return Ok(line);
            }
            line.extend_from_slice(bytes);
            if line.len() > LONGEST {
                return Err(format!(
                    "flex2csi node answered more than {LONGEST} bytes: see its log"
                ));
            }
        }
    }
}

fn ended(line: &[u8]) -> String {
    let how = if line.is_empty() {
        "before"
    } else {
        "in the middle of"
    };
    format!(
        "flex2csi node ended {how} its answer, so it is not known whether the call was done; {IS_IT_RUNNING}"
    )
}

fn broken(error: &std::io::Error) -> String {
    match error.kind() {
        ErrorKind::WouldBlock | ErrorKind::TimedOut => too_late(),
        _ => format!("the call to flex2csi node broke off: {error}; {IS_IT_RUNNING}"),
    }
}

fn too_late() -> String {
    "flex2csi node did not answer in time, and may still be at it: see its log; kubelet will try again"
        .to_owned()
}
