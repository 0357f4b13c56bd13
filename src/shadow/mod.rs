//! Shadow mode: gatepost judges, logs and counts the callbacks of a route, and the app's answers.
//! gatepost passes every answer on unchanged, and removes only the reserved headers from a callback
//! that it passes on.
//!
//! Use shadow mode to introduce gatepost in front of an app that verifies callbacks itself. Servers
//! differ in the way they decode a path, so a path has several spellings, such as `/hook` and
//! `/%68ook`. These rules apply to a request for any spelling of a shadow route's path:
//!
//! 1. Unless rule 4 or 5 applies, the server passes the request on to the app, and passes the app's
//!    answer back to the platform. The limits of the route affect at most the verdict.
//! 2. The server passes each chunk of the body to an [`Observer`]. As soon as the verdict is
//!    certain, the observer reports the verdict once, in a [`Shadowed`].
//! 3. The server passes the app's answer to an [`AnswerObserver`]. If the callback is genuine, the
//!    observer reports once, in a [`Prediction`], what enforce mode does with the answer.
//! 4. If the path is also a spelling of the path of a route in enforce mode, gatepost refuses the
//!    request.
//! 5. If the path is also a spelling of an app address in the config, gatepost refuses the request.

mod exchange;
mod prediction;

use core::net::IpAddr;
use std::fmt;
use std::future::Future;
use std::sync::Arc;

use bytes::Bytes;

pub use self::exchange::AnswerObserver;
use self::exchange::ShadowExchange;
use self::prediction::VendorHeaders;
pub use self::prediction::{Effect, Prediction};
use crate::delivery::{Runtime, judge_large};
use crate::head::Head;
use crate::intake::Intake;
use crate::time::Timestamp;
use crate::verdict::{Accepted, Refusal};

/// A request to a route in shadow mode.
///
/// Remove the headers for which [`is_reserved`](crate::is_reserved) returns true. Then pass the
/// request on to the app, and pass each chunk of the body to the [`Observer`].
///
/// # Examples
///
/// ```
/// use std::sync::mpsc;
///
/// use gatepost::{Admission, Gate, Head, Timestamp};
/// use http::{HeaderMap, Method, Uri};
///
/// # let gate = Gate::builder()
/// #     .toml(
/// #         "[[route]]\npath = '/kollus'\nprovider = 'kollus'\nmode = 'shadow'\n\
/// #          [[template]]\nname = 'paid'\nprovider = 'kollus'\nbind = '*'",
/// #     )
/// #     .build()?;
/// let now = Timestamp::from_secs(1_703_731_478);
/// let (uri, headers) = (Uri::from_static("/kollus"), HeaderMap::new());
/// let judge = |body: &'static str| {
///     let head = Head::new(&Method::POST, &uri, &headers);
///     let Admission::Shadow(shadow) = gate.admit(&head, now) else {
///         panic!("expected shadow mode, found another admission")
///     };
///     let (sender, codes) = mpsc::channel();
///     let mut observer = shadow.observe(move |shadowed| sender.send(shadowed.code()).unwrap());
///     observer.push(body.into());
///     observer.finish(now);
///     codes.recv()
/// };
/// let genuine = judge("kind=100&client_user_id=u&media_content_key=m&channel_key=c");
/// assert_eq!(genuine, Ok("accepted"));
/// assert_eq!(judge("kind=100&kind=100"), Ok("field_duplicate"));
/// # Ok::<(), gatepost::ConfigError>(())
/// ```
#[derive(Debug)]
pub struct Shadow {
    admitted: Result<Intake, Refusal>,
    route: Arc<str>,
    provider: Arc<str>,
}

impl Shadow {
    pub(crate) const fn new(
        admitted: Result<Intake, Refusal>,
        route: Arc<str>,
        provider: Arc<str>,
    ) -> Self {
        Self { admitted, route, provider }
    }

    /// Returns the path and the query parameters of the route, as written in the config. This text
    /// is safe to log. The path of the request is not safe to log, because it may contain a token.
    #[must_use]
    pub fn route(&self) -> &Arc<str> {
        &self.route
    }

    /// Returns an observer of the request's body. The observer calls `on_verdict` once.
    ///
    /// If gatepost has refused the head, this method itself calls `on_verdict`, and the observer
    /// does nothing.
    pub fn observe(self, on_verdict: impl FnOnce(&Shadowed) + Send + Sync + 'static) -> Observer {
        let Self { admitted, route, provider } = self;
        let shadowed = Shadowed { route, provider, outcome: Outcome::Unseen };
        match admitted {
            Ok(intake) => {
                Observer(Some(Observation { intake, shadowed, on_verdict: Box::new(on_verdict) }))
            }
            Err(refusal) => {
                on_verdict(&Shadowed { outcome: Outcome::Refused(refusal), ..shadowed });
                Observer(None)
            }
        }
    }

