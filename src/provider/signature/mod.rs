//! Verification of callback signatures, and signing of the example callbacks that gatepost creates.
//!
//! A signature is a digest of a message. The message is a sequence of [`Part`]s, such as a header,
//! the body and the key. The refusal code of an invalid signature shows which condition is not met.
//! gatepost checks these conditions, in this order:
//!
//! 1. The callback contains the signature and all signed parts that are not optional. Alternative
//!    locations have equal values.
//! 2. The text of the signature decodes to a digest. In a list of signatures, at least one entry
//!    decodes.
//! 3. One of the keys produces one of the digests. gatepost tries every key and compares in
//!    constant time, so the time until the reply does not reveal which key or digit differs.
//! 4. The signed time is within the [`Window`] around the current time. A definition without a
//!    signed time omits this condition.

mod expected;
mod jwt;
mod message;
mod rule;

use std::borrow::Cow;

use subtle::Choice;

use super::digest::Key;
use super::locator::{Locator, Received};
use crate::json::Name;
use crate::time::Timestamp;
use expected::Expected;
pub(crate) use rule::{
    JwtBody, JwtRule, KeyName, KeyRule, MAX_AHEAD_KEY, Part, PartForm, PartOrder, PartSource,
    SecondDigest, Signature, TimeMeaning, TimeRule, Window, algorithm,
};

/// The condition that a signature does not meet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum SignatureError {
    /// The callback contains no signature at `place`.
    Absent { place: String },
    /// The alternatives at `place` have different values.
    Ambiguous { place: String },
    /// The signed time is `secs_ago` seconds in the past, more than the `accepted_secs` that the
    /// window permits.
    Expired { secs_ago: i64, accepted_secs: i64 },
    /// The text of the signature does not decode to a digest.
    Malformed,
    /// No key produces the signature.
    Mismatch,
    /// The callback contains no value for the signed part at `place`.
    PartMissing { place: String },
    /// The signed time is not a time in the declared unit.
    TimeMalformed,
    /// The signed time is `secs` seconds in the future, more than the window permits.
    TooFarAhead { secs: i64, accepted_secs: i64 },
}

impl SignatureError {
    /// Returns the location of the missing value, for a message to the operator. For an error
    /// without a location, returns `the signature`.
    pub(crate) fn place(&self) -> &str {
        match self {
            Self::Absent { place } | Self::Ambiguous { place } | Self::PartMissing { place } => {
                place
            }
            Self::Expired { .. }
            | Self::Malformed
            | Self::Mismatch
            | Self::TimeMalformed
            | Self::TooFarAhead { .. } => "the signature",
        }
    }
}

/// The maximum number of signatures that gatepost tries for one callback, to bound the work.
const MAX_CANDIDATES: usize = 16;

impl Signature {
    /// Verifies the signature of a callback.
    ///
    /// If `window` is `None`, the window of the definition applies.
    ///
    /// # Errors
    ///
    /// Returns the error of the first unmet condition in the module documentation.
    pub(crate) fn verify(
        &self,
        received: &Received<'_>,
        keys: &[Key],
        window: Option<Window>,
        now: Timestamp,
    ) -> Result<(), SignatureError> {
        let signature_text = self.signature_text(received)?;
        if let Some(rule) = &self.jwt {
            self.check_token(rule, received, &signature_text, now)?;
        }
        let (mut matched, mut decodes, mut has_key) = (Choice::from(0), false, false);
        for key in keys {
            if !self.names_key(received, &signature_text, key) {
                continue;
            }
            has_key = true;
            let expected = self.expected(received, &signature_text, key)?;
            for is_match in self.comparisons(&signature_text, key, &expected) {
                // Not `||`, which short-circuits: the duration must not reveal which key matches.
                matched |= is_match;
                decodes = true;
            }
        }
        if !bool::from(matched) {
            // Without a key, report `Mismatch` even for text that does not decode.
            let is_malformed = has_key && !decodes;
            return Err(if is_malformed {
                SignatureError::Malformed
            } else {
                SignatureError::Mismatch
            });
        }
        let Some(time) = &self.time else { return Ok(()) };
        let Some(window) = window.or(time.default_window()) else { return Ok(()) };
        let text = self.signed_time(time, received, &signature_text);
        time.check(text.as_deref(), window, now)
    }

