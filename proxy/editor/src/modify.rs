//! Application of a [`TemplateChange`] to a template. Fields that the change omits remain
//! unchanged.

use toml_edit::{Array, Value};

use crate::document::{Document, check_has_delivery};
use crate::error::EditError;
use crate::template_change::{KeyChange, KeySource, KindEntry, TemplateChange};
use crate::toml_array;
use crate::toml_table::{TableEntries, array_mut, cut, list, unfit};
use crate::toml_value::TomlValue;

/// Applies a change to a template. After an error, drop `document`: it may contain a part of the
/// change.
pub(crate) fn modify(
    document: &mut Document,
    name: &str,
    change: &TemplateChange,
) -> Result<(), EditError> {
    if change.is_empty() {
        return Err(EditError::invalid("expected a change, found none; set at least one field"));
    }
    document.template(name)?;
    change.check_names()?;
    modify_deliveries(document, name, &change.on)?;
    modify_settings(document, name, &change.settings)?;
    modify_keys(document, name, &change.keys)?;
    if change.on.iter().any(|(_, entry)| entry.is_none()) {
        check_has_delivery(document.template(name)?, name)?;
    }
    match change.description.as_deref() {
        None => {}
        Some("") => remove_key(document, name, "description")?,
        Some(text) => document.template_mut(name)?.set("description", text.into()),
    }
    match change.rename.as_deref() {
        None => Ok(()),
        Some(new) if new == name => Ok(()),
        Some(new) => {
            document.check_name_is_free(new)?;
            document.check_pins_are_here(name)?;
            document.template_mut(name)?.set("name", new.into());
            document.rename_pins(name, new);
            Ok(())
        }
    }
}

/// Removes a key of the template, such as `description`.
fn remove_key(document: &mut Document, name: &str, key: &str) -> Result<(), EditError> {
    let leftover = document.template_mut(name)?.remove(key);
    document.adopt(name, leftover.unwrap_or_default());
    Ok(())
}

/// Removes a key from a table of the template, such as `on`.
fn remove_from_table(
    document: &mut Document,
    name: &str,
    table: &str,
    key: &str,
) -> Result<(), EditError> {
    let mut template = document.template_mut(name)?;
    let mut entries = match template.get_mut(table) {
        Some(item) => TableEntries::of(item).ok_or_else(|| unfit(table))?,
        None => return Err(no_entry(name, table, key, &[])),
    };
    let Some(leftover) = entries.remove(key) else {
        return Err(no_entry(name, table, key, &entries.names()));
    };
    document.adopt(name, leftover);
    Ok(())
}

fn no_entry(name: &str, table: &str, key: &str, names: &[&str]) -> EditError {
    let existing = list(names);
    EditError::invalid(format!(
        "expected an entry of `{table}` in `{name}`, found `{key}`; existing entries: {existing}"
    ))
}

fn modify_deliveries(
    document: &mut Document,
    name: &str,
    on: &[(String, Option<KindEntry>)],
) -> Result<(), EditError> {
    for (kind, entry) in on {
        let Some(entry) = entry else {
            remove_from_table(document, name, "on", kind)?;
            continue;
        };
        let mut template = document.template_mut(name)?;
        let mut table = template.table("on").ok_or_else(|| unfit("on"))?;
        set_delivery(&mut table, kind, entry)?;
    }
    Ok(())
}

/// Sets the entry for a kind. A new address or answer keeps the other keys of an existing table.
fn set_delivery(on: &mut TableEntries<'_>, kind: &str, entry: &KindEntry) -> Result<(), EditError> {
    let (key, other, value) = match entry {
        KindEntry::Answer(answer) => ("answer", "url", Value::InlineTable(answer.0.clone())),
        KindEntry::Table(_) => {
            on.set(kind, entry.to_value());
            return Ok(());
        }
        KindEntry::Url(_) | KindEntry::Urls(_) => ("url", "answer", entry.to_value()),
    };
    match on.get_mut(kind) {
        // An entry with `env` has no other keys to keep.
        Some(item) if item.as_table_like().is_some_and(|own| !own.contains_key("env")) => {
            let mut own = TableEntries::of(item).ok_or_else(|| unfit(kind))?;
            own.remove(other);
            own.set(key, value);
        }
        Some(_) | None => on.set(kind, entry.to_value()),
    }
    Ok(())
}

