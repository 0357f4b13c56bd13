//! The request for the app: headers and body of an event.

use std::sync::OnceLock;

use bytes::{Bytes, BytesMut};
use http::header::{ACCEPT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, EXPECT, HOST};
use http::{HeaderMap, HeaderName, HeaderValue, Method};

use crate::client::{TRACEPARENT, TRACESTATE, trace_headers};
use crate::event::{self, Forward, JSON};
use crate::head::{
    Head, RequestContext, X_FORWARDED_FOR, X_FORWARDED_HOST, X_FORWARDED_PROTO, end_to_end,
    is_removed,
};
use crate::provider::common::{CommonEvent, EventNames};
use crate::time::Timestamp;
use crate::verdict::Accepted;

const GATEPOST_TEMPLATE: HeaderName = HeaderName::from_static("gatepost-template");
const GATEPOST_MISFITS: HeaderName = HeaderName::from_static("gatepost-misfits");
const GATEPOST_STALE: HeaderName = HeaderName::from_static("gatepost-stale");
/// Value of `gatepost-stale`.
const STALE: HeaderValue = HeaderValue::from_static("true");

/// Headers that [`fill`] always sets, in this order.
static REQUIRED: [HeaderName; 7] = [
    CONTENT_TYPE,
    CONTENT_LENGTH,
    event::CE_SPECVERSION,
    event::CE_ID,
    event::CE_SOURCE,
    event::CE_TYPE,
    GATEPOST_TEMPLATE,
];

/// Headers that [`fill`] sets if they have a value, in this order.
static OPTIONAL: [HeaderName; 8] = [
    HOST,
    event::CE_SUBJECT,
    event::CE_TIME,
    X_FORWARDED_FOR,
    X_FORWARDED_HOST,
    X_FORWARDED_PROTO,
    TRACEPARENT,
    TRACESTATE,
];

/// One header map with empty values for each combination of optional headers. Bit `n` of the index
/// is 1 for a map that contains `OPTIONAL[n]`.
///
/// Inserting a header hashes its name. Cloning a map copies its hash table unchanged, so gatepost
/// hashes none of these names for an event.
static EMPTY_HEADERS: [OnceLock<HeaderMap>; 1 << OPTIONAL.len()] =
    [const { OnceLock::new() }; 1 << OPTIONAL.len()];

/// Builds the map with empty values for one combination of optional headers.
fn empty_headers(combination: Combination) -> HeaderMap {
    let optional =
        (0..).zip(&OPTIONAL).filter(|(bit, _)| combination >> bit & 1 == 1).map(|(_, name)| name);
    let names = REQUIRED.iter().chain(optional);
    names.map(|name| (name.clone(), HeaderValue::from_static(""))).collect()
}

/// Set of headers in [`OPTIONAL`]. Bit `n` is 1 for a set that contains `OPTIONAL[n]`.
type Combination = usize;

/// Returns the combination of the headers that have a value.
fn combination(optional: &[Option<HeaderValue>; OPTIONAL.len()]) -> Combination {
    let bit = |(index, value): (usize, &Option<_>)| usize::from(value.is_some()) << index;
    optional.iter().enumerate().map(bit).sum()
}

/// Returns a header map with these values. Each value has the index of its header's name in
/// [`REQUIRED`] or [`OPTIONAL`].
fn fill(
    mut required: [HeaderValue; REQUIRED.len()],
    mut optional: [Option<HeaderValue>; OPTIONAL.len()],
) -> HeaderMap {
    let combination = combination(&optional);
    let Some(empty) = EMPTY_HEADERS.get(combination) else { return HeaderMap::new() };
    let mut headers = empty.get_or_init(|| empty_headers(combination)).clone();
    // The map iterates in insertion order, because gatepost has removed no header from it. The
    // values have the same order.
    let mut slots = headers.values_mut();
    required.iter_mut().chain(optional.iter_mut().flatten()).for_each(|value| {
        if let Some(slot) = slots.next() {
            std::mem::swap(slot, value);
        }
    });
    headers
}

