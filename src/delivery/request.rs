//! What the app gets of an accepted callback: the event's headers and its body.

use std::sync::OnceLock;

use bytes::{Bytes, BytesMut};
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, HOST};
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::client::{TRACEPARENT, TRACESTATE, trace_headers};
use crate::event::{self, Forward};
use crate::head::{Head, RequestContext, X_FORWARDED_FOR, X_FORWARDED_HOST, X_FORWARDED_PROTO};
use crate::template::Delivery;
use crate::time::Timestamp;
use crate::verdict::Accepted;

const GATEPOST_TEMPLATE: HeaderName = HeaderName::from_static("gatepost-template");

/// The headers that every event has.
static ALWAYS: [HeaderName; 7] = [
    CONTENT_TYPE,
    CONTENT_LENGTH,
    event::CE_SPECVERSION,
    event::CE_ID,
    event::CE_SOURCE,
    event::CE_TYPE,
    GATEPOST_TEMPLATE,
];

/// The headers that an event may have beside them.
static AT_TIMES: [HeaderName; 8] = [
    HOST,
    event::CE_SUBJECT,
    event::CE_TIME,
    X_FORWARDED_FOR,
    X_FORWARDED_HOST,
    X_FORWARDED_PROTO,
    TRACEPARENT,
    TRACESTATE,
];

/// The names in their places, and no value yet, for each set of those that there are at times: a
/// copy is filled in for an event, so that nothing is hashed for it.
static FORMS: [OnceLock<HeaderMap>; 1 << AT_TIMES.len()] =
    [const { OnceLock::new() }; 1 << AT_TIMES.len()];

/// With those names that have a bit in the set.
fn form(set: usize) -> HeaderMap {
    let at_times =
        (0..).zip(&AT_TIMES).filter(|(bit, _)| set >> bit & 1 == 1).map(|(_, name)| name);
    let names = ALWAYS.iter().chain(at_times);
    names.map(|name| (name.clone(), HeaderValue::from_static(""))).collect()
}

/// The headers with these values, in the order of their names.
fn filled(
    mut always: [HeaderValue; ALWAYS.len()],
    mut at_times: [Option<HeaderValue>; AT_TIMES.len()],
) -> HeaderMap {
    let is_there = |(bit, value): (usize, &Option<_>)| usize::from(value.is_some()) << bit;
    let set: usize = at_times.iter().enumerate().map(is_there).sum();
    let Some(laid_out) = FORMS.get(set) else { return HeaderMap::new() };
    let mut headers = laid_out.get_or_init(|| form(set)).clone();
    let mut places = headers.values_mut();
    always.iter_mut().chain(at_times.iter_mut().flatten()).for_each(|value| {
        if let Some(place) = places.next() {
            std::mem::swap(place, value);
        }
    });
    headers
}

/// How much room the values take that are written for one event, but for the subject.
const TYPICAL_TEXT: usize = 192;

impl Accepted {
    /// The headers and the body that the app gets at the moment `now`, and nothing else of the
    /// callback. They are signed anew each time, if the config has a `signing_secret`.
    #[must_use]
    pub fn request(
        &self,
        head: &Head<'_>,
        context: &RequestContext<'_>,
        now: Timestamp,
    ) -> (HeaderMap, Bytes) {
        let forward = match self.delivery() {
            Delivery::Ask(ask) => ask.forward,
            Delivery::Fixed(_) | Delivery::Unlisted(_) | Delivery::MissingReplyKey => {
                Forward::default()
            }
        };
        let (event, template) = (self.event(), self.template());
        let (body, content_type) = event.body(forward, self.raw(), self.content_type());
        let subject = event.subject().unwrap_or_default();
        // One piece of memory for all of them.
        let mut text = BytesMut::with_capacity(TYPICAL_TEXT + subject.len());
        let always = [
            content_type,
            event::decimal(body.len(), &mut text),
            event::SPECVERSION,
            event.header_of_id(&mut text),
            event.source.header().clone(),
            event.ce_type.clone(),
            template.header.clone(),
        ];
        let subject = event.header_of_subject(&mut text);
        let time = event.header_of_time(&mut text);
        let [by, host, proto] = self.arrival().client.forwarded(head, context, &mut text);
        let [parent, state] = trace_headers(head.headers(), context.trace, &mut text);
        let own_host = context.host.cloned();
        let mut headers = filled(always, [own_host, subject, time, by, host, proto, parent, state]);
        if let Some(signing) = &template.signing {
            signing.write_headers(event.id(), now, &body, &mut headers);
        }
        (headers, body)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_stands_under_its_name_whichever_there_are() {
        let value = |name: &HeaderName| HeaderValue::from_str(name.as_str()).unwrap();
        for set in 0..FORMS.len() {
            let is_there = |at: usize| set >> at & 1 == 1;
            let at_times = |at: usize| is_there(at).then(|| value(&AT_TIMES[at]));
            let headers = filled(ALWAYS.each_ref().map(value), std::array::from_fn(at_times));
            assert!(ALWAYS.iter().all(|name| headers[name] == value(name)), "{headers:?}");
            for (at, name) in AT_TIMES.iter().enumerate() {
                assert_eq!(headers.get(name).cloned(), at_times(at), "{headers:?}");
            }
            assert_eq!(headers.len(), ALWAYS.len() + set.count_ones() as usize);
        }
    }
}
