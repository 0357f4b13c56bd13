//! Reads TOML. Reports every fault in the values, but only the first syntax error.
//!
//! A [`Table`] returns its values by key, and adds a fault for each value of the wrong type. A
//! table records the keys that the code reads. [`Table::finish`] reports all other keys as unknown,
//! so the list of allowed keys always matches the code. The faults of this module never contain a
//! string value of the file, because the value may be a secret.

#![allow(
    clippy::wildcard_enum_match_arm,
    reason = "each match lists the types that it accepts; every other type is a fault"
)]

mod fault;
mod json;
mod variables;

use std::cell::RefCell;
use std::ops::RangeInclusive;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

pub use fault::Fault;
pub(crate) use fault::{Faults, Located, Place, TomlText, allowed, list};
use json::{integer, write_table};
pub(crate) use variables::VariableValue;
use variables::{Variables, variable_name};

/// A TOML table, with the keys that the code has read so far.
#[derive(Debug)]
pub(crate) struct Table<'d> {
    entries: &'d DeTable<'d>,
    read_keys: RefCell<Vec<&'d str>>,
    faults: &'d Faults<'d>,
    variables: &'d Variables,
    pub(crate) place: Place,
}

/// Parses a text as TOML and passes its root table to `read`.
///
/// # Errors
///
/// If the text is not TOML, returns only the first syntax error. Otherwise, returns all faults that
/// `read` has added.
pub(crate) fn read<T>(
    text: &str,
    read: impl for<'d> FnOnce(&Table<'d>, &'d Faults<'d>) -> Option<T>,
) -> Result<T, Vec<Fault>> {
    read_all(&[TomlText { file: None, text }], None, |tables, faults| read(tables.first()?, faults))
}

/// Parses several texts as TOML and passes their root tables to `read`, in the same order.
///
/// # Errors
///
/// If a text is not TOML, returns only the first syntax error of each such text. Otherwise, returns
/// all faults that `read` has added.
///
/// With `lookup`, `{ env = "NAME" }` may stand in place of a string or a number. `lookup` returns the
/// value of a variable.
pub(crate) fn read_all<T>(
    texts: &[TomlText<'_>],
    lookup: Option<&dyn Fn(&str) -> VariableValue>,
    read: impl for<'d> FnOnce(&[Table<'d>], &'d Faults<'d>) -> Option<T>,
) -> Result<T, Vec<Fault>> {
    let faults = Faults::new(texts);
    let parse = |(index, text)| parse(index, text, &faults);
    let roots: Vec<_> = texts.iter().enumerate().map(parse).collect();
    if !faults.is_empty() {
        return Err(faults.into_sorted());
    }
    let variables = lookup.map(|lookup| Variables::of(&roots, lookup)).unwrap_or_default();
    let value = {
        let table = |(index, root)| Table::root(index, root, &faults, &variables);
        let tables: Vec<_> = roots.iter().enumerate().map(table).collect();
        read(&tables, &faults)
    };
    match value {
        Some(value) if faults.is_empty() => Ok(value),
        _ => Err(faults.into_sorted()),
    }
}

/// Parses one text. Reports only the first syntax error, because later ones are mostly consequences
/// of the first.
fn parse<'t>(index: usize, text: &TomlText<'t>, faults: &Faults<'t>) -> Spanned<DeTable<'t>> {
    let (root, errors) = DeTable::parse_recoverable(text.text);
    let errors = errors.into_iter().map(|error| (error.span().unwrap_or_default(), error));
    if let Some((span, error)) = errors.min_by_key(|(span, _)| span.start) {
        let place = Place { text: index, span, ..Place::default() };
        faults.add(&place, format!("invalid TOML: {}", error.message()), "correct the syntax");
    }
    root
}