/// Typical length in bytes of the header values that gatepost writes for one event, without the
/// subject.
const TYPICAL_TEXT: usize = 192;

impl Accepted {
    /// Returns the method of the event. `head` is the head of the callback.
    #[must_use]
    pub fn event_method<'h>(&self, head: &Head<'h>) -> &'h Method {
        match self.forward() {
            Forward::Passthrough => head.method(),
            Forward::CloudEvents | Forward::Common | Forward::Json | Forward::Raw => &Method::POST,
        }
    }

    /// Returns the headers and the body of the event for the app.
    ///
    /// If gatepost signs the events of the template, each call signs the event with the time `now`.
    #[must_use]
    pub fn request(
        &self,
        head: &Head<'_>,
        context: &RequestContext<'_>,
        now: Timestamp,
    ) -> (HeaderMap, Bytes) {
        let (mut headers, body) = self.unsigned_request(head, context);
        if let Some(signing) = &self.template().signing {
            signing.write_headers(self.event().id(), now, &body, &mut headers);
        }
        (headers, body)
    }

    /// Returns the headers and the body of the event before event signing.
    #[inline]
    pub(super) fn unsigned_request(
        &self,
        head: &Head<'_>,
        context: &RequestContext<'_>,
    ) -> (HeaderMap, Bytes) {
        let forward = self.forward();
        if forward == Forward::Passthrough && !self.adds_event_headers() {
            return self.received_request(head, context);
        }
        let (event, template) = (self.event(), self.template());
        let (common, body, content_type) = self.event_body(forward);
        let subject = event.subject().unwrap_or_default();
        // All written values share one allocation.
        let mut text = BytesMut::with_capacity(TYPICAL_TEXT + subject.len());
        let required = [
            content_type,
            event::decimal_header(body.len(), &mut text),
            event::SPECVERSION,
            event.id_header(&mut text),
            event.source.header().clone(),
            common.map_or_else(|| event.ce_type.clone(), |event| event.ce_type()),
            template.header.clone(),
        ];
        let subject = event.subject_header(&mut text);
        let time = event.time_header(&mut text);
        let [forwarded_for, host, proto] =
            self.arrival().client.forwarded_headers(head, context, &mut text);
        let [parent, state] = trace_headers(head.headers(), context, &mut text);
        let event_host = self.event_host(context);
        let optional = [event_host, subject, time, forwarded_for, host, proto, parent, state];
        let set = combination(&optional);
        let mut headers = fill(required, optional);
        if forward == Forward::Passthrough && self.content_type().is_none() {
            headers.remove(CONTENT_TYPE);
        }
        if forward.keeps_headers() {
            self.add_received(head, set, &mut headers);
        }
        if let Some(misfits) = event.misfits_header() {
            headers.insert(GATEPOST_MISFITS, misfits);
        }
        if self.is_stale() {
            headers.insert(GATEPOST_STALE, STALE);
        }
        (headers, body)
    }

    /// Returns the body of the event, and the `content-type` of the body. If the body is a common
    /// event, also returns this event.
    #[inline]
    fn event_body(&self, forward: Forward) -> (Option<CommonEvent>, Bytes, HeaderValue) {
        let common = if forward == Forward::Common { self.common_event() } else { None };
        if let Some((event, body)) = common {
            return (Some(event), body, JSON);
        }
        let (body, content_type) = self.event().body(forward, self.raw(), self.content_type());
        (None, body, content_type)
    }

    /// Returns the event for an app that reads only the body from the request, and everything else
    /// from [`Accepted`]. Omits all headers except `gatepost-stale`.
    ///
    /// Returns `None` if the app needs the headers: for an event in the form of the callback, and
    /// for a signed event.
    #[cfg(feature = "tower")]
    pub(super) fn request_without_headers(&self) -> Option<(HeaderMap, Bytes)> {
        let forward = self.forward();
        if forward.keeps_headers() || self.template().signing.is_some() {
            return None;
        }
        let (_, body, _) = self.event_body(forward);
        let mut headers = HeaderMap::new();
        if self.is_stale() {
            headers.insert(GATEPOST_STALE, STALE);
        }
        Some((headers, body))
    }

    /// Returns the common event and its body; `None` if the kind or the data has no common event.
    #[cold]
    fn common_event(&self) -> Option<(CommonEvent, Bytes)> {
        let event = self.event();
        let rule = self.kind().common.as_ref().filter(|_| !event.is_raw)?;
        let (provider, kind, tenant) = (event.provider(), event.kind(), event.tenant());
        let names = EventNames { provider, kind, tenant };
        rule.write(names, event.data_for_app()).map(|(event, body)| (event, body.into()))
    }

    fn adds_event_headers(&self) -> bool {
        self.delivery().as_ask().is_some_and(|ask| ask.adds_event_headers)
    }

    /// Returns the `host` header for the app; `None` if gatepost does not set this header.
    fn event_host(&self, context: &RequestContext<'_>) -> Option<HeaderValue> {
        let set_host = self.delivery().as_ask().and_then(|ask| ask.host.as_ref());
        set_host.or(context.host).cloned()
    }

    /// Returns the headers and the body of the callback, with the headers that a proxy adds, such
    /// as `x-forwarded-for`.
    fn received_request(
        &self,
        head: &Head<'_>,
        context: &RequestContext<'_>,
    ) -> (HeaderMap, Bytes) {
        let body = self.raw().clone();
        let mut text = BytesMut::with_capacity(TYPICAL_TEXT);
        let length = event::decimal_header(body.len(), &mut text);
        let [forwarded_for, host, proto] =
            self.arrival().client.forwarded_headers(head, context, &mut text);
        let [parent, state] = trace_headers(head.headers(), context, &mut text);
        let event_host = self.event_host(context);
        let optional = [event_host, None, None, forwarded_for, host, proto, parent, state];
        let mut headers = HeaderMap::with_capacity(head.headers().len() + OPTIONAL.len());
        self.add_received(head, combination(&optional), &mut headers);
        headers.insert(CONTENT_LENGTH, length);
        if let Some(content_type) = self.content_type() {
            headers.insert(CONTENT_TYPE, content_type.clone());
        }
        for (name, value) in OPTIONAL.iter().zip(optional) {
            if let Some(value) = value {
                headers.insert(name, value);
            }
        }
        (headers, body)
    }

    /// Adds the headers of the callback that the app may receive, except those that gatepost sets
    /// itself. `set` names the optional headers that gatepost sets.
    fn add_received(&self, head: &Head<'_>, set: Combination, headers: &mut HeaderMap) {
        let signs_events = self.template().signing.is_some();
        let is_trusted = || self.arrival().client.is_behind_trusted_proxy();
        // Compares names instead of looking them up in `headers`, because a lookup hashes the name.
        let is_set = |name| {
            (0..).zip(&OPTIONAL).any(|(bit, optional)| set >> bit & 1 == 1 && optional == name)
        };
        for (name, value) in end_to_end(head.headers()) {
            if !matches!(*name, ACCEPT_ENCODING | CONTENT_TYPE | EXPECT | HOST)
                && !is_removed(name, signs_events, is_trusted)
                && !is_set(name)
            {
                headers.append(name, value.clone());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_header_has_its_value_for_every_combination_of_optional_headers() {
        let value = |name: &HeaderName| HeaderValue::from_str(name.as_str()).unwrap();
        for combination in 0..EMPTY_HEADERS.len() {
            let has = |index: usize| combination >> index & 1 == 1;
            let optional = |index: usize| has(index).then(|| value(&OPTIONAL[index]));
            let headers = fill(REQUIRED.each_ref().map(value), std::array::from_fn(optional));
            let has_value = |name: &HeaderName| headers[name] == value(name);
            assert!(REQUIRED.iter().all(has_value), "expected all values, found {headers:?}");
            for (index, name) in OPTIONAL.iter().enumerate() {
                assert_eq!(headers.get(name).cloned(), optional(index), "{headers:?}");
            }
            assert_eq!(headers.len(), REQUIRED.len() + combination.count_ones() as usize);
        }
    }
}
