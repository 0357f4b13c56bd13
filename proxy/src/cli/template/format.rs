//! Templates as text for a terminal.

use gatepost_editor::{KeyView, TemplateView};
use serde_json::Value as Json;

use crate::table::{aligned, plain, width};

/// Formats a table of templates: name, provider, tenants and kinds.
pub(super) fn table(templates: &[TemplateView]) -> Vec<String> {
    let head = ["NAME", "PROVIDER", "TENANTS", "KINDS"].map(str::to_owned);
    aligned(&[head].into_iter().chain(templates.iter().map(row)).collect::<Vec<_>>())
}

fn row(template: &TemplateView) -> [String; 4] {
    let kinds: Vec<_> = template.on.iter().map(|(kind, _)| &**kind).collect();
    [
        &template.name,
        &template.provider,
        &or_none(&template.bind.join(", ")),
        &or_none(&kinds.join(", ")),
    ]
    .map(|text| plain(text))
}

/// Formats a template, with one line for each value.
pub(super) fn page(template: &TemplateView) -> Vec<String> {
    let keys: Vec<_> = template.keys.iter().map(key).collect();
    let mut lines = vec![
        ("name".to_owned(), template.name.clone()),
        ("description".to_owned(), or_none(&template.description)),
        ("provider".to_owned(), template.provider.clone()),
        ("keys".to_owned(), or_none(&keys.join(", "))),
        ("tenants".to_owned(), or_none(&template.bind.join(", "))),
    ];
    let unsigned = template.insecure_unsigned.iter();
    lines.extend(unsigned.map(|value| ("insecure_unsigned".to_owned(), value_text(value))));
    if !template.signing_secret.is_empty() {
        let secrets: Vec<_> = template.signing_secret.iter().map(key).collect();
        lines.push(("signing_secret".to_owned(), secrets.join(", ")));
    }
    let settings = template.settings.iter();
    lines.extend(settings.map(|(name, value)| (format!("settings.{name}"), value_text(value))));
    lines.extend(template.on.iter().map(|(kind, value)| (format!("on.{kind}"), value_text(value))));
    let widest = lines.iter().map(|(name, _)| width(name)).max().unwrap_or(0);
    let line = |(name, value): &(String, String)| {
        let blanks = " ".repeat(widest - width(name) + 2);
        plain(&format!("{name}{blanks}{value}"))
    };
    lines.iter().map(line).collect()
}

fn key(key: &KeyView) -> String {
    match key {
        KeyView::Env(name) => format!("env {name}"),
        KeyView::File(name) => format!("file {name}"),
        KeyView::Secret(_) => SECRET.to_owned(),
    }
}

/// Text in place of a secret that the file contains.
const SECRET: &str = "[secret]";

fn value_text(value: &Json) -> String {
    let source = |key| value.get(key).and_then(Json::as_str).map(|name| format!("{key} {name}"));
    if value.get("secret").is_some() {
        return SECRET.to_owned();
    }
    let is_source = value.as_object().is_some_and(|map| map.len() == 1);
    let source = source("env").or_else(|| source("file")).filter(|_| is_source);
    match (source, value.as_str()) {
        (Some(source), _) => source,
        (None, Some(text)) => text.to_owned(),
        (None, None) => value.to_string(),
    }
}

fn or_none(text: &str) -> String {
    if text.is_empty() { "-".to_owned() } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "[[template]]\nname = '付费-1'\nprovider = 'kollus'\nbind = ['c', 'd']\n\
                        on.live_play.answer.result = 1\n[[template]]\nname = 'prod'\n\
                        provider = 'tencent-css'\nkeys = ['hunter2', { env = 'KEY' }]\n\
                        signing_secret = ['hunter2', { file = 's' }]\n\
                        settings.grace_secs = 5\nsettings.word = 'hunter2'\n\
                        settings.other = { file = 'f' }\non.push = \"http://x/\\u001b\"\n";

    fn files() -> gatepost::ConfigFiles {
        gatepost::ConfigFiles::with_text(TEXT, "gatepost.toml").unwrap()
    }

    #[test]
    fn table_has_aligned_columns() {
        assert_eq!(
            table(&TemplateView::all(&files(), None).unwrap()),
            [
                "NAME    PROVIDER     TENANTS  KINDS",
                "付费-1  kollus       c, d     live_play",
                "prod    tencent-css  -        push",
            ]
        );
    }

    #[test]
    fn page_hides_secrets() {
        assert_eq!(
            page(&TemplateView::all(&files(), None).unwrap()[1]),
            [
                "name                 prod",
                "description          -",
                "provider             tencent-css",
                "keys                 [secret], env KEY",
                "tenants              -",
                "signing_secret       [secret], file s",
                "settings.grace_secs  5",
                "settings.word        [secret]",
                "settings.other       file f",
                "on.push              http://x/\u{fffd}",
            ]
        );
    }
}
