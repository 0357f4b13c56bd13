//! The system clock. Only this file reads the current date and time.

use std::time::SystemTime;

use gatepost::Timestamp;

/// Returns the current time.
#[expect(clippy::disallowed_methods, reason = "the only function that reads the clock")]
pub(crate) fn now() -> Timestamp {
    SystemTime::now().into()
}
