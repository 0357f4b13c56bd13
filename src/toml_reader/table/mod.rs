//! Tables: values by key, with a fault for each value of the wrong type.

mod duration;
mod item;
mod json;

use std::cell::RefCell;
use std::ops::RangeInclusive;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::fault::Faults;
use super::fault_kind::FaultKind;
use super::place::{Located, Place};
use super::suggestion::closest;
use super::variables::{Variables, is_usual_name, variable_name};
pub(crate) use duration::duration_key;
use item::with_article;
pub(crate) use item::{Form, Item};
use json::{integer, write_table};

/// A TOML table, with the keys that the code has read so far.
#[derive(Debug)]
pub(crate) struct Table<'d> {
    entries: &'d DeTable<'d>,
    read_keys: RefCell<Vec<&'d str>>,
    faults: &'d Faults<'d>,
    variables: &'d Variables,
    pub(crate) place: Place,
}

impl<'d> Table<'d> {
    /// Returns the root table of the text with this index.
    pub(super) fn root(
        text: usize,
        root: &'d Spanned<DeTable<'d>>,
        faults: &'d Faults<'d>,
        variables: &'d Variables,
    ) -> Self {
        let place = Place { text, ..Place::default() };
        Self { entries: root.get_ref(), read_keys: RefCell::default(), faults, variables, place }
    }

    fn raw(&self, key: &'d str) -> Option<(&'d DeValue<'d>, Place)> {
        self.read_keys.borrow_mut().push(key);
        let (_, value) = self.find(key)?;
        Some((value.get_ref(), self.place.child(key, value.span())))
    }

    fn find(
        &self,
        key: &str,
    ) -> Option<(&'d Spanned<toml::de::DeString<'d>>, &'d Spanned<DeValue<'d>>)> {
        self.entries.iter().find(|(name, _)| name.get_ref() == key)
    }

    pub(crate) fn has(&self, key: &str) -> bool {
        self.find(key).is_some()
    }

    /// Returns true if the code has read this key. The table is then allowed to have the key.
    pub(crate) fn has_read(&self, key: &str) -> bool {
        self.read_keys.borrow().contains(&key)
    }

    /// Returns true if the table has this key and no other key.
    pub(crate) fn has_only(&self, key: &str) -> bool {
        self.entries.len() == 1 && self.has(key)
    }

    /// Returns the [`Place`] of the key, not of the value. If the key is absent, returns the place
    /// of the table.
    pub(crate) fn place_of(&self, key: &str) -> Place {
        self.find(key)
            .map_or_else(|| self.place.clone(), |(name, _)| self.place.child(key, name.span()))
    }

    /// Returns the [`Place`] of the value at the key. If the key is absent, returns the place of
    /// the table.
    pub(crate) fn value_place(&self, key: &str) -> Place {
        self.find(key)
            .map_or_else(|| self.place.clone(), |(_, value)| self.place.child(key, value.span()))
    }

    fn wrong_type(&self, place: &Place, value: &DeValue<'_>, wanted: &str) {
        let problem = format!("expected {wanted}, found {}", with_article(value));
        self.faults.add(place, FaultKind::TypeMismatch.because(problem), format!("write {wanted}"));
    }

    /// Reads a string that is not a secret.
    pub(crate) fn string(&self, key: &'d str) -> Option<Located<&'d str>> {
        let text = self.hidden_string(key);
        text.inspect(|text| self.show(text))
    }

    /// Reads a string that may be a secret. No excerpt shows the string.
    pub(crate) fn hidden_string(&self, key: &'d str) -> Option<Located<&'d str>> {
        let (value, place) = self.raw(key)?;
        self.text(value, place, "a string")
    }

    fn text(&self, value: &'d DeValue<'d>, place: Place, wanted: &str) -> Option<Located<&'d str>> {
        if let DeValue::String(text) = value {
            return Some(Located { value: text, place });
        }
        match self.variable(value, &place) {
            Some(found) => found,
            None => {
                self.wrong_type(&place, value, wanted);
                None
            }
        }
    }

    /// Returns the value of the environment variable in `{ env = "NAME" }`, or `Some(None)` after
    /// reporting that the variable has no usable value. Returns `None` for any other value.
    fn variable(&self, value: &'d DeValue<'d>, place: &Place) -> Option<Option<Located<&'d str>>> {
        let (name, span) = variable_name(value)?;
        if is_usual_name(name) {
            self.faults.show(&Place { span, ..place.clone() });
        }
        Some(match self.variables.get(name)? {
            Ok(value) => {
                self.variables.note(&place.key, name);
                let place = Place { variable: Some(name.into()), ..place.clone() };
                Some(Located { value: value.as_str(), place })
            }
            Err(problem) => {
                let remedy = "set the variable to UTF-8 text before gatepost starts";
                self.faults.add(place, FaultKind::VariableUnreadable.because(problem), remedy);
                None
            }
        })
    }

