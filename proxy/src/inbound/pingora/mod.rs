//! The gate as a module of any Pingora proxy, and the proxy of the program `gatepost`.

mod gate_module;
mod passed_headers;
mod proxy_service;
mod session;
mod shadowed_request;
mod upstream;
mod upstream_server;

pub use gate_module::GateModule;
pub(crate) use proxy_service::ProxyService;
pub(crate) use upstream::Upstream;
pub(crate) use upstream_server::PeerRules;
