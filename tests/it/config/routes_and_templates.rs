//! Tests of routes, templates, secrets and networks.

use gatepost::{Config, Gate, Head};
use http::{HeaderMap, HeaderValue, Method, Uri};

use super::{TEMPLATE, build, errors, with};

#[test]
fn reports_every_fault_with_line_key_and_remedy() {
    let faults = errors(
        "listen = ['nowhere']
upstream = 'http://127.0.0.1:3000/app'
colour = 'red'

[[route]]
path = '/callbacks//tencent'
provider = 'tencent'

[[template]]
name = 'two words'
provider = 'tencent-css'
bind = 'push.example.com'

[template.on]
pusch = 'http://127.0.0.1:3000/push'
",
    );
    let starts = [
        "1:11: listen[0]: expected an address to listen on, found no port; add a colon and a port",
        "2:12: upstream: expected no path in this address, found a path; remove everything after the port",
        "3:1: colour: expected a known key, found \"colour\"; use one of these keys: `admin`, `admin_hosts`, `admin_read_token`, `admin_token`",
        "6:8: route[0].path: expected a path that all servers read in the same way, found \"/callbacks//tencent\"; remove each %, ;, //",
        "7:12: route[0].provider: expected a known provider, found \"tencent\"; did you mean `tencent-css`?",
        "9:1: template[0]: expected keys, because Tencent Cloud CSS signs, found none; add keys",
        "10:8: template[0].name: expected only allowed characters, found ' '; use 1 to 30",
        "15:1: template[0].on.pusch: expected a known kind, found \"pusch\"; did you mean `push`? use one of these kinds",
    ];
    assert_eq!(faults.len(), starts.len(), "{faults:#?}");
    for (fault, start) in faults.iter().zip(starts) {
        assert!(fault.starts_with(start), "expected {start}, found {fault}");
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "the function is one table of cases")]
fn reports_invalid_templates() {
    let kollus = "name = 'a'\nprovider = 'kollus'\n";
    let cases = [
        (
            "name = 'a'\nprovider = 'kollus'\nbind = ['x', 'x']",
            "expected an unbound tenant, found a tenant of `a`",
        ),
        ("name = 'a'\nprovider = 'kollus'\nbind = ['']", "expected a tenant"),
        ("name = 'a'\nprovider = 'kollus'\nbind = ['https://x']", "expected a tenant"),
        ("name = 'a'\nprovider = 'kollus'\nkeys = [{ env = 'KEY' }]", "expected no keys"),
        ("name = 'a'\nprovider = 'tencent-css'\nkeys = []", "expected keys"),
        (
            "name = 'a'\nprovider = 'tencent-css'\nkeys = [{ env = 'NOT_SET' }]",
            "`NOT_SET`, found none",
        ),
        (
            "name = 'a'\nprovider = 'tencent-css'\nkeys = [{ file = 'no-such-file' }]",
            "expected a file of this name, found none",
        ),
        ("name = 'a'\nprovider = 'tencent-css'\nkeys = ['']", "found an empty value"),
        ("name = 'a'\nprovider = 'tencent-css'\nkeys = [1]", "found a whole number"),
        (
            "name = 'a'\nprovider = 'tencent-css'\nkeys = [{ env = 'KEY' }]\ninsecure_unsigned = true",
            "expected keys or insecure_unsigned = true, found both",
        ),
        (&format!("{kollus}description = '{}'", "x".repeat(101)), "at most 100 characters"),
        (&format!("{kollus}on.live_play = 'ftp://x/y'"), "expected a valid URL"),
        (&format!("{kollus}on.live_play = 'http://user:pw@x/y'"), "expected a valid URL"),
        (
            &format!("{kollus}on.live_play = {{ on_failure = {{ result = 2 }} }}"),
            "expected `result` to be from 0 to 1",
        ),
        (
            &format!("{kollus}on.live_play = {{ reply = {{ vmchek = 0 }} }}"),
            "expected a declared reply field, found `vmchek`",
        ),
        (
            &format!("{kollus}on.live_play = {{ answer = {{ result = 1 }}, url = 'http://x/' }}"),
            "expected a url or an answer, found both",
        ),
        (&format!("{kollus}on.live_play = {{ timeout_ms = 0 }}"), "from 1 to 600000, found 0"),
        (
            &format!("{kollus}on.live_play = {{ forward = 'xml' }}"),
            "expected a known format, found \"xml\"",
        ),
        (&format!("{kollus}on.live_play = 'http://127.0.0.1:99999/x'"), "expected a valid URL"),
        (
            &format!("{kollus}settings.grace_secs = 1"),
            "settings.grace_secs: expected a known setting, found \"grace_secs\"; use one of these settings: `custom_key`",
        ),
        (
            "name = 'a'\nprovider = 'tencent-css'\nkeys = [{ env = 'KEY' }]\non.push = { on_failure = { code = 1 } }",
            "expected a decision, found a notification",
        ),
        (
            "name = 'a'\nprovider = 'tencent-css'\nkeys = [{ env = 'KEY' }]\nsettings.grace_secs = -1",
            "from 0 to 86400, found -1",
        ),
        (
            "name = 'a'\nprovider = 'tencent-css'\nkeys = [{ env = 'KEY' }]\nsettings.graec = 1",
            "expected a known setting, found \"graec\"; did you mean `grace`? use one of these settings: `grace`",
        ),
    ];
    for (template, expected) in cases {
        let faults = errors(&with(template));
        assert!(
            faults.iter().any(|fault| fault.contains(expected)),
            "{template}: expected {expected}, found {faults:#?}"
        );
        assert_eq!(faults.len(), 1, "{template}\n{faults:#?}");
    }
}

