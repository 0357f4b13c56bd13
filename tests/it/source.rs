//! Tests of the route keys `allow`, `source_limit` and `limit`.

use std::net::IpAddr;

use gatepost::{Accepted, Admission, Answer, Config, Gate, Head, Next, Origin, Refusal, Timestamp};
use http::{HeaderMap, HeaderValue, Method, StatusCode, Uri};

const NOW: i64 = 1_703_731_478_000;

const PUSH: &[u8] = include_bytes!("../vectors/tencent-css/push/body");
const PLAY: &[u8] = b"kind=100&client_user_id=u&media_content_key=m&channel_key=c";

fn text(top: &str, route: &str) -> String {
    format!(
        "{top}\n[[route]]\npath = '/t'\nprovider = 'tencent-css'\n{route}\n\
         [[route]]\npath = '/k/{{token}}'\nprovider = 'kollus'\ntoken = {{ env = 'TOKEN' }}\n{route}\n\
         [[template]]\nname = 'a'\nprovider = 'tencent-css'\nkeys = [{{ env = 'KEY' }}]\n\
         bind = ['*']\non.push = 'http://app.test/push'\n\
         [[template]]\nname = 'b'\nprovider = 'kollus'\nbind = ['*']\n[template.on]\n\
         live_play = {{ url = 'http://app.test/play', on_failure = {{ result = 0, message = 'm' }} }}\n"
    )
}

fn gate(top: &str, route: &str) -> Gate {
    let builder = Gate::builder().toml(text(top, route));
    builder.variable("KEY", "test").variable("TOKEN", "t0ken").build().unwrap()
}

/// A request from a client.
#[derive(Clone, Copy)]
struct Call<'c> {
    path: &'static str,
    body: &'static [u8],
    peer: &'c str,
    forwarded_for: &'static str,
    millis: i64,
}

impl Call<'_> {
    const PUSH: Self =
        Self { path: "/t", body: PUSH, peer: "192.0.2.1", forwarded_for: "", millis: 0 };
    const PLAY: Self = Self { path: "/k/t0ken", body: PLAY, ..Self::PUSH };

    fn judge(&self, gate: &Gate) -> Result<Accepted, Refusal> {
        let uri = Uri::from_static(self.path);
        let mut headers = HeaderMap::new();
        if !self.forwarded_for.is_empty() {
            headers.insert("x-forwarded-for", HeaderValue::from_static(self.forwarded_for));
        }
        let mut head = Head::new(&Method::POST, &uri, &headers);
        if let Ok(peer) = self.peer.parse() {
            head = head.with_peer(peer);
        }
        let now = Timestamp::from_millis(NOW + self.millis);
        match gate.admit(&head, now) {
            found @ (Admission::Other | Admission::Reply(_) | Admission::Shadow(_)) => {
                panic!("expected a callback or a refusal, found {found:?}")
            }
            Admission::Refused(refusal) => Err(refusal),
            Admission::Callback(mut intake) => {
                intake.push(self.body.into())?;
                intake.finish(now)
            }
        }
    }

    /// Returns `accepted` or the code of the refusal.
    fn code(&self, gate: &Gate) -> &'static str {
        self.judge(gate).map_or_else(|refusal| refusal.kind().as_str(), |_| "accepted")
    }
}

#[test]
fn accepts_only_clients_in_allowed_networks() {
    let gate = gate("trusted_proxies = '10.0.0.0/8'", "allow = ['192.0.2.0/24', '2001:db8::1']");
    let code = |peer, forwarded_for| Call { peer, forwarded_for, ..Call::PUSH }.code(&gate);
    assert_eq!(code("192.0.2.9", ""), "accepted");
    assert_eq!(code("::ffff:192.0.2.9", ""), "accepted");
    assert_eq!(code("2001:db8::1", ""), "accepted");
    assert_eq!(code("10.0.0.1", "192.0.2.9"), "accepted");
    assert_eq!(code("10.0.0.1", "192.0.2.9, 203.0.113.1"), "source_not_allowed");
    assert_eq!(code("203.0.113.1", "192.0.2.9"), "source_not_allowed");
    assert_eq!(code("2001:db8::2", ""), "source_not_allowed");
    assert_eq!(code("unknown", ""), "source_not_allowed");
}

