//! Tests of traces: the tests decode the spans that a mock collector receives.

#[cfg(not(feature = "otlp"))]
#[test]
fn key_otlp_is_a_fault_without_the_feature() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("gatepost.toml");
    let config = "upstream = 'http://127.0.0.1:9'\nlisten = '127.0.0.1:0'\n\
                  [telemetry]\notlp = 'http://127.0.0.1:4318'\n\
                  [[route]]\npath = '/x'\nprovider = 'kollus'\nmode = 'shadow'\n";
    std::fs::write(&path, config).unwrap();
    for command in ["check", "run"] {
        let output = crate::support::gatepost().args([command, "-c"]).arg(&path).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{command}");
        let stderr = String::from_utf8(output.stderr).unwrap();
        let fault =
            "telemetry.otlp: expected a gatepost with the feature `otlp`, found a gatepost without";
        assert!(stderr.contains(fault), "{command}: expected {fault}, found {stderr}");
    }
}

#[cfg(feature = "otlp")]
mod otlp {
    use std::time::Duration;

    use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
    use opentelemetry_proto::tonic::common::v1::{KeyValue, any_value::Value};
    use opentelemetry_proto::tonic::trace::v1::Span;
    use prost::Message as _;

    use crate::support::{
        Act, App, Gatepost, eventually, play, post, post_with, pushed, templates, within,
    };

    /// Starts gatepost, which sends traces to `collector`.
    fn serve(collector: &App, app: &App) -> Gatepost {
        let top = format!("[telemetry]\notlp = '{}'", collector.url(""));
        Gatepost::serve(&top, &templates(app))
    }

    /// Returns the spans that a collector has received.
    fn spans(collector: &App) -> Vec<Span> {
        let requests = collector.seen().into_iter().map(|seen| {
            assert_eq!(seen.line, "POST /v1/traces HTTP/1.1");
            assert_eq!(seen.header("content-type"), Some("application/x-protobuf"));
            ExportTraceServiceRequest::decode(&*seen.body).unwrap()
        });
        let mut spans = Vec::new();
        for resource in requests.flat_map(|request| request.resource_spans) {
            let attributes = resource.resource.unwrap().attributes;
            assert_eq!(text(&attributes, "service.name").unwrap(), "gatepost");
            spans.extend(resource.scope_spans.into_iter().flat_map(|scope| scope.spans));
        }
        spans
    }

    fn wait_for_spans(collector: &App, count: usize) -> Vec<Span> {
        eventually("spans", || spans(collector).len() >= count);
        let spans = spans(collector);
        assert_eq!(spans.len(), count, "{spans:#?}");
        spans
    }

