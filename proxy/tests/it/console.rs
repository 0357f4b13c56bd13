//! Tests of the console without a browser: sessions, headers, and requests that the console
//! refuses. `tests/console` contains the tests with a browser.

use crate::support::*;
use crate::template_api::TOKEN_LINE;

const READ_TOKEN: &str = "r3ad-only-t0ken";
pub const ORIGIN: &str = "origin: http://localhost\r\n";

fn serve(app: &App) -> Gatepost {
    let top = format!("{TOKEN_LINE}\nadmin_read_token = '{READ_TOKEN}'");
    Gatepost::serve(&top, &templates(app))
}

pub fn get(gate: &Gatepost, path: &str, cookie: &str) -> Response {
    let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\ncookie: {cookie}\r\n\r\n");
    Client::new(connect(gate.admin)).send(request.as_bytes())
}

/// Sends a form. `headers` are complete lines.
pub fn send(gate: &Gatepost, path: &str, headers: &str, form: &str) -> Response {
    let length = form.len();
    let request = format!(
        "POST {path} HTTP/1.1\r\nhost: localhost\r\n{headers}content-length: {length}\r\n\r\n{form}"
    );
    Client::new(connect(gate.admin)).send(request.as_bytes())
}

/// Logs in, and returns the cookie.
pub fn cookie(gate: &Gatepost, token: &str) -> String {
    let reply = send(gate, "/console/login", ORIGIN, &format!("token={token}"));
    assert_eq!((reply.status, reply.header("location")), (303, Some("./")), "{}", reply.text());
    let cookie = reply.header("set-cookie").unwrap();
    let (pair, attributes) = cookie.split_once("; ").unwrap();
    assert_eq!(attributes, "HttpOnly; SameSite=Strict", "attributes without TLS");
    pair.to_owned()
}

/// Returns the config version that the form of a page contains.
fn version(gate: &Gatepost, path: &str, cookie: &str) -> String {
    let page = get(gate, path, cookie).text();
    let version = page.split("name=\"version\" value=\"").nth(1).unwrap();
    version.split('"').next().unwrap().to_owned()
}

/// Sends a push, and waits until the console shows it as callback 1.
fn capture_push(gate: &Gatepost, cookie: &str) {
    gate.send(&pushed());
    eventually("a captured callback", || get(gate, "/console/callbacks/1", cookie).status == 200);
}

/// Paths of the console that require a session.
const PATHS: [&str; 7] = [
    "/console/",
    "/console/callbacks/1",
    "/console/callbacks/1/request",
    "/console/callbacks/1/replay",
    "/console/queue",
    "/console/queue/drop?number=1",
    "/console/no-such-page",
];

#[test]
fn shows_nothing_without_session() {
    let app = App::answering(200, "{}");
    let gate = serve(&app);
    capture_push(&gate, &cookie(&gate, TOKEN));
    for path in PATHS {
        for cookie in ["", "gatepost_session=", "gatepost_session=0000"] {
            let reply = get(&gate, path, cookie);
            let up = "../".repeat(path.split('/').count() - 3);
            assert_eq!(reply.header("location"), Some(&*format!("{up}login")), "{path}");
            assert_eq!((reply.status, reply.text().as_str()), (303, ""));
        }
    }
    assert_eq!(get(&gate, "/console/feed?after=0", "").status, 401);
    let replay = send(&gate, "/console/callbacks/1/replay", ORIGIN, "");
    assert_eq!(replay.header("location"), Some("../../login"));
    assert_eq!(app.seen().len(), 1, "events after a replay without a session");
    assert!(!get(&gate, "/console/login", "").text().contains("push.example.com"));
}

#[test]
fn console_does_not_exist_without_admin_token() {
    let app = App::answering(200, "{}");
    let gate = Gatepost::serve("", &templates(&app));
    for path in PATHS.into_iter().chain(["/console/login", "/console/assets/x.css"]) {
        assert_eq!(get(&gate, path, "").status, 404, "{path}");
    }
    assert_eq!(get(&gate, "/healthz", "").status, 200);
}

