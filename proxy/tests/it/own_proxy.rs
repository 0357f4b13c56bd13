//! Tests of a Pingora proxy of another author, with a [`GateModule`].

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use gatepost::{Accepted, Conclusion, Gate, MetricsHook, Permission, Refusal};
use gatepost_proxy::GateModule;
use pingora::prelude::*;

use crate::support::{App, Client, PLAY, connect, eventually, free_port, post};

type Lines = Arc<Mutex<Vec<String>>>;

struct OwnProxy(GateModule, Lines);

#[async_trait]
impl ProxyHttp for OwnProxy {
    type CTX = ();

    fn new_ctx(&self) {}

    async fn request_filter(&self, session: &mut Session, (): &mut ()) -> Result<bool> {
        self.0.request_filter(session).await
    }

    async fn upstream_peer(&self, _: &mut Session, (): &mut ()) -> Result<Box<HttpPeer>> {
        Err(Error::explain(ErrorType::ConnectNoRoute, "expected a callback"))
    }

    async fn logging(&self, session: &mut Session, _: Option<&Error>, (): &mut ()) {
        let extensions = &session.req_header().extensions;
        let accepted = extensions.get::<Accepted>().map(|accepted| accepted.event().kind());
        let origin = extensions.get::<Conclusion>().map(|conclusion| conclusion.origin.as_str());
        self.1.lock().unwrap().push(format!("{accepted:?} {origin:?}"));
    }
}

/// Notes each outcome.
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
    let (logged, counted) = (Lines::default(), Lines::default());
    let gate = Gate::builder().toml(config).build().unwrap();
    let module = GateModule::new(gate).observe(Notes(Arc::clone(&counted)));
    let proxy = OwnProxy(module, Arc::clone(&logged));
    let port = free_port();
    std::thread::spawn(move || {
        let mut server = Server::new(None).unwrap();
        server.bootstrap();
        let mut service = http_proxy_service(&server.configuration, proxy);
        service.add_tcp(&format!("127.0.0.1:{port}"));
        server.add_service(service);
        server.run(pingora::server::RunArgs::default());
    });
    let mut client = Client::new(connect(port));
    assert_eq!(client.send(&post("/play/t0ken", PLAY)).status, 200);
    assert_eq!(client.send(&post("/play/guess", PLAY)).status, 401);
    eventually("two log lines", || logged.lock().unwrap().len() == 2);
    assert_eq!(*logged.lock().unwrap(), ["Some(\"live_play\") Some(\"app\")", "None None"]);
    assert_eq!(*counted.lock().unwrap(), ["live_play Some(\"deny\")", "refused token_mismatch"]);
}
