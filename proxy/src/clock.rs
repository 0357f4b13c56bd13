//! The system clock, read in one place.

use std::time::SystemTime;

use gatepost::Timestamp;

/// Returns the current time.
#[expect(clippy::disallowed_methods, reason = "this is the one place for it")]
pub(crate) fn now() -> Timestamp {
    SystemTime::now().into()
}
