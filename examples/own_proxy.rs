//! A Pingora proxy that verifies callbacks. The guide for Pingora uses this proxy.

use async_trait::async_trait;
use gatepost::Gate;
use gatepost_proxy::GateModule;
use pingora::prelude::*;

struct Front {
    gate: GateModule,
    upstream: String,
}

#[async_trait]
impl ProxyHttp for Front {
    type CTX = ();

    fn new_ctx(&self) {}

    async fn request_filter(&self, session: &mut Session, (): &mut ()) -> Result<bool> {
        self.gate.request_filter(session).await
    }

    async fn upstream_peer(&self, _: &mut Session, (): &mut ()) -> Result<Box<HttpPeer>> {
        Ok(Box::new(HttpPeer::new(&*self.upstream, false, String::new())))
    }
}

fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let listen = arguments.next().unwrap_or_else(|| "127.0.0.1:8080".into());
    let upstream = arguments.next().unwrap_or_else(|| "127.0.0.1:3000".into());
    let gate = GateModule::new(Gate::from_toml_file("gatepost.toml")?);
    let mut server = Server::new(None)?;
    server.bootstrap();
    let mut proxy = http_proxy_service(&server.configuration, Front { gate, upstream });
    proxy.add_tcp(&listen);
    server.add_service(proxy);
    server.run_forever()
}
