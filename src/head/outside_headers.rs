//! Headers that the app must not receive from a client.
//!
//! 1. Only gatepost may set `ce-*` and `gatepost-*`. If gatepost signs events, only gatepost may
//!    set `webhook-*`, too. Otherwise, gatepost keeps `webhook-*`, because the app may receive
//!    Standard Webhooks from other services.
//! 2. Some servers and frameworks take the path or the internal target of a request from a header,
//!    such as `script-name` (gunicorn) or `x-original-url` (Symfony). With such a header, a request
//!    for a path that gatepost passes on reaches the handler of another path. gatepost removes
//!    these headers from every request. Even a trusted proxy may pass on such a header from its own
//!    clients.
//! 3. CGI passes the header `proxy` to a program as `HTTP_PROXY`. Many programs send their own
//!    requests through the proxy in this variable. gatepost therefore removes this header, too.
//! 4. Proxies describe the client, its host and its scheme to the app, as in `x-real-ip`. If the
//!    peer is a trusted proxy, gatepost keeps these headers. The layer also keeps them in every
//!    request that it passes on.
//!
//! CGI, and therefore PHP, WSGI and Rack, passes `ce-type`, `ce_type` and `ce.type` to the app
//! under one name. The rules apply to each of these spellings. gatepost keeps a header of rule 4
//! only in its usual spelling. gatepost also keeps `content-length`, `content-type` and
//! `transfer-encoding` only in their usual spelling.
//!
//! gatepost keeps headers that change only the method, such as `x-http-method-override`, because
//! gatepost judges a path for every method.

use http::{HeaderMap, HeaderName};

/// Prefixes of the headers that only gatepost may set.
const GATEPOST: [&str; 2] = ["ce-", "gatepost-"];

/// Prefix of the headers of event signing.
const EVENT_SIGNING: &str = "webhook-";

/// Prefixes of headers that change the path or the internal target: X-Accel (nginx, read by Rack)
/// and the routing of Next.js.
const REROUTING_PREFIXES: [&str; 3] = ["x-accel-", "x-invoke-", "x-middleware-"];

/// Headers that change the path or the internal target, and `proxy`.
const REROUTING: [&str; 36] = [
    "daphne-root-path",
    "document-root",
    "document-uri",
    "orig-path-info",
    "orig-script-name",
    "path-info",
    "path-translated",
    "proxy",
    "redirect-uri",
    "redirect-url",
    "request-uri",
    "request-url",
    "root-path",
    "script-filename",
    "script-name",
    "script-uri",
    "script-url",
    "unencoded-url",
    "x-context-path",
    "x-envoy-original-path",
    "x-forwarded-path",
    "x-forwarded-prefix",
    "x-forwarded-script-name",
    "x-forwarded-uri",
    "x-forwarded-url",
    "x-ingress-path",
    "x-matched-path",
    "x-now-route-matches",
    "x-original-path",
    "x-original-uri",
    "x-original-url",
    "x-rewrite-uri",
    "x-rewrite-url",
    "x-script-name",
    "x-sendfile-type",
    "x-waws-unencoded-url",
];

/// Prefix of most headers by which proxies describe the client.
const X_FORWARDED: &str = "x-forwarded";

/// Other headers by which proxies describe the client, its host and its scheme.
const OF_PROXIES: [&str; 19] = [
    "cf-connecting-ip",
    "cf-connecting-ipv6",
    "client-ip",
    "fastly-client-ip",
    "forwarded",
    "forwarded-for",
    "front-end-https",
    "true-client-ip",
    "x-client-ip",
    "x-cluster-client-ip",
    "x-envoy-external-address",
    "x-envoy-original-host",
    "x-host",
    "x-http-host-override",
    "x-original-forwarded-for",
    "x-original-host",
    "x-real-ip",
    "x-scheme",
    "x-url-scheme",
];

/// Headers that the app may receive only in this spelling.
const USUAL: [&str; 3] = ["content-length", "content-type", "transfer-encoding"];

/// Sender from which the app may receive a header.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sender {
    Anyone,
    TrustedProxy,
    /// If gatepost signs events, only gatepost. Otherwise, anyone.
    EventSigning,
    Gatepost,
}

