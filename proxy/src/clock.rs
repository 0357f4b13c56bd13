//! The one place that reads the clock.

use std::time::SystemTime;

use gatepost::Timestamp;

/// Now.
#[expect(clippy::disallowed_methods, reason = "this is the one place for it")]
pub(crate) fn now() -> Timestamp {
    SystemTime::now().into()
}
