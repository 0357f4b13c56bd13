//! Shadow mode: a route whose callbacks are judged, logged and counted, but pass.
//!
//! It is for putting the gate in front of an app that takes its platform's callbacks itself. On
//! such a route, and on every other spelling of its path:
//!
//! 1. The request goes on as on any other path, and the app's own response goes back. Nobody is
//!    asked, and no limit of the gate cuts it short.
//! 2. What is passed on of its body is shown to the [`Observer`], whose verdict says what the gate
//!    would have done: [`Shadowed`]. There is one for each request, as soon as it is known.
//! 3. A request that can also be read as the path of an enforcing route, or as an address that
//!    events go to, is refused as ever.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;

use crate::intake::Intake;
use crate::time::Timestamp;
use crate::verdict::{Accepted, Refusal};

/// A request on a route in shadow mode: pass it on, after
/// [`strip_reserved`](crate::strip_reserved), and show its body to the [`Observer`].
#[derive(Debug)]
pub struct Shadow {
    judged: Result<Intake, Refusal>,
    route: Arc<str>,
    provider: Arc<str>,
}

impl Shadow {
    pub(crate) const fn new(
        judged: Result<Intake, Refusal>,
        route: Arc<str>,
        provider: Arc<str>,
    ) -> Self {
        Self { judged, route, provider }
    }

    /// The path of the route, as configured; safe to log, where the path itself may hold a token.
    #[must_use]
    pub fn route(&self) -> &Arc<str> {
        &self.route
    }

    /// Judges what it is shown, and tells the verdict: at once, if the head alone decides.
    pub fn observe(self, tell: impl FnOnce(&Shadowed) + Send + Sync + 'static) -> Observer {
        let Self { judged, route, provider } = self;
        let shadowed = Shadowed { route, provider, outcome: Outcome::Unseen };
        match judged {
            Ok(intake) => Observer(Some(Observation { intake, shadowed, tell: Box::new(tell) })),
            Err(refusal) => {
                tell(&Shadowed { outcome: Outcome::Refused(refusal), ..shadowed });
                Observer(None)
            }
        }
    }

    pub(crate) fn into_judged(self) -> Result<Intake, Refusal> {
        self.judged
    }
}

/// Sees the body of a request that passes, and tells the verdict once. Dropped before the end of
/// the body, it tells that the body was incomplete, or that it saw none of it.
pub struct Observer(Option<Observation>);

struct Observation {
    intake: Intake,
    shadowed: Shadowed,
    tell: Box<dyn FnOnce(&Shadowed) + Send + Sync>,
}

/// The body is nobody's to see.
impl fmt::Debug for Observer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Observer").field("waits", &self.0.is_some()).finish_non_exhaustive()
    }
}

impl Observer {
    /// Sees the next piece of the body.
    pub fn push(&mut self, chunk: Bytes) {
        let Some(watch) = &mut self.0 else { return };
        if let Err(refusal) = watch.intake.push(chunk) {
            self.conclude(|_| Outcome::Refused(refusal));
        }
    }

    /// Sees the end of the body, at the moment `now`.
    pub fn finish(&mut self, now: Timestamp) {
        self.conclude(|intake| match intake.finish(now) {
            Ok(accepted) => Outcome::Accepted(accepted),
            Err(refusal) => Outcome::Refused(refusal),
        });
    }

    fn conclude(&mut self, outcome: impl FnOnce(Intake) -> Outcome) {
        if let Some(Observation { intake, shadowed, tell }) = self.0.take() {
            tell(&Shadowed { outcome: outcome(intake), ..shadowed });
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

/// What the gate would have done with a request that passed.
#[derive(Debug)]
pub struct Shadowed {
    route: Arc<str>,
    provider: Arc<str>,
    outcome: Outcome,
}

/// The verdict on a request that passed.
#[derive(Debug)]
#[non_exhaustive]
pub enum Outcome {
    /// The gate would have asked the app.
    Accepted(Accepted),
    /// The gate would have kept it from the app.
    Refused(Refusal),
    /// Nothing is known: the app did not read the body, or could not be reached, or the proxy does
    /// not show bodies to the gate.
    Unseen,
}

impl Shadowed {
    /// The path of the route, as configured.
    #[must_use]
    pub fn route(&self) -> &str {
        &self.route
    }

    /// The provider of the route.
    #[must_use]
    pub fn provider(&self) -> &str {
        &self.provider
    }

    /// The verdict.
    #[must_use]
    pub const fn outcome(&self) -> &Outcome {
        &self.outcome
    }

    /// The stable word for it in logs and metrics: `accepted`, `unseen`, or a refusal's code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match &self.outcome {
            Outcome::Accepted(_) => "accepted",
            Outcome::Refused(refusal) => refusal.kind().as_str(),
            Outcome::Unseen => "unseen",
        }
    }

    /// Whose callback it is, or claims to be.
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
