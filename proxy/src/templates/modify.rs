//! Changing a template, and leaving everything else in it.

use toml_edit::{Array, Value};

use super::array;
use super::document::Document;
use super::draft::{Change, Entry, KeyChange, KeySource};
use super::entries::Entries;
use super::fields::{array_mut, list, unfit};
use super::problem::Problem;
use super::rules::{check_has_delivery, check_name_is_free, check_once};

/// Makes a change; nothing is half made in the text that goes out.
pub(crate) fn modify(document: &mut Document, name: &str, change: &Change) -> Result<(), Problem> {
    if change.is_empty() {
        return Err(Problem::invalid("nothing is to be changed; say what"));
    }
    document.template(name)?;
    check_once("kind", change.on.iter().map(|(kind, _)| kind))?;
    check_once("setting", change.settings.iter().map(|(setting, _)| setting))?;
    modify_deliveries(document, name, &change.on)?;
    modify_settings(document, name, &change.settings)?;
    modify_keys(document, name, &change.keys)?;
    if change.on.iter().any(|(_, entry)| entry.is_none()) {
        check_has_delivery(document.template(name)?, name)?;
    }
    match change.description.as_deref() {
        None => {}
        Some("") => take_out(document, name, "description")?,
        Some(text) => document.template_mut(name)?.set("description", text.into()),
    }
    match change.rename.as_deref() {
        None => Ok(()),
        Some(new) if new == name => Ok(()),
        Some(new) => {
            check_name_is_free(document, new)?;
            document.template_mut(name)?.set("name", new.into());
            document.rename_pins(name, new);
            Ok(())
        }
    }
}

/// Takes a key out of the template itself.
fn take_out(document: &mut Document, name: &str, key: &str) -> Result<(), Problem> {
    let leftover = document.template_mut(name)?.remove(key);
    document.adopt(name, leftover.unwrap_or_default());
    Ok(())
}

/// Takes a key out of a table of the template.
fn take_from(document: &mut Document, name: &str, table: &str, key: &str) -> Result<(), Problem> {
    let mut template = document.template_mut(name)?;
    let mut entries = match template.get_mut(table) {
        Some(item) => Entries::of(item).ok_or_else(|| unfit(table))?,
        None => return Err(no_entry(name, table, key, &[])),
    };
    let Some(leftover) = entries.remove(key) else {
        return Err(no_entry(name, table, key, &entries.names()));
    };
    document.adopt(name, leftover);
    Ok(())
}

fn no_entry(name: &str, table: &str, key: &str, names: &[&str]) -> Problem {
    let there = if names.is_empty() { "nothing".to_owned() } else { list(names) };
    Problem::invalid(format!("`{name}` has no `{table}.{key}` to take out; it has: {there}"))
}

fn modify_deliveries(
    document: &mut Document,
    name: &str,
    on: &[(String, Option<Entry>)],
) -> Result<(), Problem> {
    for (kind, entry) in on {
        let Some(entry) = entry else {
            take_from(document, name, "on", kind)?;
            continue;
        };
        let mut template = document.template_mut(name)?;
        let mut table = template.table("on").ok_or_else(|| unfit("on"))?;
        set_delivery(&mut table, kind, entry)?;
    }
    Ok(())
}

