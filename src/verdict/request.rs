//! What the app gets of an accepted callback: the event's headers and its body.

use std::sync::LazyLock;

use bytes::{Bytes, BytesMut};
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue};

use super::Accepted;
use crate::event::{self, Forward};
use crate::head::{Head, Sender, X_FORWARDED_FOR, X_FORWARDED_HOST, X_FORWARDED_PROTO};
use crate::source::{TRACEPARENT, TRACESTATE, trace_headers};
use crate::template::Delivery;
use crate::time::Timestamp;

const GATEPOST_TEMPLATE: HeaderName = HeaderName::from_static("gatepost-template");

/// The names of an event's headers. Those that are missing most often stand last.
static NAMES: [HeaderName; 14] = [
    CONTENT_TYPE,
    CONTENT_LENGTH,
    event::CE_SPECVERSION,
    event::CE_ID,
    event::CE_SOURCE,
    event::CE_TYPE,
    event::CE_SUBJECT,
    event::CE_TIME,
    GATEPOST_TEMPLATE,
    X_FORWARDED_FOR,
    X_FORWARDED_HOST,
    X_FORWARDED_PROTO,
    TRACEPARENT,
    TRACESTATE,
];

/// All of them in their places, without a value: a copy of it is filled in, so that no name is hashed
/// for an event.
static FORM: LazyLock<HeaderMap> = LazyLock::new(|| {
    let blank = || HeaderValue::from_static("");
    NAMES.iter().map(|name| (name.clone(), blank())).collect()
});

/// The headers with these values, in the order of their names.
fn filled(values: [Option<HeaderValue>; NAMES.len()]) -> HeaderMap {
    let mut headers = FORM.clone();
    let mut missing = 0_u16;
    for (at, (place, value)) in headers.values_mut().zip(values).enumerate() {
        match value {
            Some(value) => *place = value,
            None => missing |= 1 << at,
        }
    }
    // From the last on, which leave the others where they are.
    while let Some(at) = missing.checked_ilog2() {
        missing ^= 1 << at;
        if let Some(name) = NAMES.get(at as usize) {
            headers.remove(name);
        }
    }
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
        sender: &Sender<'_>,
        now: Timestamp,
    ) -> (HeaderMap, Bytes) {
        let forward = match self.delivery() {
            Delivery::Ask(ask) => ask.forward,
            Delivery::Fixed(_) | Delivery::Unlisted(_) | Delivery::Unsealed => Forward::default(),
        };
        let (event, template) = (self.event(), self.template());
        let (body, content_type) = event.body(forward, self.raw(), self.content_type());
        let subject = event.subject().unwrap_or_default();
        // One piece of memory for all of them.
        let mut text = BytesMut::with_capacity(TYPICAL_TEXT + subject.len());
        let [forwarded_for, forwarded_host, forwarded_proto] =
            self.arrival().client.forwarded(head, sender, &mut text);
        let [traceparent, tracestate] = trace_headers(head.headers(), sender.trace, &mut text);
        let mut headers = filled([
            Some(content_type),
            event::decimal(body.len(), &mut text),
            Some(event::SPECVERSION),
            event.header_of_id(&mut text),
            Some(event.source.header().clone()),
            Some(event.ce_type.clone()),
            event.header_of_subject(&mut text),
            event.header_of_time(&mut text),
            Some(template.header.clone()),
            forwarded_for,
            forwarded_host,
            forwarded_proto,
            traceparent,
            tracestate,
        ]);
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
    fn every_value_stands_under_its_name_whichever_are_missing() {
        let value = |name: &HeaderName| HeaderValue::from_str(name.as_str()).unwrap();
        for missing in (0..NAMES.len()).flat_map(|at| [0, 1 << at, 0b11 << at, !(1 << at)]) {
            let is_there = |at: usize| missing >> at & 1 == 0;
            let values = std::array::from_fn(|at| is_there(at).then(|| value(&NAMES[at])));
            let headers = filled(values);
            for (at, name) in NAMES.iter().enumerate() {
                let expected = is_there(at).then(|| value(name));
                assert_eq!(headers.get(name), expected.as_ref(), "{missing:b}");
            }
            assert_eq!(headers.len(), (0..NAMES.len()).filter(|at| is_there(*at)).count());
        }
    }
}
