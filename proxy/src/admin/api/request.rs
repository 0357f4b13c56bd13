//! Parser of request bodies that create or change a template.
//!
//! Reports all faults at once. No fault quotes a value, because the value may be a secret key.

use gatepost_editor::{
    EditFault, KeyChange, KeySource, KindEntry, NewTemplate, TemplateChange, TomlTable, TomlValue,
};
use serde_json::{Map, Value as Json};

use super::error::ApiError;

/// Parses the body of a request that creates a template.
pub(super) fn new_template(body: &Json) -> Result<NewTemplate, ApiError> {
    let mut reader = BodyReader::of(body)?;
    let template = NewTemplate {
        name: reader.required("name", "set a name for the template"),
        provider: reader.required("provider", "set a provider, for example \"tencent-css\""),
        description: reader.text("description").flatten(),
        keys: reader.keys("keys").unwrap_or_default(),
        bind: reader.texts("bind"),
        on: given(reader.entries("on", entry)),
        settings: given(reader.entries("settings", setting)),
    };
    reader.finish(template)
}

/// Drops the entries that are `null` or invalid. A new template has no entries to remove, and
/// [`BodyReader::entries`] has already reported the invalid entries.
fn given<T>(entries: Vec<(String, Option<T>)>) -> Vec<(String, T)> {
    entries.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
}

/// Parses the body of a request that changes a template, as a merge patch (RFC 7396). The value
/// `null` removes the description, or an entry of `on` or `settings`. An absent member leaves its
/// value unchanged.
pub(super) fn change(body: &Json) -> Result<TemplateChange, ApiError> {
    let mut reader = BodyReader::of(body)?;
    let change = TemplateChange {
        rename: reader.text("name").flatten(),
        description: reader.text("description").map(Option::unwrap_or_default),
        keys: reader.keys("keys").map(KeyChange::All).unwrap_or_default(),
        on: reader.entries("on", entry),
        settings: reader.entries("settings", setting),
    };
    reader.finish(change)
}

fn entry(json: &Json) -> Option<KindEntry> {
    match json {
        Json::String(url) => Some(KindEntry::Url(url.clone())),
        Json::Object(map) => TomlTable::from_json(map).map(KindEntry::Table),
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::Array(_) => None,
    }
}

fn setting(json: &Json) -> Option<TomlValue> {
    match json {
        Json::Object(map) => source(map).map(|source| TomlValue::from(&source)),
        Json::Null | Json::Array(_) => None,
        Json::Bool(_) | Json::Number(_) | Json::String(_) => TomlValue::from_json(json),
    }
}

fn source(map: &Map<String, Json>) -> Option<KeySource> {
    let mut entries = map.iter();
    match (entries.next()?, entries.next()) {
        ((word, Json::String(name)), None) if word == "env" => Some(KeySource::Env(name.clone())),
        ((word, Json::String(name)), None) if word == "file" => Some(KeySource::File(name.clone())),
        _ => None,
    }
}

/// Reader that collects the faults of a JSON object.
struct BodyReader<'b> {
    map: &'b Map<String, Json>,
    asked: Vec<&'static str>,
    faults: Vec<EditFault>,
}

impl<'b> BodyReader<'b> {
    fn of(body: &'b Json) -> Result<Self, ApiError> {
        match body.as_object() {
            Some(map) => Ok(Self { map, asked: Vec::new(), faults: Vec::new() }),
            None => Err(ApiError::InvalidBody {
                message: "expected a JSON object as the body, found an array or a single value; see /api/openapi.json",
                faults: Vec::new(),
            }),
        }
    }

