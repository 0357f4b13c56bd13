//! Tests of predictions in shadow mode. A prediction states how gatepost uses the app's answer on
//! the same route in enforce mode.

use std::sync::mpsc;

use bytes::Bytes;
use gatepost::{
    Admission, Answer, AnswerFault, AnswerObserver, Gate, Head, Next, Observer, Prediction,
    Timestamp,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri};

const NOW: Timestamp = Timestamp::from_secs(1_703_731_478);
const PUSH: &[u8] = include_bytes!("../vectors/tencent-css/push/body");
const PLAY: &[u8] = b"kind=100&client_user_id=u&media_content_key=m&channel_key=c";
const PASSTHROUGH: &str = "{ forward = 'passthrough' }";
const CHECKED: &str = "{ forward = 'passthrough', check_reply = true }";
const RAW: &str = "{ url = 'http://app.test/e', forward = 'raw' }";
const JSON: &str = "'http://app.test/e'";

/// A callback to one route, and the address of the callback's kind.
#[derive(Clone, Copy)]
struct Case {
    path: &'static str,
    body: &'static [u8],
    address: &'static str,
}

fn play(address: &'static str) -> Case {
    Case { path: "/k", body: PLAY, address }
}

fn push(address: &'static str) -> Case {
    Case { path: "/t", body: PUSH, address }
}

impl Case {
    fn gate(self, mode: &str) -> Gate {
        let on = |path, kind| {
            let address = self.address;
            if self.path == path { format!("on.{kind} = {address}") } else { String::new() }
        };
        let (play, push) = (on("/k", "live_play"), on("/t", "push"));
        let config = format!(
            "[[route]]\npath = '/k'\nprovider = 'kollus'\nmode = '{mode}'\n\
             [[route]]\npath = '/t'\nprovider = 'tencent-css'\nmode = '{mode}'\n\
             [[template]]\nname = 'k'\nprovider = 'kollus'\nbind = ['*']\n{play}\n\
             [[template]]\nname = 't'\nprovider = 'tencent-css'\nkeys = [{{ env = 'KEY' }}]\n\
             bind = ['*']\n{push}\n",
        );
        let builder = Gate::builder().toml(config).variable("KEY", "test");
        builder.build().unwrap_or_else(|error| panic!("expected a gate, found {error}"))
    }

    /// Observes the callback in shadow mode, with the headers `received`. `show` passes the body of
    /// the callback and an answer to the observers. Returns a summary of the prediction.
    fn predict(
        self,
        received: &HeaderMap,
        show: impl FnOnce(Observer, AnswerObserver, Bytes),
    ) -> Option<String> {
        let uri: Uri = self.path.parse().unwrap();
        let head = Head::new(&Method::POST, &uri, received);
        let admission = self.gate("shadow").admit(&head, NOW);
        let Admission::Shadow(shadow) = admission else {
            panic!("expected shadow mode, found {admission:?}")
        };
        let (sender, predictions) = mpsc::channel();
        let predicted = move |prediction: &Prediction| sender.send(summary(prediction)).unwrap();
        let (request, answer) = shadow.observe_exchange(&head, |_| (), predicted);
        show(request, answer, Bytes::from_static(self.body));
        predictions.try_recv().ok()
    }

    fn predict_answer(self, status: u16, headers: &HeaderMap, body: &[u8]) -> String {
        let prediction = self.predict(&HeaderMap::new(), |mut request, mut answer, sent| {
            request.push(sent);
            request.finish(NOW);
            answer.head(StatusCode::from_u16(status).unwrap(), headers);
            body.chunks(7).for_each(|chunk| answer.push(chunk));
            answer.finish(NOW);
        });
        prediction.expect("expected a prediction, found none")
    }

    /// Sends the callback to a route in enforce mode. Returns the status and the body of the reply,
    /// and the code of the failure if gatepost cannot use `answer`.
    fn enforce(self, answer: &Answer) -> (u16, Bytes, Option<&'static str>) {
        let (uri, headers): (Uri, _) = (self.path.parse().unwrap(), HeaderMap::new());
        let head = Head::new(&Method::POST, &uri, &headers);
        let admission = self.gate("enforce").admit(&head, NOW);
        let Admission::Callback(mut intake) = admission else {
            panic!("expected a callback, found {admission:?}")
        };
        intake.push(Bytes::from_static(self.body)).unwrap();
        let found = intake.finish(NOW).unwrap().next(NOW);
        let Next::Ask(question) = found else { panic!("expected a question, found {found:?}") };
        let conclusion = question.conclude(answer, NOW);
        let reason = conclusion.origin.failure().map(|reason| reason.kind().as_str());
        (conclusion.reply.status().as_u16(), conclusion.reply.body().clone(), reason)
    }
}

