//! Traces over OTLP, as protobuf over HTTP.

use std::sync::OnceLock;
use std::time::{Duration, Instant, SystemTime};

use async_trait::async_trait;
use bytes::Bytes;
use data_encoding::HEXLOWER;
use gatepost::report;
use http::{HeaderMap, Request, Response, Uri};
use http_body_util::Full;
use opentelemetry::trace::{
    SpanContext, SpanId, SpanKind, Status, TraceFlags, TraceId, TraceState,
};
use opentelemetry::{InstrumentationScope, KeyValue};
use opentelemetry_http::{HttpClient, HttpError};
use opentelemetry_otlp::{SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{
    BatchConfigBuilder, BatchSpanProcessor, SpanData, SpanProcessor as _,
};
use tokio::runtime::{Builder, Runtime};

use super::{AppCall, TracesError};
use crate::telemetry::access_log::{LoggedCallback, LoggedRequest};
use crate::{app, clock};

/// Path on which every collector accepts traces.
const PATH: &str = "v1/traces";

/// Maximum number of spans in the queue.
const QUEUE_SPANS: usize = 4096;

/// Maximum number of spans in a batch.
const BATCH_SPANS: usize = 512;

/// Time after which the thread sends a batch that is not full.
const BATCH_PAUSE: Duration = Duration::from_secs(1);

/// Time limit for sending the last spans at exit.
const FLUSH_TIMEOUT: Duration = Duration::from_millis(1500);

static SPANS: OnceLock<BatchSpanProcessor> = OnceLock::new();

/// Starts the thread that sends spans to the collector at `address`.
pub(crate) fn start(address: &Uri) -> Result<(), TracesError> {
    let mut runtime = Builder::new_multi_thread();
    let runtime = runtime.worker_threads(1).thread_name("traces").enable_all().build();
    let runtime = runtime.map_err(|error| TracesError::Start(error.to_string()))?;
    let exporter = SpanExporter::builder()
        .with_http()
        .with_endpoint(format!("{address}{PATH}"))
        .with_http_client(CollectorClient(runtime))
        .build()
        .map_err(|error| TracesError::Start(error.to_string()))?;
    let config = BatchConfigBuilder::default()
        .with_max_queue_size(QUEUE_SPANS)
        .with_max_export_batch_size(BATCH_SPANS)
        .with_scheduled_delay(BATCH_PAUSE);
    let mut spans = BatchSpanProcessor::builder(exporter).with_batch_config(config.build()).build();
    let version = KeyValue::new("service.version", env!("CARGO_PKG_VERSION"));
    let resource = Resource::builder().with_service_name("gatepost").with_attribute(version);
    spans.set_resource(&resource.build());
    let _first = SPANS.set(spans);
    Ok(())
}

/// Sends the last spans, within a time limit. Call this function before the program ends.
pub(crate) fn finish() {
    if let Some(spans) = SPANS.get() {
        let _late = spans.shutdown_with_timeout(FLUSH_TIMEOUT);
    }
}

/// Begins the trace of a callback. Returns `None` without a configured collector, and for a parent
/// that is not sampled. A trace without a parent has the first 16 bytes of `random` as its id.
pub(crate) fn begin(headers: &HeaderMap, random: [u8; 24]) -> Option<CallbackTrace> {
    SPANS.get()?;
    let (trace, span) = random.split_at(16);
    let parent = headers.get("traceparent").and_then(|value| Parent::parse(value.as_bytes()));
    if parent.as_ref().is_some_and(|parent| !parent.is_sampled) {
        return None;
    }
    let new_trace = TraceId::from_bytes(trace.try_into().ok()?);
    Some(CallbackTrace {
        trace: parent.as_ref().map_or(new_trace, |parent| parent.trace),
        parent: parent.map(|parent| parent.span),
        span: SpanId::from_bytes(span.try_into().ok()?),
        app_span: SpanId::from_bytes(fastrand::u64(1..).to_be_bytes()),
        start: clock::system_time(),
    })
}

/// The trace of a callback.
#[derive(Debug)]
pub(crate) struct CallbackTrace {
    trace: TraceId,
    parent: Option<SpanId>,
    span: SpanId,
    app_span: SpanId,
    start: SystemTime,
}

impl CallbackTrace {
    /// Returns the id of the span of the request to the app.
    pub(crate) const fn app_span(&self) -> [u8; 8] {
        self.app_span.to_bytes()
    }

    /// Passes the spans to the sending thread. `started` is the time of the callback's head.
    pub(crate) fn end(
        &self,
        started: Instant,
        request: &LoggedRequest<'_>,
        callback: &LoggedCallback<'_>,
        app: Option<AppCall>,
    ) {
        let Some(spans) = SPANS.get() else { return };
        spans.on_end(self.callback_span(request, callback));
        if let Some(app) = app {
            spans.on_end(self.app_call_span(started, app));
        }
    }

    fn callback_span(
        &self,
        request: &LoggedRequest<'_>,
        callback: &LoggedCallback<'_>,
    ) -> SpanData {
        let kind = callback.kind.unwrap_or("refused");
        let texts = [
            ("http.request.method", Some(request.method)),
            ("url.path", Some(request.path)),
            ("gatepost.provider", Some(callback.provider)),
            ("gatepost.template", callback.template),
            ("gatepost.tenant", callback.tenant),
            ("gatepost.kind", callback.kind),
            ("gatepost.code", Some(callback.code)),
            ("gatepost.decision", callback.decision),
            ("cloudevents.event_id", callback.id),
        ];
        let texts = texts.into_iter().filter_map(|(name, value)| Some((name, value?)));
        let mut attributes: Vec<_> =
            texts.map(|(name, value)| KeyValue::new(name, value.to_owned())).collect();
        attributes.extend(request.status.map(status_attribute));
        attributes
            .extend(request.from.map(|from| KeyValue::new("client.address", from.to_string())));
        let failed = request.status.is_none_or(|status| status >= 500);
        let name = format!("callback {}.{kind}", callback.provider);
        let (parent, end) = (self.parent, self.start + request.elapsed);
        self.span(self.span, parent, SpanKind::Server, name, (self.start, end), attributes, failed)
    }

    fn app_call_span(&self, started: Instant, app: AppCall) -> SpanData {
        let start = self.start + app.asked.saturating_duration_since(started);
        let times = (start, start + app.took);
        let attributes = app.status.map(status_attribute).into_iter().collect();
        let failed = app.status.is_none_or(|status| status >= 500);
        let (id, name) = (self.app_span, "ask the app".to_owned());
        self.span(id, Some(self.span), SpanKind::Client, name, times, attributes, failed)
    }

    #[expect(clippy::too_many_arguments, reason = "a span has many parts")]
    fn span(
        &self,
        id: SpanId,
        parent: Option<SpanId>,
        span_kind: SpanKind,
        name: String,
        (start_time, end_time): (SystemTime, SystemTime),
        attributes: Vec<KeyValue>,
        failed: bool,
    ) -> SpanData {
        let (flags, state) = (TraceFlags::SAMPLED, TraceState::default());
        SpanData {
            span_context: SpanContext::new(self.trace, id, flags, false, state),
            parent_span_id: parent.unwrap_or(SpanId::INVALID),
            parent_span_is_remote: parent.is_some() && parent == self.parent,
            span_kind,
            name: name.into(),
            start_time,
            end_time,
            attributes,
            dropped_attributes_count: 0,
            events: Default::default(),
            links: Default::default(),
            status: if failed { Status::error("") } else { Status::Unset },
            instrumentation_scope: InstrumentationScope::builder("gatepost").build(),
        }
    }
}

fn status_attribute(status: u16) -> KeyValue {
    KeyValue::new("http.response.status_code", i64::from(status))
}

/// The parent of a callback's span, from `traceparent`.
#[derive(Debug, PartialEq, Eq)]
struct Parent {
    trace: TraceId,
    span: SpanId,
    is_sampled: bool,
}

impl Parent {
    /// Parses a `traceparent`; `None` for an invalid value.
    fn parse(value: &[u8]) -> Option<Self> {
        let mut parts = value.split(|byte| *byte == b'-');
        let mut part = || HEXLOWER.decode(parts.next()?).ok();
        let (version, trace, span, flags) = (part()?, part()?, part()?, part()?);
        let ([_], [flags]) = (&*version, &*flags) else { return None };
        let trace = TraceId::from_bytes(trace.try_into().ok()?);
        let span = SpanId::from_bytes(span.try_into().ok()?);
        let is_valid = trace != TraceId::INVALID && span != SpanId::INVALID;
        (is_valid && parts.next().is_none()).then_some(Self {
            trace,
            span,
            is_sampled: flags & 1 == 1,
        })
    }
}

/// HTTP client of the exporter. The client has a tokio runtime, because the exporter's thread has
/// none.
#[derive(Debug)]
struct CollectorClient(Runtime);

#[async_trait]
impl HttpClient for CollectorClient {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let sent = self.0.spawn(app::fetch(request.map(Full::new))).await?;
        let (parts, body) = sent.inspect_err(|error| warn(error))?;
        if !parts.status.is_success() {
            warn(&format_args!("status {}", parts.status));
        }
        Ok(Response::from_parts(parts, body))
    }
}

fn warn(error: &dyn std::fmt::Display) {
    let message = format_args!(
        "expected a collector that accepts traces, found an error: {error}; check telemetry.otlp"
    );
    report::warned("traces_failed", &message, None, clock::now());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_parent_from_valid_traceparent() {
        let valid = b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        let parent = Parent::parse(valid).unwrap();
        assert_eq!(parent.trace.to_string(), "0af7651916cd43dd8448eb211c80319c");
        assert_eq!(parent.span.to_string(), "b7ad6b7169203331");
        assert!(parent.is_sampled);
        for invalid in [
            "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-00",
            "",
        ] {
            assert_eq!(Parent::parse(invalid.as_bytes()), None, "{invalid}");
        }
    }
}
