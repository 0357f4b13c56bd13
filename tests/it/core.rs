//! Tests of the verdicts of the core, without a server.

use std::collections::BTreeSet;

use bytes::Bytes;
use gatepost::{
    Accepted, Admission, Answer, Gate, Head, Next, Refusal, RefusalKind, Reply, RequestContext,
    Timestamp,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri};

use crate::vectors::{self, Outcome, Seen, Vector};

/// The head of a vector's request.
pub struct Request {
    pub method: Method,
    pub uri: Uri,
    pub headers: HeaderMap,
}

impl Request {
    pub fn of(vector: &Vector) -> Self {
        let mut headers = HeaderMap::new();
        for (name, value) in vector.case.request.all_headers() {
            let name: HeaderName = name.parse().unwrap();
            headers.append(name, HeaderValue::from_str(value).unwrap());
        }
        Self {
            method: vector.case.request.method.parse().unwrap(),
            uri: vector.case.request.path.parse().unwrap(),
            headers,
        }
    }

    pub fn head(&self) -> Head<'_> {
        Head::new(&self.method, &self.uri, &self.headers)
    }
}

const NOW: Timestamp = Timestamp::from_secs(0);

/// Returns the verdict on a body that arrives in chunks of `size` bytes.
///
/// # Errors
///
/// Returns the refusal if gatepost refuses the callback.
pub fn judge(
    gate: &Gate,
    head: &Head<'_>,
    body: &[u8],
    size: usize,
    now: i64,
) -> Result<Accepted, Refusal> {
    judge_chunks(gate, head, body.chunks(size), now)
}

/// Returns the verdict on a body that arrives in these chunks.
///
/// # Errors
///
/// Returns the refusal if gatepost refuses the callback.
pub fn judge_chunks<'b>(
    gate: &Gate,
    head: &Head<'_>,
    chunks: impl IntoIterator<Item = &'b [u8]>,
    now: i64,
) -> Result<Accepted, Refusal> {
    let now = Timestamp::from_secs(now);
    match gate.admit(head, now) {
        other @ (Admission::Other | Admission::Reply(_) | Admission::Shadow(_)) => {
            panic!("expected a callback or a refusal, found {other:?}")
        }
        Admission::Refused(refusal) => Err(refusal),
        Admission::Callback(mut intake) => {
            for chunk in chunks {
                intake.push(Bytes::copy_from_slice(chunk))?;
            }
            intake.finish(now)
        }
    }
}

fn outcome(gate: &Gate, vector: &Vector) -> Outcome {
    let request = Request::of(vector);
    let head = request.head();
    let accepted = match judge(gate, &head, &vector.body, 97, vector.case.now) {
        Ok(accepted) => accepted,
        Err(refusal) => {
            assert_eq!(refusal.kind().as_str(), vector.case.verdict, "{}", vector.name);
            let reply = refusal.reply();
            return Outcome {
                status: reply.status().as_u16(),
                headers: headers(&reply),
                body: reply.body().to_vec(),
                seen: None,
            };
        }
    };
    assert_eq!(vector.case.verdict, "accepted", "{}", vector.name);
    let now = Timestamp::from_secs(vector.case.now);
    let (seen, conclusion) = match accepted.next(now) {
        Next::Reply(conclusion) => (None, conclusion),
        Next::Store(_) => panic!("expected no queued event, found one"),
        Next::Wait(_) => panic!("expected no other copy in flight, found `Next::Wait`"),
        Next::Ask(question) => {
            let path = question.url().unwrap().path().to_owned();
            let seen = Seen { path, ..event_request(&accepted, &head, now) };
            let app = vector.app();
            let answer =
                Answer::response(StatusCode::from_u16(app.status).unwrap(), Some(app.body.into()));
            (Some(seen), question.conclude(&answer, now))
        }
    };
    let reply = conclusion.reply;
    let headers = headers(&reply);
    Outcome { status: reply.status().as_u16(), headers, body: reply.body().to_vec(), seen }
}

/// Returns the request that carries the event of an accepted callback to the app, with an empty
/// path.
fn event_request(accepted: &Accepted, head: &Head<'_>, now: Timestamp) -> Seen {
    let (headers, body) = accepted.request(head, &RequestContext::default(), now);
    let headers = headers.iter().map(|(n, v)| (n.to_string(), v.to_str().unwrap().to_owned()));
    let headers = headers.collect();
    Seen { method: "POST".into(), path: String::new(), headers, body: body.to_vec() }
}

fn headers(reply: &Reply) -> Vec<(String, String)> {
    let text = |value: &HeaderValue| value.to_str().unwrap().to_owned();
    reply.headers().map(|(name, value)| (name.to_string(), text(&value))).collect()
}

