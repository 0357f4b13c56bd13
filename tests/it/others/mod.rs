//! Tests with vectors, scenarios and payloads that other projects publish.

#[cfg(feature = "tower")]
mod octokit;
#[cfg(feature = "tower")]
mod scenarios;
pub mod table;
mod through_core;
#[cfg(feature = "tower")]
mod through_layer;
