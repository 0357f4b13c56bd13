//! A Pingora proxy that verifies and logs callbacks, and forwards all other requests.
//!
//! ```sh
//! cargo run -p gatepost-proxy --example pingora -- 127.0.0.1:8080 127.0.0.1:3000
//! ```

#![allow(clippy::print_stdout, reason = "an example prints each outcome")]
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use gatepost::{Accepted, Conclusion, Gate, Permission};
use gatepost_proxy::GateModule;
use pingora::http::ResponseHeader;
use pingora::prelude::*;
use pingora::server::configuration::ServerConf;

struct MyProxy {
    gate: GateModule,
    upstream: String,
}

#[async_trait]
impl ProxyHttp for MyProxy {
    type CTX = ();

    fn new_ctx(&self) {}

    async fn request_filter(&self, session: &mut Session, (): &mut ()) -> Result<bool> {
        self.gate.request_filter(session).await
    }

    // Only routes in shadow mode need the calls of `gate` in this method and the next three.
    async fn request_body_filter(
        &self,
        session: &mut Session,
        body: &mut Option<Bytes>,
        end: bool,
        (): &mut (),
    ) -> Result<()> {
        self.gate.request_body_filter(session, body.as_ref(), end);
        Ok(())
    }

    async fn upstream_response_filter(
        &self,
        session: &mut Session,
        answer: &mut ResponseHeader,
        (): &mut (),
    ) -> Result<()> {
        self.gate.upstream_response_filter(session, answer);
        Ok(())
    }

    fn upstream_response_body_filter(
        &self,
        session: &mut Session,
        body: &mut Option<Bytes>,
        end: bool,
        (): &mut (),
    ) -> Result<Option<Duration>> {
        self.gate.upstream_response_body_filter(session, body.as_ref(), end);
        Ok(None)
    }

    async fn logging(&self, session: &mut Session, error: Option<&Error>, (): &mut ()) {
        self.gate.logging(session, error);
        let extensions = &session.req_header().extensions;
        let (accepted, conclusion) = (extensions.get::<Accepted>(), extensions.get::<Conclusion>());
        if let (Some(accepted), Some(conclusion)) = (accepted, conclusion) {
            let (event, decision) = (accepted.event(), conclusion.permission());
            let (kind, id, origin) = (event.kind(), event.id(), conclusion.origin.as_str());
            println!("{kind} {id}: {origin}, {}", decision.map_or("none", Permission::as_str));
        }
    }

    async fn upstream_peer(&self, _: &mut Session, (): &mut ()) -> Result<Box<HttpPeer>> {
        Ok(Box::new(HttpPeer::new(&*self.upstream, false, String::new())))
    }
}

fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let listen = arguments.next().unwrap_or_else(|| "127.0.0.1:8080".into());
    let upstream = arguments.next().unwrap_or_else(|| "127.0.0.1:3000".into());
    let gate = GateModule::new(Gate::from_toml_file("examples/gatepost.toml")?);

    // Without these limits, Pingora takes five minutes to stop.
    let conf = ServerConf {
        grace_period_seconds: Some(5),
        graceful_shutdown_timeout_seconds: Some(1),
        ..ServerConf::default()
    };
    let mut server = Server::new_with_opt_and_conf(None, conf);
    server.bootstrap();
    let mut proxy = http_proxy_service(&server.configuration, MyProxy { gate, upstream });
    proxy.add_tcp(&listen);
    server.add_service(proxy);
    server.run_forever()
}
