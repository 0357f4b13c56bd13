//! Fault scenarios, shared by the program `faults` and by `proxy/tests/it/faults.rs`.

#![allow(clippy::unwrap_used, clippy::expect_used)]
#![allow(clippy::disallowed_methods, reason = "the load needs a clock")]
#![allow(missing_docs, unreachable_pub, reason = "a module of a program and of a test")]

mod app;
mod attack;
mod heavy;
mod http2;
mod load;
mod process;
mod scenarios;
mod tls;

pub use scenarios::{ALL, Run};
