//! The log budget: a limit on the bytes of the log lines that requests cause.
//!
//! 1. gatepost always writes its lines without a `code`, such as its start, its edits and
//!    successful reloads. A request without the admin token cannot cause such a line.
//! 2. gatepost divides its lines with a `code`, and all lines of other crates, into [`Share`]s.
//!    Each share has its own part of the budget, so a flood of forged requests does not hide
//!    failures.
//! 3. If fewer than [`MIN_LINE_BYTES`] bytes of this part remain, gatepost drops and counts the
//!    line. At most one line per second lists the counts.
//! 4. If the operator asks for `debug` lines of gatepost, these lines have no limit.

use std::collections::BTreeMap;
use std::fmt::{self, Debug, Write as _};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{LazyLock, Mutex, OnceLock, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value as Json;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Metadata, Subscriber};
use tracing_log::NormalizeEvent as _;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

/// Bytes per second of each share except [`Share::Callbacks`].
const BYTES_PER_SECOND: u32 = 16 * 1024;

/// Bytes per second of the lines about accepted callbacks. Only genuine callbacks cause such lines.
/// By default, gatepost writes no such lines.
const CALLBACK_BYTES_PER_SECOND: u32 = 256 * 1024;

/// Time in which an unused share regains its burst.
const BURST: Duration = Duration::from_secs(4);

/// Number of bytes that gatepost counts for a shorter line. This number limits the share of
/// accepted callbacks to 1,024 lines per second, and each other share to 64 lines per second.
const MIN_LINE_BYTES: usize = 256;

/// Maximum length of a line in a share, in bytes.
const MAX_LINE_BYTES: usize = 4096;

/// Maximum length, in bytes, of each string in a JSON line of more than [`MAX_LINE_BYTES`].
const MAX_VALUE_BYTES: usize = 256;

/// Time between the first dropped line and the line with the counts.
const SUMMARY_PAUSE: Duration = Duration::from_secs(1);

/// Maximum number of counts in one line, besides the count of all other lines.
const MAX_COUNTS: usize = 32;

static BUDGET: Mutex<LogBudget> = Mutex::new(LogBudget::new());
static STARTED: LazyLock<Instant> = LazyLock::new(Instant::now);
static SUMMARIES: OnceLock<SyncSender<()>> = OnceLock::new();
static DROPPED: AtomicU64 = AtomicU64::new(0);

/// Part of the log budget.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Share {
    /// gatepost's lines at info with a code: accepted callbacks, and the stop.
    Callbacks,
    /// gatepost's errors with a code, such as an app that does not answer.
    Failures,
    /// Lines of all other crates.
    OtherCrates,
    /// gatepost's other lines with a code, such as refusals.
    Warnings,
}

impl Share {
    /// Returns the share of a line; `None` if the line has no limit.
    fn of(meta: &Metadata<'_>) -> Option<Self> {
        if !meta.target().starts_with("gatepost") {
            return Some(Self::OtherCrates);
        }
        if *meta.level() > Level::INFO
            || meta.fields().field("code").is_none()
            || meta.target() == module_path!()
        {
            return None;
        }
        Some(match *meta.level() {
            Level::ERROR => Self::Failures,
            Level::WARN => Self::Warnings,
            _ => Self::Callbacks,
        })
    }

    const fn bytes_per_second(self) -> u32 {
        match self {
            Self::Callbacks => CALLBACK_BYTES_PER_SECOND,
            Self::Failures | Self::OtherCrates | Self::Warnings => BYTES_PER_SECOND,
        }
    }

    /// Returns the time in which the share regains `bytes`.
    fn time_of(self, bytes: usize) -> Duration {
        Duration::from_secs(1) * u32::try_from(bytes).unwrap_or(u32::MAX) / self.bytes_per_second()
    }
}

/// State of the shares, and the dropped lines since the last line with counts.
///
/// `full_at` is the time at which each share is full again, as in the generic cell rate algorithm.
struct LogBudget {
    full_at: [Duration; 4],
    dropped: BTreeMap<(String, String), u64>,
}

impl LogBudget {
    const fn new() -> Self {
        Self { full_at: [Duration::ZERO; 4], dropped: BTreeMap::new() }
    }

