//! Property tests of rules that hold for any input.

use std::sync::LazyLock;

use gatepost::{Accepted, Gate, Refusal, Timestamp};
use md5::{Digest as _, Md5};
use proptest::prelude::*;

use crate::core::{Request, judge, judge_chunks};
use crate::language;
use crate::vectors::{self, Vector};

static GATE: LazyLock<Gate> = LazyLock::new(|| vectors::gate("http://app.test"));
static VECTORS: LazyLock<Vec<Vector>> = LazyLock::new(vectors::all);

const UNITS: [&str; 4] = ["iso8601-utc", "ms", "rfc3339", "s"];

/// For each unit, the definition of a platform that signs a body with a time in this unit, and a
/// gate with this definition.
static TIMED: LazyLock<Vec<(String, Gate)>> = LazyLock::new(|| {
    let timed = |unit: &&str| {
        let definition = language::definition(&format!(
            "[kind]\nother = 'a'\n[kinds.a]\ntime = {{ from = '/at', unit = '{unit}' }}\n\
             [signature]\ndigest = 'hmac-sha256'\nparts = 'body'\nfound_in = 'header:x-sig'\n\
             encoding = 'hex'\ntime = {{ from = '/at', means = 'sent', unit = '{unit}' }}\n"
        ));
        let gate = language::gate(&definition, "keys = ['key']");
        (definition, gate)
    };
    UNITS.iter().map(timed).collect()
});

fn verdict(vector: &Vector, body: &[u8], chunk: usize) -> Result<Vec<u8>, &'static str> {
    let request = Request::of(vector);
    data_or_code(judge(&GATE, &request.head(), body, chunk, vector.case.now))
}

fn data_or_code(verdict: Result<Accepted, Refusal>) -> Result<Vec<u8>, &'static str> {
    verdict
        .map(|accepted| accepted.event().data().to_vec())
        .map_err(|refusal| refusal.kind().as_str())
}

fn push() -> &'static Vector {
    VECTORS.iter().find(|vector| vector.name == "tencent-css/push").unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..Default::default() })]

    #[test]
    fn chunking_does_not_change_verdict(
        index in 0..VECTORS.len(),
        ends in proptest::collection::vec(any::<prop::sample::Index>(), 0..9),
    ) {
        let vector = &VECTORS[index];
        let body = &vector.body;
        let mut ends: Vec<_> = ends.iter().map(|end| end.index(body.len() + 1)).collect();
        ends.sort_unstable();
        ends.push(body.len());
        let mut start = 0;
        let chunks = ends.into_iter().map(|end| &body[std::mem::replace(&mut start, end)..end]);
        let request = Request::of(vector);
        let chunked = judge_chunks(&GATE, &request.head(), chunks, vector.case.now);
        prop_assert_eq!(verdict(vector, body, usize::MAX), data_or_code(chunked));
    }

    #[test]
    fn never_panics_on_random_body(index in 0..VECTORS.len(), body in proptest::collection::vec(any::<u8>(), 0..600)) {
        let _any = verdict(&VECTORS[index], &body, 97);
    }

    #[test]
    fn never_panics_on_vector_with_edited_body(
        index in 0..VECTORS.len(),
        edits in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let vector = &VECTORS[index];
        let mut body = vector.body.clone();
        prop_assume!(!body.is_empty());
        for (at, byte) in edits {
            let at = at.index(body.len());
            body[at] = byte;
        }
        if let Ok(data) = verdict(vector, &body, 97) {
            // Some platforms may send any body. A number in the data may be out of the range of
            // `serde_json::Value`.
            let is_json = serde_json::from_slice::<&serde_json::value::RawValue>(&data).is_ok();
            let is_object = is_json && data.starts_with(b"{");
            let provider = vector.name.split('/').next().unwrap_or_default();
            let has_any_body = ["sendgrid", "standard-webhooks", "svix", "youtube"].contains(&provider);
            prop_assert!(is_object || has_any_body);
        }
    }

    #[test]
    fn accepts_signed_time_only_within_window(offset in -2000_i64..2000) {
        let vector = push();
        let t = vector.case.now + offset;
        let digest = Md5::digest(format!("test{t}").as_bytes());
        let sign: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        let body = String::from_utf8(vector.body.clone()).unwrap();
        let body = body.replace("1703732078", &t.to_string());
        let body = body.replace("bc31454d2c5572bc415c4f2292e381eb", &sign);
        let expected = match offset {
            ..-180 => Some("timestamp_expired"),
            -180..=900 => None,
            901.. => Some("timestamp_too_far_ahead"),
        };
        prop_assert_eq!(verdict(vector, body.as_bytes(), 4096).err(), expected);
    }

    #[test]
    fn accepts_signed_time_in_each_unit_only_within_window(unit in 0..UNITS.len(), offset in -2000_i64..2000) {
        let (definition, gate) = &TIMED[unit];
        let request = language::sample(definition, "a", "key");
        let found = language::send_at(gate, &request, language::NOW - offset);
        let found = found.map(|accepted| accepted.event().time());
        let expected = match offset {
            ..-300 => Err("timestamp_expired"),
            -300..=300 => Ok(Some(Timestamp::from_secs(language::NOW))),
            301.. => Err("timestamp_too_far_ahead"),
        };
        prop_assert_eq!(found.map_err(|refusal| refusal.kind().as_str()), expected, "{}", UNITS[unit]);
    }

    #[test]
    fn never_treats_variant_of_callback_path_as_other_path(
        path in "/?(c|C|%63)allbacks(/|//|/\\./|%2f|\\\\|/x/\\.\\./|;v/)(t|T|%74)encent(/|;x|\\.|%00|%20|)",
    ) {
        let Ok(uri) = path.parse::<http::Uri>() else { return Ok(()) };
        let headers = http::HeaderMap::new();
        let head = gatepost::Head::new(&http::Method::POST, &uri, &headers);
        prop_assert!(!matches!(GATE.admit(&head, gatepost::Timestamp::from_secs(0)), gatepost::Admission::Other), "expected a refusal or a callback for {}, found `Admission::Other`", path);
    }
}