    fn text(attributes: &[KeyValue], name: &str) -> Option<String> {
        let attribute = attributes.iter().find(|attribute| attribute.key == name)?;
        let value = attribute.value.clone()?.value?;
        if let Value::StringValue(text) = value {
            return Some(text);
        }
        let Value::IntValue(number) = value else {
            panic!("expected a string or an integer, found {value:?}")
        };
        Some(number.to_string())
    }

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    #[test]
    fn callback_has_a_span_with_the_request_to_the_app_as_child() {
        let (collector, app) = (App::answering(200, ""), App::answering(200, r#"{"allow":false}"#));
        let gate = serve(&collector, &app);
        gate.send(&play());
        let spans = wait_for_spans(&collector, 2);
        let child = spans.iter().find(|span| span.name == "ask the app").unwrap();
        let callback = spans.iter().find(|span| span.name == "callback kollus.live_play").unwrap();
        assert_eq!(callback.trace_id, child.trace_id);
        assert_eq!(child.parent_span_id, callback.span_id);
        assert!(callback.parent_span_id.is_empty());
        let (start, end) = (callback.start_time_unix_nano, callback.end_time_unix_nano);
        assert!(
            start <= child.start_time_unix_nano,
            "expected a start within {callback:?}, found {child:?}"
        );
        assert!(
            child.end_time_unix_nano <= end,
            "expected an end within {callback:?}, found {child:?}"
        );
        for (name, value) in [
            ("http.request.method", "POST"),
            ("http.response.status_code", "200"),
            ("url.path", "/callbacks/kollus/{token}…"),
            ("gatepost.template", "付费-1"),
            ("gatepost.tenant", "c"),
            ("gatepost.decision", "deny"),
            ("gatepost.code", "app"),
            ("client.address", "127.0.0.1"),
        ] {
            assert_eq!(text(&callback.attributes, name).as_deref(), Some(value), "{name}");
        }
        let event = app.only();
        assert_eq!(
            text(&callback.attributes, "cloudevents.event_id").as_deref(),
            event.header("ce-id")
        );
        let parent = format!("00-{}-{}-01", hex(&child.trace_id), hex(&child.span_id));
        assert_eq!(event.header("traceparent"), Some(&*parent));
        assert_eq!(text(&child.attributes, "http.response.status_code").unwrap(), "200");
    }

    #[test]
    fn continues_trace_of_the_client() {
        let (collector, app) = (App::answering(200, ""), App::answering(200, ""));
        let gate = serve(&collector, &app);
        let trace = "0af7651916cd43dd8448eb211c80319c";
        let sent = |flags: &str| {
            let parent = format!("traceparent: 00-{trace}-b7ad6b7169203331-{flags}\r\n");
            post_with("/callbacks/tencent", &parent, &crate::support::push())
        };
        gate.send(&sent("00"));
        gate.send(&sent("01"));
        let spans = wait_for_spans(&collector, 2);
        let callback = spans.iter().find(|span| span.name == "callback tencent-css.push").unwrap();
        assert_eq!(hex(&callback.trace_id), trace);
        assert_eq!(hex(&callback.parent_span_id), "b7ad6b7169203331");
        let child = spans.iter().find(|span| span.name == "ask the app").unwrap();
        let seen = app.seen();
        let [unsampled, sampled] = &seen[..] else { panic!("expected two events, found {seen:?}") };
        let unchanged = format!("00-{trace}-b7ad6b7169203331-00");
        assert_eq!(unsampled.header("traceparent"), Some(&*unchanged));
        let parent = format!("00-{trace}-{}-01", hex(&child.span_id));
        assert_eq!(sampled.header("traceparent"), Some(&*parent));
    }

    #[test]
    fn refused_callback_and_failed_app_have_spans() {
        let (collector, app) = (App::answering(200, ""), App::start(|_| Act::HangUp));
        let gate = serve(&collector, &app);
        gate.send(&post("/callbacks/tencent", "{}"));
        gate.send(&pushed());
        let spans = wait_for_spans(&collector, 3);
        let refused =
            spans.iter().find(|span| span.name == "callback tencent-css.refused").unwrap();
        assert_eq!(text(&refused.attributes, "gatepost.code").unwrap(), "tenant_missing");
        let failed = spans.iter().filter(|span| span.status.as_ref().is_some_and(|s| s.code == 2));
        assert_eq!(failed.count(), 2, "{spans:#?}");
    }

    #[test]
    fn callbacks_do_not_wait_for_the_collector() {
        let app = App::answering(200, "");
        for collector in [App::down(), App::start(|_| Act::Hold(b""))] {
            let gate = serve(&collector, &app);
            within(Duration::from_secs(3), || {
                let mut client = gate.connect();
                for _ in 0..200 {
                    assert_eq!(client.send(&pushed()).status, 200);
                }
            });
        }
    }

    #[test]
    fn sends_last_spans_at_stop_and_warns_of_a_missing_collector() {
        let (collector, app) = (App::answering(200, ""), App::answering(200, ""));
        let mut gate = serve(&collector, &app);
        gate.send(&pushed());
        gate.program.signal("TERM");
        assert_eq!(gate.program.wait(), Some(0));
        wait_for_spans(&collector, 2);
        let gate = serve(&App::down(), &app);
        gate.send(&pushed());
        let line = gate.program.wait_for_line("traces_failed");
        assert!(
            line.contains(
                "expected a collector that accepts traces, found an error: Connection refused"
            ),
            "{line}"
        );
    }
}
