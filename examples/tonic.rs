//! A tonic server that receives callbacks, gRPC requests and gRPC-Web requests on one port.
//!
//! ```sh
//! cargo run --example tonic -- 127.0.0.1:8080
//! ```

#![allow(clippy::print_stdout, reason = "an example prints what it receives")]

use std::error::Error;

use axum::Json;
use axum::routing::post;
use gatepost::{Accepted, Gate, GateLayer};
use http::Extensions;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tonic::service::Routes;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tonic_web::GrpcWebLayer;

async fn play(Json(viewer): Json<Value>) -> Json<Value> {
    Json(match viewer["client_user_id"].as_str() {
        Some("user01") => json!({ "allow": true }),
        _ => json!({ "allow": false, "message": "Please buy a ticket" }),
    })
}

async fn event(extensions: Extensions) {
    if let Some(accepted) = extensions.get::<Accepted>() {
        println!("{}", accepted.event().ce_type());
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let gate = Gate::from_toml_file("examples/gatepost.toml")?;
    let (_, health) = tonic_health::server::health_reporter();
    let router = Routes::new(health)
        .into_axum_router()
        // Add this layer before the routes of the callbacks, because the layer rejects every HTTP/1
        // request that is not gRPC-Web.
        .layer(GrpcWebLayer::new())
        .route("/kollus/play", post(play))
        .route("/live/push", post(event))
        .route("/live/other", post(event));

    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:8080".into());
    let listener = TcpListener::bind(address).await?;
    println!("listening on {}", listener.local_addr()?);
    Server::builder()
        .accept_http1(true)
        .layer(GateLayer::new(gate))
        .add_routes(Routes::from(router))
        .serve_with_incoming(TcpIncoming::from(listener))
        .await?;
    Ok(())
}
