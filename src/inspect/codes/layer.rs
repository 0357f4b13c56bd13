//! Remedies in a Rust app with the layer, for codes whose general remedy does not suffice there.

/// The codes, sorted, each with its remedy.
const REMEDIES: &[(&str, &str)] = &[
    (
        "address_reserved",
        "the layer reserves only the exact path of a url; write another path into url, or give the request of the client another path",
    ),
    (
        "answer_incomplete",
        "read the text of the error in the log line; the body of the handler's response returned this error",
    ),
    (
        "app_status",
        "404 or 405: add a `post` route for the path of the event: the path of url, or without url, the path of the callback; under `nest`, write the paths in the config with the prefix",
    ),
    (
        "app_unreachable",
        "read the text of the panic or error in the log line; the handler panicked or returned an error, or the service inside the layer was not ready",
    ),
    (
        "body_too_large",
        "also raise a smaller limit around the gate, such as tower-http's RequestBodyLimitLayer; a refusal by that limit has the same code",
    ),
    (
        "file_unreadable",
        "with `Gate::builder().toml(TEXT)`, write a path relative to the working directory",
    ),
    ("id_reused", "compare both callbacks in the app; if one is forged, rotate the key"),
    (
        "path_ambiguous",
        "to accept a slash at the end of the path, put tower-http's NormalizePathLayer around the router",
    ),
    (
        "rate_limited",
        "call `GateLayer::with_peer`; without this call, the layer does not have the client's address, and source_limit counts all clients as one",
    ),
    (
        "secret_unreadable",
        "`Gate::builder().variable(NAME, VALUE)` sets the value of { env = \"NAME\" } without an environment variable",
    ),
    (
        "signature_mismatch",
        "compare `keys` of the [[template]], or the value that the app gives to `Gate::builder().variable(NAME, VALUE)`, with the key in the platform's console; the gate reads a key once: after a change, call `gate.replace(Config::from_file(PATH)?)`, as examples/reload.rs does, or restart the app",
    ),
    (
        "source_not_allowed",
        "call `GateLayer::with_peer`; without this call, the layer does not have the client's address, and refuses every request to a route with allow",
    ),
    (
        "tenant_unknown",
        "add the tenant to `bind` of the [[template]], then call `gate.replace(Config::from_file(PATH)?)`, or restart the app",
    ),
    (
        "token_mismatch",
        "compare `token` of the [[route]], or the value that the app gives to `Gate::builder().variable(NAME, VALUE)`, with the path in the platform's console; after a change, call `gate.replace(Config::from_file(PATH)?)`, or restart the app",
    ),
    (
        "variable_unreadable",
        "`Gate::builder().variable(NAME, VALUE)` sets the value of { env = \"NAME\" } without an environment variable",
    ),
];

/// Returns the remedy in a Rust app with the layer; `None` if the general remedy suffices there.
pub(super) fn remedy(code: &str) -> Option<&'static str> {
    REMEDIES.iter().find(|(own, _)| *own == code).map(|(_, remedy)| *remedy)
}

#[cfg(test)]
mod tests {
    use super::super::{CodeGroup, codes};
    use super::*;

    #[test]
    fn remedies_are_sorted_and_of_known_codes() {
        assert!(REMEDIES.is_sorted_by_key(|(code, _)| code));
        let of_layer = codes().filter(|help| help.in_layer.is_some()).count();
        assert_eq!(of_layer, REMEDIES.len());
    }

    #[test]
    fn each_code_whose_remedy_needs_the_proxy_has_a_remedy_for_the_layer() {
        let of_proxy =
            ["kill -HUP", "watch = true", "trusted_proxies", "reserve =", "capture list"];
        let is_of_callback = |group| {
            matches!(group, CodeGroup::Refusal(_) | CodeGroup::AppFailure | CodeGroup::Note)
        };
        for help in codes().filter(|help| is_of_callback(help.group)) {
            let needs_proxy = of_proxy.iter().any(|text| help.remedy.contains(text));
            assert!(
                !needs_proxy || help.in_layer.is_some(),
                "{}: expected a remedy for the layer, found none",
                help.code
            );
        }
    }
}
