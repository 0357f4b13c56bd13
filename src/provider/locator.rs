//! Where in a callback a value stands.
//!
//! | written | stands for |
//! |---|---|
//! | `/a/b` | a member of the body, by JSON Pointer; in a form, the field `a` |
//! | `header:NAME` | a header |
//! | `query:NAME` | a parameter of the query |
//! | `setting:NAME` | a setting of the template, such as the address as configured at the sender |

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;

use http::{HeaderName, HeaderValue};

use super::pointer::Pointer;
use crate::head::Head;
use crate::json::{Name, Object};
use crate::secret::Secret;

/// A place in a callback.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Locator {
    Body(Pointer),
    Header(Captured),
    Query(Box<str>),
    Setting(SettingIndex, Box<str>),
}

/// A header that a definition looks at, by its place in the plan's list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Captured {
    pub(crate) index: usize,
    pub(crate) name: HeaderName,
}

/// A declared setting, by its place in the plan's list.
pub(crate) type SettingIndex = usize;

/// What a definition looks at in a head, kept while the body is read.
#[derive(Debug, Default)]
pub(crate) struct CapturedHead {
    headers: Box<[Option<HeaderValue>]>,
    query: Option<Box<str>>,
}

/// What stands twice in a head, though only one of the two can count.
#[derive(Debug)]
pub(crate) struct Duplicate(pub(crate) String);

/// A whole callback, as a definition looks at it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Received<'r> {
    pub(crate) object: &'r Object<'r>,
    /// The body as it came.
    pub(crate) raw: &'r [u8],
    pub(crate) captured: &'r CapturedHead,
    /// The template's settings, in the order that the definition declares them.
    pub(crate) settings: &'r [Option<Secret>],
}

impl CapturedHead {
    /// Keeps the named headers, and the query if it is looked at.
    pub(crate) fn of(
        head: &Head<'_>,
        names: &[HeaderName],
        with_query: bool,
    ) -> Result<Self, Duplicate> {
        let mut headers = Vec::with_capacity(names.len());
        for name in names {
            let mut values = head.headers().get_all(name).iter();
            headers.push(values.next().cloned());
            if values.next().is_some() {
                return Err(Duplicate(format!("the header {name}")));
            }
        }
        let query: Option<Box<str>> =
            with_query.then(|| head.uri().query().map(Into::into)).flatten();
        if let Some(query) = &query {
            let mut names = BTreeSet::new();
            for (name, _) in form_urlencoded::parse(query.as_bytes()) {
                if !names.insert(name.clone()) {
                    return Err(Duplicate(format!("the parameter {name}")));
                }
            }
        }
        Ok(Self { headers: headers.into(), query })
    }

    /// The query as it came.
    pub(crate) fn query(&self) -> Option<&str> {
        self.query.as_deref()
    }

    fn header(&self, captured: &Captured) -> Option<&str> {
        self.headers.get(captured.index)?.as_ref()?.to_str().ok()
    }

    fn parameter(&self, name: &str) -> Option<Cow<'_, str>> {
        let mut pairs = form_urlencoded::parse(self.query()?.as_bytes());
        pairs.find_map(|(own, value)| (own == name).then_some(value))
    }
}

impl Locator {
    /// The text of the string or number there.
    pub(crate) fn text<'r>(&self, received: &Received<'r>) -> Option<Cow<'r, str>> {
        match self {
            Self::Body(pointer) => pointer.text(received.object),
            Self::Header(captured) => received.captured.header(captured).map(Cow::Borrowed),
            Self::Query(name) => received.captured.parameter(name),
            Self::Setting(index, _) => {
                let value = received.settings.get(*index)?.as_ref()?;
                std::str::from_utf8(value.expose()).ok().map(Cow::Borrowed)
            }
        }
    }

    /// The name, for one that is a member of the body itself.
    pub(crate) fn top_level(&self) -> Option<&Name<'static>> {
        match self {
            Self::Body(pointer) => pointer.top_level(),
            Self::Header(_) | Self::Query(_) | Self::Setting(..) => None,
        }
    }
}

impl fmt::Display for Locator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Body(pointer) => pointer.fmt(f),
            Self::Header(captured) => write!(f, "header:{}", captured.name),
            Self::Query(name) => write!(f, "query:{name}"),
            Self::Setting(_, name) => write!(f, "setting:{name}"),
        }
    }
}
