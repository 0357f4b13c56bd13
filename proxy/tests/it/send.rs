//! Tests of `gatepost send`, `explain`, `schema` and `providers`, of faults in definitions, and of
//! the manual's page on adding a provider.

use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use gatepost::{Definition, Timestamp};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{Act, App, Client, Gatepost, connect, free_port, gatepost, now};

fn quickstart_path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("configs/quickstart.toml")
}

fn quickstart() -> Gatepost {
    let config = std::fs::read_to_string(quickstart_path()).unwrap();
    let config = config
        .replace("listen = [\"127.0.0.1:8080\"]\n", "")
        .replace("admin  = \"127.0.0.1:9900\"\n", "");
    Gatepost::serve_config(&config)
}

/// Returns the path and the key that the quickstart config has for a kind.
fn address(provider: &str, kind: &str) -> (String, Option<&'static str>) {
    const KINDS_WITH_OWN_PATH: [&str; 7] = [
        "upload",
        "content_update",
        "channel_add",
        "channel_delete",
        "vod_lms",
        "live_lms",
        "next_episode",
    ];
    match provider {
        "kollus" if KINDS_WITH_OWN_PATH.contains(&kind) => {
            (format!("/callbacks/kollus/try-me/{kind}"), None)
        }
        "kollus" | "mediamtx" | "nginx-rtmp" | "srs" => {
            (format!("/callbacks/{provider}/try-me"), None)
        }
        "standard-webhooks" => {
            (format!("/callbacks/{provider}"), Some("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"))
        }
        "tencent-css" => ("/callbacks/tencent".to_owned(), Some("test")),
        _ => (format!("/callbacks/{provider}"), Some("test")),
    }
}

/// Returns the reply that the platform documents for a kind.
fn documented(provider: &str, kind: &str) -> Value {
    match (provider, kind) {
        ("kollus", "live_play") => json!({ "data": { "result": 1, "vmcheck": 0 } }),
        ("kollus", "vod_play") => json!({ "data": { "result": 1 } }),
        ("kollus", "next_episode") => json!({ "url": "https://example.com/next" }),
        ("kollus", "drm") => json!({ "data": [
            { "kind": 1, "media_content_key": "ljAq2vYw", "result": 1 },
            { "kind": 2, "media_content_key": "ljAq2vYw", "result": 1 },
            { "kind": 3, "media_content_key": "ljAq2vYw", "session_key": "session-1",
              "start_at": 1_703_731_478, "result": 1 },
        ] }),
        ("ovenmediaengine", "opening") => json!({ "allowed": true }),
        ("ovenmediaengine", "closing") => json!({}),
        ("srs", "on_forward") => json!({ "code": 0, "data": { "urls": [] } }),
        ("srs" | "tencent-css" | "tencent-vod" | "tencent-trtc", _) => json!({ "code": 0 }),
        _ => Value::Null,
    }
}

/// Returns the JSON of a reply. If the reply is a JWT, returns its payload.
fn payload(body: &str) -> Value {
    if body.is_empty() {
        return Value::Null;
    }
    let mut parts = body.split('.');
    let json = match (parts.next(), parts.next(), parts.next()) {
        (Some(head), Some(payload), Some(_)) if head.starts_with("eyJ") => {
            data_encoding::BASE64URL_NOPAD.decode(payload.as_bytes()).unwrap()
        }
        _ => body.as_bytes().to_vec(),
    };
    serde_json::from_slice(&json)
        .unwrap_or_else(|error| panic!("expected JSON, found {body}: {error}"))
}

