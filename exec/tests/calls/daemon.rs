//! A node daemon that does what a test says.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::thread;

use serde_json::Value;

pub const SUCCESS: &str = r#"{"version":1,"answer":"success"}"#;
pub const ORIGINAL: &str = r#"{"version":1,"answer":"original"}"#;

/// It serves until the test's process ends.
pub struct Daemon {
    lines: Arc<Mutex<Vec<String>>>,
}

impl Daemon {
    /// Answers every call with this line.
    pub fn saying(socket: &Path, line: &'static str) -> Self {
        Self::answering(socket, move |_| line.to_owned())
    }

    /// Answers each call with a line.
    pub fn answering(
        socket: &Path,
        answer: impl Fn(&Value) -> String + Send + Sync + 'static,
    ) -> Self {
        Self::doing(socket, move |stream, line| {
            let request = serde_json::from_str(line).unwrap();
            let line = answer(&request) + "\n";
            stream.write_all(line.as_bytes()).ok();
        })
    }

    /// Does something with each call that it has read, and ends the connection.
    pub fn doing(
        socket: &Path,
        act: impl Fn(&mut UnixStream, &str) + Send + Sync + 'static,
    ) -> Self {
        let lines = Arc::new(Mutex::new(Vec::new()));
        let (listener, act) = (UnixListener::bind(socket).unwrap(), Arc::new(act));
        let kept = lines.clone();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (mut stream, act, kept) = (stream.unwrap(), act.clone(), kept.clone());
                thread::spawn(move || {
                    let mut line = String::new();
                    BufReader::new(&stream).read_line(&mut line).unwrap();
                    if line.is_empty() {
                        return;
                    }
                    kept.lock().unwrap().push(line.clone());
                    act(&mut stream, &line);
                });
            }
        });
        Self { lines }
    }

    /// What it was sent.
    pub fn lines(&self) -> Vec<String> {
        self.lines.lock().unwrap().clone()
    }

    pub fn requests(&self) -> Vec<Value> {
        let lines = self.lines();
        lines
            .iter()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }
}

/// Waits until the caller has gone.
pub fn until_gone(stream: &mut UnixStream) {
    stream.read_to_end(&mut Vec::new()).ok();
}