#[test]
fn each_response_has_security_headers() {
    let app = App::answering(200, "{}");
    let gate = serve(&app);
    let cookie = cookie(&gate, TOKEN);
    capture_push(&gate, &cookie);
    let page = get(&gate, "/console/", &cookie);
    let text = page.text();
    let style = text.split("assets/").nth(2).and_then(|rest| rest.split('"').next()).unwrap();
    assert!(style.ends_with(".css"), "expected `.css` at the end, found {style}");
    for path in ["/console/", "/console/login", "/console/callbacks/1", "/console/feed?after=0"] {
        let reply = get(&gate, path, &cookie);
        assert_eq!(
            (reply.status, reply.header("cache-control")),
            (200, Some("no-store")),
            "{path}"
        );
        let policy = reply.header("content-security-policy").unwrap();
        assert!(policy.starts_with("default-src 'none'; script-src 'self';"), "{policy}");
        assert!(policy.contains("frame-ancestors 'none'") && !policy.contains("unsafe"));
        assert_eq!(reply.header("x-content-type-options"), Some("nosniff"));
    }
    let mut paths = vec!["/console/domains", "/console/templates", "/console/templates/prod-live"];
    paths.extend(["/console/templates/prod-live/bind", "/console/templates/prod-live/delete"]);
    paths.extend(["/console/templates/no-such", "/console/new-template", "/console/account"]);
    paths.extend(["/console/status", "/console/send", "/console/assets/none.css"]);
    for path in PATHS.into_iter().chain(paths) {
        for cookie in ["", &cookie] {
            for reply in [get(&gate, path, cookie), send(&gate, path, "", "")] {
                let header = |name| {
                    reply
                        .header(name)
                        .unwrap_or_else(|| panic!("{path}: expected {name}, found none"))
                };
                assert!(header("content-security-policy").starts_with("default-src 'none'"));
                assert_eq!(header("x-content-type-options"), "nosniff", "{path}");
                assert_eq!(header("cache-control"), "no-store", "{path}");
            }
        }
    }
    let asset = get(&gate, &format!("/console/assets/{style}"), "");
    assert_eq!(asset.header("cache-control"), Some("public, max-age=31536000, immutable"));
    // Every URL must be relative, because a proxy may serve the console below a path prefix.
    for path in ["/console/", "/console/callbacks/1"] {
        let text = get(&gate, path, &cookie).text();
        for attribute in ["href=\"", "src=\"", "action=\""] {
            let urls: Vec<_> = text.split(attribute).skip(1).collect();
            let is_relative = |url: &&str| !url.starts_with(['/', 'h']);
            assert!(
                urls.iter().all(is_relative),
                "{path}: expected relative URLs in {attribute}, found {urls:?}"
            );
        }
        assert!(
            !text.contains(" style=") && !text.contains("onclick"),
            "{path}: expected neither `style=` nor `onclick`, found {text}"
        );
    }
}

#[test]
fn refuses_forms_of_other_origins_and_requests_for_other_hosts() {
    let app = App::answering(200, "{}");
    let gate = serve(&app);
    let cookie = cookie(&gate, TOKEN);
    capture_push(&gate, &cookie);
    let path = "/console/callbacks/1/replay";
    for headers in [
        "",
        "origin: null\r\n",
        "origin: http://evil.example\r\n",
        "origin: http://localhost.evil.example\r\n",
        "origin: http://localhost:81\r\n",
        "origin: http://localhost@evil.example\r\n",
        "origin: http://localhost\r\nsec-fetch-site: cross-site\r\n",
        "origin: http://localhost\r\nsec-fetch-site: same-site\r\n",
    ] {
        let reply = send(&gate, path, &format!("{headers}cookie: {cookie}\r\n"), "");
        assert_eq!(reply.status, 403, "{headers}");
        let reply = send(&gate, "/console/login", headers, &format!("token={TOKEN}"));
        assert_eq!((reply.status, reply.header("set-cookie")), (403, None), "{headers}");
    }
    assert_eq!(app.seen().len(), 1, "events after replays from other origins");
    let evil = format!("GET /console/ HTTP/1.1\r\nhost: evil.example\r\ncookie: {cookie}\r\n\r\n");
    assert_eq!(Client::new(connect(gate.admin)).send(evil.as_bytes()).status, 421);
    let codes = ["origin_refused", "host_refused"];
    let counts = codes.map(|code| gate.counted("gatepost_admin_refusals_total", code));
    assert_eq!(counts, [16, 1]);
    let headers = format!("{ORIGIN}cookie: {cookie}\r\n");
    assert_eq!(send(&gate, path, &headers, "").status, 200);
    app.wait_for(2);
}