#[test]
fn quickstart_replies_to_every_kind_as_platform_documents() {
    let gate = quickstart();
    let mut client = Client::new(connect(gate.port));
    let mut sent = 0;
    let text = std::fs::read_to_string(quickstart_path()).unwrap();
    for name in Definition::built_in_names() {
        if !text.contains(&format!("provider = \"{name}\"")) {
            // The quickstart omits most providers. The vectors of the omitted providers cover their
            // replies.
            continue;
        }
        let definition = Definition::built_in(name).unwrap();
        for kind in definition.info().kinds {
            let (path, key) = address(name, &kind.name);
            let mut sample = definition.sample(&kind.name).unwrap();
            if let Some(key) = key {
                sample = sample.sign(key, Timestamp::from_secs(now().try_into().unwrap()));
            }
            let request = sample.request(&path.parse().unwrap()).unwrap();
            let mut wire = format!("{} {path} HTTP/1.1\r\nhost: gate.test\r\n", request.method());
            for (header, value) in request.headers() {
                wire += &format!("{header}: {}\r\n", value.to_str().unwrap());
            }
            wire += &format!("content-length: {}\r\n\r\n", request.body().len());
            let reply = client.send(&[wire.as_bytes(), request.body()].concat());
            let shown = format!("{name}.{}: {} {}", kind.name, reply.status, reply.text());
            assert_eq!(reply.status, 200, "{shown}");
            assert_eq!(payload(&reply.text()), documented(name, &kind.name), "{shown}");
            let signed = matches!(&*kind.name, "vod_play" | "drm");
            let user_key = reply.header("x-kollus-userkey");
            assert_eq!(user_key, signed.then_some("sample-custom-key"), "{shown}");
            sent += 1;
        }
    }
    assert!(sent > 170, "expected more than 170 requests, found {sent}");
}

