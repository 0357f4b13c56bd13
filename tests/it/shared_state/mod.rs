//! Tests of several machines that share their state, with a mock app and tokio's paused clock.

mod failures;
mod limits;
mod sessions;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use gatepost::{
    Admission, Answer, AppSide, Asked, Attempt, ClientActivity, ClientSide, Conclusion,
    Disconnected, Driven, EventRequest, Gate, Head, InMemorySharedState, LimitValues, Question,
    RequestContext, Runtime, SharedState, SharedUse, StoreError, Timestamp, drive,
};
use http::{HeaderMap, Method, StatusCode, Uri};
use md5::{Digest as _, Md5};
use tokio::time::{Instant, sleep};

use self::failures::Faulty;

const T: i64 = 1_703_731_478;

/// A machine: a gate, a clock, and the state that the machine shares.
struct Machine {
    gate: Gate,
    started: Instant,
    state: Arc<dyn SharedState>,
    missed: Mutex<BTreeMap<SharedUse, u32>>,
    outages: Mutex<Vec<String>>,
    /// Limits that differ from those of another machine, as text: the route, this machine's rate
    /// and burst, and the other machine's rate and burst.
    differing: Mutex<Vec<String>>,
}

impl Machine {
    fn new(kollus: &str, state: &Arc<dyn SharedState>) -> Self {
        let text = format!(
            "[[route]]\npath = '/tencent'\nprovider = 'tencent-css'\n\
             [[route]]\npath = '/kollus'\nprovider = 'kollus'\n\
             [[template]]\nname = 'live'\nprovider = 'tencent-css'\nkeys = ['test']\nbind = '*'\n\
             [[template]]\nname = 'strict'\nprovider = 'tencent-css'\nkeys = ['test']\n\
             bind = 'strict.example'\nsignature_reuse = 'refuse'\n\
             [[template]]\nname = 'paid'\nprovider = 'kollus'\nbind = '*'\n{kollus}\n"
        );
        let gate = Gate::builder().toml(text).build();
        Self {
            gate: gate.unwrap_or_else(|error| panic!("expected a gate, found {error}")),
            started: Instant::now(),
            state: Arc::clone(state),
            missed: Mutex::default(),
            outages: Mutex::default(),
            differing: Mutex::default(),
        }
    }

    /// Creates a machine whose config contains a store, and the lines of `more`.
    fn with_store(more: &str, state: &Arc<dyn SharedState>) -> Self {
        Self::new(&format!("{more}[store]\nurl = 'sqlite:gatepost.db'"), state)
    }

    fn pair(kollus: &str) -> [Self; 2] {
        let state: Arc<dyn SharedState> = Arc::new(InMemorySharedState::default());
        [(); 2].map(|()| Self::new(kollus, &state))
    }

    async fn drive(&self, path: &'static str, body: &str, app: &mut App) -> Driven {
        self.drive_client(Client::new(path, body), app).await
    }

    async fn drive_client(&self, mut client: Client, app: &mut impl AppSide) -> Driven {
        let headers = HeaderMap::new();
        let uri = client.uri.clone();
        let head = Head::new(&Method::POST, &uri, &headers);
        let admission = self.gate.admit(&head, self.now());
        let Admission::Callback(intake) = admission else {
            panic!("expected a callback, found {admission:?}")
        };
        drive(&mut client, app, self, intake).await
    }

    async fn send(&self, path: &'static str, body: &str, app: &mut App) -> Conclusion {
        match self.drive(path, body, app).await {
            Driven::Concluded(_, conclusion, _) => conclusion,
            other @ (Driven::Refused(_) | Driven::ClientGone(_)) => {
                panic!("expected a conclusion, found {other:?}")
            }
        }
    }

    fn missed(&self, of: SharedUse) -> u32 {
        self.missed.lock().unwrap().get(&of).copied().unwrap_or_default()
    }
}

impl Runtime for Machine {
    fn now(&self) -> Timestamp {
        let passed = i64::try_from(self.started.elapsed().as_millis()).unwrap();
        Timestamp::from_millis(T * 1000 + passed)
    }

