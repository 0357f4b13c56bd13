//! Kinds whose callbacks may name a tenant.

use serde_json::{Map, Value};

use super::Plan;
use super::locator::Locator;

impl Plan {
    /// Returns `true` if callbacks of the kind may name a tenant.
    ///
    /// Returns `false` only under all of these conditions:
    ///
    /// - The kind or its provider has a sample with members.
    /// - The definition takes the tenant only from the body and headers.
    /// - The sample has no tenant in these places.
    pub(crate) fn may_name_tenant(&self, kind: usize) -> bool {
        let own = self.kinds.get(kind).and_then(|kind| kind.sample.as_deref());
        let text = own.or(self.sample.body.as_deref()).unwrap_or_default();
        let Ok(body) = serde_json::from_str::<Map<String, Value>>(text) else { return true };
        let is_name = |value: &Value| {
            value.is_number() || value.as_str().is_some_and(|text| !text.is_empty())
        };
        let names = |locator: &Locator| match locator {
            Locator::Body(pointer) => pointer.find_in_sample(&body).is_some_and(is_name),
            Locator::Header(header) => {
                self.sample.headers.iter().any(|(name, _)| *name == header.name)
            }
            Locator::Joined(_)
            | Locator::Method
            | Locator::OneOf(_)
            | Locator::Query(_)
            | Locator::Setting(..)
            | Locator::Target => true,
        };
        body.is_empty() || self.tenant.iter().flat_map(Locator::each).any(names)
    }
}