fn output(command: &mut Command) -> (Option<i32>, String, String) {
    let output = command.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

fn run(arguments: &[&str]) -> (Option<i32>, String, String) {
    output(gatepost().args(arguments))
}

#[test]
fn send_prints_status_reply_and_errors() {
    let gate = quickstart();
    let to = |path: &str| format!("http://127.0.0.1:{}{path}", gate.port);
    let tencent = to("/callbacks/tencent");
    let sent = run(&["send", "tencent-css.push", "--key", "test", "--to", &tencent]);
    assert_eq!((sent.0, &*sent.1), (Some(0), "200 OK\n{\"code\":0}\n"));
    assert!(sent.2.starts_with("sent tencent-css.push with "), "{}", sent.2);
    assert!(!sent.2.contains("sign=") && !sent.2.contains("stream_param"), "{}", sent.2);

    let (code, stdout, stderr) =
        run(&["send", "kollus.vod_play", "--to", &to("/callbacks/kollus/try-me"), "kind=3"]);
    assert_eq!(code, Some(0), "{stderr}");
    assert!(stdout.starts_with("200 OK\neyJ"), "{stdout}");
    assert!(stdout.ends_with("\n{\"data\":{\"result\":1}}\n"), "{stdout}");
    assert!(
        !format!("{stdout}{stderr}").contains("sample-custom-key"),
        "expected no key, found {stdout}{stderr}"
    );

    for wrong in [&["--key", "wrong"][..], &["--key", "test", "app="], &[]] {
        let (code, stdout, _) =
            run(&[&["send", "tencent-css.push", "--to", &tencent], wrong].concat());
        let is_refused = (code, &*stdout) == (Some(1), "401 Unauthorized\nrefused\n");
        // For a callback without a domain, gatepost uses the template that binds "*".
        assert_eq!(is_refused, !wrong.contains(&"app="), "{wrong:?}: {stdout}");
    }
    for (arguments, expected_text) in [
        (
            &["tencent-css.pusch"][..],
            "expected a kind of tencent-css, found `pusch`; did you mean `push`?",
        ),
        (
            &["tencentcss.push"],
            "expected a known provider, found `tencentcss`; did you mean `tencent-css`?",
        ),
        (&["push"], "expected PROVIDER.KIND"),
        (&["tencent-css.push", "app"], "expected FIELD=VALUE"),
        (&["standard-webhooks.event", "--key", "whsec_?"], "expected a complete key"),
        (
            &["tencent-css.push", "--key-env", "GATEPOST_NOT_SET"],
            "environment variable GATEPOST_NOT_SET, found none",
        ),
    ] {
        let (code, stdout, stderr) = run(&[&["send", "--to", &tencent], arguments].concat());
        assert_eq!((code, &*stdout), (Some(2), ""), "{arguments:?}");
        assert!(stderr.contains(expected_text), "expected {expected_text}, found {stderr}");
    }
    let not_utf8 = std::ffi::OsStr::from_bytes(b"hunter2\xff");
    let (code, _, stderr) = output(
        gatepost()
            .args(["send", "--to", &tencent, "tencent-css.push", "--key-env", "NOT_UTF8"])
            .env("NOT_UTF8", not_utf8),
    );
    assert_eq!(code, Some(2));
    assert!(stderr.contains("NOT_UTF8, found bytes that are not UTF-8"), "{stderr}");
    let (code, _, stderr) = run(&["send", "kollus.live_play", "--to", "nowhere"]);
    assert_eq!(code, Some(2));
    assert!(stderr.starts_with("nowhere: expected an address"), "{stderr}");
    let closed = format!("http://127.0.0.1:{}/", free_port());
    let (code, _, stderr) = run(&["send", "kollus.live_play", "--to", &closed]);
    assert_eq!(code, Some(1));
    let address = closed.trim_start_matches("http://").trim_end_matches('/');
    let expected = format!("expected a reply from {address}, found none: Connection refused");
    assert!(stderr.starts_with(&expected) && stderr.contains("start the server"), "{stderr}");
}

#[test]
#[expect(clippy::too_many_lines, reason = "one table of requests")]
fn explain_shows_each_step_and_no_secret() {
    let folder = TempDir::new().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let config = write(
        "gatepost.toml",
        "[[route]]\npath = '/t/{token}'\nprovider = 'tencent-css'\ntoken = 'canary-token'\n\
         [[template]]\nname = 'prod-live'\nprovider = 'tencent-css'\nkeys = ['older', 'canary-key']\n\
         bind = ['push.example.com']\n[template.on]\npush = 'http://127.0.0.1:9/live/push'\n",
    );
    let print = |more: &[&str]| {
        let all =
            ["send", "tencent-css.push", "--key", "canary-key", "--at", "1545030273", "--print"];
        let (_, stdout, stderr) =
            run(&[&all[..], &["--to", "http://gate.test/t/canary-token"], more].concat());
        assert_eq!(stderr, "");
        stdout
    };
    let explain = |request: &str, at: &str| {
        let file = write("request.http", request);
        let (code, stdout, stderr) = run(&["explain", "-c", &config, &file, "--at", at]);
        for secret in ["canary", "stream_param=test"] {
            assert!(
                !format!("{stdout}{stderr}").contains(secret),
                "expected no {secret}, found {stdout}{stderr}"
            );
        }
        (code, stdout)
    };
    let genuine = print(&[]);
    let (code, steps) = explain(&genuine, "1545030273");
    assert_eq!(code, Some(0), "{steps}");
    for line in [
        "route      /t/{token} of Tencent Cloud CSS",
        "tenant     push.example.com (/app)",
        "template   prod-live, bound",
        "kind       push",
        "signed     md5 of [key]1545030873",
        "key        number 2 of 2 matches",
        "time       2018-12-17T07:14:33Z, 600 s ahead of 2018-12-17T07:04:33Z; accepted from 180 s ago to 900 s ahead",
        "reply      the app at http://127.0.0.1:9/live/push has 5000 ms to answer",
        "verdict    accepted as com.tencentcloud.css.push",
    ] {
        assert!(steps.lines().any(|own| own == line), "expected {line}, found:\n{steps}");
    }
    let (code, steps) = explain(&genuine.replace("\r\n", "\n"), "1545031054");
    assert_eq!(code, Some(1));
    assert!(steps.contains("verdict    refused with 401: timestamp_expired"), "{steps}");
    for (change, with, last) in [
        ("\"t\":1545030873", "\"t\":1545030874", "refused with 401: signature_mismatch"),
        ("push.example.com", "other.example.com", "refused with 401: tenant_unknown"),
        ("\"sign\"", "\"sig\"", "refused with 401: signature_missing"),
        ("POST /t/", "POST /T/", "refused with 400: path_ambiguous"),
        ("POST /t/canary-token", "POST /t/other", "refused with 401: token_mismatch"),
        ("POST /t/canary-token", "POST /other", "passed through: not a callback path"),
    ] {
        let (_, steps) = explain(
            &genuine.replace(change, with).replace("content-length", "x-length"),
            "1545030273",
        );
        assert!(
            steps.trim_end().contains(&format!("verdict    {last}")),
            "{change}: expected {last}, found:\n{steps}"
        );
    }
    for (wire, expected_text) in
        [("", "an empty line after the head"), ("GET\n\n", "an HTTP/1.1 request")]
    {
        let file = write("wrong.http", wire);
        let (code, _, stderr) = run(&["explain", "-c", &config, &file]);
        assert_eq!(code, Some(1));
        assert!(stderr.contains(expected_text), "expected {expected_text}, found {stderr}");
    }
}

#[test]
fn schema_prints_config_and_kinds() {
    let (code, stdout, _) = run(&["schema", "tencent-css.push"]);
    assert_eq!(code, Some(0));
    let schema: Value = serde_json::from_str(&stdout).unwrap();
    let sequence = &schema["properties"]["sequence"];
    assert_eq!(sequence["type"], "string");
    let about = sequence["description"].as_str().unwrap();
    assert!(about.starts_with("The identifier of the push"), "{about}");
    assert!(schema["properties"]["sign"].is_null(), "expected no `sign` in the schema, found one");
    let (code, stdout, _) = run(&["schema", "config"]);
    assert_eq!(code, Some(0));
    let schema: Value = serde_json::from_str(&stdout).unwrap();
    assert!(schema["properties"]["provider_files"].is_object());
    assert_eq!(run(&["schema", "tencent-css"]).0, Some(2));
}

/// Follows the manual's page `providers`: writes the files and runs the commands on this page.
#[test]
fn steps_in_manual_add_provider() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../src/manual/providers.md");
    let page = std::fs::read_to_string(page).unwrap();
    let folder = TempDir::new().unwrap();
    let port = free_port();
    let here = |text: &str| text.replace("127.0.0.1:8080", &format!("127.0.0.1:{port}"));
    let (mut console, mut script) = (String::new(), String::new());
    for block in page.split("\n```").skip(1).step_by(2) {
        let (language, text) = block.split_once('\n').unwrap();
        match (language, text.strip_prefix("# file: ").and_then(|text| text.split_once('\n'))) {
            ("toml", Some((name, text))) => {
                std::fs::write(folder.path().join(name), here(text)).unwrap()
            }
            ("console", _) => console = here(text),
            ("sh", _) => script = here(text),
            // These blocks show a request, and the output of `gatepost explain`.
            ("text", None) => {}
            _ => panic!("expected a TOML file, or a console, sh or text block, found {language}"),
        }
    }
    let gatepost = || {
        let mut command = gatepost();
        command.current_dir(folder.path()).env("CAMERA_KEY", "camera-key");
        command
    };
    let _serving = crate::support::Program::start(gatepost().args(["run", "-c", "gatepost.toml"]));
    drop(connect(port));
    let mut tried = 0;
    for step in console.split("$ gatepost ").skip(1) {
        let (line, expected) = step.split_once('\n').unwrap();
        let (_, stdout, stderr) = output(gatepost().args(line.split(' ')));
        // The page omits these lines. They depend on the config, the number of cores and the
        // folder.
        let omitted = ["fingerprint: ", "memory: ", "read: "];
        let shown =
            stdout.lines().filter(|line| !omitted.iter().any(|text| line.starts_with(text)));
        let shown = shown.collect::<Vec<_>>().join("\n");
        assert_eq!(shown, expected.trim_end(), "{line}: {stderr}");
        tried += 1;
    }
    assert_eq!(tried, 4);
    let signed = Command::new("sh").args(["-c", &script]).env("CAMERA_KEY", "camera-key").output();
    let reply = String::from_utf8(signed.unwrap().stdout).unwrap();
    assert!(reply.contains(" 200 OK") && reply.ends_with("{\"ok\":true}"), "{reply}");
}

