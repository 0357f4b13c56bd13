//! Tests of fixed answers with texts that contain fields of the callback.

use gatepost::{Config, Gate, Head, Next, Origin, Timestamp};
use http::header::LOCATION;
use http::{HeaderMap, Method, Uri};

use crate::core::judge;

const NOW: i64 = 1_703_731_478;
const PLAY: &str = "kind=100&client_user_id=user01&media_content_key=m&channel_key=c";

/// Returns a config whose template has the fixed answer `answer` for `kind`.
fn config(provider: &str, kind: &str, answer: &str) -> String {
    format!(
        "[[route]]\npath = '/c'\nprovider = '{provider}'\n[[template]]\nname = 't'\n\
         provider = '{provider}'\nbind = ['*']\n[template.on.'{kind}']\nanswer = {answer}\n"
    )
}

/// Returns the status, the header `location` and the body of the reply.
fn reply(provider: &str, kind: &str, answer: &str, body: &str) -> (u16, Option<String>, String) {
    let gate = Gate::builder().toml(config(provider, kind, answer)).build();
    let gate = gate.unwrap_or_else(|error| panic!("expected a gate, found {error}"));
    let (uri, headers) = (Uri::from_static("/c"), HeaderMap::new());
    let head = Head::new(&Method::POST, &uri, &headers);
    let accepted = judge(&gate, &head, body.as_bytes(), 65_536, NOW).unwrap();
    let next = accepted.next(Timestamp::from_secs(NOW));
    let Next::Reply(conclusion) = next else {
        panic!("expected a reply without the app, found {next:?}")
    };
    let origin = &conclusion.origin;
    assert!(matches!(origin, Origin::Fixed), "expected a fixed answer, found {origin:?}");
    let reply = conclusion.reply;
    let location = reply.headers().find(|(name, _)| *name == LOCATION);
    let location = location.map(|(_, value)| value.to_str().unwrap().to_owned());
    (reply.status().as_u16(), location, String::from_utf8(reply.body().to_vec()).unwrap())
}

fn message(answer: &str, body: &str) -> serde_json::Value {
    let (_, _, reply) = reply("kollus", "live_play", answer, body);
    let reply: serde_json::Value = serde_json::from_str(&reply).unwrap();
    assert_eq!(reply["data"]["result"], 0, "{reply}");
    assert_eq!(reply["data"].as_object().unwrap().len(), 2, "{reply}");
    reply["data"]["message"].clone()
}

#[test]
fn text_contains_fields_of_callback_in_each_form_of_an_answer() {
    let text = "{ text = 'Hello {client_user_id}, {{{channel_key}}} needs a ticket' }";
    for answer in [
        format!("{{ allow = false, message = {text} }}"),
        format!("{{ result = 0, message = {text} }}"),
        format!("{{ data = {{ result = 0, message = {text} }} }}"),
    ] {
        assert_eq!(message(&answer, PLAY), "Hello user01, {c} needs a ticket", "{answer}");
    }
}

#[test]
fn value_of_a_field_cannot_add_a_member_to_the_reply() {
    let answer = "{ allow = false, message = { text = 'Hello {client_user_id}!' } }";
    for value in
        ["\",\"result\":1,\"x\":\"", "\\", "\r\n\0\u{1f}", "{channel_key}", "</script>日本"]
    {
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("kind", "100").append_pair("client_user_id", value);
        form.append_pair("media_content_key", "m").append_pair("channel_key", "c");
        assert_eq!(message(answer, &form.finish()), format!("Hello {value}!"), "{value:?}");
    }
}

#[test]
fn absent_field_becomes_empty_text_if_missing_is_set_to_empty() {
    let text = "text = '{device_name}|{localtime}|{/uservalues/uservalue0}'";
    let answer = format!("{{ allow = false, message = {{ {text}, missing = 'empty' }} }}");
    assert_eq!(message(&answer, PLAY), "||");
    let body =
        format!("{PLAY}&device_name=Pixel&localtime=7&uservalues=%7B%22uservalue0%22%3A%22a%22%7D");
    assert_eq!(message(&answer, &body), "Pixel|7|a");
}

#[test]
fn percent_encodes_field_in_text_of_redirect() {
    let body = |name: &str| format!("call=play&app=live&name={name}&addr=192.0.2.1");
    for (text, name, location) in [
        ("vod_{name}", "s1", "vod_s1"),
        (
            "rtmp://192.0.2.9/{app}/{name}",
            "a%2F..%3Fb%23%0D%0Ac%40",
            "rtmp://192.0.2.9/live/a%2F..%3Fb%23%0D%0Ac%40",
        ),
        ("{name}", "%2F%2Fevil.test", "%2F%2Fevil.test"),
    ] {
        let answer = format!("{{ allow = true, location = {{ text = '{text}' }} }}");
        let (status, found, _) = reply("nginx-rtmp", "play", &answer, &body(name));
        assert_eq!((status, found.as_deref()), (302, Some(location)), "{text}");
    }
}