    fn sleep(&self, time: Duration) -> impl Future<Output = ()> + Send {
        sleep(time)
    }

    fn shared_state(&self) -> Option<&dyn SharedState> {
        Some(&*self.state)
    }

    fn unshared(&self, of: SharedUse, outage: Option<&StoreError>) {
        *self.missed.lock().unwrap().entry(of).or_default() += 1;
        self.outages.lock().unwrap().extend(outage.map(|reason| format!("lost: {reason}")));
    }

    fn limit_differs(&self, route: &str, own: LimitValues, other: LimitValues) {
        let [own, other] = [own, other].map(|values| (values.per_second, values.burst));
        self.differing.lock().unwrap().push(format!("{route}: {own:?}, {other:?}"));
    }

    fn shared_again(&self, missed: u64) {
        self.outages.lock().unwrap().push(format!("back after {missed}"));
    }
}

struct Client {
    uri: Uri,
    body: Option<Bytes>,
    /// Time after which the client disconnects; `None` if the client only waits.
    leaves: Option<Duration>,
}

impl Client {
    fn new(path: &'static str, body: &str) -> Self {
        let (uri, body) = (Uri::from_static(path), Some(body.to_owned().into()));
        Self { uri, body, leaves: None }
    }
}

impl ClientSide for Client {
    fn head(&self) -> Head<'_> {
        static HEADERS: std::sync::LazyLock<HeaderMap> = std::sync::LazyLock::new(HeaderMap::new);
        Head::new(&Method::POST, &self.uri, &HEADERS)
    }

    fn context(&self) -> RequestContext<'_> {
        RequestContext::default()
    }

    async fn next_chunk(&mut self) -> Result<Option<Bytes>, Disconnected> {
        Ok(self.body.take())
    }

    async fn activity(&mut self) -> ClientActivity {
        match self.leaves {
            Some(time) => sleep(time).await,
            None => std::future::pending().await,
        }
        ClientActivity::Disconnected
    }
}

/// An app that answers after a delay, and counts the events that it receives.
struct App {
    status: u16,
    body: &'static str,
    after: Duration,
    asked: u32,
}

impl App {
    const fn new(status: u16, body: &'static str) -> Self {
        Self { status, body, after: Duration::ZERO, asked: 0 }
    }

    const fn slow(millis: u64) -> Self {
        Self { after: Duration::from_millis(millis), ..Self::new(200, "") }
    }
}

impl AppSide for App {
    fn ask<'a>(
        &'a mut self,
        _: &Question,
        _: EventRequest<'_>,
        _: Attempt,
    ) -> impl Future<Output = Asked> + Send + use<'a> {
        self.asked += 1;
        async {
            sleep(self.after).await;
            let status = StatusCode::from_u16(self.status).unwrap();
            Asked::Answered(Answer::response(status, Some(self.body.into())))
        }
    }
}

/// Returns the body of a `push` callback for a domain. The signature covers only the time, `secs`
/// after [`T`].
fn push_to(domain: &str, sequence: u32, secs: i64) -> String {
    let t = T + secs;
    let sign = Md5::digest(format!("test{t}"));
    let sign: String = sign.iter().map(|byte| format!("{byte:02x}")).collect();
    format!(
        r#"{{"app":"{domain}","appname":"live","channel_id":"s","event_time":1,"event_type":1,
            "node":"n","sequence":"{sequence}","stream_id":"s","stream_param":"","user_ip":"u",
            "t":{t},"sign":"{sign}"}}"#
    )
}

fn push(sequence: u32) -> String {
    push_to("a.b", sequence, 600 + i64::from(sequence))
}

const PLAY: &str = "kind=100&client_user_id=u&media_content_key=m&channel_key=c";

const DEDUPE: &str = "[template.on.live_play]\nurl = 'http://app.test/'\ndedupe = true\n";