/// Formats a prediction: its effect, its reason, its changes, and the headers and fields that the
/// app does not receive in enforce mode.
fn summary(prediction: &Prediction) -> String {
    let reason = prediction.reason().map(|reason| reason.kind().as_str());
    let mut parts = vec![prediction.effect().as_str().to_owned()];
    parts.extend(reason.map(str::to_owned));
    parts.extend(prediction.changes().map(str::to_owned));
    parts.extend(prediction.missing_headers().map(|name| format!("-{name}")));
    parts.extend(prediction.missing_fields().map(|name| format!("-{name}")));
    parts.join(", ")
}

fn headers(lines: &[(&'static str, &'static str)]) -> HeaderMap {
    let line = |(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value));
    lines.iter().copied().map(line).collect()
}

#[test]
fn predicts_outcome_of_answer_in_enforce_mode() {
    let native = r#"{"data":{"result":1}}"#;
    let decision = "gatepost writes the answer in the platform's form";
    let acknowledgement =
        "gatepost writes the platform's acknowledgement instead of the app's body";
    let unclear = "the answer neither repeats nor contradicts the acknowledgement";
    for (case, status, body, expected) in [
        (play(PASSTHROUGH), 200, native, "passed".to_owned()),
        (play(RAW), 200, native, "passed".to_owned()),
        (play(PASSTHROUGH), 200, "{\"allow\":true}", format!("put_right, {decision}")),
        (
            play(PASSTHROUGH),
            403,
            "{\"message\":\"no\"}",
            format!("put_right, status 403 becomes 200, {decision}"),
        ),
        (
            play(PASSTHROUGH),
            200,
            "\u{feff}{\"data\":{\"result\":1}}",
            format!("put_right, gatepost removes the byte order mark, {decision}"),
        ),
        (
            play(RAW),
            200,
            "{\"data\":{\"result\":1},\"expires\":9}",
            format!("put_right, gatepost removes the member `expires`, {decision}"),
        ),
        (play(PASSTHROUGH), 200, "", "replaced, answer_empty".to_owned()),
        (play(PASSTHROUGH), 200, "<b>Warning</b>", "replaced, answer_malformed".to_owned()),
        (play(PASSTHROUGH), 302, "", "replaced, app_status".to_owned()),
        (play("{ answer = { result = 1 } }"), 200, native, "not_asked".to_owned()),
        (push(PASSTHROUGH), 200, "{\"code\":0}", "passed".to_owned()),
        (push(PASSTHROUGH), 200, "<b>Fatal error</b>: x", "passed, answer_fatal".to_owned()),
        (push(CHECKED), 200, "<b>Fatal error</b>: x", "replaced, answer_fatal".to_owned()),
        (push(CHECKED), 200, "OK", format!("put_right, {acknowledgement}, {unclear}")),
        (push(RAW), 200, "{\"code\":0}", "passed".to_owned()),
        (push(RAW), 200, "{\"code\":1}", "replaced, answer_contradicts".to_owned()),
        (push(RAW), 204, "", format!("put_right, status 204 becomes 200, {acknowledgement}")),
        (push(JSON), 200, "{\"code\":0}", "passed, -sign, -t".to_owned()),
        (
            push("{ url = 'http://app.test/e', keep_proof = true }"),
            200,
            "{\"code\":0}",
            "passed".to_owned(),
        ),
    ] {
        let context = format!("{}, {status} {body}", case.address);
        let predicted = case.predict_answer(status, &HeaderMap::new(), body.as_bytes());
        assert_eq!(predicted, expected, "{context}");
        if predicted == "not_asked" {
            continue;
        }
        let answer = Answer::response(StatusCode::from_u16(status).unwrap(), Some(body.into()));
        let (found, reply, reason) = case.enforce(&answer);
        let is_same = (found, &*reply) == (status, body.as_bytes());
        assert_eq!(is_same, predicted.starts_with("passed"), "{context}: {reply:?}");
        let reason = reason.unwrap_or_default();
        assert!(predicted.contains(reason), "{context}: expected {reason}, found {predicted}");
    }
}

#[test]
fn names_headers_that_app_does_not_receive_in_enforce_mode() {
    let received = headers(&[
        ("x-ome-signature", "s"),
        ("user-agent", "platform"),
        ("content-type", "application/json"),
        ("x-forwarded-for", "192.0.2.1"),
        ("connection", "x-hop"),
        ("x-hop", "1"),
        ("cookie", "a=1"),
    ]);
    let answer = |mut request: Observer, mut answer: AnswerObserver, sent| {
        request.push(sent);
        request.finish(NOW);
        answer.head(StatusCode::OK, &HeaderMap::new());
        answer.push(b"{\"code\":0}");
        answer.finish(NOW);
    };
    let predict = |address| push(address).predict(&received, answer).unwrap();
    assert_eq!(predict(JSON), "passed, -x-ome-signature, -cookie, -sign, -t");
    assert_eq!(predict("{ forward = 'cloudevents' }"), predict(JSON));
    assert_eq!(predict(RAW), "passed");
    assert_eq!(predict(PASSTHROUGH), "passed");
}

