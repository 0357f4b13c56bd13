//! Tests of the core and the layer with the scenarios of other projects. A scenario consists of
//! several requests to one receiver.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::future::Future as _;
use std::io;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use gatepost::{Answer, Gate, GateLayer, Head, Next, RequestContext, Timestamp};
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use tower::{Layer as _, ServiceExt as _, service_fn};

use super::table::{self, Case, Others, Scenario, Send};
use crate::core::judge;
use crate::layer::Log;

/// The statuses of the replies, and the `ce-id` of each event that the app gets.
#[derive(Debug, Default)]
struct Found {
    statuses: Vec<u16>,
    events: Vec<String>,
}

impl Found {
    fn check(&self, scenario: &Scenario) {
        let name = format!("{} {}: {self:?}", scenario.id, scenario.name);
        let expected: Vec<_> = scenario.sends.iter().map(|send| send.status).collect();
        assert_eq!(self.statuses, expected, "{name}");
        assert_eq!(self.events.len(), scenario.events, "{name}");
        // Every copy of a callback has the same id.
        let callbacks: BTreeSet<_> = scenario.sends.iter().map(|send| &send.case).collect();
        let ids: BTreeSet<_> = self.events.iter().collect();
        assert!(
            ids.is_empty() || ids.len() == callbacks.len(),
            "{name}: expected one id per callback, found {}",
            ids.len()
        );
    }
}

fn answer(status: u16) -> Answer {
    match status {
        0 => Answer::Unreachable("closed".into()),
        status => Answer::response(StatusCode::from_u16(status).unwrap(), Some(Bytes::new())),
    }
}

/// State of a request: gatepost has replied, asks the app, or waits for the answer to another copy.
enum Open {
    Replied(u16),
    Asked(gatepost::Question, u16),
    Waiting(gatepost::Wait),
}

fn begin(gate: &Gate, case: &Case, app: u16, found: &mut Found) -> Open {
    let now = Timestamp::from_secs(case.now);
    let (method, uri, headers) = case.head();
    let head = Head::new(&method, &uri, &headers);
    let accepted = match judge(gate, &head, &case.body, 64, case.now) {
        Ok(accepted) => accepted,
        Err(refusal) => return Open::Replied(refusal.reply().status().as_u16()),
    };
    match accepted.next(now) {
        Next::Reply(conclusion) => Open::Replied(conclusion.reply.status().as_u16()),
        Next::Store(enqueue) => panic!("expected no queued event, found {enqueue:?}"),
        Next::Wait(wait) => Open::Waiting(wait),
        Next::Ask(question) => {
            let (event, _) = accepted.request(&head, &RequestContext::default(), now);
            found.events.push(event["ce-id"].to_str().unwrap().to_owned());
            Open::Asked(question, app)
        }
    }
}

fn end(open: Open, now: i64) -> u16 {
    let conclusion = match open {
        Open::Replied(status) => return status,
        Open::Asked(question, app) => question.conclude(&answer(app), Timestamp::from_secs(now)),
        Open::Waiting(wait) => match pin!(wait).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(Some(conclusion)) => conclusion,
            Poll::Ready(None) | Poll::Pending => panic!("expected a conclusion, found none"),
        },
    };
    conclusion.reply.status().as_u16()
}

#[test]
fn core_gives_expected_replies_in_scenarios_of_other_projects() {
    let others = table::all();
    for scenario in &others.scenarios {
        let mut gate = others.gate_with("http://app.test", "");
        let (mut found, mut open) = (Found::default(), Vec::new());
        for (index, send) in scenario.sends.iter().enumerate() {
            if scenario.restart_before == Some(index) {
                gate = others.gate_with("http://app.test", "");
            }
            let case = others.sent(send);
            open.push((begin(&gate, &case, send.app, &mut found), case.now));
            if !scenario.concurrent {
                found.statuses.extend(open.drain(..).map(|(open, now)| end(open, now)));
            }
        }
        found.statuses.extend(open.drain(..).map(|(open, now)| end(open, now)));
        found.check(scenario);
    }
}

thread_local! {
    static NOW: Cell<i64> = const { Cell::new(0) };
}

/// The `ce-id` of each event that the app gets.
type Ids = Arc<Mutex<Vec<String>>>;

/// Sends one request of a scenario through the layer, and returns the status of the reply.
async fn send(gate: &Gate, others: &Others, send: &Send, events: &Ids) -> u16 {
    let case = others.sent(send);
    let (events, status) = (Arc::clone(events), send.app);
    let app = service_fn(move |request: Request<gatepost::layer::RequestBody<Full<Bytes>>>| {
        events.lock().unwrap().push(request.headers()["ce-id"].to_str().unwrap().to_owned());
        async move {
            // If the scenario is concurrent, the second request arrives now.
            tokio::task::yield_now().await;
            let status = StatusCode::from_u16(status).map_err(io::Error::other)?;
            let mut response = Response::new(Full::new(Bytes::new()));
            *response.status_mut() = status;
            Ok::<_, io::Error>(response)
        }
    });
    NOW.set(case.now);
    let clock = || Timestamp::from_secs(NOW.get());
    let (method, uri, headers) = case.head();
    let mut request = Request::new(Full::new(Bytes::from(case.body)));
    (*request.method_mut(), *request.uri_mut(), *request.headers_mut()) = (method, uri, headers);
    let service = GateLayer::new(gate.clone()).with_clock(clock).layer(app);
    service.oneshot(request).await.unwrap().status().as_u16()
}

// Also checks that the log contains no field of a callback and no key.
#[tokio::test]
async fn layer_gives_expected_replies_in_scenarios_of_other_projects() {
    let log = Log::default();
    let _guard = log.collect();
    let others = table::all();
    for scenario in &others.scenarios {
        let gate = || others.gate_with("http://app.test", "");
        let (mut current, events) = (gate(), Ids::default());
        let mut statuses = Vec::new();
        if let ([first, second], true) = (&*scenario.sends, scenario.concurrent) {
            let both = tokio::join!(
                send(&current, &others, first, &events),
                send(&current, &others, second, &events)
            );
            statuses.extend([both.0, both.1]);
        } else {
            for (index, one) in scenario.sends.iter().enumerate() {
                if scenario.restart_before == Some(index) {
                    current = gate();
                }
                statuses.push(send(&current, &others, one, &events).await);
            }
        }
        let events = std::mem::take(&mut *events.lock().unwrap());
        Found { statuses, events }.check(scenario);
    }
    let log = log.text();
    assert!(log.contains("signature_mismatch"), "expected refusals in the log, found {log}");
    for secret in ["canary", "order_corpus", "reference-corpus-key-material"] {
        assert!(!log.contains(secret), "expected no {secret} in the log, found {log}");
    }
}
