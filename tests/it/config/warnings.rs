//! Tests of warnings: settings that gatepost accepts but does not recommend.

use gatepost::{FaultKind, Gate};

use super::{ROUTES, TEMPLATE, build, errors, other_warnings, with};

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
        "1:1: route[0]: expected a secret segment, because Kollus does not sign, found none",
        "4:1: template[0]: expected keys to sign the replies to `vod_play`, `drm`, found none; set the platform's keys",
        "4:1: template[0]: expected a tenant that this template binds, found none",
        "9:1: template[1].provider: expected a route for Tencent Cloud CSS, found none",
        "10:9: template[1].keys[0]: expected a source, found a literal secret",
        "10:9: template[1].keys[0]: expected a key that is hard to guess",
    ];
    assert_eq!(warnings.len(), expected.len(), "{warnings:#?}");
    for (warning, start) in warnings.iter().zip(expected) {
        assert!(warning.starts_with(start), "expected {start}, found {warning}");
        assert!(!warning.contains("hunter2"));
    }
}

#[test]
fn accepts_example_with_warnings_only_of_kinds_without_tenant() {
    let text = std::fs::read_to_string("tests/it/example.toml").unwrap();
    let gate = Gate::builder()
        .toml(text)
        .variable("KOLLUS_PATH_TOKEN", "a-token-of-24-letters-xy")
        .variable("TENCENT_KEY", "current-key")
        .variable("TENCENT_OLD_KEY", "previous-key")
        .build()
        .unwrap();
    // The example does not bind `*`, so gatepost warns of kinds without a tenant.
    let warnings = gate.warnings();
    let others: Vec<_> =
        warnings.iter().filter(|warning| warning.kind() != FaultKind::TenantUnnamed).collect();
    assert!(others.is_empty(), "expected no other warnings, found {others:?}");
    assert_eq!(gate.proxy_settings().threads.unwrap().get(), 2);
    assert_eq!(gate.proxy_settings().upstream_idle.as_millis(), 4000);
}

#[test]
fn warns_if_max_unjudged_bytes_is_less_than_twice_max_body_bytes() {
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
fn warns_of_networks_that_contain_every_address() {
    let warnings = |top: &str, keys: &str| {
        let config = with(TEMPLATE).replacen("[[template]]", &format!("{keys}\n[[template]]"), 1);
        other_warnings(&build(&format!("{top}\n{config}")).unwrap()).join("\n")
    };
    let all_may_call =
        "allow[1]: expected a smaller network, found every address, so every client may send";
    assert!(warnings("", "allow = ['10.0.0.1', '0.0.0.0/0']").contains(all_may_call));
    let all_may_claim = "trusted_proxies: expected a smaller network, found every address, so any client can write any address in place of its own";
    assert!(warnings("trusted_proxies = '::/0'", "").contains(all_may_claim));
    assert!(warnings("", "allow = '10.1.2.3/8'").contains("write 10.0.0.0/8"));
    let listen = "listen = '0.0.0.0:1'\nupstream = 'http://x'\nproxy_protocol = true";
    let claim = "proxy_protocol: expected trusted_proxies, found none, so any client can write any address in place of its own; list the proxies";
    assert!(warnings(listen, "").contains(claim));
    assert_eq!(warnings(&format!("{listen}\ntrusted_proxies = ['10.0.0.0/8', '::1']"), ""), "");
    assert_eq!(warnings(&listen.replace("0.0.0.0", "127.0.0.1"), "allow = '10.0.0.0/8'"), "");
}

#[test]
fn warns_of_shadow_mode_and_reports_shadow_mode_without_upstream() {
    let shadow =
        ROUTES.replace("provider = 'tencent-css'", "provider = 'tencent-css'\nmode = 'shadow'");
    let gate = build(&format!("{shadow}[[template]]\n{TEMPLATE}")).unwrap();
    let warnings = other_warnings(&gate);
    assert_eq!(warnings.len(), 1, "{warnings:#?}");
    let expected = "9:8: route[1].mode: expected \"enforce\", found \"shadow\", so callbacks reach the app unverified; write \"enforce\"";
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
    assert!(
        faults[0].contains("found \"shade\"; did you mean `shadow`?"),
        "expected a suggestion of `shadow`, found {faults:#?}"
    );
}

#[test]
fn warns_of_route_without_template() {
    let config = "[[route]]\npath = '/cb'\nprovider = 'mux'\n";
    let warnings = |config: &str| {
        build(config).unwrap().warnings().iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    let expected = "3:1: route[0].provider: expected a template for the callbacks of Mux, found \
                    none; add a [[template]] with provider = \"mux\"";
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
        assert!(
            found.len() == 1 && found[0].contains("expected a key that is hard to guess"),
            "expected one warning about a weak key, found {found:?}"
        );
    }
    assert_eq!(warnings("12345678"), [""; 0]);
}
