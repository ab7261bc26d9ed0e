//! Flags for volumes that are in use.

use std::str::FromStr;
use std::time::Duration;

use clap::Args;
use k8s_openapi::jiff::SignedDuration;

/// What becomes of volumes that are in use.
#[derive(Debug, Clone, Args)]
pub struct InUseArgs {
    /// Wait for volumes that are in use, and rewrite each when those who use it are gone:
    /// until all are done, or for as long as is given, as `--wait-idle=2h`.
    #[arg(
        long,
        value_name = "DURATION",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "forever"
    )]
    pub wait_idle: Option<Wait>,
    /// Stop the workloads that use volumes (to 0 replicas), one after another, rewrite
    /// their volumes, and put the replicas back.
    #[arg(long)]
    pub restart: bool,
    /// With --restart: also workloads whose replicas an autoscaler, an operator or GitOps
    /// sets, and DaemonSets and Jobs. The plan names them.
    #[arg(long, requires = "restart")]
    pub restart_managed: bool,
    /// How long a workload may take to stop, and again to be as ready as it was.
    #[arg(
        long,
        value_name = "DURATION",
        default_value = "10m",
        requires = "restart"
    )]
    pub restart_timeout: Length,
}

/// How long to wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wait(pub Option<Duration>);

/// A length of time, as `90s`, `10m` or `1h 30m`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Length(pub Duration);

impl FromStr for Length {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let read = text.parse::<SignedDuration>().ok();
        let read = read.and_then(|duration| Duration::try_from(duration).ok());
        match read {
            Some(duration) if !duration.is_zero() => Ok(Self(duration)),
            _ => Err("it has to be a length of time, as 90s, 10m or 1h30m".to_owned()),
        }
    }
}

impl FromStr for Wait {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "forever" => Ok(Self(None)),
            text => Ok(Self(Some(text.parse::<Length>()?.0))),
        }
    }
}

impl InUseArgs {
    /// Whether anything is done about them.
    pub fn is_any(&self) -> bool {
        self.restart || self.wait_idle.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_time_are_read_as_people_write_them() {
        let seconds = |text: &str| text.parse::<Length>().map(|length| length.0.as_secs());
        for (text, expected) in [("90s", 90), ("10m", 600), ("1h30m", 5400), ("1h 30m", 5400)] {
            assert_eq!(seconds(text), Ok(expected), "{text}");
        }
        for text in ["", "10", "-1m", "0s", "soon"] {
            seconds(text).unwrap_err();
        }
        assert_eq!("forever".parse(), Ok(Wait(None)));
        assert_eq!("1m".parse(), Ok(Wait(Some(Duration::from_secs(60)))));
    }
}
