//! The access log: one JSON line for each request in the sample, callback or not, in a separate
//! file.
//!
//! 1. A line contains no query, no header and no body. `{token}` replaces the secret segment of a
//!    path.
//! 2. A separate thread writes the lines. If its queue is full or a write fails, gatepost drops and
//!    counts the line, so no request waits.
//! 3. [`reopen`] opens the file by its name again, after a tool has renamed the file.
//! 4. A request whose head gatepost cannot read has no line. The log and the metrics report it.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::net::IpAddr;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use gatepost::{Accepted, AccessLogSettings, Conclusion, Refusal};
use serde::Serialize;
use tracing_appender::non_blocking::{NonBlocking, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime as _, SystemTime};

/// Maximum number of lines in the queue.
const QUEUE_LINES: usize = 8192;

/// Memory of a full queue, in bytes, with 512 bytes for each line. Most lines have about 300 bytes.
pub(crate) const QUEUE_BYTES: usize = QUEUE_LINES * 512;

/// Mode of a new file: its group may read the file.
const FILE_MODE: u32 = 0o640;

static ACCESS_LOG: OnceLock<AccessLog> = OnceLock::new();

/// A running access log.
#[derive(Debug)]
pub(crate) struct AccessLog {
    queue: NonBlocking,
    file: LogFile,
    sample: f64,
    writer: Mutex<Option<WorkerGuard>>,
}

/// Opens the file and starts the log.
///
/// # Errors
///
/// Returns an error if gatepost cannot open the file.
pub(crate) fn start(settings: &AccessLogSettings) -> io::Result<()> {
    let file = LogFile::open(&settings.file)?;
    let builder = NonBlockingBuilder::default().lossy(true).buffered_lines_limit(QUEUE_LINES);
    let (queue, writer) = builder.thread_name("access-log").finish(file.clone());
    let writer = Mutex::new(Some(writer));
    let _first = ACCESS_LOG.set(AccessLog { queue, file, sample: settings.sample, writer });
    Ok(())
}

/// Opens the file by its name again. After a failure, gatepost continues to write to the old file.
pub(crate) fn reopen() {
    let Some(log) = ACCESS_LOG.get() else { return };
    let path = log.file.path.display();
    match log.file.reopen() {
        Ok(()) => tracing::info!("{path}: reopened the access log"),
        Err(error) => tracing::error!(
            "{path}: expected a file for the access log, found an error: {error}; check the folder \
             and its permissions"
        ),
    }
}

/// Writes the queued lines. Call this function before the program ends.
pub(crate) fn finish() {
    let Some(log) = ACCESS_LOG.get() else { return };
    drop(log.writer.lock().unwrap_or_else(PoisonError::into_inner).take());
}

/// Returns the number of lines that gatepost dropped because the queue was full or a write failed.
pub(crate) fn lines_dropped() -> u64 {
    ACCESS_LOG.get().map_or(0, |log| {
        let no_room = log.queue.error_counter().dropped_lines();
        let no_room = u64::try_from(no_room).unwrap_or(u64::MAX);
        no_room.saturating_add(log.file.unwritten.load(Ordering::Relaxed))
    })
}

/// Returns the log if gatepost must write a line for the caller's request; `None` without an
/// access log, and for a request that is not in the sample.
pub(crate) fn sampled() -> Option<&'static AccessLog> {
    ACCESS_LOG.get().filter(|log| log.sample >= 1.0 || fastrand::f64() < log.sample)
}

impl AccessLog {
    /// Puts a line into the queue.
    pub(crate) fn write(&self, request: &LoggedRequest<'_>, callback: Option<LoggedCallback<'_>>) {
        let mut time = String::with_capacity(32);
        let _infallible = SystemTime.format_time(&mut Writer::new(&mut time));
        let Ok(mut line) = serde_json::to_vec(&Line { time: &time, request, callback }) else {
            return;
        };
        line.push(b'\n');
        let _never_fails = self.queue.clone().write_all(&line);
    }
}

#[derive(Serialize)]
struct Line<'a> {
    time: &'a str,
    #[serde(flatten)]
    request: &'a LoggedRequest<'a>,
    #[serde(flatten)]
    callback: Option<LoggedCallback<'a>>,
}

/// Fields of a line about a request and its response.
#[derive(Debug, Serialize)]
pub(crate) struct LoggedRequest<'a> {
    pub(crate) from: Option<IpAddr>,
    pub(crate) method: &'a str,
    /// The path from [`Gate::printable_path`](gatepost::Gate::printable_path).
    pub(crate) path: &'a str,
    /// Status of the response; `None` if the client received no status.
    pub(crate) status: Option<u16>,
    #[serde(serialize_with = "millis", rename = "elapsed_ms")]
    pub(crate) elapsed: Duration,
    pub(crate) received_bytes: u64,
    pub(crate) sent_bytes: u64,
}

