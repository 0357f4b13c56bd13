//! Faults under load, for the program that prints figures and for the tests.

#![allow(clippy::unwrap_used, clippy::expect_used)]
#![allow(clippy::disallowed_methods, reason = "a load needs a clock")]
#![allow(missing_docs, unreachable_pub, reason = "a module of a program and of tests")]

mod app;
mod load;
mod process;
mod scenarios;

pub use scenarios::{ALL, Run};
