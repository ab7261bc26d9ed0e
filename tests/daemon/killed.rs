//! `kill -9` in the middle of things.

use std::path::PathBuf;

use flex2csi::grpc;
use http::HeaderMap;
use tokio::task::JoinHandle;
use tonic::Code;

use crate::backend_process::{Answers, BackendProcess};
use crate::caller::{self, Answer};
use crate::daemon::until;
use crate::scripted::{Reply, Scripted};
use crate::site::{EBS_ENDPOINT, Site, echo};
use crate::undecided::{HANDLE, STAGE, UNSTAGE, VALUES, VSPHERE, stage, unstage, volume_of};
use crate::{rpcs, site::EBS};

/// A call that is not waited for.
fn started(socket: PathBuf, path: &str, message: &[u8]) -> JoinHandle<Answer> {
    let (path, body) = (path.to_owned(), grpc::frame(message));
    tokio::spawn(async move { caller::call(&socket, &path, body, HeaderMap::new()).await })
}

#[tokio::test]
async fn a_backend_that_is_killed_within_any_call_is_unavailable_and_then_there_again() {
    let site = Site::new();
    let daemon = site.node(&["--driver", EBS]);
    daemon.says("serving endpoint=").await;
    let message = b"\x0a\x05vol-1";
    for path in rpcs::of_csi() {
        for answers in [Answers::Never, Answers::Begun] {
            let mut backend = BackendProcess::start(&site, answers).await;
            let call = started(site.path("endpoint.sock"), &path, message);
            backend.is_asked(&path).await;
            backend.killed().await;
            let answer = call.await.unwrap();
            let case = format!("{path}, {answers:?}: {}", answer.said);
            assert_eq!(answer.code, Code::Unavailable, "{case}");
            assert!(answer.said.contains("safe to call again"), "{case}");
        }
        let _backend = BackendProcess::start(&site, Answers::Echo).await;
        site.carried_out(&path, message).await;
    }
}

#[tokio::test]
async fn a_daemon_that_is_killed_serves_again_and_knows_what_it_staged() {
    let site = Site::new();
    let values = site.write("values.yaml", VALUES);
    let backend = Scripted::serve(&site.path("csi.sock"), VSPHERE, |call| {
        if call.path == STAGE {
            Reply::Hang
        } else {
            echo(call)
        }
    });
    let mut daemon = site.node(&["--values", values.to_str().unwrap()]);
    site.name_at("endpoint.sock").await;
    let staging = started(site.path("endpoint.sock"), STAGE, &stage());
    until("the backend is asked to stage", async || {
        (backend.calls().last()?.path == STAGE).then_some(())
    })
    .await;
    daemon.killed().await;
    staging.abort();

    // Nobody tells it the value, and the call has the handle alone.
    let _daemon = site.node(&[]);
    let name = site.name_at("endpoint.sock").await;
    assert_eq!(name, EBS_ENDPOINT.replace(EBS, VSPHERE));
    site.carried_out(UNSTAGE, unstage()).await;
    assert_eq!(volume_of(&backend.last().message), HANDLE);
}
