//! An axum app that receives callbacks from Kollus and Tencent CSS.
//!
//! ```sh
//! cargo run --features axum --example axum -- 127.0.0.1:8080
//! ```

#![allow(clippy::print_stdout, reason = "an example prints what it receives")]

use std::error::Error;

use axum::Router;
use axum::routing::{get, post};
use gatepost::axum::Callback;
use gatepost::kollus::{LivePlay, PlayReply};
use gatepost::tencent_css::Push;
use gatepost::{Accepted, Gate, GateLayer};
use tower::Layer as _;

async fn play(Callback(viewer): Callback<LivePlay>) -> PlayReply {
    if viewer.client_user_id == "user01" {
        PlayReply::allow().disable_tvout(true)
    } else {
        PlayReply::deny("Please buy a ticket")
    }
}

async fn pushed(Callback(push): Callback<Push>) {
    // A field that the platform omits, or sends with another type, is `None`.
    let (stream, domain) = (push.stream_id.unwrap_or_default(), push.app.unwrap_or_default());
    println!("{stream} is live on {domain}");
}

async fn other(accepted: Accepted) {
    println!("{}", accepted.event().ce_type());
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let gate = Gate::from_toml_file("examples/gatepost.toml")?;
    let handlers = Router::new()
        .route("/", get(|| async { "hello" }))
        .route("/kollus/play", post(play))
        .route("/live/push", post(pushed))
        .route("/live/other", post(other));
    // The layer takes the path of an event from the app address in the config. The layer must
    // therefore wrap the router: `Router::layer` runs only after axum has selected a handler.
    let app: Router = Router::new().fallback_service(GateLayer::new(gate).layer(handlers));

    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:8080".into());
    let listener = tokio::net::TcpListener::bind(address).await?;
    println!("listening on {}", listener.local_addr()?);
    axum::serve(listener, app).await?;
    Ok(())
}
