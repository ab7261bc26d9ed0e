//! A call as a line of JSON.

use std::ffi::OsString;
use std::time::Duration;

use flex2csi_exec::wire::{LONGEST, Request, VERSION};

use crate::call::Call;

/// What every request of this process says.
pub struct Draft<'a> {
    pub request_id: &'a str,
    pub driver: &'a str,
    pub original_does_not: bool,
}

/// One that lacks only how much time is left.
pub struct Unsent(Request);

impl Draft<'_> {
    /// Checks that the call is whole, and takes it.
    pub fn with(self, call: Call, args: &[OsString]) -> Result<Unsent, String> {
        let mut strings = Vec::with_capacity(args.len());
        for (position, arg) in args.iter().enumerate() {
            let string = arg.to_str().ok_or_else(|| {
                format!("argument {position} of the call is not UTF-8, as kubelet's always are")
            })?;
            strings.push(string.to_owned());
        }
        let name = strings.remove(0);
        let missing = call.arguments().get(strings.len());
        if let Some(missing) = missing {
            return Err(format!(
                "{name} was called without {missing}: kubelet calls it as {name} {}",
                call.arguments().join(" ")
            ));
        }
        Ok(Unsent(Request {
            version: VERSION,
            request_id: self.request_id.to_owned(),
            driver: self.driver.to_owned(),
            call: name,
            args: strings,
            timeout_ms: 0,
            original_does_not: self.original_does_not,
        }))
    }
}

impl Unsent {
    /// The line. The daemon is told of a little less time than there is, so that
    /// what it says at the end of it still arrives.
    pub fn line(mut self, left: Duration) -> Result<Vec<u8>, String> {
        let margin = (left / 10).min(Duration::from_secs(2));
        self.0.timeout_ms = u64::try_from((left - margin).as_millis()).unwrap_or(u64::MAX);
        let mut line = serde_json::to_vec(&self.0).map_err(|error| error.to_string())?;
        line.push(b'\n');
        if line.len() > LONGEST {
            return Err(format!(
                "the call has {} bytes, and {LONGEST} are the most: the volume's options and secrets are too long",
                line.len()
            ));
        }
        Ok(line)
    }
}
