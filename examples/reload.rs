//! An axum app that loads the config of its gate again when one of the config's files changes.
//!
//! ```sh
//! cargo run --features axum --example reload -- 127.0.0.1:8080 examples/gatepost.toml
//! ```

#![allow(clippy::print_stdout, reason = "an example prints what it does")]

use std::error::Error;
use std::path::PathBuf;
use std::time::Duration;

use axum::Router;
use axum::routing::post;
use gatepost::{Config, Gate, GateLayer, WatchedFiles};
use tokio::task::{JoinError, spawn_blocking};
use tower::Layer as _;

/// Looks for changed files every second, and replaces the config of the gate after a change.
async fn reload(gate: Gate, path: PathBuf, mut loaded: WatchedFiles) -> Result<(), JoinError> {
    let mut poll = tokio::time::interval(Duration::from_secs(1));
    loop {
        poll.tick().await;
        let (before, path) = (loaded.clone(), path.clone());
        // Use a blocking thread, because reading files blocks.
        let (now, config) = spawn_blocking(move || {
            let now = before.look();
            let config = before.difference(&now).map(|_| Config::from_file(&path));
            (now, config)
        })
        .await?;
        match config {
            None => {}
            Some(Ok(config)) => {
                loaded = config.watched_files().clone();
                // Callbacks in flight keep the earlier config, and no connection closes.
                gate.replace(config);
                println!("reloaded the config");
            }
            Some(Err(error)) => {
                loaded = now;
                println!("kept the earlier config: {error}");
            }
        }
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let address = arguments.next().unwrap_or_else(|| "127.0.0.1:8080".into());
    let path = arguments.next().unwrap_or_else(|| "examples/gatepost.toml".into());
    let config = Config::from_file(&path)?;
    let loaded = config.watched_files().clone();
    let gate = Gate::new(config);
    tokio::spawn(reload(gate.clone(), path.into(), loaded));

    let handlers = Router::new().fallback(post(|| async { r#"{"allow":true}"# }));
    let app: Router = Router::new().fallback_service(GateLayer::new(gate).layer(handlers));
    let listener = tokio::net::TcpListener::bind(address).await?;
    println!("listening on {}", listener.local_addr()?);
    axum::serve(listener, app).await?;
    Ok(())
}
