//! An axum app that writes the URL of each recording of Tencent CSS to a file. The guide for axum
//! uses this app.

use std::error::Error;
use std::fs::OpenOptions;
use std::io::Write as _;

use axum::{Router, http::StatusCode, routing::post};
use gatepost::axum::Callback;
use gatepost::tencent_css::TencentCssCallback;
use gatepost::{Gate, GateLayer};

async fn callback(Callback(callback): Callback<TencentCssCallback>) -> StatusCode {
    let TencentCssCallback::RecordingFile(file) = callback else {
        return StatusCode::NO_CONTENT; // acknowledges other kinds
    };
    let (stream, url) = (file.stream_id.unwrap_or_default(), file.video_url.unwrap_or_default());
    let rows = OpenOptions::new().create(true).append(true).open("recordings.txt");
    match rows.and_then(|mut rows| writeln!(rows, "{stream} {url}")) {
        Ok(()) => StatusCode::NO_CONTENT,
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR, // Tencent sends the callback again
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    tracing_subscriber::fmt::init();
    let gate = Gate::from_toml_file("gatepost.toml")?;
    let app =
        Router::new().route("/callbacks/tencent-css", post(callback)).layer(GateLayer::new(gate));
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:8080".into());
    let listener = tokio::net::TcpListener::bind(address).await?;
    axum::serve(listener, app).await?;
    Ok(())
}
