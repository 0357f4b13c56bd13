//! Tests that gatepost shows no secret to clients or to the operator. Every secret contains the
//! text [`MARK`]. The tests search replies, logs, metrics, API responses and the output of commands
//! for this text: plain, and in base64, hexadecimal and percent-encoding.

use std::fmt::Debug;
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use gatepost::{Admission, Answer, Config, Definition, Gate, Head, RequestContext, Timestamp};
use gatepost_proxy::GateModule;
use http::{HeaderMap, Method, StatusCode, Uri};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::*;

/// Text that every secret contains.
const MARK: &str = "K4n4ry";

const PATH_TOKEN: &str = "K4n4ryPathToken";
const CSS_KEY: &str = "K4n4ryCssKey";
const ADMIN_TOKEN: &str = "K4n4ryAdminToken-with-32-bytes-of-it";
const STREAM_PARAM: &str = "txSecret=K4n4ryStreamParam";
const CUSTOM_KEY: &str = "K4n4ryCustomKey";

/// Returns every encoding of [`MARK`] that the tests search for.
fn spellings() -> Vec<String> {
    let hex: String = MARK.bytes().map(|b| format!("{b:02x}")).collect();
    let percent: String = MARK.bytes().map(|b| format!("%{b:02x}")).collect();
    let mut spellings = vec![MARK.to_owned(), hex.clone(), hex.to_uppercase(), percent.clone()];
    spellings.push(percent.to_uppercase());
    // Base64 encodes three bytes at a time, so `MARK` has one of three alignments.
    for before in 0..3 {
        let shifted = [&b"\0\0"[..before], MARK.as_bytes()].concat();
        let text = data_encoding::BASE64_NOPAD.encode(&shifted);
        let start = before.div_ceil(3) * 4;
        let end = shifted.len() / 3 * 4;
        spellings.push(text[start..end].to_owned());
    }
    spellings
}

#[track_caller]
fn assert_clean(what: &str, text: &str) {
    for spelling in spellings() {
        if let Some(at) = text.find(&spelling) {
            let start = text[..at].char_indices().rev().nth(300).map_or(0, |(at, _)| at);
            panic!(
                "expected no secret in {what}, found {spelling}: …{}",
                &text[start..at + spelling.len()]
            );
        }
    }
}

fn routes() -> String {
    let route = |path: &str, provider: &str, more: &str| {
        format!("[[route]]\npath = '{path}'\nprovider = '{provider}'\n{more}\n")
    };
    let token = "token = { env = 'PATH_TOKEN' }";
    let lms = format!("{token}\nkind = 'vod_lms'\ntemplate = 'vod'");
    route("/callbacks/kollus/{token}", "kollus", token)
        + &route("/callbacks/vod/{token}", "kollus", &format!("{token}\ntemplate = 'vod'"))
        + &route("/callbacks/lms/{token}", "kollus", &lms)
        + &route("/callbacks/srs/{token}", "srs", token)
        + &route("/callbacks/tencent", "tencent-css", "")
}

/// Returns a config that reads every secret from an environment variable.
fn config(app: &App) -> String {
    let template = |name: &str, provider: &str, more: &str, path: &str| {
        let url = app.url(path);
        format!(
            "[[template]]\nname = '{name}'\nprovider = '{provider}'\n{more}\n\
             [template.on]\n'*' = {{ url = '{url}', timeout_ms = 300 }}\n"
        )
    };
    let settings = "[template.settings]\nsecurity_key = { env = 'SECURITY_KEY' }\n\
                    custom_key = { env = 'CUSTOM_KEY' }\nlms_key = { env = 'LMS_KEY' }\n\
                    live_play_reply = 'jwt'";
    format!("admin_token = {{ env = 'ADMIN_TOKEN' }}\nmax_body_bytes = 4096\n{}", routes())
        + &template("live", "kollus", "bind = ['c']", "/live")
        + &template("vod", "kollus", settings, "/vod")
        + &template("srs", "srs", "bind = ['*']", "/srs")
        + &template(
            "css",
            "tencent-css",
            "bind = ['push.example.com']\nkeys = [{ env = 'CSS_KEY' }]",
            "/css",
        )
}

