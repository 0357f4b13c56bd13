//! A Pingora proxy that only forwards requests. Its cost is a reference for gatepost.
//!
//! `bare LISTEN UPSTREAM [forwarded]` runs one worker thread. With `forwarded`, the program also
//! sets the three `x-forwarded-*` headers, as gatepost does.

use async_trait::async_trait;
use pingora::http::RequestHeader;
use pingora::prelude::*;
use pingora::server::configuration::ServerConf;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

struct Bare {
    peer: HttpPeer,
    forwarded: bool,
}

#[async_trait]
impl ProxyHttp for Bare {
    type CTX = ();

    fn new_ctx(&self) {}

    async fn upstream_peer(&self, _: &mut Session, (): &mut ()) -> Result<Box<HttpPeer>> {
        Ok(Box::new(self.peer.clone()))
    }

    async fn upstream_request_filter(
        &self,
        session: &mut Session,
        request: &mut RequestHeader,
        (): &mut (),
    ) -> Result<()> {
        if self.forwarded {
            let peer = session.client_addr().and_then(|peer| peer.as_inet());
            let address = peer.map(|peer| peer.ip().to_string()).unwrap_or_default();
            let host = session.req_header().headers.get("host").cloned();
            request.insert_header("x-forwarded-for", address)?;
            request.insert_header("x-forwarded-proto", "http")?;
            if let Some(host) = host {
                request.insert_header("x-forwarded-host", host)?;
            }
        }
        Ok(())
    }
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let listen = arguments.next().unwrap_or_else(|| "127.0.0.1:9101".into());
    let upstream = arguments.next().unwrap_or_else(|| "127.0.0.1:9000".into());
    let forwarded = arguments.next().is_some_and(|word| word == "forwarded");
    let conf = ServerConf { threads: 1, work_stealing: false, ..ServerConf::default() };
    let mut server = Server::new_with_opt_and_conf(None, conf);
    server.bootstrap();
    let peer = HttpPeer::new(&*upstream, false, String::new());
    let mut proxy = http_proxy_service(&server.configuration, Bare { peer, forwarded });
    proxy.add_tcp(&listen);
    server.add_service(proxy);
    server.run_forever();
}
