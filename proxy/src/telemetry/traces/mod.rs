//! Traces for an OpenTelemetry collector: one span for each callback, and one for the request to
//! the app. Traces need the feature `otlp`.
//!
//! 1. A valid `traceparent` of the request names the parent of the callback's span. If the parent
//!    is not sampled, gatepost sends no span.
//! 2. The event's `traceparent` names the span of the request to the app.
//! 3. A separate thread sends the spans, in batches. If the queue of spans is full or the collector
//!    does not respond, gatepost drops spans, so no callback waits.

#[cfg(not(feature = "otlp"))]
mod absent;
#[cfg(feature = "otlp")]
mod otlp;

use std::time::{Duration, Instant};

#[cfg(not(feature = "otlp"))]
pub(crate) use self::absent::{AbsentTrace as CallbackTrace, begin, finish, start};
#[cfg(feature = "otlp")]
pub(crate) use self::otlp::{CallbackTrace, begin, finish, start};

/// Times and status of a request to the app.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(not(feature = "otlp"), expect(dead_code, reason = "only traces read all fields"))]
pub(crate) struct AppCall {
    pub(crate) asked: Instant,
    pub(crate) took: Duration,
    /// Status of the answer; `None` without an answer.
    pub(crate) status: Option<u16>,
}

/// Reason why gatepost cannot send traces.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TracesError {
    #[cfg(not(feature = "otlp"))]
    #[error(
        "telemetry.otlp: expected a gatepost with the feature `otlp`, found a gatepost without \
         this feature; build gatepost with --features otlp, or remove the key"
    )]
    Absent,
    #[cfg(feature = "otlp")]
    #[error(
        "telemetry.otlp: expected an exporter of traces, found an error: {0}; check the address and \
         the process limits"
    )]
    Start(String),
}

/// Returns an error if this program cannot send traces.
pub(crate) const fn check() -> Result<(), TracesError> {
    #[cfg(not(feature = "otlp"))]
    return Err(TracesError::Absent);
    #[cfg(feature = "otlp")]
    Ok(())
}
