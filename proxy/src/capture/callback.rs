//! One captured callback.

use std::net::IpAddr;
use std::time::Duration;

use bytes::Bytes;
use gatepost::{Accepted, Answer, Asked, Conclusion, Head, Refusal, Reply, Timestamp};
use http::{HeaderMap, Method, StatusCode, Uri};

use crate::telemetry::access_log::LoggedCallback;

/// Maximum length of a body that gatepost captures completely, in bytes. The largest known callback
/// has 28,000 bytes.
pub(crate) const MAX_BODY_BYTES: usize = 128 * 1024;

/// Estimated memory of the parsed headers, the event and the verdict of a callback, in bytes.
const STATE_BYTES: usize = 2048;

/// A callback, its verdict, the app's answer and the reply.
#[derive(Debug)]
pub(crate) struct CapturedCallback {
    /// Time of the arrival.
    pub(crate) at: Timestamp,
    pub(crate) head: CapturedHead,
    pub(crate) verdict: CapturedVerdict,
    pub(crate) answer: Option<CapturedAnswer>,
    /// Time from the arrival to the reply.
    pub(crate) total: Duration,
    /// Duration of the request to the app; `None` if gatepost did not ask the app.
    pub(crate) app: Option<Duration>,
    /// Memory that the callback occupies, in bytes.
    pub(super) bytes: usize,
}

/// The head of a captured callback.
#[derive(Debug)]
pub(crate) struct CapturedHead {
    pub(crate) method: Method,
    pub(crate) uri: Uri,
    pub(crate) headers: HeaderMap,
    pub(crate) peer: Option<IpAddr>,
    pub(crate) is_encrypted: bool,
    /// Memory of the head, in bytes.
    pub(crate) bytes: usize,
}

impl CapturedHead {
    pub(crate) fn head(&self) -> Head<'_> {
        let head = Head::new(&self.method, &self.uri, &self.headers);
        match self.peer {
            Some(peer) => head.with_peer(peer),
            None => head,
        }
    }

    /// Returns the URL scheme of the connection.
    pub(super) const fn scheme(&self) -> &'static str {
        if self.is_encrypted { "https" } else { "http" }
    }
}

/// The verdict on a captured callback, and the reply.
#[derive(Debug)]
pub(crate) enum CapturedVerdict {
    /// Accepted callback. The conclusion is `None` if the client disconnected before the reply.
    Accepted(Accepted, Option<Conclusion>),
    Refused(Refusal, Reply),
    /// Callback with a body longer than [`MAX_BODY_BYTES`].
    Cut(Box<CutCallback>),
}

/// Data that gatepost keeps of a callback with a body longer than [`MAX_BODY_BYTES`].
#[derive(Debug)]
pub(crate) struct CutCallback {
    /// Start of the body.
    body: Bytes,
    /// Length of the whole body, in bytes.
    length: usize,
    is_accepted: bool,
    reply: Option<Reply>,
    client: Option<IpAddr>,
    provider: String,
    template: Option<String>,
    tenant: Option<String>,
    kind: Option<String>,
    id: Option<String>,
    code: &'static str,
    decision: Option<&'static str>,
}

/// The app's answer to the event of a captured callback.
#[derive(Clone, Debug)]
pub(crate) enum CapturedAnswer {
    /// Status, headers and body of the answer; the body is `None` if it is too long.
    Response(StatusCode, HeaderMap, Option<Bytes>),
    /// Reason for a missing or unreadable answer.
    Failed(String),
}

impl CapturedAnswer {
    /// Returns the answer; `None` if gatepost sends the event again on another connection.
    pub(crate) fn of(asked: &Asked) -> Option<Self> {
        match asked {
            Asked::Answered(answer) => Some(Self::of_answer(answer)),
            Asked::ConnectionClosed => None,
        }
    }

    pub(crate) fn of_answer(answer: &Answer) -> Self {
        match answer {
            Answer::Response { status, headers, body } => {
                Self::Response(*status, headers.clone(), body.clone())
            }
            Answer::Unreachable(why) | Answer::Unreadable(_, why) => Self::Failed(why.clone()),
            Answer::Timeout | _ => Self::Failed("the app did not answer in time".into()),
        }
    }

    fn bytes(&self) -> usize {
        match self {
            Self::Response(_, headers, body) => {
                headers.len() * 64 + body.as_ref().map_or(0, Bytes::len)
            }
            Self::Failed(why) => why.len(),
        }
    }
}

impl CapturedCallback {
    pub(crate) const fn new(
        at: Timestamp,
        head: CapturedHead,
        verdict: CapturedVerdict,
        total: Duration,
    ) -> Self {
        Self { at, head, verdict, answer: None, total, app: None, bytes: 0 }
    }

    /// Cuts a long body of the callback, drops the body of a long answer, and counts the bytes.
    pub(super) fn bounded(mut self) -> Self {
        if self.body().0.len() > MAX_BODY_BYTES {
            self.verdict = CapturedVerdict::Cut(Box::new(self.cut()));
        }
        if self.answer.as_ref().is_some_and(|answer| answer.bytes() > MAX_BODY_BYTES) {
            self.cut_answer();
        }
        let event = match &self.verdict {
            CapturedVerdict::Accepted(accepted, _) => accepted.event().data().len(),
            CapturedVerdict::Refused(..) | CapturedVerdict::Cut(_) => 0,
        };
        let reply = self.reply().map_or(0, |reply| reply.body().len());
        let answer = self.answer.as_ref().map_or(0, CapturedAnswer::bytes);
        self.bytes = STATE_BYTES + self.head.bytes + self.body().0.len() + event + reply + answer;
        self
    }

