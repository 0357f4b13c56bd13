//! Tests of events without headers: `GateLayer::omit_headers`.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use gatepost::{Accepted, Gate, GateLayer};
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use tower::{Layer as _, ServiceExt as _, service_fn};

use super::{NOW, SlowBody, clock, request, request_with};
use crate::core::judge;
use crate::vectors::{self, Vector};

/// An event that a service has received: id, names of the headers, and body.
type Received = (String, Vec<String>, Bytes);

/// Sends each request, and returns the statuses of the replies and the received events.
async fn exchange(
    layer: GateLayer,
    requests: impl IntoIterator<Item = Request<SlowBody>>,
) -> (Vec<u16>, Vec<Received>) {
    let events: Arc<Mutex<Vec<Received>>> = Arc::default();
    let record = Arc::clone(&events);
    let app = service_fn(move |request: Request<gatepost::layer::RequestBody<SlowBody>>| {
        let record = Arc::clone(&record);
        async move {
            let (parts, body) = request.into_parts();
            let id = parts.extensions.get::<Accepted>().unwrap().event().id().to_owned();
            let names = parts.headers.keys().map(ToString::to_string).collect();
            let body = body.collect().await.unwrap().to_bytes();
            record.lock().unwrap().push((id, names, body));
            Ok::<_, Infallible>(Response::new(Full::<Bytes>::from("{\"allow\":true}")))
        }
    });
    let service = layer.with_clock(clock).layer(app);
    let mut statuses = Vec::new();
    for request in requests {
        statuses.push(service.clone().oneshot(request).await.unwrap().status().as_u16());
    }
    let events = std::mem::take(&mut *events.lock().unwrap());
    (statuses, events)
}

/// Returns true if the id of the event depends only on the callback.
fn has_identity(gates: &[Gate; 2], vector: &Vector) -> bool {
    let sent = crate::core::Request::of(vector);
    let judged = gates.each_ref().map(|gate| {
        let verdict = judge(gate, &sent.head(), &vector.body, usize::MAX, vector.case.now);
        verdict.map(|accepted| accepted.event().id().to_owned()).ok()
    });
    judged[0] == judged[1]
}

// With headers and without headers, the app must receive the same number of copies, with the same
// id.
#[tokio::test]
async fn ids_bodies_and_resends_do_not_depend_on_headers() {
    let gate = || vectors::gate("http://elsewhere.test:81");
    let judges = [gate(), gate()];
    let (with, without) = (GateLayer::new(gate()), GateLayer::new(gate()).omit_headers());
    let mut compared = 0;
    for vector in vectors::all() {
        NOW.set(vector.case.now);
        let send = |layer: &GateLayer| exchange(layer.clone(), [0, 1].map(|_| request(&vector)));
        let ((statuses, mut events), (found, mut bare)) = (send(&with).await, send(&without).await);
        assert_eq!(found, statuses, "{}", vector.name);
        assert!(bare.iter().all(|(_, names, _)| names.iter().all(|n| n == "gatepost-stale")));
        for (id, names, _) in events.iter_mut().chain(&mut bare) {
            names.clear();
            if !has_identity(&judges, &vector) {
                id.clear();
            }
        }
        assert_eq!(bare, events, "{}", vector.name);
        compared += bare.len();
    }
    assert!(compared > 500, "expected more than 500 events, found {compared}");
}

/// Returns a `push` callback with this sequence number. All these callbacks have the same
/// signature.
fn push(sequence: &str) -> Request<SlowBody> {
    let vectors = vectors::all();
    let vector = vectors.iter().find(|vector| vector.name == "tencent-css/push").unwrap();
    NOW.set(vector.case.now);
    let body = String::from_utf8(vector.body.clone()).unwrap();
    let body = body.replace("2210464508206756938", sequence);
    let mut request = request_with(vector, SlowBody::new(body.as_bytes()));
    *request.uri_mut() = "/push".parse().unwrap();
    request
}

fn gate(form: &str, template: &str) -> Gate {
    let config = format!(
        "[[route]]\npath = '/push'\nprovider = 'tencent-css'\n\
         [[template]]\nname = 'all'\nprovider = 'tencent-css'\nkeys = ['test']\nbind = '*'\n\
         {template}\non.push = {form}\n"
    );
    Gate::builder().toml(config).build().unwrap()
}

#[tokio::test]
async fn refuses_reused_signature_but_not_a_resend() {
    let layer = GateLayer::new(gate("{}", "signature_reuse = 'refuse'")).omit_headers();
    let (statuses, events) = exchange(layer, ["1", "1", "2"].map(push)).await;
    assert_eq!(statuses, [200, 200, 401]);
    assert_eq!(events.len(), 1);
}

#[tokio::test]
async fn callbacks_in_their_own_form_and_signed_events_keep_headers() {
    let secret = "signing_secret = ['whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw']";
    for (form, template, header) in [
        ("{ forward = 'raw' }", "", "ce-id"),
        ("{ forward = 'passthrough' }", "", "content-length"),
        ("{}", secret, "webhook-signature"),
    ] {
        let layer = GateLayer::new(gate(form, template)).omit_headers();
        let (_, events) = exchange(layer, [push("1")]).await;
        let [(_, names, _)] = &events[..] else { panic!("expected one event, found {events:?}") };
        assert!(
            names.iter().any(|name| name == header),
            "{form}: expected {header}, found {names:?}"
        );
    }
}
