//! Test of hostile HTTP requests to an axum server with the layer.

#[path = "../hostile/mod.rs"]
mod table;

use std::net::TcpListener;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::Body;
use gatepost::layer::RequestBody;
use gatepost::{Gate, GateLayer};
use http::{Request, Response};
use http_body_util::BodyExt as _;
use table::{Door, KEY, Seen, Server};
use tokio::runtime::Runtime;
use tower::{Layer as _, service_fn};

struct Layer {
    port: u16,
    seen: Arc<Mutex<Vec<Seen>>>,
    _runtime: Runtime,
}

impl Door for Layer {
    fn server(&self) -> Server {
        Server::Hyper
    }

    fn port(&self) -> u16 {
        self.port
    }

    fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }
}

const CONFIG: &str = "
    [[route]]
    path = '/callbacks/kollus/{token}'
    provider = 'kollus'
    token = { env = 'TOKEN' }
    [[route]]
    path = '/callbacks/tencent'
    provider = 'tencent-css'
    [[template]]
    name = 'play'
    provider = 'kollus'
    bind = ['*']
    [template.on]
    live_play = 'http://app.test/kollus/play'
    [[template]]
    name = 'push'
    # Many cases send the same push callback.
    dedupe = false
    provider = 'tencent-css'
    keys = [{ env = 'KEY' }]
    bind = ['push.example.com']
    [template.on]
    push = 'http://app.test/live/push'
";

fn serve() -> Layer {
    let gate = Gate::builder().toml(CONFIG).variable("TOKEN", "s3cret-t0ken").variable("KEY", KEY);
    let seen: Arc<Mutex<Vec<Seen>>> = Arc::default();
    let records = Arc::clone(&seen);
    let app = service_fn(move |request| record(request, Arc::clone(&records)));
    let service = GateLayer::new(gate.build().unwrap()).layer(app);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let port = listener.local_addr().unwrap().port();
    let runtime = Runtime::new().unwrap();
    runtime.spawn(async move {
        let listener = tokio::net::TcpListener::from_std(listener).unwrap();
        axum::serve(listener, Router::new().fallback_service(service)).await
    });
    Layer { port, seen, _runtime: runtime }
}

/// Acts as the app: records the request, and answers 200 with an empty body.
async fn record(
    request: Request<RequestBody<Body>>,
    records: Arc<Mutex<Vec<Seen>>>,
) -> Result<Response<Body>, std::convert::Infallible> {
    let (parts, body) = request.into_parts();
    let target = parts.uri.path_and_query().map_or("", |target| target.as_str());
    let value = |value: &http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let seen = Seen {
        line: format!("{} {target}", parts.method),
        headers: parts.headers.iter().map(|(n, v)| (n.to_string(), value(v))).collect(),
        body: body.collect().await.map_or_else(|_| Vec::new(), |body| body.to_bytes().to_vec()),
    };
    records.lock().unwrap_or_else(PoisonError::into_inner).push(seen);
    Ok(Response::new(Body::empty()))
}

#[test]
fn layer_gives_expected_result_for_every_hostile_request() {
    table::run(&serve());
}
