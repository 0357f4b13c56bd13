//! Reads the parts of a signature: the pieces of the message that the platform signs, such as the
//! body or a header.

use super::DefinitionReader;
use crate::provider::locator::Locator;
use crate::provider::signature::{Part, PartForm, PartOrder, PartSource};
use crate::toml_reader::{Form, Item, Located, Table};

const ALLOWED_PARTS: &str = "write \"key\", \"body\", \"form-text\", \"form-pairs\", \
                             \"literal:TEXT\", \"listed:NAME=\", or a place: \"/pointer\", \
                             \"header:NAME\", \"query:NAME\", \"setting:NAME\", \"method\", \
                             \"target\", \"host\"";

impl<'f> DefinitionReader<'f> {
    /// Reads `parts`: a list in the order of the message, or
    /// `{ sorted = […], separator = "" }`.
    ///
    /// Also returns the length of the list. A part with a fault is in the list, but not among the
    /// returned parts.
    pub(super) fn parts(&self, table: &Table<'f>) -> (Vec<Part>, PartOrder, usize) {
        let read = |table: &Table<'f>, key| -> (Vec<_>, usize) {
            let listed = table.list(key);
            (listed.iter().filter_map(|item| self.part(item)).collect(), listed.len())
        };
        let is_sorted = |item: &Item<'f>| matches!(&item.form, Form::Table(t) if !t.has("part"));
        let sorted = table.any("parts").filter(is_sorted);
        let Some(Item { form: Form::Table(sorted), .. }) = sorted else {
            let (parts, listed) = read(table, "parts");
            return (parts, PartOrder::AsListed, listed);
        };
        let (parts, listed) = read(&sorted, "sorted");
        let separator = sorted.string("separator").map(|text| text.value).unwrap_or_default();
        sorted.finish();
        if !sorted.has("sorted") {
            let remedy = "write parts = { sorted = [\"key\", \"/timestamp\"], separator = \"\" }";
            self.faults.add(&sorted.place, "expected `sorted` in parts, found none", remedy);
        }
        (parts, PartOrder::Sorted { separator: separator.into() }, listed)
    }

    /// Reads a part: a source, or a table such as `{ part = "body", as = "base64" }` or
    /// `{ part = "/play_url", optional = true }`.
    fn part(&self, item: &Item<'f>) -> Option<Part> {
        match &item.form {
            Form::String(word) => {
                let text = Located { value: *word, place: item.place.clone() };
                let from = self.source(&text)?;
                let (form, before) = (PartForm::AsIs, Box::default());
                Some(Part { from, form, before, is_optional: false })
            }
            Form::Table(table) => {
                let from = table.require_string("part", ALLOWED_PARTS);
                let form = table.string("as");
                let form = form.map_or(Some(PartForm::AsIs), |form| {
                    self.word(Some(&form), "form", &PartForm::WORDS)
                });
                let before = table.string("before").map(|before| before.value.into());
                let is_optional = table.boolean("optional").unwrap_or(false);
                table.finish();
                let (from, before) = (self.source(&from?)?, before.unwrap_or_default());
                let part = Part { from, form: form?, before, is_optional };
                self.check_optional(table, &part);
                Some(part)
            }
            Form::Other(_) => {
                let problem = format!("expected a string or a table, found {}", item.form.name());
                self.faults.add(&item.place, problem, ALLOWED_PARTS);
                None
            }
        }
    }

    /// Checks that an optional part is a value of the request, because the other parts are never
    /// absent.
    fn check_optional(&self, table: &Table<'f>, part: &Part) {
        let may_be_absent = |place: &Locator| !matches!(place, Locator::Setting(..));
        if part.is_optional && !part.from.place().is_some_and(may_be_absent) {
            let problem = "expected a value of the request as an optional part, found another part";
            let remedy = "remove optional, or name a place such as \"/play_url\"";
            self.faults.add(&table.place_of("optional"), problem, remedy);
        }
    }

    /// Reads the source of a part or of the signed time.
    pub(super) fn source(&self, text: &Located<&str>) -> Option<PartSource> {
        match (text.value, text.value.split_once(':')) {
            ("body", _) => Some(PartSource::Body),
            ("form-pairs", _) => Some(PartSource::FormPairs),
            ("form-text", _) => Some(PartSource::FormText),
            ("key", _) => Some(PartSource::Key),
            (_, Some(("claim", name))) => Some(PartSource::Claim(name.into())),
            (_, Some(("literal", literal))) => Some(PartSource::Literal(literal.into())),
            (_, Some(("listed", name))) => Some(PartSource::Listed(name.into())),
            (word, prefix) => {
                let is_locator = matches!(prefix, Some(("header" | "query" | "setting", _)))
                    || matches!(word, "host" | "method" | "target");
                if !is_locator && !word.starts_with('/') {
                    self.faults.add_text(text, "a signed part", ALLOWED_PARTS);
                    return None;
                }
                self.locator(text).map(PartSource::Value)
            }
        }
    }
}
