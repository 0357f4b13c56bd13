//! Reads `[kinds.NAME.reply]`: the rules for the reply to a decision.

use http::HeaderName;

use super::DefinitionReader;
use crate::provider::decision::{
    Decision, ItemList, ProtectedItems, ReplyField, ReplyForm, ReplyFormRule, ReplySigningRule,
    first_of_other_type, read_reply_fields,
};
use crate::provider::field::{Fields, read_condition};
use crate::provider::setting::SettingType;
use crate::toml_reader::{Form, Located, Table};

impl<'f> DefinitionReader<'f> {
    /// Reads the table of a decision's reply.
    pub(super) fn decision(&self, table: &Table<'f>) -> Option<Decision> {
        let envelope = table.string("envelope").map(|name| name.value.into());
        let open = table.boolean("open").unwrap_or(false);
        let statuses = self.statuses(table);
        let fields = self.fields_of_reply(table, statuses.is_some());
        let per = table.table("per").filter(|_| self.check_has_fields(table, "per"));
        let item_list = per.map(|t| self.item_list(&t, &fields));
        let preset = |key| match statuses {
            Some(_) => self.preset_of_status(table, key, &fields),
            None => self.require_table(table, key).map(|t| self.reply_fields(&t, &fields)),
        };
        let (allow, deny) = (preset("allow"), preset("deny"));
        let by_status = statuses.and_then(|statuses| self.status_rule(table, statuses, &fields));
        let named = |key| table.string(key).and_then(|name| self.reply_field(&name, &fields));
        let message = named("message");
        let bare = named("bare");
        let reply_signing = self.reply_signing(table);
        table.finish();
        let (allow, deny) = (allow?, deny?);
        let decision = Decision {
            envelope,
            item_list: item_list.flatten(),
            allow,
            deny,
            message,
            bare,
            fields,
            open,
            by_status,
            reply_signing: reply_signing?,
        };
        if decision.by_status.is_some() {
            self.check_status_keys(table, &decision);
        }
        Some(decision)
    }

    /// Returns the index of the reply field with this name. Reports a fault for an unknown name.
    pub(super) fn reply_field(&self, name: &Located<&str>, fields: &Fields) -> Option<usize> {
        let field = fields.find(name.value);
        if field.is_none() {
            self.faults.add_unknown(name, "reply field", fields.iter().map(|f| &*f.name));
        }
        field
    }

    /// Reads `per`: the rules for a callback with a list of items. The reply has one element for
    /// each item.
    fn item_list(&self, table: &Table<'f>, fields: &Fields) -> Option<ItemList> {
        let list = table.require_string("list", "name the field that contains the items");
        let echo = table.strings("echo").iter().map(|name| name.value.into()).collect();
        let protect = table.table("protect").and_then(|table| {
            let when = self.require_table(&table, "when");
            let when = when.and_then(|when| read_condition(&when, self.faults));
            let reply = self.require_table(&table, "reply").map(|t| self.reply_fields(&t, fields));
            table.finish();
            Some(ProtectedItems { when: when?, reply: reply? })
        });
        table.finish();
        Some(ItemList { list: list?.value.into(), echo, protect })
    }

    /// Reads a table of reply fields with fixed values, such as `allow`.
    pub(super) fn reply_fields(&self, table: &Table<'f>, fields: &Fields) -> Vec<ReplyField> {
        let Some(json) = table.to_json() else { return Vec::new() };
        if let Some((name, wanted, found)) = first_of_other_type(&json, fields) {
            let problem =
                format!("expected `{name}` to be a value of type {wanted}, found {found}");
            let remedy = "write a value of the declared type, or correct the type of the field";
            self.faults.add(&table.value_place(name), problem, remedy);
            return Vec::new();
        }
        read_reply_fields(&json, fields).unwrap_or_else(|fault| {
            let remedy = "write declared fields of the reply with valid values";
            self.faults.add(&table.place, fault.to_string(), remedy);
            Vec::new()
        })
    }

    /// Reads `encode`, `key` and `headers`: the form of the reply (plain JSON or JWT), and the
    /// settings that reply signing uses.
    fn reply_signing(&self, table: &Table<'f>) -> Option<ReplySigningRule> {
        let form = match table.string("encode") {
            None => ReplyFormRule::Always(ReplyForm::Plain),
            Some(word) => match word.value.strip_prefix("setting:") {
                Some(name) => {
                    let index = self.setting(&word, name)?;
                    self.check_forms(&word, index);
                    ReplyFormRule::Setting(index)
                }
                None => {
                    ReplyFormRule::Always(self.word(Some(&word), "encoding", &ReplyForm::WORDS)?)
                }
            },
        };
        let key = table.string("key");
        let key = key.and_then(|word| self.key_setting(&word, self.setting_name(&word)?));
        let headers = table.table("headers");
        let headers: Vec<(HeaderName, usize)> = headers
            .iter()
            .flat_map(Table::entries)
            .filter_map(|(name, item)| {
                let text = Located { value: name, place: item.place.clone() };
                let name = self.header_name(&text, name)?;
                let value = match item.form {
                    Form::String(value) => value,
                    Form::Table(_) | Form::Other(_) => "",
                };
                let value = Located { value, place: item.place };
                Some((name, self.setting(&value, self.setting_name(&value)?)?))
            })
            .collect();
        if !matches!(form, ReplyFormRule::Always(ReplyForm::Plain)) && key.is_none() {
            let remedy = "add key = \"setting:NAME\"";
            self.faults.add(&table.place, "expected a key to sign the reply, found none", remedy);
        }
        Some(ReplySigningRule { form, key, headers })
    }

    /// Checks that the setting that chooses the reply form allows only valid forms.
    fn check_forms(&self, word: &Located<&str>, index: usize) {
        let setting = self.settings.get(index);
        let words = match setting.map(|setting| &setting.ty) {
            Some(SettingType::OneOf(words)) => words.as_slice(),
            _ => &[],
        };
        let known = |word: &str| ReplyForm::WORDS.iter().any(|(name, _)| *name == word);
        if words.is_empty() || !words.iter().all(|word| known(word)) {
            let name = setting.map_or("", |setting| &setting.name);
            let problem = format!("expected a setting that chooses a reply form, found `{name}`");
            self.faults.add(&word.place, problem, "declare one_of = [\"plain\", \"jwt\"]");
        }
    }

    /// Reads `setting:NAME`, and returns the name of the setting.
    fn setting_name<'w>(&self, word: &Located<&'w str>) -> Option<&'w str> {
        let name = word.value.strip_prefix("setting:");
        if name.is_none() {
            self.faults.add(
                &word.place,
                "expected `setting:NAME`, found text without `setting:`",
                "write `setting:` before the name of a setting",
            );
        }
        name
    }
}
