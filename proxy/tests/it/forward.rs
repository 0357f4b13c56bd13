//! Tests of the config keys `forward = "passthrough"` and `host`: the bytes that the app and the
//! client receive from gatepost.

use crate::support::*;

const ANSWER: &str = "{ \"data\": {\"result\":1} }\r\n";

fn serve(app: &App, top: &str, route: &str, address: &str) -> Gatepost {
    Gatepost::serve_config(&format!(
        "{top}\n[[route]]\npath = '/callbacks/kollus/{{token}}'\nprovider = 'kollus'\n\
         token = {{ env = 'KOLLUS_TOKEN' }}\n{route}\n\
         [[template]]\nname = 'k'\nprovider = 'kollus'\nbind = ['c']\n{}\n",
        address.replace("APP", &app.url("")),
    ))
}

/// Formats a play callback. If the header line `te` is empty, gatepost's own HTTP/1 code (the fast
/// path) serves the callback. Otherwise, Pingora serves it.
fn request(te: &str) -> Vec<u8> {
    request_to(&format!("/callbacks/kollus/{TOKEN}?lang=ko&x=%2F"), te)
}

fn request_to(path: &str, te: &str) -> Vec<u8> {
    let headers = format!(
        "cookie: a=1\r\nX-Vendor: v\r\nconnection: keep-alive\r\nuser-agent: kollus\r\n{te}\
         ce-type: forged\r\nX_Forwarded_For: forged\r\n"
    );
    post_with(path, &headers, PLAY)
}

#[test]
fn app_receives_path_with_or_without_trailing_slash_as_sent() {
    let app = App::answering(200, ANSWER);
    let top = format!("upstream = '{}'", app.url(""));
    let gate = serve(&app, &top, "forward = 'passthrough'", "");
    for path in ["", "/", "/?lang=ko"].map(|end| format!("/callbacks/kollus/{TOKEN}{end}")) {
        for te in ["", "te: trailers\r\n"] {
            let reply = gate.send(&request_to(&path, te));
            assert_eq!((reply.status, reply.text().as_str()), (200, ANSWER), "{path}");
            let seen = app.seen().pop().unwrap();
            assert_eq!(seen.line, format!("POST {path} HTTP/1.1"));
            assert_eq!(seen.header("ce-type"), None, "{path}");
        }
    }
    for path in ["guess/".to_owned(), format!("{TOKEN}//"), format!("{TOKEN}/.")] {
        let before = app.seen().len();
        let refused = gate.send(&request_to(&format!("/callbacks/kollus/{path}"), ""));
        assert!(
            matches!(refused.status, 400 | 401),
            "{path}: expected 400 or 401, found {}",
            refused.status
        );
        assert_eq!(app.seen().len(), before, "{path}");
    }
}

#[test]
fn passthrough_keeps_line_body_and_headers_but_removes_forged_headers() {
    for (top, route, address) in [
        ("upstream = 'APP'", "forward = 'passthrough'", ""),
        ("upstream = 'APP'", "", "on.live_play = { forward = 'passthrough' }"),
        ("", "", "on.live_play = { url = 'APP', forward = 'passthrough' }"),
    ] {
        let app = App::answering(200, ANSWER);
        let top = top.replace("APP", &app.url(""));
        let rest = if top.is_empty() { "\non.'*' = 'APP/events'" } else { "" };
        let gate = serve(&app, &top, route, &format!("{address}{rest}"));
        for (number, te) in ["", "te: trailers\r\n"].into_iter().enumerate() {
            let reply = gate.send(&request(te));
            assert_eq!((reply.status, reply.text().as_str()), (200, ANSWER), "{address}");
            let seen = app.seen().swap_remove(number);
            let line = format!("POST /callbacks/kollus/{TOKEN}?lang=ko&x=%2F HTTP/1.1");
            assert_eq!((seen.line.as_str(), &*seen.body), (line.as_str(), PLAY.as_bytes()));
            for (name, value) in [
                ("host", "gate.test"),
                ("cookie", "a=1"),
                ("x-vendor", "v"),
                ("user-agent", "kollus"),
                ("x-forwarded-for", "127.0.0.1"),
            ] {
                assert_eq!(seen.header(name), Some(value), "{name}");
            }
            for name in ["te", "x_forwarded_for", "ce-type", "gatepost-template"] {
                assert_eq!(seen.header(name), None, "{name}");
            }
        }
    }
}

#[test]
fn failure_policy_replaces_missing_answer() {
    let app = App::start(|_| Act::HangUp);
    let on = "on.live_play = { url = 'APP', forward = 'passthrough', timeout_ms = 500, \
              on_failure = { result = 0, message = 'Please try again' } }";
    let gate = serve(&app, "", "", &format!("{on}\non.'*' = 'APP/events'"));
    let reply = gate.send(&request(""));
    assert_eq!((reply.status, reply.text().as_str()), (200, FAILED));
}

#[test]
fn forged_callback_does_not_reach_passthrough_app() {
    let app = App::answering(200, ANSWER);
    let top = format!("upstream = '{}'", app.url(""));
    let gate = serve(&app, &top, "forward = 'passthrough'", "");
    let guess = post("/callbacks/kollus/guess", PLAY);
    assert_eq!(gate.send(&guess).status, 401);
    for path in
        ["/callbacks/kollus/", "/callbacks//kollus/x", "/callbacks/kollus/a/b", "/callbacks/kollus"]
    {
        let reply = gate.send(&post(path, PLAY));
        assert!(
            [400, 401].contains(&reply.status),
            "{path}: expected 400 or 401, found {}",
            reply.status
        );
    }
    assert_eq!(app.connections(), 0);
}

#[test]
fn event_has_the_host_that_the_config_sets() {
    let app = App::answering(200, "");
    let on = "on.live_play = { url = 'APP/play', host = 'www.example.com' }\non.'*' = 'APP/events'";
    let gate = serve(&app, "", "", on);
    assert_eq!(gate.send(&request("")).status, 200);
    assert_eq!(app.only().header("host"), Some("www.example.com"));
}

#[test]
fn fast_path_and_pingora_keep_repeated_headers_of_answer() {
    let app = App::start(|_| {
        Act::Hold(
            b"HTTP/1.1 200 OK\r\nset-cookie: a=1\r\nset-cookie: b=2\r\ncontent-length: 21\r\n\
              connection: close\r\n\r\n{\"data\":{\"result\":1}}",
        )
    });
    let gate = serve(&app, "", "", "on.'*' = { url = 'APP', forward = 'passthrough' }");
    for te in ["", "te: trailers\r\n"] {
        let reply = gate.send(&request(te));
        let cookies =
            reply.headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case("set-cookie"));
        let cookies: Vec<_> = cookies.map(|(_, value)| value.as_str()).collect();
        assert_eq!(cookies, ["a=1", "b=2"], "{te}");
    }
}

#[test]
fn sends_passthrough_callback_once_if_app_closes_new_connection() {
    let app = App::start(|_| Act::HangUp);
    let gate = serve(&app, "", "", "on.'*' = { url = 'APP', forward = 'passthrough' }");
    assert_eq!(gate.send(&request("")).text(), r#"{"data":{"result":0}}"#);
    assert_eq!(app.seen().len(), 1);
}
