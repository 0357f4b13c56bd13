//! Decisions by status: the platform reads permission or denial from the status of the reply.
//!
//! The app's answer has the required field [`VERDICT`]. The status of the reply carries this field,
//! and the `Location` header carries the target of a redirect. The body has only the other fields
//! of the reply. A reply without other fields has no body.

use http::header::LOCATION;
use http::{HeaderMap, HeaderValue, StatusCode};

use super::reply_signing::JSON;
use super::{ReplyField, ReplyFieldName};
use crate::json::Value;
use crate::reply::Reply;

/// The field of the app's answer that allows or denies the request.
pub(crate) const VERDICT: &str = "allow";

/// The statuses of the replies to a decision.
#[derive(Clone, Debug)]
pub(crate) struct StatusRule {
    /// The status that allows, 200 to 299.
    pub(crate) allow: StatusCode,
    /// The status that denies, 400 to 499.
    pub(crate) deny: StatusCode,
    /// The index of the field [`VERDICT`].
    pub(crate) verdict: usize,
    pub(crate) redirect: Option<Redirect>,
}

/// A reply that allows the request, and redirects the client to another address.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Redirect {
    /// The index of the field with the address.
    pub(crate) field: usize,
    /// The status, 300 to 399.
    pub(crate) status: StatusCode,
}

/// The status of a reply, and its `Location` header.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct StatusLine {
    status: StatusCode,
    location: Option<HeaderValue>,
}

impl StatusRule {
    /// Returns true if the status or a header carries the field with this index.
    pub(super) fn carries(&self, index: usize) -> bool {
        index == self.verdict || self.is_address(index)
    }

    fn is_address(&self, index: usize) -> bool {
        self.redirect.is_some_and(|redirect| redirect.field == index)
    }

    /// Returns true for the address of a redirect that is not a URI reference. `index` is the index
    /// of the field.
    pub(super) fn is_unusable_address(&self, index: usize, json: &str) -> bool {
        self.is_address(index) && address_of(json).is_none()
    }

    /// Returns the status and the `Location` header of a reply with these fields. `allows` is true
    /// if the reply allows the request.
    pub(super) fn line(&self, fields: &[ReplyField], allows: bool) -> StatusLine {
        if !allows {
            return StatusLine { status: self.deny, location: None };
        }
        let redirect = self.redirect.and_then(|redirect| {
            let name = ReplyFieldName::Declared(redirect.field);
            let field = fields.iter().find(|field| field.name == name)?;
            Some((redirect.status, address_of(&field.json)?))
        });
        match redirect {
            Some((status, address)) => StatusLine { status, location: Some(address) },
            None => StatusLine { status: self.allow, location: None },
        }
    }

    /// Returns true if the platform can read permission or denial from the status and the headers
    /// of the app's answer. gatepost can then pass the answer on unchanged.
    ///
    /// A status of 500 or above reports a failure of the app. A redirect needs exactly one
    /// `Location`, with the characters of a URI reference.
    pub(crate) fn is_native(&self, status: StatusCode, headers: &HeaderMap) -> bool {
        let mut locations = headers.get_all(LOCATION).iter();
        let location = locations.next().filter(|_| locations.next().is_none());
        let is_address = |value: &HeaderValue| value.to_str().is_ok_and(is_uri_reference);
        match status.as_u16() {
            200..=299 | 400..=499 => true,
            300..=399 => self.redirect.is_some() && location.is_some_and(is_address),
            _ => false,
        }
    }
}

impl StatusLine {
    /// Returns the reply with the JSON `body`, which may be empty.
    pub(crate) fn into_reply(self, body: Vec<u8>) -> Reply {
        let reply = match body.is_empty() {
            true => Reply::empty(self.status),
            false => Reply::new(self.status, JSON, body.into()),
        };
        let extra = self.location.map(|location| [(LOCATION, location)].into());
        Reply { extra, ..reply }
    }
}

/// Reads the address of a redirect from the JSON of a string; `None` if the string is not a URI
/// reference.
fn address_of(json: &str) -> Option<HeaderValue> {
    let value = Value::json(json);
    let address = value.scalar().filter(|address| is_uri_reference(address))?;
    HeaderValue::from_str(&address).ok()
}

/// Returns true for a non-empty text with only the characters of a URI reference (RFC 3986,
/// section 2).
fn is_uri_reference(text: &str) -> bool {
    let is_permitted =
        |byte: u8| byte.is_ascii_alphanumeric() || b"-._~:/?#[]@!$&'()*+,;=%".contains(&byte);
    !text.is_empty() && text.bytes().all(is_permitted)
}