#[test]
fn reports_two_templates_with_the_same_name_or_tenant() {
    let one = "name = 'a'\nprovider = 'kollus'\nbind = ['c']\n[[template]]\n";
    let faults = errors(&with(&format!("{one}name = 'a'\nprovider = 'kollus'\nbind = ['c', '*']")));
    assert_eq!(faults.len(), 2, "{faults:#?}");
    assert!(faults[0].contains("expected an unused name, found \"a\""));
    assert!(faults[1].contains("expected an unbound tenant, found a tenant of `a`"));
    // Templates of different providers may bind the same tenant.
    let other_provider =
        "name = 'b'\nprovider = 'tencent-css'\nkeys = [{ env = 'KEY' }]\nbind = ['c']";
    build(&with(&format!("{one}{other_provider}"))).unwrap();
}

#[test]
fn reports_invalid_routes() {
    let cases = [
        ("path = '/a'\nprovider = 'kollus'\ntoken = { env = 'KEY' }", "expected a {token}"),
        ("path = '/a/{token}'\nprovider = 'kollus'", "expected a token for the {token}"),
        ("path = '/a/{token}'\nprovider = 'kollus'\ntoken = 'a/b'", "a valid path segment"),
        ("path = '/a/{token}'\nprovider = 'kollus'\ntoken = '..'", "a valid path segment"),
        (
            "path = '/a/x{token}'\nprovider = 'kollus'\ntoken = 'x'",
            "a path that all servers read in the same way",
        ),
        (
            "path = '/a/{other}'\nprovider = 'kollus'",
            "a path that all servers read in the same way",
        ),
        (
            "path = '/a'\nprovider = 'kollus'\nkind = 'push'",
            "expected a known kind, found \"push\"",
        ),
        (
            "path = '/a'\nprovider = 'kollus'\ntemplate = 'x'",
            "found \"x\"; add a [[template]] with this name",
        ),
        (
            "path = '/a'\nprovider = 'kollus'\nmax_body_bytes = 16777217",
            "1 to 16777216, found 16777217",
        ),
        (
            "path = '/a'\nprovider = 'kollus'\n[[route]]\npath = '/a'\nprovider = 'kollus'",
            "expected an unused path, found the path of the route /a; choose another path",
        ),
        (
            "path = '/a'\nprovider = 'kollus'\n[[route]]\npath = '/A'\nprovider = 'kollus'",
            "expected an unused path, found the path of the route /a; choose another path",
        ),
        (
            "path = '/a'\nprovider = 'kollus'\n[[route]]\npath = '/a/'\nprovider = 'kollus'",
            "found the path of the route /a; choose another path; case and a slash at the end make",
        ),
        ("path = '/a//'\nprovider = 'kollus'", "a path that all servers read in the same way"),
    ];
    for (route, expected) in cases {
        let faults = errors(&format!("[[route]]\n{route}"));
        assert!(
            faults.iter().any(|fault| fault.contains(expected)),
            "{route}: expected {expected}, found {faults:#?}"
        );
    }
    assert!(errors("")[0].contains("expected at least one route"));
}

