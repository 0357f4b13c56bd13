//! Reader of TOML that reports every fault in the values, but only the first syntax error.
//!
//! A [`Table`] returns its values by key, and adds a fault for each value of the wrong type. A
//! table records the keys that the code reads. [`Table::finish`] reports all other keys as unknown,
//! so the list of allowed keys always matches the code. A fault shows a string value of the file
//! only if the code reads the value as one that is not secret, for example with [`Table::string`].

#![allow(
    clippy::wildcard_enum_match_arm,
    reason = "each match lists the types that it accepts; every other type is a fault"
)]

mod excerpt;
mod fault;
mod fault_kind;
mod place;
mod suggestion;
mod table;
mod variables;

use toml::Spanned;
use toml::de::DeTable;

use excerpt::Hidden;
pub use fault::{ConfigPlace, Fault};
pub(crate) use fault::{Faults, TomlText, Warnings};
pub use fault_kind::FaultKind;
pub(crate) use place::{Located, Place};
pub use suggestion::closest;
pub(crate) use suggestion::{allowed, list};
pub(crate) use table::{Form, Item, Table, duration_key};
use variables::Variables;
pub(crate) use variables::{VariableValue, is_usual_name};

/// Parses a text as TOML and passes its root table to `read`. Returns the value of `read` with all
/// warnings.
///
/// A fault that `read` adds without a kind has the kind `default_kind`.
///
/// # Errors
///
/// If the text is not TOML, returns only the first syntax error. If `read` adds an error or returns
/// `None`, returns all faults and warnings that `read` has added.
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
/// With `lookup`, the texts may have `{ env = "NAME" }` in place of a string or a number. `lookup`
/// returns the value of a variable.
///
/// # Errors
///
/// If at least one text is not TOML, returns only the first syntax error of each such text. If
/// `read` adds an error or returns `None`, returns all faults and warnings that `read` has added.
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
        return Err(faults.into_sorted());
    }
    faults.set_hidden(roots.iter().map(|root| Hidden::values_of(root.get_ref())).collect());
    let variables = lookup.map(|lookup| Variables::of(&roots, lookup)).unwrap_or_default();
    let value = {
        let table = |(index, root)| Table::root(index, root, &faults, &variables);
        let tables: Vec<_> = roots.iter().enumerate().map(table).collect();
        read(&tables, &faults)
    };
    let has_errors = !faults.is_empty();
    let sorted = faults.into_sorted();
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
        let remedy = "remove one of the two keys; to write several routes or templates, begin each \
                      with [[route]] or [[template]]";
        (FaultKind::KeyDuplicate, remedy)
    } else if message.contains("must be quoted") || message.contains("string values") {
        (FaultKind::TomlInvalid, "write the value in quotes")
    } else {
        (FaultKind::TomlInvalid, "correct the syntax")
    };
    faults.add(
        place,
        kind.because(format!("expected valid TOML, found an error: {message}")),
        remedy,
    );
}

/// Returns `env` or `file` if the line at this byte is `KEY = env = …` or `KEY = file = …`, in
/// which the braces are missing.
fn source_without_braces(text: &str, at: usize) -> Option<&'static str> {
    let start = text.get(..at)?.rfind('\n').map_or(0, |end| end + 1);
    let mut parts = text.get(start..)?.lines().next()?.split('=').map(str::trim);
    let (_key, source, _value) = (parts.next()?, parts.next()?, parts.next()?);
    ["env", "file"].into_iter().find(|key| *key == source)
}

/// Parses one text. Reports only the first syntax error, because later errors are mostly
/// consequences of the first.
fn parse<'t>(index: usize, text: &TomlText<'t>, faults: &Faults<'t>) -> Spanned<DeTable<'t>> {
    let (root, errors) = DeTable::parse_recoverable(text.text);
    let errors = errors.into_iter().map(|error| (error.span().unwrap_or_default(), error));
    if let Some((span, error)) = errors.min_by_key(|(span, _)| span.start) {
        let place = Place { text: index, span, ..Place::default() };
        add_syntax_error(text.text, faults, &place, &error);
    }
    root
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
