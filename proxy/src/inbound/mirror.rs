//! Copies of events for the addresses in `mirror`, for example the addresses of a staging app.
//!
//! 1. gatepost sends a copy after the reply to the platform. gatepost counts and logs a failed
//!    copy.
//! 2. At most [`MAX_IN_FLIGHT`] copies are in flight. gatepost drops further copies, and counts and
//!    logs them.
//! 3. A resend that gatepost acknowledges without the app causes no copy.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use gatepost::{Accepted, Addresses, Answer, Asked, Attempt, RequestContext, Timestamp, report};
use http::Method;
use http::header::HOST;
use tokio::time::timeout;

use super::exchange::Exchange;
use crate::app::{self, EventMessage, Target};
use crate::clock;
use crate::telemetry::metrics::METRICS;

/// Maximum number of copies in flight.
const MAX_IN_FLIGHT: usize = 64;

/// Time limit for the answer to a copy.
const TIMEOUT: Duration = Duration::from_secs(5);

const REMEDY: &str = "check the app at the address in `mirror`";

static IN_FLIGHT: AtomicUsize = AtomicUsize::new(0);

/// A copy in flight, which counts until the drop of this value.
struct Slot;

impl Slot {
    fn take() -> Option<Self> {
        let add = |count| (count < MAX_IN_FLIGHT).then_some(count + 1);
        let taken = IN_FLIGHT.fetch_update(Ordering::Relaxed, Ordering::Relaxed, add);
        taken.ok().map(|_| Self)
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        IN_FLIGHT.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Begins to send a copy of an event. `scheme` is the URL scheme of the callback.
#[inline(never)]
pub(super) fn send(
    exchange: &impl Exchange,
    accepted: &Accepted,
    mirror: &Arc<Addresses>,
    scheme: &str,
    now: Timestamp,
) {
    let Some(slot) = Slot::take() else {
        METRICS.callbacks.mirrored("dropped");
        let reason = format_args!(
            "expected fewer than {MAX_IN_FLIGHT} copies in flight, found {MAX_IN_FLIGHT}; {REMEDY}"
        );
        report::mirror_failed(accepted, &mirror.servers(), &reason, now);
        return;
    };
    let head = exchange.head();
    let context = RequestContext::default().with_scheme(scheme);
    let context = context.with_host(head.headers().get(HOST));
    let (headers, body) = accepted.request(&head, &context, now);
    let (accepted, mirror) = (accepted.clone(), Arc::clone(mirror));
    let target = Target { addresses: Arc::clone(&mirror), path: None };
    // The connection pool sets the host of the address.
    let (keeps_host, is_repeatable) = (false, false);
    let message = EventMessage { method: Method::POST, headers, body, keeps_host, is_repeatable };
    tokio::spawn(async move {
        let asked = timeout(TIMEOUT, app::ask(target, message, Attempt::First, TIMEOUT)).await;
        match fault(asked.ok()) {
            None => METRICS.callbacks.mirrored("taken"),
            Some(reason) => {
                METRICS.callbacks.mirrored("failed");
                report::mirror_failed(&accepted, &mirror.servers(), &reason, clock::now());
            }
        }
        drop(slot);
    });
}

/// Returns the reason why the app has not taken a copy; `None` if the app has taken the copy.
/// `asked` is `None` after a time-out.
fn fault(asked: Option<Asked>) -> Option<String> {
    let found = match asked {
        Some(Asked::Answered(Answer::Response { status, .. })) if status.is_success() => {
            return None;
        }
        Some(Asked::Answered(Answer::Response { status, .. })) => format!("status {status}"),
        Some(Asked::Answered(Answer::Unreachable(reason) | Answer::Unreadable(_, reason))) => {
            reason
        }
        Some(Asked::Answered(Answer::Timeout)) | None => {
            return Some(format!("expected an answer within {TIMEOUT:?}, found none; {REMEDY}"));
        }
        Some(Asked::Answered(_) | Asked::ConnectionClosed) => "a closed connection".to_owned(),
    };
    // The reason of a TLS fault has its own remedy.
    let is_whole = found.starts_with("expected ");
    Some(if is_whole { found } else { format!("expected a 2xx answer, found {found}; {REMEDY}") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_in_flight_have_a_limit() {
        let mut slots: Vec<_> = (0..MAX_IN_FLIGHT).map_while(|_| Slot::take()).collect();
        assert_eq!(slots.len(), MAX_IN_FLIGHT);
        assert!(Slot::take().is_none());
        slots.pop();
        assert!(Slot::take().is_some());
    }
}
