//! The rule for the id of an event, for command lines and other tools.

use std::fmt;

use super::Kind;

/// The rule for the id of an event, `ce-id`, and for the recognition of resends.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum IdentityInfo {
    /// If a time, or another value that differs between events, is present at one of these
    /// locations, the id is a digest of the data. Otherwise, the id is new for each callback.
    Content(Vec<Box<str>>),
    /// The id is a digest of the values at these locations. If one of these values is missing or
    /// empty, gatepost refuses the callback.
    Declared(Vec<Box<str>>),
    /// The id is new for each callback, because two events may have equal data. gatepost cannot
    /// recognize a resend by this id.
    New,
}

impl fmt::Display for IdentityInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Content(places) => {
                let places = places.join(" or ");
                write!(f, "with {places}, a digest of the data; otherwise new for each callback")
            }
            Self::Declared(places) => write!(f, "id: {}", places.join(" and ")),
            Self::New => f.write_str("new for each callback"),
        }
    }
}

impl From<&Kind> for IdentityInfo {
    fn from(kind: &Kind) -> Self {
        if !kind.id.is_empty() {
            return Self::Declared(kind.id.iter().map(|place| place.to_string().into()).collect());
        }
        let time = kind.time.iter().flat_map(|(from, _)| from);
        let places: Vec<Box<str>> =
            time.chain(&kind.sequence).map(|pointer| pointer.to_string().into()).collect();
        if places.is_empty() { Self::New } else { Self::Content(places) }
    }
}
