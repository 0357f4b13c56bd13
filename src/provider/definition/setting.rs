//! Reads `[settings.NAME]`: values that a definition lets each template choose.

use crate::provider::setting::{Setting, SettingType};
use crate::toml_reader::{Faults, Form, Item, Table};

/// Reads the settings. Each is a secret, a text or one of several words.
pub(super) fn settings<'f>(table: &Table<'f>, faults: &'f Faults<'f>) -> Vec<Setting> {
    let tables = table.table("settings");
    let entries = tables.iter().flat_map(Table::entries);
    let setting = |(name, item): (&str, Item<'f>)| {
        let Form::Table(table) = item.form else {
            let remedy = format!("write [settings.{name}]");
            faults.add(&item.place, "this is no table", remedy);
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
                let remedy = "write secret = true, or one_of with the default first, or default";
                faults.add(&table.place, "this says two things of one setting", remedy);
                return None;
            }
        };
        Some(Setting { name: name.into(), about: about.into(), ty })
    };
    entries.filter_map(setting).collect()
}
