//! The admin listener: `/healthz`, `/readyz`, `/metrics`, `/api` for programs, and `/console/` for
//! the operator's browser. When gatepost begins to stop, it closes this listener, so that health
//! checks fail.

mod api;
mod console;
mod priority;

use std::sync::Arc;

use async_trait::async_trait;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http::{Method, Response, StatusCode};
use pingora::apps::ServerApp;
use pingora::apps::http_app::ServeHttp;
use pingora::protocols::Stream;
use pingora::protocols::http::ServerSession;
use pingora::server::ShutdownWatch;
use serde_json::json;

use self::api::TokenAttempts;
use self::console::Console;
use crate::clock;
use crate::inbound::proxy_protocol;
use crate::inbound::tls::finish;
use crate::queue::Queue;
use crate::served_config::ServedConfig;
use crate::telemetry::metrics::METRICS;
use crate::tls::ServedTls;

/// Handler of the requests to the admin listener.
pub(crate) struct AdminApp {
    served: Arc<ServedConfig>,
    attempts: TokenAttempts,
    console: Console,
    queue: Option<Arc<Queue>>,
}

impl AdminApp {
    pub(crate) fn new(served: Arc<ServedConfig>, queue: Option<Arc<Queue>>) -> Self {
        let (attempts, console) = (TokenAttempts::default(), Console::default());
        Self { served, attempts, console, queue }
    }

    /// Returns the body of the response to `/readyz`: a description of the served config. The
    /// status code of the response is always 200.
    fn readiness(&self) -> String {
        let body = json!({ "status": "ready", "config": self.served.status() });
        format!("{body}\n")
    }

    fn page(&self, method: &Method, path: &str) -> (StatusCode, &'static str, String) {
        const TEXT: &str = "text/plain; charset=utf-8";
        const JSON: &str = "application/json";
        const METRICS_TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";
        if !matches!(*method, Method::GET | Method::HEAD) {
            let text = "expected GET or HEAD, found another method; use GET\n";
            return (StatusCode::METHOD_NOT_ALLOWED, TEXT, text.into());
        }
        match path {
            "/healthz" => (StatusCode::OK, TEXT, "ok\n".into()),
            "/readyz" => (StatusCode::OK, JSON, self.readiness()),
            "/metrics" => {
                (StatusCode::OK, METRICS_TEXT, METRICS.text(&self.served.gate().circuits()))
            }
            _ => {
                let text = "expected a path of the admin listener, found another path; use /healthz, /readyz \
                            or /metrics\n";
                (StatusCode::NOT_FOUND, TEXT, text.into())
            }
        }
    }
}

/// Server for the connections of the admin listener, with or without TLS.
pub(crate) struct AdminServer {
    app: Arc<AdminApp>,
    tls: Option<Arc<ServedTls>>,
}

impl AdminServer {
    pub(crate) fn new(app: AdminApp, tls: Option<Arc<ServedTls>>) -> Self {
        Self { app: Arc::new(app), tls }
    }
}

#[async_trait]
impl ServerApp for AdminServer {
    async fn process_new(
        self: &Arc<Self>,
        stream: Stream,
        shutdown: &ShutdownWatch,
    ) -> Option<Stream> {
        priority::lower();
        let peer = proxy_protocol::peer(&stream).map(|peer| peer.ip());
        let stream = match &self.tls {
            None => stream,
            Some(tls) => finish(tls.accept_admin(stream), peer).await?,
        };
        self.app.process_new(stream, shutdown).await
    }
}

#[async_trait]
impl ServeHttp for AdminApp {
    async fn response(&self, session: &mut ServerSession) -> Response<Vec<u8>> {
        let request = session.req_header();
        if api::is_api(request.uri.path()) {
            return api::respond(&self.served, &self.attempts, self.queue.as_deref(), session)
                .await;
        }
        if console::is_console(request.uri.path()) {
            return self
                .console
                .respond(&self.served, &self.attempts, self.queue.as_deref(), session)
                .await;
        }
        if let Some(queue) = self.queue.as_ref().filter(|_| request.uri.path() == "/metrics") {
            queue.measure(clock::now()).await;
        }
        let (status, content_type, body) = self.page(&request.method, request.uri.path());
        let mut response = Response::new(body.into_bytes());
        *response.status_mut() = status;
        let length = response.body().len();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, http::HeaderValue::from_static(content_type));
        headers.insert(CONTENT_LENGTH, length.into());
        response
    }
}