const SECRETS: [(&str, &str); 6] = [
    ("PATH_TOKEN", PATH_TOKEN),
    ("CSS_KEY", CSS_KEY),
    ("ADMIN_TOKEN", ADMIN_TOKEN),
    ("SECURITY_KEY", "K4n4rySecurityKey"),
    ("CUSTOM_KEY", CUSTOM_KEY),
    ("LMS_KEY", "K4n4ryLmsKey"),
];

fn serve(format: &str, app: &App) -> Gatepost {
    let (port, admin) = (free_port(), free_port());
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("gatepost.toml");
    let listen =
        format!("listen = ['127.0.0.1:{port}']\nadmin = '127.0.0.1:{admin}'\nthreads = 1\n");
    std::fs::write(&path, listen + &config(app)).unwrap();
    let mut command = program();
    command.args(["--log-format", format, "run", "-c"]).arg(path).env("GATEPOST_LOG", "trace");
    let program = Program::start(&mut command);
    program.wait_for_line("listening for the operator");
    drop(connect(port));
    Gatepost { port, admin, program, folder }
}

fn program() -> Command {
    let mut command = gatepost();
    command.envs(SECRETS);
    command
}

fn css_push() -> String {
    let t = now() + 600;
    let signed = push().replace("txSecret=c0ffee", STREAM_PARAM);
    let (rest, _) = signed.split_once("\"t\":").unwrap();
    format!("{rest}\"t\":{t},\"sign\":\"{}\"}}", sign(CSS_KEY, t))
}

const SRS_PLAY: &str = r#"{"action":"on_play","client_id":"1","vhost":"v","app":"live","stream":"s","param":"?token=K4n4ryParam","tcUrl":"rtmp://o/live?K4n4ryTcUrl"}"#;

fn to(path: &str, body: &str) -> Vec<u8> {
    post(&path.replace("{token}", PATH_TOKEN), body)
}

const VOD: &str = "kind=1&client_user_id=u&media_content_key=m&player_id=p";

/// Returns requests that gatepost accepts.
fn genuine() -> Vec<Vec<u8>> {
    vec![
        to("/callbacks/tencent", &css_push()),
        to("/callbacks/kollus/{token}", PLAY),
        to("/callbacks/vod/{token}", PLAY),
        to("/callbacks/vod/{token}", VOD),
        to("/callbacks/srs/{token}", SRS_PLAY),
    ]
}

/// Returns requests that are forged, malformed, misdirected or of an unknown kind. Their targets,
/// headers and bodies contain secrets.
fn forged() -> Vec<Vec<u8>> {
    let push = css_push();
    let css = |body: &str| to("/callbacks/tencent", body);
    let expired = format!("\"t\":1,\"sign\":\"{}\"", sign(CSS_KEY, 1));
    let (unsigned, _) = push.split_once("\"t\":").unwrap();
    let raw = |text: &str| text.replace('\n', "\r\n").replace("{token}", PATH_TOKEN).into_bytes();
    vec![
        css(&with_flipped_sign(&push)),
        css(&push.replace("\"sign\"", "\"sing\"")),
        css(&format!("{unsigned}{expired}}}")),
        css(&push.replace("push.example", "other.example")),
        css(&push.replace("\"event_type\":1", "\"event_type\":77777")),
        css(&push.replace("\"event_type\":1,", "")),
        css(&push
            .replace("\"event_time\":1703731478", &format!("\"event_time\":\"{STREAM_PARAM}\""))),
        css(&push.replace("\"appid\":1", "\"appid\":1,\"appid\":2")),
        css(&push.replace('{', "[")),
        css(&push[..push.len() / 2]),
        css(&push.replace("\"user_ip\"", "\"user_ip\":{\"stream_param\":1},\"x\"")),
        css(&push.repeat(20)),
        css(""),
        to("/callbacks/kollus/x{token}", PLAY),
        to(
            "/callbacks/lms/{token}",
            "kind=1&hash=00000000000000000000000000000000&uservalues=%7B%7D",
        ),
        to("/callbacks/kollus/{token}", "kind=100&client_user_id=%zz"),
        to("/callbacks/kollus/{token}?again={token}", PLAY),
        to("//callbacks/kollus/{token}", PLAY),
        to("/callbacks/kollus/{token}/", PLAY),
        to("/callbacks/x/../kollus/{token}", PLAY),
        to("/elsewhere/{token}", PLAY),
        to("/live?x={token}", PLAY),
        to("/callbacks/srs/{token}", &SRS_PLAY.replace("on_play", "on_nothing")),
        post_with("/callbacks/tencent", "content-encoding: gzip\r\n", &push),
        raw("GET /callbacks/kollus/{token} HTTP/1.1\nhost: {token}\n\n"),
        raw(
            "POST /callbacks/kollus/{token} HTTP/1.1\nhost: x\nupgrade: {token}\ncontent-length: 0\n\n",
        ),
        raw(
            "POST /callbacks/kollus/{token} HTTP/1.1\nhost: x\ncontent-length: 5\ntransfer-encoding: chunked\n\n0\n\n",
        ),
    ]
}

