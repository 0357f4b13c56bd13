//! Views of templates, without secrets.

use gatepost::{Config, ConfigFiles};
use serde::{Serialize, Serializer};
use serde_json::{Value as Json, json};
use toml_edit::{Item, TableLike, Value};

use crate::document::Document;
use crate::error::EditError;
use crate::template_change::KeySource;
use crate::toml_table::{string, strings};
use crate::toml_value::json_from_item;

/// A template without its secrets.
///
/// ```
/// use gatepost::ConfigFiles;
/// use gatepost_editor::{KeyView, TemplateView};
///
/// let text = "[[template]]\nname = 'prod'\nkeys = ['s3cret', { env = 'KEY' }]\n";
/// let files = ConfigFiles::with_text(text, "gatepost.toml")?;
/// let template = TemplateView::named(&files, None, "prod")?;
/// assert_eq!(template.keys, [KeyView::Secret(true), KeyView::Env("KEY".into())]);
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct TemplateView {
    /// Name of the template.
    pub name: String,
    /// Description; empty if the template has none.
    pub description: String,
    /// Name of the provider.
    pub provider: String,
    /// Keys of the template. gatepost accepts a signature made with any one of these keys.
    pub keys: Vec<KeyView>,
    /// Tenants that the template binds.
    pub bind: Vec<String>,
    /// Value of `insecure_unsigned`: a boolean or a list of kinds; `None` if the template does not
    /// set `insecure_unsigned`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub insecure_unsigned: Option<Json>,
    /// Keys for event signing.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub signing_secret: Vec<KeyView>,
    /// Settings by name. The view replaces a secret with its source or with `{"secret": true}`.
    #[serde(serialize_with = "as_object")]
    pub settings: Vec<(String, Json)>,
    /// Entries of the table `on`, by kind.
    #[serde(serialize_with = "as_object")]
    pub on: Vec<(String, Json)>,
}

/// The source of a key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum KeyView {
    /// Name of the environment variable that contains the key.
    Env(String),
    /// Path of the file that contains the key.
    File(String),
    /// Key in the text of the config file. The view hides the key; the value is always `true`.
    Secret(bool),
}

impl TemplateView {
    /// Returns every template of the config, in the order of the files. The view shows each setting
    /// that is an integer, a boolean or the source of a secret. The view shows any other setting
    /// only if the setting is not secret according to `config`.
    ///
    /// # Errors
    ///
    /// Returns an error if a file is not TOML.
    pub fn all(files: &ConfigFiles, config: Option<&Config>) -> Result<Vec<Self>, EditError> {
        let mut views = Vec::new();
        for (_, text) in files.iter() {
            let document = Document::parse(text)?;
            views.extend(document.templates().into_iter().map(|table| Self::of(table, config)));
        }
        Ok(views)
    }

    /// Returns the template with this name. `config` has the same effect as in
    /// [`TemplateView::all`].
    ///
    /// # Errors
    ///
    /// Returns an error for a file that is not TOML, and for a name that no template has.
    pub fn named(
        files: &ConfigFiles,
        config: Option<&Config>,
        name: &str,
    ) -> Result<Self, EditError> {
        let texts: Vec<_> = files.iter().map(|(_, text)| text).collect();
        let (first, others) = texts.split_first().unwrap_or((&"", &[]));
        let document = Document::parse_among(first, others)?;
        document.any_template(name).map(|table| Self::of(table, config))
    }

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
            insecure_unsigned: table.get("insecure_unsigned").map(json_from_item),
            signing_secret: keys(table, "signing_secret"),
            settings: entries(table, "settings", |setting, item| {
                setting_view(item, shows(setting))
            }),
            on: entries(table, "on", |_, item| json_from_item(item)),
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

/// Converts a setting to JSON. Replaces a secret with its source or with `{"secret": true}`.
fn setting_view(item: &Item, is_public: bool) -> Json {
    let value = item.clone().into_value().ok();
    let is_plain = |value: &Value| value.is_integer() || value.is_bool();
    match value.as_ref().and_then(KeySource::from_value) {
        Some(source) => json_from_item(&Item::Value(source.to_value())),
        None if is_public || value.as_ref().is_some_and(is_plain) => json_from_item(item),
        None => json!({ "secret": true }),
    }
}

fn as_object<S: Serializer>(entries: &[(String, Json)], to: S) -> Result<S::Ok, S::Error> {
    to.collect_map(entries.iter().map(|(name, value)| (name, value)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(text: &str) -> ConfigFiles {
        ConfigFiles::with_text(text, "gatepost.toml").unwrap()
    }

    #[test]
    fn shows_keys_written_in_any_toml_form() {
        let keys = |lines: &str| {
            let text = format!("[[template]]\nname = 'a'\n{lines}");
            TemplateView::named(&files(&text), None, "a").unwrap().keys
        };
        let env = || KeyView::Env("K".into());
        assert_eq!(keys("keys = [{ env = 'K' }]"), [env()]);
        assert_eq!(keys("keys = { env = 'K' }"), [env()]);
        assert_eq!(keys("keys.env = 'K'"), [env()]);
        let apart = "[[template.keys]]\nenv = 'K'\n[[template.keys]]\nfile = 'f'";
        assert_eq!(keys(apart), [env(), KeyView::File("f".into())]);
        assert_eq!(keys("keys = 'k'"), [KeyView::Secret(true)]);
        let text = "[[template]]\nname = 'a'\nsigning_secret = ['k', { env = 'K' }]";
        let signing = TemplateView::named(&files(text), None, "a").unwrap().signing_secret;
        assert_eq!(signing, [KeyView::Secret(true), env()]);
    }
}
