//! Tests of layers that share their state: in one file, as layers in several processes do, or on
//! NATS, as layers on several machines do.

use std::convert::Infallible;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use bytes::Bytes;
use gatepost::layer::RequestBody;
use gatepost::{Gate, GateLayer, SharedState};
use gatepost_store::SqliteStore;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use tower::{ServiceBuilder, ServiceExt as _};

use crate::contract::{T, rules};

const CONFIG: &str = "[[route]]\npath = '/kollus'\nprovider = 'kollus'\n\
    [[route]]\npath = '/tencent'\nprovider = 'tencent-css'\n\
    [[template]]\nname = 'paid'\nprovider = 'kollus'\nbind = '*'\n\
    [template.on.live_play]\ndedupe = { window_secs = 10 }\nlast_good = true\non_failure = 'last_good'\n\
    [[template]]\nname = 'live'\nprovider = 'tencent-css'\nkeys = ['s1gning-k3y']\nbind = '*'\n\
    signature_reuse = 'refuse'\n[template.on.push]\n";

const NOW: i64 = 1_703_731_478;

/// A machine, whose layers use this shared state.
struct Machine(Arc<dyn SharedState>);

impl Machine {
    fn on_file(path: &Path) -> Self {
        Self(Arc::new(SqliteStore::open(path, rules(1 << 30)).unwrap()))
    }

    /// Sends a callback to a new layer whose clock shows `secs` (Unix time) and whose app answers
    /// with `status`. Returns the status and the text of the reply, and the number of events that
    /// the app received.
    async fn send(
        &self,
        path: &str,
        body: String,
        secs: i64,
        status: u16,
    ) -> (StatusCode, String, u32) {
        let gate = Gate::builder().toml(CONFIG).build().unwrap();
        let asked = Arc::new(AtomicU32::new(0));
        let counted = Arc::clone(&asked);
        let app = move |_: Request<RequestBody<Full<Bytes>>>| {
            counted.fetch_add(1, Ordering::Relaxed);
            let mut response = Response::new(Full::new(Bytes::from(r#"{"allow":true}"#)));
            *response.status_mut() = StatusCode::from_u16(status).unwrap();
            async { Ok::<_, Infallible>(response) }
        };
        let layer = GateLayer::new(gate).with_clock(move || T(secs)).share(Arc::clone(&self.0));
        let service = ServiceBuilder::new().layer(layer).service_fn(app);
        let request = Request::post(path).body(Full::from(body)).unwrap();
        let response = service.oneshot(request).await.unwrap();
        let status = response.status();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        (status, String::from_utf8(body.to_vec()).unwrap(), asked.load(Ordering::Relaxed))
    }

    async fn play(&self, user: &str, secs: i64, status: u16) -> (String, u32) {
        let form = format!("kind=100&client_user_id={user}&media_content_key=m&channel_key=c");
        let (_, text, asked) = self.send("/kollus", form, secs, status).await;
        (text, asked)
    }

    /// Sends a `push` callback for a stream. All these callbacks have the same signature.
    async fn push(&self, stream: &str) -> (u16, u32) {
        let body = format!(
            "{{\"app\":\"push.example.com\",\"appid\":1,\"appname\":\"live\",\"channel_id\":\"s\",\
             \"event_time\":{NOW},\"event_type\":1,\"node\":\"10.0.0.1\",\"sequence\":\"1\",\
             \"stream_id\":\"{stream}\",\"stream_param\":\"\",\"user_ip\":\"10.0.0.2\",\"t\":{},\
             \"sign\":\"85695001a4332c73ecccaae0f4acd77d\"}}",
            NOW + 600
        );
        let (status, _, asked) = self.send("/tencent", body, NOW, 200).await;
        (status.as_u16(), asked)
    }
}

async fn share_replies_signatures_and_last_answers(one: &Machine, other: &Machine) {
    let (allows, denies) = (r#"{"data":{"result":1}}"#, r#"{"data":{"result":0}}"#);
    assert_eq!(one.play("u", NOW, 200).await, (allows.into(), 1));
    let second = other.play("u", NOW + 1, 500).await;
    assert_eq!(second, (allows.into(), 0), "expected the first reply again, found another");
    let third = other.play("u", NOW + 20, 500).await;
    assert_eq!(third, (allows.into(), 1), "expected a reply from the last answer, found another");
    assert_eq!(one.play("v", NOW + 20, 500).await, (denies.into(), 1));
    assert_eq!(one.push("a").await, (200, 1));
    assert_eq!(other.push("a").await, (200, 0), "expected the reply to a resend, found another");
    assert_eq!(other.push("b").await, (401, 0), "expected a refusal, found another reply");
}

#[tokio::test]
async fn layers_share_replies_signatures_and_last_answers_in_one_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("gatepost.db");
    let [one, other] = [(); 2].map(|()| Machine::on_file(&path));
    share_replies_signatures_and_last_answers(&one, &other).await;
}

#[cfg(feature = "nats")]
#[tokio::test]
#[ignore = "needs tests/peers/install"]
async fn layers_share_replies_signatures_and_last_answers_on_nats() {
    let server = crate::nats_server::NatsServer::start();
    let [one, other] = [(); 2].map(|()| {
        Machine(Arc::new(
            gatepost_store::NatsStore::open(server.options(), rules(1 << 30)).unwrap(),
        ))
    });
    // The layer takes the time from the test; NATS uses its own clock.
    share_replies_signatures_and_last_answers(&one, &other).await;
}