/// Returns the headers and the body of a reply, and the payload if the body is a JWT. Omits the
/// header that must contain the Kollus custom key.
fn everything(reply: &Response) -> String {
    let headers = reply.headers.iter().filter(|(name, value)| {
        !(name.eq_ignore_ascii_case("x-kollus-userkey") && value == CUSTOM_KEY)
    });
    let token: Vec<_> = reply.body.split(|b| *b == b'.').collect();
    let payload = token.get(1).and_then(|part| data_encoding::BASE64URL_NOPAD.decode(part).ok());
    format!(
        "{headers:?} {} {}",
        String::from_utf8_lossy(&reply.body),
        String::from_utf8_lossy(&payload.unwrap_or_default()),
        headers = headers.collect::<Vec<_>>(),
    )
}

/// Stack of [`Act`]s. For each request, the app pops and performs the last `Act`. If the stack is
/// empty, the app closes the connection.
type Next = Arc<Mutex<Vec<Act>>>;

fn scripted_app() -> (App, Next) {
    let next: Next = Arc::default();
    let acts = Arc::clone(&next);
    let app = App::start(move |_| acts.lock().unwrap().pop().unwrap_or(Act::HangUp));
    (app, next)
}

/// Returns [`Act`]s that give no valid answer. The answers contain secrets, but not in the names of
/// members.
fn garbage() -> Vec<Act> {
    vec![
        Act::Answer(200, "Fatal error: K4n4ryStreamParam in index.php"),
        Act::Answer(200, "{\"result\":\"K4n4ryStreamParam\"}"),
        Act::Answer(200, "{\"data\":\"K4n4ryStreamParam\"}"),
        Act::Answer(200, "{\"allow\":\"K4n4ryStreamParam\"}"),
        Act::Answer(200, "{\"code\":\"K4n4ryStreamParam\"}"),
        Act::Answer(200, "[\"K4n4ryStreamParam\"]"),
        Act::Answer(200, "\"K4n4ryStreamParam\""),
        Act::Answer(500, "K4n4ryStreamParam"),
        Act::Answer(302, "K4n4ryStreamParam"),
        Act::Hold(
            b"HTTP/1.1 200 K4n4ry\r\nx: K4n4ryStreamParam\r\ncontent-length: 99\r\n\r\nK4n4ry",
        ),
        Act::Hold(b"K4n4ryStreamParam no HTTP\r\n\r\n"),
        Act::Hold(b"HTTP/1.1 200 OK\r\nK4n4ryStreamParam\r\n\r\n"),
        Act::Hold(b""),
        Act::HangUp,
    ]
}

