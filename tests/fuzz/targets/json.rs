//! Checks that gatepost accepts each JSON object that serde_json accepts, except objects with
//! duplicate names, with too many members, or with too many levels. The event has the same values.
//! If gatepost reads the event again, the event does not change. gatepost also accepts lone
//! surrogates and numbers out of the range of `f64`.
//!
//! Input: the body of a callback.

#![no_main]

use std::collections::BTreeSet;
use std::fmt;

use std::sync::LazyLock;

use gatepost::{Gate, RefusalKind};
use gatepost_fuzz::Request;
use libfuzzer_sys::fuzz_target;
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

/// Gate that accepts any JSON object.
static JSON_ONLY: LazyLock<Gate> = LazyLock::new(|| {
    let definition = concat!(env!("CARGO_MANIFEST_DIR"), "/json-only.toml");
    let config = format!(
        "provider_files = ['{definition}']\n[[route]]\npath = '/json'\nprovider = 'json-only'\n\
         [[template]]\nname = 'json'\nprovider = 'json-only'\nbind = ['*']\n"
    );
    Gate::builder().toml(config).build().expect("expected a valid config, found an error")
});

/// Maximum depth of objects and arrays.
const MAX_DEPTH: usize = 32;

fuzz_target!(|data: &[u8]| {
    if data.is_empty() {
        return;
    }
    let parsed = serde_json::from_slice::<Map<String, Value>>(data);
    match (judge(data), parsed) {
        (Ok(event), Ok(members)) => {
            let read = serde_json::from_slice::<Map<_, _>>(&event);
            assert_eq!(read.expect("expected JSON, found an error"), members);
            let shape =
                serde_json::from_slice::<Shape>(data).expect("expected JSON, found an error");
            assert!(!shape.has_duplicate && shape.depth <= MAX_DEPTH);
            assert_eq!(judge(&event).as_ref(), Ok(&event), "expected one event, found two");
        }
        // gatepost copies a number out of the range of `f64`, and replaces a lone surrogate.
        (Ok(event), Err(error)) => {
            let error = error.to_string();
            let is_expected = ["number out of range", "surrogate", "hex escape"];
            assert!(
                is_expected.iter().any(|part| error.contains(part)),
                "expected an error about a number or a surrogate, found {error}"
            );
            assert!(serde_json::from_slice::<IgnoredAny>(&event).is_ok());
            match serde_json::from_slice::<Map<String, Value>>(&event) {
                Err(error) if error.to_string().contains("number out of range") => {}
                members => drop(members.expect("expected no lone surrogates, found an error")),
            }
        }
        (Err(RefusalKind::FieldDuplicate), Ok(_)) => {
            assert!(
                serde_json::from_slice::<Shape>(data)
                    .expect("expected JSON, found an error")
                    .has_duplicate
            );
        }
        (Err(RefusalKind::JsonTooDeep), Ok(_)) => {
            let shape =
                serde_json::from_slice::<Shape>(data).expect("expected JSON, found an error");
            assert!(shape.depth > MAX_DEPTH);
        }
        // The lowest limit is 4096 members of one object. A member has at least five bytes.
        (Err(RefusalKind::FieldsTooMany), Ok(_)) => assert!(data.len() > 5 * 4096),
        (Err(kind), Ok(_)) => panic!("expected acceptance, found {kind:?}"),
        (Err(_), Err(_)) => {}
    }
});

/// Returns the event's data. It has all members of the body, because the provider declares no
/// fields.
fn judge(body: &[u8]) -> Result<Vec<u8>, RefusalKind> {
    let request = Request::post("/json", body);
    let verdict = request.judge(&JSON_ONLY, usize::MAX).expect("expected a callback, found none");
    verdict.map(|accepted| accepted.event().data().to_vec()).map_err(|refusal| refusal.kind())
}

/// Depth of a value, and a flag that is true if an object in it has duplicate names.
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
