//! Starting to log, and changing how much.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use tracing::Subscriber;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::reload;
use tracing_subscriber::{EnvFilter, Layer, Registry};

use super::{Format, Level};

/// The log of this process.
#[derive(Debug, Clone)]
pub struct Handle {
    filter: reload::Handle<EnvFilter, Registry>,
    level: Arc<Mutex<Level>>,
}

/// Another part of the program logs already.
#[derive(Debug, thiserror::Error)]
#[error("cannot log: something else in this process does already")]
pub struct InstallError;

/// Logs all events of this process to standard error.
///
/// # Errors
/// It was called before.
pub fn install(format: Format, level: &Level) -> Result<Handle, InstallError> {
    let seen = anstream::AutoStream::choice(&io::stderr()) != anstream::ColorChoice::Never;
    let (subscriber, handle) = subscriber(format, level, seen, io::stderr);
    tracing::subscriber::set_global_default(subscriber).map_err(|_| InstallError)?;
    Ok(handle)
}

/// The same with any writer, not yet in use.
pub(crate) fn subscriber<W>(
    format: Format,
    level: &Level,
    colour: bool,
    writer: W,
) -> (impl Subscriber + Send + Sync, Handle)
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let (filter, reload) = reload::Layer::new(level.filter());
    let lines = tracing_subscriber::fmt::layer().with_writer(writer);
    let lines = match format {
        Format::Text => lines.with_ansi(colour).boxed(),
        Format::Json => lines
            .json()
            .flatten_event(true)
            .with_span_list(false)
            .boxed(),
    };
    let handle = Handle {
        filter: reload,
        level: Arc::new(Mutex::new(level.clone())),
    };
    (Registry::default().with(filter).with(lines), handle)
}

impl Handle {
    /// How much is logged.
    pub fn level(&self) -> Level {
        self.locked().clone()
    }

    /// Changes how much is logged, from the next event on.
    pub fn set_level(&self, level: &Level) {
        let mut current = self.locked();
        // It fails only when the subscriber is gone, and nothing is logged.
        if self.filter.reload(level.filter()).is_ok() {
            *current = level.clone();
        }
    }

    fn locked(&self) -> std::sync::MutexGuard<'_, Level> {
        self.level.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request_id::RequestIds;

    /// Collects what is written.
    #[derive(Clone, Default)]
    struct Sink(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Sink {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// The lines that a log of this form and level has at the end.
    fn logged(format: Format, level: &str, events: impl FnOnce(&Handle)) -> Vec<String> {
        let sink = Sink::default();
        let writer = sink.clone();
        let (subscriber, handle) = subscriber(format, &level.parse().unwrap(), false, move || {
            writer.clone()
        });
        tracing::subscriber::with_default(subscriber, || events(&handle));
        let bytes = sink.0.lock().unwrap().clone();
        let text = String::from_utf8(bytes).unwrap();
        text.lines().map(str::to_owned).collect()
    }

    #[test]
    fn a_json_line_has_the_fields_of_its_event_and_of_the_call_around() {
        let id = RequestIds::new().next();
        let lines = logged(Format::Json, "info", |_| {
            let call = tracing::info_span!("call", request_id = id.as_str());
            call.in_scope(|| tracing::info!(driver = "a.b", "line 1\nline 2"));
        });
        assert_eq!(lines.len(), 1);
        let line: serde_json::Value = serde_json::from_str(&lines[0]).unwrap();
        assert_eq!(line["level"], "INFO");
        assert_eq!(line["message"], "line 1\nline 2");
        assert_eq!(line["driver"], "a.b");
        assert_eq!(line["target"], "flex2csi::log::handle::tests");
        assert_eq!(line["span"]["name"], "call");
        assert_eq!(line["span"]["request_id"], id.as_str());
        assert!(line["timestamp"].as_str().unwrap().ends_with('Z'));
    }

    #[test]
    fn text_is_without_colour_where_there_is_none_to_see() {
        let lines = logged(Format::Text, "info", |_| {
            tracing::warn!(driver = "a.b", "gone");
        });
        assert_eq!(lines.len(), 1);
        let end = " WARN flex2csi::log::handle::tests: gone driver=\"a.b\"";
        assert!(lines[0].ends_with(end), "{}", lines[0]);
    }

    #[test]
    fn the_level_changes_from_one_event_to_the_next() {
        let lines = logged(Format::Text, "info", |handle| {
            tracing::debug!("not yet");
            handle.set_level(&"info,flex2csi::log=debug".parse().unwrap());
            assert_eq!(handle.level().as_str(), "info,flex2csi::log=debug");
            tracing::debug!("now");
            handle.set_level(&"off".parse().unwrap());
            tracing::error!("no more");
        });
        assert_eq!(lines.len(), 1);
        assert!(lines[0].ends_with(": now"), "{}", lines[0]);
    }
}
