//! Whoever does something dies at any of its requests, before it is done or after;
//! whoever comes next makes it good.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use flex2csi::attachment::{Attacher, Detached};
use serde_json::json;

use crate::api_server::{ApiServer, Fate};
use crate::release::{releases, says};
use crate::rig::*;

/// Runs `act` in a world of `prepare`'s again and again, ended at its first request,
/// its second, …, and each time looks at what is `after`.
async fn at_each_request(
    prepare: impl AsyncFn(&ApiServer),
    act: impl AsyncFn(&ApiServer),
    after: impl AsyncFn(&ApiServer),
) {
    for fate in [Fate::Lost, Fate::Unanswered] {
        for last in 0.. {
            let server = ApiServer::new();
            prepare(&server).await;
            let seen = Arc::new(AtomicUsize::new(0));
            let (counter, end) = (seen.clone(), fate.clone());
            server.fates(move |_| {
                let number = counter.fetch_add(1, Ordering::Relaxed);
                if number < last {
                    Fate::Answered
                } else {
                    end.clone()
                }
            });
            // Well before a request is given up: what acts dies here.
            let acted = tokio::time::timeout(Duration::from_secs(10), act(&server)).await;
            server.fates(|_| Fate::Answered);
            after(&server).await;
            if acted.is_ok() {
                assert!(last > 1, "it made no requests");
                break;
            }
        }
    }
}

async fn attach(server: &ApiServer) {
    let (attacher, wanted) = (attacher(server, "a"), wanted());
    tokio::select! {
        done = attacher.attach(&wanted) => drop(done.unwrap()),
        () = driver(server.clone()) => {}
    }
}

async fn detach(server: &ApiServer) {
    attacher(server, "a").detach(&volume()).await.unwrap();
}

async fn nothing_is_left(server: &ApiServer) {
    drive(server);
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(server.paths(ATTACHMENTS), [""; 0]);
    assert_eq!(server.paths(LEASES), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn an_attach_is_gone_on_with() {
    at_each_request(
        async |_| {},
        attach,
        async |server| {
            attach(server).await;
            assert_eq!(server.paths(ATTACHMENTS), [attachment("a")]);
            let lease = server.get(&lease()).unwrap();
            assert_eq!(lease["spec"]["holderIdentity"], "a");
        },
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_attach_is_undone_and_the_next_node_gets_it() {
    at_each_request(
        async |_| {},
        attach,
        async |server| {
            detach(server).await;
            attached(server, "b").await;
            assert_eq!(server.paths(ATTACHMENTS), [attachment("b")]);
        },
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_detach_is_gone_on_with() {
    at_each_request(attach, detach, async |server| {
        detach(server).await;
        nothing_is_left(server).await;
        let again = attacher(server, "a").detach(&volume()).await.unwrap();
        assert_eq!(again, Detached::Gone);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_detach_is_followed_by_an_attach() {
    at_each_request(attach, detach, async |server| {
        attach(server).await;
        tokio::time::sleep(Duration::from_secs(900)).await;
        assert_eq!(server.paths(ATTACHMENTS), [attachment("a")]);
        assert_eq!(server.get(&lease()).unwrap()["spec"]["holderIdentity"], "a");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_detach_is_done_by_the_controller() {
    at_each_request(attach, detach, async |server| {
        server.put("/api/v1/nodes/a", json!({}));
        says(
            server,
            "a",
            json!([{ "driver": DRIVER, "handle": HANDLE, "state": "Detaching" }]),
        );
        let mut releases = releases(server);
        for _ in 0..3 {
            releases.look().await;
            drive(server);
        }
        nothing_is_left(server).await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_round_is_gone_on_with_by_the_next_leader() {
    at_each_request(
        async |server| {
            attach(server).await;
            server.put("/api/v1/nodes/a", json!({}));
            says(
                server,
                "a",
                json!([{ "driver": DRIVER, "handle": HANDLE, "state": "Detaching" }]),
            );
        },
        async |server| {
            let mut releases = releases(server);
            for _ in 0..2 {
                releases.look().await;
                drive(server);
            }
        },
        async |server| {
            let mut releases = releases(server);
            for _ in 0..3 {
                releases.look().await;
                drive(server);
            }
            nothing_is_left(server).await;
        },
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_round_is_followed_by_an_attach() {
    at_each_request(
        async |server| {
            attach(server).await;
            server.put("/api/v1/nodes/a", json!({}));
            says(
                server,
                "a",
                json!([{ "driver": DRIVER, "handle": HANDLE, "state": "Detaching" }]),
            );
        },
        async |server| {
            releases(server).look().await;
        },
        async |server| {
            attach(server).await;
            // What was said before it attached counts no more.
            let mut releases = releases(server);
            for _ in 0..3 {
                releases.look().await;
                drive(server);
            }
            assert_eq!(server.paths(ATTACHMENTS), [attachment("a")]);
        },
    )
    .await;
}
