//! Serving the socket of exec binaries.

use std::sync::Arc;
use std::time::Duration;

use flex2csi_exec::wire::{Reply, Request};
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::exchange::{gone, receive, send, still_at_it};
use crate::socket::{Connection, Listener};

/// Calls at a time. Kubelet makes one for each volume; those beyond wait.
const AT_A_TIME: usize = 512;

/// How often a caller is told that its call is still here.
const BEAT: Duration = Duration::from_secs(10);

/// What answers calls.
pub trait Answer: Send + Sync + 'static {
    /// Answers one. Dropping the future is the caller's going away.
    fn answer(&self, request: Request) -> impl Future<Output = Reply> + Send;

    /// Waits for what calls have begun that nobody waits for any more.
    fn finish(&self) -> impl Future<Output = ()> + Send;
}

/// Serves until `shutdown`, and as long as `grace` lasts for what is under way: what is
/// cut off is recorded, and yet better not cut off, in the midst of a driver's call. The
/// socket is kept until then, and with it the next daemon from the record.
pub async fn serve(
    listener: Listener,
    door: Arc<impl Answer>,
    shutdown: CancellationToken,
    grace: Duration,
) {
    let free = Arc::new(Semaphore::new(AT_A_TIME));
    let tasks = TaskTracker::new();
    let overdue = CancellationToken::new();
    let accepting = async {
        while let Ok(permit) = free.clone().acquire_owned().await {
            let connection = match listener.accept().await {
                Ok(connection) => connection,
                Err(error) => {
                    tracing::error!(%error, "the socket of exec binaries accepts no more");
                    break;
                }
            };
            let (door, overdue) = (door.clone(), overdue.clone());
            tasks.spawn(async move {
                overdue.run_until_cancelled(one(connection, &*door)).await;
                drop(permit);
            });
        }
    };
    shutdown.run_until_cancelled(accepting).await;
    tasks.close();
    let end = Instant::now() + grace;
    if timeout_at(end, tasks.wait()).await.is_err() {
        tracing::warn!("calls are cut off that did not end; kubelet makes them again");
        overdue.cancel();
        tasks.wait().await;
    }
    if timeout_at(end, door.finish()).await.is_err() {
        tracing::warn!("what calls have begun is cut off, and taken up again by the next daemon");
    }
    drop(listener);
}

async fn one(mut connection: Connection, door: &impl Answer) {
    let reply = match receive(&mut connection).await {
        Ok(Ok(request)) => {
            let Some(reply) = answered(&mut connection, door.answer(request)).await else {
                tracing::debug!("an exec binary went away before it was answered");
                return;
            };
            reply
        }
        Ok(Err(reply)) => reply,
        Err(error) => {
            tracing::debug!(%error, "what connected made no call");
            return;
        }
    };
    if let Err(error) = send(&mut connection, &reply).await {
        tracing::debug!(%error, "an exec binary went away with its answer");
    }
}

