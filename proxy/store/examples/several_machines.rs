//! An app on several machines. Its layers share resends, signatures and last answers on NATS
//! JetStream. Run the example with the path of the config and the URL of a NATS server:
//! `cargo run -p gatepost-store --features nats --example several_machines -- gatepost.toml nats://127.0.0.1:4222`

#![allow(clippy::print_stdout, reason = "an example")]

use std::convert::Infallible;
use std::env;
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use gatepost::layer::RequestBody;
use gatepost::{Gate, GateLayer};
use gatepost_store::{NatsLogin, NatsOptions, NatsStore, StoreRules};
use http::{Request, Response};
use http_body_util::Full;
use tower::{ServiceBuilder, ServiceExt as _};

type Body = Full<Bytes>;

/// Answers an event, as the app does.
async fn answer(event: Request<RequestBody<Body>>) -> Result<Response<Body>, Infallible> {
    println!("{}", event.uri().path());
    Ok(Response::new(Body::from(r#"{"allow":true}"#)))
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let [config, server] = [1, 2].map(|index| env::args().nth(index));
    let (config, server) = config.zip(server).ok_or(
        "expected the arguments CONFIG and URL, found fewer; add the path of the config and the \
         URL of a NATS server",
    )?;
    let options = NatsOptions {
        servers: vec![server],
        login: NatsLogin::None,
        tls: None,
        prefix: "gatepost".into(),
        // In production, use three replicas, so that one server may fail.
        replicas: 1,
        // The layer stores no events.
        largest_event: 65_536,
        monitors: Vec::new(),
    };
    let day = Duration::from_secs(86_400);
    let rules = StoreRules { max_bytes: 64 << 20, delivered: day, dead: day };
    // Each machine runs this program with the same config and prefix.
    let store = Arc::new(NatsStore::open(options, rules)?);
    let layer = GateLayer::new(Gate::from_toml_file(config)?).share(store);
    let service = ServiceBuilder::new().layer(layer).service_fn(answer);
    // A server such as hyper or axum calls the service for each request.
    let response = service.oneshot(Request::post("/kollus").body(Body::default())?).await?;
    println!("{}", response.status());
    Ok(())
}