    fn get(&mut self, key: &'static str) -> Option<&'b Json> {
        self.asked.push(key);
        self.map.get(key)
    }

    fn fault(&mut self, key: &str, problem: &str, remedy: &str) {
        self.faults.push(EditFault::new(key, problem, remedy));
    }

    /// Adds a fault that names the type of `json`.
    fn wrong_type(&mut self, key: &str, wanted: &str, json: &Json, remedy: &str) {
        let found = match json {
            Json::Null => "null",
            Json::Bool(_) => "a boolean",
            Json::Number(_) => "a number",
            Json::String(_) => "a string",
            Json::Array(_) => "an array with other elements",
            Json::Object(_) => "an object with other members",
        };
        self.fault(key, &format!("expected {wanted}, found {found}"), remedy);
    }

    fn required(&mut self, key: &'static str, remedy: &str) -> String {
        if !self.map.contains_key(key) {
            self.fault(key, "expected a string, found no value", remedy);
        }
        self.text(key).flatten().unwrap_or_default()
    }

    /// Returns `Some(None)` for `null`, and `None` for an absent or invalid value.
    fn text(&mut self, key: &'static str) -> Option<Option<String>> {
        let json = self.get(key)?;
        match json {
            Json::Null => Some(None),
            Json::String(text) => Some(Some(text.clone())),
            Json::Bool(_) | Json::Number(_) | Json::Array(_) | Json::Object(_) => {
                self.wrong_type(key, "a string", json, "write a string or null");
                None
            }
        }
    }

    fn texts(&mut self, key: &'static str) -> Vec<String> {
        let Some(json) = self.get(key) else { return Vec::new() };
        let texts =
            json.as_array().map(|items| items.iter().map(|item| item.as_str().map(str::to_owned)));
        texts.and_then(Iterator::collect).unwrap_or_else(|| {
            self.wrong_type(key, "a list of strings", json, "write [\"…\"]");
            Vec::new()
        })
    }

    fn keys(&mut self, key: &'static str) -> Option<Vec<KeySource>> {
        let json = self.get(key)?;
        let sources =
            json.as_array().map(|items| items.iter().map(|item| source(item.as_object()?)));
        let keys = sources.and_then(Iterator::collect);
        if keys.is_none() {
            let remedy = "write a list of { \"env\": \"NAME\" } and { \"file\": \"name\" }";
            self.wrong_type(key, "a list of key sources", json, remedy);
        }
        keys
    }

    /// Returns the entries of an object. A `null` or invalid value becomes `None`.
    fn entries<T>(
        &mut self,
        key: &'static str,
        read: impl Fn(&Json) -> Option<T>,
    ) -> Vec<(String, Option<T>)> {
        let Some(json) = self.get(key) else { return Vec::new() };
        let Some(map) = json.as_object() else {
            self.wrong_type(key, "an object", json, "write an object with one member per entry");
            return Vec::new();
        };
        let mut entries = Vec::new();
        for (name, json) in map {
            let value = read(json);
            if value.is_none() && !json.is_null() {
                let remedy = "use a type from /api/openapi.json, without null inside the value";
                self.wrong_type(&format!("{key}.{name}"), "a supported value", json, remedy);
            }
            entries.push((name.clone(), value));
        }
        entries
    }

    /// Returns `read`, the parsed body. If the body has faults or unknown members, returns an error
    /// with all of them.
    fn finish<T>(mut self, read: T) -> Result<T, ApiError> {
        let unknown: Vec<_> =
            self.map.keys().filter(|key| !self.asked.contains(&&***key)).collect();
        let remedy = format!("use only {}", self.asked.join(", "));
        for key in unknown {
            self.fault(key, &format!("expected a known key, found `{key}`"), &remedy);
        }
        if self.faults.is_empty() {
            return Ok(read);
        }
        Err(ApiError::InvalidBody {
            message: "expected a valid request body, found faults; correct these faults",
            faults: self.faults,
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn reports_every_fault_and_quotes_no_value() {
        let body = json!({
            "name": 1, "keys": ["hunter2"], "bind": [1], "colour": "red",
            "on": { "push": true, "error": { "url": null } }, "settings": { "a": { "key": "hunter2" } },
        });
        let error = new_template(&body).unwrap_err();
        let keys: Vec<_> = error.faults().iter().map(|fault| &*fault.key).collect();
        let expected =
            ["name", "provider", "keys", "bind", "on.error", "on.push", "settings.a", "colour"];
        assert_eq!(keys, expected);
        assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
    }

    #[test]
    fn absent_member_changes_nothing_and_null_removes_value() {
        assert!(change(&json!({})).unwrap().is_empty());
        let change = change(&json!({ "description": null, "on": { "push": null } })).unwrap();
        assert_eq!(change.description.as_deref(), Some(""));
        assert!(matches!(&*change.on, [(kind, None)] if kind == "push"));
    }
}
