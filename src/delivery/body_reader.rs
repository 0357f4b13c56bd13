//! Reading of the body, and the verdict about it, in turns that leave time for other tasks.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;

use super::server::{ClientSide, Disconnected, Runtime, in_time};
use crate::intake::Intake;
use crate::time::Timestamp;
use crate::verdict::{Accepted, Refusal};

/// Reads the whole body. Returns the verdict, with the time of an acceptance.
pub(super) async fn read(
    client: &mut impl ClientSide,
    runtime: &impl Runtime,
    mut intake: Intake,
) -> Result<(Accepted, Timestamp), Refusal> {
    let time_limit = intake.time_limit();
    let read = {
        let body = pin!(async {
            loop {
                let mut left = BYTES_PER_TURN;
                for _ in 0..CHUNKS_PER_TURN {
                    let chunk = match client.next_chunk().await {
                        Ok(Some(chunk)) => chunk,
                        Ok(None) => return Ok(true),
                        Err(Disconnected) => return Ok(false),
                    };
                    let len = chunk.len();
                    intake.push(chunk)?;
                    client.holds(intake.held_bytes());
                    match left.checked_sub(len) {
                        Some(rest) => left = rest,
                        None => break,
                    }
                }
                end_turn().await;
            }
        });
        in_time(body, pin!(runtime.sleep(time_limit))).await
    };
    match read {
        // Box this future, so that the future of a usual callback stays small.
        Some(Ok(true)) if intake.is_large() => {
            match Box::pin(judge_large(runtime, intake, client.evicted())).await {
                Ok(judged) => judged,
                Err(evicted) => Err(evicted.failed(client.body_failure())),
            }
        }
        Some(Ok(true)) => judge(intake, runtime.now()),
        Some(Ok(false)) => Err(intake.failed(client.body_failure())),
        Some(Err(refusal)) => Err(refusal),
        None => Err(intake.interrupted()),
    }
}

fn judge(intake: Intake, now: Timestamp) -> Result<(Accepted, Timestamp), Refusal> {
    intake.finish(now).map(|accepted| (accepted, now))
}

/// Waits for the turn of the intake, then judges its large body with [`Runtime::run_long`].
///
/// # Errors
///
/// Returns the intake if `evicted` completes before the turn begins. Drops `evicted` when the turn
/// begins.
pub(crate) async fn judge_large(
    runtime: &impl Runtime,
    intake: Intake,
    evicted: impl Future<Output = ()> + Send,
) -> Result<Result<(Accepted, Timestamp), Refusal>, Intake> {
    let turn = in_time(pin!(intake.turn()), pin!(evicted)).await;
    let Some(turn) = turn else { return Err(intake) };
    let now = runtime.now();
    let work = move || {
        let judged = judge(intake, now);
        drop(turn);
        judged
    };
    Ok(runtime.run_long(work).await)
}

/// Number of body bytes after which a task ends its turn.
///
/// Without this limit, many large bodies at once delay the other tasks of the thread.
const BYTES_PER_TURN: usize = 64 * 1024;

/// Number of chunks after which a task ends its turn.
///
/// Without this limit, a body whose chunks are always ready blocks the thread and its timers.
pub(crate) const CHUNKS_PER_TURN: u32 = 64;

/// Ends the turn of the current task: other tasks and timers run before the task continues.
pub(crate) async fn end_turn() {
    let mut has_ended = false;
    poll_fn(|cx| {
        if std::mem::replace(&mut has_ended, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}
