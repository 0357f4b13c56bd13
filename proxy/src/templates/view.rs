//! A template as it is shown: everything but its secrets.

use gatepost::Config;
use serde::{Serialize, Serializer};
use serde_json::{Value as Json, json};
use toml_edit::{Item, TableLike, Value};

use super::document::Document;
use super::draft::KeySource;
use super::fields::{string, strings};
use super::json;
use super::problem::Problem;

/// A template, for people and machines.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct View {
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) provider: String,
    pub(crate) keys: Vec<KeyView>,
    pub(crate) bind: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) insecure_unsigned: Option<Json>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) signing_secret: Vec<KeyView>,
    #[serde(serialize_with = "as_object")]
    pub(crate) settings: Vec<(String, Json)>,
    #[serde(serialize_with = "as_object")]
    pub(crate) on: Vec<(String, Json)>,
}

/// A key, as far as it may be shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum KeyView {
    Env(String),
    File(String),
    /// It is written out in the file.
    Secret(bool),
}

/// Every template of a text, in its order. Without a config that tells the settings apart, every
/// text among them is taken for a secret.
pub(crate) fn views(text: &str, config: Option<&Config>) -> Result<Vec<View>, Problem> {
    let document = Document::parse(text)?;
    Ok(document.templates().into_iter().map(|table| View::of(table, config)).collect())
}

/// The template of that name.
pub(crate) fn view(text: &str, config: Option<&Config>, name: &str) -> Result<View, Problem> {
    let document = Document::parse(text)?;
    document.template(name).map(|table| View::of(table, config))
}

impl View {
    fn of(table: &dyn TableLike, config: Option<&Config>) -> Self {
        let text = |key| string(table, key).unwrap_or_default().to_owned();
        let name = text("name");
        let template = config.and_then(|config| config.templates().find(|t| t.name() == name));
        let shows = |setting: &str| template.is_some_and(|own| own.shows_setting(setting));
        Self {
            description: text("description"),
            provider: text("provider"),
            keys: keys(table, "keys"),
            bind: strings(table, "bind").into_iter().map(str::to_owned).collect(),
            insecure_unsigned: table.get("insecure_unsigned").map(json::from_item),
            signing_secret: keys(table, "signing_secret"),
            settings: entries(table, "settings", |setting, item| of_setting(item, shows(setting))),
            on: entries(table, "on", |_, item| json::from_item(item)),
            name,
        }
    }
}

fn keys(table: &dyn TableLike, key: &str) -> Vec<KeyView> {
    let value = table.get(key).and_then(|item| item.clone().into_value().ok());
    let Some(value) = value else { return Vec::new() };
    match value.as_array() {
        Some(list) => list.iter().map(KeyView::of).collect(),
        None => vec![KeyView::of(&value)],
    }
}

impl KeyView {
    fn of(value: &Value) -> Self {
        match KeySource::from_value(value) {
            Some(KeySource::Env(name)) => Self::Env(name),
            Some(KeySource::File(name)) => Self::File(name),
            None => Self::Secret(true),
        }
    }
}

fn entries(
    table: &dyn TableLike,
    key: &str,
    show: impl Fn(&str, &Item) -> Json,
) -> Vec<(String, Json)> {
    let Some(table) = table.get(key).and_then(Item::as_table_like) else { return Vec::new() };
    table.iter().map(|(name, item)| (name.to_owned(), show(name, item))).collect()
}

/// A number of seconds, a word, or where a secret is.
fn of_setting(item: &Item, shown: bool) -> Json {
    let value = item.clone().into_value().ok();
    let is_plain = |value: &Value| value.is_integer() || value.is_bool();
    match value.as_ref().and_then(KeySource::from_value) {
        Some(source) => json::from_item(&Item::Value(source.to_value())),
        None if shown || value.as_ref().is_some_and(is_plain) => json::from_item(item),
        None => json!({ "secret": true }),
    }
}

fn as_object<S: Serializer>(entries: &[(String, Json)], to: S) -> Result<S::Ok, S::Error> {
    to.collect_map(entries.iter().map(|(name, value)| (name, value)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_shown_however_they_are_written() {
        let keys = |lines: &str| {
            let text = format!("[[template]]\nname = 'a'\n{lines}");
            view(&text, None, "a").unwrap().keys
        };
        let env = || KeyView::Env("K".into());
        assert_eq!(keys("keys = [{ env = 'K' }]"), [env()]);
        assert_eq!(keys("keys = { env = 'K' }"), [env()]);
        assert_eq!(keys("keys.env = 'K'"), [env()]);
        let apart = "[[template.keys]]\nenv = 'K'\n[[template.keys]]\nfile = 'f'";
        assert_eq!(keys(apart), [env(), KeyView::File("f".into())]);
        assert_eq!(keys("keys = 'k'"), [KeyView::Secret(true)]);
        let text = "[[template]]\nname = 'a'\nsigning_secret = ['k', { env = 'K' }]";
        let signing = view(text, None, "a").unwrap().signing_secret;
        assert_eq!(signing, [KeyView::Secret(true), env()]);
    }
}