fn modify_settings(
    document: &mut Document,
    name: &str,
    settings: &[(String, Option<TomlValue>)],
) -> Result<(), EditError> {
    for (setting, value) in settings {
        let Some(value) = value else {
            remove_from_table(document, name, "settings", setting)?;
            continue;
        };
        let mut template = document.template_mut(name)?;
        let mut table = template.table("settings").ok_or_else(|| unfit("settings"))?;
        table.set(setting, value.0.clone());
    }
    Ok(())
}

fn modify_keys(document: &mut Document, name: &str, change: &KeyChange) -> Result<(), EditError> {
    if change.is_empty() {
        return Ok(());
    }
    let mut template = document.template_mut(name)?;
    let keys = array_mut(&mut template, "keys")?;
    let add = match change {
        KeyChange::Some { add, remove } => {
            for key in remove {
                let index = position(keys, key).ok_or_else(|| no_key(name, keys))?;
                toml_array::remove(keys, index);
            }
            add
        }
        KeyChange::All(all) => {
            let is_kept = |key: KeySource| all.contains(&key);
            toml_array::remove_where(keys, |value| {
                !KeySource::from_value(value).is_some_and(is_kept)
            });
            all
        }
    };
    for key in add {
        if position(keys, key).is_none() {
            toml_array::push(keys, key.to_value());
        }
    }
    if keys.is_empty() {
        remove_key(document, name, "keys")?;
    }
    Ok(())
}

fn position(keys: &Array, key: &KeySource) -> Option<usize> {
    keys.iter().position(|value| KeySource::from_value(value).as_ref() == Some(key))
}

