//! Fields that a definition declares, and the conversion of values to the declared types.
//!
//! gatepost copies a value that already has the declared type, and converts any other value.
//!
//! | type | input | output |
//! |---|---|---|
//! | `any` | any value | the value |
//! | `string` | a string; or a number, with all its digits | a string |
//! | `integer` | a whole number, also as a string | a number |
//! | `number` | a number, also as a string | a number |
//! | `boolean` | `true`, `false`, 1 or 0, also as a string | `true` or `false` |
//! | `timestamp` | what `integer` accepts, in the declared unit | a number |
//! | `object` | an object | the object |
//! | `array` | an array; with `wrap`, also what `number` accepts, as an array of one element | the array |
//! | `json` | an object or array, or a string that encodes an object or array once or twice | the object or array |
//!
//! If gatepost cannot convert a value of an answer, gatepost does not use the answer. In a
//! callback, a value that gatepost cannot convert is a *misfit*. gatepost copies a misfit as
//! received, and lists its field in [`Conversion::noted`]. There are two exceptions. gatepost
//! refuses a callback with a misfit in an `essential` field. gatepost does not list a misfit in a
//! `lenient` field.
//!
//! A field of type `object`, `array` or `json` may declare inner `fields`. The inner fields
//! describe the object, or each object in the array.
//!
//! These values mean that a field is unset:
//!
//! - `null`, for an optional or nullable field;
//! - an empty or blank string, for an optional field of any type but `string` and `any`;
//! - a string with the JSON text `null` or `""`, for an optional `json` field.

mod conversion;
mod object_writer;
mod read;
mod types;
mod value_writer;
mod write;

pub(crate) use conversion::{Conversion, FieldPath, SentBy};
pub(crate) use read::{DeclaredFields, Usage, declare, read_condition, read_fields, read_unit};
pub(crate) use types::{Nested, Range, Type, parse_whole};

use object_writer::ObjectWriter;

use super::pointer::Pointer;
use crate::json::{self, Member, Name, NameMap, Object, Value};

/// One declared field.
#[derive(Clone, Debug)]
pub(crate) struct Field {
    pub(crate) name: Box<str>,
    /// The start of the field's member in a JSON object: `"name":`.
    pub(crate) key: Box<[u8]>,
    pub(crate) ty: Type,
    /// The meaning of the field, for documentation.
    pub(crate) about: Option<Box<str>>,
    /// True if the field may be absent or `null`.
    pub(crate) optional: bool,
    /// True if the field may be `null`. Only `optional` permits an absent field.
    pub(crate) nullable: bool,
    /// True if the field contains a credential. The app receives the credential, but logs do not
    /// contain it.
    pub(crate) secret: bool,
    /// True if the platform may also send values of other types in the field. gatepost does not
    /// list these values as misfits.
    pub(crate) lenient: bool,
    /// True if the reply to a decision, or the identity of the callback, depends on the field.
    pub(crate) essential: bool,
    /// The condition on the callback or item under which the reply contains the field; `None` means
    /// always.
    pub(crate) when: Option<Condition>,
}

/// A condition that an object meets if its member `field` has one of the `values`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Condition {
    pub(crate) field: Box<str>,
    pub(crate) values: Vec<Box<str>>,
}

impl Condition {
    /// Returns `true` if `object` meets the condition.
    pub(crate) fn is_met_by(&self, object: &Object<'_>) -> bool {
        let value = object.get(&self.field).and_then(Value::scalar);
        value.is_some_and(|value| self.values.iter().any(|listed| **listed == *value))
    }
}

/// A mismatch between a field and its declaration. The text contains names and types, never values.
///
/// The text has no remedy, because the field may be in a callback, an answer or a sample.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum FieldError {
    #[error("expected `{field}` to be less than `{than}`, found a greater or equal number")]
    Order { field: Box<str>, than: Box<str> },
    #[error("expected the field `{field}`, found none")]
    Missing { field: Box<str> },
    #[error("expected `{field}` to be from {min} to {max}, found a {found} number")]
    Range { field: Box<str>, min: i64, max: i64, found: &'static str },
    #[error("expected the length of `{field}` to be at most {max}, found a longer array")]
    TooMany { field: Box<str>, max: usize },
    #[error("expected `{field}` to be a valid {wanted}, found a value of type {found}")]
    Type { field: Box<str>, wanted: &'static str, found: &'static str },
    #[error("expected a declared field, found `{field}`; did you mean `{meant}`?")]
    Misspelt { field: Box<str>, meant: Box<str> },
    #[error("expected a declared field, found `{field}`")]
    Undeclared { field: Box<str> },
}

impl FieldError {
    /// Prefixes the field's name with `outer`: the name or array index of the enclosing value.
    pub(crate) fn inside(mut self, outer: &str) -> Self {
        let (Self::Missing { field }
        | Self::Order { field, .. }
        | Self::Range { field, .. }
        | Self::TooMany { field, .. }
        | Self::Type { field, .. }
        | Self::Misspelt { field, .. }
        | Self::Undeclared { field }) = &mut self;
        let dot = if field.is_empty() || field.starts_with('[') { "" } else { "." };
        *field = format!("{outer}{dot}{field}").into();
        self
    }
}

