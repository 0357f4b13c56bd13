//! Reads `[settings.NAME]`: the declarations of values that an operator sets for each template.

use crate::provider::setting::{Setting, SettingType};
use crate::toml_reader::{Faults, Form, Item, Table};

/// Reads the declared settings. The value of a setting is a secret, text, or one of several words.
pub(super) fn settings<'f>(table: &Table<'f>, faults: &'f Faults<'f>) -> Vec<Setting> {
    let tables = table.table("settings");
    let entries = tables.iter().flat_map(Table::entries);
    let setting = |(name, item): (&str, Item<'f>)| {
        let Form::Table(table) = item.form else {
            let problem = format!("expected a table, found {}", item.form.name());
            faults.add(&item.place, problem, format!("write [settings.{name}]"));
            return None;
        };
        let about = table.string("about").map(|about| about.value).unwrap_or_default();
        let secret = table.boolean("secret").unwrap_or(false);
        let words: Vec<Box<str>> =
            table.strings("one_of").iter().map(|word| word.value.into()).collect();
        let default = table.string("default");
        table.finish();
        let ty = match (secret, words.is_empty()) {
            (true, true) if default.is_none() => SettingType::Secret,
            (false, true) => SettingType::Text { default: default.map(|text| text.value.into()) },
            (false, false) if default.is_none() => SettingType::OneOf(words),
            _ => {
                let problem = "expected at most one of secret, one_of and default, found more";
                faults.add(&table.place, problem, "keep one of these keys");
                return None;
            }
        };
        Some(Setting { name: name.into(), about: about.into(), ty })
    };
    entries.filter_map(setting).collect()
}