    /// Returns each key whose value came from an environment variable, and the name of the
    /// variable.
    pub(crate) fn used_variables(&self) -> Vec<(String, String)> {
        self.variables.used()
    }

    /// Permits excerpts to show a value that cannot be a URL with a password or a query.
    fn show(&self, text: &Located<&str>) {
        if !text.value.contains(['@', '?']) {
            self.faults.show(&text.place);
        }
    }

    /// Reads a string. If the key is absent, reports a fault with `remedy`.
    pub(crate) fn require_string(&self, key: &'d str, remedy: &str) -> Option<Located<&'d str>> {
        if !self.has(key) {
            self.read_keys.borrow_mut().push(key);
            let problem = format!("expected `{key}`, found none");
            self.faults.add_missing((&self.place, key), &self.place, problem, remedy);
            return None;
        }
        self.string(key)
    }

    /// Reads a string or a list of strings. The strings must not be secrets.
    pub(crate) fn strings(&self, key: &'d str) -> Vec<Located<&'d str>> {
        let texts = self.hidden_strings(key);
        texts.iter().for_each(|text| self.show(text));
        texts
    }

    fn hidden_strings(&self, key: &'d str) -> Vec<Located<&'d str>> {
        match self.raw(key) {
            None => Vec::new(),
            Some((DeValue::Array(items), place)) => items
                .iter()
                .enumerate()
                .filter_map(|(index, item)| {
                    self.text(item.get_ref(), place.element(index, item.span()), "a string")
                })
                .collect(),
            Some((value, place)) => {
                self.text(value, place, "a list of strings").into_iter().collect()
            }
        }
    }

    pub(crate) fn integer(&self, key: &'d str, range: RangeInclusive<i64>) -> Option<i64> {
        let (value, place) = self.raw(key)?;
        let limits = || format!("a number from {} to {}", range.start(), range.end());
        if let Some(found) = self.variable(value, &place) {
            let text = found?;
            let number = text.value.trim().parse().ok().filter(|n| range.contains(n));
            if number.is_none() {
                let wanted = FaultKind::NumberOutOfRange.because(limits());
                self.faults.add_text(&text, wanted, format!("set the variable to {}", limits()));
            }
            return number;
        }
        let DeValue::Integer(number) = value else {
            self.wrong_type(&place, value, "a whole number");
            return None;
        };
        self.faults.show(&place);
        let in_range = integer(number).filter(|n| range.contains(n));
        if in_range.is_none() {
            let problem = format!("expected {}, found {number}", limits());
            let problem = FaultKind::NumberOutOfRange.because(problem);
            self.faults.add(&place, problem, format!("write {}", limits()));
        }
        in_range
    }

    /// Reads a number from 0 to 1.
    pub(crate) fn fraction(&self, key: &'d str) -> Option<f64> {
        let (value, place) = self.raw(key)?;
        if let Some(found) = self.variable(value, &place) {
            let text = found?;
            let number = text.value.trim().parse().ok();
            let number = number.filter(|number| (0.0..=1.0).contains(number));
            if number.is_none() {
                let wanted = FaultKind::NumberOutOfRange.because("a number from 0 to 1");
                self.faults.add_text(&text, wanted, "set the variable to a number from 0 to 1");
            }
            return number;
        }
        let number = match value {
            DeValue::Float(number) => number.as_str().parse().ok(),
            DeValue::Integer(number) => integer(number).map(|number| number as f64),
            value => {
                self.wrong_type(&place, value, "a number from 0 to 1");
                return None;
            }
        };
        let in_range = number.filter(|number| (0.0..=1.0).contains(number));
        if in_range.is_none() {
            let problem = "expected a number from 0 to 1, found another number";
            let problem = FaultKind::NumberOutOfRange.because(problem);
            self.faults.add(&place, problem, "write a number from 0 to 1");
        }
        in_range
    }

    pub(crate) fn boolean(&self, key: &'d str) -> Option<bool> {
        let (value, place) = self.raw(key)?;
        let Some(flag) = value.as_bool() else {
            self.wrong_type(&place, value, "true or false");
            return None;
        };
        self.faults.show(&place);
        Some(flag)
    }

    pub(crate) fn table(&self, key: &'d str) -> Option<Self> {
        let (value, place) = self.raw(key)?;
        self.as_table(value, place)
    }

    fn as_table(&self, value: &'d DeValue<'d>, place: Place) -> Option<Self> {
        match value {
            DeValue::Table(entries) => {
                let (faults, variables) = (self.faults, self.variables);
                Some(Table { entries, read_keys: RefCell::default(), faults, variables, place })
            }
            value => {
                self.wrong_type(&place, value, "a table");
                None
            }
        }
    }

    /// Reads a list of tables, written as `[[key]]`.
    pub(crate) fn tables(&self, key: &'d str) -> Vec<Self> {
        let Some((value, place)) = self.raw(key) else { return Vec::new() };
        let DeValue::Array(items) = value else {
            let problem = format!("expected [[{key}]] tables, found {}", with_article(value));
            let problem = FaultKind::TypeMismatch.because(problem);
            self.faults.add(&place, problem, format!("write [[{key}]], with two brackets"));
            return Vec::new();
        };
        items
            .iter()
            .enumerate()
            .filter_map(|(index, item)| {
                self.as_table(item.get_ref(), place.element(index, item.span()))
            })
            .collect()
    }

    /// Reads a value that may be of several types.
    pub(crate) fn any(&self, key: &'d str) -> Option<Item<'d>> {
        let (value, place) = self.raw(key)?;
        Some(self.item(value, place))
    }

    /// Reads a list whose elements may be of several types. A single value counts as a list with
    /// one element.
    pub(crate) fn list(&self, key: &'d str) -> Vec<Item<'d>> {
        let Some((value, place)) = self.raw(key) else { return Vec::new() };
        let DeValue::Array(items) = value else {
            return vec![self.item(value, place)];
        };
        items
            .iter()
            .enumerate()
            .map(|(index, item)| self.item(item.get_ref(), place.element(index, item.span())))
            .collect()
    }

    /// Returns all entries, in the order of the file, for a table with arbitrary keys.
    pub(crate) fn entries(&self) -> Vec<(&'d str, Item<'d>)> {
        let mut entries: Vec<_> = self.entries.iter().collect();
        entries.sort_by_key(|(name, _)| name.span().start);
        entries
            .into_iter()
            .map(|(name, value)| {
                self.read_keys.borrow_mut().push(name.get_ref());
                let place = self.place.child(name.get_ref(), value.span());
                (&**name.get_ref(), self.item(value.get_ref(), place))
            })
            .collect()
    }

    fn item(&self, value: &'d DeValue<'d>, place: Place) -> Item<'d> {
        let form = match value {
            DeValue::String(text) => Form::String(text),
            DeValue::Table(_) => match self.as_table(value, place.clone()) {
                Some(table) => Form::Table(table),
                None => Form::Other(value),
            },
            value => Form::Other(value),
        };
        Item { form, place }
    }

    /// Returns the table as JSON text, in the order of the file. Records all keys as read.
    ///
    /// Reports a value that JSON cannot represent, such as a date or an infinite number.
    pub(crate) fn to_json(&self) -> Option<String> {
        let keys = self.entries.iter().map(|(name, _)| &**name.get_ref());
        self.read_keys.borrow_mut().extend(keys);
        let mut out = Vec::new();
        let json = write_table(self.entries, &mut out).and_then(|()| String::from_utf8(out).ok());
        if json.is_none() {
            self.faults.add(
                &self.place,
                "expected values that JSON can represent, found a date or an infinite or too large number",
                "write only strings, finite numbers, booleans, lists and tables",
            );
        }
        json
    }

    /// Returns the tables under keys that the code has not read, in the order of the file. Omits a
    /// table under a misspelt form of a key that the code has read.
    pub(crate) fn unread_tables(&self) -> Vec<(&'d str, Self)> {
        let read_keys = self.read_keys.borrow().clone();
        let is_misspelt = |name: &str| closest(name, read_keys.iter().copied()).is_some();
        let unread = self.entries.iter().filter(|(name, value)| {
            let name: &str = name.get_ref();
            value.get_ref().is_table() && !read_keys.contains(&name) && !is_misspelt(name)
        });
        let mut unread: Vec<_> = unread.collect();
        unread.sort_by_key(|(name, _)| name.span().start);
        let read = |(name, value): (&'d Spanned<_>, &'d Spanned<DeValue<'d>>)| {
            let name: &'d toml::de::DeString<'d> = name.get_ref();
            let place = self.place.child(name, value.span());
            Some((&**name, self.as_table(value.get_ref(), place)?))
        };
        unread.into_iter().filter_map(read).collect()
    }

    /// Reports every key that the code has not read.
    pub(crate) fn finish(&self) {
        let read_keys = self.read_keys.borrow();
        self.faults.note_table(&self.place, &read_keys);
        for (name, value) in self.entries {
            if !read_keys.iter().any(|key| key == name.get_ref()) {
                let place =
                    Place { span: name.span(), ..self.place.child(name.get_ref(), value.span()) };
                let key = Located { value: &**name.get_ref(), place };
                self.faults.add_unknown(&key, "key", read_keys.iter().copied());
                self.faults.note_typo(&self.place);
            }
        }
    }
}
