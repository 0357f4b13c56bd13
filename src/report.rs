//! The log: one line for each callback, with stable words for a machine and a sentence for a person.
//!
//! Both doors log through here, so the same verdict reads the same. No value of a callback stands
//! in a line but the tenant's name, and no secret ever does.

use core::net::IpAddr;

use crate::reply::{Conclusion, Origin};
use crate::verdict::{Accepted, Refusal};

/// Logs a refusal as a warning.
pub fn refused(refusal: &Refusal, from: Option<IpAddr>) {
    tracing::warn!(
        code = refusal.kind().as_str(),
        status = refusal.kind().status().as_u16(),
        provider = refusal.provider(),
        route = refusal.route(),
        tenant = refusal.tenant(),
        template = refusal.template(),
        from = from.map(tracing::field::display),
        "callback refused: {refusal}"
    );
}

/// Logs what became of an accepted callback: a failure of the app as an error, a kind that the
/// template does not list as information, everything else for debugging.
pub fn concluded(accepted: &Accepted, conclusion: &Conclusion, from: Option<IpAddr>) {
    let event = accepted.event();
    let (id, source, kind) = (event.id(), event.source(), event.kind());
    let template = accepted.template().name();
    let status = conclusion.reply.status().as_u16();
    let from = from.map(tracing::field::display);
    let written = accepted.unknown_kind();
    macro_rules! line {
        ($level:ident, $code:expr, $message:literal) => {
            tracing::$level!(
                code = $code,
                status,
                id,
                source,
                kind,
                template,
                written,
                from,
                $message
            )
        };
    }
    match &conclusion.origin {
        Origin::Failure(unavailable) | Origin::LastGood(unavailable) => {
            let code = unavailable.kind().as_str();
            line!(error, code, "callback answered by the failure policy: {unavailable}");
        }
        origin @ Origin::Unlisted => {
            line!(info, origin.as_str(), "callback answered without the app: no address for it");
        }
        origin @ (Origin::App | Origin::Fixed | Origin::Resend) => {
            line!(debug, origin.as_str(), "callback answered");
        }
    }
}