#[test]
fn core_gives_expected_result_for_every_vector() {
    let gate = vectors::gate("http://app.test");
    // Check every vector before the test fails, so that the output names every vector that fails.
    let fails = |vector: &Vector| {
        let check = || {
            vector.check_signature();
            vector.check(&outcome(&gate, vector));
        };
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(check)).is_err()
    };
    let failed: Vec<_> = vectors::all().into_iter().filter(fails).map(|one| one.name).collect();
    assert!(failed.is_empty(), "expected every vector to pass, found failures of {failed:#?}");
}

/// With `UPDATE_EVENTS`, writes each missing `event.json`. Review the files before a commit.
#[test]
fn writes_missing_events_of_vectors_if_update_events_is_set() {
    if !vectors::updates_events() {
        return;
    }
    let gates = [vectors::gate("http://app.test"), vectors::gate("http://app.test")];
    for vector in vectors::all() {
        if vector.event.is_some() || vector.case.verdict != "accepted" {
            continue;
        }
        let (request, now) = (Request::of(&vector), vector.case.now);
        let [one, other] = gates.each_ref().map(|gate| {
            let accepted = judge(gate, &request.head(), &vector.body, 4096, now).ok()?;
            let now = Timestamp::from_secs(now);
            Some(event_request(&accepted, &request.head(), now).event())
        });
        let (Some(mut event), Some(other)) = (one, other) else { continue };
        if event["id"] != other["id"] {
            event.as_object_mut().unwrap().remove("id");
        }
        let text = serde_json::to_string_pretty(&event).unwrap();
        std::fs::write(vectors::event_path(&vector), text + "\n").unwrap();
    }
}

#[test]
fn event_of_vector_has_no_id_exactly_if_each_callback_gets_a_new_id() {
    let gates = [vectors::gate("http://app.test"), vectors::gate("http://app.test")];
    for vector in vectors::all() {
        let Some(event) = &vector.event else { continue };
        let request = Request::of(&vector);
        let [one, other] = gates.each_ref().map(|gate| {
            let judged = judge(gate, &request.head(), &vector.body, 4096, vector.case.now);
            judged.unwrap().event().id().to_owned()
        });
        assert_eq!(one == other, event.get("id").is_some(), "{}", vector.name);
    }
}

#[test]
fn every_kind_of_every_provider_has_a_vector() {
    let vectors = vectors::all();
    for provider in gatepost::providers() {
        let vectors = vectors.iter().filter(|v| v.name.split('/').next() == Some(&provider.name));
        let types: BTreeSet<_> =
            vectors.filter_map(|v| v.event.as_ref()?["type"].as_str()).collect();
        for kind in &provider.kinds {
            let suffix = format!(".{}", kind.name);
            let known = types.iter().any(|ce_type| ce_type.ends_with(&suffix));
            assert!(known, "expected a vector for {}.{}, found none", provider.name, kind.name);
        }
    }
}

#[test]
fn resend_has_same_id_and_different_callback_has_different_id() {
    let gate = vectors::gate("http://app.test");
    let vectors = vectors::all();
    let push = vectors.iter().find(|v| v.name == "tencent-css/push").unwrap();
    let request = Request::of(push);
    let id = |body: &str, now| {
        let accepted = judge(&gate, &request.head(), body.as_bytes(), 4096, now).unwrap();
        accepted.event().id().to_owned()
    };
    let body = String::from_utf8(push.body.clone()).unwrap();
    let resent = body
        .replace("1703732078", "1545030873")
        .replace("bc31454d2c5572bc415c4f2292e381eb", "ca3e25e5dc17a6f9909a9ae7281e300d");
    let first = id(&body, push.case.now);
    assert_eq!(first, id(&resent, 1_545_030_873));
    assert_ne!(first, id(&body.replace("1703731478", "1703731479"), push.case.now));
}

#[test]
fn refuses_body_one_byte_over_limit() {
    let gate = vectors::gate("http://app.test");
    let uri = Uri::from_static("/callbacks/kollus/vector-token");
    let mut headers = HeaderMap::new();
    let admit = |headers: &HeaderMap| gate.admit(&Head::new(&Method::POST, &uri, headers), NOW);

    let admission = admit(&headers);
    let Admission::Callback(mut intake) = admission else {
        panic!("expected a callback, found {admission:?}")
    };
    intake.push(Bytes::from(vec![b'a'; 4096])).unwrap();
    let refusal = intake.push(Bytes::from_static(b"b")).unwrap_err();
    assert_eq!(refusal.kind(), RefusalKind::BodyTooLarge);
    assert!(refusal.reply().must_close());

    headers.insert("content-length", HeaderValue::from_static("4097"));
    let admission = admit(&headers);
    let Admission::Refused(refusal) = admission else {
        panic!("expected a refusal of the content length, found {admission:?}")
    };
    assert_eq!(refusal.kind(), RefusalKind::BodyTooLarge);
    headers.insert("content-length", HeaderValue::from_static("4096"));
    assert!(matches!(admit(&headers), Admission::Callback(_)));
}

