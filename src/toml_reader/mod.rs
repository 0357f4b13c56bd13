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

mod duration;
mod excerpt;
mod fault;
mod fault_kind;
mod item;
mod json;
mod variables;

use std::cell::RefCell;
use std::ops::RangeInclusive;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

pub(crate) use duration::duration_key;
use excerpt::Hidden;
pub use fault::{Fault, closest};
pub(crate) use fault::{Faults, Located, Place, TomlText, Warnings, allowed, list};
pub use fault_kind::FaultKind;
use item::with_article;
pub(crate) use item::{Form, Item};
use json::{integer, write_table};
pub(crate) use variables::{VariableValue, is_usual_name};
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

/// Parses a text as TOML and passes its root table to `read`. Returns the value of `read` with all
/// warnings.
///
/// A fault that `read` adds without a kind has the kind `default_kind`.
///
/// # Errors
///
/// If the text is not TOML, returns only the first syntax error. Otherwise, returns all faults and
/// warnings that `read` has added.
pub(crate) fn read<T>(
    text: &str,
    default_kind: FaultKind,
    read: impl for<'d> FnOnce(&Table<'d>, &'d Faults<'d>) -> Option<T>,
) -> Result<(T, Vec<Fault>), Vec<Fault>> {
    let texts = [TomlText { file: None, text }];
    read_all(&texts, default_kind, None, |tables, faults| read(tables.first()?, faults))
}

/// Parses several texts as TOML and passes their root tables to `read`, in the same order.
///
/// # Errors
///
/// If a text is not TOML, returns only the first syntax error of each such text. Otherwise, returns
/// all faults and warnings that `read` has added.
///
/// With `lookup`, the texts may have `{ env = "NAME" }` in place of a string or a number. `lookup`
/// returns the value of a variable.
pub(crate) fn read_all<T>(
    texts: &[TomlText<'_>],
    default_kind: FaultKind,
    lookup: Option<&dyn Fn(&str) -> VariableValue>,
    read: impl for<'d> FnOnce(&[Table<'d>], &'d Faults<'d>) -> Option<T>,
) -> Result<(T, Vec<Fault>), Vec<Fault>> {
    let faults = Faults::new(texts, default_kind);
    let parse = |(index, text)| parse(index, text, &faults);
    let roots: Vec<_> = texts.iter().enumerate().map(parse).collect();
    if !faults.is_empty() {
        let hidden: Vec<_> = texts.iter().map(|_| Hidden::Unread).collect();
        return Err(faults.into_sorted(&hidden));
    }
    let variables = lookup.map(|lookup| Variables::of(&roots, lookup)).unwrap_or_default();
    let value = {
        let table = |(index, root)| Table::root(index, root, &faults, &variables);
        let tables: Vec<_> = roots.iter().enumerate().map(table).collect();
        read(&tables, &faults)
    };
    let has_errors = !faults.is_empty();
    let hidden: Vec<_> = roots.iter().map(|root| Hidden::values_of(root.get_ref())).collect();
    let sorted = faults.into_sorted(&hidden);
    match value {
        Some(value) if !has_errors => Ok((value, sorted)),
        _ => Err(sorted),
    }
}

fn add_syntax_error(text: &str, faults: &Faults<'_>, place: &Place, error: &toml::de::Error) {
    if let Some(key) = source_without_braces(text, place.span.start) {
        let problem = format!("expected a table in braces, found `{key} =` as a value");
        let remedy =
            format!("write {{ {key} = \"{}\" }}", if key == "env" { "NAME" } else { "name" });
        return faults.add(place, FaultKind::TomlInvalid.because(problem), remedy);
    }
    let message = error.message();
    let (kind, remedy) = if message.contains("duplicate key") {
        let remedy = "remove one of the two; several routes or templates are [[route]] or \
                      [[template]]";
        (FaultKind::KeyDuplicate, remedy)
    } else if message.contains("must be quoted") || message.contains("string values") {
        (FaultKind::TomlInvalid, "write the value in quotes")
    } else {
        (FaultKind::TomlInvalid, "correct the syntax")
    };
    faults.add(place, kind.because(format!("invalid TOML: {message}")), remedy);
}

/// Returns `env` or `file` if the line at this byte is `KEY = env = …` or `KEY = file = …`, in which
/// the braces are missing.
fn source_without_braces(text: &str, at: usize) -> Option<&'static str> {
    let start = text.get(..at)?.rfind('\n').map_or(0, |end| end + 1);
    let mut parts = text.get(start..)?.lines().next()?.split('=').map(str::trim);
    let (_key, source, _value) = (parts.next()?, parts.next()?, parts.next()?);
    ["env", "file"].into_iter().find(|key| *key == source)
}

/// Parses one text. Reports only the first syntax error, because later ones are mostly consequences
/// of the first.
fn parse<'t>(index: usize, text: &TomlText<'t>, faults: &Faults<'t>) -> Spanned<DeTable<'t>> {
    let (root, errors) = DeTable::parse_recoverable(text.text);
    let errors = errors.into_iter().map(|error| (error.span().unwrap_or_default(), error));
    if let Some((span, error)) = errors.min_by_key(|(span, _)| span.start) {
        let place = Place { text: index, span, ..Place::default() };
        add_syntax_error(text.text, faults, &place, &error);
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
        let problem = format!("expected {wanted}, found {}", with_article(value));
        self.faults.add(place, FaultKind::TypeMismatch.because(problem), format!("write {wanted}"));
    }

    /// Reads a string that is no secret.
    pub(crate) fn string(&self, key: &'d str) -> Option<Located<&'d str>> {
        let text = self.hidden_string(key);
        text.inspect(|text| self.show(text))
    }

    /// Reads a string that may be a secret, so that no excerpt shows it.
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

    /// Permits excerpts to show a value, unless the value may be a URL with a password or a query.
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

    /// Reads a string or a list of strings that are no secrets.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reports_every_fault_with_its_place() {
        let text = "name = 1\ncolour = 'red'\n[inner]\nsize = 900\n";
        let faults = read(text, FaultKind::ValueInvalid, |table, _| {
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
        let faults =
            read("ok = 1\na = \nb = 'x", FaultKind::ValueInvalid, |_, _| Some(())).unwrap_err();
        assert_eq!(faults.iter().map(Fault::line).collect::<Vec<_>>(), [2]);
    }
}
