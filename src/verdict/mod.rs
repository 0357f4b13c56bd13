//! Verdicts on callbacks. There are exactly three:
//!
//! - [`Accepted`]: the callback is genuine. Only the gate creates it, and code that forwards an
//!   event takes nothing else.
//! - [`Refusal`]: the client is at fault.
//! - [`Unavailable`](crate::Unavailable): the callback is genuine, but the app's answer cannot be
//!   used. The failure policy decides the reply.

mod accepted;
mod refusal;

pub(crate) use accepted::AcceptedCallback;
pub use accepted::{Accepted, ViewError};
pub use refusal::{Refusal, RefusalKind};

pub(crate) use refusal::RefusalCause;