#[test]
fn accepts_origin_of_admin_host_behind_proxy_that_changes_host() {
    let app = App::answering(200, "{}");
    let top = format!("{TOKEN_LINE}\nadmin_hosts = ['ops.example.com']");
    let gate = Gatepost::serve(&top, &templates(&app));
    let form = format!("token={TOKEN}");
    let origin = "origin: https://ops.example.com\r\nsec-fetch-site: same-origin\r\n";
    assert_eq!(send(&gate, "/console/login", origin, &form).status, 303);
    let other = "origin: https://ops2.example.com\r\nsec-fetch-site: same-origin\r\n";
    assert_eq!(send(&gate, "/console/login", other, &form).status, 403);
}

#[test]
fn refuses_logins_with_429_after_eleven_wrong_tokens() {
    let app = App::answering(200, "{}");
    let gate = serve(&app);
    let mut statuses = Vec::new();
    for _ in 0..12 {
        let reply = send(&gate, "/console/login", ORIGIN, "token=gu3ss");
        assert_eq!(reply.header("set-cookie"), None);
        assert!(!reply.text().contains("gu3ss"));
        statuses.push(reply.status);
    }
    assert_eq!(statuses[..11], [401; 11]);
    assert_eq!(statuses[11], 429, "status after eleven wrong tokens");
    // After the wrong tokens, gatepost refuses even the correct token for a time.
    assert_eq!(send(&gate, "/console/login", ORIGIN, &format!("token={TOKEN}")).status, 429);
    gate.program.wait_for_line("refused a login to the console");
    assert!(!gate.program.log().contains("gu3ss"));
}

#[test]
fn read_token_permits_only_reading() {
    let app = App::answering(200, "{}");
    let gate = serve(&app);
    let cookie = cookie(&gate, READ_TOKEN);
    capture_push(&gate, &cookie);
    let page = get(&gate, "/console/callbacks/1", &cookie).text();
    assert!(page.contains("push.example.com") && page.contains("read only"), "{page}");
    assert!(!page.contains("replay"), "expected no form for a replay, found {page}");
    let headers = format!("{ORIGIN}cookie: {cookie}\r\n");
    assert_eq!(send(&gate, "/console/callbacks/1/replay", &headers, "body=x").status, 403);
    assert_eq!(app.seen().len(), 1);
}

