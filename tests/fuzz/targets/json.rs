//! A JSON object is accepted exactly if serde_json accepts it, it has no duplicate names and it is not
//! too deep. The event then has the same values, and stays the same if it is read again.
//!
//! Input: the body of a callback.

#![no_main]

use std::collections::BTreeSet;
use std::fmt;

use gatepost::RefusalKind;
use gatepost_fuzz::proof::Scheme;
use gatepost_fuzz::{GATE, Request};
use libfuzzer_sys::fuzz_target;
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

/// Highest permitted depth of objects and arrays.
const MAX_DEPTH: usize = 32;

fuzz_target!(|data: &[u8]| {
    if data.is_empty() {
        return;
    }
    let parsed = serde_json::from_slice::<Map<String, Value>>(data);
    match (judge(data), parsed) {
        (Ok(event), Ok(members)) => {
            assert_eq!(serde_json::from_slice::<Map<_, _>>(&event).expect("JSON"), members);
            let shape = serde_json::from_slice::<Shape>(data).expect("JSON");
            assert!(!shape.has_duplicate && shape.depth <= MAX_DEPTH);
            assert_eq!(judge(&event).as_ref(), Ok(&event), "the event changes if it is read again");
        }
        // A body that is not an object is copied unchanged.
        (Ok(event), Err(_)) if event == data => {}
        // A number out of the range of `f64` is copied. A lone surrogate is replaced.
        (Ok(event), Err(error)) => {
            let has_escape = data.windows(2).any(|escape| escape == b"\\u");
            let is_large = error.to_string().contains("number out of range");
            assert!(has_escape || is_large, "expected an escape or a large number, found {error}");
            assert!(serde_json::from_slice::<IgnoredAny>(&event).is_ok());
        }
        (Err(RefusalKind::FieldDuplicate), Ok(_)) => {
            assert!(serde_json::from_slice::<Shape>(data).expect("JSON").has_duplicate);
        }
        (Err(RefusalKind::JsonTooDeep), Ok(_)) => {
            let shape = serde_json::from_slice::<Shape>(data).expect("JSON");
            assert!(shape.depth > MAX_DEPTH);
        }
        (Err(kind), Ok(_)) => panic!("{kind:?}"),
        (Err(_), Err(_)) => {}
    }
});

/// Returns the event's data, which is the body because the provider declares no fields.
fn judge(body: &[u8]) -> Result<Vec<u8>, RefusalKind> {
    let mut request = Request::post("/callbacks/standard-webhooks", body);
    Scheme::StandardWebhooks.sign(&mut request);
    let verdict = request.judge(&GATE, usize::MAX).expect("a callback path");
    verdict.map(|accepted| accepted.event().data().to_vec()).map_err(|refusal| refusal.kind())
}

/// The depth of a value, and a flag for duplicate names in it.
struct Shape {
    depth: usize,
    has_duplicate: bool,
}

impl Shape {
    const SCALAR: Self = Self { depth: 0, has_duplicate: false };

    fn holding(self, inner: &Self) -> Self {
        Self {
            depth: self.depth.max(inner.depth + 1),
            has_duplicate: self.has_duplicate || inner.has_duplicate,
        }
    }
}

impl<'de> Deserialize<'de> for Shape {
    fn deserialize<D: Deserializer<'de>>(de: D) -> Result<Self, D::Error> {
        de.deserialize_any(ShapeVisitor)
    }
}

struct ShapeVisitor;

impl<'de> Visitor<'de> for ShapeVisitor {
    type Value = Shape;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_bool<E>(self, _: bool) -> Result<Shape, E> {
        Ok(Shape::SCALAR)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Shape, E> {
        Ok(Shape::SCALAR)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Shape, E> {
        Ok(Shape::SCALAR)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Shape, E> {
        Ok(Shape::SCALAR)
    }

    fn visit_str<E>(self, _: &str) -> Result<Shape, E> {
        Ok(Shape::SCALAR)
    }

    fn visit_unit<E>(self) -> Result<Shape, E> {
        Ok(Shape::SCALAR)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Shape, A::Error> {
        let mut all = Shape { depth: 1, has_duplicate: false };
        while let Some(inner) = seq.next_element::<Shape>()? {
            all = all.holding(&inner);
        }
        Ok(all)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Shape, A::Error> {
        let mut all = Shape { depth: 1, has_duplicate: false };
        let mut names = BTreeSet::new();
        while let Some((name, inner)) = map.next_entry::<String, Shape>()? {
            all = all.holding(&inner);
            all.has_duplicate |= !names.insert(name);
        }
        Ok(all)
    }
}