#[test]
fn reports_invalid_query_of_route() {
    let cases = [
        (
            "path = '/a'\nprovider = 'kollus'\nquery = { c = 'x' }\n[[route]]\npath = '/a'\nprovider = 'kollus'",
            "expected an unused path, found the path of the route /a?c=x; choose another path, or give each route on the path a `query`",
        ),
        (
            "path = '/a'\nprovider = 'kollus'\n[[route]]\npath = '/a'\nquery = { c = 'x' }\nprovider = 'kollus'",
            "found the path of the route /a; choose another path, or give each route on the path a `query`",
        ),
        ("path = '/a'\nprovider = 'kollus'\nquery = {}", "expected a parameter, found none; write"),
        ("path = '/a'\nprovider = 'kollus'\nquery = 'c=x'", "expected a table, found a string"),
        (
            "path = '/a'\nprovider = 'kollus'\nquery = { c = 1 }",
            "expected a string, found a whole number",
        ),
        (
            "path = '/a'\nprovider = 'kollus'\nquery = { c = ['x'] }",
            "expected a string, found a list; write one value in quotes",
        ),
        (
            "path = '/a'\nprovider = 'kollus'\nquery = { c = 'a b' }",
            "a value of letters, digits, -, ., _, ~ and /",
        ),
        (
            "path = '/a'\nprovider = 'kollus'\nquery = { 'c[]' = 'x' }",
            "expected a parameter name of letters",
        ),
        (
            "path = '/a'\nprovider = 'kollus'\nquery = { _ = 'x' }",
            "expected a parameter name of letters",
        ),
    ];
    for (route, expected) in cases {
        let faults = errors(&format!("[[route]]\n{route}"));
        assert!(
            faults.iter().any(|fault| fault.contains(expected)),
            "{route}: expected {expected}, found {faults:#?}"
        );
    }
}

#[test]
fn fault_never_shows_secret() {
    let config = with(
        "name = 'a'\nprovider = 'tencent-css'\nkeys = ['hunter2', { env = 'KEY', hunter3 = 1 }]\nkey = 'hunter4'\n",
    );
    let shown = errors(&config).join("\n");
    for secret in ["hunter2", "hunter4", "s3cret-key"] {
        assert!(!shown.contains(secret), "expected no secret, found {shown}");
    }
}

#[test]
fn reports_invalid_networks_and_rate_limits() {
    let route =
        |keys: &str| with(TEMPLATE).replacen("[[template]]", &format!("{keys}\n[[template]]"), 1);
    let network = "\"; write an address or a network, for example \"192.0.2.0/24\"";
    let rate = "expected a number from 1 to 1000000, found 0; write a number from 1 to 1000000";
    for (config, expected) in [
        (format!("trusted_proxies = ['10.0.0.0/33']\n{}", with(TEMPLATE)), network),
        (format!("trusted_proxies = 'app.test'\n{}", with(TEMPLATE)), network),
        (route("allow = ['::ffff:10.0.0.0/104']"), network),
        (
            route("allow = []"),
            "allow: expected a network, found none; list the platform's networks",
        ),
        (route("limit = { burst = 1 }"), "limit: expected `per_second`, found none; add per"),
        (route("limit = { per_second = 0 }"), rate),
        (route("source_limit = { per_second = 1, burst = 0 }"), rate),
        (
            route("limit = { per_second = 1, shared = true }"),
            "expected a [store] for a shared limit",
        ),
        (route("source_limit = { per_second = 1, shared = true }"), "found \"shared\""),
        (route("source_limit = { per_minute = 1, per_second = 1 }"), "found \"per_minute\""),
        (route("limit = 5"), "expected a table, found a whole number; write a table"),
    ] {
        let faults = errors(&config);
        assert_eq!(faults.len(), 1, "{config}\n{faults:#?}");
        assert!(faults[0].contains(expected), "{config}: expected {expected}, found {faults:#?}");
    }
}