/// The declared fields of a kind or of a reply.
#[derive(Clone, Debug, Default)]
pub(crate) struct Fields {
    list: Vec<Field>,
    /// The fields by their names and aliases.
    by_name: NameMap<FieldRef>,
    /// The set of the required fields: the [`FieldRef::bit`] of each.
    required: u128,
    /// The set of the essential fields.
    essential: u128,
}

/// A reference to a field by its name or by an alias.
#[derive(Clone, Copy, Debug)]
struct FieldRef {
    /// The index of the field in `Fields::list`.
    index: usize,
    is_alias: bool,
    /// The value `1 << index`. A `u128` with several of these bits represents a set of fields.
    bit: u128,
}

/// The maximum number of declared fields: the number of bits in a `u128`.
const MAX_FIELDS: usize = 128;

impl Fields {
    pub(crate) fn len(&self) -> usize {
        self.list.len()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Field> {
        self.list.iter()
    }

    /// Calls `visit` with the names and aliases of each field with a credential, at any depth.
    pub(crate) fn each_secret<'f>(&'f self, visit: &mut dyn FnMut(&'f str)) {
        for (name, found) in self.by_name.iter() {
            if self.get(found.index).is_some_and(|field| field.secret) {
                visit(name.text());
            }
        }
        for field in &self.list {
            let inner = field.ty.nested().and_then(|nested| nested.fields.as_deref());
            inner.iter().for_each(|fields| fields.each_secret(visit));
        }
    }

    /// Returns the index of the field with this name or alias.
    pub(crate) fn find(&self, name: &str) -> Option<usize> {
        self.by_name.get(&Name::new(name)).map(|found| found.index)
    }

    pub(crate) fn get(&self, index: usize) -> Option<&Field> {
        self.list.get(index)
    }

    /// Returns the name of a field.
    pub(crate) fn name(&self, index: usize) -> Option<&str> {
        self.get(index).map(|field| &*field.name)
    }

    /// Returns the first required field whose bit is not set in `seen`.
    pub(crate) fn first_missing(&self, seen: u128) -> Option<&Field> {
        self.first_of(self.required & !seen)
    }

    /// Returns the first field of a set.
    fn first_of(&self, set: u128) -> Option<&Field> {
        (set != 0).then(|| self.list.get(set.trailing_zeros() as usize)).flatten()
    }

    /// Marks as essential the field at a path of names, and each field that contains this field.
    ///
    /// Stops at the first field of the path that is not declared or is lenient.
    pub(crate) fn mark_essential<'n>(&mut self, mut path: impl Iterator<Item = &'n str>) {
        let Some(at) = path.next().and_then(|name| self.find(name)) else { return };
        let Some(field) = self.list.get_mut(at).filter(|field| !field.lenient) else { return };
        field.essential = true;
        self.essential |= 1 << at;
        if let Some(fields) = field.ty.nested_mut() {
            fields.mark_essential(path);
        }
    }