#[test]
fn definition_fault_names_file_line_and_allowed_words() {
    let folder = TempDir::new().unwrap();
    let path = |name: &str| -> PathBuf { folder.path().join(name) };
    let definition = "name = 'my-camera'\ntitle = 'C'\ndocs = 'd'\nce_type = 'c'\n\
                      [request]\nmethods = 'POST'\nbody = 'jason'\n\
                      [signature]\ndigest = 'hmac-sha265'\nencoding = 'hex'\nparts = 'bdy'\n\
                      found_in = 'X-Signature'\n\
                      [kind]\nfrom = '/event'\n[kinds.motion]\nfields = { at = 'time' }\ncolour = 1\n";
    std::fs::write(path("cam.toml"), definition).unwrap();
    let config =
        "provider_files = ['cam.toml', 'none.toml']\n[[route]]\npath = '/c'\nprovider = 'mux'\n";
    std::fs::write(path("gatepost.toml"), config).unwrap();
    let (code, _, stderr) = run(&["check", "-c", path("gatepost.toml").to_str().unwrap()]);
    assert_eq!(code, Some(1));
    let file = path("cam.toml").display().to_string();
    for (place, problem, marked, help) in [
        ("7:8", "a known body format, found \"jason\"", "body = 'jason'", "did you mean `json`?"),
        ("9:10", "a known digest, found \"hmac-sha265\"", "digest = 'hmac-sha265'", "did you mean"),
        ("11:9", "a signed part, found \"bdy\"", "parts = 'bdy'", "write \"key\", \"body\""),
        ("12:12", "a location, found \"X-Signature\"", "found_in = 'X-Signature'", "write \"/poin"),
        (
            "16:17",
            "a known type, found \"time\"",
            "fields = { at = 'time' }",
            "did you mean `timestamp`?",
        ),
        ("17:1", "a known key, found \"colour\"", "colour = …", "use one of"),
    ] {
        let start = stderr.find(&format!("expected {problem}\n")).expect(problem);
        let shown: Vec<_> = stderr[start..].lines().take(7).collect();
        assert!(shown[1].ends_with(&format!("--> {file}:{place}")), "{shown:#?}");
        assert!(shown[3].ends_with(&format!(" | {marked}")), "{shown:#?}");
        assert!(shown[6].contains(&format!("= help: {help}")), "{shown:#?}");
    }
    assert!(stderr.contains("error[file_unreadable]: expected a readable file"), "{stderr}");
    assert!(stderr.contains("gatepost.toml:1:31\n"), "{stderr}");

    std::fs::write(path("cam.toml"), "name = 'mux'\n").unwrap();
    let (_, _, stderr) = run(&["check", "-c", path("gatepost.toml").to_str().unwrap()]);
    assert!(stderr.contains("expected `title`, found none"), "{stderr}");
}

