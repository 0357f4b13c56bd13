//! The log: one line for each callback, with stable words for a machine and a sentence for a person.
//!
//! Both doors log through here, so the same verdict reads the same. No value of a callback stands
//! in a line but the tenant's name, and no secret ever does.
//!
//! Of refusals and failures there are at most ten lines in a second for each code, so that a flood
//! fills no disk; the next line says how many were left out: `suppressed`.

use core::net::IpAddr;
use std::collections::HashMap;
use std::error::Error;
use std::sync::{LazyLock, Mutex, PoisonError};

use crate::conclusion::{Conclusion, Origin};
use crate::limit::{Budget, Rate};
use crate::route::Mode;
use crate::shadow::{Outcome, Shadowed};
use crate::time::Timestamp;
use crate::verdict::{Accepted, Refusal};

/// Logs a refusal as a warning.
pub fn refused(refusal: &Refusal, now: Timestamp) {
    let code = refusal.kind().as_str();
    let Some(suppressed) = LINES.admit(Mode::Enforce, code, now) else { return };
    tracing::warn!(
        code,
        status = refusal.kind().status().as_u16(),
        provider = refusal.provider(),
        route = refusal.route(),
        tenant = refusal.tenant(),
        template = refusal.template(),
        from = refusal.client().map(tracing::field::display),
        suppressed = some(suppressed),
        "callback refused: {refusal}"
    );
}

/// Logs that a connection was closed before the gate could see a request, as a warning. `code` is the
/// door's own word for it, as in `proxy_protocol_broken`.
pub fn closed(code: &'static str, why: &dyn Error, from: Option<IpAddr>, now: Timestamp) {
    let Some(suppressed) = LINES.admit(Mode::Enforce, code, now) else { return };
    let from = from.map(tracing::field::display);
    tracing::warn!(code, from, suppressed = some(suppressed), "connection closed: {why}");
}

/// Logs what would have become of a request that passed in shadow mode: a refusal as a warning, and
/// so what nobody saw; an acceptance as information.
pub fn shadowed(shadowed: &Shadowed, now: Timestamp) {
    let Some(suppressed) = LINES.admit(Mode::Shadow, shadowed.code(), now) else { return };
    let from = match shadowed.outcome() {
        Outcome::Accepted(accepted) => accepted.client(),
        Outcome::Refused(refusal) => refusal.client(),
        Outcome::Unseen => None,
    };
    let from = from.map(tracing::field::display);
    macro_rules! line {
        ($level:ident, $template:expr, $kind:expr, $message:literal) => {
            tracing::$level!(
                code = shadowed.code(),
                mode = "shadow",
                provider = shadowed.provider(),
                route = shadowed.route(),
                tenant = shadowed.tenant(),
                template = $template,
                kind = $kind,
                from,
                suppressed = some(suppressed),
                $message
            )
        };
    }
    match shadowed.outcome() {
        Outcome::Accepted(accepted) => {
            let (template, kind) = (accepted.template().name(), accepted.event().kind());
            line!(info, template, kind, "callback would be accepted");
        }
        Outcome::Refused(refusal) => {
            line!(warn, refusal.template(), None::<&str>, "callback would be refused: {refusal}");
        }
        Outcome::Unseen => {
            let nobody = None::<&str>;
            line!(warn, nobody, nobody, "callback passed unjudged: nobody read its body here");
        }
    }
}

/// Logs what became of an accepted callback: a failure of the app as an error, a kind that the
/// template does not list as information, everything else for debugging.
pub fn concluded(accepted: &Accepted, conclusion: &Conclusion, now: Timestamp) {
    let event = accepted.event();
    let (id, source, kind) = (event.id(), event.source(), event.kind());
    let template = accepted.template().name();
    let status = conclusion.reply.status().as_u16();
    let from = accepted.client().map(tracing::field::display);
    let written = accepted.unknown_kind();
    macro_rules! line {
        ($level:ident, $code:expr, $suppressed:expr, $message:literal) => {
            tracing::$level!(
                code = $code,
                status,
                id,
                source,
                kind,
                template,
                written,
                from,
                suppressed = $suppressed,
                $message
            )
        };
    }
    match &conclusion.origin {
        Origin::Failure(unavailable) | Origin::LastGood(unavailable) => {
            let code = unavailable.kind().as_str();
            if let Some(suppressed) = LINES.admit(Mode::Enforce, code, now) {
                line!(
                    error,
                    code,
                    some(suppressed),
                    "callback answered by the failure policy: {unavailable}"
                );
            }
        }
        origin @ Origin::Unlisted => {
            line!(
                info,
                origin.as_str(),
                None::<u64>,
                "callback answered without the app: no address for it"
            );
        }
        origin @ (Origin::App | Origin::Fixed | Origin::Resend) => {
            line!(debug, origin.as_str(), None::<u64>, "callback answered");
        }
    }
}

/// A number that is worth a word.
fn some(suppressed: u64) -> Option<u64> {
    Some(suppressed).filter(|suppressed| *suppressed > 0)
}

/// How many lines of each code are written.
const LINES_PER_SECOND: u32 = 10;

/// One for the process, as one process has one log.
static LINES: LazyLock<Lines> = LazyLock::new(Lines::default);

/// The lines that were written and left out, by code.
#[derive(Default)]
struct Lines(Mutex<HashMap<(Mode, &'static str), OfCode>>);

#[derive(Default)]
struct OfCode {
    budget: Budget,
    suppressed: u64,
}

impl Lines {
    /// Whether a line may be written, and how many were not since the last that was.
    fn admit(&self, mode: Mode, code: &'static str, now: Timestamp) -> Option<u64> {
        let rate = Rate::new(LINES_PER_SECOND, LINES_PER_SECOND);
        // It is locked for some sums, so nobody can have panicked in it.
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let of_code = lines.entry((mode, code)).or_default();
        if !of_code.budget.take(rate, now) {
            of_code.suppressed += 1;
            return None;
        }
        Some(std::mem::take(&mut of_code.suppressed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_is_written_or_counted() {
        let lines = Lines::default();
        let (mut written, mut left_out, mut said) = (0, 0, 0);
        for millis in 0..5_000 {
            match lines.admit(Mode::Enforce, "token_mismatch", Timestamp::from_millis(millis)) {
                Some(suppressed) => (written, said) = (written + 1, said + suppressed),
                None => left_out += 1,
            }
        }
        assert_eq!(written + left_out, 5_000);
        assert_eq!(written, 10 + 49, "ten at once, and one in each tenth of a second");
        let last =
            lines.admit(Mode::Enforce, "token_mismatch", Timestamp::from_millis(5_000)).unwrap();
        assert_eq!(said + last, left_out);
        assert_eq!(lines.admit(Mode::Enforce, "app_timeout", Timestamp::from_millis(0)), Some(0));
        assert_eq!(
            lines.admit(Mode::Enforce, "token_mismatch", Timestamp::from_millis(6_000)),
            Some(0)
        );
    }
}