fn check_program(format: &str) {
    let (app, next) = scripted_app();
    let mut gate = serve(format, &app);
    let mut replies = String::new();
    let mut send = |bytes: &[u8]| replies += &everything(&gate.send(bytes));
    for bytes in genuine() {
        next.lock().unwrap().push(Act::Answer(200, ""));
        send(&bytes);
    }
    let bodies: Vec<_> = app.seen().into_iter().map(|seen| seen.body).collect();
    let app_saw =
        |word: &str| bodies.iter().any(|body| String::from_utf8_lossy(body).contains(word));
    assert!(
        app_saw(STREAM_PARAM) && app_saw("K4n4ryParam"),
        "expected {STREAM_PARAM} and K4n4ryParam in the events, found at most one of them"
    );
    for bytes in forged() {
        send(&bytes);
    }
    for index in 0..garbage().len() {
        for bytes in genuine() {
            next.lock().unwrap().extend(garbage().into_iter().nth(index));
            send(&bytes);
            next.lock().unwrap().clear();
        }
    }
    assert_clean("a reply", &replies);
    check_api(&gate);
    assert_clean("the metrics", &gate.metrics());
    gate.program.signal("HUP");
    gate.program.signal("TERM");
    gate.program.wait();
    assert_clean(&format!("the {format} log"), &gate.program.log());
    for entry in std::fs::read_dir(gate.folder.path()).unwrap() {
        let path = entry.unwrap().path();
        assert_clean("a file", &String::from_utf8_lossy(&std::fs::read(path).unwrap()));
    }
}

fn check_api(gate: &Gatepost) {
    let call = |method: &str, path: &str, token: &str, body: &Value| {
        let body = body.to_string();
        let length = body.len();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {token}\r\n\
             content-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
        );
        let reply = Client::new(connect(gate.admin)).send(request.as_bytes());
        assert_clean(&format!("{method} {path}"), &format!("{:?} {}", reply.headers, reply.text()));
        reply.status
    };
    let draft = |keys: Value, settings: Value| {
        json!({ "name": "new", "provider": "kollus", "keys": keys, "settings": settings,
                "on": { "*": { "answer": {} } } })
    };
    let wrong = [
        draft(json!([CSS_KEY, 7]), json!({})),
        draft(json!([{ "key": CSS_KEY }]), json!({})),
        draft(json!({ "env": CSS_KEY }), json!({})),
        draft(json!(CSS_KEY), json!({})),
        draft(json!([]), json!({ "security_key": [CUSTOM_KEY] })),
        draft(json!([]), json!({ "security_key": { "env": CUSTOM_KEY } })),
        draft(json!([]), json!({ "security_kay": CUSTOM_KEY })),
        draft(json!([]), json!({ "live_play_reply": CUSTOM_KEY })),
        draft(json!([]), json!(CUSTOM_KEY)),
        json!([CUSTOM_KEY]),
        json!(CUSTOM_KEY),
    ];
    assert_eq!(call("GET", "/api/templates", "K4n4ryWrong", &Value::Null), 401);
    assert_eq!(call("GET", "/api/templates", ADMIN_TOKEN, &Value::Null), 200);
    assert_eq!(call("GET", "/api/templates/vod", ADMIN_TOKEN, &Value::Null), 200);
    for body in wrong {
        for (method, path) in [
            ("POST", "/api/templates"),
            ("PUT", "/api/templates/vod"),
            ("PATCH", "/api/templates/vod"),
        ] {
            let status = call(method, path, ADMIN_TOKEN, &body);
            assert!(status >= 400, "{method} {body}: expected an error status, found {status}");
        }
    }
    let taken = json!({ "name": "vod", "provider": "kollus", "on": { "*": { "answer": {} } } });
    assert!(call("POST", "/api/templates", ADMIN_TOKEN, &taken) >= 400);
}

#[test]
fn proxy_with_text_log_shows_no_secret() {
    check_program("text");
}

#[test]
fn proxy_with_json_log_shows_no_secret() {
    check_program("json");
}

/// Runs the program, and returns its standard output and standard error.
fn run(arguments: &[&str]) -> String {
    let output = program().args(arguments).env("GATEPOST_LOG", "trace").output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    text(output.stdout) + &text(output.stderr)
}

