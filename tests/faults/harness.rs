//! Fault scenarios, shared by the program that prints figures and by the tests.

#![allow(clippy::unwrap_used, clippy::expect_used)]
#![allow(clippy::disallowed_methods, reason = "the load needs a clock")]
#![allow(missing_docs, unreachable_pub, reason = "a module of a program and of tests")]

mod app;
mod load;
mod process;
mod scenarios;

pub use scenarios::{ALL, Run};