    /// Returns an observer of the request's body, and an observer of the app's answer.
    ///
    /// gatepost calls `on_verdict` as [`Shadow::observe`] describes. For a genuine callback,
    /// gatepost calls `on_prediction` once, at the end of both observers. `head` is the head of the
    /// request.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::mpsc;
    ///
    /// use gatepost::{Admission, Gate, Head, Timestamp};
    /// use http::{HeaderMap, Method, StatusCode, Uri};
    ///
    /// # let gate = Gate::builder()
    /// #     .toml(
    /// #         "[[route]]\npath = '/kollus'\nprovider = 'kollus'\nmode = 'shadow'\n\
    /// #          [[template]]\nname = 'paid'\nprovider = 'kollus'\nbind = '*'",
    /// #     )
    /// #     .build()?;
    /// let now = Timestamp::from_secs(1_703_731_478);
    /// let (uri, headers) = (Uri::from_static("/kollus"), HeaderMap::new());
    /// let predict = |answer_body: &[u8]| {
    ///     let head = Head::new(&Method::POST, &uri, &headers);
    ///     let Admission::Shadow(shadow) = gate.admit(&head, now) else {
    ///         panic!("expected shadow mode, found another admission")
    ///     };
    ///     let (sender, effects) = mpsc::channel();
    ///     let (mut request, mut answer) = shadow.observe_exchange(
    ///         &head,
    ///         |_| (),
    ///         move |prediction| sender.send(prediction.effect().as_str()).unwrap(),
    ///     );
    ///     request.push("kind=100&client_user_id=u&media_content_key=m&channel_key=c".into());
    ///     request.finish(now);
    ///     answer.head(StatusCode::OK, &HeaderMap::new());
    ///     answer.push(answer_body);
    ///     answer.finish(now);
    ///     effects.recv()
    /// };
    /// assert_eq!(predict(br#"{"data":{"result":1}}"#), Ok("passed"));
    /// assert_eq!(predict(br#"{"allow":true}"#), Ok("put_right"));
    /// assert_eq!(predict(b"<b>Warning</b>"), Ok("replaced"));
    /// # Ok::<(), gatepost::ConfigError>(())
    /// ```
    pub fn observe_exchange(
        self,
        head: &Head<'_>,
        on_verdict: impl FnOnce(&Shadowed) + Send + Sync + 'static,
        on_prediction: impl FnOnce(&Prediction) + Send + Sync + 'static,
    ) -> (Observer, AnswerObserver) {
        let route = Arc::clone(&self.route);
        let exchange = ShadowExchange::new(route, VendorHeaders::of(head), Box::new(on_prediction));
        let answer = AnswerObserver::new(Arc::clone(&exchange));
        let observer = self.observe(move |shadowed| {
            on_verdict(shadowed);
            exchange.judged(shadowed);
        });
        (observer, answer)
    }

    pub(crate) fn into_admitted(self) -> Result<Intake, Refusal> {
        self.admitted
    }
}

/// Observer of the body of a request to a route in shadow mode. An observer reports one outcome: a
/// verdict, or `unseen`.
///
/// A server may drop an observer without calling [`Observer::finish`]. If the server has passed no
/// chunk, the observer then reports `unseen`; otherwise, it reports `body_incomplete`. The example
/// of [`Shadow`] has complete bodies.
///
/// ```
/// # use gatepost::{Admission, Gate, Head, Timestamp};
/// # use http::{HeaderMap, Method, Uri};
/// # let config = "[[route]]\npath = '/kollus'\nprovider = 'kollus'\nmode = 'shadow'";
/// # let gate = Gate::builder().toml(config).build()?;
/// # let (uri, headers) = (Uri::from_static("/kollus"), HeaderMap::new());
/// # let head = Head::new(&Method::POST, &uri, &headers);
/// # let Admission::Shadow(shadow) = gate.admit(&head, Timestamp::from_secs(0)) else {
/// #     unreachable!()
/// # };
/// let observer = shadow.observe(|shadowed| assert_eq!(shadowed.code(), "unseen"));
/// drop(observer);
/// # Ok::<(), gatepost::ConfigError>(())
/// ```
pub struct Observer(Option<Observation>);

struct Observation {
    intake: Intake,
    shadowed: Shadowed,
    on_verdict: Box<dyn FnOnce(&Shadowed) + Send + Sync>,
}

/// `Debug` omits the body, because the body is unverified and may contain personal data.
impl fmt::Debug for Observer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Observer").field("is_pending", &self.0.is_some()).finish_non_exhaustive()
    }
}

