//! gatepost on Pingora: a module for your own proxy, and the program `gatepost`.
//!
//! Call [`GateModule`] in the `request_filter` of any Pingora proxy. The module judges each
//! callback, asks the app and writes the reply; your proxy serves all other requests. On a route in
//! shadow mode, the module only reports verdicts and predictions. Such routes need a second call,
//! in `request_body_filter`. Predictions need three more calls, in `upstream_response_filter`,
//! `upstream_response_body_filter` and `logging`. `examples/pingora.rs` shows all of these calls.
//!
//! ```no_run
//! use async_trait::async_trait;
//! use bytes::Bytes;
//! use gatepost::Gate;
//! use gatepost_proxy::GateModule;
//! use pingora::prelude::*;
//!
//! struct MyProxy {
//!     gate: GateModule,
//! }
//!
//! #[async_trait]
//! impl ProxyHttp for MyProxy {
//!     type CTX = ();
//!     fn new_ctx(&self) {}
//!
//!     async fn request_filter(&self, session: &mut Session, _: &mut ()) -> Result<bool> {
//!         self.gate.request_filter(session).await
//!     }
//!
//!     async fn request_body_filter(
//!         &self,
//!         session: &mut Session,
//!         body: &mut Option<Bytes>,
//!         end: bool,
//!         _: &mut (),
//!     ) -> Result<()> {
//!         self.gate.request_body_filter(session, body.as_ref(), end);
//!         Ok(())
//!     }
//!
//!     async fn upstream_peer(&self, _: &mut Session, _: &mut ()) -> Result<Box<HttpPeer>> {
//!         Ok(Box::new(HttpPeer::new("127.0.0.1:3000", false, String::new())))
//!     }
//! }
//! ```

mod admin;
mod app;
mod capture;
mod cli;
mod clock;
mod config_warnings;
mod descriptors;
#[cfg(test)]
mod generated_page;
mod inbound;
mod platform;
mod queue;
mod resolver;
mod scenario;
mod served_config;
mod server;
mod table;
mod telemetry;
mod tls;
mod trusting_client;

pub use cli::run_program;
pub use inbound::pingora::GateModule;
