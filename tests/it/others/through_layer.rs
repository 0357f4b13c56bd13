//! Test of the layer with the vectors of other projects.

use std::cell::Cell;
use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use gatepost::{Gate, GateLayer, Timestamp};
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use tower::{Layer as _, ServiceExt as _, service_fn};

use super::table::{self, Case};
use super::through_core::{Judged, judged};

thread_local! {
    static NOW: Cell<i64> = const { Cell::new(0) };
}

fn clock() -> Timestamp {
    Timestamp::from_secs(NOW.get())
}

/// Sends a case through the layer. Returns the status, and the event if the layer calls the
/// service.
pub async fn sent(gate: &Gate, case: &Case) -> (u16, Option<Vec<u8>>) {
    let seen: Arc<Mutex<Option<Vec<u8>>>> = Arc::default();
    let record = Arc::clone(&seen);
    let app = service_fn(move |request: Request<gatepost::layer::RequestBody<Full<Bytes>>>| {
        let record = Arc::clone(&record);
        async move {
            let event = request.into_body().collect().await.unwrap().to_bytes();
            *record.lock().unwrap() = Some(event.to_vec());
            Ok::<_, Infallible>(Response::new(Full::new(Bytes::new())))
        }
    });
    NOW.set(case.now);
    let (method, uri, headers) = case.head();
    let mut request = Request::new(Full::new(Bytes::from(case.body.clone())));
    (*request.method_mut(), *request.uri_mut(), *request.headers_mut()) = (method, uri, headers);
    let service = GateLayer::new(gate.clone()).with_clock(clock).layer(app);
    let status = service.oneshot(request).await.unwrap().status().as_u16();
    let event = seen.lock().unwrap().take();
    (status, event)
}

#[tokio::test]
async fn layer_gives_same_verdict_as_core_for_every_vector_of_other_projects() {
    let others = table::all();
    // A gate remembers accepted callbacks, so the core and the layer need separate gates.
    let (core, layer) = (others.gate("http://app.test"), others.gate("http://app.test"));
    for case in &others.cases {
        let expected = match judged(&core, case) {
            Judged::Accepted(event) => (200, Some(event)),
            Judged::Refused(_, status) => (status, None),
        };
        assert_eq!(sent(&layer, case).await, expected, "{}", case.name);
    }
}
