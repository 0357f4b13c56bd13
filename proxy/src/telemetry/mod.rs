//! Log and metrics for the operator.

pub(crate) mod log;
pub(crate) mod metrics;
