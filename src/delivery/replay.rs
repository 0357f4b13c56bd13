//! Replays: at the request of the operator, gatepost sends the event of a recorded callback to the
//! app again.
//!
//! A replay changes neither the replies and callbacks that gatepost remembers nor the state of a
//! circuit. The platform receives no reply.

use bytes::Bytes;
use http::header::CONTENT_LENGTH;
use http::{HeaderMap, HeaderName, HeaderValue};

use super::Question;
use crate::conclusion::Conclusion;
use crate::head::{Head, RequestContext};
use crate::reply::Answer;
use crate::time::Timestamp;
use crate::verdict::Accepted;

const GATEPOST_REPLAY: HeaderName = HeaderName::from_static("gatepost-replay");

impl Accepted {
    /// Returns the question of a replay; `None` if the app receives no event of the callback.
    #[must_use]
    pub fn replay(&self) -> Option<Question> {
        let ask = self.delivery().as_ask()?;
        Some(Question { accepted: self.clone(), timeout: ask.timeout, claim: None, shared: None })
    }

    /// Returns the headers and the body of the event, with the additional header
    /// `gatepost-replay: 1`. `edited` replaces the body. If gatepost signs the events of the
    /// template, signs the event with the time `now`.
    ///
    /// # Examples
    ///
    /// ```
    /// use gatepost::{Head, RequestContext, Timestamp};
    /// # use gatepost::{Accepted, Admission, Gate};
    /// use http::{HeaderMap, Method, Uri};
    /// # let now = Timestamp::from_secs(1_703_731_478);
    /// # let gate = Gate::builder()
    /// #     .toml(
    /// #         "[[route]]\npath = '/kollus'\nprovider = 'kollus'\n\
    /// #          [[template]]\nname = 'paid'\nprovider = 'kollus'\nbind = '*'",
    /// #     )
    /// #     .build()?;
    /// let (method, uri, headers) = (Method::POST, Uri::from_static("/kollus"), HeaderMap::new());
    /// let head = Head::new(&method, &uri, &headers);
    /// # let Admission::Callback(mut intake) = gate.admit(&head, now) else { unreachable!() };
    /// # intake.push("kind=100&client_user_id=u&media_content_key=m&channel_key=c".into())?;
    /// # let accepted = intake.finish(now)?;
    /// // `accepted` is a callback that gatepost has already accepted.
    /// let context = RequestContext::default();
    /// let (headers, body) = accepted.replay_request(&head, &context, Some("{}".into()), now);
    /// assert_eq!(headers["gatepost-replay"], "1");
    /// assert_eq!(headers["ce-id"], accepted.event().id());
    /// assert_eq!((&headers["content-length"], &body[..]), (&"2".parse()?, &b"{}"[..]));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn replay_request(
        &self,
        head: &Head<'_>,
        context: &RequestContext<'_>,
        edited: Option<Bytes>,
        now: Timestamp,
    ) -> (HeaderMap, Bytes) {
        let (mut headers, mut body) = self.request(head, context, now);
        headers.insert(GATEPOST_REPLAY, HeaderValue::from_static("1"));
        if let Some(edited) = edited {
            headers.insert(CONTENT_LENGTH, edited.len().into());
            if let Some(signing) = &self.template().signing {
                signing.write_headers(self.event().id(), now, &edited, &mut headers);
            }
            body = edited;
        }
        (headers, body)
    }
}

impl Question {
    /// Returns the conclusion that follows from the answer. gatepost does not remember this
    /// conclusion.
    #[must_use]
    pub fn preview(&self, answer: &Answer) -> Conclusion {
        match self.ask() {
            Some(ask) => self.accepted.answered(ask, answer),
            None => self.accepted.without_app(),
        }
    }
}
