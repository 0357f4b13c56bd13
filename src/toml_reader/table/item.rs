//! Values that may be of several types.

use toml::de::DeValue;

use super::{Located, Place, Table};

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

    /// Returns a description of the value, for a fault that expects a non-empty list of strings.
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

pub(super) const fn with_article(value: &DeValue<'_>) -> &'static str {
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