    /// Writes a message to `out`, and converts each declared field to its type.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`Self::write_object`].
    pub(crate) fn write_message(
        &self,
        message: &Object<'_>,
        conversion: &mut Conversion,
        is_consumed: impl Fn(&Name<'_>) -> bool,
        out: &mut Vec<u8>,
    ) -> Result<(), FieldError> {
        self.write_object(message, conversion, &FieldPath::ROOT, is_consumed, out)
    }

    /// Writes the object at the position `at` of a message, and converts each declared field to its
    /// type.
    ///
    /// Copies undeclared members of a callback. Omits undeclared members of an answer, and notes
    /// their names. Omits members for which `is_consumed` returns `true`. Replaces an alias with
    /// the name of the field.
    ///
    /// # Errors
    ///
    /// Returns an error for an essential field that gatepost cannot convert, and for an essential
    /// required field that is missing. In an answer and in a config, every field is essential. Also
    /// returns an error for a member of an answer that is probably a misspelt field, and for an
    /// undeclared member in a config. After an error, `out` may contain part of the object.
    fn write_object(
        &self,
        object: &Object<'_>,
        conversion: &mut Conversion,
        at: &FieldPath<'_>,
        is_consumed: impl Fn(&Name<'_>) -> bool,
        out: &mut Vec<u8>,
    ) -> Result<(), FieldError> {
        let is_callback = conversion.sent_by == SentBy::Platform;
        let mut seen = 0_u128;
        let mut members = ObjectWriter::begin(object.text(), out);
        for member in object.members().filter(|member| !is_consumed(&member.name)) {
            let Member { name, value, .. } = member;
            let declared = self.declared(name);
            if !is_callback && declared.is_some_and(|(_, f)| f.is_unset_in_answer(value)) {
                // Platforms refuse a `null` in a reply as a wrong type, so omit the member.
                continue;
            }
            // Treat a second member for the same field as undeclared. If the object also has the
            // field's name, treat an alias as undeclared. Two members must not have the same name.
            let first = declared.filter(|(found, field)| {
                seen & found.bit == 0 && (!found.is_alias || object.get(&field.name).is_none())
            });
            match first {
                Some((found, field)) => {
                    seen |= found.bit;
                    let is_unchanged = !found.is_alias && field.is_unchanged(value);
                    if !is_unchanged || !members.copy(&member.span) {
                        let out = members.begin_member();
                        out.extend_from_slice(&field.key);
                        field.write(value, conversion, at, out)?;
                    }
                }
                None if !is_callback => self.drop_unknown(name.text(), conversion, at)?,
                None if members.copy(&member.span) => {}
                None => {
                    let out = members.begin_member();
                    json::write_string(name.text(), out);
                    out.push(b':');
                    value.write(out);
                }
            }
        }
        members.end();
        self.check_missing(seen, conversion, at)
    }

    /// Checks that the set `seen` contains each field that the message must contain. Notes each
    /// other required field that is missing from a callback.
    fn check_missing(
        &self,
        seen: u128,
        conversion: &mut Conversion,
        at: &FieldPath<'_>,
    ) -> Result<(), FieldError> {
        let missing = self.required & !seen;
        if missing == 0 {
            return Ok(());
        }
        let refused = match conversion.sent_by {
            SentBy::App | SentBy::Operator => missing,
            SentBy::Platform => missing & self.essential,
        };
        if let Some(field) = self.first_of(refused) {
            return Err(FieldError::Missing { field: field.name.clone() });
        }
        for (index, field) in self.list.iter().enumerate() {
            if missing & (1 << index) != 0 {
                conversion.note(at, &field.name);
            }
        }
        Ok(())
    }

    /// Returns `true` if the misfits contain the field at `pointer`, or a field that contains this
    /// field.
    pub(crate) fn lists(&self, misfits: &[Box<str>], pointer: &Pointer) -> bool {
        if misfits.is_empty() {
            return false;
        }
        let mut path = pointer.segments();
        let first = path.next().unwrap_or_default();
        let first = self.find(first).and_then(|at| self.get(at)).map_or(first, |f| &f.name);
        let mut outer = first.to_owned();
        let mut is_listed = misfits.iter().any(|misfit| **misfit == outer);
        for name in path {
            outer = format!("{outer}.{name}");
            is_listed |= misfits.iter().any(|misfit| **misfit == outer);
        }
        is_listed
    }

    /// Notes an undeclared member that the caller drops from an answer. Returns an error for a
    /// member that is probably misspelt, and for each undeclared member in a config.
    fn drop_unknown(
        &self,
        name: &str,
        conversion: &mut Conversion,
        at: &FieldPath<'_>,
    ) -> Result<(), FieldError> {
        self.check_unknown(name)?;
        if conversion.sent_by == SentBy::Operator {
            return Err(FieldError::Undeclared { field: name.into() });
        }
        conversion.note_dropped(at, name);
        Ok(())
    }

    /// Checks that an undeclared name is not a misspelt name of a declared field.
    ///
    /// gatepost drops undeclared members of an answer. Without this check, gatepost also drops a
    /// misspelt member, and the reply can lack a protection that the app has set.
    ///
    /// # Errors
    ///
    /// Returns an error if a declared name differs from `name` only in case, in `-` for `_`, or in
    /// one or two characters.
    pub(crate) fn check_unknown(&self, name: &str) -> Result<(), FieldError> {
        let mut declared = self.list.iter().map(|field| &field.name);
        match declared.find(|declared| is_misspelt(name, declared)) {
            None => Ok(()),
            Some(meant) => Err(FieldError::Misspelt { field: name.into(), meant: meant.clone() }),
        }
    }

    #[inline(always)]
    fn declared(&self, name: &Name<'_>) -> Option<(&FieldRef, &Field)> {
        let found = self.by_name.get(name)?;
        Some((found, self.list.get(found.index)?))
    }
}

/// Returns `true` if `name` is probably a misspelling of `meant`: `name` differs only in case, in
/// `-` for `_`, or in one or two characters.
///
/// If `meant` has at most four characters, only one character may differ: `meta` is not a misspelt
/// `data`.
pub(crate) fn is_misspelt(name: &str, meant: &str) -> bool {
    let max_edits = if meant.len() > 4 { 2 } else { 1 };
    is_respelt(name, meant)
        || (name.len().abs_diff(meant.len()) <= max_edits
            && strsim::levenshtein(&folded(name), &folded(meant)) <= max_edits)
}

/// Returns `true` if `name` differs from `meant` at most in case and in `-` for `_`.
pub(crate) fn is_respelt(name: &str, meant: &str) -> bool {
    name.len() == meant.len() && folded(name) == folded(meant)
}

fn folded(name: &str) -> String {
    name.to_ascii_lowercase().replace('-', "_")
}

#[cfg(test)]
mod tests;