#[test]
fn refuses_ambiguous_framing_and_upgrades() {
    let gate = vectors::gate("http://app.test");
    let uri = Uri::from_static("/callbacks/tencent");
    let refused = |pairs: &[(&'static str, &'static str)]| {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, HeaderValue::from_static(value));
        }
        match gate.admit(&Head::new(&Method::POST, &uri, &headers), NOW) {
            Admission::Refused(refusal) => Some(refusal.kind()),
            Admission::Callback(_)
            | Admission::Other
            | Admission::Reply(_)
            | Admission::Shadow(_) => None,
        }
    };
    let unclear = Some(RefusalKind::FramingAmbiguous);
    assert_eq!(refused(&[("content-length", "1"), ("transfer-encoding", "chunked")]), unclear);
    assert_eq!(refused(&[("content-length", "1"), ("content-length", "1")]), unclear);
    assert_eq!(refused(&[("transfer-encoding", "gzip, chunked")]), unclear);
    assert_eq!(refused(&[("transfer-encoding", "chunked"), ("transfer-encoding", "x")]), unclear);
    assert_eq!(refused(&[("content-length", "+1")]), unclear);
    assert_eq!(refused(&[("content-length", "99999999999999999999999")]), unclear);
    assert_eq!(refused(&[("transfer-encoding", "Chunked")]), None);
    let upgrade = Some(RefusalKind::UpgradeNotAllowed);
    assert_eq!(refused(&[("upgrade", "websocket")]), upgrade);
    assert_eq!(refused(&[("upgrade", "h2c, websocket")]), upgrade);
    assert_eq!(refused(&[("upgrade", "h2c"), ("upgrade", "x")]), upgrade);
    // curl and nginx offer an upgrade that gatepost may ignore.
    assert_eq!(refused(&[("connection", "keep-alive, Upgrade")]), None);
    assert_eq!(refused(&[("connection", "Upgrade, HTTP2-Settings"), ("upgrade", "h2c")]), None);
    assert_eq!(refused(&[("upgrade", "")]), None);
}

#[test]
fn explanation_contains_no_control_characters_from_client() {
    let gate = vectors::gate("http://app.test");
    let uri = Uri::from_static("/callbacks/kollus-upload/vector-token");
    let headers = HeaderMap::new();
    let head = Head::new(&Method::POST, &uri, &headers);
    let form = "channel_key=a%0D%0Averdict%1B%5B2J&content_provider_key=a&full_filename=a\
                &filename=a&upload_file_key=%0Aa";
    let explanation = gate.explain(&head, Bytes::from(form), Timestamp::from_secs(0));
    assert!(matches!(explanation.verdict, Some(Ok(_))), "expected acceptance, found {explanation}");
    let text = explanation.to_string();
    let is_plain = text.chars().all(|c| c == '\n' || !c.is_control());
    assert!(is_plain, "expected no control character, found {text:?}");
    assert_eq!(text.lines().filter(|line| line.starts_with("verdict")).count(), 1);
}

#[test]
fn refuses_too_many_bytes_and_too_many_chunks_with_different_details() {
    let config = "max_body_bytes = 2\n[[route]]\npath = '/hook'\nprovider = 'mux'\n";
    let gate = Gate::builder().toml(config).build().unwrap();
    let (uri, headers) = (Uri::from_static("/hook"), HeaderMap::new());
    let intake = || {
        let admission = gate.admit(&Head::new(&Method::POST, &uri, &headers), NOW);
        let Admission::Callback(intake) = admission else {
            panic!("expected a callback, found {admission:?}")
        };
        intake
    };
    let refusal = intake().push("abc".into()).unwrap_err();
    assert_eq!(refusal.detail(), Some("expected at most 2 bytes, found more"));
    let mut intake = intake();
    for _ in 0..18 {
        intake.push(Bytes::new()).unwrap();
    }
    let refusal = intake.push(Bytes::new()).unwrap_err();
    assert_eq!(refusal.kind(), RefusalKind::BodyTooLarge);
    assert_eq!(refusal.detail(), Some("expected at most 18 chunks, found more"));
}

