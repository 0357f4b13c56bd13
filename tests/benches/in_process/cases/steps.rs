//! Benches of a `push` callback and of a play callback: in total, and for each step from the
//! verdict to the reply. Also benches of event formats, and of the replies to a play callback.

use bytes::Bytes;
use gatepost::{Accepted, Answer, Conclusion, Gate, Next, Origin, Question, RequestContext};
use http::{HeaderMap, StatusCode};

use super::callback::{Callback, NOW};
use super::{by_hand, play, push};
use crate::bench::Bench;

/// Function that creates the callback with the given number.
type Numbered = fn(usize) -> Callback;

pub fn all() -> Vec<Bench> {
    let mut benches = steps("push", || push::gate(""), push::numbered, "");
    benches.extend(steps("play", play::gate, play::live, "{\"result\":1}"));
    benches.extend(to_event());
    benches.push(guarded());
    benches.push(resend(push::gate("")));
    benches.extend(events());
    benches.extend(replies());
    benches
}

/// Creates benches of a callback: in total, and for each step. Each bench has a separate gate,
/// because a gate remembers callbacks.
fn steps(name: &str, gate: fn() -> Gate, numbered: Numbered, answer: &'static str) -> Vec<Bench> {
    let step = |step: &str| format!("{name}/{step}");
    let (judging, whole) = (gate(), gate());
    vec![
        Bench::new(step("verdict"), numbered, move |c| c.judge(&judging).unwrap().unwrap()),
        Bench::new(step("next"), accepting(&gate(), numbered), |(_, accepted)| accepted.next(NOW)),
        event(step("event"), &gate(), numbered),
        Bench::new(step("reply"), asking(&gate(), numbered), move |question| {
            question.conclude(&ok(answer), NOW)
        }),
        Bench::new(step("whole"), numbered, move |callback| serve(&whole, &callback, answer)),
    ]
}

/// Does all work of the proxy or the layer except input and output.
fn serve(gate: &Gate, callback: &Callback, answer: &'static str) -> Conclusion {
    let accepted = callback.judge(gate).unwrap().unwrap();
    let found = accepted.next(NOW);
    let Next::Ask(question) = found else { panic!("expected `Next::Ask`, found {found:?}") };
    std::hint::black_box(request(callback, &accepted));
    question.conclude(&ok(answer), NOW)
}

/// Creates benches that turn the bytes of a `push` callback into the bytes of the event: one with
/// gatepost, and one without gatepost.
fn to_event() -> [Bench; 2] {
    let gate = push::gate("");
    let to_event = move |callback: Callback| {
        let accepted = callback.judge(&gate).unwrap().unwrap();
        request(&callback, &accepted)
    };
    let body = |number| push::numbered(number).body;
    let and_back = |body: Bytes| {
        by_hand::verified(&body, "test").expect("expected a genuine push, found none")
    };
    [
        Bench::new("push/to_event", push::numbered, to_event),
        Bench::new("by_hand/push_and_back", body, and_back),
    ]
}

/// Creates a bench of a route with `allow`, `source_limit` and `limit`.
fn guarded() -> Bench {
    let gate = push::gate(
        "allow = ['192.0.2.0/24', '198.51.100.0/24']\n\
         source_limit = { per_second = 1000000 }\nlimit = { per_second = 1000000 }",
    );
    Bench::new("push/verdict_guarded", push::numbered, move |callback| {
        callback.judge(&gate).unwrap().unwrap()
    })
}

/// Creates a bench of the resend of an acknowledged callback.
fn resend(gate: Gate) -> Bench {
    let sending = gate.clone();
    let taken = move |number| {
        let callback = push::numbered(number);
        serve(&sending, &callback, "");
        callback
    };
    Bench::new("push/resend", taken, move |callback| {
        let accepted = callback.judge(&gate).unwrap().unwrap();
        let found = accepted.next(NOW);
        let Next::Reply(conclusion) = found else {
            panic!("expected `Next::Reply`, found {found:?}")
        };
        assert!(matches!(conclusion.origin, Origin::Resend));
        conclusion
    })
}

fn events() -> Vec<Bench> {
    let secret = "signing_secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'";
    let url = "'http://app.test/live/push'";
    let written =
        |forward| push::gate_with("", "", &format!("{{ url = {url}, forward = '{forward}' }}"));
    let gates = [
        ("cloudevents", written("cloudevents")),
        ("json", written("json")),
        ("raw", written("raw")),
        ("signed", push::gate_with(secret, "", url)),
    ];
    gates.map(|(name, gate)| event(format!("event/{name}"), &gate, push::numbered)).into()
}

/// Creates a bench that formats the head and the body of an event.
fn event(name: String, gate: &Gate, numbered: Numbered) -> Bench {
    Bench::new(name, accepting(gate, numbered), |(callback, accepted)| {
        request(&callback, &accepted)
    })
}

fn request(callback: &Callback, accepted: &Accepted) -> (HeaderMap, Bytes) {
    accepted.request(&callback.head(), &RequestContext::default(), NOW)
}

/// Creates benches of the replies to a play callback, one for each answer of the app.
fn replies() -> Vec<Bench> {
    let live = |name: &str, answer: fn() -> Answer| {
        let asked = asking(&play::gate(), play::live);
        Bench::new(format!("reply/{name}"), asked, move |q: Question| q.conclude(&answer(), NOW))
    };
    let videos = asking(&play::gate(), play::of_video);
    vec![
        live("common", || ok("{\"allow\":false,\"message\":\"Please buy a ticket\"}")),
        live("denied_by_status", || answer_with(StatusCode::FORBIDDEN, "")),
        live("empty", || ok("")),
        live("failure", || answer_with(StatusCode::INTERNAL_SERVER_ERROR, "")),
        live("flat", || ok("{\"result\":1,\"vmcheck\":0}")),
        live("malformed", || ok("{\"result\":")),
        live("native", || {
            ok("{\"data\":{\"result\":true,\"vmcheck\":\"0\",\"disable_tvout\":1.0}}")
        }),
        Bench::new("reply/token", videos, |question| question.conclude(&ok("{\"result\":1}"), NOW)),
    ]
}

fn ok(body: &'static str) -> Answer {
    answer_with(StatusCode::OK, body)
}

fn answer_with(status: StatusCode, body: &'static str) -> Answer {
    Answer::response(status, Some(Bytes::from_static(body.as_bytes())))
}

fn accepting(gate: &Gate, numbered: Numbered) -> impl FnMut(usize) -> (Callback, Accepted) + use<> {
    let gate = gate.clone();
    move |number| {
        let callback = numbered(number);
        let accepted = callback.judge(&gate).unwrap().unwrap();
        (callback, accepted)
    }
}

fn asking(gate: &Gate, numbered: Numbered) -> impl FnMut(usize) -> Question + use<> {
    let mut accepted = accepting(gate, numbered);
    move |number| match accepted(number).1.next(NOW) {
        Next::Ask(question) => question,
        found @ (Next::Reply(_) | Next::Store(_) | Next::Wait(_)) => {
            panic!("expected `Next::Ask`, found {found:?}")
        }
    }
}
