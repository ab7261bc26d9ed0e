//! Runs csi-sanity, the conformance test of CSI drivers, and says how each case
//! ended.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::{StartError, programs};

/// A run of csi-sanity. Its paths for mounts are its own and have to be free
/// of anything else.
#[derive(Debug, Clone)]
pub struct CsiSanity {
    endpoint: PathBuf,
    directory: PathBuf,
    flags: Vec<String>,
    parameters: Vec<(&'static str, BTreeMap<String, String>)>,
}

/// How a case ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// The driver does what the case asks for.
    Passed,
    /// It does not.
    Failed,
    /// The driver says that it has not what the case is about, or csi-sanity
    /// itself leaves the case out.
    Skipped,
}

/// Why there are no outcomes.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SanityError {
    /// The program is not built.
    #[error(transparent)]
    Start(#[from] StartError),
    /// It could not be run, or its files not be written and read.
    #[error("csi-sanity could not be run")]
    Io(#[from] io::Error),
    /// It wrote no report that can be read.
    #[error("csi-sanity wrote no report ({why}); it said:\n{said}")]
    Report {
        /// What is wrong with the report.
        why: String,
        /// What it printed.
        said: String,
    },
}

/// How often csi-sanity is run that says it was not connected.
const ATTEMPTS: usize = 3;
const NOT_CONNECTED: &str = "Connection timed out";

/// Every case by its name, with how it ended.
pub type Outcomes = BTreeMap<String, Outcome>;

impl CsiSanity {
    /// A run against the socket of a driver. `directory` is for its mounts and
    /// files; it has to be there.
    #[must_use]
    pub fn new(endpoint: &Path, directory: &Path) -> Self {
        Self {
            endpoint: endpoint.to_owned(),
            directory: directory.to_owned(),
            flags: Vec::new(),
            parameters: Vec::new(),
        }
    }

    /// Another socket for the Controller service.
    #[must_use]
    pub fn controller_endpoint(self, endpoint: &Path) -> Self {
        self.flag(format!(
            "--csi.controllerendpoint=unix://{}",
            endpoint.display()
        ))
    }

    /// With volumes that are block devices.
    #[must_use]
    pub fn block(self) -> Self {
        self.flag("--csi.testvolumeaccesstype=block".to_owned())
    }

    /// With volumes of a size, expanded to another one, in bytes.
    #[must_use]
    pub fn sizes(self, size: u64, expanded: u64) -> Self {
        self.flag(format!("--csi.testvolumesize={size}"))
            .flag(format!("--csi.testvolumeexpandsize={expanded}"))
    }

    /// With as many volumes attached to a node as it says that it can have.
    #[must_use]
    pub fn attach_limit(self) -> Self {
        self.flag("--csi.testnodevolumeattachlimit".to_owned())
    }

    /// With a parameter of every volume.
    #[must_use]
    pub fn parameter(self, key: &str, value: &str) -> Self {
        self.entry("testvolumeparameters", key, value)
    }

    /// With something that volumes are modified by.
    #[must_use]
    pub fn mutable_parameter(self, key: &str, value: &str) -> Self {
        self.entry("testvolumemutableparameters", key, value)
    }

    fn flag(mut self, flag: String) -> Self {
        self.flags.push(flag);
        self
    }

    fn entry(mut self, file: &'static str, key: &str, value: &str) -> Self {
        let (key, value) = (key.to_owned(), value.to_owned());
        match self.parameters.iter_mut().find(|(name, _)| *name == file) {
            Some((_, entries)) => {
                entries.insert(key, value);
            }
            None => self.parameters.push((file, BTreeMap::from([(key, value)]))),
        }
        self
    }

    /// Where a run writes what csi-sanity says, for those who look why a case failed.
    #[must_use]
    pub fn log(&self) -> PathBuf {
        self.directory.join("csi-sanity.log")
    }

    /// Runs every case; once more where csi-sanity misses that it is connected: it
    /// looks at its connection's state only after that may have changed, and then
    /// waits for another change until its minute is over (`Connect`, csi-test 5.4.0
    /// `utils/grpcutil.go`).
    ///
    /// # Errors
    /// It did not run to its end. A case that failed is no error.
    pub fn run(&self) -> Result<Outcomes, SanityError> {
        for _ in 1..ATTEMPTS {
            let (outcomes, report) = self.run_once()?;
            if !String::from_utf8_lossy(&report).contains(NOT_CONNECTED) {
                return Ok(outcomes);
            }
        }
        self.run_once().map(|(outcomes, _)| outcomes)
    }

    /// Runs every case, and gives the report as well.
    fn run_once(&self) -> Result<(Outcomes, Vec<u8>), SanityError> {
        let report = self.directory.join("report.json");
        let mut command = Command::new(programs::built("csi-sanity")?);
        command
            .arg(format!("--csi.endpoint=unix://{}", self.endpoint.display()))
            .arg(format!(
                "--csi.mountdir={}",
                self.directory.join("mount").display()
            ))
            .arg(format!(
                "--csi.stagingdir={}",
                self.directory.join("staging").display()
            ))
            .arg(format!("--ginkgo.json-report={}", report.display()))
            .arg("--ginkgo.no-color")
            .args(&self.flags)
            .stdin(Stdio::null());
        for (name, entries) in &self.parameters {
            // JSON is YAML.
            let file = self.directory.join(format!("{name}.yaml"));
            std::fs::write(&file, serde_json::json!(entries).to_string())?;
            command.arg(format!("--csi.{name}={}", file.display()));
        }
        let output = command.output()?;
        std::fs::write(self.log(), &output.stdout)?;
        let failed = |why: String| SanityError::Report {
            why,
            said: String::from_utf8_lossy(&[output.stdout.as_slice(), &output.stderr].concat())
                .into_owned(),
        };
        let text = std::fs::read(&report).map_err(|error| failed(error.to_string()))?;
        outcomes(&text)
            .map(|outcomes| (outcomes, text))
            .map_err(failed)
    }
}

/// Reads the report of Ginkgo, csi-sanity's framework.
fn outcomes(report: &[u8]) -> Result<Outcomes, String> {
    let report: Value = serde_json::from_slice(report).map_err(|error| error.to_string())?;
    let cases = report.pointer("/0/SpecReports").and_then(Value::as_array);
    let cases = cases.ok_or("it has no /0/SpecReports")?;
    let mut outcomes = Outcomes::new();
    for case in cases {
        let is_case = case.get("LeafNodeType").and_then(Value::as_str) == Some("It");
        let outcome = match case.get("State").and_then(Value::as_str) {
            Some("passed") => Outcome::Passed,
            Some("skipped" | "pending") => Outcome::Skipped,
            _ => Outcome::Failed,
        };
        let name = name(case).ok_or("a case has no name")?;
        // What is set up and torn down around the cases counts when it fails.
        if is_case || outcome == Outcome::Failed {
            outcomes.insert(name, outcome);
        }
    }
    if outcomes
        .values()
        .all(|outcome| *outcome == Outcome::Skipped)
    {
        return Err("no case was run".to_owned());
    }
    Ok(outcomes)
}

fn name(case: &Value) -> Option<String> {
    let containers = match case.get("ContainerHierarchyTexts")? {
        Value::Null => &[],
        containers => containers.as_array()?.as_slice(),
    };
    let parts = containers.iter().chain([case.get("LeafNodeText")?]);
    let parts = parts.map(Value::as_str).collect::<Option<Vec<_>>>()?;
    Some(parts.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn case(kind: &str, name: &str, state: &str) -> Value {
        serde_json::json!({
            "ContainerHierarchyTexts": ["Node Service", "NodeGetInfo"],
            "LeafNodeType": kind, "LeafNodeText": name, "State": state,
        })
    }

    fn read(cases: &[Value]) -> Result<Outcomes, String> {
        outcomes(
            serde_json::json!([{ "SpecReports": cases }])
                .to_string()
                .as_bytes(),
        )
    }

    #[test]
    fn a_report_is_read() {
        let read = read(&[
            case("It", "a", "passed"),
            case("It", "b", "failed"),
            case("It", "c", "skipped"),
            case("It", "d", "pending"),
            case("It", "e", "panicked"),
            case("AfterSuite", "", "passed"),
            case("BeforeSuite", "up", "failed"),
        ]);
        let named = |name: &str| format!("Node Service NodeGetInfo {name}");
        let expected = [
            (named("a"), Outcome::Passed),
            (named("b"), Outcome::Failed),
            (named("c"), Outcome::Skipped),
            (named("d"), Outcome::Skipped),
            (named("e"), Outcome::Failed),
            (named("up"), Outcome::Failed),
        ];
        assert_eq!(read, Ok(expected.into()));
    }

    #[test]
    fn a_report_of_nothing_is_none() {
        assert!(read(&[]).is_err());
        assert!(read(&[case("It", "a", "skipped")]).is_err());
        assert!(outcomes(b"[]").is_err() && outcomes(b"").is_err());
    }
}