/// A definition in which the sample of the kind `motion` names another kind.
const WRONG_SAMPLE: &str = "name = 'my-camera'\ntitle = 'C'\ndocs = 'd'\nce_type = 'c'\n\
                            [request]\nmethods = 'POST'\nbody = 'json'\n\
                            [kind]\nfrom = '/event'\n[kinds.motion]\nabout = 'A motion.'\n\
                            sample = '{\"event\":\"moton\"}'\n";

#[test]
fn check_and_send_report_sample_of_another_kind() {
    let folder = TempDir::new().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    std::fs::write(path("cam.toml"), WRONG_SAMPLE).unwrap();
    let config = "provider_files = ['cam.toml']\n[[route]]\npath = '/c'\nprovider = 'my-camera'\n";
    std::fs::write(path("gatepost.toml"), config).unwrap();
    let send = ["send", "my-camera.motion", "--print", "--definition", &path("cam.toml")];
    for arguments in [&["check", "-c", &path("gatepost.toml")][..], &send] {
        let (code, stdout, stderr) = run(arguments);
        assert_eq!((code, &*stdout), (Some(1), ""), "{arguments:?}: {stderr}");
        let lines: Vec<_> = stderr.lines().collect();
        assert!(
            lines[0].contains("sample of the kind `motion`, found a sample of the unknown kind"),
            "{stderr}"
        );
        assert!(lines[1].ends_with(&format!("--> {}:12:1", path("cam.toml"))), "{stderr}");
        assert!(lines[4].ends_with("| ^^^^^^ kinds.motion.sample"), "{stderr}");
    }
}

#[test]
fn providers_and_send_read_the_definition_file() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("cam.toml").display().to_string();
    std::fs::write(&file, WRONG_SAMPLE.replace("moton", "motion")).unwrap();
    let (code, stdout, _) = run(&["providers", "--definition", &file]);
    assert_eq!(
        (code, &*stdout),
        (Some(0), "my-camera\tC\td\t\n  my-camera.motion\tnotification\tA motion.\n")
    );
    for name in ["my-camera", "my-camera.motion"] {
        let (code, stdout, stderr) = run(&["providers", name, "--definition", &file]);
        assert_eq!(code, Some(0), "{stderr}");
        assert!(
            stdout.starts_with("my-camera.motion\tA motion.\n  ce-type\tc.motion\n"),
            "{stdout}"
        );
    }
    let (code, _, stderr) = run(&["providers", "my-camera.moton", "--definition", &file]);
    assert_eq!(code, Some(2));
    assert!(stderr.contains("did you mean `motion`?"), "{stderr}");
    let (code, _, stderr) = run(&["providers", "camera", "--definition", &file]);
    assert_eq!(code, Some(2));
    assert!(stderr.contains("expected provider camera, found my-camera"), "{stderr}");
    let (code, stdout, stderr) =
        run(&["send", "my-camera.motion", "--print", "--definition", &file]);
    assert_eq!(code, Some(0), "{stderr}");
    assert!(stdout.starts_with("POST /callbacks/my-camera HTTP/1.1\r\n"), "{stdout}");
    let (code, _, stderr) = run(&["send", "my-camera.motion", "--definition", &file]);
    assert_eq!(code, Some(2));
    assert!(stderr.contains("--to"), "expected `--to`, found {stderr}");
}

