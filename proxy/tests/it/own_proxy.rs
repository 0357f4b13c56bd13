//! Tests of a Pingora proxy other than gatepost's own, with a [`GateModule`].

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use gatepost::{Accepted, Conclusion, Gate, MetricsHook, Permission, Refusal};
use gatepost_proxy::GateModule;
use pingora::http::RequestHeader;
use pingora::prelude::*;

use crate::mock::{Act, App};
use crate::support::{Client, PLAY, connect, eventually, free_port, post, post_with};

type Lines = Arc<Mutex<Vec<String>>>;

struct OwnProxy {
    gate: GateModule,
    /// Lines that the proxy records: the kind before each connection to the upstream, and the kind
    /// and the origin after each request.
    logged: Lines,
    /// Port of the upstream; `None` if the proxy expects callbacks only.
    upstream: Option<u16>,
    /// True if the proxy permits subrequests.
    permits_subrequests: bool,
}

impl OwnProxy {
    fn new(gate: GateModule, upstream: Option<u16>) -> (Self, Lines) {
        let logged = Lines::default();
        let own = Self { gate, logged: Arc::clone(&logged), upstream, permits_subrequests: true };
        (own, logged)
    }

    /// Serves on a free port. Returns the port.
    fn serve(self) -> u16 {
        let port = free_port();
        std::thread::spawn(move || {
            let mut server = Server::new(None).unwrap();
            server.bootstrap();
            let mut service = http_proxy_service(&server.configuration, self);
            service.add_tcp(&format!("127.0.0.1:{port}"));
            server.add_service(service);
            server.run(pingora::server::RunArgs::default());
        });
        port
    }
}

#[async_trait]
impl ProxyHttp for OwnProxy {
    type CTX = ();

    fn new_ctx(&self) {}

    async fn request_filter(&self, session: &mut Session, (): &mut ()) -> Result<bool> {
        self.gate.request_filter(session).await
    }

    fn allow_spawning_subrequest(&self, _: &Session, (): &()) -> bool {
        self.permits_subrequests
    }

    async fn upstream_peer(&self, session: &mut Session, (): &mut ()) -> Result<Box<HttpPeer>> {
        let accepted = session.req_header().extensions.get::<Accepted>();
        let kind = accepted.map(|accepted| accepted.event().kind().to_owned());
        self.logged.lock().unwrap().push(format!("upstream for {kind:?}"));
        let no_upstream =
            || Error::explain(ErrorType::ConnectNoRoute, "expected an upstream, found none");
        let port = self.upstream.ok_or_else(no_upstream)?;
        Ok(Box::new(HttpPeer::new(("127.0.0.1", port), false, String::new())))
    }

    async fn upstream_request_filter(
        &self,
        session: &mut Session,
        request: &mut RequestHeader,
        (): &mut (),
    ) -> Result<()> {
        request.insert_header("x-own", "own")?;
        self.gate.upstream_request_filter(session, request)
    }

    async fn logging(&self, session: &mut Session, _: Option<&Error>, (): &mut ()) {
        let extensions = &session.req_header().extensions;
        let accepted = extensions.get::<Accepted>().map(|accepted| accepted.event().kind());
        let origin = extensions.get::<Conclusion>().map(|conclusion| conclusion.origin.as_str());
        self.logged.lock().unwrap().push(format!("{accepted:?} {origin:?}"));
    }
}

/// Hook that records each outcome.
struct Notes(Lines);

impl MetricsHook for Notes {
    fn refused(&self, refusal: &Refusal, took: Duration) {
        assert!(took > Duration::ZERO);
        self.0.lock().unwrap().push(format!("refused {}", refusal.kind().as_str()));
    }

    fn concluded(&self, accepted: &Accepted, conclusion: &Conclusion, took: Duration) {
        assert!(took > Duration::ZERO);
        let decision = conclusion.permission().map(Permission::as_str);
        self.0.lock().unwrap().push(format!("{} {decision:?}", accepted.event().kind()));
    }
}

