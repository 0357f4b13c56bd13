//! A Pingora proxy that verifies callbacks and chooses the upstream of each event.
//!
//! ```sh
//! cargo run -p gatepost-proxy --example pingora_upstream -- 127.0.0.1:8080 127.0.0.1:3000
//! ```

#![allow(clippy::print_stdout, reason = "an example prints each outcome")]
use async_trait::async_trait;
use gatepost::{Accepted, Gate};
use gatepost_proxy::GateModule;
use pingora::http::RequestHeader;
use pingora::prelude::*;

struct MyProxy {
    gate: GateModule,
    upstream: String,
}

#[async_trait]
impl ProxyHttp for MyProxy {
    type CTX = ();

    fn new_ctx(&self) {}

    // gatepost sends each event as a subrequest.
    fn allow_spawning_subrequest(&self, _: &Session, (): &()) -> bool {
        true
    }

    async fn request_filter(&self, session: &mut Session, (): &mut ()) -> Result<bool> {
        self.gate.request_filter(session).await
    }

    async fn upstream_peer(&self, session: &mut Session, (): &mut ()) -> Result<Box<HttpPeer>> {
        // A proxy with several upstreams can choose an upstream by the event.
        if let Some(accepted) = session.req_header().extensions.get::<Accepted>() {
            println!("{} goes to {}", accepted.event().kind(), self.upstream);
        }
        Ok(Box::new(HttpPeer::new(&*self.upstream, false, String::new())))
    }

    async fn upstream_request_filter(
        &self,
        session: &mut Session,
        request: &mut RequestHeader,
        (): &mut (),
    ) -> Result<()> {
        self.gate.upstream_request_filter(session, request)
    }
}

fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let listen = arguments.next().unwrap_or_else(|| "127.0.0.1:8080".into());
    let upstream = arguments.next().unwrap_or_else(|| "127.0.0.1:3000".into());
    let gate = Gate::from_toml_file("examples/gatepost.toml")?;
    let gate = GateModule::new(gate).with_host_upstream();

    let mut server = Server::new(None)?;
    server.bootstrap();
    let mut proxy = http_proxy_service(&server.configuration, MyProxy { gate, upstream });
    proxy.add_tcp(&listen);
    server.add_service(proxy);
    server.run_forever()
}
