//! Log, access log and metrics for the operator.

pub(crate) mod access_log;
pub(crate) mod log;
pub(crate) mod metrics;