    /// Returns the values of the signed headers, query parameters and members of the body.
    ///
    /// Omits all other parts: the whole body, the key, settings, fixed text and entries of a list
    /// of signatures.
    pub(crate) fn covered_values<'p>(
        &'p self,
        received: &Received<'p>,
    ) -> impl Iterator<Item = Cow<'p, [u8]>> {
        let value = |part: &'p Part| match &part.from {
            PartSource::Value(Locator::Setting(..)) => None,
            PartSource::Value(locator) => locator.text(received),
            PartSource::Body
            | PartSource::Claim(_)
            | PartSource::FormPairs
            | PartSource::FormText
            | PartSource::Key
            | PartSource::Listed(_)
            | PartSource::Literal(_) => None,
        };
        let bytes = |text: Cow<'p, str>| match text {
            Cow::Borrowed(text) => Cow::Borrowed(text.as_bytes()),
            Cow::Owned(text) => Cow::Owned(text.into_bytes()),
        };
        self.parts.iter().filter_map(value).map(bytes)
    }

    /// Returns the locators of the signature and of each signed value.
    pub(crate) fn locators(&self) -> impl Iterator<Item = &Locator> {
        let sources = self.parts.iter().map(|part| &part.from);
        let sources = sources.chain(self.time.as_ref().map(|time| &time.from));
        let locators = sources.filter_map(|source| match source {
            PartSource::Value(locator) => Some(locator),
            PartSource::Body
            | PartSource::Claim(_)
            | PartSource::FormPairs
            | PartSource::FormText
            | PartSource::Key
            | PartSource::Listed(_)
            | PartSource::Literal(_) => None,
        });
        locators.chain([&self.found_in])
    }

    /// Returns `true` if `name` is a member of the body that only serves the signature. The event
    /// omits such members.
    pub(crate) fn consumes(&self, name: &Name<'_>) -> bool {
        self.consumed.iter().any(|consumed| consumed == name)
    }

    /// Returns the text at `found_in`: a signature or a list of signatures.
    fn signature_text<'r>(&self, received: &Received<'r>) -> Result<Cow<'r, str>, SignatureError> {
        let absent = |place| SignatureError::Absent { place };
        value(&self.found_in, received, absent)
    }

    /// Returns the entries of a list of signatures. Without a separator in the definition, returns
    /// the whole text as the only entry.
    fn entries<'g>(&self, text: &'g str) -> impl Iterator<Item = &'g str> + use<'g> {
        let mut whole = self.separator.is_none().then_some(text).into_iter();
        let mut split = self.separator.map(|separator| text.split(separator).map(str::trim));
        std::iter::from_fn(move || whole.next().or_else(|| split.as_mut()?.next()))
    }

    /// Compares each signature in the text. Skips entries without the prefix of a signature by this
    /// key, and entries that do not decode.
    fn comparisons<'g>(
        &'g self,
        text: &'g str,
        key: &'g Key,
        expected: &'g Expected<'_>,
    ) -> impl Iterator<Item = Choice> + 'g {
        let prefix = self.prefix_for(key);
        self.entries(text)
            .filter_map(move |entry| entry.strip_prefix(prefix))
            .take(MAX_CANDIDATES)
            .filter_map(|entry| match &self.jwt {
                None => Some(entry),
                Some(_) => entry.rsplit_once('.').map(|(_, signature)| signature),
            })
            .filter_map(|entry| expected.compare(entry, self.encoding))
    }

    /// Returns the value that the signature must have if the platform has this key.
    fn expected<'k>(
        &self,
        received: &Received<'_>,
        signature_text: &str,
        key: &'k Key,
    ) -> Result<Expected<'k>, SignatureError> {
        if self.is_token() {
            return Ok(Expected::Token(key.secret()));
        }
        let input = self.message(received, signature_text, key)?;
        if let Some(public) = key.as_public() {
            return Ok(Expected::Signed(input.into_message(), public));
        }
        if let Some(private) = key.as_private() {
            let signature = private.sign(&input.into_message());
            return Ok(Expected::Signature(signature.unwrap_or_default()));
        }
        Ok(Expected::Digest(input.finish()))
    }

    /// Signs a callback, and returns the text to insert at `found_in`.
    ///
    /// If the signed time is an entry of a list of signatures, adds `time` to the list. Otherwise,
    /// ignores `time`: `received` must already contain the signed time.
    ///
    /// # Errors
    ///
    /// Returns an error if a signed part is missing.
    pub(crate) fn sign(
        &self,
        received: &Received<'_>,
        key: &Key,
        time: &str,
    ) -> Result<String, SignatureError> {
        let separator = self.separator.map(String::from).unwrap_or_default();
        let mut text = match self.time.as_ref().map(|time| &time.from) {
            Some(PartSource::Listed(name)) => format!("{name}{time}{separator}"),
            _ => String::new(),
        };
        text.push_str(self.prefix_for(key));
        if let Some(rule) = &self.jwt {
            text.push_str(&self.new_token(rule, received, key, time));
            text.push('.');
        }
        let expected = self.expected(received, &text, key)?;
        text.push_str(&expected.encode(self.encoding));
        Ok(text)
    }

    /// Returns the index of the first key that produces the signature.
    pub(crate) fn matching_key(&self, received: &Received<'_>, keys: &[Key]) -> Option<usize> {
        let text = self.signature_text(received).ok()?;
        let covers_body = self.jwt.as_ref().is_none_or(|rule| {
            self.token(&text).is_some_and(|token| rule.body.matches(&token, received.raw))
        });
        keys.iter().filter(|_| covers_body).position(|key| {
            let expected = self.expected(received, &text, key);
            let is_match =
                |expected: Expected<'_>| self.comparisons(&text, key, &expected).any(bool::from);
            self.names_key(received, &text, key) && expected.is_ok_and(is_match)
        })
    }

    /// Returns the text of the signed time.
    fn signed_time<'p>(
        &'p self,
        rule: &'p TimeRule,
        received: &Received<'p>,
        signature_text: &'p str,
    ) -> Option<Cow<'p, str>> {
        match self.part_bytes(&rule.from, received, signature_text).ok()? {
            Cow::Borrowed(bytes) => std::str::from_utf8(bytes).ok().map(Cow::Borrowed),
            Cow::Owned(bytes) => String::from_utf8(bytes).ok().map(Cow::Owned),
        }
    }

    /// Returns the text of the signed time, for a message to the operator.
    pub(crate) fn time_text(&self, received: &Received<'_>) -> Option<String> {
        let text = self.signature_text(received).ok()?;
        self.signed_time(self.time.as_ref()?, received, &text).map(Cow::into_owned)
    }
}

