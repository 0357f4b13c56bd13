//! The gate as a module of any Pingora proxy, and the proxy of the program `gatepost`.

mod gate_module;
mod host_upstream;
mod passed_headers;
mod proxy_service;
mod session;
mod shadowed_request;
mod upstream;
mod upstream_fault;

pub use gate_module::GateModule;
pub(crate) use host_upstream::{EventTarget, HostUpstream};
pub(crate) use proxy_service::ProxyService;
pub(crate) use upstream::{PeerRules, Upstream};