#[test]
fn logout_and_new_token_end_session() {
    let app = App::answering(200, "{}");
    let gate = serve(&app);
    let (first, second) = (cookie(&gate, TOKEN), cookie(&gate, READ_TOKEN));
    let headers = format!("{ORIGIN}cookie: {first}\r\n");
    let reply = send(&gate, "/console/logout", &headers, "");
    assert_eq!((reply.status, reply.header("location")), (303, Some("login")));
    assert!(reply.header("set-cookie").unwrap().contains("Max-Age=0"));
    assert_eq!(get(&gate, "/console/", &first).status, 303);
    assert_eq!(get(&gate, "/console/", &second).status, 200);
    let file = gate.folder.path().join("gatepost.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replace(READ_TOKEN, "another-t0ken")).unwrap();
    gate.program.signal("HUP");
    gate.program.wait_for_line("reloaded the config");
    assert_eq!(get(&gate, "/console/", &second).status, 303, "status after a change of the token");
}

#[test]
fn escapes_markup_of_callbacks_and_refuses_input_above_limits() {
    let app = App::answering(200, "{}");
    let gate = serve(&app);
    let body = push().replace("\"push.example.com\"", "\"<script>alert(1)</script>\\u0000\"");
    gate.send(&post("/callbacks/tencent", &body));
    gate.send(&post("/callbacks/tencent", "{\"a\":\"\u{0}<b>\u{7f}"));
    gate.send(&[&post("/callbacks/tencent", "xxxx")[..], b""].concat());
    let mut invalid = post("/callbacks/tencent", "....");
    invalid.splice(invalid.len() - 4.., *b"\xff\xfe\x00<");
    gate.send(&invalid);
    let cookie = cookie(&gate, TOKEN);
    eventually("captured callbacks", || get(&gate, "/console/callbacks/4", &cookie).status == 200);
    for id in 1..=4 {
        let text = get(&gate, &format!("/console/callbacks/{id}"), &cookie).text();
        assert!(!text.contains("<script>alert") && !text.contains("<b>\u{7f}"), "{text}");
    }
    let headers = format!("{ORIGIN}cookie: {cookie}\r\n");
    let long = "x".repeat(512 * 1024 + 1);
    assert_eq!(send(&gate, "/console/callbacks/1/replay", &headers, &long).status, 400);
    let query = format!("/console/?text={}", "x".repeat(257));
    assert_eq!(get(&gate, &query, &cookie).status, 400);
    assert_eq!(get(&gate, "/console/?colour=red", &cookie).status, 400);
    assert_eq!(get(&gate, "/console/?text=%3Cscript%3E%22", &cookie).status, 200);
    assert_eq!(get(&gate, "/console/callbacks/99", &cookie).status, 404);
    assert_eq!(get(&gate, "/console/callbacks/x", &cookie).status, 404);
}

#[test]
fn shows_start_of_body_of_sixteen_mebibytes() {
    const LENGTH: usize = 16 * 1024 * 1024;
    let app = App::answering(200, "{}");
    let top = format!("{TOKEN_LINE}\nmax_body_bytes = {LENGTH}");
    let gate = Gatepost::serve(&top, &templates(&app));
    let short = push();
    let padding = "x".repeat(LENGTH - short.len() - 8);
    let long = short.replacen('{', &format!("{{\"y\":\"{padding}\","), 1);
    assert_eq!(gate.send(&post("/callbacks/tencent", &long)).status, 200);
    let cookie = cookie(&gate, TOKEN);
    eventually("the callback", || get(&gate, "/console/callbacks/1", &cookie).status == 200);
    let page = get(&gate, "/console/callbacks/1", &cookie).text();
    assert!(
        page.contains("of the body, which has 16,777,215 bytes"),
        "expected the length of the whole body, found none in a page of {} bytes",
        page.len()
    );
    assert!(page.len() < 512 * 1024, "expected less than 512 KiB, found {} bytes", page.len());
    assert!(!page.contains("Send again"), "expected no form for a replay of a cut body, found one");
    // A search reads only the part of the body that gatepost stores.
    assert_eq!(get(&gate, "/console/?text=push.example.com", &cookie).status, 200);
}

#[test]
fn refuses_forms_that_no_page_sends() {
    let app = App::answering(200, "{}");
    let gate = serve(&app);
    let cookie = cookie(&gate, TOKEN);
    let headers = format!("{ORIGIN}cookie: {cookie}\r\n");
    let file = gate.folder.path().join("gatepost.toml");
    let before = std::fs::read_to_string(&file).unwrap();
    let new = "/console/new-template?provider=tencent-css";
    for (name, shown) in [
        ("%3Cscript%3Ealert(1)", "&#60;script&#62;alert(1)"),
        ("a%00b", "a\0b"),
        ("%FF%FE", "\u{fffd}\u{fffd}"),
        (&*"n".repeat(100_000), "found 100000"),
    ] {
        for field in ["name", "description"] {
            let other = if field == "name" { "description=valid" } else { "name=valid" };
            let address = "on%3Apush=http%3A%2F%2F127.0.0.1%3A3000%2Fpush";
            let form = format!("{other}&{field}={name}&{address}");
            let reply = send(&gate, new, &headers, &form);
            let text = reply.text();
            assert_eq!(reply.status, 422, "{field} {}", &name[..10]);
            assert!(
                text.contains("aria-invalid") && text.contains(shown),
                "{field}: expected `aria-invalid` and {shown}, found {text}"
            );
            assert!(!text.contains("<script>alert"), "expected no `<script>alert`, found {text}");
        }
    }
    // gatepost responds before the body arrives.
    let huge = 16 * 1024 * 1024;
    for path in [new, "/console/domains", "/console/login", "/console/queue/drop?number=1"] {
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: localhost\r\n{headers}content-length: {huge}\r\n\r\n"
        );
        let status = Client::new(connect(gate.admin)).send(head.as_bytes()).status;
        assert!([200, 400].contains(&status), "{path}: expected 200 or 400, found {status}");
    }
    assert_eq!(std::fs::read_to_string(&file).unwrap(), before);
}