/// Returns true for a header that a client must not send to the app. Only gatepost may set some of
/// these headers (`ce-*`, `gatepost-*`). Most of the other headers change the path that the app
/// reads.
///
/// Returns false for `webhook-*`. If gatepost signs events,
/// [`Gate::strip_reserved`](crate::Gate::strip_reserved) removes these headers.
///
/// Includes spellings such as `ce_type` and `ce.type`, because CGI, and therefore PHP, passes all
/// spellings to the app under one name. For the same reason, includes unusual spellings of
/// `content-length`, `content-type`, `transfer-encoding`, and of the headers that proxies set, such
/// as `x_forwarded_for`.
///
/// # Examples
///
/// ```
/// use gatepost::is_reserved;
/// use http::HeaderName;
///
/// assert!(is_reserved(&HeaderName::from_static("ce-type")));
/// assert!(is_reserved(&HeaderName::from_static("script_name")));
/// assert!(is_reserved(&HeaderName::from_static("x_forwarded_for")));
/// assert!(!is_reserved(&HeaderName::from_static("x-forwarded-for")));
/// assert!(!is_reserved(&HeaderName::from_static("content-type")));
/// ```
#[inline]
#[must_use]
pub fn is_reserved(name: &HeaderName) -> bool {
    sender(name.as_str()) == Sender::Gatepost
}

/// Returns true for a header by which proxies describe the client, its host or its scheme:
/// `forwarded`, `x-forwarded-*`, `x-real-ip` and similar headers.
///
/// If the peer is not a trusted proxy, a server other than the layer must remove these headers.
/// [`Gate::headers_to_remove`](crate::Gate::headers_to_remove) then returns their names.
///
/// # Examples
///
/// ```
/// use gatepost::is_set_by_proxies;
/// use http::HeaderName;
///
/// assert!(is_set_by_proxies(&HeaderName::from_static("x-real-ip")));
/// assert!(!is_set_by_proxies(&HeaderName::from_static("x-request-id")));
/// ```
#[inline]
#[must_use]
pub fn is_set_by_proxies(name: &HeaderName) -> bool {
    sender(name.as_str()) == Sender::TrustedProxy
}

/// Returns true for a header that must not reach the app. If `signs_events` is true, only gatepost
/// may set the headers of event signing.
#[inline]
pub(crate) fn is_removed(
    name: &HeaderName,
    signs_events: bool,
    is_proxy_trusted: impl FnOnce() -> bool,
) -> bool {
    match sender(name.as_str()) {
        Sender::Anyone => false,
        Sender::EventSigning => signs_events,
        Sender::Gatepost => true,
        Sender::TrustedProxy => !is_proxy_trusted(),
    }
}

/// Removes the headers that a client must not send to the app, and keeps the headers of proxies.
#[inline]
pub(crate) fn strip_reserved(headers: &mut HeaderMap, signs_events: bool) {
    // Few requests have a reserved header, so the common case neither allocates nor writes.
    if headers.keys().any(|name| is_removed(name, signs_events, || true)) {
        remove(headers, signs_events);
    }
}

#[inline(never)]
fn remove(headers: &mut HeaderMap, signs_events: bool) {
    let is_removed = |name: &&HeaderName| is_removed(name, signs_events, || true);
    let names: Vec<_> = headers.keys().filter(is_removed).cloned().collect();
    for name in names {
        headers.remove(name);
    }
}

/// Returns the permitted sender of the header. This code runs for every header of every request.
/// For nearly all names, a test of two letters and a lookup of the length replace the comparisons.
#[inline]
fn sender(name: &str) -> Sender {
    let [first, second, ..] = name.as_bytes() else { return Sender::Anyone };
    let letter = usize::from(first % 32);
    let may_have_prefix = match (first, second) {
        (b'c' | b'w', b'e') | (b'g', b'a') => true,
        (b'x', second) => !second.is_ascii_alphanumeric(),
        _ => false,
    };
    if may_have_prefix || LENGTHS[letter] & length_bit(name) != 0 {
        sender_in_full(name)
    } else {
        Sender::Anyone
    }
}

