//! The head of a sample: the headers of the definition, and the header or the parameter that names
//! the kind.

use http::{HeaderMap, HeaderValue, Method};

use super::{BodyFormat, Plan};
use crate::provider::locator::Locator;

/// The head of a sample, without its signature.
#[derive(Debug, Default)]
pub(crate) struct SampleHead {
    pub(crate) headers: HeaderMap,
    /// The names and values of the parameters in the query.
    pub(crate) query: Vec<(Box<str>, Box<str>)>,
}

impl Plan {
    /// Returns the method of a sample.
    pub(crate) fn sample_method(&self, kind: usize) -> &Method {
        let of_kind = self.kind(Some(kind)).method.as_ref();
        of_kind.or(self.methods.first()).unwrap_or(&Method::POST)
    }

    /// Returns the first of the platform's names for a kind; `None` if the platform has no name for
    /// this kind.
    pub(crate) fn sample_name(&self, kind: usize) -> Option<&str> {
        let mut names = self.kind_rule.values.iter();
        names.find(|(_, kinds)| kinds.contains(&kind)).map(|(name, _)| name.text())
    }

    /// Returns the head of a sample.
    pub(crate) fn sample_head(&self, kind: usize) -> SampleHead {
        let headers = self.sample.headers.iter().cloned().collect();
        let mut head = SampleHead { headers, query: Vec::new() };
        if let (Some(place), Some(name)) = (self.kind_rule.from.first(), self.sample_name(kind)) {
            head.write(place, name);
        }
        if self.format_of(self.sample_method(kind)) == BodyFormat::Query {
            // The sample's fields are the query.
            head.query.clear();
        }
        head
    }
}

impl SampleHead {
    fn write(&mut self, place: &Locator, text: &str) {
        match place {
            Locator::Header(captured) => {
                if let Ok(value) = HeaderValue::from_str(text) {
                    self.headers.insert(captured.name.clone(), value);
                }
            }
            Locator::Query(name) => self.query.push((name.clone(), text.into())),
            // The sample uses the first of the alternatives.
            Locator::OneOf(places) => places.iter().take(1).for_each(|one| self.write(one, text)),
            Locator::Joined(places) => {
                // If a value contains `/`, the text has more parts than `places`, and does not show
                // where a value ends. Only the sample itself then contains the values.
                let texts: Vec<_> = text.split('/').collect();
                if texts.len() == places.len() {
                    places.iter().zip(texts).for_each(|(one, text)| self.write(one, text));
                }
            }
            Locator::Body(_) | Locator::Method | Locator::Setting(..) | Locator::Target => {}
        }
    }
}