impl Observer {
    /// Adds the next chunk of the body.
    pub fn push(&mut self, chunk: Bytes) {
        let Some(observation) = &mut self.0 else { return };
        if let Err(refusal) = observation.intake.push(chunk) {
            self.conclude(|_| Outcome::Refused(refusal));
        }
    }

    /// Returns the address of the client that sent the request; `None` if the address is unknown,
    /// and after the verdict.
    #[must_use]
    pub fn client(&self) -> Option<IpAddr> {
        self.0.as_ref().and_then(|observation| observation.intake.client())
    }

    /// Returns the memory that the body occupies so far, in bytes; 0 after the verdict.
    #[must_use]
    pub fn held_bytes(&self) -> usize {
        self.0.as_ref().map_or(0, |observation| observation.intake.held_bytes())
    }

    /// Judges the body, whose end arrived at the time `now`. Later calls do nothing.
    pub fn finish(&mut self, now: Timestamp) {
        self.conclude(|intake| Outcome::of(intake.finish(now)));
    }

    /// Judges a small body at once, as [`Observer::finish`] does, and returns `None`. For a large
    /// body, returns a future that judges the body.
    ///
    /// Spawn this future as a task: the future may run for many milliseconds, and no reply depends
    /// on the verdict. `evicted` completes when the server needs the memory of the body. If
    /// `evicted` completes before gatepost judges the body, the verdict is that of an incomplete
    /// body.
    #[must_use]
    pub fn finish_in<R: Runtime + Send + 'static, E: Future<Output = ()> + Send + 'static>(
        &mut self,
        runtime: R,
        evicted: E,
    ) -> Option<impl Future<Output = ()> + Send + use<R, E>> {
        if !self.0.as_ref().is_some_and(|observation| observation.intake.is_large()) {
            self.finish(runtime.now());
            return None;
        }
        let Observation { intake, shadowed, on_verdict } = self.0.take()?;
        Some(async move {
            let outcome = match judge_large(&runtime, intake, evicted).await {
                Ok(judged) => Outcome::of(judged.map(|(accepted, _)| accepted)),
                Err(evicted) => Outcome::Refused(evicted.interrupted()),
            };
            on_verdict(&Shadowed { outcome, ..shadowed });
        })
    }

    fn conclude(&mut self, outcome: impl FnOnce(Intake) -> Outcome) {
        if let Some(Observation { intake, shadowed, on_verdict }) = self.0.take() {
            on_verdict(&Shadowed { outcome: outcome(intake), ..shadowed });
        }
    }
}

impl Drop for Observer {
    fn drop(&mut self) {
        self.conclude(|intake| {
            if intake.is_empty() { Outcome::Unseen } else { Outcome::Refused(intake.interrupted()) }
        });
    }
}

/// The outcome of a request to a route in shadow mode, with the route and its provider.
#[derive(Debug)]
pub struct Shadowed {
    route: Arc<str>,
    provider: Arc<str>,
    outcome: Outcome,
}

/// The outcome of a request to a route in shadow mode.
#[derive(Debug)]
#[non_exhaustive]
pub enum Outcome {
    /// The callback is genuine.
    Accepted(Accepted),
    /// The verdict is a refusal. In enforce mode, gatepost refuses the callback.
    Refused(Refusal),
    /// No verdict, because the observer received no body. Possible causes: the app did not read the
    /// body, the server did not reach the app, or the server does not call the observer.
    Unseen,
}

impl Outcome {
    fn of(judged: Result<Accepted, Refusal>) -> Self {
        match judged {
            Ok(accepted) => Self::Accepted(accepted),
            Err(refusal) => Self::Refused(refusal),
        }
    }
}

impl Shadowed {
    /// Returns the path and the query parameters of the route, as written in the config.
    #[must_use]
    pub fn route(&self) -> &str {
        &self.route
    }

    /// Returns the name of the route's provider.
    #[must_use]
    pub fn provider(&self) -> &str {
        &self.provider
    }

    /// Returns the outcome.
    #[must_use]
    pub const fn outcome(&self) -> &Outcome {
        &self.outcome
    }

    /// Returns the stable code of the outcome in logs and metrics: `accepted`, `unseen`, or the
    /// code of the refusal.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match &self.outcome {
            Outcome::Accepted(_) => "accepted",
            Outcome::Refused(refusal) => refusal.kind().as_str(),
            Outcome::Unseen => "unseen",
        }
    }

    /// Returns the tenant that the callback names, or `None` if gatepost found no tenant.
    #[must_use]
    pub fn tenant(&self) -> Option<&str> {
        match &self.outcome {
            Outcome::Accepted(accepted) => {
                let source = accepted.event().source().strip_prefix('/')?;
                source.strip_prefix(&*self.provider)?.strip_prefix('/')
            }
            Outcome::Refused(refusal) => refusal.tenant(),
            Outcome::Unseen => None,
        }
    }
}
