//! Tests that gatepost opens no connection to the app for a refused callback.

use std::sync::atomic::{AtomicI64, Ordering};

use bytes::Bytes;
use gatepost::{Admission, Gate, Head, Timestamp};
use http::{HeaderMap, HeaderName, Method, Uri};

use crate::support::{App, Client, connect};
use crate::vectors::{self, Vector, broken};
use crate::vectors_through_pingora::{bytes_with, serve_by};

static NOW: AtomicI64 = AtomicI64::new(0);

fn clock() -> Timestamp {
    Timestamp::from_secs(NOW.load(Ordering::SeqCst))
}

/// Returns true if the core refuses the vector's request with this body.
fn is_refused(gate: &Gate, vector: &Vector, body: &[u8]) -> bool {
    let request = &vector.case.request;
    let (method, uri): (Method, Uri) =
        (request.method.parse().unwrap(), request.path.parse().unwrap());
    let mut headers = HeaderMap::new();
    for (name, value) in request.all_headers() {
        headers.insert(name.parse::<HeaderName>().unwrap(), value.parse().unwrap());
    }
    let Admission::Callback(mut intake) = gate.admit(&Head::new(&method, &uri, &headers), clock())
    else {
        return true;
    };
    let pushed = intake.push(Bytes::copy_from_slice(body));
    pushed.and_then(|()| intake.finish(Timestamp::from_secs(vector.case.now))).is_err()
}

#[test]
fn app_gets_no_byte_of_refused_callbacks() {
    let app = App::answering(200, "");
    let gate = vectors::gate(&app.url(""));
    let port = serve_by(&app, clock);
    let mut client = Client::new(connect(port));
    let mut refused = 0;
    let vectors = vectors::all();
    for (seed, vector) in vectors.iter().enumerate() {
        NOW.store(vector.case.now, Ordering::SeqCst);
        let whole = std::iter::once(vector.body.clone());
        let bodies = whole.chain((0..2).map(|round| broken(&vector.body, seed * 2 + round)));
        for body in bodies.filter(|body| is_refused(&gate, vector, body)) {
            let reply = client.send(&bytes_with(vector, &body));
            assert!(
                (400..500).contains(&reply.status),
                "{}: expected a refusal, found {}",
                vector.name,
                reply.status
            );
            refused += 1;
            // If gatepost has not read the whole request, it closes the connection.
            if reply.header("connection") == Some("close") {
                client = Client::new(connect(port));
            }
        }
    }
    assert!(refused > 500, "expected more than 500 refusals, found {refused}");
    assert_eq!(app.connections(), 0);
    // The app is up: it receives the event of an accepted callback.
    let push = vectors.iter().find(|vector| vector.name == "tencent-css/push").unwrap();
    NOW.store(push.case.now, Ordering::SeqCst);
    assert_eq!(client.send(&bytes_with(push, &push.body)).status, 200);
    assert_eq!(app.connections(), 1);
}
