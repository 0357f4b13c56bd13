//! Log and metrics for the operator.

mod config_metrics;
pub(crate) mod log;
pub(crate) mod metrics;
mod registry;
