//! Where connections come in: HTTP/1.1 and HTTP/2 on one port.
//!
//! Left to itself, Pingora waits for the 24 bytes of HTTP/2's preface before it answers anybody,
//! which a short HTTP/1.0 request never sends, and for ever. Three bytes tell the two apart: no
//! method of HTTP/1 but the preface starts with `PRI`.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use pingora::apps::{HttpServerOptions, ServerApp};
use pingora::protocols::Stream;
use pingora::proxy::{HttpProxy, http_proxy};
use pingora::server::ShutdownWatch;
use pingora::server::configuration::ServerConf;

use crate::service::Service;

/// A connection that says nothing for so long is closed.
const SILENCE: Duration = Duration::from_secs(60);

/// The proxy, for either version of HTTP.
pub(crate) struct Entrance {
    http_1: Arc<HttpProxy<Service>>,
    http_2: Arc<HttpProxy<Service>>,
}

impl Entrance {
    pub(crate) fn new(conf: &Arc<ServerConf>, service: &Service) -> Self {
        let proxy = |h2c| {
            let mut proxy = http_proxy(conf, service.clone());
            let mut options = HttpServerOptions::default();
            options.h2c = h2c;
            proxy.server_options = Some(options);
            Arc::new(proxy)
        };
        Self { http_1: proxy(false), http_2: proxy(true) }
    }
}

#[async_trait]
impl ServerApp for Entrance {
    async fn process_new(
        self: &Arc<Self>,
        mut stream: Stream,
        shutdown: &ShutdownWatch,
    ) -> Option<Stream> {
        let mut start = [0; 3];
        let mut stopping = shutdown.clone();
        let peeked = tokio::select! {
            peeked = tokio::time::timeout(SILENCE, stream.try_peek(&mut start)) => peeked,
            _ = stopping.wait_for(|stopping| *stopping) => return None,
        };
        match peeked {
            Ok(Ok(true)) if start == *b"PRI" => self.http_2.process_new(stream, shutdown).await,
            Ok(Ok(_)) => self.http_1.process_new(stream, shutdown).await,
            // Silent, or gone.
            Ok(Err(_)) | Err(_) => None,
        }
    }

    async fn cleanup(&self) {
        self.http_1.cleanup().await;
        self.http_2.cleanup().await;
    }
}
