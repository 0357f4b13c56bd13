//! Tests of addresses of apps and of the upstream, and of the paths that they reserve.

use std::sync::Arc;

use gatepost::{Config, FaultKind};

use super::{build, errors, with};

#[test]
fn reports_invalid_addresses_of_upstream_and_invalid_health_path() {
    let route = "\n[[route]]\npath = '/a'\nprovider = 'mux'\n";
    for (text, start) in [
        ("upstream = []", "1:1: upstream: expected an address, found none; write an address"),
        (
            "upstream = ['http://a', 'http://a']",
            "1:25: upstream[1]: expected each address once, found an address twice",
        ),
        (
            "upstream = 'unix:app.sock'",
            "1:12: upstream: expected a Unix socket, found no absolute path; write unix:/run/app.sock",
        ),
        (
            "upstream = 'unix:/a.sock:/x'",
            "1:12: upstream: expected no path in this address, found a path",
        ),
        (
            "upstream = 'unix:/a.sock:x'",
            "1:12: upstream: expected a Unix socket, found no path with a leading slash",
        ),
        (
            "upstream = ['http://a', 'b']",
            "1:25: upstream[1]: expected a valid URL, found no http://",
        ),
        (
            "health_path = 'healthz'",
            "1:15: health_path: expected a valid path that starts with /, found another string; write a path",
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
fn reserves_address_under_every_name_of_upstream_host() {
    let is_reserved = |upstream: &str, host: &str| {
        let config = proxy_to(upstream, &format!("'http://{host}:3000/kollus/play'"));
        let is_reserved = config.reserved_paths().any(|path| path == "/kollus/play/*");
        let warns = config.warnings().iter().any(|w| w.to_string().contains("does not reserve"));
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
        for upstream in ["http://127.0.0.1:3000", "http://localhost:3000"] {
            assert!(is_reserved(upstream, host), "{host}: expected a reserved path, found none");
        }
    }
    assert!(is_reserved("http://app.test:3000", "APP.test."));
    assert!(is_reserved("http://10.0.0.1:3000", "10.1"));
    assert!(!is_reserved("http://127.0.0.1:3000", "app.test"));
    assert!(!is_reserved("http://app.test:3000", "127.0.0.1"));
    let elsewhere = proxy_to("http://127.0.0.1:3000", "'http://app.test:3001/kollus/play'");
    assert!(elsewhere.warnings().iter().all(|w| !w.to_string().contains("reserved")));
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
        assert!(faults[0].contains(expected), "{entry}: expected {expected}, found {faults:#?}");
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
fn reports_address_with_dot_segments() {
    for path in
        ["/x/../live/push", "/./push", "/push/..", "/x/%2e%2e/push", "/x/..;a/push", "/x/%2E"]
    {
        let template = format!(
            "name = 'a'\nprovider = 'kollus'\nbind = ['*']\non.live_play = 'http://a{path}'"
        );
        let faults = errors(&with(&template));
        let expected = "expected a path without the segments . and .., found one of them; write";
        assert!(faults[0].contains(expected), "{path}: expected {expected}, found {faults:#?}");
    }
    for path in ["/..x/push", "/a.b/c", "/...", "/x?y=/../z"] {
        let entry = format!("'http://127.0.0.1:3000{path}'");
        let _accepted = proxy_to("http://127.0.0.1:3000", &entry);
    }
}

#[test]
fn warns_if_clients_can_reach_app_address_through_upstream() {
    let warns = |upstream: &str, url: &str| {
        let template =
            format!("name = 'a'\nprovider = 'kollus'\nbind = ['*']\non.live_play = '{url}'");
        let config =
            format!("listen = '127.0.0.1:1'\nupstream = '{upstream}'\n{}", with(&template));
        let gate = build(&config).unwrap();
        gate.warnings().iter().any(|warning| warning.kind() == FaultKind::AddressExposed)
    };
    assert!(warns("http://127.0.0.1:3000", "http://localhost:3000/"));
    assert!(warns("http://app:80", "http://APP/index.php?r=play"));
    assert!(warns("http://app:80", "http://app/index.php"));
    assert!(!warns("http://app:80", "http://app/ev/index.php"));
    assert!(!warns("http://127.0.0.1:3000", "http://127.0.0.1:3001/"));
    assert!(!warns("http://127.0.0.1:3000", "http://127.0.0.1:3000/kollus/play"));
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
        assert!(
            faults.iter().any(|found| found.contains(fault)),
            "{address}: expected {fault}, found {faults:?}"
        );
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
        assert!(
            faults.iter().any(|found| found.contains(fault)),
            "{address}: expected {fault}, found {faults:?}"
        );
    }
}
