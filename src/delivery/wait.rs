//! Wait for the reply to another copy of a callback.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use super::Question;
use crate::conclusion::{Conclusion, UnavailableKind};
use crate::memory::SharedConclusion;
use crate::printable::print_only;
use crate::time::Timestamp;
use crate::verdict::Accepted;

/// A wait for the conclusion of the first copy of a callback.
///
/// The future resolves to the conclusion of the first copy, which is in flight to the app. If the
/// first copy ends without a conclusion, for example because its client disconnects, the future
/// resolves to `None`. In this case, call [`Accepted::next`] again. After [`Wait::timeout`], call
/// [`Wait::give_up`].
///
/// # Examples
///
/// ```
/// # use gatepost::{Accepted, Admission, Answer, Gate, Head, Next, Refusal, Timestamp};
/// # use http::{HeaderMap, Method, StatusCode, Uri};
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let now = Timestamp::from_secs(1_703_731_478);
/// # let gate = Gate::builder()
/// #     .toml(
/// #         "[[route]]\npath = '/kollus'\nprovider = 'kollus'\n\
/// #          [[template]]\nname = 'paid'\nprovider = 'kollus'\nbind = '*'\n\
/// #          [template.on.live_play]\ndedupe = true",
/// #     )
/// #     .build()?;
/// # let accept = || -> Result<Accepted, Refusal> {
/// #     let (uri, headers) = (Uri::from_static("/kollus"), HeaderMap::new());
/// #     let head = Head::new(&Method::POST, &uri, &headers);
/// #     let Admission::Callback(mut intake) = gate.admit(&head, now) else { unreachable!() };
/// #     intake.push("kind=100&client_user_id=u&media_content_key=m&channel_key=c".into())?;
/// #     intake.finish(now)
/// # };
/// // Each call of `accept` returns a copy of the same callback. The config sets `dedupe = true`.
/// let (first, second, third) = (accept()?, accept()?, accept()?);
/// let Next::Ask(question) = first.next(now) else {
///     panic!("expected a question, found another step")
/// };
/// let Next::Wait(wait) = second.next(now) else {
///     panic!("expected a wait, found another step")
/// };
/// let Next::Wait(overdue) = third.next(now) else {
///     panic!("expected a wait, found another step")
/// };
///
/// let answer = Answer::response(StatusCode::OK, Some("{\"allow\":true}".into()));
/// let conclusion = question.conclude(&answer, now);
/// assert_eq!(wait.await.unwrap().reply.body(), conclusion.reply.body());
/// assert_eq!(overdue.give_up(now).origin.as_str(), "failure");
/// # Ok(())
/// # }
/// ```
#[must_use = "futures do nothing unless polled"]
pub struct Wait {
    pub(super) accepted: Accepted,
    pub(super) timeout: Duration,
    pub(super) shared: SharedConclusion,
}

impl Wait {
    /// Returns the maximum time to wait.
    #[must_use]
    pub const fn timeout(&self) -> Duration {
        self.timeout
    }

    /// Applies the failure policy, because the first copy had no conclusion in time.
    #[must_use]
    pub fn give_up(self, now: Timestamp) -> Conclusion {
        let Self { accepted, timeout, .. } = self;
        Question { accepted, timeout, claim: None, shared: None }
            .fail(UnavailableKind::AppTimeout, now)
    }
}

impl Future for Wait {
    type Output = Option<Conclusion>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.shared).poll(cx).map(Result::ok)
    }
}

print_only! { Wait: accepted; }
