//! Log, access log, metrics and traces for the operator.

pub(crate) mod access_log;
pub(crate) mod fields;
pub(crate) mod log;
pub(crate) mod metrics;
pub(crate) mod traces;
