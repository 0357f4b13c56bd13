//! Tests of config faults and warnings, in the form that an operator reads.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use gatepost::{
    AdminAddress, Capture, Config, ConfigError, FaultKind, Gate, Head, LogCallbacks, TlsVersion,
};
use http::{HeaderMap, HeaderValue, Method, Uri};

pub(crate) fn errors(config: &str) -> Vec<String> {
    let error = Gate::builder().toml(config).variable("KEY", "s3cret-key").build().unwrap_err();
    error.to_string().lines().map(|line| line.strip_prefix("config:").unwrap().to_owned()).collect()
}

pub(crate) fn build(config: &str) -> Result<Gate, ConfigError> {
    Gate::builder().toml(config).variable("KEY", "s3cret-key").build()
}

const ROUTES: &str = "
[[route]]
path = '/callbacks/kollus/{token}'
provider = 'kollus'
token = { env = 'KEY' }
[[route]]
path = '/callbacks/tencent'
provider = 'tencent-css'
";

/// A template without faults and warnings.
const TEMPLATE: &str =
    "name = 'a'\nprovider = 'tencent-css'\nkeys = [{ env = 'KEY' }]\nbind = ['*']\n";

fn with(template: &str) -> String {
    format!("{ROUTES}[[template]]\n{template}")
}

/// Returns the warnings, except the warnings that a route of [`ROUTES`] has no template and a short
/// token.
fn other_warnings(gate: &Gate) -> Vec<String> {
    let warnings = gate.warnings().iter().map(ToString::to_string).collect::<Vec<_>>();
    let is_other = |warning: &String| {
        !warning.contains("without a template") && !warning.contains("can guess this token")
    };
    warnings.into_iter().filter(is_other).collect()
}

#[test]
fn reports_addresses_that_no_server_can_have() {
    let route = "\n[[route]]\npath = '/a'\nprovider = 'mux'\n";
    for (text, start) in [
        ("upstream = []", "1:1: upstream: expected an address, found none; write an address"),
        (
            "upstream = ['http://a', 'http://a']",
            "1:25: upstream[1]: expected each address once, found an address twice",
        ),
        (
            "upstream = 'unix:app.sock'",
            "1:12: upstream: expected a Unix socket, found no absolute path of a socket; write unix:/run/app.sock",
        ),
        (
            "upstream = 'unix:/a.sock:/x'",
            "1:12: upstream: expected no path in this address, found a path",
        ),
        (
            "upstream = 'unix:/a.sock:x'",
            "1:12: upstream: expected a Unix socket, found no path of requests",
        ),
        (
            "upstream = ['http://a', 'b']",
            "1:25: upstream[1]: expected a valid URL, found no http://",
        ),
        (
            "health_path = 'healthz'",
            "1:15: health_path: expected a path, found another text; write a path",
        ),
    ] {
        let faults = errors(&format!("{text}{route}"));
        assert!(
            faults.len() == 1 && faults[0].starts_with(start),
            "expected {start}, found {faults:?}"
        );
    }
    let long = format!("upstream = 'unix:/{}'{route}", "x".repeat(107));
    assert!(errors(&long)[0].contains("more than 107 bytes"));
}

