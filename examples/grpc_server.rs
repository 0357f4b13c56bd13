//! A tonic server that answers Kollus' play callbacks beside its gRPC services. The guide for tonic
//! uses this app.

use std::error::Error;

use axum::{Json, routing::post};
use gatepost::{Accepted, Gate, GateLayer};
use http::Extensions;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tonic::service::Routes;
use tonic::transport::{Server, server::TcpIncoming};

async fn callback(extensions: Extensions, Json(event): Json<Value>) -> Json<Value> {
    // gatepost adds `Accepted`; a request without it has bypassed the layer.
    let kind = extensions.get::<Accepted>().map(|accepted| accepted.event().kind().to_owned());
    match (kind.as_deref(), event["client_user_id"].as_str()) {
        (Some("live_play"), Some("user01")) => Json(json!({ "allow": true })),
        (Some("live_play"), _) => Json(json!({ "allow": false, "message": "Please buy a ticket" })),
        _ => Json(json!({})),
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let gate = Gate::from_toml_file("gatepost.toml")?;
    // Put your own services in place of the health service.
    let (_, health) = tonic_health::server::health_reporter();
    let router =
        Routes::new(health).into_axum_router().route("/callbacks/kollus/{token}", post(callback));
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:8080".into());
    let listener = TcpListener::bind(address).await?;
    Server::builder()
        .accept_http1(true) // platforms use HTTP/1.1
        .layer(GateLayer::new(gate))
        .add_routes(Routes::from(router))
        .serve_with_incoming(TcpIncoming::from(listener))
        .await?;
    Ok(())
}
