//! The log: lines on standard error, written without delaying requests.
//!
//! 1. gatepost puts each line into the log queue, and a separate thread writes the line.
//! 2. If the log queue is full, gatepost drops and counts the line. The usual cause is a reader of
//!    standard error that has stopped reading.
//! 3. If a write fails, gatepost drops and counts the line. The usual cause is a full disk, or a
//!    reader that has closed the pipe.
//! 4. Requests cause at most as many lines as the [budget] permits.

mod budget;
mod filter;
mod other_crates;

use std::io::{self, IsTerminal as _, Stderr};
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::thread;
use std::time::Duration;

use clap::ValueEnum;
use gatepost::LogCallbacks;
use tracing::Level;
use tracing::level_filters::LevelFilter;
use tracing::subscriber::set_global_default;
use tracing_appender::non_blocking::{ErrorCounter, NonBlockingBuilder, WorkerGuard};
use tracing_log::AsLog as _;
use tracing_log::log as log_crate;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::fmt::format::{JsonFields, format};
use tracing_subscriber::layer::SubscriberExt as _;

use self::budget::Budgeted;
pub(crate) use self::budget::lines_over_budget;
use self::other_crates::OtherCrates;

/// Format of the log lines.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
pub(crate) enum LogFormat {
    /// One JSON object per line.
    Json,
    /// Text for people.
    #[default]
    Text,
}

/// Maximum number of lines in the log queue.
const QUEUE_LINES: usize = 8192;

/// Memory of a full log queue, in bytes, with 2,048 bytes for each line. Most lines have about 250
/// bytes.
pub(crate) const QUEUE_BYTES: usize = QUEUE_LINES * 2048;

/// Time limit for writing the last lines at exit.
const FLUSH_TIMEOUT: Duration = Duration::from_millis(1500);

static QUEUE: OnceLock<ErrorCounter> = OnceLock::new();
static WRITER: Mutex<Option<WorkerGuard>> = Mutex::new(None);
static UNWRITTEN: AtomicU64 = AtomicU64::new(0);

/// Starts the log. The environment variable `GATEPOST_LOG` contains the filter, for example
/// `gatepost=debug`.
///
/// Drops `debug` and `trace` lines of other crates: at these levels, Pingora prints requests with
/// their tokens and keys.
pub(crate) fn start(log_format: LogFormat) {
    let (filter, fault) = filter::from_environment();
    let queue = NonBlockingBuilder::default().lossy(true).buffered_lines_limit(QUEUE_LINES);
    let (queue, writer) = queue.finish(CountingWriter(io::stderr()));
    let _first = QUEUE.set(queue.error_counter());
    *WRITER.lock().unwrap_or_else(PoisonError::into_inner) = Some(writer);
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(queue)
        // By default, tracing reports internal errors on standard error, without the log queue.
        .log_internal_errors(false);
    let own =
        filter_fn(|meta| meta.target().starts_with("gatepost") || *meta.level() <= Level::INFO);
    let format = format().with_ansi(io::stderr().is_terminal());
    let _only = match log_format {
        LogFormat::Json => {
            let format = Budgeted { format: format.json().flatten_event(true), is_json: true };
            let log = log.fmt_fields(JsonFields::new()).event_format(format);
            set_global_default(log.finish().with(own))
        }
        LogFormat::Text => {
            let log = log.event_format(Budgeted { format, is_json: false });
            set_global_default(log.finish().with(own))
        }
    };
    let _only = log_crate::set_boxed_logger(Box::new(OtherCrates::new()));
    log_crate::set_max_level(LevelFilter::current().as_log());
    budget::start_summaries();
    if let Some(fault) = fault {
        tracing::warn!("GATEPOST_LOG: {fault} (gatepost uses the default filter)");
    }
}

/// Callbacks for which this process writes a log line, as the index in [`CALLBACKS`].
static LOGGED: AtomicU8 = AtomicU8::new(0);

const CALLBACKS: [LogCallbacks; 3] = [LogCallbacks::Refused, LogCallbacks::All, LogCallbacks::None];

/// Returns the callbacks for which this process writes a log line.
pub(crate) fn callbacks() -> LogCallbacks {
    let index = usize::from(LOGGED.load(Ordering::Relaxed));
    CALLBACKS.get(index).copied().unwrap_or_default()
}

/// Sets the callbacks for which this process writes a log line.
pub(crate) fn set_callbacks(callbacks: LogCallbacks) {
    let index = CALLBACKS.iter().position(|known| *known == callbacks).unwrap_or_default();
    LOGGED.store(u8::try_from(index).unwrap_or_default(), Ordering::Relaxed);
}

/// Writes panics to the log queue. The default hook blocks while the pipe of standard error is
/// full.
pub(crate) fn take_panics() {
    std::panic::set_hook(Box::new(|panic| {
        tracing::error!(code = "panic", "{panic}");
    }));
}

/// Writes the queued lines, within a time limit. Call this function before the program ends.
pub(crate) fn finish() {
    budget::write_summary();
    let writer = WRITER.lock().unwrap_or_else(PoisonError::into_inner).take();
    let (done, end) = channel();
    // Drop the writer on a separate thread, because the drop blocks while standard error blocks.
    thread::spawn(move || {
        drop(writer);
        let _late = done.send(());
    });
    let _end = end.recv_timeout(FLUSH_TIMEOUT);
}

/// Returns the number of lines that gatepost dropped because of a full log queue or a failed write.
pub(crate) fn lines_dropped() -> u64 {
    let no_room = QUEUE.get().map_or(0, ErrorCounter::dropped_lines);
    let no_room = u64::try_from(no_room).unwrap_or(u64::MAX);
    no_room.saturating_add(UNWRITTEN.load(Ordering::Relaxed))
}

/// Standard error, with a count of failed writes.
struct CountingWriter(Stderr);

impl io::Write for CountingWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes).inspect_err(|error| {
            if error.kind() != io::ErrorKind::Interrupted {
                UNWRITTEN.fetch_add(1, Ordering::Relaxed);
            }
        })
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}