#[test]
fn own_proxy_reads_outcomes_from_extensions_and_counts_them_by_hook() {
    let app = App::answering(200, r#"{"allow":false}"#);
    let config = format!(
        "[[route]]\npath = '/play/{{token}}'\nprovider = 'kollus'\ntoken = 't0ken'\n\
         [[template]]\nname = 'paid'\nprovider = 'kollus'\nbind = '*'\n\
         on.live_play = '{}'\n",
        app.url("/play")
    );
    let counted = Lines::default();
    let gate = Gate::builder().toml(config).build().unwrap();
    let module = GateModule::new(gate).observe(Notes(Arc::clone(&counted)));
    let (proxy, logged) = OwnProxy::new(module, None);
    let port = proxy.serve();
    let mut client = Client::new(connect(port));
    assert_eq!(client.send(&post("/play/t0ken", PLAY)).status, 200);
    assert_eq!(client.send(&post("/play/guess", PLAY)).status, 401);
    eventually("two log lines", || logged.lock().unwrap().len() == 2);
    assert_eq!(*logged.lock().unwrap(), ["Some(\"live_play\") Some(\"app\")", "None None"]);
    assert_eq!(*counted.lock().unwrap(), ["live_play Some(\"deny\")", "refused token_mismatch"]);
}

/// Returns a gate without an upstream.
fn gate() -> Gate {
    let config = "[[route]]\npath = '/play/{token}'\nprovider = 'kollus'\ntoken = 't0ken'\n\
                  [[template]]\nname = 'paid'\nprovider = 'kollus'\nbind = '*'\n\
                  on.live_play = { url = '/live/play', timeout_ms = 500 }\n";
    Gate::builder().toml(config).build().unwrap()
}

fn lines(of: &Lines) -> Vec<String> {
    of.lock().unwrap().clone()
}

#[test]
fn own_proxy_sends_events_to_its_own_upstream() {
    let app = App::answering(200, r#"{"allow":true,"vmcheck":0}"#);
    let module = GateModule::new(gate()).with_host_upstream();
    let (proxy, logged) = OwnProxy::new(module, Some(app.port));
    let mut client = Client::new(connect(proxy.serve()));
    let reply = client.send(&post_with("/play/t0ken", "x-forwarded-for: 192.0.2.1\r\n", PLAY));
    assert_eq!(
        (reply.status, reply.text().as_str()),
        (200, r#"{"data":{"result":1,"vmcheck":0}}"#)
    );
    let seen = app.only();
    assert_eq!(seen.line, "POST /live/play HTTP/1.1");
    assert_eq!(seen.header("ce-type"), Some("com.kollus.live_play"));
    assert_eq!(seen.header("x-own"), Some("own"));
    assert_eq!(seen.header("x-forwarded-for"), Some("127.0.0.1"));
    assert_eq!(seen.json()["client_user_id"], "user01");
    eventually("three lines", || lines(&logged).len() == 3);
    assert_eq!(
        lines(&logged),
        [
            "upstream for Some(\"live_play\")",
            "Some(\"live_play\") None",
            "Some(\"live_play\") Some(\"app\")"
        ]
    );
}

#[test]
fn own_upstream_receives_no_forged_callback_and_no_forged_event() {
    let app = App::answering(200, "{}");
    let (proxy, _) = OwnProxy::new(GateModule::new(gate()).with_host_upstream(), Some(app.port));
    let mut client = Client::new(connect(proxy.serve()));
    assert_eq!(client.send(&post("/play/guess", PLAY)).status, 401);
    let event = post_with("/live/play", "ce-type: com.kollus.live_play\r\n", "{}");
    assert_eq!(client.send(&event).status, 403);
    assert_eq!(client.send(&post("/other", "x")).status, 200);
    assert_eq!(app.only().line, "POST /other HTTP/1.1");
}

#[test]
fn failure_policy_applies_if_own_upstream_fails_or_subrequests_are_forbidden() {
    let denied = r#"{"data":{"result":0}}"#;
    let reply = |upstream, permits_subrequests| {
        let module = GateModule::new(gate()).with_host_upstream();
        let (proxy, logged) = OwnProxy::new(module, Some(upstream));
        let proxy = OwnProxy { permits_subrequests, ..proxy };
        let text = Client::new(connect(proxy.serve())).send(&post("/play/t0ken", PLAY)).text();
        eventually("an outcome", || lines(&logged).iter().any(|line| line.contains("failure")));
        text
    };
    for (status, body) in [(500, "broken"), (200, "no json")] {
        let app = App::answering(status, body);
        assert_eq!(reply(app.port, true), denied, "{status}");
    }
    let long = App::start(|_| Act::Answer(200, Box::leak("x".repeat(300_000).into_boxed_str())));
    assert_eq!(reply(long.port, true), denied);
    let silent = App::start(|_| Act::Hold(b"HTTP/1.1 200 OK\r\n"));
    assert_eq!(reply(silent.port, true), denied);
    assert_eq!(reply(free_port(), true), denied);
    let app = App::answering(200, r#"{"allow":true}"#);
    assert_eq!(reply(app.port, false), denied);
}
