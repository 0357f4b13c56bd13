//! The system clock. Only this file reads the current date and time.

use std::time::SystemTime;

use gatepost::Timestamp;

/// Returns the current time.
pub(crate) fn now() -> Timestamp {
    system_time().into()
}

/// Returns the current time with the resolution of the system clock.
#[expect(clippy::disallowed_methods, reason = "the only function that reads the clock")]
pub(crate) fn system_time() -> SystemTime {
    SystemTime::now()
}
