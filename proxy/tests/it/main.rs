//! Tests of the proxy from the outside: the real program, bytes on sockets, and real apps.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, unreachable_pub)]
#![allow(clippy::disallowed_methods, reason = "tests read the clock and files")]

mod apps;
mod callbacks;
mod canary;
mod cli;
mod failure;
mod faults;
mod hostile;
mod mock;
mod outside_heads;
mod pass_through;
mod readme;
mod refusals;
mod resends;
mod send;
mod shadow;
mod signing;
mod source;
mod stop;
mod support;
mod template_api;
mod template_load;
mod templates;
mod unseen;
mod upgrade;
mod upstreams;
#[path = "../../../tests/it/vectors.rs"]
mod vectors;
mod vectors_through_pingora;