#[test]
fn lists_at_most_16_missing_headers() {
    let mut received = HeaderMap::new();
    for number in 0..100 {
        let name = HeaderName::try_from(format!("x-{number:02}")).unwrap();
        received.insert(name, HeaderValue::from_static("v"));
    }
    received.insert(HeaderName::try_from("y".repeat(65)).unwrap(), HeaderValue::from_static("v"));
    let prediction = push(JSON).predict(&received, |mut request, mut answer, sent| {
        request.push(sent);
        request.finish(NOW);
        answer.fail(Answer::Unreachable("refused".into()), NOW);
    });
    let prediction = prediction.unwrap();
    assert_eq!(prediction.matches("-x-").count(), 16, "{prediction}");
    assert!(
        prediction.starts_with("replaced, app_unreachable"),
        "expected app_unreachable, found {prediction}"
    );
}

#[test]
fn never_predicts_that_an_unusable_answer_passes() {
    let late = play(PASSTHROUGH).predict(&HeaderMap::new(), |mut request, mut answer, sent| {
        request.push(sent);
        request.finish(NOW);
        answer.head(StatusCode::OK, &HeaderMap::new());
        answer.push(b"{\"data\":{\"result\":1}}");
        answer.finish(Timestamp::from_millis(NOW.as_millis() + 2001));
    });
    assert_eq!(late.unwrap(), "replaced, app_timeout", "answer after 2001 ms");
    let long = vec![b' '; gatepost::MAX_ANSWER_BYTES + 1];
    let predicted = play(PASSTHROUGH).predict_answer(200, &HeaderMap::new(), &long);
    assert_eq!(predicted, "replaced, answer_too_large");
    for (fault, code) in [
        (AnswerFault::Broken, "replaced, answer_broken"),
        (AnswerFault::Incomplete, "replaced, answer_incomplete"),
    ] {
        let failed = push(RAW).predict(&HeaderMap::new(), |mut request, mut answer, sent| {
            request.push(sent);
            request.finish(NOW);
            answer.head(StatusCode::OK, &HeaderMap::new());
            answer.fail(Answer::Unreadable(fault, String::new()), NOW);
        });
        assert_eq!(failed.unwrap(), code);
    }
    let gzip = headers(&[("content-encoding", "gzip")]);
    assert_eq!(play(RAW).predict_answer(200, &gzip, b"\x1f\x8b"), "replaced, answer_malformed");
    let asked = headers(&[("accept-encoding", "gzip")]);
    let compressed = play(RAW).predict(&asked, |mut request, mut answer, sent| {
        request.push(sent);
        request.finish(NOW);
        answer.head(StatusCode::OK, &gzip);
        answer.push(b"\x1f\x8b");
        answer.finish(NOW);
    });
    assert_eq!(compressed.unwrap(), "unjudged");
}

#[test]
fn answer_may_end_before_the_verdict() {
    let early = push(RAW).predict(&HeaderMap::new(), |mut request, mut answer, sent| {
        answer.head(StatusCode::OK, &HeaderMap::new());
        answer.push(b"{\"code\":0}");
        answer.finish(NOW);
        drop(answer);
        request.push(sent);
        request.finish(NOW);
    });
    assert_eq!(early.unwrap(), "passed");
}

#[test]
fn judges_only_answers_to_genuine_callbacks() {
    let forged = push(RAW).predict(&HeaderMap::new(), |mut request, mut answer, sent| {
        let forged = String::from_utf8(sent.to_vec()).unwrap().replace("bc31", "0000");
        request.push(forged.into());
        request.finish(NOW);
        answer.head(StatusCode::OK, &HeaderMap::new());
        answer.push(&[b'x'; 1000]);
        assert_eq!(answer.held_bytes(), 0);
        answer.finish(NOW);
    });
    assert_eq!(forged, None);
    let unseen = push(RAW).predict(&HeaderMap::new(), |mut request, answer, sent| {
        request.push(sent);
        request.finish(NOW);
        drop(answer);
    });
    assert_eq!(unseen.unwrap(), "unseen");
}

#[test]
fn keeps_only_bounded_part_of_answer() {
    let prediction = push(RAW).predict(&HeaderMap::new(), |mut request, mut answer, sent| {
        answer.head(StatusCode::OK, &HeaderMap::new());
        for _ in 0..10_000 {
            answer.push(&[b'x'; 1000]);
            assert!(answer.held_bytes() <= 2 * gatepost::MAX_ANSWER_BYTES);
        }
        assert_eq!(answer.held_bytes(), 0);
        request.push(sent);
        request.finish(NOW);
        answer.finish(NOW);
    });
    assert_eq!(
        prediction.unwrap(),
        "put_right, gatepost writes the platform's acknowledgement instead of the app's body, the answer neither repeats nor contradicts the acknowledgement"
    );
}