impl<'d> Table<'d> {
    /// Returns the root table of the text with this index.
    fn root(
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

    /// Returns the [`Place`] of the key, not of the value. If the key is absent, returns the place
    /// of the table.
    pub(crate) fn place_of(&self, key: &str) -> Place {
        self.find(key)
            .map_or_else(|| self.place.clone(), |(name, _)| self.place.child(key, name.span()))
    }

    fn wrong_type(&self, place: &Place, value: &DeValue<'_>, wanted: &str) {
        self.faults.add(
            place,
            format!("expected {wanted}, found {}", with_article(value)),
            format!("write {wanted}"),
        );
    }

    pub(crate) fn string(&self, key: &'d str) -> Option<Located<&'d str>> {
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
        let name = variable_name(value)?;
        Some(match self.variables.get(name)? {
            Ok(value) => {
                self.variables.note(&place.key, name);
                let place = Place { variable: Some(name.into()), ..place.clone() };
                Some(Located { value: value.as_str(), place })
            }
            Err(problem) => {
                let remedy = "set the variable to UTF-8 text before gatepost starts";
                self.faults.add(place, problem, remedy);
                None
            }
        })
    }

    /// Returns each key whose value came from an environment variable, and the name of the variable.
    pub(crate) fn used_variables(&self) -> Vec<(String, String)> {
        self.variables.used()
    }

    /// Reads a string. If the key is absent, reports a fault with `remedy`.
    pub(crate) fn require_string(&self, key: &'d str, remedy: &str) -> Option<Located<&'d str>> {
        if !self.has(key) {
            self.read_keys.borrow_mut().push(key);
            self.faults.add(&self.place, format!("expected `{key}`, found none"), remedy);
            return None;
        }
        self.string(key)
    }

    /// Reads a string or a list of strings.
    pub(crate) fn strings(&self, key: &'d str) -> Vec<Located<&'d str>> {
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
                self.faults.add_text(&text, &limits(), format!("set the variable to {}", limits()));
            }
            return number;
        }
        let DeValue::Integer(number) = value else {
            self.wrong_type(&place, value, "a whole number");
            return None;
        };
        let in_range = integer(number).filter(|n| range.contains(n));
        if in_range.is_none() {
            let problem = format!("expected {}, found {number}", limits());
            self.faults.add(&place, problem, format!("write {}", limits()));
        }
        in_range
    }

    pub(crate) fn boolean(&self, key: &'d str) -> Option<bool> {
        let (value, place) = self.raw(key)?;
        let flag = value.as_bool();
        if flag.is_none() {
            self.wrong_type(&place, value, "true or false");
        }
        flag
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
            self.wrong_type(&place, value, &format!("[[{key}]] tables"));
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

    /// Returns all entries, in the order of the file. Used for a table whose keys are not fixed.
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

    /// Reports every key that the code has not read.
    pub(crate) fn finish(&self) {
        let read_keys = self.read_keys.borrow();
        for (name, value) in self.entries {
            if !read_keys.iter().any(|key| key == name.get_ref()) {
                let place =
                    Place { span: name.span(), ..self.place.child(name.get_ref(), value.span()) };
                let key = Located { value: &**name.get_ref(), place };
                self.faults.add_unknown(&key, "key", read_keys.iter().copied());
            }
        }
    }
}

/// A value that may be of several types, with its place.
#[derive(Debug)]
pub(crate) struct Item<'d> {
    pub(crate) form: Form<'d>,
    pub(crate) place: Place,
}

impl<'d> Item<'d> {
    pub(crate) fn boolean(&self) -> Option<bool> {
        match &self.form {
            Form::Other(value) => value.as_bool(),
            Form::String(_) | Form::Table(_) => None,
        }
    }

    /// Returns the number of elements of a list; 0 for any other value.
    pub(crate) fn len(&self) -> usize {
        match &self.form {
            Form::Other(DeValue::Array(items)) => items.len(),
            _ => 0,
        }
    }

    /// Returns true for a string, a list, and an environment variable in place of a string.
    pub(crate) fn is_strings(&self) -> bool {
        match &self.form {
            Form::String(_) | Form::Other(DeValue::Array(_)) => true,
            Form::Table(table) => table.has("env") && table.entries.len() == 1,
            Form::Other(_) => false,
        }
    }

    /// Names the value in a fault that expects a non-empty list of strings.
    pub(crate) fn found(&self) -> &'static str {
        match (&self.form, self.len()) {
            (Form::Other(DeValue::Array(_)), 0) => "an empty list",
            (Form::Other(DeValue::Array(_)), _) => "a list with a value that is not a string",
            _ => self.form.name(),
        }
    }

    /// Returns the strings of a list; empty for any other value.
    ///
    /// Omits elements that are not strings, so the result may be shorter than [`Item::len`].
    pub(crate) fn strings(&self) -> Vec<Located<&'d str>> {
        let Form::Other(DeValue::Array(items)) = &self.form else { return Vec::new() };
        let located = items.iter().enumerate().filter_map(|(index, item)| match item.get_ref() {
            DeValue::String(text) => {
                Some(Located { value: &**text, place: self.place.element(index, item.span()) })
            }
            _ => None,
        });
        located.collect()
    }
}

/// A value of a key that accepts several types.
#[derive(Debug)]
pub(crate) enum Form<'d> {
    String(&'d str),
    Table(Table<'d>),
    Other(&'d DeValue<'d>),
}

impl Form<'_> {
    /// Returns the name of the value's type with an article, for a fault.
    pub(crate) const fn name(&self) -> &'static str {
        match self {
            Self::String(_) => "a string",
            Self::Table(_) => "a table",
            Self::Other(value) => with_article(value),
        }
    }
}

const fn with_article(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a fraction",
        DeValue::Boolean(_) => "a boolean",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reports_every_fault_with_its_place() {
        let text = "name = 1\ncolour = 'red'\n[inner]\nsize = 900\n";
        let faults = read(text, |table, _| {
            table.string("name");
            table.require_string("title", "add a title");
            let inner = table.table("inner")?;
            inner.integer("size", 1..=10);
            inner.finish();
            table.finish();
            Some(())
        })
        .unwrap_err();
        let shown: Vec<_> = faults.iter().map(ToString::to_string).collect();
        assert_eq!(
            shown,
            [
                "1:1: expected `title`, found none; add a title",
                "1:8: name: expected a string, found a whole number; write a string",
                "2:1: colour: expected a known key, found \"colour\"; use one of these keys: `inner`, `name`, `title`",
                "4:8: inner.size: expected a number from 1 to 10, found 900; write a number from 1 to 10",
            ]
        );
    }

    #[test]
    fn reports_only_first_syntax_error() {
        let faults = read("ok = 1\na = \nb = 'x", |_, _| Some(())).unwrap_err();
        assert_eq!(faults.iter().map(Fault::line).collect::<Vec<_>>(), [2]);
    }
}