#[test]
fn checks_client_address_before_path_token() {
    let gate = gate("", "allow = '192.0.2.0/24'");
    let outsider = |path| Call { path, peer: "203.0.113.1", ..Call::PLAY };
    let refusal = outsider("/k/guess").judge(&gate).unwrap_err();
    assert_eq!(refusal.kind().as_str(), "source_not_allowed");
    assert_eq!(
        (refusal.kind().status().as_u16(), refusal.reply().body().as_ref()),
        (403, &b"refused\n"[..])
    );
    assert_eq!(refusal.client(), Some(IpAddr::from([203, 0, 113, 1])));
    assert_eq!(outsider("/K/t0ken").code(&gate), "path_ambiguous", "path in other letter case");
    assert_eq!(Call { path: "/k/guess", ..Call::PLAY }.code(&gate), "token_mismatch");
}

#[test]
fn limits_each_client_and_counts_wrong_tokens() {
    let gate = gate("trusted_proxies = '10.0.0.1'", "source_limit = { per_second = 2, burst = 3 }");
    let guess = Call { path: "/k/guess", ..Call::PLAY };
    assert_eq!([(); 3].map(|()| guess.code(&gate)), ["token_mismatch"; 3]);
    assert_eq!(Call::PLAY.code(&gate), "rate_limited", "after three refusals");
    assert_eq!(Call::PUSH.code(&gate), "accepted", "on another route");
    assert_eq!(Call { peer: "192.0.2.2", ..Call::PLAY }.code(&gate), "accepted");
    let proxied = |forwarded_for| Call { peer: "10.0.0.1", forwarded_for, ..Call::PLAY };
    assert_eq!(proxied("192.0.2.3").code(&gate), "accepted");
    assert_eq!(
        proxied("192.0.2.1").code(&gate),
        "rate_limited",
        "the same client through the proxy"
    );
    assert_eq!(Call { millis: 499, ..Call::PLAY }.code(&gate), "rate_limited");
    assert_eq!(Call { millis: 500, ..Call::PLAY }.code(&gate), "accepted");
    assert_eq!(Call { millis: 501, ..Call::PLAY }.code(&gate), "rate_limited");
    assert_eq!(
        Call { millis: -86_400_000, ..Call::PLAY }.code(&gate),
        "accepted",
        "after the clock jumped back"
    );
    let refusal = (0..9).find_map(|_| Call::PLAY.judge(&gate).err()).unwrap();
    assert_eq!(refusal.reply().status(), 429);
}

const FORGED: Call<'_> =
    Call { body: br#"{"app":"a","event_type":1,"t":1703731478,"sign":"00"}"#, ..Call::PUSH };

/// Answers 200 in place of the app. Returns the status of gatepost's reply to the callback.
fn reply_status(gate: &Gate, call: Call<'_>) -> u16 {
    let now = Timestamp::from_millis(NOW + call.millis);
    let conclusion = match call.judge(gate).unwrap().next(now) {
        Next::Ask(question) => {
            let answer = Answer::response(StatusCode::OK, Some("".into()));
            question.conclude(&answer, now)
        }
        Next::Reply(conclusion) => conclusion,
        Next::Store(_) => panic!("expected no queued event, found one"),
        Next::Wait(_) => panic!("expected no other copy in flight, found `Next::Wait`"),
    };
    conclusion.reply.status().as_u16()
}

/// Returns the body of a push with `number` in an extra field. Each number gives a different
/// callback.
fn push(number: u32) -> &'static [u8] {
    let body = std::str::from_utf8(Call::PUSH.body).unwrap();
    body.replacen('{', &format!("{{\"number\":{number},"), 1).into_bytes().leak()
}

#[test]
fn replies_503_to_notifications_above_route_limit() {
    let gate = gate("", "limit = { per_second = 1, burst = 2 }");
    assert!((0..50).all(|_| FORGED.judge(&gate).is_err()));
    let bodies = [0, 1, 2].map(push);
    let event = |number: usize| Call { body: bodies[number], ..Call::PUSH };
    assert_eq!(
        [event(0), event(1)].map(|call| reply_status(&gate, call)),
        [200; 2],
        "after 50 forged callbacks"
    );
    assert_eq!(reply_status(&gate, event(2)), 503);
    assert_eq!(
        [event(0), event(1)].map(|call| reply_status(&gate, call)),
        [200; 2],
        "resends above the limit"
    );
    assert_eq!(reply_status(&gate, Call { millis: 1000, ..event(2) }), 200);
}

