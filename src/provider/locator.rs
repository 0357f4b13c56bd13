//! Locators: references to a value in a callback or in the template's settings.
//!
//! | locator | value |
//! |---|---|
//! | `/a/b` | a member of the body, by JSON Pointer; `/a` is also the field `a` of a form |
//! | `header:NAME` | a header of the request; for `host` on HTTP/2, the authority of the target |
//! | `query:NAME` | a query parameter |
//! | `setting:NAME` | a setting of the template, such as the callback URL that the platform signs |
//! | `method` | the method of the request |
//! | `target` | the path and the query of the request, as received |
//! | `host` | the same as `header:host` |
//! | `A \| B` | the value at one of these locations; if several have a value, the values must be equal |

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;

use http::header::HOST;
use http::{HeaderName, HeaderValue, Method};

use super::pointer::Pointer;
use crate::head::Head;
use crate::json::{MAX_OBJECT_MEMBERS, Name, Object, Shape};
use crate::secret::Secret;

/// The location of a value. The module documentation lists the text of each variant but `Joined`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Locator {
    Body(Pointer),
    Header(CapturedHeader),
    /// The texts at these locations, joined with `/`.
    Joined(Box<[Self]>),
    Method,
    /// Alternatives: the platform uses one of these locations, or several with equal values.
    OneOf(Box<[Self]>),
    Query(Box<str>),
    Setting(SettingIndex, Box<str>),
    Target,
}

/// A header that a locator refers to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CapturedHeader {
    /// The index in `Plan::headers`.
    pub(crate) index: usize,
    pub(crate) name: HeaderName,
}

/// The text between alternatives.
pub(crate) const ALTERNATIVES: &str = " | ";

/// The index of a setting in `Plan::settings`.
pub(crate) type SettingIndex = usize;

/// Copies of the parts of a head that locators refer to. gatepost keeps the copies while the body
/// arrives.
#[derive(Debug, Default)]
pub(crate) struct CapturedHead {
    /// The values of `Plan::headers`, in the same order. `None` for an absent header.
    headers: Box<[Option<HeaderValue>]>,
    query: Option<Box<str>>,
    method: Method,
    /// The path and the query as received; `None` if no locator refers to them.
    target: Option<Box<str>>,
}

/// The reason why gatepost cannot copy a head.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CaptureError {
    /// A header or query parameter is present more than once. The text names the header or
    /// parameter.
    #[error("expected {0} once, found it more than once")]
    Duplicate(String),
    /// The query has more than [`MAX_OBJECT_MEMBERS`] parameters.
    #[error("expected at most {MAX_OBJECT_MEMBERS} query parameters, found more")]
    TooManyParameters,
}

/// A complete callback and the settings of the template: all values that locators can refer to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Received<'r> {
    pub(crate) object: &'r Object<'r>,
    /// The body as received.
    pub(crate) raw: &'r [u8],
    pub(crate) captured: &'r CapturedHead,
    /// The values of `Plan::settings`, in the same order. `None` if a setting has no value.
    pub(crate) settings: &'r [Option<Secret>],
}

impl CapturedHead {
    /// Copies the headers in `names`, the query and the method.
    ///
    /// # Errors
    ///
    /// Returns an error for a repeated header of `names`, for a repeated parameter of `query`, and
    /// for too many parameters.
    pub(crate) fn of(
        head: &Head<'_>,
        names: &[HeaderName],
        query: Option<Cow<'_, str>>,
    ) -> Result<Self, CaptureError> {
        let mut headers = Vec::with_capacity(names.len());
        for name in names {
            let mut values = head.headers().get_all(name).iter();
            headers.push(values.next().cloned().or_else(|| authority(head, name)));
            if values.next().is_some() {
                return Err(CaptureError::Duplicate(format!("the header {name}")));
            }
        }
        let query: Option<Box<str>> = query.map(Into::into);
        if let Some(query) = &query {
            check_parameters(query)?;
        }
        let method = head.method().clone();
        Ok(Self { headers: headers.into(), query, method, target: None })
    }

    /// Adds a copy of the path and the query.
    pub(crate) fn with_target(self, head: &Head<'_>) -> Self {
        let target = head.uri().path_and_query().map(|target| target.as_str().into());
        Self { target, ..self }
    }

    /// Returns the method of the request.
    pub(crate) const fn method(&self) -> &Method {
        &self.method
    }

    /// Returns the copied query without decoding; `None` if there is no copy.
    pub(crate) fn query(&self) -> Option<&str> {
        self.query.as_deref()
    }

    fn header(&self, captured: &CapturedHeader) -> Option<&str> {
        self.headers.get(captured.index)?.as_ref()?.to_str().ok()
    }

    fn parameter(&self, name: &str) -> Option<Cow<'_, str>> {
        let mut pairs = form_urlencoded::parse(self.query()?.as_bytes());
        pairs.find_map(|(key, value)| (key == name).then_some(value))
    }
}