/// An address or an answer takes the other's place, and leaves the rest of the entry.
fn set_delivery(on: &mut Entries<'_>, kind: &str, entry: &Entry) -> Result<(), Problem> {
    let (key, other, value) = match entry {
        Entry::Answer(answer) => ("answer", "url", Value::InlineTable(answer.clone())),
        Entry::Table(_) => {
            on.set(kind, entry.to_value());
            return Ok(());
        }
        Entry::Url(url) => ("url", "answer", url.into()),
    };
    match on.get_mut(kind) {
        Some(item) if item.is_table_like() => {
            let mut own = Entries::of(item).ok_or_else(|| unfit(kind))?;
            // First, so that the new one can have its place behind the last.
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
    settings: &[(String, Option<Value>)],
) -> Result<(), Problem> {
    for (setting, value) in settings {
        let Some(value) = value else {
            take_from(document, name, "settings", setting)?;
            continue;
        };
        let mut template = document.template_mut(name)?;
        let mut table = template.table("settings").ok_or_else(|| unfit("settings"))?;
        table.set(setting, value.clone());
    }
    Ok(())
}

fn modify_keys(document: &mut Document, name: &str, change: &KeyChange) -> Result<(), Problem> {
    if change.is_empty() {
        return Ok(());
    }
    let mut template = document.template_mut(name)?;
    let keys = array_mut(&mut template, "keys")?;
    let add = match change {
        KeyChange::Some { add, remove } => {
            for key in remove {
                let index = position(keys, key).ok_or_else(|| no_key(name, keys))?;
                array::remove(keys, index);
            }
            add
        }
        KeyChange::All(all) => {
            let stays = |key: KeySource| all.contains(&key);
            array::remove_where(keys, |value| !KeySource::from_value(value).is_some_and(stays));
            all
        }
    };
    for key in add {
        if position(keys, key).is_none() {
            array::push(keys, key.to_value());
        }
    }
    if keys.is_empty() {
        take_out(document, name, "keys")?;
    }
    Ok(())
}

fn position(keys: &Array, key: &KeySource) -> Option<usize> {
    keys.iter().position(|value| KeySource::from_value(value).as_ref() == Some(key))
}

fn no_key(name: &str, keys: &Array) -> Problem {
    let keys = keys.iter().filter_map(KeySource::from_value);
    let keys: Vec<_> = keys.map(|key| key.to_value().to_string()).collect();
    let there = if keys.is_empty() { "none".to_owned() } else { keys.join(", ") };
    Problem::invalid(format!("`{name}` has no such key to take out; it has: {there}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::templates::edit::Edit;
    use crate::templates::edit::tests::{TEXT, refusal, replaced};
    use crate::templates::problem::Code;

    fn edit(name: &str, change: Change) -> Edit {
        Edit::Modify { name: name.into(), change }
    }

    fn on(kind: &str, entry: Option<Entry>) -> Change {
        Change { on: vec![(kind.into(), entry)], ..Change::default() }
    }

    fn url(url: &str) -> Option<Entry> {
        Some(Entry::Url(url.into()))
    }

    fn table(text: &str) -> toml_edit::InlineTable {
        text.parse::<Value>().unwrap().as_inline_table().unwrap().clone()
    }

    fn changed(name: &str, change: Change) -> String {
        edit(name, change).apply(TEXT).unwrap()
    }

    #[test]
    fn renames_with_the_routes_that_pin() {
        let change = Change { rename: Some("new".into()), ..Change::default() };
        let expected = replaced(&[
            ("template = 'prod'", "template = \"new\""),
            ("name = 'prod'", "name = \"new\""),
        ]);
        assert_eq!(changed("prod", change), expected);
        let change = Change { rename: Some("paid".into()), ..Change::default() };
        assert_eq!(refusal(&edit("prod", change), TEXT).0, Code::NameTaken);
    }

    #[test]
    fn a_description_comes_and_goes() {
        let describe = |text: &str| Change { description: Some(text.into()), ..Change::default() };
        let line = "bind     = ['c1', \"c2\"]   # channels\n";
        let described = changed("paid", describe("Members"));
        assert_eq!(described, replaced(&[(line, &format!("{line}description = \"Members\"\n"))]));
        assert_eq!(edit("paid", describe("")).apply(&described).unwrap(), TEXT);
    }

    #[test]
    fn an_address_takes_the_place_of_the_other() {
        let expected = replaced(&[("'http://127.0.0.1:3000/push'", "\"http://127.0.0.1:4000/\"")]);
        assert_eq!(changed("prod", on("push", url("http://127.0.0.1:4000/"))), expected);
        let expected = replaced(&[("'http://127.0.0.1:3000/play'", "\"http://127.0.0.1:4000/\"")]);
        assert_eq!(changed("paid", on("live_play", url("http://127.0.0.1:4000/"))), expected);
    }

    #[test]
    fn an_answer_takes_the_place_of_an_address_and_back() {
        let answer = Some(Entry::Answer(table("{ result = 1 }")));
        let answered = changed("paid", on("live_play", answer.clone()));
        let old = "{ url = 'http://127.0.0.1:3000/play', timeout_ms = 1500 } # in time";
        let new = "{ timeout_ms = 1500, answer = { result = 1 } } # in time";
        assert_eq!(answered, replaced(&[(old, new)]));
        let asked = edit("paid", on("live_play", url("http://x/"))).apply(&answered).unwrap();
        let new = "{ timeout_ms = 1500, url = \"http://x/\" } # in time";
        assert_eq!(asked, replaced(&[(old, new)]));
        let new = "{ answer = { result = 1 } }\n";
        let expected = replaced(&[("'http://127.0.0.1:3000/push'\n", new)]);
        assert_eq!(changed("prod", on("push", answer)), expected);
    }

    #[test]
    fn a_new_kind_stands_behind_the_others() {
        let line = "on.error = 'http://127.0.0.1:3000/error' # to the log\n";
        let expected = replaced(&[(line, &format!("{line}on.\"*\" = \"http://x/\"\n"))]);
        assert_eq!(changed("prod", on("*", url("http://x/"))), expected);
        let line = "timeout_ms = 1500 } # in time\n";
        let entry = Some(Entry::Table(table("{ url = 'http://x/', forward = 'raw' }")));
        let new = format!("{line}drm = {{ url = 'http://x/', forward = 'raw' }}\n");
        assert_eq!(changed("paid", on("drm", entry)), replaced(&[(line, &new)]));
    }

    #[test]
    fn a_kind_under_a_header_of_its_own_is_edited_there() {
        let text = "[[template]]\nname = 'a' # a\n\n# the play\n[template.on.live_play]\n# app\n\
                    url = 'x'\n\n# next\n[[route]]\n";
        let edited = edit("a", on("live_play", url("y"))).apply(text).unwrap();
        assert_eq!(edited, text.replace("'x'", "\"y\""));
        let edited = edit("a", on("drm", url("y"))).apply(text).unwrap();
        let new = "# a\n\n[template.on]\ndrm = \"y\"\n\n# the play";
        assert_eq!(edited, text.replace("# a\n\n# the play", new));
        let edited = edit("a", on("live_play", None)).apply(&edited).unwrap();
        let expected =
            "[[template]]\nname = 'a' # a\n\n[template.on]\ndrm = \"y\"\n\n# next\n[[route]]\n";
        assert_eq!(edited, expected);
    }

    #[test]
    fn a_kind_goes_with_its_comment_but_not_the_last() {
        let line = "on.error = 'http://127.0.0.1:3000/error' # to the log\n";
        assert_eq!(changed("prod", on("error", None)), replaced(&[(line, "")]));
        let (code, message) = refusal(&edit("paid", on("live_play", None)), TEXT);
        assert_eq!(code, Code::Invalid);
        assert!(message.starts_with("`paid` would have neither"), "{message}");
        let (code, message) = refusal(&edit("prod", on("pull", None)), TEXT);
        assert_eq!(code, Code::Invalid);
        let expected = "`prod` has no `on.pull` to take out; it has: `push`, `error`";
        assert_eq!(message, expected);
    }

    #[test]
    fn keys_come_and_go_for_rotation() {
        let (env, file) = (KeySource::Env("NEXT".into()), KeySource::File("old.key".into()));
        let old = "  { env = 'NEW' }, # since May\n  { file = 'old.key' }, # until June\n]";
        let new = "  { env = 'NEW' }, # since May\n  { env = \"NEXT\" },\n]";
        let keys = KeyChange::Some { add: vec![env.clone()], remove: vec![file] };
        let change = Change { keys, ..Change::default() };
        assert_eq!(changed("prod", change), replaced(&[(old, new)]));
        let all = KeyChange::All(vec![KeySource::Env("NEW".into()), env.clone()]);
        assert_eq!(
            changed("prod", Change { keys: all, ..Change::default() }),
            replaced(&[(old, new)])
        );
        let keys = KeyChange::Some { add: vec![], remove: vec![env] };
        let (_, message) = refusal(&edit("prod", Change { keys, ..Change::default() }), TEXT);
        assert!(message.starts_with("`prod` has no such key to take out; it has:"), "{message}");
    }

    #[test]
    fn no_empty_list_of_keys_is_left() {
        let keys = KeyChange::All(Vec::new());
        let start = TEXT.find("keys = [").unwrap();
        let end = TEXT.find("bind = [\n").unwrap();
        let expected = format!("{}{}", &TEXT[..start], &TEXT[end..]);
        assert_eq!(changed("prod", Change { keys, ..Change::default() }), expected);
    }

    #[test]
    fn settings_come_and_go() {
        let set = |value: Option<Value>| Change {
            settings: vec![("grace_secs".into(), value)],
            ..Change::default()
        };
        let expected = replaced(&[("grace_secs = 60", "grace_secs = 5")]);
        assert_eq!(changed("prod", set(Some(5.into()))), expected);
        let expected = replaced(&[("settings.grace_secs = 60\n", "")]);
        assert_eq!(changed("prod", set(None)), expected);
        let end = "timeout_ms = 1500 } # in time\n";
        let new = format!("{end}\n[template.settings]\ngrace_secs = 5\n");
        assert_eq!(changed("paid", set(Some(5.into()))), replaced(&[(end, &new)]));
    }

    #[test]
    fn nothing_to_change_is_said() {
        assert_eq!(refusal(&edit("prod", Change::default()), TEXT).0, Code::Invalid);
    }
}