/// What a call is answered, if its caller waits for that. It is told again and again
/// that there will be an answer.
async fn answered(
    connection: &mut Connection,
    answer: impl Future<Output = Reply>,
) -> Option<Reply> {
    let mut answer = std::pin::pin!(answer);
    let mut beats = tokio::time::interval(BEAT);
    beats.reset();
    loop {
        tokio::select! {
            reply = &mut answer => return Some(reply),
            () = gone(connection) => return None,
            _ = beats.tick() => still_at_it(connection).await.ok()?,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use flex2csi_exec::wire;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::UnixStream;
    use tokio::sync::Notify;

    use super::super::exchange::reply;
    use super::*;

    const GRACE: Duration = Duration::from_secs(100);

    /// Says the call's name; `hang` hangs until its caller is gone, and `slow` does for
    /// a while.
    #[derive(Default)]
    struct Echo {
        given_up: Arc<Notify>,
        begun: TaskTracker,
    }

    struct GivenUp(Arc<Notify>);

    impl Drop for GivenUp {
        fn drop(&mut self) {
            self.0.notify_one();
        }
    }

    impl Answer for Echo {
        async fn answer(&self, request: Request) -> Reply {
            if request.call == "hang" {
                let _given_up = GivenUp(self.given_up.clone());
                std::future::pending::<()>().await;
            }
            if request.call == "slow" {
                tokio::time::sleep(BEAT * 5 / 2).await;
            }
            reply(wire::Answer::Success, request.call)
        }

        async fn finish(&self) {
            self.begun.wait().await;
        }
    }

    struct Served {
        directory: tempfile::TempDir,
        shutdown: CancellationToken,
        echo: Arc<Echo>,
        serving: tokio::task::JoinHandle<()>,
    }

    impl Served {
        fn new() -> Self {
            let directory = tempfile::tempdir().unwrap();
            let listener = Listener::bind(&directory.path().join("s")).unwrap();
            let (echo, shutdown) = (Arc::new(Echo::default()), CancellationToken::new());
            echo.begun.close();
            let serving = serve(listener, echo.clone(), shutdown.clone(), GRACE);
            let serving = tokio::spawn(serving);
            Self {
                directory,
                shutdown,
                echo,
                serving,
            }
        }

        async fn connect(&self, call: &str) -> UnixStream {
            let path: &Path = &self.directory.path().join("s");
            let mut stream = UnixStream::connect(path).await.unwrap();
            let line = format!(
                "{{\"version\":1,\"requestId\":\"r\",\"driver\":\"a/b\",\"call\":\"{call}\",\"timeoutMs\":1}}\n"
            );
            stream.write_all(line.as_bytes()).await.unwrap();
            stream
        }

        async fn call(&self, call: &str) -> String {
            let mut answer = String::new();
            let mut stream = self.connect(call).await;
            stream.read_to_string(&mut answer).await.unwrap();
            answer
        }
    }

    #[tokio::test]
    async fn each_connection_is_a_call() {
        let served = Served::new();
        let (one, other) = tokio::join!(served.call("mount"), served.call("unmount"));
        assert!(one.contains("\"message\":\"mount\""), "{one}");
        assert!(other.contains("\"message\":\"unmount\""), "{other}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_caller_is_told_that_its_call_is_still_here() {
        let served = Served::new();
        let answer = served.call("slow").await;
        assert!(answer.starts_with("  {\"version\":1"), "{answer:?}");
    }

    #[tokio::test]
    async fn a_caller_that_goes_away_gives_its_call_up() {
        let served = Served::new();
        let hanging = served.connect("hang").await;
        assert!(served.call("mount").await.contains("success"));
        drop(hanging);
        served.echo.given_up.notified().await;
    }

    #[tokio::test(start_paused = true)]
    async fn calls_under_way_do_not_keep_the_daemon_for_ever() {
        let served = Served::new();
        let mut hanging = served.connect("hang").await;
        served.shutdown.cancel();
        served.serving.await.unwrap();
        let mut nothing = String::new();
        drop(hanging.read_to_string(&mut nothing).await);
        assert_eq!(nothing.trim(), "");
    }

    #[tokio::test(start_paused = true)]
    async fn the_socket_is_kept_until_what_was_begun_has_ended() {
        let served = Served::new();
        assert!(served.call("mount").await.contains("success"));
        let (end, ended) = tokio::sync::oneshot::channel::<()>();
        served.echo.begun.spawn(ended);
        served.shutdown.cancel();
        let socket = served.directory.path().join("s");
        tokio::time::sleep(GRACE / 2).await;
        assert!(!served.serving.is_finished());
        assert!(Listener::bind(&socket).is_err(), "the next daemon waits");
        end.send(()).unwrap();
        served.serving.await.unwrap();
        Listener::bind(&socket).unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_has_as_long_as_any_call_to_end() {
        let served = Served::new();
        let hanging = served.connect("hang").await;
        assert!(served.call("mount").await.contains("success"));
        served.shutdown.cancel();
        tokio::time::sleep(GRACE - Duration::from_secs(1)).await;
        assert!(!served.serving.is_finished());
        drop(hanging);
        served.serving.await.unwrap();
    }
}
