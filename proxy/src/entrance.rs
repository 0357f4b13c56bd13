//! Where connections come in: HTTP/1.1 and HTTP/2 on one port.
//!
//! Left to itself, Pingora waits for the 24 bytes of HTTP/2's preface before it answers anybody,
//! which a short HTTP/1.0 request never sends, and for ever. Three bytes tell the two apart: no
//! method of HTTP/1 but the preface starts with `PRI`.
//!
//! With `proxy_protocol` the proxy in front says before that whose connection it is.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use gatepost::{Gate, report};
use http::Version;
use pingora::apps::{HttpServerOptions, ServerApp};
use pingora::protocols::Stream;
use pingora::proxy::{HttpProxy, http_proxy};
use pingora::server::ShutdownWatch;
use pingora::server::configuration::ServerConf;

use crate::clock;
use crate::proxy_protocol::{self, HeaderError};
use crate::service::Service;

/// A connection that says nothing for so long is closed.
const SILENCE: Duration = Duration::from_secs(60);

/// The proxy, for either version of HTTP.
pub(crate) struct Entrance {
    gate: Gate,
    proxy_protocol: bool,
    http_1: Arc<HttpProxy<Service>>,
    http_2: Arc<HttpProxy<Service>>,
}

impl Entrance {
    /// `proxy_protocol`: whether each connection starts with a header of it.
    pub(crate) fn new(
        conf: &Arc<ServerConf>,
        service: &Service,
        gate: Gate,
        proxy_protocol: bool,
    ) -> Self {
        let proxy = |h2c| {
            let mut proxy = http_proxy(conf, service.clone());
            let mut options = HttpServerOptions::default();
            options.h2c = h2c;
            proxy.server_options = Some(options);
            Arc::new(proxy)
        };
        Self { gate, proxy_protocol, http_1: proxy(false), http_2: proxy(true) }
    }

    /// Reads on until it is known who speaks, and which version of HTTP. `None`: the connection is
    /// to be closed.
    async fn greet(&self, stream: &mut Stream) -> Option<Version> {
        if self.proxy_protocol && !self.is_introduced(stream).await {
            return None;
        }
        let mut start = [0; 3];
        match tokio::time::timeout(SILENCE, stream.try_peek(&mut start)).await {
            Ok(Ok(true)) if start == *b"PRI" => Some(Version::HTTP_2),
            Ok(Ok(_)) => Some(Version::HTTP_11),
            // Silent, or gone.
            Ok(Err(_)) | Err(_) => None,
        }
    }

    /// Whether whoever connected may say whose connection it is, and did.
    async fn is_introduced(&self, stream: &mut Stream) -> bool {
        let peer = proxy_protocol::peer(stream).map(|peer| peer.ip());
        let error = if peer.is_some_and(|peer| self.gate.may_speak_for_others(peer)) {
            match proxy_protocol::accept(stream).await {
                Ok(()) => return true,
                Err(error) => error,
            }
        } else {
            HeaderError::NotTrusted
        };
        report::closed(&error, peer, clock::now());
        false
    }
}

#[async_trait]
impl ServerApp for Entrance {
    async fn process_new(
        self: &Arc<Self>,
        mut stream: Stream,
        shutdown: &ShutdownWatch,
    ) -> Option<Stream> {
        let mut stopping = shutdown.clone();
        let version = tokio::select! {
            version = self.greet(&mut stream) => version,
            _ = stopping.wait_for(|stopping| *stopping) => None,
        };
        if version? == Version::HTTP_2 {
            self.http_2.process_new(stream, shutdown).await
        } else {
            self.http_1.process_new(stream, shutdown).await
        }
    }

    async fn cleanup(&self) {
        self.http_1.cleanup().await;
        self.http_2.cleanup().await;
    }
}