#[test]
fn debug_output_contains_no_secret() {
    let gate = vectors::gate("http://app.test");
    let vectors = vectors::all();
    let vector = vectors.iter().find(|v| v.name == "tencent-css/screencapture").unwrap();
    let request = Request::of(vector);
    let accepted = judge(&gate, &request.head(), &vector.body, 4096, vector.case.now).unwrap();
    let view: gatepost::tencent_css::Screencapture = accepted.view().unwrap();
    let head = request.head();
    let admission = gate.admit(&head, NOW);
    let builder = Gate::builder().toml("keys = ['hunter2']").variable("K", "hunter3");
    let printed = format!("{gate:?} {accepted:?} {view:?} {head:?} {admission:?} {builder:?}");
    for secret in ["older-key", "vector-token", "txSecret", "ca3e25e5", "hunter"] {
        assert!(!printed.contains(secret), "expected no secret in debug output, found {secret}");
    }
}

#[test]
fn debug_output_contains_no_address_of_a_client() {
    let gate = vectors::gate("http://app.test");
    let vectors = vectors::all();
    let vector = vectors.iter().find(|v| v.name == "tencent-css/push").unwrap();
    let request = Request::of(vector);
    let (peer, now) = ("203.0.113.7".parse().unwrap(), vector.case.now);
    let head = request.head().with_peer(peer);
    let accepted = judge(&gate, &head, &vector.body, 97, now).unwrap();
    let refusal = judge(&gate, &head, b"{}", 97, now).unwrap_err();
    assert_eq!((accepted.client(), refusal.client()), (Some(peer), Some(peer)));
    let get = Head::new(&Method::GET, &request.uri, &request.headers).with_peer(peer);
    let admissions = [gate.admit(&head, NOW), gate.admit(&get, NOW)];
    assert!(matches!(admissions, [Admission::Callback(_), Admission::Refused(_)]));
    let printed = format!("{head:?} {accepted:?} {refusal:?} {admissions:?}");
    let next = accepted.next(Timestamp::from_secs(now));
    let printed = format!("{printed} {next:?}");
    assert!(!printed.contains("203.0.113"), "expected no address, found {printed}");
}

/// Returns the headers of the event for a genuine push. gatepost signs the event at `now`. `top`
/// has the first lines of the config, and `template` has the last lines of the template.
fn event_headers(top: &str, template: &str, now: i64) -> HeaderMap {
    let config = format!(
        "{top}\n[[route]]\npath = '/callbacks/tencent'\nprovider = 'tencent-css'\n\
         [[template]]\nname = 'a'\nprovider = 'tencent-css'\nkeys = ['test']\nbind = ['*']\n{template}"
    );
    let gate = Gate::builder().toml(config).build().unwrap();
    let vectors = vectors::all();
    let push = vectors.iter().find(|v| v.name == "tencent-css/push").unwrap();
    let request = Request::of(push);
    let head = request.head();
    let accepted = judge(&gate, &head, &push.body, 97, push.case.now).unwrap();
    accepted.request(&head, &RequestContext::default(), Timestamp::from_secs(now)).0
}

const SIGNING: &str = "signing_secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'";
const OTHER_SIGNING: &str = "signing_secret = 'whsec_c29tZWJvZHkgZWxzZSdzIHNlY3JldCwgbm90IG91cnM='";

#[test]
fn event_signature_covers_time_of_delivery() {
    let (first, second) = (event_headers(SIGNING, "", 1000), event_headers(SIGNING, "", 1001));
    assert_eq!(
        (&first["webhook-timestamp"], &second["webhook-timestamp"]),
        (&"1000".parse().unwrap(), &"1001".parse().unwrap())
    );
    assert_eq!(first["webhook-id"], first["ce-id"]);
    assert_eq!(first["webhook-id"], second["webhook-id"]);
    assert_ne!(first["webhook-signature"], second["webhook-signature"]);
}

#[test]
fn signing_secret_of_template_overrides_global_signing_secret() {
    let signature = |top, template| event_headers(top, template, 1000)["webhook-signature"].clone();
    assert_eq!(signature(OTHER_SIGNING, SIGNING), signature("", SIGNING));
    assert_ne!(signature(OTHER_SIGNING, SIGNING), signature(OTHER_SIGNING, ""));
    assert!(!event_headers("", "", 1000).contains_key("webhook-signature"));
}

#[test]
fn proxy_refuses_callback_path_in_query_and_explanation_agrees() {
    let gate = vectors::gate("http://app.test");
    let (uri, headers) = (Uri::from_static("/?s=/callbacks/tencent"), HeaderMap::new());
    let head = Head::new(&Method::POST, &uri, &headers);
    let admission = gate.admit_in_proxy(&head, NOW);
    let Admission::Refused(refusal) = admission else {
        panic!("expected a refusal, found {admission:?}")
    };
    let explanation = gate.explain(&head, Bytes::new(), NOW);
    assert_eq!(refusal.kind(), RefusalKind::PathAmbiguous);
    assert_eq!(explanation.verdict.unwrap().unwrap_err().kind(), refusal.kind());
}