#[test]
fn check_reports_text_with_an_array() {
    for field in ["items", "/items/kind"] {
        let text = format!("{{ text = '{{{field}}}', missing = 'empty' }}");
        let keys = "\n[template.settings]\nsecurity_key = 'k'\ncustom_key = 'c'";
        let answer = format!("{{ allow = false, message = {text} }}{keys}");
        let error = fault("kollus", "drm", &answer);
        assert!(
            error.contains(&format!("found an array in `{field}`")),
            "expected a fault about an array in {field}, found {error}"
        );
    }
}

/// Returns the faults of a config with this fixed answer, as one string.
fn fault(provider: &str, kind: &str, answer: &str) -> String {
    match Config::from_text(&config(provider, kind, answer), "gatepost.toml") {
        Ok(_) => panic!("expected a fault for {answer}, found none"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn check_reports_invalid_texts_and_forbidden_fields_in_texts() {
    for (text, problem) in [
        (
            "text = 'Hello {client_user}'",
            "answer.message: expected a field of the callback, found `client_user`",
        ),
        ("text = 'Hello {client_user}'", "did you mean `client_user_id`?"),
        ("text = 'On {device_name}'", "found `device_name`, which a callback may lack"),
        ("text = 'On {device_name}'", "add missing = \"empty\""),
        ("text = '{/uservalues/a}'", "found `/uservalues/a`, which a callback may lack"),
        ("text = '{uservalues}', missing = 'empty'", "found an object in `uservalues`"),
        ("text = '{/client_user_id/a}'", "found `/client_user_id/a`"),
        ("text = '{client_user_id'", "found a single brace"),
        ("text = 'a } b'", "found a single brace"),
        ("text = '{}'", "found ``"),
        ("text = 'a', missing = 'keep'", "found another member"),
        ("text = 'a', color = 'red'", "found another member"),
        ("text = 7", "found another member"),
    ] {
        let error =
            fault("kollus", "live_play", &format!("{{ allow = false, message = {{ {text} }} }}"));
        assert!(error.contains(problem), "{text}: expected {problem}, found {error}");
    }
    for (text, problem) in [
        ("rtmp://{addr}/live/x", "expected no field in the host of an address, found `addr`"),
        ("{name}://192.0.2.9/x", "in the host of an address"),
        ("rtmp://{name}", "in the host of an address"),
        ("a b {name}", "URL"),
        ("{tcurl}", "expected a field without a secret"),
    ] {
        let answer =
            format!("{{ allow = true, location = {{ text = '{text}', missing = 'empty' }} }}");
        let error = fault("nginx-rtmp", "play", &answer);
        assert!(error.contains(problem), "{text}: expected {problem}, found {error}");
    }
}

#[test]
fn check_reports_text_in_field_of_another_type_and_in_failure_policy() {
    let error = fault("kollus", "live_play", "{ result = { text = '{kind}' } }");
    assert!(
        error.contains("expected `result` to be a valid integer"),
        "expected a fault about the type of `result`, found {error}"
    );
    let config = config("kollus", "live_play", "{ result = 0 }").replace(
        "answer = { result = 0 }",
        "url = 'http://127.0.0.1:1/'\non_failure = { result = 0, message = { text = '{kind}' } }",
    );
    let error = Config::from_text(&config, "gatepost.toml").err().unwrap().to_string();
    assert!(
        error.contains("expected `message` to be a valid string"),
        "expected a fault about the type of `message`, found {error}"
    );
}

#[cfg(feature = "tower")]
#[tokio::test]
async fn layer_replies_with_fixed_answer_without_calling_inner_service() {
    use bytes::Bytes;
    use gatepost::GateLayer;
    use http::{Request, Response};
    use http_body_util::{BodyExt as _, Full};
    use tower::{Layer as _, ServiceExt as _, service_fn};

    let answer = "{ allow = false, message = { text = 'Hello {client_user_id}' } }";
    let gate = Gate::builder().toml(config("kollus", "live_play", answer)).build().unwrap();
    let app = service_fn(|_: Request<_>| async {
        panic!("expected no event, found one");
        #[expect(unreachable_code, reason = "gives the service its type")]
        Ok::<_, std::convert::Infallible>(Response::new(Full::<Bytes>::default()))
    });
    let request = Request::post("/c").body(Full::<Bytes>::from(PLAY)).unwrap();
    let reply = GateLayer::new(gate).layer(app).oneshot(request).await.unwrap();
    let body = reply.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(body, r#"{"data":{"result":0,"message":"Hello user01"}}"#);
}