/// Returns the text at `place`.
///
/// # Errors
///
/// Returns `missing` for an absent text, and `Ambiguous` for alternatives with different values.
fn value<'r>(
    place: &Locator,
    received: &Received<'r>,
    missing: impl FnOnce(String) -> SignatureError,
) -> Result<Cow<'r, str>, SignatureError> {
    place.text(received).ok_or_else(|| {
        let differs = matches!(place, Locator::OneOf(_)) && !place.is_absent(received);
        let place = place.to_string();
        if differs { SignatureError::Ambiguous { place } } else { missing(place) }
    })
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri};

    use super::*;
    use crate::head::Head;
    use crate::json::Object;
    use crate::provider::digest::{Digest, hex_of};
    use crate::provider::locator::CapturedHead;
    use crate::provider::{Plan, built_in_named, definition};
    use crate::secret::Secret;

    // The only example in Tencent's documentation with a valid signature: `sign` is MD5(key + t).
    const SIGN: &str = "ca3e25e5dc17a6f9909a9ae7281e300d";
    const T: i64 = 1_545_030_873;

    fn plan(name: &str) -> Plan {
        built_in_named(name).unwrap()
    }

    /// Returns the compiled definition of a provider with JSON bodies and `lines` as `[signature]`.
    fn signed_by(lines: &str) -> Plan {
        let text = format!(
            "name = 'p'\ntitle = 'P'\ndocs = 'd'\nce_type = 'p'\n\
             [request]\nmethods = ['POST']\nbody = 'json'\n\
             [kind]\nother = 'event'\n[kinds.event]\n[signature]\n{lines}"
        );
        definition::parse(&text)
            .unwrap_or_else(|faults| panic!("expected a valid definition, found {faults:#?}"))
    }

    struct Request<'r> {
        body: &'r str,
        headers: &'r [(&'static str, &'r str)],
    }

    fn verify(
        plan: &Plan,
        request: &Request<'_>,
        keys: &[&str],
        now: i64,
    ) -> Result<(), SignatureError> {
        let signature = plan.signature.as_ref().unwrap();
        let prepare = |key: &&str| {
            let prepared = signature.prepare(&Secret::new(*key));
            prepared.ok().map(|(key, _)| key)
        };
        let keys: Option<Vec<_>> = keys.iter().map(prepare).collect();
        let keys = keys.unwrap();
        let mut headers = HeaderMap::new();
        for (name, value) in request.headers {
            headers.insert(HeaderName::from_static(name), HeaderValue::from_str(value).unwrap());
        }
        let uri = Uri::from_static("/");
        let head = Head::new(&Method::POST, &uri, &headers);
        let captured = CapturedHead::of(&head, &plan.headers, None).unwrap();
        let object = Object::from_json(request.body).unwrap_or_default();
        let received = Received {
            object: &object,
            raw: request.body.as_bytes(),
            captured: &captured,
            settings: &[],
        };
        let window = signature.time.as_ref().map(|time| time.window);
        signature.verify(&received, &keys, window, Timestamp::from_secs(now))
    }

    fn tencent(body: &str, keys: &[&str], now: i64) -> Result<(), SignatureError> {
        verify(&plan("tencent-css"), &Request { body, headers: &[] }, keys, now)
    }

    fn signed(t: &str, sign: &str) -> String {
        format!("{{\"t\":{t},\"sign\":{sign}}}")
    }

    #[test]
    fn accepts_published_signature_with_time_as_number_or_string() {
        let sign = format!("{SIGN:?}");
        assert_eq!(tencent(&signed("1545030873", &sign), &["test"], T), Ok(()));
        assert_eq!(tencent(&signed("\"1545030873\"", &sign), &["test"], T), Ok(()));
        assert_eq!(tencent(&signed("1545030873", &sign.to_uppercase()), &["test"], T), Ok(()));
    }

    #[test]
    fn accepts_signature_by_any_of_the_keys() {
        let body = signed("1545030873", &format!("{SIGN:?}"));
        assert_eq!(tencent(&body, &["new", "test"], T), Ok(()));
        assert_eq!(tencent(&body, &["test", "new"], T), Ok(()));
        assert_eq!(tencent(&body, &["new"], T), Err(SignatureError::Mismatch));
        assert_eq!(tencent(&body, &[], T), Err(SignatureError::Mismatch));
    }

    #[test]
    fn refuses_signature_with_any_digit_changed() {
        for at in 0..SIGN.len() {
            let mut sign = SIGN.to_owned().into_bytes();
            sign[at] = if sign[at] == b'0' { b'1' } else { b'0' };
            let body = signed("1545030873", &format!("{:?}", String::from_utf8(sign).unwrap()));
            assert_eq!(tencent(&body, &["test"], T), Err(SignatureError::Mismatch), "digit {at}");
        }
    }

    #[test]
    fn refuses_time_one_second_outside_either_end_of_window() {
        let body = signed("1545030873", &format!("{SIGN:?}"));
        assert_eq!(tencent(&body, &["test"], T + 180), Ok(()));
        assert_eq!(
            tencent(&body, &["test"], T + 181),
            Err(SignatureError::Expired { secs_ago: 181, accepted_secs: 180 })
        );
        assert_eq!(tencent(&body, &["test"], T - 900), Ok(()));
        assert_eq!(
            tencent(&body, &["test"], T - 901),
            Err(SignatureError::TooFarAhead { secs: 901, accepted_secs: 900 })
        );
    }

    #[test]
    fn reports_the_first_condition_that_is_not_met() {
        let absent = || SignatureError::Absent { place: "/sign".into() };
        let cases = [
            (r#"{"t":1545030873}"#, absent()),
            (r#"{"t":1545030873,"sign":null}"#, absent()),
            (r#"{"t":1545030873,"sign":"ca3e"}"#, SignatureError::Malformed),
            (
                r#"{"t":1545030873,"sign":"zz3e25e5dc17a6f9909a9ae7281e300d"}"#,
                SignatureError::Malformed,
            ),
            (
                r#"{"sign":"ca3e25e5dc17a6f9909a9ae7281e300d"}"#,
                SignatureError::PartMissing { place: "/t".into() },
            ),
        ];
        for (body, fault) in cases {
            assert_eq!(tencent(body, &["test"], T), Err(fault), "{body}");
        }
    }

    #[test]
    fn refuses_signed_time_that_is_not_a_number() {
        let sign = hex_of(Digest::Md5, b"testsoon");
        let body = signed("\"soon\"", &format!("{sign:?}"));
        assert_eq!(tencent(&body, &["test"], T), Err(SignatureError::TimeMalformed));
    }

    #[test]
    #[expect(clippy::too_many_lines, reason = "a table of vectors")]
    fn accepts_published_signatures_and_refuses_changed_bodies() {
        let trtc = "{\n\t\"EventGroupId\":\t2,\n\t\"EventType\":\t204,\n\t\"CallbackTs\":\t\
                    1664209748188,\n\t\"EventInfo\":\t{\n\t\t\"RoomId\":\t8489,\n\t\t\"EventTs\":\t\
                    1664209748,\n\t\t\"EventMsTs\":\t1664209748180,\n\t\t\"UserId\":\t\
                    \"user_85034614\",\n\t\t\"Reason\":\t0\n\t}\n}";
        let agora = r#"{"eventMs":1560408533119,"eventType":10,"noticeId":"4eb720f0-8da7-11e9-a43e-53f411c2761f","notifyMs":1560408533119,"payload":{"a":"1","b":2},"productId":1}"#;
        let agora_v1 = signed_by(
            "digest = 'hmac-sha1'\nencoding = 'hex'\nparts = ['body']\n\
             found_in = 'header:agora-signature'",
        );
        let slack = signed_by(
            "digest = 'hmac-sha256'\nencoding = 'hex'\nprefix = 'v0='\n\
             parts = ['literal:v0:', 'header:x-slack-request-timestamp', 'literal::', 'body']\n\
             found_in = 'header:x-slack-signature'",
        );
        let slack_body = "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c";
        let alibaba = signed_by(
            "digest = 'md5'\nencoding = 'hex'\nfound_in = 'header:x-vod-signature'\n\
             parts = ['literal:https://www.example.com/your/callback|', \
             'header:x-vod-timestamp', 'literal:|', 'key']",
        );
        type Headers = &'static [(&'static str, &'static str)];
        let vectors: [(Plan, &str, &str, Headers, i64); 8] = [
            (
                plan("mux"),
                "SuperSecret123",
                r#"{"test":"body"}"#,
                &[(
                    "mux-signature",
                    "t=1565125718,v1=854ece4c22acef7c66b57d4e504153bc512595e8e9c772ece2a68150548c19a7",
                )],
                1_565_125_718,
            ),
            (
                plan("github"),
                "It's a Secret to Everybody",
                "Hello, World!",
                &[(
                    "x-hub-signature-256",
                    "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17",
                )],
                0,
            ),
            (
                plan("standard-webhooks"),
                "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
                r#"{"test": 2432232314}"#,
                &[
                    ("webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek"),
                    ("webhook-timestamp", "1614265330"),
                    (
                        "webhook-signature",
                        "v1a,AAAA v1,bm90IHRoaXMgb25l v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
                    ),
                ],
                1_614_265_330,
            ),
            (
                plan("tencent-trtc"),
                "123654",
                trtc,
                &[("sign", "kkoFeO3Oh2ZHnjtg8tEAQhtXK16/KI05W3BQff8IvGA=")],
                1_664_209_748,
            ),
            (
                agora_v1,
                "secret",
                agora,
                &[("agora-signature", "033c62f40f687675f17f0f41f91a40c71c0f134c")],
                0,
            ),
            (
                slack,
                "8f742231b10e8888abcd99yyyzzz85a5",
                slack_body,
                &[
                    ("x-slack-request-timestamp", "1531420618"),
                    (
                        "x-slack-signature",
                        "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503",
                    ),
                ],
                0,
            ),
            (
                alibaba,
                "test123",
                "",
                &[
                    ("x-vod-timestamp", "1519375990"),
                    ("x-vod-signature", "c72b60894140fa98920f1279219b7ed4"),
                ],
                0,
            ),
            (
                signed_by(
                    "digest = 'md5'\nencoding = 'hex'\nfound_in = 'header:x-vod-signature'\n\
                     parts = ['literal:https://www.example1.com/your/callback|1545675780|', 'key', \
                     'literal:|', { part = 'body', as = 'base64' }]",
                ),
                "ABCDabcd1234",
                "{\"a\":1,\n\"b\":2}",
                &[("x-vod-signature", "09096e2f4c41d6fcd6e8ef5f4e04cad7")],
                0,
            ),
        ];
        for (plan, key, body, headers, now) in &vectors {
            let name = plan.headers.first().map_or("?", HeaderName::as_str);
            assert_eq!(verify(plan, &Request { body, headers }, &[key], *now), Ok(()), "{name}");
            let wrong_key = verify(plan, &Request { body, headers }, &["b3RoZXI="], *now);
            assert_eq!(wrong_key, Err(SignatureError::Mismatch), "{name}");
            let signature = plan.signature.as_ref().unwrap();
            if signature.parts.iter().any(|part| part.from == PartSource::Body) {
                let changed = format!("{body} ");
                let result = verify(plan, &Request { body: &changed, headers }, &[key], *now);
                assert_eq!(result, Err(SignatureError::Mismatch), "{name}");
            }
        }
    }

    #[test]
    fn refuses_sending_time_one_second_outside_either_end_of_window() {
        let headers = [(
            "mux-signature",
            "t=1565125718,v1=854ece4c22acef7c66b57d4e504153bc512595e8e9c772ece2a68150548c19a7",
        )];
        let request = Request { body: r#"{"test":"body"}"#, headers: &headers };
        let at = |now| verify(&plan("mux"), &request, &["SuperSecret123"], now);
        assert_eq!(at(1_565_125_718 + 300), Ok(()));
        assert_eq!(
            at(1_565_125_718 + 301),
            Err(SignatureError::Expired { secs_ago: 301, accepted_secs: 300 })
        );
        assert_eq!(at(1_565_125_718 - 300), Ok(()));
        assert_eq!(
            at(1_565_125_718 - 301),
            Err(SignatureError::TooFarAhead { secs: 301, accepted_secs: 300 })
        );
    }

    #[test]
    fn string_to_sign_hides_the_key() {
        let plan = plan("tencent-css");
        let object = Object::from_json(r#"{"t":17,"sign":"00"}"#).unwrap();
        let captured = CapturedHead::default();
        let received = Received { object: &object, raw: b"", captured: &captured, settings: &[] };
        let signature = plan.signature.as_ref().unwrap();
        assert_eq!(signature.string_to_sign(&received).unwrap(), "[key]17");
    }
}
