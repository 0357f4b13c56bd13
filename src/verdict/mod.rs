//! Verdicts: what the gate says of a callback.
//!
//! There are three and no others. [`Accepted`] is a permit that only the gate can
//! make, and the only thing that is ever forwarded. A [`Refusal`] is the sender's fault.
//! [`Unavailable`] is the app's, or our own: the callback was genuine, and the failure policy
//! answered it.

mod accepted;
mod refusal;

pub(crate) use accepted::AcceptedCallback;
pub use accepted::{Accepted, ViewError};
pub use refusal::{Refusal, RefusalKind};

pub(crate) use refusal::RefusalCause;