#[test]
fn resolves_paths_in_config_text_against_folder_of_given_file() {
    let folder = std::env::temp_dir().join(format!("gatepost-text-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("tencent.key"), "test\n").unwrap();
    let text = "[[route]]\npath = '/t'\nprovider = 'tencent-css'\n[[template]]\nname = 'a'\n\
                provider = 'tencent-css'\nkeys = [{ file = 'tencent.key' }]\nbind = ['*']\n";
    let path = folder.join("gatepost.toml");
    let good = Config::from_text(text, &path);
    let bad = Config::from_text(&text.replace("tencent.key", "no.key"), &path);
    std::fs::remove_dir_all(&folder).unwrap();
    assert_eq!(good.unwrap().templates().count(), 1);
    let fault = bad.unwrap_err().to_string();
    assert!(
        fault.starts_with(&format!("{}:7:18: template[0].keys[0].file:", path.display())),
        "expected a fault at 7:18 of the config file, found {fault}"
    );
}

#[test]
fn shows_declared_settings_that_are_not_secret() {
    let text = "[[route]]\npath = '/k'\nprovider = 'kollus'\n[[template]]\nname = 'a'\n\
                provider = 'kollus'\nbind = ['*']\n";
    let config = Config::from_text(text, "gatepost.toml").unwrap();
    let template = config.templates().next().unwrap();
    assert!(template.shows_setting("live_play_reply"));
    for hidden in ["security_key", "custom_key", "no_such_setting"] {
        assert!(!template.shows_setting(hidden), "expected a hidden {hidden}, found it shown");
    }
}

#[test]
fn reads_secret_from_file_next_to_config() {
    let folder = std::env::temp_dir().join(format!("gatepost-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("tencent.key"), "test\n").unwrap();
    let template =
        "name = 'a'\nprovider = 'tencent-css'\nkeys = [{ file = 'tencent.key' }]\nbind = ['*']";
    std::fs::write(folder.join("gatepost.toml"), with(template)).unwrap();
    let gate = Gate::builder().file(folder.join("gatepost.toml")).variable("KEY", "k").build();
    std::fs::remove_dir_all(&folder).unwrap();

    let vectors = crate::vectors::all();
    let push = vectors.iter().find(|v| v.name == "tencent-css/push_published").unwrap();
    let request = crate::core::Request::of(push);
    let judged =
        crate::core::judge(&gate.unwrap(), &request.head(), &push.body, 4096, push.case.now);
    assert_eq!(judged.unwrap().event().kind(), "push");
}

const SIGNING: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

#[test]
fn accepts_only_signing_secrets_of_standard_webhooks() {
    let config = |written: &str| format!("signing_secret = {written}\n{}", with(TEMPLATE));
    for good in [format!("'{SIGNING}'"), format!("['{SIGNING}', '{SIGNING}']")] {
        build(&config(&good)).unwrap();
    }
    let cases = [
        ("'hunter2'", "1:18: signing_secret: expected whsec_ followed"),
        ("['whsec_aHVudGVyMg==']", "1:19: signing_secret[0]: expected whsec_ followed"),
        ("{ env = 'KEY' }", "create a secret: echo \"whsec_$(openssl rand -base64 32)\""),
        ("[]", "1:1: signing_secret: expected at least one secret, found an empty list"),
        ("{ env = 'NOT_SET' }", "`NOT_SET`, found none"),
        ("1", "found a whole number"),
    ];
    for (written, expected) in cases {
        let faults = errors(&config(written));
        assert_eq!(faults.len(), 1, "{written}\n{faults:#?}");
        assert!(faults[0].contains(expected), "{written}: expected {expected}, found {faults:#?}");
        assert!(
            !faults[0].contains("hunter2") && !faults[0].contains("aHVu"),
            "expected no secret, found {faults:#?}"
        );
    }
    let faults = errors(&with(&format!("{TEMPLATE}signing_secret = 'hunter2'")));
    assert!(
        faults[0].contains("template[0].signing_secret: expected whsec_"),
        "expected a fault about the form of the secret, found {faults:#?}"
    );
}

#[test]
fn checks_optional_signed_time_only_if_template_sets_limit() {
    let config = |settings: &str| {
        format!(
            "[[route]]\npath = '/cb'\nprovider = 'ovenmediaengine'\n[[template]]\nname = 'a'\n\
             provider = 'ovenmediaengine'\nkeys = [{{ env = 'KEY' }}]\nbind = ['*']\n{settings}"
        )
    };
    // The header below has the signature of this body with the key `s3cret-key`.
    let body = r#"{"request":{"direction":"incoming","status":"closing","time":"2026-11-22T09:10:00.456+00:00"}}"#;
    let mut headers = HeaderMap::new();
    headers.insert("x-ome-signature", HeaderValue::from_static("UH9LCO2LwHR0TsT7sWYfjWx4KKo"));
    let uri = Uri::from_static("/cb");
    let judge = |settings: &str, now: i64| {
        let gate = build(&config(settings)).unwrap();
        let head = Head::new(&Method::POST, &uri, &headers);
        let judged = crate::core::judge(&gate, &head, body.as_bytes(), 4096, now);
        judged.map_or_else(|refusal| refusal.kind().as_str(), |_| "accepted")
    };
    let sent = 1_795_338_600;
    for (settings, now, expected) in [
        ("", sent + 1_000_000, "accepted"),
        ("settings.max_age_secs = 60", sent + 60, "accepted"),
        ("settings.max_age_secs = 60", sent + 61, "timestamp_expired"),
        ("settings.max_ahead_secs = 5", sent - 6, "timestamp_too_far_ahead"),
    ] {
        assert_eq!(judge(settings, now), expected, "{settings} {now}");
    }
}

#[test]
fn reports_cors_origin_in_a_form_that_no_browser_sends() {
    let route =
        |origins: &str| format!("[[route]]\npath = '/k'\nprovider = 'srs'\ncors = {origins}\n");
    let faults = errors(&route("['https://a.example', 'https://b.example/', 'https://B.example']"));
    let remedy = "write scheme, host and port in lower case, without the default port and without \
                  a path, for example \"https://player.example.com\"";
    let fault = |column, at, found| {
        format!("4:{column}: route[0].cors[{at}]: expected an origin, found \"{found}\"; {remedy}")
    };
    assert_eq!(faults, [fault(30, 1, "https://b.example/"), fault(52, 2, "https://B.example")]);
    assert!(build(&route("'*'")).is_ok());
}