#[test]
fn applies_failure_policy_to_decisions_above_route_limit() {
    let gate = gate("", "limit = { per_second = 1 }");
    let next = || Call::PLAY.judge(&gate).unwrap().next(Timestamp::from_millis(NOW));
    let found = next();
    let Next::Ask(question) = found else { panic!("expected a question, found {found:?}") };
    let body = Some(r#"{"allow":true}"#.into());
    let answer = Answer::response(StatusCode::OK, body);
    let conclusion = question.conclude(&answer, Timestamp::from_millis(NOW));
    assert!(matches!(conclusion.origin, Origin::App));
    let found = next();
    let Next::Reply(conclusion) = found else { panic!("expected a reply, found {found:?}") };
    let origin = conclusion.origin;
    let Origin::Failure(reason) = origin else { panic!("expected a failure, found {origin:?}") };
    assert_eq!(reason.kind().as_str(), "app_overloaded");
    assert_eq!(conclusion.reply.status(), 200);
    assert_eq!(conclusion.reply.body(), r#"{"data":{"result":0,"message":"m"}}"#);
}

#[test]
fn fixed_answers_do_not_count_towards_route_limit() {
    let text =
        text("", "limit = { per_second = 1 }").replace("'http://app.test/push'", "{ answer = {} }");
    let gate = Gate::builder().toml(text).variable("KEY", "test").variable("TOKEN", "t").build();
    let gate = gate.unwrap();
    let reply = |number| reply_status(&gate, Call { body: push(number), ..Call::PUSH });
    assert_eq!([0, 1, 2].map(reply), [200; 3]);
}

#[test]
fn keeps_state_of_limits_after_change_of_config() {
    let both = "limit = { per_second = 1 }\nsource_limit = { per_second = 1, burst = 3 }";
    let gate = gate("", both);
    let bodies = [0, 1, 2].map(push);
    let event = |number: usize| Call { body: bodies[number], ..Call::PUSH };
    assert_eq!([event(0), event(1)].map(|call| reply_status(&gate, call)), [200, 503]);
    let reloaded =
        text("", both).replace("{ env = 'KEY' }", "'test'").replace("{ env = 'TOKEN' }", "'t0ken'");
    gate.replace(Config::from_text(&reloaded, "gatepost.toml").unwrap());
    assert_eq!(reply_status(&gate, Call { peer: "192.0.2.2", ..event(2) }), 503);
    assert!(Call::PUSH.judge(&gate).is_ok());
    let refusal = Call::PUSH.judge(&gate).unwrap_err();
    assert_eq!(refusal.kind().as_str(), "rate_limited", "requests before the reload count");
}

#[test]
fn explanation_omits_line_source_if_client_is_unknown() {
    let gate = gate("", "allow = '192.0.2.0/24'");
    let (uri, headers) = (Uri::from_static("/t"), HeaderMap::new());
    let explain = |peer: Option<&str>| {
        let mut head = Head::new(&Method::POST, &uri, &headers);
        if let Some(peer) = peer {
            head = head.with_peer(peer.parse().unwrap());
        }
        gate.explain(&head, PUSH.into(), Timestamp::from_millis(NOW)).to_string()
    };
    let unknown = explain(None);
    assert!(
        unknown.contains("accepted as") && !unknown.contains("source"),
        "expected acceptance and no line `source`, found {unknown}"
    );
    let allowed = explain(Some("192.0.2.1"));
    assert!(
        allowed.contains("source     192.0.2.1, which the route allows\n"),
        "expected the allowed client, found {allowed}"
    );
    let refused = explain(Some("203.0.113.1"));
    assert!(
        refused.contains("203.0.113.1, which the route does not allow\n"),
        "expected the refused client, found {refused}"
    );
    assert!(
        refused.contains("refused with 403: source_not_allowed"),
        "expected the refusal source_not_allowed, found {refused}"
    );
}

#[test]
fn refuses_tenant_that_is_not_a_string_or_number() {
    let gate = gate("", "");
    for tenant in [r#"["push.example.com"]"#, r#"{"a":1}"#, "true"] {
        let body = String::from_utf8(PUSH.to_vec()).unwrap();
        let (before, rest) = body.split_once("\"app\":").unwrap();
        let (_, after) = rest.split_once(',').unwrap();
        let body = format!("{before}\"app\":{tenant},{after}").leak();
        let call = Call { body: body.as_bytes(), ..Call::PUSH };
        let refusal = call.judge(&gate).unwrap_err();
        assert_eq!(
            refusal.to_string(),
            "a field has the wrong type, range or value: expected a string or a number at /app, \
             found another type"
        );
    }
}
