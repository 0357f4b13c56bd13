//! Log lines of other crates, without errors that clients cause.
//!
//! Pingora logs an error for each client that disconnects early, and includes received bytes in
//! some lines. gatepost reports the requests of these clients itself, with a code and without these
//! bytes.

use std::fmt::{self, Write};

use tracing_log::LogTracer;
use tracing_log::log::{Level, Log, Metadata, Record};

use super::budget::cut;

/// Maximum length of a message, in bytes.
const MAX_MESSAGE_BYTES: usize = 512;

/// Logger of the crates that use `log`. Passes shortened messages to `tracing`.
pub(super) struct OtherCrates(LogTracer);

impl OtherCrates {
    pub(super) fn new() -> Self {
        Self(LogTracer::new())
    }
}

impl Log for OtherCrates {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        self.0.enabled(metadata)
    }

    fn log(&self, record: &Record<'_>) {
        if !self.0.enabled(record.metadata()) {
            return;
        }
        let message = short_message(record);
        let Some(level) = level(record, &message) else { return };
        let metadata = Metadata::builder().level(level).target(record.target()).build();
        let mut short = Record::builder();
        short.metadata(metadata).module_path(record.module_path());
        // The arguments must exist as long as the record, so one statement builds and passes the
        // record.
        self.0.log(&short.args(format_args!("{message}")).build());
    }

    fn flush(&self) {}
}

/// Returns the level of a line; `None` for a line to drop.
fn level(record: &Record<'_>, message: &str) -> Option<Level> {
    if record.level() > Level::Error || !record.target().starts_with("pingora") {
        return Some(record.level());
    }
    let message = message.to_ascii_lowercase();
    if message.contains("handshake") {
        return Some(Level::Warn);
    }
    let is_about_client =
        message.contains("downstream") || record.target().starts_with("pingora_core::apps");
    (!is_about_client).then_some(Level::Error)
}

/// Formats the message. Stops after the maximum length.
fn short_message(record: &Record<'_>) -> String {
    let mut message = ShortText(String::new());
    // `write!` fails if the text is longer than the maximum. The text so far is then the message.
    let _full = write!(message, "{}", record.args());
    cut(&message.0, MAX_MESSAGE_BYTES)
}

struct ShortText(String);

impl Write for ShortText {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let room = (MAX_MESSAGE_BYTES + 1).saturating_sub(self.0.len());
        let end = text.ceil_char_boundary(room.min(text.len()));
        self.0.push_str(text.get(..end).unwrap_or_default());
        if end < text.len() { Err(fmt::Error) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn level_of(target: &str, level: Level, message: &str) -> Option<Level> {
        let record = Record::builder().target(target).level(level).build();
        super::level(&record, message)
    }

    #[test]
    fn drops_errors_of_clients_and_keeps_others() {
        let read = "Fail to proxy: ReadError, downstream session type: H1";
        assert_eq!(level_of("pingora_proxy", Level::Error, read), None);
        let write = "Error finish sending body to downstream: WriteError";
        assert_eq!(level_of("pingora_proxy::proxy_h1", Level::Error, write), None);
        let finish = "HTTP server fails to finish the request: WriteError";
        assert_eq!(level_of("pingora_core::apps::http_app", Level::Error, finish), None);
        let handshake = "H2 handshake error connection reset";
        assert_eq!(level_of("pingora_core::apps", Level::Error, handshake), Some(Level::Warn));
        let accept = "Accept() failed too many open files";
        assert_eq!(level_of("pingora_core::services", Level::Error, accept), Some(Level::Error));
        assert_eq!(level_of("rustls", Level::Error, "downstream"), Some(Level::Error));
    }

    #[test]
    fn shortens_message() {
        let shown =
            |text: &str| short_message(&Record::builder().args(format_args!("{text}")).build());
        assert_eq!(shown("short"), "short");
        for long in ["x".repeat(60_000), "é".repeat(600)] {
            let short = shown(&long);
            assert!(
                short.len() <= MAX_MESSAGE_BYTES && short.ends_with('…'),
                "expected a shortened message, found {short}"
            );
        }
    }
}
