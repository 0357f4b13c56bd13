//! Copies of events for the addresses in `mirror`, for example those of a staging app.
//!
//! 1. gatepost sends a copy after the platform has its reply. Its failure changes nothing.
//! 2. At most [`MAX_IN_FLIGHT`] copies are in flight. Beyond, gatepost sends none, and counts it.
//! 3. A resend that gatepost acknowledges itself causes no copy.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use gatepost::{Accepted, Addresses, Answer, Asked, Attempt, RequestContext, Timestamp};
use http::Method;
use http::header::HOST;
use tokio::time::timeout;

use super::callback_driver::scheme;
use super::exchange::Exchange;
use crate::app::{self, EventMessage, Target};
use crate::telemetry::metrics::METRICS;

/// Maximum number of copies in flight.
const MAX_IN_FLIGHT: usize = 64;

/// Time limit for the answer to a copy.
const TIMEOUT: Duration = Duration::from_secs(5);

static IN_FLIGHT: AtomicUsize = AtomicUsize::new(0);

/// The right to send a copy, until it is dropped.
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

/// Begins to send a copy of an event.
#[inline(never)]
pub(super) fn send(
    exchange: &impl Exchange,
    accepted: &Accepted,
    mirror: &Arc<Addresses>,
    now: Timestamp,
) {
    let Some(slot) = Slot::take() else {
        METRICS.callbacks.mirrored("dropped");
        return;
    };
    let head = exchange.head();
    let context = RequestContext::default().with_scheme(scheme(exchange.is_encrypted()));
    let context = context.with_host(head.headers().get(HOST));
    let (headers, body) = accepted.request(&head, &context, now);
    let target = Target { addresses: Arc::clone(mirror), path: None };
    // The connection pool sets the host of the address.
    let (keeps_host, is_repeatable) = (false, false);
    let message = EventMessage { method: Method::POST, headers, body, keeps_host, is_repeatable };
    tokio::spawn(async move {
        let asked = timeout(TIMEOUT, app::ask(target, message, Attempt::First, TIMEOUT)).await;
        let is_taken = matches!(
            asked,
            Ok(Asked::Answered(Answer::Response { status, .. })) if status.is_success()
        );
        METRICS.callbacks.mirrored(if is_taken { "taken" } else { "failed" });
        drop(slot);
    });
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
