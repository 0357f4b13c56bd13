//! Test of layers that share their state in one file, as layers in several processes do.

use std::convert::Infallible;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use bytes::Bytes;
use gatepost::layer::RequestBody;
use gatepost::{Gate, GateLayer};
use gatepost_store::SqliteStore;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use tower::{ServiceBuilder, ServiceExt as _};

use crate::contract::{T, rules};

const CONFIG: &str = "[[route]]\npath = '/kollus'\nprovider = 'kollus'\n\
    [[template]]\nname = 'paid'\nprovider = 'kollus'\nbind = '*'\n\
    [template.on.live_play]\ndedupe = { window_secs = 10 }\nlast_good = true\non_failure = 'last_good'\n";

/// Sends a play callback to a new layer whose app answers with `status`. Returns the reply, and the
/// number of events that the app received.
async fn play(path: &Path, user: &str, secs: i64, status: u16) -> (String, u32) {
    let store = SqliteStore::open(path, rules(1 << 30)).unwrap();
    let gate = Gate::builder().toml(CONFIG).build().unwrap();
    let asked = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&asked);
    let app = move |_: Request<RequestBody<Full<Bytes>>>| {
        counted.fetch_add(1, Ordering::Relaxed);
        let mut response = Response::new(Full::new(Bytes::from(r#"{"allow":true}"#)));
        *response.status_mut() = StatusCode::from_u16(status).unwrap();
        async { Ok::<_, Infallible>(response) }
    };
    let layer = GateLayer::new(gate).with_clock(move || T(secs)).share(Arc::new(store));
    let service = ServiceBuilder::new().layer(layer).service_fn(app);
    let form = format!("kind=100&client_user_id={user}&media_content_key=m&channel_key=c");
    let request = Request::post("/kollus").body(Full::from(form)).unwrap();
    let body = service.oneshot(request).await.unwrap().into_body().collect().await.unwrap();
    let text = String::from_utf8(body.to_bytes().to_vec()).unwrap();
    (text, asked.load(Ordering::Relaxed))
}

#[tokio::test]
async fn layers_share_replies_and_last_answers_in_one_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("gatepost.db");
    let (allows, denies) = (r#"{"data":{"result":1}}"#, r#"{"data":{"result":0}}"#);
    let now = 1_703_731_478;
    assert_eq!(play(&path, "u", now, 200).await, (allows.into(), 1));
    let second = play(&path, "u", now + 1, 500).await;
    assert_eq!(second, (allows.into(), 0), "expected the reply to the first callback again");
    let third = play(&path, "u", now + 20, 500).await;
    assert_eq!(third, (allows.into(), 1), "expected a reply from the last answer of the app");
    assert_eq!(play(&path, "v", now + 20, 500).await, (denies.into(), 1));
}