    fn full_at(&mut self, share: Share) -> &mut Duration {
        let [callbacks, failures, other_crates, warnings] = &mut self.full_at;
        match share {
            Share::Callbacks => callbacks,
            Share::Failures => failures,
            Share::OtherCrates => other_crates,
            Share::Warnings => warnings,
        }
    }

    /// Returns true if a short line fits into the share.
    fn has_room(&mut self, share: Share, now: Duration) -> bool {
        let after = (*self.full_at(share)).max(now) + share.time_of(MIN_LINE_BYTES);
        after <= now + BURST
    }

    /// Subtracts a line of `bytes` bytes from the share.
    fn take(&mut self, share: Share, bytes: usize, now: Duration) {
        let full_at = self.full_at(share);
        *full_at = (*full_at).max(now) + share.time_of(bytes.max(MIN_LINE_BYTES));
    }

    /// Counts a dropped line. Returns true for the first line since the last summary.
    fn drop_line(&mut self, target: &str, code: String) -> bool {
        let is_first = self.dropped.is_empty();
        let mut key = (target.to_owned(), code);
        if self.dropped.len() >= MAX_COUNTS && !self.dropped.contains_key(&key) {
            key = ("other".to_owned(), String::new());
        }
        *self.dropped.entry(key).or_default() += 1;
        is_first
    }
}

/// Returns the number of lines beyond the log budget since the start.
pub(crate) fn lines_over_budget() -> u64 {
    DROPPED.load(Ordering::Relaxed)
}

/// Starts the thread that writes the counts of dropped lines.
pub(super) fn start_summaries() {
    let (sender, receiver) = sync_channel(1);
    let _first = SUMMARIES.set(sender);
    thread::spawn(move || write_summaries(&receiver));
}

fn write_summaries(receiver: &Receiver<()>) {
    while receiver.recv().is_ok() {
        thread::sleep(SUMMARY_PAUSE);
        write_summary();
    }
}

/// Writes the counts of dropped lines; without dropped lines, writes nothing.
pub(super) fn write_summary() {
    let dropped = std::mem::take(&mut with_budget(|budget| std::mem::take(&mut budget.dropped)));
    if dropped.is_empty() {
        return;
    }
    let mut counts = String::new();
    for ((target, code), count) in &dropped {
        let (gap, slash) =
            (if counts.is_empty() { "" } else { " " }, if code.is_empty() { "" } else { "/" });
        let _infallible = write!(counts, "{gap}{target}{slash}{code}={count}");
    }
    let lines: u64 = dropped.values().sum();
    tracing::warn!(
        code = "log_lines_over_budget",
        lines,
        counts,
        "dropped log lines beyond the log budget"
    );
}

fn with_budget<T>(act: impl FnOnce(&mut LogBudget) -> T) -> T {
    // Ignore a poisoned lock, because a panic cannot leave the state inconsistent.
    act(&mut BUDGET.lock().unwrap_or_else(PoisonError::into_inner))
}

/// Line format that drops each line beyond the log budget.
pub(super) struct Budgeted<F> {
    pub(super) format: F,
    pub(super) is_json: bool,
}

impl<S, N, F> FormatEvent<S, N> for Budgeted<F>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
    F: FormatEvent<S, N>,
{
    /// Returns an error for a line beyond the budget. The subscriber then writes nothing.
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let normalized = event.normalized_metadata();
        let meta = normalized.as_ref().unwrap_or_else(|| event.metadata());
        let Some(share) = Share::of(meta) else {
            return self.format.format_event(context, writer, event);
        };
        let now = STARTED.elapsed();
        // Check before formatting, so that a dropped line costs little.
        if !with_budget(|budget| budget.has_room(share, now)) {
            drop_line(meta.target(), event);
            return Err(fmt::Error);
        }
        let mut line = String::new();
        self.format.format_event(context, Writer::new(&mut line), event)?;
        let line = if line.len() > MAX_LINE_BYTES { shortened(&line, self.is_json) } else { line };
        with_budget(|budget| budget.take(share, line.len(), now));
        writer.write_str(&line)
    }
}

