//! The config keys for log lines and traces: `log_callbacks` and `[telemetry]`.

use std::path::PathBuf;

use http::Uri;

use super::ConfigReader;
use crate::toml_reader::Table;

/// Settings of the log and the traces.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct TelemetrySettings {
    /// Callbacks for which the proxy writes a log line.
    pub log_callbacks: LogCallbacks,
    /// Settings of the access log; `None` if the proxy writes no access log.
    pub access_log: Option<AccessLogSettings>,
    /// Address of the collector that receives traces; `None` if the proxy sends no traces.
    pub otlp: Option<Uri>,
}

impl TelemetrySettings {
    /// Returns true if the proxy must restart to use `new`.
    pub(super) fn needs_restart(&self, new: &Self) -> bool {
        (&self.access_log, &self.otlp) != (&new.access_log, &new.otlp)
    }
}

/// Callbacks for which the proxy writes a log line.
///
/// The proxy always logs a failure of the app. It also always logs an accepted callback in each of
/// these cases:
///
/// - A field is missing, or does not have its declared type.
/// - A signed id arrived earlier with other data.
/// - The app's answer is unclear, or has members that gatepost drops.
/// - The template does not list the kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogCallbacks {
    /// Each callback.
    All,
    /// Each refused callback.
    #[default]
    Refused,
    /// No callback.
    None,
}

impl LogCallbacks {
    pub(crate) const WORDS: [(&'static str, Self); 3] =
        [("all", Self::All), ("none", Self::None), ("refused", Self::Refused)];
}

/// Settings of the access log: a file with a line for each request, or for a sample of the
/// requests.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct AccessLogSettings {
    /// Path of the file.
    pub file: PathBuf,
    /// Fraction of the requests that gatepost logs in the file, from 0 to 1.
    pub sample: f64,
}

impl<'f> ConfigReader<'f, '_> {
    pub(super) fn telemetry(&self, table: &Table<'f>) -> TelemetrySettings {
        let word = table.string("log_callbacks");
        let log_callbacks = word.and_then(|word| self.word(&word, "value", &LogCallbacks::WORDS));
        let log_callbacks = log_callbacks.unwrap_or_default();
        let Some(telemetry) = table.table("telemetry") else {
            return TelemetrySettings { log_callbacks, ..TelemetrySettings::default() };
        };
        let access_log = telemetry.table("access_log").and_then(|table| self.access_log(&table));
        let otlp = telemetry.string("otlp").and_then(|text| self.origin(&text));
        telemetry.finish();
        TelemetrySettings { log_callbacks, access_log, otlp }
    }

    fn access_log(&self, table: &Table<'f>) -> Option<AccessLogSettings> {
        let file = table.require_string("file", "add file = \"access.log\"");
        let sample = table.fraction("sample").unwrap_or(1.0);
        table.finish();
        Some(AccessLogSettings { file: self.path(&file?), sample })
    }
}