#[inline(never)]
fn sender_in_full(name: &str) -> Sender {
    let is_any = |words: &[&str]| {
        words.iter().any(|word| word.len() == name.len() && starts_with(name, word))
    };
    let has_any_prefix = |words: &[&str]| words.iter().any(|word| starts_with(name, word));
    if has_any_prefix(&GATEPOST) || has_any_prefix(&REROUTING_PREFIXES) || is_any(&REROUTING) {
        return Sender::Gatepost;
    }
    if starts_with(name, EVENT_SIGNING) {
        return Sender::EventSigning;
    }
    let rest = name.as_bytes().get(X_FORWARDED.len());
    let is_forwarded =
        starts_with(name, X_FORWARDED) && rest.is_none_or(|byte| !byte.is_ascii_alphanumeric());
    let is_usual = || name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    if is_forwarded || is_any(&OF_PROXIES) {
        return if is_usual() { Sender::TrustedProxy } else { Sender::Gatepost };
    }
    if is_any(&USUAL) && !is_usual() { Sender::Gatepost } else { Sender::Anyone }
}

/// Returns true if the name starts with a spelling that CGI treats like `word`. In such a spelling,
/// any byte that is neither letter nor digit may replace `-`.
fn starts_with(name: &str, word: &str) -> bool {
    let same = |(a, b): (u8, u8)| a == b || (b == b'-' && !a.is_ascii_alphanumeric());
    name.len() >= word.len() && name.bytes().zip(word.bytes()).all(same)
}

/// Set of the [`length_bit`]s of the listed names, by first letter.
static LENGTHS: [u64; 32] = {
    let lists: [&[&str]; 3] = [&REROUTING, &OF_PROXIES, &USUAL];
    let (mut lengths, mut list) = ([0; 32], 0);
    while list < lists.len() {
        let mut index = 0;
        while index < lists[list].len() {
            let word = lists[list][index];
            lengths[(word.as_bytes()[0] % 32) as usize] |= length_bit(word);
            index += 1;
        }
        list += 1;
    }
    lengths
};

/// Returns one of 64 bits, chosen by the length of a name.
const fn length_bit(name: &str) -> u64 {
    1 << (name.len() % 64)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn strips_reserved_headers_in_every_spelling() {
        let mut headers = HeaderMap::new();
        for name in
            ["ce-type", "ce_type", "ce.type", "gatepost-template", "script.name", "x_forwarded_for"]
        {
            headers.insert(HeaderName::from_static(name), HeaderValue::from_static("forged"));
        }
        for name in ["cent", "accept", "x-ce-type", "x-forwarded-for", "webhook-id", "webhook_id"] {
            headers.insert(HeaderName::from_static(name), HeaderValue::from_static("kept"));
        }
        strip_reserved(&mut headers, false);
        assert_eq!(headers.len(), 6);
        assert!(headers.values().all(|value| value == "kept"));
        strip_reserved(&mut headers, true);
        assert_eq!(headers.len(), 4);
    }

    #[test]
    fn finds_every_listed_name_in_every_spelling() {
        for (words, usual) in [
            (&GATEPOST[..], Sender::Gatepost),
            (&REROUTING_PREFIXES, Sender::Gatepost),
            (&[EVENT_SIGNING][..], Sender::EventSigning),
            (&REROUTING, Sender::Gatepost),
            (&OF_PROXIES, Sender::TrustedProxy),
            (&[X_FORWARDED, "x-forwarded-port"][..], Sender::TrustedProxy),
            (&USUAL, Sender::Anyone),
        ] {
            for word in words {
                assert!(sender(word) == usual, "expected the sender of {word}, found another");
                for separator in word.contains('-').then_some(["_", ".", "~"]).iter().flatten() {
                    let spelling = word.replacen('-', separator, 1);
                    let is_signing = word.starts_with(EVENT_SIGNING);
                    let expected = if is_signing { Sender::EventSigning } else { Sender::Gatepost };
                    let is_found = sender(&spelling) == expected;
                    assert!(is_found, "expected the sender of {word}, found another: {spelling}");
                }
            }
        }
    }

    #[test]
    fn permits_similar_names_from_any_sender() {
        for name in [
            "a",
            "accept",
            "connection",
            "content-language",
            "cookie",
            "forwarder",
            "host",
            "proxy-authorization",
            "referer",
            "script-names",
            "te",
            "x-accelerate",
            "x-forwardedness",
            "x-http-method-override",
            "x-requested-with",
        ] {
            assert!(
                sender(name) == Sender::Anyone,
                "expected {name} from any sender, found a restriction"
            );
        }
    }
}
