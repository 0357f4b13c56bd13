//! Checks that the event of an accepted form has the fields that the form parser of the URL
//! standard finds. Formats the parsed form as a form again, judges this form, and checks that its
//! event has the same data.
//!
//! Input: a form of the Kollus live play callback without its field `kind`.

#![no_main]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use gatepost::RefusalKind;
use gatepost_fuzz::{GATE, Request};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use serde_json::value::RawValue;

const PATH: &str = "/callbacks/kollus/vector-token";

/// Fields that are not text.
const TYPED: [&str; 3] = ["kind", "localtime", "uservalues"];

// Without `init`, the time of the first input includes the time to read every definition.
fuzz_target!(init: { LazyLock::force(&GATE); }, |data: &[u8]| {
    let data = &[b"kind=100&", data].concat();
    if data.len() > 4096 {
        return;
    }
    let pairs: Vec<_> = form_urlencoded::parse(data).into_owned().collect();
    let names: BTreeSet<_> = pairs.iter().map(|(name, _)| name).collect();
    let accepted = match Request::post(PATH, data)
        .judge(&GATE, 61)
        .expect("expected a callback, found none")
    {
        Ok(accepted) => accepted,
        Err(refusal) => return check(refusal.kind(), data, names.len() < pairs.len()),
    };
    assert_eq!(names.len(), pairs.len(), "expected distinct field names, found a duplicate");
    assert!(is_well_formed(data) && is_utf8(data));
    let event: BTreeMap<String, &RawValue> =
        serde_json::from_slice(accepted.event().data()).expect("expected JSON, found an error");
    assert!(
        event.keys().all(|name| names.contains(name)),
        "expected only the fields {names:?}, found {:?}",
        event.keys()
    );
    for (name, text) in &pairs {
        // A number out of the range of `f64` has no `Value`.
        let value =
            event.get(name).map(|raw| serde_json::from_str(raw.get()).unwrap_or(Value::Null));
        match &value {
            Some(Value::String(value)) if !TYPED.contains(&&**name) => assert_eq!(value, text),
            Some(Value::Number(number)) => {
                assert!(TYPED.contains(&&**name), "expected a string in {name}, found {number}");
                assert!(number.is_i64() || number.is_u64());
            }
            Some(other) => {
                assert!(TYPED.contains(&&**name), "expected a string in {name}, found {other}");
            }
            None => assert!(text.trim().is_empty(), "expected {name} in the event, found none"),
        }
    }
    let printed = form_urlencoded::Serializer::new(String::new()).extend_pairs(&pairs).finish();
    if printed.len() <= 4096 {
        let again = Request::post(PATH, printed.as_bytes()).judge(&GATE, usize::MAX);
        let again = again
            .expect("expected a callback path, found none")
            .expect("expected acceptance, found a refusal");
        assert_eq!(again.event().data(), accepted.event().data());
    }
});

fn check(kind: RefusalKind, data: &[u8], is_duplicate: bool) {
    match kind {
        RefusalKind::BodyMissing => assert!(data.is_empty()),
        RefusalKind::FormMalformed => assert!(!is_well_formed(data)),
        RefusalKind::Utf8Invalid => assert!(!is_utf8(data)),
        // The duplicate may be inside `uservalues`.
        RefusalKind::FieldDuplicate => {
            assert!(is_duplicate || data.windows(4).any(|part| part == b"user"));
        }
        _ => assert!(
            is_well_formed(data) && is_utf8(data) && !is_duplicate,
            "expected a fault of the form, found {kind:?}"
        ),
    }
}

fn is_well_formed(data: &[u8]) -> bool {
    let mut parts = data.split(|b| *b == b'%').skip(1);
    parts.all(|part| part.len() > 1 && part[..2].iter().all(u8::is_ascii_hexdigit))
}

fn is_utf8(data: &[u8]) -> bool {
    percent_encoding::percent_decode(data).decode_utf8().is_ok()
}
