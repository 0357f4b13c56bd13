//! The entries of `[template.on]`, as in the config.

use std::time::Duration;

use http::HeaderValue;

use super::{ANY_KIND, Entry};
use crate::config::ConfigReader;
use crate::event::Forward;
use crate::head::is_host;
use crate::provider::Plan;
use crate::provider::decision::EmptyAnswer;
use crate::template::UnclearAnswer;
use crate::toml_reader::{FaultKind, Form, Item, Located, Place, Table, list};

impl<'f> ConfigReader<'f, '_> {
    pub(super) fn entries(&self, on: &Table<'f>, plan: &Plan) -> Vec<Entry> {
        let names = || {
            let kinds = plan.kinds.iter().map(|kind| &*kind.name);
            kinds.chain(plan.groups.iter().map(|group| &**group)).chain([ANY_KIND])
        };
        on.entries()
            .into_iter()
            .filter_map(|(name, item)| {
                if !names().any(|known| known == name) {
                    if self.report_unquoted(on, name, &item, plan) {
                        return None;
                    }
                    let name = Located { value: name, place: on.place_of(name) };
                    self.faults.add_unknown(&name, "kind", names());
                }
                match &item.form {
                    _ if item.is_strings() => {
                        let url = self.app_addresses(&self.address_texts(on, name))?;
                        Some(Entry { url: Some(url), ..Entry::empty(name, item.place.clone()) })
                    }
                    Form::Table(table) => Some(self.entry(name, table)),
                    Form::String(_) | Form::Other(_) => {
                        let found = item.form.name();
                        let problem =
                            format!("expected a string, a list or a table, found {found}");
                        let problem = FaultKind::TypeMismatch.because(problem);
                        let remedy = "write an address, a list of addresses, or a table";
                        self.faults.add(&item.place, problem, remedy);
                        None
                    }
                }
            })
            .collect()
    }

    /// Reports each kind whose name contains a dot and is not in quotes. Returns `false` if the
    /// table is not part of such a name.
    fn report_unquoted(&self, on: &Table<'f>, name: &str, item: &Item<'f>, plan: &Plan) -> bool {
        let mut names = Vec::new();
        let place = on.place_of(name);
        add_dotted(name, item, &place, plan, &mut names);
        let Some((first, end)) = names.first() else { return false };
        let problem = format!("expected the kind \"{first}\" in quotes, found a table `{name}`");
        let problem = FaultKind::KindNotQuoted.because(problem);
        let quoted: Vec<_> = names.iter().map(|(name, _)| format!("\"{name}\"")).collect();
        let quoted: Vec<_> = quoted.iter().map(String::as_str).collect();
        self.faults.add(&place.until(end), problem, format!("write {}", list(&quoted)));
        true
    }

    fn entry(&self, name: &str, table: &Table<'f>) -> Entry {
        let json = |key| self.json(&table.table(key)?);
        let urls = self.address_texts(table, "url");
        let url = self.app_addresses(&urls);
        let answer = json("answer");
        let on_failure = self.on_failure(table);
        let last_good = self.last_good(table, on_failure.as_ref());
        let reply = json("reply");
        let millis = |key, min| {
            let ms = table.duration(key, min..=600_000)?;
            Some(Duration::from_millis(ms.unsigned_abs()))
        };
        // `REPLY_MARGIN` takes 100 ms of the budget. A budget of at most 100 ms therefore leaves no
        // time for the app.
        let (timeout, budget) = (millis("timeout_ms", 1), millis("budget_ms", 101));
        let dedupe = table.any("dedupe").and_then(|item| self.dedupe(&item));
        let forward = self.forward(table);
        let check_reply = self.passthrough_switch(table, "check_reply", forward);
        let ce_headers = self.passthrough_switch(table, "ce_headers", forward);
        let keep_proof = self.keep_proof(table, forward);
        let host = self.host(table);
        let empty_answer = self.placed_word(table, "empty_answer", &EmptyAnswer::WORDS);
        let unclear_answer = self.placed_word(table, "unclear_answer", &UnclearAnswer::WORDS);
        let reach = self.reach(table);
        let queued = self.queued(table);
        let mirror = self.mirror(table);
        self.check_reserve(table);
        table.finish();
        if table.has("url") && answer.is_some() {
            let remedy = "keep url to ask the app, or answer to reply without the app";
            let problem = FaultKind::KeyUnused.because("expected a url or an answer, found both");
            self.faults.add(&table.place_of("answer"), problem, remedy);
        }
        if forward == Some(Forward::Passthrough) && url.is_some() {
            self.check_keep_path(&urls);
        }
        Entry {
            url,
            answer,
            on_failure,
            last_good,
            reply,
            timeout,
            budget,
            dedupe,
            forward: forward.unwrap_or_default(),
            check_reply,
            ce_headers,
            keep_proof,
            host,
            empty_answer,
            unclear_answer,
            reach,
            queued,
            mirror,
            ..Entry::empty(name, table.place.clone())
        }
    }

    /// Reports `reserve` in an entry without `url`, because the entry then has no path to reserve.
    fn check_reserve(&self, table: &Table<'f>) {
        if table.has("reserve") && !table.has("url") {
            let remedy =
                "set a url, or write reserve in the [[route]] whose path receives the events";
            let problem = "expected a url beside reserve, found none";
            let problem = FaultKind::KeyUnused.because(problem);
            let absent = (&table.place, "url");
            self.faults.add_missing(absent, &table.place_of("reserve"), problem, remedy);
        }
    }

    /// Reads a keyword and its position in the config.
    fn placed_word<T: Copy>(
        &self,
        table: &Table<'f>,
        key: &'f str,
        words: &[(&str, T)],
    ) -> Option<(T, Place)> {
        let word = table.string(key)?;
        Some((self.word(&word, key, words)?, word.place))
    }

    /// Reads `host`: the value of the `host` header of events.
    fn host(&self, table: &Table<'f>) -> Option<HeaderValue> {
        let host = table.string("host")?;
        let value = HeaderValue::from_str(host.value).ok();
        let value = value.filter(|value| is_host(value.as_bytes()));
        if value.is_none() {
            let remedy = "write the name that the app expects, for example \"www.example.com\"";
            self.faults.add_text(&host, "a host", remedy);
        }
        value
    }
}

/// Joins the keys of nested tables with dots. Adds each result that is the name of a kind to
/// `names`, with the place of the last key in the result. `place` is the place of the last key in
/// `name`.
fn add_dotted(
    name: &str,
    item: &Item<'_>,
    place: &Place,
    plan: &Plan,
    names: &mut Vec<(String, Place)>,
) {
    if plan.kind_named(name).is_some() {
        names.push((name.to_owned(), place.clone()));
    } else if let Form::Table(table) = &item.form
        && plan.kinds.iter().any(|kind| kind.name.starts_with(&format!("{name}.")))
    {
        for (inner, item) in table.entries() {
            let place = table.place_of(inner);
            add_dotted(&format!("{name}.{inner}"), &item, &place, plan, names);
        }
    }
}