#[test]
fn log_names_console_as_place_of_edit() {
    let app = App::answering(200, "{}");
    let gate = serve(&app);
    let headers = format!("{ORIGIN}cookie: {}\r\n", cookie(&gate, TOKEN));
    let version = version(&gate, "/console/domains", &cookie(&gate, TOKEN));
    let form = format!("tenant=new.example.com&template=prod-live&version={version}");
    assert_eq!(send(&gate, "/console/domains", &headers, &form).status, 303);
    // This form contains the version of the config before the edit.
    let form = form.replace("new.", "next.");
    let reply = send(&gate, "/console/domains", &headers, &form);
    assert!(reply.status == 409 && reply.text().contains("has changed since"), "{reply:?}");
    gate.program.wait_for_line("from gatepost's console");
    assert!(!gate.program.log().contains("over the API"));
}

/// Writes `text` to the config file, reloads it, and waits for a log line that contains `result`.
fn reload(gate: &Gatepost, text: &str, result: &str) {
    std::fs::write(gate.folder.path().join("gatepost.toml"), text).unwrap();
    gate.program.signal("HUP");
    gate.program.wait_for_line(result);
}

#[test]
fn page_says_if_config_has_changed_since_the_callback() {
    let app = App::answering(200, "{}");
    let gate = serve(&app);
    let cookie = cookie(&gate, TOKEN);
    capture_push(&gate, &cookie);
    let page = || get(&gate, "/console/callbacks/1", &cookie).text();
    assert!(!page().contains("the steps use the current config"));
    let file = gate.folder.path().join("gatepost.toml");
    let text = std::fs::read_to_string(file).unwrap().replace("push.example.com", "other.test");
    reload(&gate, &text, "reloaded the config");
    let page = page();
    assert!(page.contains("the steps use the current config"), "{page}");
    assert!(page.contains("gatepost reaches another verdict now"), "{page}");
    let saved = get(&gate, "/console/callbacks/1/request", &cookie).text();
    assert!(saved.contains("\"is_of_earlier_config\":true"), "{saved}");
}

#[test]
fn status_page_shows_faults_of_failed_reload() {
    let app = App::answering(200, "{}");
    let gate = serve(&app);
    let cookie = cookie(&gate, TOKEN);
    let good = std::fs::read_to_string(gate.folder.path().join("gatepost.toml")).unwrap();
    reload(
        &gate,
        &good.replace("provider = 'kollus'", "provider = 'unknown-one'"),
        "kept the earlier",
    );
    let page = get(&gate, "/console/status", &cookie).text();
    assert!(page.contains("The last reload failed") && page.contains("unknown-one"), "{page}");
    reload(&gate, &good, "reloaded the config");
    assert!(!get(&gate, "/console/status", &cookie).text().contains("The last reload failed"));
}

const SCENARIO: &str = "/console/scenario?route=%2Fcallbacks%2Ftencent&template=prod-live";

/// Plays a scenario that sends a push. `step` is TOML text after the `kind` of the push: more keys
/// of this step, or further steps.
fn play(gate: &Gatepost, cookie: &str, step: &str) -> Response {
    let text = format!("[[stream]]\nname = 's'\nstep = [{{ kind = 'push'{step} }}]\n");
    play_text(gate, cookie, &text)
}

fn play_text(gate: &Gatepost, cookie: &str, text: &str) -> Response {
    let form: String = form_urlencoded::Serializer::new(String::new())
        .extend_pairs([("scenario", text), ("speed", "1")])
        .finish();
    send(gate, SCENARIO, &format!("{ORIGIN}cookie: {cookie}\r\n"), &form)
}

fn played(gate: &Gatepost, cookie: &str) -> serde_json::Value {
    serde_json::from_str(&get(gate, "/console/scenario/feed?after=0", cookie).text()).unwrap()
}