/// Serializes a duration in milliseconds, with three decimals.
fn millis<S: serde::Serializer>(time: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(time.as_micros() as f64 / 1000.0)
}

/// Fields of a line about a callback.
#[derive(Debug, Serialize)]
pub(crate) struct LoggedCallback<'a> {
    /// Address of the client. For a request through trusted proxies, the address that the proxies
    /// name.
    #[serde(skip)]
    pub(crate) client: Option<IpAddr>,
    pub(crate) provider: &'a str,
    pub(crate) template: Option<&'a str>,
    pub(crate) tenant: Option<&'a str>,
    pub(crate) kind: Option<&'a str>,
    pub(crate) id: Option<&'a str>,
    pub(crate) code: &'static str,
    pub(crate) decision: Option<&'static str>,
    pub(crate) app_ms: Option<f64>,
}

impl<'a> LoggedCallback<'a> {
    pub(crate) fn refused(refusal: &'a Refusal) -> Self {
        Self {
            client: refusal.client(),
            provider: refusal.provider(),
            template: refusal.template(),
            tenant: refusal.tenant(),
            kind: None,
            id: None,
            code: refusal.kind().as_str(),
            decision: None,
            app_ms: None,
        }
    }

    /// Returns the fields of an accepted callback. `conclusion` is `None` if the client has
    /// disconnected before the reply.
    pub(crate) fn accepted(
        accepted: &'a Accepted,
        conclusion: Option<&'a Conclusion>,
        app: Option<Duration>,
    ) -> Self {
        let event = accepted.event();
        let code = conclusion.map_or("client_gone", |conclusion| {
            let failure = conclusion.origin.failure();
            failure.map_or(conclusion.origin.as_str(), |failure| failure.kind().as_str())
        });
        let permission = conclusion.and_then(Conclusion::permission);
        Self {
            client: accepted.client(),
            provider: event.provider(),
            template: Some(accepted.template().name()),
            tenant: event.tenant(),
            kind: Some(event.kind()),
            id: Some(event.id()),
            code,
            decision: permission.map(gatepost::Permission::as_str),
            app_ms: app.map(|app| app.as_micros() as f64 / 1000.0),
        }
    }
}

/// The file of the log. Clones write to the same file.
#[derive(Clone, Debug)]
struct LogFile {
    path: PathBuf,
    file: Arc<Mutex<File>>,
    unwritten: Arc<AtomicU64>,
}

impl LogFile {
    fn open(path: &Path) -> io::Result<Self> {
        let file = Arc::new(Mutex::new(open(path)?));
        Ok(Self { path: path.to_owned(), file, unwritten: Arc::default() })
    }

    fn reopen(&self) -> io::Result<()> {
        let file = open(&self.path)?;
        *self.file.lock().unwrap_or_else(PoisonError::into_inner) = file;
        Ok(())
    }
}

fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).append(true).mode(FILE_MODE).open(path)
}

impl Write for LogFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.lock().unwrap_or_else(PoisonError::into_inner).write(bytes);
        written.inspect_err(|error| {
            if error.kind() != io::ErrorKind::Interrupted {
                self.unwritten.fetch_add(1, Ordering::Relaxed);
            }
        })
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_to_new_file_after_reopen() {
        let folder = tempfile::tempdir().unwrap();
        let (path, old) = (folder.path().join("access.log"), folder.path().join("access.log.1"));
        let mut file = LogFile::open(&path).unwrap();
        file.write_all(b"first\n").unwrap();
        std::fs::rename(&path, &old).unwrap();
        file.write_all(b"second\n").unwrap();
        file.reopen().unwrap();
        file.write_all(b"third\n").unwrap();
        assert_eq!(std::fs::read_to_string(&old).unwrap(), "first\nsecond\n");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "third\n");
    }

    #[test]
    fn keeps_old_file_if_reopen_fails() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("logs/access.log");
        std::fs::create_dir(folder.path().join("logs")).unwrap();
        let mut file = LogFile::open(&path).unwrap();
        std::fs::rename(folder.path().join("logs"), folder.path().join("old")).unwrap();
        assert!(file.reopen().is_err());
        file.write_all(b"kept\n").unwrap();
        assert_eq!(
            std::fs::read_to_string(folder.path().join("old/access.log")).unwrap(),
            "kept\n"
        );
    }
}