/// Checks that the parameters of a query have different names, and that the query has at most
/// [`MAX_OBJECT_MEMBERS`] parameters.
fn check_parameters(query: &str) -> Result<(), CaptureError> {
    let mut names = HashSet::new();
    for (name, _) in form_urlencoded::parse(query.as_bytes()) {
        if names.len() == MAX_OBJECT_MEMBERS {
            return Err(CaptureError::TooManyParameters);
        }
        if !names.insert(name.clone()) {
            return Err(CaptureError::Duplicate(format!("the parameter {name}")));
        }
    }
    Ok(())
}

/// Returns the authority of the target if the name is `host`. HTTP/2 clients send the authority
/// instead of a `host` header.
fn authority(head: &Head<'_>, name: &HeaderName) -> Option<HeaderValue> {
    let authority = head.uri().authority().filter(|_| *name == HOST)?;
    HeaderValue::from_str(authority.as_str()).ok()
}

impl Locator {
    /// Returns the text of the value at this location. In a body, the value must be a string or a
    /// number.
    pub(crate) fn text<'r>(&self, received: &Received<'r>) -> Option<Cow<'r, str>> {
        match self {
            Self::Body(pointer) => pointer.text(received.object),
            Self::Header(captured) => received.captured.header(captured).map(Cow::Borrowed),
            Self::Joined(places) => {
                let texts: Option<Vec<_>> =
                    places.iter().map(|place| place.text(received)).collect();
                Some(Cow::Owned(texts?.join("/")))
            }
            Self::Method => Some(Cow::Borrowed(received.captured.method.as_str())),
            Self::OneOf(places) => only_text(places, received),
            Self::Query(name) => received.captured.parameter(name),
            Self::Target => received.captured.target.as_deref().map(Cow::Borrowed),
            Self::Setting(index, _) => {
                let value = received.settings.get(*index)?.as_ref()?;
                std::str::from_utf8(value.expose()).ok().map(Cow::Borrowed)
            }
        }
    }

    /// Returns `true` if the request and the settings have no value at this location. A `null` in
    /// the body counts as no value. A value without a text, such as an object, counts as a value.
    pub(crate) fn is_absent(&self, received: &Received<'_>) -> bool {
        match self {
            Self::Body(pointer) => {
                let value = pointer.find(received.object);
                value.is_none_or(|value| value.shape() == Shape::Null)
            }
            Self::Header(captured) => {
                received.captured.headers.get(captured.index).is_none_or(Option::is_none)
            }
            Self::OneOf(places) => places.iter().all(|place| place.is_absent(received)),
            Self::Joined(_) | Self::Method | Self::Query(_) | Self::Setting(..) | Self::Target => {
                self.text(received).is_none()
            }
        }
    }

    /// Returns the alternatives, the joined locators, or the locator itself.
    pub(crate) fn each(&self) -> &[Self] {
        match self {
            Self::Joined(places) | Self::OneOf(places) => places,
            Self::Body(_)
            | Self::Header(_)
            | Self::Method
            | Self::Query(_)
            | Self::Setting(..)
            | Self::Target => std::slice::from_ref(self),
        }
    }

    /// Returns the pointer if the locator refers to a value in the body.
    pub(crate) const fn pointer(&self) -> Option<&Pointer> {
        match self {
            Self::Body(pointer) => Some(pointer),
            Self::Header(_)
            | Self::Joined(_)
            | Self::Method
            | Self::OneOf(_)
            | Self::Query(_)
            | Self::Setting(..)
            | Self::Target => None,
        }
    }

    /// Returns the pointers to values in the body, of all alternatives and joined locators.
    pub(crate) fn pointers(&self) -> impl Iterator<Item = &Pointer> {
        self.each().iter().flat_map(Self::each).filter_map(Self::pointer)
    }

    /// Returns the name of the member if the locator refers to a top-level member of the body.
    pub(crate) fn top_level(&self) -> Option<&Name<'static>> {
        self.pointer()?.top_level()
    }
}

/// Returns the text of the first value at these places. Returns `None` without a value, and for a
/// first value without a text. Also returns `None` if a later place has a different value, so that
/// the app cannot read a value that gatepost does not verify.
fn only_text<'r>(places: &[Locator], received: &Received<'r>) -> Option<Cow<'r, str>> {
    let mut present = places.iter().filter(|place| !place.is_absent(received));
    let first = present.next()?.text(received)?;
    present.all(|place| place.text(received).as_ref() == Some(&first)).then_some(first)
}

impl fmt::Display for Locator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Body(pointer) => pointer.fmt(f),
            Self::Header(captured) => write!(f, "header:{}", captured.name),
            Self::Joined(places) => {
                let places: Vec<_> = places.iter().map(Self::to_string).collect();
                f.write_str(&places.join(" and "))
            }
            Self::Method => f.write_str("method"),
            Self::OneOf(places) => {
                let places: Vec<_> = places.iter().map(Self::to_string).collect();
                f.write_str(&places.join(ALTERNATIVES))
            }
            Self::Query(name) => write!(f, "query:{name}"),
            Self::Setting(_, name) => write!(f, "setting:{name}"),
            Self::Target => f.write_str("target"),
        }
    }
}