#[test]
fn reserves_addresses_on_each_server_of_the_upstream() {
    let config = |upstream: &str| -> Config {
        let text = format!(
            "listen = ':8080'\nupstream = {upstream}\n[[route]]\npath = '/a'\nprovider = 'mux'\n\
             [[template]]\nname = 'm'\nprovider = 'mux'\nbind = '*'\ninsecure_unsigned = true\n\
             on.'*' = ['http://one/x', 'unix:/run/two.sock:/y', 'http://three/z']\n"
        );
        text.parse().unwrap()
    };
    let reserved = |upstream: &str| {
        let paths: Vec<_> = config(upstream).reserved_paths().collect();
        ["/x", "/y", "/z"].map(|path| paths.iter().any(|own| own.starts_with(path)))
    };
    assert_eq!(reserved("['http://one', 'unix:/run/two.sock']"), [true, true, false]);
    assert_eq!(reserved("'unix:/run/other.sock'"), [false; 3]);
}

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
        "6:8: route[0].path: expected a path with one spelling, found \"/callbacks//tencent\"; remove %, ;, //",
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
fn refuses_invalid_templates() {
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
            "`NOT_SET` is not set",
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
fn refuses_two_templates_with_the_same_name_or_tenant() {
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
fn refuses_invalid_routes() {
    let cases = [
        ("path = '/a'\nprovider = 'kollus'\ntoken = { env = 'KEY' }", "expected a {token}"),
        ("path = '/a/{token}'\nprovider = 'kollus'", "expected a token for the {token}"),
        ("path = '/a/{token}'\nprovider = 'kollus'\ntoken = 'a/b'", "a valid path segment"),
        ("path = '/a/{token}'\nprovider = 'kollus'\ntoken = '..'", "a valid path segment"),
        ("path = '/a/x{token}'\nprovider = 'kollus'\ntoken = 'x'", "a path with one spelling"),
        ("path = '/a/{other}'\nprovider = 'kollus'", "a path with one spelling"),
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
        ("path = '/a//'\nprovider = 'kollus'", "a path with one spelling"),
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
fn refuses_invalid_query_of_route() {
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
        ("path = '/a'\nprovider = 'kollus'\nquery = { c = 'a b' }", "a value with one spelling"),
        (
            "path = '/a'\nprovider = 'kollus'\nquery = { 'c[]' = 'x' }",
            "expected a parameter's name",
        ),
        ("path = '/a'\nprovider = 'kollus'\nquery = { _ = 'x' }", "expected a parameter's name"),
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
fn warns_of_insecure_or_unused_settings() {
    let gate = build(
        "[[route]]
path = '/kollus'
provider = 'kollus'
[[template]]
name = 'a'
provider = 'kollus'
[[template]]
name = 'b'
provider = 'tencent-css'
keys = ['hunter2']
bind = ['d']
",
    )
    .unwrap();
    let warnings: Vec<_> = gate.warnings().iter().map(ToString::to_string).collect();
    let expected = [
        "1:1: route[0]: Kollus does not sign, and the path has no secret segment",
        "4:1: template[0]: gatepost cannot sign the replies to `vod_play`, `drm`; set the platform's keys",
        "4:1: template[0]: no tenant is bound to this template",
        "9:1: template[1].provider: no route receives callbacks of Tencent Cloud CSS",
        "10:9: template[1].keys[0]: expected a source, found a literal secret",
        "10:9: template[1].keys[0]: attackers can guess this key",
    ];
    assert_eq!(warnings.len(), expected.len(), "{warnings:#?}");
    for (warning, start) in warnings.iter().zip(expected) {
        assert!(warning.starts_with(start), "expected {start}, found {warning}");
        assert!(!warning.contains("hunter2"));
    }
}

#[test]
fn accepts_example_without_warnings() {
    let text = std::fs::read_to_string("tests/it/example.toml").unwrap();
    let gate = Gate::builder()
        .toml(text)
        .variable("KOLLUS_PATH_TOKEN", "a-token-of-24-letters-xy")
        .variable("TENCENT_KEY", "current-key")
        .variable("TENCENT_OLD_KEY", "previous-key")
        .build()
        .unwrap();
    // The example binds single tenants.
    let warnings = gate.warnings();
    let others: Vec<_> =
        warnings.iter().filter(|warning| warning.kind() != FaultKind::TenantUnnamed).collect();
    assert!(others.is_empty(), "expected no other warnings, found {others:?}");
    assert_eq!(gate.proxy_settings().threads.unwrap().get(), 2);
    assert_eq!(gate.proxy_settings().upstream_idle.as_millis(), 4000);
}

#[test]
fn refuses_invalid_proxy_settings() {
    let template = "[[template]]\nname = 'a'\nprovider = 'kollus'\nbind = ['*']\n";
    let cases = [
        (
            "listen = ['127.0.0.1:1', '127.0.0.1:1']\nupstream = 'http://x'",
            "expected an unused address, found 127.0.0.1:1 twice",
        ),
        (
            "listen = '127.0.0.1:1'\nadmin = '127.0.0.1:1'\nupstream = 'http://x'",
            "expected an unused address, found 127.0.0.1:1 twice",
        ),
        ("listen = '127.0.0.1:1'\nupstream = 'http://127.0.0.1:99999'", "expected a valid URL"),
        ("listen = '127.0.0.1:1'", "expected an address for each kind"),
        ("upstream = 'http://x'\nupstream_idle_ms = 0", "expected a number from 1 to 3600000"),
        ("upstream = 'http://x'\nupstream_idle_ms = '4s'", "upstream_idle_ms: expected"),
        ("listen = '0.0.0.0:81'\nupstream = 'http://localhost:81'", "the proxy's address"),
        ("max_connections = 0", "expected a number from 1 to 1000000, found 0"),
        (
            "max_unjudged_bytes = 65536",
            "expected a number from 1048576 to 1099511627776, found 65536",
        ),
    ];
    for (top, expected) in cases {
        let faults = errors(&format!("{top}\n{ROUTES}{template}"));
        assert_eq!(faults.len(), 1, "{top}\n{faults:#?}");
        assert!(faults[0].contains(expected), "{top}: expected {expected}, found {faults:#?}");
    }
    build(&format!("listen = '[::]:1'\nupstream = 'http://[::1]:80'\n{ROUTES}{template}")).unwrap();
}

#[test]
fn warns_if_longest_body_exceeds_memory_for_unjudged_requests() {
    let warns = |top: &str| {
        let config = format!("{top}\n{}", with("name = 'a'\nprovider = 'kollus'\nbind = ['*']"));
        let gate = build(&config).unwrap();
        gate.warnings().iter().any(|warning| warning.to_string().contains("at least 33554432"))
    };
    assert!(warns("max_body_bytes = 16777216\nmax_unjudged_bytes = 33554431"));
    assert!(!warns("max_body_bytes = 16777216\nmax_unjudged_bytes = 33554432"));
    assert!(!warns("max_body_bytes = 16777216"));
}

#[test]
fn warns_if_clients_can_reach_app_address_through_upstream() {
    let warns = |upstream: &str, url: &str| {
        let template =
            format!("name = 'a'\nprovider = 'kollus'\nbind = ['*']\non.live_play = '{url}'");
        let config =
            format!("listen = '127.0.0.1:1'\nupstream = '{upstream}'\n{}", with(&template));
        let gate = build(&config).unwrap();
        gate.warnings().iter().any(|warning| warning.problem().contains("clients can reach"))
    };
    assert!(warns("http://127.0.0.1:3000", "http://localhost:3000/"));
    assert!(warns("http://app:80", "http://APP/index.php?r=play"));
    assert!(warns("http://app:80", "http://app/index.php"));
    assert!(!warns("http://app:80", "http://app/ev/index.php"));
    assert!(!warns("http://127.0.0.1:3000", "http://127.0.0.1:3001/"));
    assert!(!warns("http://127.0.0.1:3000", "http://127.0.0.1:3000/kollus/play"));
}

/// Returns a config with this upstream, and with `entry` for `live_play` in a template of Kollus.
fn proxy_to(upstream: &str, entry: &str) -> Config {
    let text = format!(
        "listen = '127.0.0.1:1'\nupstream = '{upstream}'\n\
         [[route]]\npath = '/cb'\nprovider = 'kollus'\n\
         [[template]]\nname = 'a'\nprovider = 'kollus'\nbind = ['*']\non.live_play = {entry}\n"
    );
    Config::from_text(&text, "gatepost.toml")
        .unwrap_or_else(|error| panic!("{entry}: expected a config, found {error}"))
}

#[test]
fn reserves_address_under_every_name_of_upstream_host() {
    let is_reserved = |upstream: &str, host: &str| {
        let config = proxy_to(upstream, &format!("'http://{host}:3000/kollus/play'"));
        let is_reserved = config.reserved_paths().any(|path| path == "/kollus/play/*");
        let warns = config.warnings().iter().any(|w| w.to_string().contains("is not reserved"));
        assert_ne!(is_reserved, warns, "{upstream} and {host}: {:?}", config.warnings());
        is_reserved
    };
    for host in [
        "0.0.0.0",
        "127.1",
        "127.0.0.2",
        "localhost.",
        "LOCALHOST",
        "[::1]",
        "[::]",
        "2130706433",
        "[::ffff:127.0.0.1]",
        "0x7f000001",
        "app.localhost",
    ] {
        assert!(is_reserved("http://127.0.0.1:3000", host), "{host}");
        assert!(is_reserved("http://localhost:3000", host), "{host}");
    }
    assert!(is_reserved("http://app.test:3000", "APP.test."));
    assert!(is_reserved("http://10.0.0.1:3000", "10.1"));
    assert!(!is_reserved("http://127.0.0.1:3000", "app.test"));
    assert!(!is_reserved("http://app.test:3000", "127.0.0.1"));
    let elsewhere = proxy_to("http://127.0.0.1:3000", "'http://app.test:3001/kollus/play'");
    assert!(elsewhere.warnings().iter().all(|w| !w.to_string().contains("reserved")));
}

#[test]
fn key_reserve_selects_reserved_paths() {
    let reserved = |entry: &str| {
        let config = proxy_to("http://127.0.0.1:3000", entry);
        config
            .reserved_paths()
            .filter(|path| !path.starts_with("/cb"))
            .collect::<Vec<_>>()
            .join(" ")
    };
    let url = "url = 'http://127.0.0.1:3000/Live/push.php'";
    assert_eq!(reserved(&format!("{{ {url} }}")), "/live/push/*");
    assert_eq!(reserved(&format!("{{ {url}, reserve = 'subtree' }}")), "/live/push/*");
    assert_eq!(reserved(&format!("{{ {url}, reserve = 'exact' }}")), "/live/push.php");
    assert_eq!(reserved("'http://127.0.0.1:3000/ev/index.php'"), "/ev/*");
    assert_eq!(reserved("'http://127.0.0.1:3000/index.php'"), "/index.php");
    assert_eq!(reserved("'http://127.0.0.1:3000/'"), "");
    for (entry, expected) in [
        (
            "{ url = 'http://a/b', reserve = 'all' }",
            "expected a known reservation, found \"all\"; use one of these reservations: `exact`, `subtree`",
        ),
        ("{ reserve = 'exact' }", "expected a url beside reserve, found none; set a url"),
    ] {
        let template =
            format!("name = 'a'\nprovider = 'kollus'\nbind = ['*']\non.live_play = {entry}");
        let faults = errors(&with(&template));
        assert!(faults[0].contains(expected), "{entry}: {faults:#?}");
    }
}

#[test]
fn route_reserves_subtree_unless_reserve_is_exact_or_mode_is_shadow() {
    let reserved = |keys: &str| {
        let text = format!("[[route]]\npath = '/Hook'\nprovider = 'tencent-css'\n{keys}");
        let config = Config::from_text(&text, "gatepost.toml").unwrap();
        config.reserved_paths().collect::<Vec<_>>()
    };
    assert_eq!(reserved(""), ["/hook/*"]);
    assert!(reserved("reserve = 'exact'").is_empty());
    assert!(reserved("mode = 'shadow'").is_empty());
}

#[test]
fn refuses_address_with_dot_segments() {
    for path in
        ["/x/../live/push", "/./push", "/push/..", "/x/%2e%2e/push", "/x/..;a/push", "/x/%2E"]
    {
        let template = format!(
            "name = 'a'\nprovider = 'kollus'\nbind = ['*']\non.live_play = 'http://a{path}'"
        );
        let faults = errors(&with(&template));
        let expected = "expected a path without the segments . and .., found one of them; write";
        assert!(faults[0].contains(expected), "{path}: {faults:#?}");
    }
    for path in ["/..x/push", "/a.b/c", "/...", "/x?y=/../z"] {
        let entry = format!("'http://127.0.0.1:3000{path}'");
        let _accepted = proxy_to("http://127.0.0.1:3000", &entry);
    }
}

#[test]
fn refuses_invalid_networks_and_rate_limits() {
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
        (route("source_limit = { per_minute = 1, per_second = 1 }"), "found \"per_minute\""),
        (route("limit = 5"), "expected a table, found a whole number; write a table"),
    ] {
        let faults = errors(&config);
        assert_eq!(faults.len(), 1, "{config}\n{faults:#?}");
        assert!(faults[0].contains(expected), "{config}: expected {expected}, found {faults:#?}");
    }
}

#[test]
fn warns_of_networks_that_contain_every_address() {
    let warnings = |top: &str, keys: &str| {
        let config = with(TEMPLATE).replacen("[[template]]", &format!("{keys}\n[[template]]"), 1);
        other_warnings(&build(&format!("{top}\n{config}")).unwrap()).join("\n")
    };
    let all_may_call = "allow[1]: the network contains every address: every client may send";
    assert!(warnings("", "allow = ['10.0.0.1', '0.0.0.0/0']").contains(all_may_call));
    let all_may_claim =
        "trusted_proxies: the network contains every address: any client can claim any address";
    assert!(warnings("trusted_proxies = '::/0'", "").contains(all_may_claim));
    assert!(warnings("", "allow = '10.1.2.3/8'").contains("write 10.0.0.0/8"));
    let listen = "listen = '0.0.0.0:1'\nupstream = 'http://x'\nproxy_protocol = true";
    let claim = "proxy_protocol: any client can claim any address; list the proxies";
    assert!(warnings(listen, "").contains(claim));
    assert_eq!(warnings(&format!("{listen}\ntrusted_proxies = ['10.0.0.0/8', '::1']"), ""), "");
    assert_eq!(warnings(&listen.replace("0.0.0.0", "127.0.0.1"), "allow = '10.0.0.0/8'"), "");
}

#[test]
fn compares_admin_token_and_never_shows_it() {
    let config =
        format!("admin = '127.0.0.1:1'\nadmin_token = {{ env = 'KEY' }}\n{}", with(TEMPLATE));
    let build = |key: &str| Gate::builder().toml(&*config).variable("KEY", key).build();
    let gate = build("s3cret-key").unwrap();
    let token = gate.proxy_settings().admin_token.unwrap();
    assert!(token.matches(b"s3cret-key"));
    assert!(!token.matches(b"s3cret-kez"));
    assert_eq!(format!("{token:?}"), "AdminToken([redacted])");
    assert_eq!(other_warnings(&gate), [""; 0]);
    assert!(!format!("{gate:?}").contains("s3cret-key"));
    for unfit in ["a b", "b\u{e9}"] {
        let faults = build(unfit).unwrap_err().to_string();
        assert!(faults.contains("admin_token: expected a token of printable ASCII"), "{faults}");
    }
}

#[test]
fn reads_names_of_admin_listener() {
    let settings = |hosts: &str| {
        let top = format!("admin_hosts = {hosts}\nkey_dirs = ['keys', '/etc/gatepost']");
        build(&format!("{top}\n{}", with(TEMPLATE))).map(|gate| gate.proxy_settings())
    };
    let read = settings("['Gate.Example.com.', 'ops']").unwrap();
    assert_eq!(read.admin_hosts, ["gate.example.com", "ops"]);
    assert_eq!(read.key_dirs, [Path::new("keys"), Path::new("/etc/gatepost")]);
    for wrong in ["https://a", "a:80", "a/b", "*.a", "", "a..b", "ä", "a b", "."] {
        let fault = settings(&format!("['{wrong}']")).unwrap_err().to_string();
        assert!(fault.contains("admin_hosts[0]: expected a host name"), "{wrong}: {fault}");
    }
}

#[test]
fn reads_settings_of_log_and_traces() {
    let settings = |top: &str| {
        let gate = build(&format!("{top}\n{}", with(TEMPLATE)));
        gate.map(|gate| gate.proxy_settings().telemetry).map_err(|fault| fault.to_string())
    };
    let default = settings("").unwrap();
    assert_eq!(default.log_callbacks, LogCallbacks::Refused);
    assert!(default.access_log.is_none() && default.otlp.is_none());
    let read = settings(
        "log_callbacks = 'all'\n[telemetry]\naccess_log = { file = 'a.log', sample = 0.25 }\n\
         otlp = 'http://127.0.0.1:4318'",
    )
    .unwrap();
    assert_eq!(read.log_callbacks, LogCallbacks::All);
    let log = read.access_log.unwrap();
    assert_eq!((log.file.as_path(), log.sample), (Path::new("a.log"), 0.25));
    assert_eq!(read.otlp.unwrap().port_u16(), Some(4318));
    for (wrong, fault) in [
        ("log_callbacks = 'some'", "log_callbacks: expected a known value, found \"some\""),
        ("log_callbacks = true", "log_callbacks: expected a string"),
        ("telemetry = 1", "telemetry: expected a table"),
        ("[telemetry]\naccess_log = {}", "telemetry.access_log: expected `file`, found none"),
        (
            "[telemetry]\naccess_log = { file = 'a', sample = 2 }",
            "sample: expected a number from 0 to 1",
        ),
        (
            "[telemetry]\naccess_log = { file = 'a', sample = nan }",
            "sample: expected a number from 0 to 1",
        ),
        (
            "[telemetry]\naccess_log = { file = 'a', sample = 'x' }",
            "sample: expected a number from 0 to 1, found a string",
        ),
        ("[telemetry]\notlp = '127.0.0.1:4318'", "telemetry.otlp: expected a valid URL"),
        ("[telemetry]\notlp = 'http://x/v1/traces'", "telemetry.otlp: expected no path"),
        ("[telemetry]\ncolour = 1", "telemetry.colour: expected a known key"),
    ] {
        let found = settings(wrong).unwrap_err();
        assert!(found.contains(fault), "{wrong}: {found}");
    }
}

#[test]
fn reads_settings_of_inspector() {
    let settings = |top: &str| {
        let gate = build(&format!("{top}\n{}", with(TEMPLATE)));
        gate.map(|gate| gate.proxy_settings()).map_err(|fault| fault.to_string())
    };
    let inspector = |top: &str| settings(top).unwrap().inspector;
    let admin = "admin = '127.0.0.1:9900'";
    assert_eq!(inspector("").capture, Capture::None);
    assert_eq!(inspector("[inspector]\ncapture = 'full'").capture, Capture::None);
    for token in ["admin_token", "admin_read_token"] {
        let default = inspector(&format!("{admin}\n{token} = 's3cret'"));
        assert_eq!(default.capture, Capture::Masked);
        assert_eq!((default.keep.get(), default.max_bytes.get()), (1000, 16 << 20));
    }
    let read = format!(
        "{admin}\nadmin_token = 's3cret'\n\
         [inspector]\nkeep = 5\nmax_bytes = 1048576\ncapture = 'full'"
    );
    let read = settings(&read).unwrap();
    let inspector = read.inspector;
    assert_eq!((inspector.keep.get(), inspector.max_bytes.get()), (5, 1 << 20));
    assert_eq!(inspector.capture, Capture::Full);
    let other = settings(&format!("{admin}\nadmin_token = 's3cret'")).unwrap();
    assert!(!read.needs_restart(&other), "expected a reload to apply the settings");
    for (wrong, fault) in [
        ("keep = 0", "inspector.keep: expected a number from 1 to 100000"),
        ("max_bytes = 5", "inspector.max_bytes: expected a number from 1048576"),
        ("capture = 'some'", "inspector.capture: expected a known mode, found \"some\""),
        ("colour = 1", "inspector.colour: expected a known key"),
    ] {
        let found = settings(&format!("[inspector]\n{wrong}")).unwrap_err();
        assert!(found.contains(fault), "{wrong}: {found}");
    }
}

#[test]
fn only_log_callbacks_of_telemetry_changes_without_restart() {
    let settings =
        |top: &str| build(&format!("{top}\n{}", with(TEMPLATE))).unwrap().proxy_settings();
    let old = settings("");
    assert!(!old.needs_restart(&settings("log_callbacks = 'none'")));
    assert!(old.needs_restart(&settings("[telemetry]\naccess_log = { file = 'a' }")));
    assert!(old.needs_restart(&settings("[telemetry]\notlp = 'http://127.0.0.1:4318'")));
}

#[test]
fn warns_of_exposed_or_unused_admin_token() {
    let warnings = |top: &str| {
        let gate = build(&format!("{top}\n{}", with(TEMPLATE))).unwrap();
        gate.warnings().iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    };
    let reachable = "other machines can reach the admin API";
    assert!(warnings("admin = '0.0.0.0:1'\nadmin_token = { env = 'KEY' }").contains(reachable));
    for local in ["'[::1]:1'", "'127.0.0.1:1'"] {
        let top = format!("admin = {local}\nadmin_token = {{ env = 'KEY' }}");
        assert!(!warnings(&top).contains(reachable));
    }
    assert!(!warnings("admin = '0.0.0.0:1'").contains(reachable));
    assert!(warnings("admin_token = { env = 'KEY' }").contains("has no effect without `admin`"));
    assert!(warnings("admin_token = 'hunter2'").contains("found a literal secret"));
}

#[test]
fn resolves_paths_in_config_text_against_given_file() {
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
        "{fault}"
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
        assert!(!template.shows_setting(hidden), "expected {hidden} to be hidden");
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
        ("{ env = 'NOT_SET' }", "`NOT_SET` is not set"),
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
    assert!(faults[0].contains("template[0].signing_secret: expected whsec_"), "{faults:#?}");
}

#[test]
fn warns_of_shadow_mode_and_refuses_shadow_mode_without_upstream() {
    let shadow =
        ROUTES.replace("provider = 'tencent-css'", "provider = 'tencent-css'\nmode = 'shadow'");
    let gate = build(&format!("{shadow}[[template]]\n{TEMPLATE}")).unwrap();
    let warnings = other_warnings(&gate);
    assert_eq!(warnings.len(), 1, "{warnings:#?}");
    let expected =
        "9:8: route[1].mode: callbacks on this path reach the app unverified; write \"enforce\"";
    assert!(warnings[0].starts_with(expected), "expected {expected}, found {warnings:#?}");

    let without_upstream =
        format!("listen = '127.0.0.1:1'\n{shadow}[[template]]\n{TEMPLATE}on.push = 'http://a/b'");
    let faults = errors(&without_upstream);
    assert_eq!(faults.len(), 1, "{faults:#?}");
    assert!(faults[0].contains("route[1].mode: expected an upstream, found none"));
    // If there is an upstream, a template for shadow routes needs no address.
    build(&format!(
        "upstream = 'http://a'\nlisten = '127.0.0.1:1'\n{shadow}[[template]]\n{TEMPLATE}"
    ))
    .unwrap();

    let faults =
        errors(&with(TEMPLATE).replace(
            "provider = 'tencent-css'\n[[",
            "provider = 'tencent-css'\nmode = 'shade'\n[[",
        ));
    assert!(faults[0].contains("found \"shade\"; did you mean `shadow`?"), "{faults:#?}");
}

#[test]
fn warns_of_route_without_template() {
    let config = "[[route]]\npath = '/cb'\nprovider = 'mux'\n";
    let warnings = |config: &str| {
        build(config).unwrap().warnings().iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    let expected = "3:1: route[0].provider: gatepost refuses every callback of Mux without a \
                    template; add a [[template]] with provider = \"mux\"";
    assert_eq!(warnings(config), [expected]);
    let with_template =
        "[[template]]\nname = 'a'\nprovider = 'mux'\nkeys = [{ env = 'KEY' }]\nbind = ['*']\n";
    assert_eq!(warnings(&format!("{config}{with_template}")), [""; 0]);
}

#[test]
fn warns_of_key_that_attackers_can_guess() {
    let warnings = |key: &str| {
        let gate = Gate::builder().toml(with(TEMPLATE)).variable("KEY", key).build().unwrap();
        other_warnings(&gate)
    };
    for weak in ["a", "1234567", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"] {
        let found = warnings(weak);
        assert!(found.len() == 1 && found[0].contains("attackers can guess this key"), "{found:?}");
    }
    assert_eq!(warnings("12345678"), [""; 0]);
}

#[test]
fn checks_optional_signed_time_only_if_template_sets_limit() {
    let config = |settings: &str| {
        format!(
            "[[route]]\npath = '/cb'\nprovider = 'ovenmediaengine'\n[[template]]\nname = 'a'\n\
             provider = 'ovenmediaengine'\nkeys = [{{ env = 'KEY' }}]\nbind = ['*']\n{settings}"
        )
    };
    // Signed with the key `s3cret-key`.
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
fn origin_of_cors_has_the_form_that_browsers_send() {
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

const WITH_VARIABLES: &str = "
listen = [{ env = 'LISTEN' }, ':1']
upstream = { env = 'UP' }
threads = { env = 'THREADS' }

[[route]]
path = '/a'
provider = 'mux'

[[template]]
name = 'm'
provider = 'mux'
bind = '*'
insecure_unsigned = true

[template.on]
video = { url = [{ env = 'APP' }, 'http://b/e'], timeout_ms = { env = 'MS' } }
'*' = { env = 'APP' }
";

fn with_variables(values: &[(&str, &str)]) -> Result<Gate, ConfigError> {
    let config = WITH_VARIABLES.replace("video", "'video.asset.ready'");
    let builder = Gate::builder().toml(config);
    values.iter().fold(builder, |builder, (name, value)| builder.variable(*name, *value)).build()
}

const VALUES: [(&str, &str); 5] = [
    ("LISTEN", "localhost:8080"),
    ("UP", "http://10.0.0.1:3000\n"),
    ("THREADS", "3"),
    ("APP", "http://a/e"),
    ("MS", "700"),
];

#[test]
fn reads_strings_and_numbers_from_environment_variables() {
    let gate = with_variables(&VALUES).unwrap();
    let settings = gate.proxy_settings();
    assert_eq!(settings.listen[0].to_string(), "127.0.0.1:8080");
    assert_eq!(settings.upstream.unwrap().to_string(), "http://10.0.0.1:3000/");
    assert_eq!(settings.threads.unwrap().get(), 3);
    let circuits: Vec<_> = gate.circuits().into_iter().map(|own| own.address).collect();
    assert_eq!(circuits, ["http://a/e", "http://a/e, http://b/e"]);
}

#[test]
fn names_environment_variable_without_usable_value() {
    let error = with_variables(&VALUES[..4]).unwrap_err();
    let [fault] = error.faults() else { panic!("expected one fault, found {error}") };
    assert_eq!(fault.problem(), "the environment variable `MS` is not set");
    for (name, wrong, problem) in [
        (
            "THREADS",
            "s3cret",
            "expected a number from 1 to 1024, found another text in the environment variable `THREADS`",
        ),
        (
            "THREADS",
            "0",
            "expected a number from 1 to 1024, found another text in the environment variable `THREADS`",
        ),
        ("LISTEN", "s3cret", "expected an address to listen on, found no port"),
        ("UP", "s3cret", "expected a valid URL, found no http:// or https://"),
    ] {
        let values = VALUES.map(|(own, value)| (own, if own == name { wrong } else { value }));
        let error = with_variables(&values).unwrap_err();
        assert_eq!(error.faults()[0].problem(), problem);
        assert!(!error.to_string().contains("s3cret"), "{error}");
    }
}

/// Writes a config and PEM files to a folder, and returns the faults, or the config.
fn with_pem_files(keys: &str) -> Result<Config, Vec<String>> {
    let folder = tempfile::TempDir::new().unwrap();
    let path = folder.path().join("gatepost.toml");
    for name in ["chain.pem", "key.pem", "clients.pem"] {
        std::fs::write(folder.path().join(name), "-----BEGIN X-----\n").unwrap();
    }
    std::fs::write(folder.path().join("empty.pem"), "").unwrap();
    let route = "[[route]]\npath = '/hook'\nprovider = 'mux'";
    std::fs::write(&path, format!("{keys}\n{route}\n")).unwrap();
    let shown = path.display().to_string();
    let tail = |line: &str| line.strip_prefix(&format!("{shown}:")).unwrap().to_owned();
    Config::from_file(&path).map_err(|error| error.to_string().lines().map(tail).collect())
}

#[test]
fn reads_certificates_and_rules_of_tls() {
    let config = with_pem_files(
        "listen_tls = '0.0.0.0:8443'\nadmin = 'tls:127.0.0.1:9900'\n\
         [[certificate]]\nchain = 'chain.pem'\nkey = { file = 'key.pem' }\n\
         [tls]\nmin_version = '1.3'\nclient_ca = 'clients.pem'",
    )
    .unwrap();
    assert!(config.warnings().iter().all(|warning| warning.key().starts_with("route")));
    let settings = config.proxy();
    assert_eq!(settings.listen_tls, ["0.0.0.0:8443".parse().unwrap()]);
    assert_eq!(settings.admin, Some(AdminAddress::Tls("127.0.0.1:9900".parse().unwrap())));
    let tls = settings.tls.as_ref().unwrap();
    assert_eq!(tls.min_version, TlsVersion::Tls13);
    assert_eq!(tls.client_ca.as_ref().unwrap().name, Path::new("clients.pem"));
    let [certificate] = &*tls.certificates else { panic!("expected one certificate") };
    assert_eq!(*certificate.chain.content, *b"-----BEGIN X-----\n");
    assert_eq!(certificate.key.expose(), b"-----BEGIN X-----");
    assert!(format!("{tls:?}").contains("[redacted]"));
}

#[test]
fn reads_unix_socket_of_admin_relative_to_config() {
    let config = with_pem_files("admin = 'unix:run/admin.sock'").unwrap();
    let Some(AdminAddress::Unix(path)) = &config.proxy().admin else { panic!("expected a path") };
    assert!(path.is_absolute() && path.ends_with("run/admin.sock"), "{}", path.display());
}

#[test]
fn refuses_tls_without_usable_certificate() {
    let table = |lines: &str| format!("listen_tls = '127.0.0.1:8443'\n[[certificate]]\n{lines}");
    let key = "key = { file = 'key.pem' }";
    for (keys, expected) in [
        (
            "listen_tls = '127.0.0.1:8443'".to_owned(),
            "1:1: listen_tls: expected a certificate for TLS, found none; add [[certificate]]",
        ),
        (
            "admin = 'tls:127.0.0.1:9900'".to_owned(),
            "1:1: admin: expected a certificate for TLS, found none; add [[certificate]]",
        ),
        (
            "listen = '127.0.0.1:80'\nlisten_tls = '127.0.0.1:80'\n[[certificate]]\n\
             chain = 'chain.pem'\nkey = { file = 'key.pem' }"
                .to_owned(),
            "2:14: listen_tls: expected an unused address, found 127.0.0.1:80 twice; write",
        ),
        (
            "admin = 'unix:'".to_owned(),
            "1:9: admin: expected the path of a Unix socket, found \"unix:\"; ",
        ),
        (
            table(key),
            "2:1: certificate[0]: expected `chain`, found none; add chain = \"fullchain.pem\"",
        ),
        (
            table("chain = 'chain.pem'"),
            "2:1: certificate[0]: expected `key`, found none; add key = { file = \"privkey.pem\" }",
        ),
        (
            table(&format!("chain = 'absent.pem'\n{key}")),
            "3:9: certificate[0].chain: gatepost cannot read the file: entity not found; write the",
        ),
        (
            table("chain = 'chain.pem'\nkey = 'key.pem'"),
            "4:7: certificate[0].key: expected a source of the private key, found a string; write {",
        ),
        (
            table("chain = 'chain.pem'\nkey = { file = 'empty.pem' }"),
            "4:7: certificate[0].key: expected a secret, found an empty value; ",
        ),
        (
            table(&format!("chain = 'chain.pem'\n{key}\n[tls]\nmin_version = '1.1'")),
            "6:15: tls.min_version: expected a known TLS version, found \"1.1\"; did you mean \
             `1.2`? use one of these TLS versions: `1.2`, `1.3`",
        ),
        (
            table(&format!("chain = 'chain.pem'\n{key}\n[tls]\nclient_ca = 'absent.pem'")),
            "6:13: tls.client_ca: gatepost cannot read the file: entity not found; write the path",
        ),
    ] {
        let faults = with_pem_files(&keys).expect_err(&keys);
        assert_eq!(faults.len(), 1, "{faults:?}");
        assert!(faults[0].starts_with(expected), "expected {expected}, found {}", faults[0]);
    }
}

#[test]
fn warns_of_certificate_without_listener() {
    let table = "[[certificate]]\nchain = 'chain.pem'\nkey = { file = 'key.pem' }";
    let config = with_pem_files(table).unwrap();
    let first = config.warnings()[0].to_string();
    let expected =
        "1:1: certificate[0]: the table has no effect without `listen_tls`; add listen_tls";
    assert!(first.starts_with(expected), "{first}");
}

#[test]
fn address_may_be_a_path_on_the_upstream_or_the_inner_service() {
    let text = |top: &str, address: &str| {
        format!(
            "{top}\n[[route]]\npath = '/cb'\nprovider = 'srs'\n[[template]]\nname = 'a'\n\
             provider = 'srs'\nbind = ['*']\non.on_play = '{address}'\n"
        )
    };
    let shown = |top: &str, address: &str| {
        let config: Config = text(top, address).parse().unwrap();
        let route = config.route_infos().next().unwrap();
        let mut kinds = route.templates[0].kinds.iter();
        let to = kinds.find(|kind| &*kind.name == "on_play").unwrap().to.clone();
        (to, config.reserved_paths().filter(|path| !path.starts_with("/cb")).collect::<Vec<_>>())
    };
    let reserved = vec!["/live/play/*".to_owned()];
    let path = "/live/play";
    assert_eq!(shown("", path), (path.to_owned(), reserved.clone()));
    let upstream = "listen = ['127.0.0.1:1']\nupstream = 'http://127.0.0.1:3000'";
    assert_eq!(shown(upstream, path), (format!("http://127.0.0.1:3000{path}"), reserved));
    for (top, address, fault) in [
        ("listen = ['127.0.0.1:1']", path, "expected a server for this path, found no `upstream`"),
        ("", "live/play", "expected a valid URL"),
        ("", "//app.test/play", "expected a valid URL"),
        ("", "/a/../b", "expected a path without the segments . and .."),
        ("", "/a b", "expected a valid URL, found an invalid URL"),
    ] {
        let faults = errors(&text(top, address));
        assert!(faults.iter().any(|found| found.contains(fault)), "{address}: {faults:?}");
    }
}

#[test]
fn address_may_be_a_path_on_each_server_of_the_upstream() {
    let text = |address: &str| {
        format!(
            "listen = ':1'\nupstream = ['http://10.0.0.1:3000', 'unix:/run/app.sock']\n\
             [[route]]\npath = '/cb'\nprovider = 'srs'\n[[template]]\nname = 'a'\n\
             provider = 'srs'\nbind = ['*']\non.on_play = {address}\n"
        )
    };
    let config: Config = text("'/live/play'").parse().unwrap();
    let addresses: Vec<_> = config.app_addresses().map(ToString::to_string).collect();
    let expected = ["http://10.0.0.1:3000/live/play", "unix:/run/app.sock:/live/play"];
    assert_eq!(addresses, expected);
    let upstream = config.proxy().upstream.as_ref().unwrap().as_slice().iter();
    for (server, address) in upstream.zip(config.app_addresses()) {
        assert!(Arc::ptr_eq(server.server(), address.server()));
    }
    assert!(config.forbidden_addresses(None).is_empty());
    for (address, fault) in [
        (
            "['/live/play', 'http://10.0.0.1:3000/live/play']",
            "expected each address once, found an address twice",
        ),
        (
            "{ url = '/live/play', forward = 'passthrough' }",
            "expected a server without a path, because passthrough keeps the callback's path",
        ),
    ] {
        let faults = errors(&text(address));
        assert!(faults.iter().any(|found| found.contains(fault)), "{address}: {faults:?}");
    }
}

#[test]
fn reads_durations_with_unit_from_environment_variables() {
    let config = |value: &str| {
        let toml = "upstream_idle = { env = 'IDLE' }\n[[route]]\npath = '/a'\nprovider = 'mux'";
        Gate::builder().toml(toml).variable("IDLE", value).build()
    };
    let gate = config("1500ms\n").unwrap();
    assert_eq!(gate.proxy_settings().upstream_idle, Duration::from_millis(1500));
    let error = config("s3cret").unwrap_err();
    let [fault] = error.faults() else { panic!("expected one fault, found {error}") };
    assert_eq!(fault.problem(), "expected a duration with a unit, found another text");
    assert_eq!(fault.excerpt(), "upstream_idle = { env = 'IDLE' }");
}
