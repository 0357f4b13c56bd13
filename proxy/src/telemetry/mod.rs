//! What the operator sees: the log and the metrics.

pub(crate) mod log;
pub(crate) mod metrics;
