//! JSON form of an event's headers.

use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;

/// Returns headers as JSON: `[["name", "value"], …]`. A value that is not UTF-8 becomes a list of
/// bytes.
pub(crate) fn headers_to_json(headers: &HeaderMap) -> String {
    let value = |value: &HeaderValue| match std::str::from_utf8(value.as_bytes()) {
        Ok(text) => Value::from(text),
        Err(_) => Value::from(value.as_bytes()),
    };
    let pairs = headers.iter().map(|(name, text)| Value::from([name.as_str().into(), value(text)]));
    Value::from_iter(pairs).to_string()
}

/// Parses the output of [`headers_to_json`]. Omits malformed headers.
pub(crate) fn headers_from_json(text: &str) -> HeaderMap {
    let pairs: Vec<(String, Value)> = serde_json::from_str(text).unwrap_or_default();
    let mut headers = HeaderMap::new();
    for (name, value) in pairs {
        let bytes = match value.as_str() {
            Some(text) => text.as_bytes().to_vec(),
            None => serde_json::from_value(value).unwrap_or_default(),
        };
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(bytes)) {
            headers.append(name, value);
        }
    }
    headers
}
