//! Verdicts: what the gate says of a callback.
//!
//! There are three and no others. [`Accepted`] is a permit that only the gate can
//! make, and the only thing that is ever forwarded. A [`Refusal`] is the sender's fault.
//! [`Unavailable`] is the app's, or our own: the callback was genuine, and the failure policy
//! answered it.

mod accepted;
mod refusal;
mod unavailable;

pub(crate) use accepted::Inner;
pub use accepted::{Accepted, ViewError};
pub use refusal::{Refusal, RefusalKind};
pub use unavailable::{Unavailable, UnavailableKind};

pub(crate) use refusal::RequestFault;

/// A foreign word, fit for a log line: escaped and cut short.
pub(crate) fn printable(word: &str) -> String {
    const LONG: usize = 100;
    word.chars().take(LONG).flat_map(char::escape_debug).collect()
}
