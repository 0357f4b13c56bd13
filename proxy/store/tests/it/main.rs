//! Tests of the stores.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

#[macro_use]
mod contract;
mod damage;
mod file;
mod incomplete_log;
mod layer;
#[cfg(feature = "nats")]
mod nats;
#[cfg(feature = "nats")]
mod nats_login;
#[cfg(feature = "nats")]
mod nats_server;
mod shared_contract;
mod shared_file;