#[test]
fn check_command_shows_no_secret_of_faulty_config() {
    let good = config(&App::down());
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("gatepost.toml");
    let check = |text: &str| {
        std::fs::write(&path, text).unwrap();
        let output = run(&["check", "-c", path.to_str().unwrap()]);
        assert_clean(text, &output);
        output
    };
    let checked = check(&good);
    assert!(checked.contains(": OK ("), "expected OK, found {checked}");
    let literal = |name: &str| format!("'{MARK}{name}'");
    let keys = "keys = [{ env = 'CSS_KEY' }]";
    let setting = "security_key = { env = 'SECURITY_KEY' }";
    let token = "token = { env = 'PATH_TOKEN' }";
    let changes = [
        (keys, format!("keys = [{}]", literal("Key"))),
        (keys, format!("keys = {}", literal("Key"))),
        (keys, format!("key = {}", literal("Key"))),
        (keys, format!("keys = [{{ evn = {} }}]", literal("Key"))),
        (keys, format!("keys = [{{ env = {} }}]", literal("Key"))),
        (keys, format!("keys = [{{ file = {} }}]", literal("Key"))),
        (keys, format!("keys = [{{ env = {0}, file = {0} }}]", literal("Key"))),
        (keys, format!("keys = [[{}]]", literal("Key"))),
        (keys, format!("keys = [{}", literal("Key"))),
        (keys, format!("keys = [\"{MARK}Key]")),
        (keys, format!("keys = [{MARK}Key]")),
        (keys, format!("keys = [{0}, {0}]", literal("Key"))),
        (keys, format!("keys = [{}]\nkeys = [{}]", literal("Key"), literal("Other"))),
        (keys, format!("keys = [\"{MARK}\\q\"]")),
        (keys, format!("keys = ['{MARK}\u{1}']")),
        (keys, format!("keys = [{} x]", literal("Key"))),
        (keys, format!("grace_secs = {}", literal("Key"))),
        (setting, format!("security_key = [{}]", literal("Setting"))),
        (setting, format!("security_key = {{ x = {} }}", literal("Setting"))),
        (setting, format!("securty_key = {}", literal("Setting"))),
        (setting, format!("custom_key = {}", literal("Setting"))),
        (setting, format!("live_play_reply = {}", literal("Setting"))),
        (setting, format!("security_key = {}\nx = 1", literal("Setting"))),
        (token, format!("token = [{}]", literal("Token"))),
        (token, format!("tokn = {}", literal("Token"))),
        (token, format!("token = {}\nkind = 'nothing'", literal("Token"))),
        ("admin_token = { env = 'ADMIN_TOKEN' }", format!("admin_token = {}", literal(""))),
        ("admin_token = { env = 'ADMIN_TOKEN' }", format!("admin_token = [{}]", literal(""))),
        ("admin_token = { env = 'ADMIN_TOKEN' }", format!("admin_tokn = {}", literal(""))),
        ("timeout_ms = 300", format!("timeout_ms = {}", literal(""))),
        ("max_body_bytes = 4096", format!("max_body_bytes = {}", literal(""))),
    ];
    for (from, to) in changes {
        assert!(good.contains(from), "expected {from} in the config, found none");
        check(&good.replacen(from, &to, 1));
        // Also insert the changed line at the top of the config, before all tables.
        check(&format!("{to}\n{good}"));
    }
}

