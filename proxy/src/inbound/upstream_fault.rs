//! Faults of a response that Pingora cannot read.

use gatepost::AnswerFault;
use pingora::prelude::{Error, ErrorType};

/// Point in an exchange with the upstream at which an error occurs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum UpstreamEnd {
    BeforeResponse,
    /// Point after the TLS handshake of a new connection and before the head of the response.
    AfterHandshake,
    /// Point after the head of the response.
    InResponse,
}

/// Returns true if the connection to the upstream ended or failed.
pub(super) fn is_close(error: &Error) -> bool {
    [ErrorType::WriteError, ErrorType::ReadError, ErrorType::ConnectionClosed]
        .contains(error.etype())
}

/// Returns the fault of a response of which bytes have arrived; `None` if the error has another
/// cause. `has_begun` is true if the whole head of the response has arrived.
pub(super) fn upstream_fault(error: &Error, has_begun: bool) -> Option<AnswerFault> {
    let kind = error.etype();
    if *kind == ErrorType::InvalidHTTPHeader {
        // Pingora has no separate type for a head that is too large.
        let is_too_large = error.to_string().contains("Response header larger");
        return Some(if is_too_large { AnswerFault::TooLarge } else { AnswerFault::Broken });
    }
    // Compare the names, because Pingora does not export these types.
    if ["InvalidChunk", "InvalidTrailerEnd"].contains(&kind.as_str()) {
        return Some(AnswerFault::Broken);
    }
    let is_cut_off = [ErrorType::ConnectionClosed, ErrorType::ReadError].contains(kind);
    (has_begun && is_cut_off).then_some(AnswerFault::Incomplete)
}