#[test]
fn providers_reads_the_definitions_of_a_config() {
    let folder = TempDir::new().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    std::fs::write(path("cam.toml"), WRONG_SAMPLE.replace("moton", "motion")).unwrap();
    let config = "provider_files = ['cam.toml']\n[[route]]\npath = '/c'\nprovider = 'my-camera'\n";
    std::fs::write(path("gatepost.toml"), config).unwrap();
    let config = path("gatepost.toml");
    let (code, stdout, stderr) = run(&["providers", "-c", &config]);
    assert_eq!(code, Some(0), "{stderr}");
    assert!(stdout.starts_with("my-camera\tC\td\t\n"), "{stdout}");
    assert!(stdout.contains("\ntencent-css\t"), "expected the built-in providers, found {stdout}");
    let (code, stdout, stderr) = run(&["providers", "my-camera.motion", "--config", &config]);
    assert_eq!(code, Some(0), "{stderr}");
    assert!(stdout.starts_with("my-camera.motion\tA motion.\n"), "{stdout}");
    let (code, _, stderr) = run(&["providers", "my-camera.moton", "-c", &config]);
    assert_eq!(code, Some(2));
    assert!(stderr.contains("did you mean `motion`?"), "{stderr}");
}

#[test]
fn send_sets_parameters_of_the_query() {
    let print = |fields: &[&str]| run(&[&["send", "stripe.event", "--print"][..], fields].concat());
    let to = ["--to", "http://gate.example.com/hook?a=1&b=2"];
    let (code, stdout, stderr) = print(&[&to[..], &["query:b=", "query:c=x y"]].concat());
    assert_eq!(code, Some(0), "{stderr}");
    assert!(stdout.starts_with("POST /hook?a=1&b=&c=x+y HTTP/1.1\r\n"), "{stdout}");
    for (wrong, expected) in
        [("query:b", "expected FIELD=VALUE, found no ="), ("query:=1", "`query:NAME`")]
    {
        let (code, _, stderr) = print(&[wrong]);
        assert_eq!(code, Some(2), "{stderr}");
        assert!(stderr.contains(expected), "expected {expected}, found {stderr}");
    }
}

#[test]
fn send_names_unusual_headers_of_reply_without_their_values() {
    let app = App::start(|_| {
        let head = "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ndate: x\r\nserver: x\r\n\
                    x-user-key: s3cret\r\nx-empty: \r\ncontent-length: 3\r\n\r\nyes";
        Act::Raw(head.into())
    });
    let url = app.url("/callbacks/tencent");
    let (code, stdout, stderr) = run(&["send", "tencent-css.push", "--key", "k", "--to", &url]);
    assert_eq!((code, &*stdout), (Some(0), "200 OK\nyes\n"), "{stderr}");
    let rows = stderr.lines().filter(|line| line.contains("the reply has the header"));
    let rows: Vec<_> = rows.collect();
    assert_eq!(rows, ["the reply has the header x-user-key"]);
    assert!(!stderr.contains("s3cret"), "expected no value of a header, found {stderr}");
}

#[test]
fn printed_request_has_a_row_for_each_header() {
    let arguments = ["send", "stripe.event", "header:X-Own=a b", "--print", "--key", "whsec_k"];
    let (code, stdout, stderr) = run(&arguments);
    let (head, body) = stdout.split_once("\r\n\r\n").unwrap_or_else(|| panic!("{stderr}"));
    let mut rows = head.split("\r\n");
    assert_eq!(rows.next(), Some("POST /callbacks/stripe HTTP/1.1"));
    let names: Vec<_> = rows.clone().map(|row| row.split(": ").next().unwrap()).collect();
    for name in ["host", "content-type", "stripe-signature", "x-own", "content-length"] {
        assert!(names.contains(&name), "expected {name}, found {names:?}");
    }
    assert!(rows.any(|row| row == "x-own: a b"), "{head}");
    assert_eq!(
        (code, &*format!("content-length: {}", body.len())),
        (Some(0), head.lines().last().unwrap())
    );
}