#[test]
fn refuses_faulty_scenario_before_first_callback() {
    let app = App::answering(200, "{}");
    let gate = serve(&app);
    let (cookie, reader) = (cookie(&gate, TOKEN), cookie(&gate, READ_TOKEN));
    for (step, shown) in [
        (", times = 0", "found 0"),
        (", times = 1001", "found 1001"),
        (", times = 4294967295", "found 4294967295"),
        (", after = 'soon'", "expected a duration"),
        (", to = 'http://192.0.2.1/'", "expected no <code>to</code>"),
        (", fields = { pusch = 1 }", "expected a known field"),
        (" }, { kind = '<b>'", "found &#60;b&#62;"),
    ] {
        let reply = play(&gate, &cookie, step);
        assert_eq!(reply.status, 422, "{step}");
        assert!(reply.text().contains(shown), "{step}: expected {shown}, found {}", reply.text());
    }
    let other = "provider = 'mux'\n[[stream]]\nname = 's'\nstep = [{ kind = 'push' }]\n";
    for (text, shown) in
        [(other, "expected the provider tencent-css"), ("[[stream]]\nx", "line 2: ")]
    {
        let reply = play_text(&gate, &cookie, text);
        assert_eq!(reply.status, 422, "{text}");
        assert!(reply.text().contains(shown), "{text}: expected {shown}, found {}", reply.text());
    }
    assert_eq!(get(&gate, "/console/scenario?route=x&template=y", &cookie).status, 404);
    assert_eq!(get(&gate, "/console/scenario/run", &cookie).status, 404);
    assert_eq!(play(&gate, &reader, "").status, 403);
    assert_eq!(get(&gate, "/console/scenario/feed", "").status, 401);
    assert_eq!(app.seen().len(), 0, "events at the app");
}

#[test]
fn plays_one_scenario_at_a_time_until_its_end_or_a_stop() {
    let app = App::answering(200, "{}");
    let gate = serve(&app);
    let cookie = cookie(&gate, TOKEN);
    let reply = play(&gate, &cookie, " }, { kind = 'push', after = '9h'");
    assert_eq!((reply.status, reply.header("location")), (303, Some("scenario/run")));
    eventually("the first callback", || played(&gate, &cookie)["sent"][0]["id"] == 1);
    assert_eq!(played(&gate, &cookie)["state"], "playing");
    let reply = play(&gate, &cookie, "");
    assert_eq!(reply.status, 409);
    assert!(reply.text().contains("another scenario"), "{}", reply.text());
    let headers = format!("{ORIGIN}cookie: {cookie}\r\n");
    assert_eq!(send(&gate, "/console/scenario/stop", &headers, "").header("location"), Some("run"));
    assert_eq!(played(&gate, &cookie)["state"], "stopped");
    assert_eq!(play(&gate, &cookie, ", expect_status = 204").status, 303);
    eventually("the end", || played(&gate, &cookie)["state"] == "ended");
    let sent = &played(&gate, &cookie)["sent"][0];
    assert_eq!(sent["reply"], "200");
    assert_eq!(sent["is_expected"], false);
    assert!(get(&gate, "/console/scenario/run", &cookie).text().contains("1 of 1 callbacks sent"));
}

#[test]
fn failed_callback_ends_scenario() {
    let app = App::answering(200, "{}");
    let gate = serve(&app);
    let cookie = cookie(&gate, TOKEN);
    // Without the binding that `unbind` removes, gatepost finds no template for the second
    // callback.
    let headers = format!("{ORIGIN}cookie: {cookie}\r\n");
    let unbind = "/console/templates/prod-live/unbind?tenant=push.example.com";
    let form = format!("version={}", version(&gate, unbind, &cookie));
    assert_eq!(play(&gate, &cookie, " }, { kind = 'push', after = '5s'").status, 303);
    assert_eq!(send(&gate, unbind, &headers, &form).status, 303);
    eventually("the failure", || played(&gate, &cookie)["state"] == "failed");
    let page = get(&gate, "/console/scenario/run", &cookie).text();
    assert!(page.contains("expected a kind of prod-live"), "{page}");
}

#[test]
fn shows_markup_in_description_of_template_as_text() {
    let app = App::answering(200, "{}");
    let markup = "description = '<script>alert(1)</script>'\nkeys =";
    let top = format!("{TOKEN_LINE}\n");
    let gate = Gatepost::serve(&top, &templates(&app).replacen("keys =", markup, 1));
    let cookie = cookie(&gate, TOKEN);
    for path in ["templates", "templates/prod-live", "domains", "send", "status"] {
        let text = get(&gate, &format!("/console/{path}"), &cookie).text();
        assert!(
            text.contains("prod-live") && !text.contains("<script>alert"),
            "{path}: expected `prod-live` and no `<script>alert`, found {text}"
        );
    }
}
