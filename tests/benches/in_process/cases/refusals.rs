//! Benches of refusals, from the head to the reply.

use std::net::IpAddr;

use gatepost::{Gate, RefusalKind, Timestamp};
use http::{HeaderValue, Method};

use super::callback::{Callback, NOW};
use super::push::{BODY, gate, numbered, with_body};
use crate::bench::Bench;

use RefusalKind::{
    AddressReserved, BodyTooLarge, FieldDuplicate, FramingAmbiguous, JsonMalformed, KindMissing,
    MethodNotAllowed, PathAmbiguous, RateLimited, SignatureMismatch, SignatureMissing,
    SourceNotAllowed, TenantUnknown, TimestampExpired, TimestampTooFarAhead, TokenMismatch,
};

pub fn all() -> Vec<Bench> {
    let open = gate("");
    let guarded = gate("allow = ['198.51.100.0/24', '203.0.113.0/24']");
    let limited = gate("source_limit = { per_second = 1 }");
    let small = gate("max_body_bytes = 100");
    // Exhaust the rate limit with `push` callbacks.
    while numbered(0).judge(&limited).unwrap().is_ok() {}
    let by_head = vec![
        ("address_reserved", &open, to("/live/push"), AddressReserved),
        ("body_too_large", &small, numbered(0), BodyTooLarge),
        ("framing_ambiguous", &open, framed_twice(), FramingAmbiguous),
        (
            "method_not_allowed",
            &open,
            Callback { method: Method::PUT, ..numbered(0) },
            MethodNotAllowed,
        ),
        ("path_ambiguous", &open, to("/callbacks//%74encent"), PathAmbiguous),
        ("path_ambiguous_long", &open, to(&long_path()), PathAmbiguous),
        ("rate_limited", &limited, numbered(0), RateLimited),
        ("source_not_allowed", &guarded, from([192, 0, 2, 1]), SourceNotAllowed),
        ("token_mismatch", &open, to("/hooks/guess"), TokenMismatch),
    ];
    let by_body = vec![
        ("field_duplicate", &open, changed("{", "{\"t\":1,"), FieldDuplicate),
        ("kind_missing", &open, changed("\"event_type\":", "\"event\":"), KindMissing),
        ("json_malformed", &open, with_body(format!("{BODY},")), JsonMalformed),
        ("signature_mismatch", &open, changed("bc31454d", "bc31454e"), SignatureMismatch),
        ("signature_missing", &open, changed("\"sign\":", "\"sing\":"), SignatureMissing),
        ("tenant_unknown", &open, changed("test.domain.com", "x.domain.com"), TenantUnknown),
        ("timestamp_expired", &open, later(3600), TimestampExpired),
        ("timestamp_too_far_ahead", &open, later(-3600), TimestampTooFarAhead),
    ];
    let cases = by_head.into_iter().chain(by_body);
    cases.map(|(name, gate, callback, kind)| bench(name, gate, callback, kind)).collect()
}

fn bench(name: &str, gate: &Gate, callback: Callback, kind: RefusalKind) -> Bench {
    let judged =
        callback.judge(gate).expect("expected a callback path, found none").expect_err(name);
    assert_eq!(judged.kind(), kind);
    let gate = gate.clone();
    let refuse = move |()| callback.judge(&gate).unwrap().unwrap_err().reply();
    Bench::new(format!("refusal/{name}"), |_| (), refuse)
}

fn to(path: &str) -> Callback {
    Callback { uri: path.parse().unwrap(), ..numbered(0) }
}

/// Returns a path that is expensive to decode, and short enough for common servers.
fn long_path() -> String {
    format!("/callbacks/tencent;{}", "%2525252525".repeat(700))
}

fn from(peer: [u8; 4]) -> Callback {
    Callback { peer: IpAddr::from(peer), ..numbered(0) }
}

fn framed_twice() -> Callback {
    let mut callback = numbered(0);
    callback.headers.insert("transfer-encoding", HeaderValue::from_static("chunked"));
    callback
}

fn changed(text: &str, other: &str) -> Callback {
    with_body(BODY.replacen(text, other, 1))
}

/// Returns a `push` callback that arrives `secs` seconds after [`NOW`].
fn later(secs: i64) -> Callback {
    let now = Timestamp::from_millis(NOW.as_millis() + secs * 1000);
    Callback { now, ..numbered(0) }
}
