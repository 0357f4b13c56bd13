//! Verdicts on callbacks. There are exactly three:
//!
//! - [`Accepted`]: the callback is genuine. Only [`Gate`](crate::Gate) creates this verdict, and
//!   code that forwards an event accepts no other type.
//! - [`Refusal`]: the client is at fault.
//! - [`Unavailable`](crate::Unavailable): the callback is genuine, but gatepost has no usable
//!   answer from the app. The failure policy determines the reply.

mod accepted;
mod packed;
mod refusal;
mod refusal_kind;

pub use accepted::{Accepted, ViewError};
pub(crate) use accepted::{AcceptedCallback, Reused, SharedProof, Sharing};
pub use packed::PackedAccepted;
pub use refusal::Refusal;
pub use refusal_kind::RefusalKind;

pub(crate) use refusal::RefusalCause;
