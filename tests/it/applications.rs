//! Tests of templates that bind an application of a push domain.

use gatepost::{Gate, Head};
use http::{HeaderMap, Method, Uri};

use crate::core::judge;

const NOW: i64 = 1_703_731_478;

/// Returns a gate with one template for each pair: its name, and the elements of its `bind`.
fn gate(templates: &[(&str, &str)]) -> Gate {
    let template = |(name, bind): &(&str, &str)| {
        format!(
            "[[template]]\nname = '{name}'\nprovider = 'tencent-css'\ninsecure_unsigned = true\n\
             bind = [{bind}]\n"
        )
    };
    let templates: String = templates.iter().map(template).collect();
    let route = "[[route]]\npath = '/c'\nprovider = 'tencent-css'\n";
    Gate::builder().toml(format!("{route}{templates}")).build().unwrap()
}

/// Returns the name of the template, or the text of the refusal.
fn template_of(gate: &Gate, body: &str) -> String {
    let (uri, headers) = (Uri::from_static("/c"), HeaderMap::new());
    let head = Head::new(&Method::POST, &uri, &headers);
    match judge(gate, &head, body.as_bytes(), body.len(), NOW) {
        Ok(accepted) => accepted.template().name().to_owned(),
        Err(refusal) => refusal.to_string(),
    }
}

/// Returns the body of a `push` callback for a domain. `app` is the JSON text of the members that
/// name the application, with a comma after each member, and may be empty.
fn push(domain: &str, app: &str) -> String {
    format!("{{\"event_type\":1,\"app\":\"{domain}\",{app}\"stream_id\":\"s\",\"sequence\":\"1\"}}")
}

#[test]
fn application_with_own_binding_selects_its_template() {
    let gate = gate(&[
        ("vip", "'push.example.com/vip', 'other.example.com/vip'"),
        ("live", "'push.example.com'"),
        ("rest", "'*'"),
    ]);
    for (domain, app, expected) in [
        ("push.example.com", "\"appname\":\"vip\",", "vip"),
        ("PUSH.example.com", "\"appname\":\"vip\",", "vip"),
        ("push.example.com", "\"path\":\"vip\",", "vip"),
        ("push.example.com", "\"appname\":\"live\",", "live"),
        ("push.example.com", "\"appname\":\"VIP\",", "live"),
        ("push.example.com", "\"appname\":\"vip\",\"path\":\"live\",", "live"),
        ("push.example.com", "", "live"),
        ("other.example.com", "\"appname\":\"vip\",", "vip"),
        ("other.example.com", "\"appname\":\"live\",", "rest"),
        ("third.example.com", "\"appname\":\"vip\",", "rest"),
    ] {
        assert_eq!(template_of(&gate, &push(domain, app)), expected, "{domain} {app}");
    }
}

#[test]
fn refuses_application_that_no_template_binds() {
    let gate = gate(&[("vip", "'push.example.com/vip'"), ("live", "'push.example.com/live'")]);
    let found = template_of(&gate, &push("push.example.com", "\"appname\":\"studio\","));
    assert!(found.contains("found none for the application `studio`"), "{found}");
    assert!(found.starts_with("no template binds this tenant"), "{found}");
    // If the callback names no application, neither of the two templates applies.
    let found = template_of(&gate, &push("push.example.com", ""));
    assert!(found.starts_with("no template binds this tenant"), "{found}");
}

#[test]
fn callback_without_application_selects_template_if_all_applications_share_it() {
    let gate = gate(&[("vip", "'push.example.com/vip', 'push.example.com/live'")]);
    assert_eq!(template_of(&gate, &push("push.example.com", "")), "vip");
}

#[test]
fn sample_of_template_names_its_application() {
    let gate = gate(&[("vip", "'push.example.com/vip'"), ("live", "'push.example.com'")]);
    for kind in ["push", "recording_file", "recording_status", "recording_exception"] {
        let sent = gate.template_sample("/c", "vip", kind).unwrap();
        let request = sent.sample().request(&sent.url("http://127.0.0.1").unwrap()).unwrap();
        let body = String::from_utf8(request.body().to_vec()).unwrap();
        assert_eq!(template_of(&gate, &body), "vip", "{body}");
    }
}
