//! Tests of the stores.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod contract;
mod file;
mod layer;
mod shared_contract;
mod shared_file;
