//! The programs that do the job, each where kubelet would call it.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::daemon::Addresses;

/// One of them.
pub struct Program {
    pub name: &'static str,
    pub path: PathBuf,
    pub bytes: u64,
    /// Whether it says what a driver says.
    answers: bool,
}

/// Builds those that this machine can build; ours is the first.
pub fn build(directory: &Path, addresses: &Addresses) -> Result<Vec<Program>, String> {
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/exec");
    let built = |name: &str| directory.join(name);
    let (in_c, in_go) = (built("c"), built("go"));
    let mut programs = vec![program("exec binary", &shipped()?, directory, addresses)?];

    let metadata = std::fs::metadata("/bin/true").map_err(|error| format!("/bin/true: {error}"))?;
    programs.push(Program {
        name: "/bin/true",
        path: "/bin/true".into(),
        bytes: metadata.len(),
        answers: false,
    });

    let mut gcc = Command::new("gcc");
    gcc.args(["-O2", "-s", "-static", "-o"])
        .arg(&in_c)
        .arg(sources.join("driver.c"));
    let mut go = Command::new("go");
    go.args(["build", "-trimpath", "-ldflags=-s -w", "-o"])
        .arg(&in_go)
        .arg(sources.join("driver.go"));
    go.env("CGO_ENABLED", "0");
    for (name, path, compiler) in [
        ("C, static", &in_c, &mut gcc),
        ("Go, static", &in_go, &mut go),
    ] {
        match compiler.status() {
            Ok(status) if status.success() => {
                programs.push(program(name, path, directory, addresses)?)
            }
            Ok(status) => return Err(format!("{name} did not build: {status}")),
            Err(error) => println!("{name} is left out: {:?}: {error}", compiler.get_program()),
        }
    }
    programs.push(program(
        "bash",
        &sources.join("driver.sh"),
        directory,
        addresses,
    )?);
    Ok(programs)
}

/// The exec binary as it is shipped.
fn shipped() -> Result<PathBuf, String> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("build-static");
    let target = format!("{}-unknown-linux-musl", std::env::consts::ARCH);
    let output = Command::new(&script)
        .arg(target)
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| format!("{}: {error}", script.display()))?;
    let path = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    match output.status.success() {
        true => Ok(path.into()),
        false => Err("the exec binary did not build".to_owned()),
    }
}

fn program(
    name: &'static str,
    from: &Path,
    directory: &Path,
    addresses: &Addresses,
) -> Result<Program, String> {
    let io = |error: std::io::Error| format!("{name}: {error}");
    let home = directory
        .join(name.replace([' ', ','], ""))
        .join("example.com~disk");
    std::fs::create_dir_all(&home).map_err(io)?;
    let path = home.join("disk");
    std::fs::copy(from, &path).map_err(io)?;
    let mut permissions = std::fs::metadata(&path).map_err(io)?.permissions();
    std::os::unix::fs::PermissionsExt::set_mode(&mut permissions, 0o755);
    std::fs::set_permissions(&path, permissions).map_err(io)?;
    let installed = json!({
        "version": 1,
        "driver": "example.com/disk",
        "socket": addresses.socket,
        "port": addresses.port,
        "capabilities": {
            "attach": false, "selinuxRelabel": false, "supportsMetrics": true,
            "fsGroup": false, "requiresFSResize": true,
        },
        "timeoutMs": 110_000,
    });
    std::fs::write(home.join(".disk.flex2csi.json"), installed.to_string()).map_err(io)?;
    let bytes = std::fs::metadata(&path).map_err(io)?.len();
    Ok(Program {
        name,
        path,
        bytes,
        answers: true,
    })
}

impl Program {
    /// To call it.
    pub fn command(&self, call: &[&str]) -> Command {
        self.command_under(&[], call)
    }

    /// To call it through another program. Cargo's environment would have the
    /// dynamic ones look for their libraries in many places.
    pub fn command_under(&self, other: &[&str], call: &[&str]) -> Command {
        let words = other.iter().map(OsStr::new);
        let mut words = words.chain([self.path.as_os_str()]);
        let mut command = Command::new(words.next().unwrap_or_default());
        command.args(words).args(call).stdin(Stdio::null());
        command.env_clear().env(
            "PATH",
            "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        );
        command
    }

    /// That it does the job.
    pub fn check(&self, call: &[&str]) -> Result<(), String> {
        let output = self
            .command(call)
            .output()
            .map_err(|error| format!("{}: {error}", self.name))?;
        let answer: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
        let capabilities = answer["capabilities"]["fsGroup"] == false;
        let done = answer["status"] == "Success" && capabilities == (call[0] == "init");
        if self.answers && !done {
            let (said, noise) = (
                String::from_utf8_lossy(&output.stdout),
                String::from_utf8_lossy(&output.stderr),
            );
            return Err(format!(
                "{} does not do {}: {said}{noise}",
                self.name, call[0]
            ));
        }
        Ok(())
    }
}
