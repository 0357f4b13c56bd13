//! Tests of session ends that arrive at a machine other than the machine of the newer start.

use std::sync::Arc;
use std::time::Duration;

use gatepost::{
    Answer, AppSide, Asked, Attempt, Driven, EventRequest, Question, SharedState, SharedUse,
};
use http::StatusCode;
use tokio::time::sleep;

use super::failures::{Fault, Faulty};
use super::{Client, Machine, PLAY, push, push_to};

/// An app that records the header `gatepost-stale` of the event that it receives.
struct StaleApp {
    body: &'static str,
    stale: Option<String>,
}

impl AppSide for StaleApp {
    fn ask<'a>(
        &'a mut self,
        _: &Question,
        event: EventRequest<'_>,
        _: Attempt,
    ) -> impl Future<Output = Asked> + Send + use<'a> {
        let (headers, _) = event.into_parts();
        let stale = headers.get("gatepost-stale");
        self.stale = stale.map(|value| value.to_str().unwrap().to_owned());
        let answer = Answer::response(StatusCode::OK, Some(self.body.into()));
        std::future::ready(Asked::Answered(answer))
    }
}

impl Machine {
    /// Sends a callback, and returns the value of `gatepost-stale` in its event.
    async fn stale(&self, path: &'static str, body: &str, answer: &'static str) -> Option<String> {
        let mut app = StaleApp { body: answer, stale: None };
        let driven = self.drive_client(Client::new(path, body), &mut app).await;
        assert!(matches!(driven, Driven::Concluded(..)), "expected a conclusion, found {driven:?}");
        app.stale
    }

    async fn start(&self, sequence: u32) {
        assert_eq!(self.stale("/tencent", &push(sequence), "").await, None);
    }

    async fn end(&self, sequence: u32) -> Option<String> {
        let end = push_to("a.b", sequence, 800 + i64::from(sequence));
        let end = end.replace(r#""event_type":1"#, r#""event_type":0"#);
        self.stale("/tencent", &end, "").await
    }
}

#[tokio::test(start_paused = true)]
async fn end_at_another_machine_is_stale_after_a_newer_start() {
    let [one, other] = Machine::pair("");
    one.start(1).await;
    other.start(2).await;
    one.start(3).await;
    let fresh = Machine::new("", &one.state);
    for sequence in [1, 2] {
        assert_eq!(fresh.end(sequence).await.as_deref(), Some("true"), "{sequence}");
    }
    assert_eq!(fresh.end(3).await, None);
    let alone = Machine::pair("");
    assert_eq!(alone[0].end(1).await, None, "`gatepost-stale` of an end without a start");
}

#[tokio::test(start_paused = true)]
async fn permitted_publish_starts_a_session_for_all_machines() {
    const SRS: &str = "[[route]]\npath = '/srs'\nprovider = 'srs'\n\
        [[template]]\nname = 'srs'\nprovider = 'srs'\nbind = '*'\n";
    let [one, other] = Machine::pair(SRS);
    let body = |action: &str, client: &str| {
        format!(
            r#"{{"action":"{action}","client_id":"{client}","ip":"203.0.113.1","vhost":"v",
                "app":"live","stream":"s","tcUrl":"rtmp://h/live","param":""}}"#
        )
    };
    let end = body("on_unpublish", "1");
    one.stale("/srs", &body("on_publish", "1"), r#"{"allow":true}"#).await;
    one.stale("/srs", &body("on_publish", "2"), r#"{"allow":false}"#).await;
    assert_eq!(other.stale("/srs", &end, "").await, None);
    one.stale("/srs", &body("on_publish", "3"), r#"{"allow":true}"#).await;
    assert_eq!(other.stale("/srs", &end, "").await.as_deref(), Some("true"));
}

#[tokio::test(start_paused = true)]
async fn machines_share_both_of_two_simultaneous_starts() {
    let faulty = Arc::<Faulty>::default();
    let state: Arc<dyn SharedState> = faulty.clone();
    let [one, other] = [(); 2].map(|()| Machine::new("", &state));
    one.start(1).await;
    faulty.set(Some(Fault::Late(20)));
    tokio::join!(one.start(2), other.start(3));
    faulty.set(None);
    let fresh = Machine::new("", &state);
    let newest = [fresh.end(2).await, fresh.end(3).await];
    assert_eq!(newest.iter().flatten().count(), 1, "expected one stale end, found {newest:?}");
    assert_eq!(fresh.end(1).await.as_deref(), Some("true"));
}

#[tokio::test(start_paused = true)]
async fn machine_uses_its_own_sessions_while_state_fails() {
    let faulty = Arc::<Faulty>::default();
    let state: Arc<dyn SharedState> = faulty.clone();
    let [one, other] = [(); 2].map(|()| Machine::new("", &state));
    faulty.set(Some(Fault::Fails));
    one.start(1).await;
    one.start(2).await;
    assert_eq!(one.end(1).await.as_deref(), Some("true"));
    assert_eq!(other.end(1).await, None);
    assert_eq!((one.missed(SharedUse::Session), other.missed(SharedUse::Session)), (3, 1));
    faulty.set(None);
    sleep(Duration::from_secs(1)).await;
    one.start(3).await;
    // With a start, a machine also shares the sessions that no other machine has recorded.
    assert_eq!(other.end(2).await.as_deref(), Some("true"));
}

#[tokio::test(start_paused = true)]
async fn only_starts_and_ends_use_the_sessions() {
    let faulty = Arc::<Faulty>::default();
    let state: Arc<dyn SharedState> = faulty.clone();
    let machine = Machine::new("", &state);
    let app = r#"{"allow":true}"#;
    for (path, body, expected) in [
        // For this callback, gatepost does not use the shared state.
        ("/kollus", PLAY.to_owned(), 0),
        // For this callback, gatepost shares only the signature. gatepost cannot detect a resend of
        // this kind, so it makes no claim.
        ("/tencent", push(1).replace(r#""event_type":1"#, r#""event_type":100"#), 1),
        ("/tencent", push(2), 4),
        ("/tencent", push(3), 5),
    ] {
        machine.stale(path, &body, app).await;
        assert_eq!(faulty.operations(), expected, "{body}");
    }
}
