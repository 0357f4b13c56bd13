//! Functions that carry out the steps in the shared state, for [`drive`](crate::drive).

use std::pin::pin;
use std::time::Duration;

use super::super::server::{ClientSide, Runtime, in_time, while_connected};
use super::super::{Next, StoreStep};
use super::{HeldClaim, LastAnswerStep, SharedClaim, value};
use crate::conclusion::{Conclusion, Origin};
use crate::memory::store::{SharedState, SharedUse, StoreError, StoreFuture};
use crate::time::Timestamp;
use crate::verdict::{Accepted, Refusal};
use value::StoredValue;

/// Minimum time limit of an operation: half of the time that gatepost reserves for the reply. If
/// the app has used nearly all of its time, this limit applies.
const SHORTEST: Duration = Duration::from_millis(50);

/// Maximum time limit of an operation.
const LONGEST: Duration = Duration::from_millis(500);

/// Divisor of the app's remaining time: an operation may take a quarter of this time.
const SHARE_OF_TIME: u32 = 4;

/// Carries out an operation. Returns `None` if the operation fails or has no result in time. During
/// an outage, returns `None` without an operation until the next try is due.
pub(super) async fn run<'s, T>(
    runtime: &'s impl Runtime,
    accepted: &Accepted,
    of: SharedUse,
    operation: impl FnOnce(&'s dyn SharedState, Timestamp) -> StoreFuture<'s, T>,
) -> Option<T> {
    let (state, now) = (runtime.shared_state()?, runtime.now());
    let outage = &accepted.memory().outage;
    if !outage.permits(now) {
        runtime.unshared(of, None);
        return None;
    }
    let left = accepted.delivery().as_ask().map(|ask| accepted.time_left(ask, now));
    let patience = left.map_or(LONGEST, |left| (left / SHARE_OF_TIME).clamp(SHORTEST, LONGEST));
    let timer = runtime.sleep_coarsely(patience);
    let error = match in_time(pin!(operation(state, now)), pin!(timer)).await {
        Some(Ok(result)) => {
            if let Some(skipped) = outage.succeeded() {
                runtime.shared_again(skipped);
            }
            return Some(result);
        }
        Some(Err(error)) => error,
        None => StoreError::Unavailable(format!(
            "expected a result within {} ms, found none; end a process that locks the store, or use a faster disk or network",
            patience.as_millis()
        )),
    };
    let begins = outage.failed(runtime.now());
    runtime.unshared(of, begins.then_some(&error));
    None
}

/// Looks up a signature or id that this process receives for the first time. Stores the signature
/// or id if the shared state does not contain it.
///
/// # Errors
///
/// Returns the refusal of a callback whose signature has arrived with other data.
pub(super) async fn check_proof(
    runtime: &impl Runtime,
    mut accepted: Accepted,
) -> Result<Accepted, Refusal> {
    let Some(proof) = accepted.shared_proof().cloned() else { return Ok(accepted) };
    let (key, value) = (proof.key, proof.value.clone());
    let found =
        run(runtime, &accepted, SharedUse::Signature, |state, now| state.insert(key, value, now));
    let found = found.await.flatten();
    if found.is_none_or(|found| found.bytes == proof.value.bytes) {
        return Ok(accepted);
    }
    if let Some(refusal) = proof.refusal {
        return Err(refusal.with_body(accepted.raw().clone()));
    }
    accepted.note_reuse(proof.reused);
    Ok(accepted)
}

/// Claims a callback. Waits while another process has the claim. Returns `None` if the client
/// disconnects.
pub(in crate::delivery) async fn claim(
    client: &mut impl ClientSide,
    runtime: &impl Runtime,
    mut claim: SharedClaim,
) -> Option<Next> {
    loop {
        let Some(pause) = claim.pause(runtime.now()) else {
            return Some(Next::Reply(claim.give_up(runtime.now())));
        };
        if !pause.is_zero() {
            let (work, never) = (runtime.sleep(pause), std::future::pending());
            while_connected(client, pin!(work), pin!(never)).await?;
        }
        let (key, value) = (claim.key(), claim.value(runtime.now()));
        let found = run(runtime, claim.accepted(), SharedUse::Resend, |state, now| {
            state.insert(key, value, now)
        });
        let found = found.await;
        claim = match claim.next(found, runtime.now()) {
            Next::Store(step) => match *step {
                StoreStep::Claim(again) => again,
                step @ (StoreStep::Append(_) | StoreStep::Limit(_)) => {
                    return Some(Next::Store(Box::new(step)));
                }
            },
            next @ (Next::Ask(_) | Next::Reply(_) | Next::Wait(_)) => return Some(next),
        };
    }
}

/// Replaces a claim with the reply from the app's answer. If gatepost cannot share a reply, removes
/// the claim.
pub(in crate::delivery) async fn finish(
    runtime: &impl Runtime,
    accepted: &Accepted,
    held: HeldClaim,
    conclusion: &Conclusion,
    now: Timestamp,
) {
    let Some(value) = accepted.shared_reply(conclusion, now) else {
        return release(runtime, accepted, held).await;
    };
    run(runtime, accepted, SharedUse::Resend, |state, now| state.set(held.key, value, now)).await;
}

/// Removes a claim, because gatepost has no reply to share.
pub(in crate::delivery) async fn release(
    runtime: &impl Runtime,
    accepted: &Accepted,
    held: HeldClaim,
) {
    let HeldClaim { key, bytes } = held;
    run(runtime, accepted, SharedUse::Resend, |state, _| state.remove(key, bytes)).await;
}

/// Stores the reply from the app's answer about a viewer and content. After a failure, returns the
/// stored reply about the same viewer and content. Without a stored reply, returns `conclusion`.
pub(super) async fn last_answer(
    runtime: &impl Runtime,
    accepted: &Accepted,
    conclusion: Conclusion,
    now: Timestamp,
) -> Conclusion {
    let Some(ask) = accepted.delivery().as_ask() else { return conclusion };
    let found = match accepted.last_answer_step(ask, &conclusion, now) {
        None => return conclusion,
        Some(LastAnswerStep::Keep(key, value)) => {
            let of = SharedUse::LastAnswer;
            run(runtime, accepted, of, |state, now| state.set(key, value, now)).await;
            return conclusion;
        }
        Some(LastAnswerStep::Find(key)) => {
            let of = SharedUse::LastAnswer;
            run(runtime, accepted, of, |state, now| state.get(key, now)).await.flatten()
        }
    };
    let found = found.and_then(|found| value::read(found.bytes, ask.policy.as_ref()));
    match (found, &conclusion.origin) {
        (Some(StoredValue::Reply(reply)), Origin::Failure(reason)) => {
            Conclusion::new(*reply, Origin::LastGood(reason.clone()))
        }
        _ => conclusion,
    }
}