    #[cold]
    fn cut(&self) -> CutCallback {
        let (body, length) = self.body();
        let facts = self.facts();
        let owned = |text: Option<&str>| text.map(ToOwned::to_owned);
        CutCallback {
            // Copy the start, because a slice would keep the whole body in memory.
            body: Bytes::copy_from_slice(&body[..MAX_BODY_BYTES]),
            length,
            is_accepted: self.is_accepted(),
            reply: self.reply().cloned(),
            client: facts.client,
            provider: facts.provider.to_owned(),
            template: owned(facts.template),
            tenant: owned(facts.tenant),
            kind: owned(facts.kind),
            id: owned(facts.id),
            code: facts.code,
            decision: facts.decision,
        }
    }

    #[cold]
    fn cut_answer(&mut self) {
        if let Some(CapturedAnswer::Response(_, _, body)) = &mut self.answer {
            *body = None;
        }
    }

    pub(crate) const fn is_accepted(&self) -> bool {
        match &self.verdict {
            CapturedVerdict::Accepted(..) => true,
            CapturedVerdict::Refused(..) => false,
            CapturedVerdict::Cut(cut) => cut.is_accepted,
        }
    }

    /// Returns the captured part of the body, and the length of the whole body.
    pub(crate) fn body(&self) -> (&Bytes, usize) {
        let body = match &self.verdict {
            CapturedVerdict::Accepted(accepted, _) => accepted.raw(),
            CapturedVerdict::Refused(refusal, _) => refusal.body(),
            CapturedVerdict::Cut(cut) => return (&cut.body, cut.length),
        };
        (body, body.len())
    }

    /// Returns the reply; `None` if the client disconnected before the reply.
    pub(crate) fn reply(&self) -> Option<&Reply> {
        match &self.verdict {
            CapturedVerdict::Accepted(_, conclusion) => {
                conclusion.as_ref().map(|conclusion| &conclusion.reply)
            }
            CapturedVerdict::Refused(_, reply) => Some(reply),
            CapturedVerdict::Cut(cut) => cut.reply.as_ref(),
        }
    }

    /// Returns the accepted callback; `None` for a refused callback or a cut body.
    pub(crate) const fn accepted(&self) -> Option<&Accepted> {
        match &self.verdict {
            CapturedVerdict::Accepted(accepted, _) => Some(accepted),
            CapturedVerdict::Refused(..) | CapturedVerdict::Cut(_) => None,
        }
    }

    /// Returns the fields with which the access log describes a callback.
    pub(crate) fn facts(&self) -> LoggedCallback<'_> {
        match &self.verdict {
            CapturedVerdict::Accepted(accepted, conclusion) => {
                LoggedCallback::accepted(accepted, conclusion.as_ref(), self.app)
            }
            CapturedVerdict::Refused(refusal, _) => LoggedCallback::refused(refusal),
            CapturedVerdict::Cut(cut) => LoggedCallback {
                client: cut.client,
                provider: &cut.provider,
                template: cut.template.as_deref(),
                tenant: cut.tenant.as_deref(),
                kind: cut.kind.as_deref(),
                id: cut.id.as_deref(),
                code: cut.code,
                decision: cut.decision,
                app_ms: self.app.map(|app| app.as_micros() as f64 / 1000.0),
            },
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use gatepost::{Admission, Gate};

    use super::*;

    pub(in super::super) const CONFIG: &str = "max_body_bytes = 1048576\n\
        [[route]]\npath = '/hook'\nprovider = 'tencent-css'\n\
        [[template]]\nname = 'live'\nprovider = 'tencent-css'\nkeys = ['s1gning-k3y']\n\
        bind = '*'\non.push = { url = 'http://127.0.0.1:1/push' }\n";

    pub(in super::super) fn gate() -> Gate {
        Gate::builder().toml(CONFIG).build().unwrap()
    }

    pub(in super::super) fn head(headers: &[(&'static str, &'static str)]) -> CapturedHead {
        let header = |(name, value): &(&'static str, &'static str)| {
            (http::HeaderName::from_static(name), http::HeaderValue::from_static(value))
        };
        CapturedHead {
            method: Method::POST,
            uri: Uri::from_static("/hook"),
            headers: headers.iter().map(header).collect(),
            peer: Some([192, 0, 2, 1].into()),
            is_encrypted: false,
            bytes: 100,
        }
    }

    /// Returns a callback that [`gate`] refuses.
    pub(in super::super) fn refused(body: &str) -> CapturedCallback {
        let (head, now) = (head(&[("content-type", "application/json")]), Timestamp::from_secs(0));
        let Admission::Callback(mut intake) = gate().admit(&head.head(), now) else {
            panic!("expected a callback, found another admission")
        };
        intake.push(Bytes::copy_from_slice(body.as_bytes())).unwrap();
        let refusal = intake.finish(now).unwrap_err();
        let reply = refusal.reply();
        let verdict = CapturedVerdict::Refused(refusal, reply);
        CapturedCallback::new(now, head, verdict, Duration::from_millis(3))
    }

    #[test]
    fn cuts_long_body_and_keeps_facts() {
        let long = format!("{{\"x\":\"{}\"}}", "a".repeat(2 * MAX_BODY_BYTES));
        let (whole, cut) = (refused(&long), refused(&long).bounded());
        assert!(matches!(cut.verdict, CapturedVerdict::Cut(_)));
        assert_eq!((cut.body().0.len(), cut.body().1), (MAX_BODY_BYTES, long.len()));
        assert_eq!(cut.facts().code, whole.facts().code);
        assert_eq!(cut.facts().provider, "tencent-css");
        assert!(!cut.is_accepted() && cut.bytes < MAX_BODY_BYTES + 8192);
        let short = refused("{}").bounded();
        assert_eq!((short.body().0.len(), short.body().1), (2, 2));
    }
}