fn no_key(name: &str, keys: &Array) -> EditError {
    let keys: Vec<_> = keys.iter().filter_map(KeySource::from_value).collect();
    let existing = cut(keys.iter().map(|key| key.to_value().to_string()));
    EditError::invalid(format!(
        "expected a key of `{name}`, found a key that is not in the list; existing keys: {existing}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::edit::Edit;
    use crate::edit::tests::{TEXT, edit_error, replaced};
    use crate::error::EditErrorKind;
    use crate::toml_value::tests::table;

    fn edit(name: &str, change: TemplateChange) -> Edit {
        Edit::Modify { name: name.into(), change }
    }

    fn on(kind: &str, entry: Option<KindEntry>) -> TemplateChange {
        TemplateChange { on: vec![(kind.into(), entry)], ..TemplateChange::default() }
    }

    fn url(url: &str) -> Option<KindEntry> {
        Some(KindEntry::Url(url.into()))
    }

    fn changed(name: &str, change: TemplateChange) -> String {
        edit(name, change).apply(TEXT).unwrap()
    }

    #[test]
    fn rename_updates_routes_that_name_the_template() {
        let change = TemplateChange { rename: Some("new".into()), ..TemplateChange::default() };
        let expected = replaced(&[
            ("template = 'prod'", "template = \"new\""),
            ("name = 'prod'", "name = \"new\""),
        ]);
        assert_eq!(changed("prod", change), expected);
        let change = TemplateChange { rename: Some("paid".into()), ..TemplateChange::default() };
        assert_eq!(edit_error(&edit("prod", change), TEXT).0, EditErrorKind::NameTaken);
    }

    #[test]
    fn sets_and_removes_description() {
        let describe = |text: &str| TemplateChange {
            description: Some(text.into()),
            ..TemplateChange::default()
        };
        let line = "bind     = ['c1', \"c2\"]   # channels\n";
        let described = changed("paid", describe("Members"));
        assert_eq!(described, replaced(&[(line, &format!("{line}description = \"Members\"\n"))]));
        assert_eq!(edit("paid", describe("")).apply(&described).unwrap(), TEXT);
    }

    #[test]
    fn writes_several_addresses_as_list() {
        let urls = || Some(KindEntry::Urls(vec!["http://a/".into(), "http://b/".into()]));
        let expected =
            replaced(&[("'http://127.0.0.1:3000/push'", "[\"http://a/\", \"http://b/\"]")]);
        assert_eq!(changed("prod", on("push", urls())), expected);
    }

    #[test]
    fn new_address_keeps_position_of_old_address() {
        let expected = replaced(&[("'http://127.0.0.1:3000/push'", "\"http://127.0.0.1:4000/\"")]);
        assert_eq!(changed("prod", on("push", url("http://127.0.0.1:4000/"))), expected);
        let expected = replaced(&[("'http://127.0.0.1:3000/play'", "\"http://127.0.0.1:4000/\"")]);
        assert_eq!(changed("paid", on("live_play", url("http://127.0.0.1:4000/"))), expected);
    }

    #[test]
    fn answer_replaces_address_and_address_replaces_answer() {
        let answer = Some(KindEntry::Answer(table("{ result = 1 }")));
        let answered = changed("paid", on("live_play", answer.clone()));
        let old = "{ url = 'http://127.0.0.1:3000/play', timeout_ms = 1500 } # 1.5 s";
        let new = "{ timeout_ms = 1500, answer = { result = 1 } } # 1.5 s";
        assert_eq!(answered, replaced(&[(old, new)]));
        let asked = edit("paid", on("live_play", url("http://x/"))).apply(&answered).unwrap();
        let new = "{ timeout_ms = 1500, url = \"http://x/\" } # 1.5 s";
        assert_eq!(asked, replaced(&[(old, new)]));
        let new = "{ answer = { result = 1 } }\n";
        let expected = replaced(&[("'http://127.0.0.1:3000/push'\n", new)]);
        assert_eq!(changed("prod", on("push", answer)), expected);
    }

    #[test]
    fn appends_entry_for_new_kind() {
        let line = "on.error = 'http://127.0.0.1:3000/error' # to the log\n";
        let expected = replaced(&[(line, &format!("{line}on.\"*\" = \"http://x/\"\n"))]);
        assert_eq!(changed("prod", on("*", url("http://x/"))), expected);
        let line = "timeout_ms = 1500 } # 1.5 s\n";
        let entry = Some(KindEntry::Table(table("{ url = 'http://x/', forward = 'raw' }")));
        let new = format!("{line}drm = {{ url = 'http://x/', forward = 'raw' }}\n");
        assert_eq!(changed("paid", on("drm", entry)), replaced(&[(line, &new)]));
    }

    #[test]
    fn edits_entry_for_kind_under_its_own_header() {
        let text = "[[template]]\nname = 'a' # a\n\n# playback\n[template.on.live_play]\n# app\n\
                    url = 'x'\n\n# next\n[[route]]\n";
        let edited = edit("a", on("live_play", url("y"))).apply(text).unwrap();
        assert_eq!(edited, text.replace("'x'", "\"y\""));
        let edited = edit("a", on("drm", url("y"))).apply(text).unwrap();
        let new = "# a\n\n[template.on]\ndrm = \"y\"\n\n# playback";
        assert_eq!(edited, text.replace("# a\n\n# playback", new));
        let edited = edit("a", on("live_play", None)).apply(&edited).unwrap();
        let expected =
            "[[template]]\nname = 'a' # a\n\n[template.on]\ndrm = \"y\"\n\n# next\n[[route]]\n";
        assert_eq!(edited, expected);
    }

    #[test]
    fn removes_entry_and_its_comment_but_never_the_last_entry() {
        let line = "on.error = 'http://127.0.0.1:3000/error' # to the log\n";
        assert_eq!(changed("prod", on("error", None)), replaced(&[(line, "")]));
        let (code, message) = edit_error(&edit("paid", on("live_play", None)), TEXT);
        assert_eq!(code, EditErrorKind::Invalid);
        assert!(message.starts_with("expected an address or an answer in `paid`"), "{message}");
        let (code, message) = edit_error(&edit("prod", on("pull", None)), TEXT);
        assert_eq!(code, EditErrorKind::Invalid);
        let expected =
            "expected an entry of `on` in `prod`, found `pull`; existing entries: `push`, `error`";
        assert_eq!(message, expected);
    }

    #[test]
    fn adds_and_removes_keys() {
        let (env, file) = (KeySource::Env("NEXT".into()), KeySource::File("old.key".into()));
        let old = "  { env = 'NEW' }, # since May\n  { file = 'old.key' }, # until June\n]";
        let new = "  { env = 'NEW' }, # since May\n  { env = \"NEXT\" },\n]";
        let keys = KeyChange::Some { add: vec![env.clone()], remove: vec![file] };
        let change = TemplateChange { keys, ..TemplateChange::default() };
        assert_eq!(changed("prod", change), replaced(&[(old, new)]));
        let all = KeyChange::All(vec![KeySource::Env("NEW".into()), env.clone()]);
        assert_eq!(
            changed("prod", TemplateChange { keys: all, ..TemplateChange::default() }),
            replaced(&[(old, new)])
        );
        let keys = KeyChange::Some { add: vec![], remove: vec![env] };
        let (_, message) =
            edit_error(&edit("prod", TemplateChange { keys, ..TemplateChange::default() }), TEXT);
        assert!(
            message.starts_with("expected a key of `prod`, found a key that is not in the list"),
            "{message}"
        );
    }

    #[test]
    fn removes_list_of_keys_if_no_key_remains() {
        let keys = KeyChange::All(Vec::new());
        let start = TEXT.find("keys = [").unwrap();
        let end = TEXT.find("bind = [\n").unwrap();
        let expected = format!("{}{}", &TEXT[..start], &TEXT[end..]);
        assert_eq!(changed("prod", TemplateChange { keys, ..TemplateChange::default() }), expected);
    }

    #[test]
    fn sets_and_removes_settings() {
        let set = |value: Option<Value>| TemplateChange {
            settings: vec![("grace_secs".into(), value.map(TomlValue))],
            ..TemplateChange::default()
        };
        let expected = replaced(&[("grace_secs = 60", "grace_secs = 5")]);
        assert_eq!(changed("prod", set(Some(5.into()))), expected);
        let expected = replaced(&[("settings.grace_secs = 60\n", "")]);
        assert_eq!(changed("prod", set(None)), expected);
        let end = "timeout_ms = 1500 } # 1.5 s\n";
        let new = format!("{end}\n[template.settings]\ngrace_secs = 5\n");
        assert_eq!(changed("paid", set(Some(5.into()))), replaced(&[(end, &new)]));
    }

    #[test]
    fn returns_error_for_empty_change() {
        assert_eq!(
            edit_error(&edit("prod", TemplateChange::default()), TEXT).0,
            EditErrorKind::Invalid
        );
    }

    #[test]
    fn address_replaces_environment_variable_and_other_edits_keep_it() {
        let text = "[[template]]\nname = 'a'\n[template.on]\npush = { env = 'URL' } # by hand\n";
        let change = TemplateChange { rename: Some("b".into()), ..TemplateChange::default() };
        let renamed = edit("a", change).apply(text).unwrap();
        assert_eq!(renamed, text.replace("'a'", "\"b\""));
        let set = edit("a", on("push", url("http://x/"))).apply(text).unwrap();
        assert_eq!(set, text.replace("{ env = 'URL' }", "\"http://x/\""));
    }
}