#[tokio::test(start_paused = true)]
async fn other_machine_replies_to_resend_without_asking_app() {
    let [one, other] = Machine::pair("");
    let (mut app, mut unused) = (App::new(200, ""), App::new(500, ""));
    let first = one.send("/tencent", &push(1), &mut app).await;
    let resent = other.send("/tencent", &push_to("a.b", 1, 660), &mut unused).await;
    assert_eq!((first.origin.as_str(), resent.origin.as_str()), ("app", "resend"));
    assert_eq!(resent.reply.body(), first.reply.body());
    assert_eq!((app.asked, unused.asked), (1, 0));
    assert_eq!(other.send("/tencent", &push(1), &mut unused).await.origin.as_str(), "resend");
    let next = other.send("/tencent", &push(2), &mut app).await;
    assert_eq!((next.origin.as_str(), app.asked), ("app", 2));
}

#[tokio::test(start_paused = true)]
async fn other_machine_repeats_status_headers_and_body_of_reply() {
    let [one, other] = Machine::pair(DEDUPE);
    let (mut app, mut unused) = (App::new(403, r#"{"message":"no ticket"}"#), App::new(500, ""));
    let first = one.send("/kollus", PLAY, &mut app).await;
    let resent = other.send("/kollus", PLAY, &mut unused).await;
    assert_eq!((resent.origin.as_str(), unused.asked), ("resend", 0));
    assert_eq!(resent.reply.body(), r#"{"data":{"result":0,"message":"no ticket"}}"#);
    assert_eq!(resent.permission(), first.permission());
    assert!(resent.reply.headers().eq(first.reply.headers()));
}

#[tokio::test(start_paused = true)]
async fn other_machine_adds_the_headers_of_a_signed_reply_itself() {
    let settings =
        "settings = { security_key = 's3cret', custom_key = 'cust0m', live_play_reply = 'jwt' }\n";
    let written = Arc::<Faulty>::default();
    let state: Arc<dyn SharedState> = written.clone();
    let [one, other] = [(); 2].map(|()| Machine::new(&format!("{settings}{DEDUPE}"), &state));
    let first = one.send("/kollus", PLAY, &mut App::new(200, r#"{"allow":true}"#)).await;
    let resent = other.send("/kollus", PLAY, &mut App::new(500, "")).await;
    assert_eq!(resent.origin.as_str(), "resend");
    assert!(resent.reply.headers().any(|(_, value)| value == "cust0m"));
    assert!(resent.reply.headers().eq(first.reply.headers()));
    assert_eq!(resent.reply.body(), first.reply.body());
    let stored = written.written.lock().unwrap();
    let stored = String::from_utf8_lossy(&stored);
    assert!(
        stored.contains("eyJ") && !stored.contains("cust0m"),
        "expected a token and no custom_key, found {stored}"
    );
}

#[tokio::test(start_paused = true)]
async fn copy_on_another_machine_waits_for_the_answer() {
    let [one, other] = Machine::pair("");
    let (mut slow, mut unused) = (App::slow(700), App::new(500, ""));
    let body = push(1);
    let first = one.send("/tencent", &body, &mut slow);
    let second = async {
        sleep(Duration::from_millis(100)).await;
        let started = Instant::now();
        (other.send("/tencent", &body, &mut unused).await, started.elapsed())
    };
    let (first, (second, waited)) = tokio::join!(first, second);
    assert_eq!((first.origin.as_str(), second.origin.as_str()), ("app", "resend"));
    assert_eq!(unused.asked, 0);
    let millis = waited.as_millis();
    assert!(
        (600..800).contains(&millis),
        "expected the reply after 600 to 800 ms, found it after {millis} ms"
    );
}

#[tokio::test(start_paused = true)]
async fn shares_no_failure_of_the_app() {
    let [one, other] = Machine::pair("");
    assert_eq!(one.send("/tencent", &push(1), &mut App::new(500, "")).await.reply.status(), 503);
    let mut app = App::new(200, "");
    assert_eq!(other.send("/tencent", &push(1), &mut app).await.origin.as_str(), "app");
    assert_eq!(app.asked, 1);
}

#[tokio::test(start_paused = true)]
async fn other_machine_asks_at_once_if_client_of_first_machine_disconnects() {
    let [one, other] = Machine::pair("");
    let leaves = Some(Duration::from_millis(50));
    let client = Client { uri: "/tencent".parse().unwrap(), body: Some(push(1).into()), leaves };
    let gone = one.drive_client(client, &mut App::slow(900)).await;
    assert!(matches!(gone, Driven::ClientGone(_)));
    let (mut app, started) = (App::new(200, ""), Instant::now());
    assert_eq!(other.send("/tencent", &push(1), &mut app).await.origin.as_str(), "app");
    assert_eq!(started.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn claim_of_stopped_machine_expires() {
    let [one, other] = Machine::pair("");
    let body = push(1);
    let mut slow = App::slow(900);
    {
        let stopped = one.send("/tencent", &body, &mut slow);
        assert!(tokio::time::timeout(Duration::from_millis(10), stopped).await.is_err());
    }
    // While the claim lasts, a resend gets 503, and the platform sends the callback again.
    let mut app = App::new(200, "");
    let mut replies = Vec::new();
    while replies.last() != Some(&200) {
        replies.push(other.send("/tencent", &body, &mut app).await.reply.status().as_u16());
    }
    assert!(replies.len() <= 3, "expected the claim to end, found {replies:?}");
    assert_eq!(app.asked, 1);
}

#[tokio::test(start_paused = true)]
async fn same_process_takes_over_its_own_claim() {
    let [one, _] = Machine::pair("");
    let body = push(1);
    let mut slow = App::slow(900);
    {
        let dropped = one.send("/tencent", &body, &mut slow);
        assert!(tokio::time::timeout(Duration::from_millis(10), dropped).await.is_err());
    }
    let (mut app, started) = (App::new(200, ""), Instant::now());
    assert_eq!(one.send("/tencent", &body, &mut app).await.origin.as_str(), "app");
    assert_eq!(started.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn other_machine_detects_a_reused_signature() {
    let [one, other] = Machine::pair("");
    let mut app = App::new(200, "");
    for (domain, code) in [("a.b", None), ("strict.example", Some("signature_reused"))] {
        one.send("/tencent", &push_to(domain, 1, 600), &mut app).await;
        // The resend of a callback is not a reuse.
        one.send("/tencent", &push_to(domain, 1, 600), &mut app).await;
        other.send("/tencent", &push_to(domain, 1, 600), &mut app).await;
        let fresh = Machine::new("", &other.state);
        match (fresh.drive("/tencent", &push_to(domain, 2, 600), &mut app).await, code) {
            (Driven::Concluded(accepted, _, _), None) => assert!(accepted.reuses_signature()),
            (Driven::Refused(refusal), Some(code)) => {
                assert_eq!(refusal.kind().as_str(), code);
                assert_eq!(refusal.template(), Some("strict"));
                assert!(!refusal.body().is_empty());
            }
            (other, _) => panic!("expected {code:?}, found {other:?}"),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn other_machine_repeats_the_last_good_reply() {
    let [one, other] = Machine::pair(
        "[template.on.live_play]\nurl = 'http://app.test/'\nlast_good = { max_age_secs = 60 }\n",
    );
    one.send("/kollus", PLAY, &mut App::new(200, r#"{"allow":true}"#)).await;
    let failed = other.send("/kollus", PLAY, &mut App::new(500, "")).await;
    assert_eq!(failed.origin.as_str(), "last_good");
    assert_eq!(failed.reply.body(), r#"{"data":{"result":1}}"#);
    let another = PLAY.replace("=u&", "=v&");
    let unknown = other.send("/kollus", &another, &mut App::new(500, "")).await;
    assert_eq!(unknown.origin.as_str(), "failure");
    sleep(Duration::from_secs(60)).await;
    let old = other.send("/kollus", PLAY, &mut App::new(500, "")).await;
    assert_eq!(old.origin.as_str(), "failure");
}
