//! Tests of forged and unusual callbacks with passthrough: gatepost refuses each callback, and the
//! app receives no byte.

use crate::support::*;

const PATH: &str = "/callbacks/tencent";

fn gate(app: &App) -> Gatepost {
    Gatepost::serve(
        &format!("upstream = '{}'\nbreaker = false", app.url("")),
        "[[template]]\nname = 't'\nprovider = 'tencent-css'\nkeys = [{ env = 'TENCENT_KEY' }]\nbind = ['*']\n\
         [template.on]\n'*' = { forward = 'passthrough' }\n\
         [[template]]\nname = 'k'\nprovider = 'kollus'\nbind = ['*']\n\
         [template.on]\n'*' = { forward = 'passthrough' }\n",
    )
}

/// Returns requests that no platform sends, each with a name.
#[expect(clippy::too_many_lines, reason = "a table")]
fn forgeries() -> Vec<(&'static str, Vec<u8>)> {
    let genuine = push();
    let stale = {
        let t = now() - 4000;
        let (_, rest) = genuine.split_once(r#""t":"#).unwrap();
        let current: String = rest.chars().take_while(char::is_ascii_digit).collect();
        let (sign_old, sign_new) = (sign(KEY, current.parse().unwrap()), sign(KEY, t));
        genuine.replace(&current, &t.to_string()).replace(&sign_old, &sign_new)
    };
    let with = |old: &str, new: &str| genuine.replacen(old, new, 1);
    let as_post = |body: &str| post(PATH, body);
    let line = |request: &[u8], old: &str, new: &str| {
        String::from_utf8(request.to_vec()).unwrap().replacen(old, new, 1).into_bytes()
    };
    vec![
        ("flipped signature", as_post(&with_flipped_sign(&genuine))),
        ("no signature", as_post(&with("\"sign\"", "\"sing\""))),
        (
            "empty signature",
            as_post(&{
                let (start, rest) = genuine.split_once(r#""sign":""#).unwrap();
                format!("{start}\"sign\":\"{}", &rest[32..])
            }),
        ),
        ("stale time", as_post(&stale)),
        ("second signature", as_post(&with("{", "{\"sign\":\"0\","))),
        ("second time", as_post(&with("{", "{\"t\":1,"))),
        ("array", as_post(&format!("[{genuine}]"))),
        ("cut off JSON", as_post(&genuine[..genuine.len() - 1])),
        ("two objects", as_post(&format!("{genuine}{genuine}"))),
        ("empty body", as_post("")),
        ("form", as_post("sign=0&t=1")),
        (
            "deep JSON",
            as_post(&with("{", &format!("{{\"x\":{}1{},", "[".repeat(200), "]".repeat(200)))),
        ),
        ("NUL", as_post(&with("{", "{\0"))),
        ("PUT", line(&as_post(&genuine), "POST", "PUT")),
        ("GET", line(&as_post(&genuine), "POST", "GET")),
        ("DELETE", line(&as_post(&genuine), "POST", "DELETE")),
        ("gzip", post_with(PATH, "content-encoding: gzip\r\n", &genuine)),
        ("upgrade", post_with(PATH, "upgrade: websocket\r\nconnection: upgrade\r\n", &genuine)),
        ("two lengths", post_with(PATH, "content-length: 3\r\n", &genuine)),
        ("length and chunks", post_with(PATH, "transfer-encoding: chunked\r\n", &genuine)),
        ("encoded path", post("/callbacks/%74encent", &with_flipped_sign(&genuine))),
        ("two slashes", post("//callbacks/tencent", &genuine)),
        ("dots", post("/x/../callbacks/tencent", &genuine)),
        ("slash at the end", post("/callbacks/tencent/", &with_flipped_sign(&genuine))),
        ("path below", post("/callbacks/tencent/index.php", &genuine)),
        (
            "event headers",
            post_with(PATH, "ce-type: com.tencentcloud.css.push\r\n", &with_flipped_sign(&genuine)),
        ),
        ("wrong token", post("/callbacks/kollus/guess", PLAY)),
        ("no token", post("/callbacks/kollus/", PLAY)),
        (
            "token in another case",
            post(&format!("/callbacks/kollus/{}", TOKEN.to_uppercase()), PLAY),
        ),
        (
            "field twice",
            post(&format!("/callbacks/kollus/{TOKEN}"), &format!("{PLAY}&client_user_id=x")),
        ),
    ]
}

#[test]
fn app_receives_no_byte_of_forgery() {
    let app = App::answering(200, "{\"code\":0}");
    let gate = gate(&app);
    for (what, request) in forgeries() {
        let mut client = gate.connect();
        client.write(&request);
        let status = client.read().status;
        assert!((400..500).contains(&status), "{what}: expected a 4xx status, found {status}");
        assert_eq!((app.seen().len(), app.connections()), (0, 0), "{what}");
    }
    assert_eq!(gate.send(&pushed()).text(), "{\"code\":0}", "reply to a genuine push");
    assert_eq!(app.only().line, "POST /callbacks/tencent HTTP/1.1");
}
