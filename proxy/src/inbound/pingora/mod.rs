//! Requests in Pingora's hands: the gate as a module of any Pingora proxy, and the proxy of this
//! program.

mod gate_module;
mod proxy_service;
mod session;

pub use gate_module::GateModule;
pub(crate) use proxy_service::{ProxyService, Upstream};