#[test]
fn other_commands_show_no_secret() {
    let app = App::down();
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("gatepost.toml");
    let literal = config(&app)
        .replace("{ env = 'CSS_KEY' }", "'K4n4ryCssKey'")
        .replace("{ env = 'SECURITY_KEY' }", "'K4n4rySecurityKey'");
    std::fs::write(&path, literal).unwrap();
    let config = path.to_str().unwrap();
    let recorded = folder.path().join("request.http");
    for wire in genuine().into_iter().chain(forged()) {
        std::fs::write(&recorded, wire).unwrap();
        let shown = recorded.to_str().unwrap();
        assert_clean("explain", &run(&["explain", "-c", config, shown]));
    }
    let down = |path: &str| app.url(&path.replace("{token}", PATH_TOKEN));
    let css = down("/callbacks/tencent");
    for arguments in [
        &["template", "list", "-c", config][..],
        &["template", "list", "-c", config, "--json"],
        &["template", "show", "css", "-c", config],
        &["template", "show", "css", "-c", config, "--json"],
        &["template", "show", "vod", "-c", config],
        &["template", "show", "vod", "-c", config, "--json"],
        &[
            "template",
            "create",
            "css",
            "-c",
            config,
            "--provider",
            "tencent-css",
            "--key-env",
            CSS_KEY,
            "--answer",
            "*={}",
        ],
        &["template", "bind", "vod", "c", "-c", config],
        &["template", "bind", "css", "other.example.com", "-c", config],
        &["template", "delete", "css", "-c", config, "--yes"],
        &["send", "tencent-css.push", "--key", CSS_KEY, "--to", &css],
        &["send", "tencent-css.push", "--key", CSS_KEY, "--to", &css, "--print"],
        &["send", "tencent-css.push", "--key-env", "CSS_KEY", "--to", &css, "--print"],
        &["send", "tencent-css.push", "--key-env", CSS_KEY, "--to", &css],
        &["send", "standard-webhooks.event", "--key", CSS_KEY, "--to", &css],
        &[
            "send",
            "tencent-css.push",
            "--key",
            CSS_KEY,
            "--to",
            &css,
            "nothing=here",
            "header: x=y",
        ],
        &["send", "kollus.vod_lms", "--key", CSS_KEY, "--to", &css, "--print"],
        &["send", "kollus.live_play", "--to", &down("/callbacks/kollus/{token}")],
    ] {
        assert_clean(&arguments[..2].join(" "), &run(arguments));
    }
}

#[test]
fn debug_output_of_public_types_shows_no_secret() {
    let app = App::down();
    let text = config(&app);
    let mut builder = Gate::builder().toml(text.clone());
    for (name, value) in SECRETS {
        builder = builder.variable(name, value);
    }
    let mut printed = String::new();
    let mut print = |value: &dyn Debug| printed += &format!("{value:?} {value:#?}\n");
    print(&builder);
    let gate = builder.build().unwrap();
    print(&gate);
    print(&gate.proxy_settings());
    print(&gate.warnings());
    print(&GateModule::new(gate.clone()));
    print(&Config::from_text(&text, Path::new("nowhere.toml")));
    for provider in ["kollus", "tencent-css", "srs"] {
        let definition = Definition::built_in(provider).unwrap();
        let kind = &definition.info().kinds[0].name;
        let sample = definition.sample(kind).unwrap();
        print(&sample.sign(CSS_KEY, Timestamp::from_secs(0)));
    }
    for wire in genuine().into_iter().chain(forged()) {
        let text = String::from_utf8_lossy(&wire).into_owned();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        let mut words = head.split([' ', '\r']);
        let method: Method = words.next().unwrap().parse().unwrap();
        let uri: Uri = words.next().unwrap().parse().unwrap();
        let headers = HeaderMap::new();
        let head = Head::new(&method, &uri, &headers);
        let now = Timestamp::from_secs(i64::try_from(now()).unwrap());
        print(&head);
        let body = Bytes::copy_from_slice(body.as_bytes());
        print(&gate.explain(&head, body.clone(), now));
        let admission = gate.admit(&head, now);
        print(&admission);
        let Admission::Callback(mut intake) = admission else { continue };
        print(&intake.push(body));
        print(&intake);
        let verdict = intake.finish(now);
        print(&verdict);
        let Ok(accepted) = verdict else { continue };
        print(accepted.event());
        print(&accepted.template());
        let next = accepted.next(now);
        print(&next);
        drop(next);
        print(&accepted.view::<gatepost::tencent_css::Push>());
        print(&accepted.view::<gatepost::kollus::LivePlay>());
        print(&accepted.request(&head, &RequestContext::default(), now).0);
        for body in ["", "{\"allow\":true}", "K4n4ryGarbage", "{\"result\":\"K4n4ryGarbage\"}"] {
            let answer = Answer::response(StatusCode::OK, Some(body.into()));
            print(&answer);
            if let gatepost::Next::Ask(question) = accepted.next(now) {
                print(&question.conclude(&answer, now));
            }
        }
    }
    assert_clean("Debug", &printed);
}
