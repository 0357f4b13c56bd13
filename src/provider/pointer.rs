//! JSON Pointers (RFC 6901) to values in a callback. In a form or query, the first segment is the
//! name of a field.

use std::borrow::Cow;
use std::fmt;

use crate::json::{self, Name, Object, Shape, Value};

/// A parsed pointer with at least one segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pointer {
    first: Name<'static>,
    rest: Vec<Box<str>>,
}

impl Pointer {
    /// Parses a pointer. Returns `None` if the text does not start with `/`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut segments = text
            .strip_prefix('/')?
            .split('/')
            .map(|segment| segment.replace("~1", "/").replace("~0", "~").into_boxed_str());
        Some(Self { first: Name::new(segments.next()?.into_string()), rest: segments.collect() })
    }

    /// Returns the unescaped segments, outermost first.
    pub(crate) fn segments(&self) -> impl Iterator<Item = &str> {
        std::iter::once(self.first.text()).chain(self.rest.iter().map(|name| &**name))
    }

    /// Returns the value that the pointer refers to in a sample. In an array, a segment is an
    /// index. In an object, a segment is the name of a member.
    pub(crate) fn find_in_sample<'v>(
        &self,
        object: &'v serde_json::Map<String, serde_json::Value>,
    ) -> Option<&'v serde_json::Value> {
        let mut names = self.segments();
        let mut value = object.get(names.next()?)?;
        for name in names {
            value = match name.parse::<usize>() {
                Ok(index) if value.is_array() => value.get(index)?,
                Ok(_) | Err(_) => value.get(name)?,
            };
        }
        Some(value)
    }

    /// Sets the value that the pointer refers to.
    ///
    /// A segment that is the index of an existing array element refers to that element. Any other
    /// segment is the name of a member: a parent that is not an object becomes an empty object.
    pub(crate) fn set(
        &self,
        object: &mut serde_json::Map<String, serde_json::Value>,
        value: serde_json::Value,
    ) {
        let mut place = object.entry(self.first.text()).or_insert(serde_json::Value::Null);
        for name in &self.rest {
            let index = name.parse::<usize>().ok();
            let is_element = index.is_some_and(|at| place.get(at).is_some());
            if !is_element && !place.is_object() {
                *place = serde_json::json!({});
            }
            place = match (place, index) {
                (serde_json::Value::Array(elements), Some(at)) => match elements.get_mut(at) {
                    Some(element) => element,
                    None => return,
                },
                (serde_json::Value::Object(members), _) => {
                    members.entry(&**name).or_insert(serde_json::Value::Null)
                }
                _ => return,
            };
        }
        *place = value;
    }

    /// Returns the name of the member if the pointer refers to a top-level member.
    pub(crate) fn top_level(&self) -> Option<&Name<'static>> {
        self.rest.is_empty().then_some(&self.first)
    }

    /// Returns the value that the pointer refers to in `object`. Returns `None` if the value is
    /// missing or is inside an array.
    pub(crate) fn find<'v>(&self, object: &'v Object<'_>) -> Option<Value<'v>> {
        let mut value = match object.find(&self.first)? {
            Value::Json(json) => Value::Json(*json),
            Value::Text(text) => Value::Text(Cow::Borrowed(text)),
        };
        for name in &self.rest {
            let Value::Json(json) = value else { return None };
            if json.shape != Shape::Object {
                return None;
            }
            value = Value::Json(json::member(json.text, name)?);
        }
        Some(value)
    }

    /// Returns the text of the string or number that the pointer refers to; `None` for any other
    /// value.
    #[inline(always)]
    pub(crate) fn text<'v>(&self, object: &'v Object<'_>) -> Option<Cow<'v, str>> {
        if self.rest.is_empty() {
            return object.find(&self.first)?.scalar();
        }
        self.find(object)?.into_scalar()
    }

    /// Returns the text of the boolean that the pointer refers to; `None` for any other value.
    pub(crate) fn boolean(&self, object: &Object<'_>) -> Option<&'static str> {
        let Value::Json(json) = self.find(object)? else { return None };
        let text = if json.text == "true" { "true" } else { "false" };
        (json.shape == Shape::Boolean).then_some(text)
    }
}

impl fmt::Display for Pointer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for segment in self.segments() {
            write!(f, "/{}", segment.replace('~', "~0").replace('/', "~1"))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_top_level_and_nested_members() {
        let object = Object::from_json(r#"{"a/b":1,"data":{"t":"17"},"n":null}"#).unwrap();
        let text = |pointer| Pointer::parse(pointer).unwrap().text(&object).map(Cow::into_owned);
        assert_eq!(text("/a~1b").as_deref(), Some("1"));
        assert_eq!(text("/data/t").as_deref(), Some("17"));
        for missing in ["/n", "/n/x", "/data", "/data/x", "/x", "/"] {
            assert_eq!(text(missing), None, "{missing}");
        }
        assert_eq!(Pointer::parse("data"), None);
        assert_eq!(Pointer::parse("/a~1b/c").unwrap().to_string(), "/a~1b/c");
    }
}
