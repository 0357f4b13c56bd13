//! Faults of a response that Pingora cannot read.

use gatepost::AnswerFault;
use pingora::prelude::{Error, ErrorType};

/// Returns the fault of a response that the upstream has begun; `None` if the error has another cause.
/// `has_begun` is true if the head of the response has arrived.
pub(super) fn upstream_fault(error: &Error, has_begun: bool) -> Option<AnswerFault> {
    match error.etype() {
        // Pingora has no type of its own for this error.
        ErrorType::InvalidHTTPHeader if error.to_string().contains("Response header larger") => {
            Some(AnswerFault::TooLarge)
        }
        ErrorType::InvalidHTTPHeader => Some(AnswerFault::Broken),
        // Types that Pingora does not export.
        other if ["InvalidChunk", "InvalidTrailerEnd"].contains(&other.as_str()) => {
            Some(AnswerFault::Broken)
        }
        ErrorType::ConnectionClosed | ErrorType::ReadError if has_begun => {
            Some(AnswerFault::Incomplete)
        }
        _ => None,
    }
}
