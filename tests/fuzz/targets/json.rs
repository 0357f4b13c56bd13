//! A JSON object is taken exactly if serde_json takes it too, names stand once and it is not too
//! deep; then the app gets the same values, and read again, they say the same.

#![no_main]

use std::collections::BTreeSet;
use std::fmt;

use gatepost::RefusalKind;
use gatepost_fuzz::proof::Scheme;
use gatepost_fuzz::{GATE, Request};
use libfuzzer_sys::fuzz_target;
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

/// How many objects and arrays may stand inside one another.
const MAX_DEPTH: usize = 32;

fuzz_target!(|data: &[u8]| {
    if data.is_empty() {
        return;
    }
    let parsed = serde_json::from_slice::<Map<String, Value>>(data);
    match (judge(data), parsed) {
        (Ok(said), Ok(members)) => {
            assert_eq!(serde_json::from_slice::<Map<_, _>>(&said).expect("JSON"), members);
            let distinct = serde_json::from_slice::<Distinct>(data).expect("it was read");
            assert!(!distinct.is_twice && distinct.depth <= MAX_DEPTH);
            assert_eq!(judge(&said).as_ref(), Ok(&said), "it changes when it is read again");
        }
        // A number that no f64 holds goes through as it stands.
        (Ok(said), Err(error)) => {
            assert!(error.to_string().contains("number out of range"), "{error}");
            assert!(serde_json::from_slice::<IgnoredAny>(&said).is_ok());
        }
        (Err(RefusalKind::FieldDuplicate), Ok(_)) => {
            assert!(serde_json::from_slice::<Distinct>(data).expect("it was read").is_twice);
        }
        (Err(RefusalKind::JsonTooDeep), Ok(_)) => {
            let distinct = serde_json::from_slice::<Distinct>(data).expect("it was read");
            assert!(distinct.depth > MAX_DEPTH);
        }
        (Err(kind), Ok(_)) => panic!("{kind:?}"),
        (Err(_), Err(_)) => {}
    }
});

/// The event's data: nothing is declared of it, so it is the body's own.
fn judge(body: &[u8]) -> Result<Vec<u8>, RefusalKind> {
    let mut request = Request::post("/callbacks/standard-webhooks", body);
    Scheme::StandardWebhooks.sign(&mut request);
    let verdict = request.judge(&GATE, usize::MAX).expect("a callback path");
    verdict.map(|accepted| accepted.event().data().to_vec()).map_err(|refusal| refusal.kind())
}

/// How deep a value is, and whether an object in it names a member twice.
struct Distinct {
    depth: usize,
    is_twice: bool,
}

impl Distinct {
    const SCALAR: Self = Self { depth: 0, is_twice: false };

    fn holding(self, inner: &Self) -> Self {
        Self { depth: self.depth.max(inner.depth + 1), is_twice: self.is_twice || inner.is_twice }
    }
}

impl<'de> Deserialize<'de> for Distinct {
    fn deserialize<D: Deserializer<'de>>(de: D) -> Result<Self, D::Error> {
        de.deserialize_any(Look)
    }
}

struct Look;

impl<'de> Visitor<'de> for Look {
    type Value = Distinct;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_bool<E>(self, _: bool) -> Result<Distinct, E> {
        Ok(Distinct::SCALAR)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Distinct, E> {
        Ok(Distinct::SCALAR)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Distinct, E> {
        Ok(Distinct::SCALAR)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Distinct, E> {
        Ok(Distinct::SCALAR)
    }

    fn visit_str<E>(self, _: &str) -> Result<Distinct, E> {
        Ok(Distinct::SCALAR)
    }

    fn visit_unit<E>(self) -> Result<Distinct, E> {
        Ok(Distinct::SCALAR)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Distinct, A::Error> {
        let mut all = Distinct { depth: 1, is_twice: false };
        while let Some(inner) = seq.next_element::<Distinct>()? {
            all = all.holding(&inner);
        }
        Ok(all)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Distinct, A::Error> {
        let mut all = Distinct { depth: 1, is_twice: false };
        let mut names = BTreeSet::new();
        while let Some((name, inner)) = map.next_entry::<String, Distinct>()? {
            all = all.holding(&inner);
            all.is_twice |= !names.insert(name);
        }
        Ok(all)
    }
}