#[cold]
fn drop_line(target: &str, event: &Event<'_>) {
    DROPPED.fetch_add(1, Ordering::Relaxed);
    let mut code = Code(String::new());
    event.record(&mut code);
    if with_budget(|budget| budget.drop_line(target, code.0))
        && let Some(summaries) = SUMMARIES.get()
    {
        let _pending = summaries.try_send(());
    }
}

/// The field `code` of a line.
struct Code(String);

impl Visit for Code {
    fn record_debug(&mut self, _field: &Field, _value: &dyn Debug) {}

    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "code" {
            value.clone_into(&mut self.0);
        }
    }
}

/// Shortens a line. If shorter values suffice, a JSON line remains JSON.
fn shortened(line: &str, is_json: bool) -> String {
    let shortened = if is_json { shortened_json(line) } else { None };
    let mut line = shortened.unwrap_or_else(|| cut(line, MAX_LINE_BYTES));
    line.push('\n');
    line
}

/// Shortens each string of a JSON line; `None` if the line remains too long.
fn shortened_json(line: &str) -> Option<String> {
    let mut fields: BTreeMap<String, Json> = serde_json::from_str(line).ok()?;
    for value in fields.values_mut() {
        if let Json::String(text) = value {
            *text = cut(text, MAX_VALUE_BYTES);
        }
    }
    let line = serde_json::to_string(&fields).ok()?;
    (line.len() < MAX_LINE_BYTES).then_some(line)
}

/// Returns the first `max` bytes of `text`. If `text` is longer, `…` replaces the last
/// characters.
pub(super) fn cut(text: &str, max: usize) -> String {
    const MARK: &str = "…";
    if text.len() <= max {
        return text.to_owned();
    }
    let end = text.floor_char_boundary(max.saturating_sub(MARK.len()));
    format!("{}{MARK}", text.get(..end).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn share_permits_a_burst_and_then_its_rate() {
        let mut budget = LogBudget::new();
        let mut written = 0;
        for millis in 0..3_000 {
            let now = Duration::from_millis(millis);
            for _ in 0..20 {
                if budget.has_room(Share::Warnings, now) {
                    budget.take(Share::Warnings, 400, now);
                    written += 400;
                }
            }
        }
        let expected = ((4 + 3) * BYTES_PER_SECOND) as usize;
        let is_near = (expected - 2_000..expected + 400).contains(&written);
        assert!(is_near, "expected about {expected} bytes, found {written}");
        let has_room = budget.has_room(Share::Failures, Duration::ZERO);
        assert!(has_room, "expected room in another share, found none");
    }

    #[test]
    fn short_line_counts_for_more_bytes_than_it_has() {
        let mut budget = LogBudget::new();
        let mut lines = 0;
        while budget.has_room(Share::OtherCrates, Duration::ZERO) {
            budget.take(Share::OtherCrates, 1, Duration::ZERO);
            lines += 1;
        }
        assert_eq!(lines, 4 * BYTES_PER_SECOND as usize / MIN_LINE_BYTES);
    }

    #[test]
    fn counts_dropped_lines_in_bounded_memory() {
        let mut budget = LogBudget::new();
        for code in 0..1_000 {
            let is_first = budget.drop_line("gatepost::report", code.to_string());
            assert_eq!(is_first, code == 0);
        }
        assert_eq!(budget.dropped.len(), MAX_COUNTS + 1);
        assert_eq!(budget.dropped.values().sum::<u64>(), 1_000);
    }

    #[test]
    fn shortened_line_has_one_line_end_and_remains_json() {
        let long = "é".repeat(5_000);
        let line = shortened(&format!("{{\"message\":\"{long}\",\"status\":400}}\n"), true);
        assert!(
            line.len() < 600 && line.ends_with("}\n"),
            "expected a short whole line, found {line}"
        );
        let json: Json = serde_json::from_str(&line).unwrap();
        assert_eq!(json["status"], 400);
        let text = shortened(&format!("{long}\n"), false);
        assert!(
            text.len() <= MAX_LINE_BYTES + 1 && text.ends_with("…\n"),
            "expected a shortened line, found {text}"
        );
    }
}
