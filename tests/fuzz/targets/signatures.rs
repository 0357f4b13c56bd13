//! Lists and encodings of signatures: taken exactly if a second reading of the platform's page
//! takes them.
//!
//! Input: lines. The first names the path, the others are headers. In them `@` stands for the right
//! digest, as the platform writes it.

#![no_main]

use gatepost::RefusalKind;
use gatepost_fuzz::proof::Scheme;
use gatepost_fuzz::{GATE, Request};
use http::{HeaderName, HeaderValue};
use libfuzzer_sys::fuzz_target;

const BODY: &[u8] = br#"{"type":"video.asset.ready","request":{"direction":"incoming","status":"closing","url":"rtmp://ome.example.com/app"},"EventType":1,"x":1}"#;

const PATHS: [&str; 5] = [
    "/callbacks/github",
    "/callbacks/mux",
    "/callbacks/ome",
    "/callbacks/standard-webhooks",
    "/callbacks/trtc",
];

/// A header with other than visible ASCII is none.
const LOOKED_AT: [&str; 7] = [
    "mux-signature",
    "sign",
    "webhook-id",
    "webhook-signature",
    "webhook-timestamp",
    "x-hub-signature-256",
    "x-ome-signature",
];

fuzz_target!(|data: &[u8]| {
    let mut lines = data.split(|b| *b == b'\n');
    let first = lines.next().unwrap_or_default();
    let Some(path) = PATHS.into_iter().find(|path| path.as_bytes().ends_with(first)) else {
        return;
    };
    let scheme = Scheme::of(path).expect("it is one of them");
    let mut request = Request::post(path, BODY);
    let right = right(scheme, &request);
    for line in lines {
        let Some(colon) = line.iter().position(|b| *b == b':') else { return };
        let Ok(name) = HeaderName::from_bytes(&line[..colon]) else { return };
        let mut value = Vec::new();
        for byte in line[colon + 1..].trim_ascii() {
            match byte {
                b'@' => value.extend_from_slice(right.as_bytes()),
                byte => value.push(*byte),
            }
        }
        let Ok(value) = HeaderValue::from_bytes(&value) else { return };
        // One that stands twice is refused before it is looked at.
        if request.headers.insert(name, value).is_some() {
            return;
        }
    }
    let verdict = request.judge(&GATE, usize::MAX).expect("a callback path");
    let refusal = verdict.as_ref().err().map(gatepost::Refusal::kind);
    let is_about_signature = refusal.is_some_and(|kind| {
        use RefusalKind::{
            SignatureMalformed, SignatureMismatch, SignatureMissing, TimestampExpired,
            TimestampInvalid, TimestampTooFarAhead,
        };
        matches!(
            kind,
            SignatureMalformed
                | SignatureMismatch
                | SignatureMissing
                | TimestampExpired
                | TimestampInvalid
                | TimestampTooFarAhead
        )
    });
    let others_refuse = refusal.is_some() && !is_about_signature;
    if others_refuse {
        return;
    }
    let mut values = LOOKED_AT.iter().filter_map(|name| request.headers.get(*name));
    let visible = values.all(|value| value.to_str().is_ok());
    if !scheme.holds(&request) {
        assert!(is_about_signature, "accepted without a proof");
    } else if visible {
        // Only so many of a list are looked at, and a time has one spelling.
        let text = String::from_utf8_lossy(data);
        let is_long = text.matches("v1").count() > 16;
        assert!(!is_about_signature || is_long || text.contains('+'), "{refusal:?}");
    }
});

/// The digest over the body, and over what stands before it at the harness' own time.
fn right(scheme: Scheme, request: &Request) -> String {
    let mut signed = Request::post("/", &request.body);
    scheme.sign(&mut signed);
    let mut values = signed.headers.iter();
    let is_signature = |name: &HeaderName| name.as_str().contains("sign");
    let (_, value) = values.find(|(name, _)| is_signature(name)).expect("it was signed");
    let text = value.to_str().expect("ASCII");
    let prefixes = ["sha256=", "v1,", "v1="];
    let digest = prefixes.iter().find_map(|prefix| Some(text.rsplit_once(prefix)?.1));
    digest.unwrap_or(text).to_owned()
}
