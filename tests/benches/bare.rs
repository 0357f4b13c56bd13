//! Bare Pingora: what passing a request through costs, to hold the gate beside.
//!
//! `bare LISTEN UPSTREAM`, one worker thread.

use async_trait::async_trait;
use pingora::prelude::*;
use pingora::server::configuration::ServerConf;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

struct Bare(HttpPeer);

#[async_trait]
impl ProxyHttp for Bare {
    type CTX = ();

    fn new_ctx(&self) {}

    async fn upstream_peer(&self, _: &mut Session, (): &mut ()) -> Result<Box<HttpPeer>> {
        Ok(Box::new(self.0.clone()))
    }
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let listen = arguments.next().unwrap_or_else(|| "127.0.0.1:9101".into());
    let upstream = arguments.next().unwrap_or_else(|| "127.0.0.1:9000".into());
    let conf = ServerConf { threads: 1, work_stealing: false, ..ServerConf::default() };
    let mut server = Server::new_with_opt_and_conf(None, conf);
    server.bootstrap();
    let peer = HttpPeer::new(&*upstream, false, String::new());
    let mut proxy = http_proxy_service(&server.configuration, Bare(peer));
    proxy.add_tcp(&listen);
    server.add_service(proxy);
    server.run_forever();
}
