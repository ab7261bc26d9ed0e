//! Signals.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_stream::wrappers::SignalStream;
use tokio_util::sync::CancellationToken;

/// A token that the first SIGTERM or SIGINT cancels. The second ends the
/// process at once, with 128 and the signal's number as shells do: nothing that
/// a daemon does may rely on ending well.
///
/// # Errors
/// The system does not let us listen.
///
/// # Panics
/// Outside a runtime.
pub fn shutdown() -> io::Result<CancellationToken> {
    let mut signals = Ending {
        terminate: signal(SignalKind::terminate())?,
        interrupt: signal(SignalKind::interrupt())?,
    };
    let shutdown = CancellationToken::new();
    let token = shutdown.clone();
    tokio::spawn(async move {
        let name = signals.next().await.name();
        tracing::info!(signal = name, "ending; once more ends at once");
        token.cancel();
        let signal = signals.next().await;
        tracing::warn!(signal = signal.name(), "ended at once");
        signal.exit();
    });
    Ok(shutdown)
}

/// Each SIGHUP: reload the configuration.
///
/// # Errors
/// The system does not let us listen.
///
/// # Panics
/// Outside a runtime.
pub fn hangups() -> io::Result<SignalStream> {
    signal(SignalKind::hangup()).map(SignalStream::new)
}

struct Ending {
    terminate: Signal,
    interrupt: Signal,
}

enum EndSignal {
    Terminate,
    Interrupt,
}

impl Ending {
    async fn next(&mut self) -> EndSignal {
        tokio::select! {
            _ = self.terminate.recv() => EndSignal::Terminate,
            _ = self.interrupt.recv() => EndSignal::Interrupt,
        }
    }
}

impl EndSignal {
    fn name(&self) -> &'static str {
        match self {
            Self::Terminate => "SIGTERM",
            Self::Interrupt => "SIGINT",
        }
    }

    /// Runs no destructors: whoever sends it twice does not want to wait.
    fn exit(&self) -> ! {
        let number = match self {
            Self::Terminate => SignalKind::terminate(),
            Self::Interrupt => SignalKind::interrupt(),
        };
        std::process::exit(128 + number.as_raw_value())
    }
}

#[cfg(test)]
mod tests;
