//! Checks of definitions whose callbacks have a raw body.
//!
//! gatepost does not read a raw body, so a callback with a raw body has no fields. If all callbacks
//! that a part of the definition describes have raw bodies, this part cannot name a field.

use super::{DefinitionReader, Formats};
use crate::provider::locator::Locator;
use crate::provider::plan::{BodyFormat, Kind};
use crate::provider::signature::{PartSource, Signature};
use crate::toml_reader::{Form, Place, Table};

/// The remedy for a place in a raw body.
pub(super) const RAW_BODY: &str = "name a header or a parameter of the query, or choose a body \
                                   format with fields";

impl<'f> DefinitionReader<'f> {
    /// Calls `read` to read the keys of a kind. If the method of the kind has raw bodies, these
    /// keys cannot name fields.
    pub(super) fn within_kind<T>(&self, kind: &Table<'f>, read: impl FnOnce() -> T) -> T {
        let method = kind.any("method").and_then(|item| match item.form {
            Form::String(method) => Some(method),
            Form::Table(_) | Form::Other(_) => None,
        });
        self.has_fields.set(self.have_fields(method));
        let value = read();
        self.has_fields.set(self.have_fields(None));
        value
    }

    /// Returns `true` if callbacks of the kind may have fields.
    pub(super) fn has_fields_of(&self, kind: &Kind) -> bool {
        self.have_fields(kind.method.as_ref().map(http::Method::as_str))
    }

    fn have_fields(&self, method: Option<&str>) -> bool {
        self.formats.borrow().as_ref().is_none_or(|formats| formats.have_fields(method))
    }

    /// If `table` has the key, checks that the callbacks may have fields. Returns `false` after
    /// reporting a fault.
    pub(super) fn check_has_fields(&self, table: &Table<'f>, key: &'f str) -> bool {
        let fits = self.has_fields.get() || !table.has(key);
        if !fits {
            let problem =
                format!("expected no `{key}` beside a raw body, which has no fields, found one");
            let remedy = format!("remove `{key}`, or choose a body format with fields");
            self.faults.add(&table.place_of(key), problem, remedy);
        }
        fits
    }

    /// Returns the table `fields`; `None` if the table is absent or the callbacks have no fields.
    pub(super) fn fields_table(&self, table: &Table<'f>) -> Option<Table<'f>> {
        table.table("fields").filter(|_| self.check_has_fields(table, "fields"))
    }

    /// Reports each field in `conditions`: the reply to a callback with a raw body cannot depend on
    /// a field of the callback.
    pub(super) fn check_no_conditions<'c>(
        &self,
        place: &Place,
        conditions: impl Iterator<Item = &'c str>,
    ) {
        for field in conditions {
            let problem = format!(
                "expected no `when` in the reply to a raw body, which has no fields, found \
                 `{field}`"
            );
            self.faults.add(place, problem, "remove `when`, or choose a body format with fields");
        }
    }

    /// For each kind whose method has raw bodies, checks that the kind's signature and its `id` use
    /// no fields of the body. The kind may have inherited both from the top of the definition.
    pub(super) fn check_raw_kinds(
        &self,
        table: &Table<'f>,
        formats: &Formats,
        kinds: &[Kind],
        of_plan: Option<&Signature>,
    ) {
        if !formats.have_fields(None) || !formats.has(BodyFormat::Raw) {
            return;
        }
        for kind in kinds.iter().filter(|kind| !self.has_fields_of(kind)) {
            let inherited = of_plan.filter(|_| kind.signature.is_none() && !kind.is_unsigned);
            let signs_fields = |rule: &Signature| {
                let signs_form = |source: &PartSource| {
                    matches!(source, PartSource::FormPairs | PartSource::FormText)
                };
                rule.locators().any(in_body) || rule.parts.iter().any(|p| signs_form(&p.from))
            };
            for (name, is_in_body) in [
                ("signature", inherited.is_some_and(signs_fields)),
                ("id", kind.id.iter().any(in_body)),
            ] {
                if is_in_body {
                    let problem = format!(
                        "expected `{name}` without fields of the body, because the body is raw, \
                         found one with fields"
                    );
                    let remedy = format!("write another `{name}` for this kind");
                    self.faults.add(&table.place_of(&kind.name), problem, remedy);
                }
            }
        }
    }
}

/// Returns `true` if the value may be in the body.
fn in_body(place: &Locator) -> bool {
    place.pointers().next().is_some()
}
