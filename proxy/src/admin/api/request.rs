//! What the API is asked: a body taken apart, with every flaw at once.
//!
//! No flaw quotes a value: somebody may have sent a key.

use serde_json::{Map, Value as Json};
use toml_edit::Value;

use crate::templates::draft::{Change, Draft, Entry, KeyChange, KeySource};
use crate::templates::json::{to_table, to_toml};
use crate::templates::problem::{Flaw, Problem};

/// A template to be created.
pub(super) fn draft(body: &Json) -> Result<Draft, Problem> {
    let mut reader = Reader::of(body)?;
    let draft = Draft {
        name: reader.required("name", "name the template"),
        provider: reader.required("provider", "name the platform, as in \"tencent-css\""),
        description: reader.text("description").flatten(),
        keys: reader.keys("keys").unwrap_or_default(),
        bind: reader.texts("bind"),
        on: given(reader.entries("on", entry)),
        settings: given(reader.entries("settings", setting)),
    };
    reader.finish(draft)
}

/// Of a template that is not there yet, nothing can be taken out.
fn given<T>(entries: Vec<(String, Option<T>)>) -> Vec<(String, T)> {
    entries.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
}

/// A change, by the rule of a merge patch: what is not named stays, and `null` takes out.
pub(super) fn change(body: &Json) -> Result<Change, Problem> {
    let mut reader = Reader::of(body)?;
    let change = Change {
        rename: reader.text("name").flatten(),
        description: reader.text("description").map(Option::unwrap_or_default),
        keys: reader.keys("keys").map(KeyChange::All).unwrap_or_default(),
        on: reader.entries("on", entry),
        settings: reader.entries("settings", setting),
    };
    reader.finish(change)
}

fn entry(json: &Json) -> Option<Entry> {
    match json {
        Json::String(url) => Some(Entry::Url(url.clone())),
        Json::Object(map) => to_table(map).map(Entry::Table),
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::Array(_) => None,
    }
}

fn setting(json: &Json) -> Option<Value> {
    match json {
        Json::Object(map) => source(map).map(|source| source.to_value()),
        Json::Null | Json::Array(_) => None,
        Json::Bool(_) | Json::Number(_) | Json::String(_) => to_toml(json),
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

/// Takes an object apart, writing down what is wrong.
struct Reader<'b> {
    map: &'b Map<String, Json>,
    asked: Vec<&'static str>,
    flaws: Vec<Flaw>,
}

impl<'b> Reader<'b> {
    fn of(body: &'b Json) -> Result<Self, Problem> {
        match body.as_object() {
            Some(map) => Ok(Self { map, asked: Vec::new(), flaws: Vec::new() }),
            None => Err(Problem::invalid("the body is no JSON object; see /api/openapi.json")),
        }
    }

    fn get(&mut self, key: &'static str) -> Option<&'b Json> {
        self.asked.push(key);
        self.map.get(key)
    }

    fn flaw(&mut self, key: &str, problem: &str, remedy: &str) {
        self.flaws.push(Flaw::new(key, problem, remedy));
    }

    fn required(&mut self, key: &'static str, remedy: &str) -> String {
        if !self.map.contains_key(key) {
            self.flaw(key, "this is missing", remedy);
        }
        self.text(key).flatten().unwrap_or_default()
    }

    /// A text, or `null`.
    fn text(&mut self, key: &'static str) -> Option<Option<String>> {
        match self.get(key)? {
            Json::Null => Some(None),
            Json::String(text) => Some(Some(text.clone())),
            Json::Bool(_) | Json::Number(_) | Json::Array(_) | Json::Object(_) => {
                self.flaw(key, "this is no text", "write a string");
                None
            }
        }
    }

    fn texts(&mut self, key: &'static str) -> Vec<String> {
        let Some(json) = self.get(key) else { return Vec::new() };
        let texts =
            json.as_array().map(|items| items.iter().map(|item| item.as_str().map(str::to_owned)));
        texts.and_then(Iterator::collect).unwrap_or_else(|| {
            self.flaw(key, "this is no list of texts", "write a list of strings");
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
            self.flaw(key, "this is no list of places of keys", remedy);
        }
        keys
    }

    /// The entries of an object, `None` for `null`.
    fn entries<T>(
        &mut self,
        key: &'static str,
        read: impl Fn(&Json) -> Option<T>,
    ) -> Vec<(String, Option<T>)> {
        let Some(json) = self.get(key) else { return Vec::new() };
        let Some(map) = json.as_object() else {
            self.flaw(key, "this is no object", "write an object with a name for each entry");
            return Vec::new();
        };
        let mut entries = Vec::new();
        for (name, json) in map {
            let value = read(json);
            if value.is_none() && !json.is_null() {
                let remedy = "see /api/openapi.json for its forms; there is no null inside it";
                self.flaw(&format!("{key}.{name}"), "this has none of its forms", remedy);
            }
            entries.push((name.clone(), value));
        }
        entries
    }

    /// What was read, unless something is wrong or nobody asked for it.
    fn finish<T>(mut self, read: T) -> Result<T, Problem> {
        let unknown: Vec<_> =
            self.map.keys().filter(|key| !self.asked.contains(&&***key)).collect();
        let remedy = format!("known here: {}", self.asked.join(", "));
        unknown.into_iter().for_each(|key| self.flaw(key, "this key is unknown", &remedy));
        if self.flaws.is_empty() {
            return Ok(read);
        }
        Err(Problem { flaws: self.flaws, ..Problem::invalid("the body is not what is asked for") })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_flaw_is_found_at_once_and_no_value_quoted() {
        let body = json!({
            "name": 1, "keys": ["hunter2"], "bind": [1], "colour": "red",
            "on": { "push": true, "error": { "url": null } }, "settings": { "a": { "key": "hunter2" } },
        });
        let problem = draft(&body).unwrap_err();
        let keys: Vec<_> = problem.flaws.iter().map(|flaw| &*flaw.key).collect();
        let expected =
            ["name", "provider", "keys", "bind", "on.error", "on.push", "settings.a", "colour"];
        assert_eq!(keys, expected);
        assert!(!problem.to_string().contains("hunter2"), "{problem}");
    }

    #[test]
    fn what_is_not_named_stays_and_null_takes_out() {
        assert!(change(&json!({})).unwrap().is_empty());
        let change = change(&json!({ "description": null, "on": { "push": null } })).unwrap();
        assert_eq!(change.description.as_deref(), Some(""));
        assert!(matches!(&*change.on, [(kind, None)] if kind == "push"));
    }
}
