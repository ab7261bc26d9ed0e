//! `flex2csi plan` against an API server that serves manifests.

#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.

mod api;
mod documentation;
#[path = "../api_server/failure.rs"]
mod failure;
mod golden;
mod memory;
#[path = "../api_server/query.rs"]
mod query;
mod scale;
#[path = "../api_server/served.rs"]
mod served;
mod trouble;

use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use api::Api;

/// Runs the program against an API server.
fn plan(api: &Api, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_flex2csi"));
    command
        .arg("plan")
        .arg("--kubeconfig")
        .arg(api.kubeconfig())
        .args(arguments)
        .env_remove("KUBECONFIG")
        .env("COLUMNS", "120")
        .stdin(Stdio::null());
    command.output().unwrap()
}

fn testdata() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("testdata/plan")
}
