//! Search for the kind of a callback.

use std::borrow::Cow;

use super::Plan;
use crate::json::{Name, NameMap, Shape};
use crate::provider::field::parse_whole;
use crate::provider::locator::{Locator, Received};
use crate::provider::pointer::Pointer;

/// The rule that determines the kind of a callback.
#[derive(Debug)]
pub(crate) struct KindRule {
    /// The locators of the platform's name for the kind. gatepost uses the first name that is
    /// present and not empty.
    pub(crate) from: Vec<Locator>,
    /// The possible kinds for each name. gatepost takes the first kind whose `when` values are all
    /// present; if there is none, the last kind.
    pub(crate) values: NameMap<Vec<usize>>,
    /// The possible kinds of a callback that does not name its kind.
    pub(crate) unnamed: Vec<usize>,
    /// The kind of a callback that names an unknown kind. Also the kind of a callback that names no
    /// kind and fits none of the `unnamed` kinds. `None` if the definition does not set `other`.
    pub(crate) other: Option<usize>,
}

impl KindRule {
    /// Returns `true` if this rule can select `kind`. If it cannot, the config must set this kind
    /// on a route.
    pub(crate) fn may_find(&self, kind: usize) -> bool {
        let mut lists = self.values.iter().map(|(_, kinds)| kinds).chain([&self.unnamed]);
        lists.any(|kinds| kinds.contains(&kind)) || self.other == Some(kind)
    }

    /// Returns the platform's name for the kind of a callback.
    fn name_in<'r>(&self, received: &Received<'r>) -> Option<Cow<'r, str>> {
        let names = self.from.iter().filter_map(|from| from.text(received));
        names.into_iter().find(|name| !name.is_empty())
    }

    /// Returns the possible kinds for the platform's name.
    fn candidates(&self, name: &str) -> Option<&[usize]> {
        let candidates = |name: &str| self.values.get(&Name::new(name)).map(Vec::as_slice);
        candidates(name).or_else(|| {
            // `1.0` and `1e0` are spellings of the name `1`.
            let number = parse_whole(name)?;
            candidates(&number.to_string())
        })
    }
}

/// The result of the search for the kind of a callback.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum KindFound<'r> {
    /// The index of a declared kind.
    Known(usize),
    /// The callback does not name its kind, and no other rule selects a kind.
    Missing,
    /// The definition does not declare the kind. The text is the platform's name for the kind.
    Unknown(Cow<'r, str>),
}

impl Plan {
    /// Determines the kind of a callback.
    pub(crate) fn kind_of<'r>(&self, received: &Received<'r>) -> KindFound<'r> {
        let rule = &self.kind_rule;
        let fits = |kind: &&usize| {
            let kind = self.kinds.get(**kind);
            let is_present = |p: &Pointer| {
                p.find(received.object).is_some_and(|value| value.shape() != Shape::Null)
            };
            kind.is_some_and(|kind| kind.when.iter().all(is_present))
        };
        let Some(name) = rule.name_in(received) else {
            let found = rule.unnamed.iter().find(fits).copied().or(rule.other);
            return found.map_or(KindFound::Missing, KindFound::Known);
        };
        let candidates = rule.candidates(&name);
        // If no candidate fits, take the last candidate, so that the refusal can name a missing
        // field.
        let found = candidates.and_then(|kinds| kinds.iter().find(fits).or(kinds.last()));
        match found.copied().or(rule.other) {
            Some(kind) => KindFound::Known(kind),
            None => KindFound::Unknown(name),
        }
    }
    /// Returns the name of the declared kind that a callback on a route for `kind` names. Returns
    /// `None` if the callback names `kind` or no declared kind. Also returns `None` if `kind` is
    /// [`KindRule::other`], because the operator may want gatepost to treat each callback as a
    /// callback of this kind.
    pub(crate) fn other_kind_named(&self, kind: usize, received: &Received<'_>) -> Option<&str> {
        let rule = &self.kind_rule;
        if rule.other == Some(kind) {
            return None;
        }
        let name = rule.name_in(received)?;
        let named = rule.candidates(&name).filter(|kinds| !kinds.contains(&kind))?;
        named.first().map(|named| &*self.kind(Some(*named)).name)
    }
}
