//! One call on one connection: a line in, a line out.

use std::io;
use std::time::Duration;

use flex2csi_exec::wire::{Answer, LONGEST, Reply, Request, VERSION};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

/// An exec binary sends its line at once.
const SENDING: Duration = Duration::from_secs(5);

/// What most calls have, with the options of their volume (bytes).
const USUAL: usize = 4096;

/// Reads a request.
///
/// # Errors
/// What to answer instead: the line is none of ours, or of a newer version. The
/// outer error is a caller that is gone.
pub(super) async fn receive(
    connection: &mut (impl AsyncRead + Unpin),
) -> io::Result<Result<Request, Reply>> {
    // Most fit: the buffer would grow, and be read into, 64 bytes at first.
    let mut line = Vec::with_capacity(USUAL);
    let read = async {
        let mut limited = connection.take(LONGEST as u64 + 1);
        while !line.ends_with(b"\n") {
            if limited.read_buf(&mut line).await? == 0 {
                break;
            }
        }
        io::Result::Ok(())
    };
    match tokio::time::timeout(SENDING, read).await {
        Ok(read) => read?,
        Err(_) => return Err(io::ErrorKind::TimedOut.into()),
    }
    if line.is_empty() {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    if line.len() > LONGEST {
        return Ok(Err(failure(format!(
            "the call has more than {LONGEST} bytes"
        ))));
    }
    if !line.ends_with(b"\n") {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(parse(&line))
}

fn parse(line: &[u8]) -> Result<Request, Reply> {
    // serde_json's message can hold what was sent, and that can be secret.
    let unreadable = |error: serde_json::Error| {
        failure(format!(
            "what calls the node daemon of flex2csi is no exec binary of its: {:?} error in \
             column {} of its call",
            error.classify(),
            error.column()
        ))
    };
    // The version first: what a newer one sends may have another form.
    let Version { version } = serde_json::from_slice(line).map_err(unreadable)?;
    if version > VERSION {
        return Err(failure(format!(
            "the exec binary speaks version {version} and the node daemon up to {VERSION}: \
             update the DaemonSet of flex2csi"
        )));
    }
    serde_json::from_slice(line).map_err(unreadable)
}

#[derive(serde::Deserialize)]
struct Version {
    version: u32,
}

/// Sends a reply and ends the connection.
///
/// # Errors
/// The caller is gone.
pub(super) async fn send(
    connection: &mut (impl AsyncWrite + Unpin),
    reply: &Reply,
) -> io::Result<()> {
    let mut line = serde_json::to_vec(reply)?;
    line.push(b'\n');
    connection.write_all(&line).await?;
    connection.shutdown().await
}

/// Tells the caller that there will be an answer.
///
/// # Errors
/// The caller is gone.
pub(super) async fn still_at_it(connection: &mut (impl AsyncWrite + Unpin)) -> io::Result<()> {
    connection.write_all(b" ").await
}

/// Waits until the caller is gone: it sends nothing more while it waits.
pub(super) async fn gone(connection: &mut (impl AsyncRead + Unpin)) {
    let mut unexpected = [0; 64];
    while let Ok(1..) = connection.read(&mut unexpected).await {}
}

/// A call that was not carried out.
pub(super) fn failure(message: String) -> Reply {
    reply(Answer::Failure, message)
}

/// What becomes of a call.
pub(super) fn reply(answer: Answer, message: String) -> Reply {
    Reply {
        version: VERSION,
        answer,
        message,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As version 1 sends it, for ever.
    const FIRST: &[u8] = br#"{"version":1,"requestId":"7f-1","driver":"k8s/nfs","call":"unmount","args":["/a"],"timeoutMs":110000}
"#;

    async fn received(bytes: &[u8]) -> io::Result<Result<Request, Reply>> {
        receive(&mut &*bytes).await
    }

    #[tokio::test]
    async fn the_first_version_is_understood() {
        let request = received(FIRST).await.unwrap().unwrap();
        assert_eq!((&*request.call, request.timeout_ms), ("unmount", 110_000));
        assert_eq!(request.args, ["/a"]);
        assert!(!request.original_does_not);
    }

    #[tokio::test]
    async fn what_is_no_call_is_told_so_without_its_words() {
        for (line, expected) in [
            (&b"GET /s3cr3t HTTP/1.1\n"[..], "no exec binary"),
            (b"{\"version\":1,\"driver\":\"s3cr3t\"}\n", "no exec binary"),
            (b"{\"version\":2,\"new\":\"s3cr3t\"}\n", "version 2"),
            (b"\xff\n", "no exec binary"),
        ] {
            let reply = received(line).await.unwrap().unwrap_err();
            assert_eq!(reply.answer, Answer::Failure);
            assert!(reply.message.contains(expected), "{}", reply.message);
            assert!(!reply.message.contains("s3cr3t"), "{}", reply.message);
        }
        let long = vec![b'x'; LONGEST + 10];
        let reply = received(&long).await.unwrap().unwrap_err();
        assert!(reply.message.contains("more than"), "{}", reply.message);
    }

    #[tokio::test]
    async fn half_a_call_is_none() {
        for bytes in [&b""[..], &FIRST[..20]] {
            assert!(received(bytes).await.is_err());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_is_waited_for_forever() {
        let (mut ours, _theirs) = tokio::io::duplex(64);
        let error = receive(&mut ours).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }

    #[tokio::test]
    async fn a_reply_is_one_line() {
        let mut sent = Vec::new();
        send(&mut sent, &failure("two\nlines".into()))
            .await
            .unwrap();
        assert_eq!(
            sent,
            b"{\"version\":1,\"answer\":\"failure\",\"message\":\"two\\nlines\"}\n"
        );
    }
}
