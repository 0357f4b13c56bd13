//! Common events: events about a stream, with the same names and fields for every platform.
//!
//! A definition assigns common events to its kinds, and sets the source of each field. For an
//! address with `forward = "common"`, gatepost reads the fields from the data of the event.

use http::HeaderValue;
use serde_json::{Map, Value as JsonValue};
use std::borrow::Cow;

use super::pointer::Pointer;
use crate::json::{Object, write_string};
use crate::time::Unit;

/// A common event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CommonEvent {
    /// A stream has ended.
    Ended,
    /// A viewer asks to play a stream.
    PlayRequested,
    /// A publisher asks to publish a stream.
    PublishRequested,
    /// A recording of a stream is complete.
    Recorded,
    /// A stream has started.
    Started,
}

impl CommonEvent {
    /// The name of each event, as definitions write it.
    pub(crate) const WORDS: [(&'static str, Self); 5] = [
        ("ended", Self::Ended),
        ("play_requested", Self::PlayRequested),
        ("publish_requested", Self::PublishRequested),
        ("recorded", Self::Recorded),
        ("started", Self::Started),
    ];

    /// Returns the name of the event, as definitions write it.
    pub(crate) fn name(self) -> &'static str {
        Self::WORDS.iter().find(|(_, event)| *event == self).map_or("", |(name, _)| name)
    }

    /// Returns the CloudEvents type.
    pub(crate) const fn ce_type(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::Ended => "com.gatepost.stream.ended",
            Self::PlayRequested => "com.gatepost.stream.play_requested",
            Self::PublishRequested => "com.gatepost.stream.publish_requested",
            Self::Recorded => "com.gatepost.stream.recorded",
            Self::Started => "com.gatepost.stream.started",
        })
    }

    /// Returns `true` if the app allows or denies the event.
    pub(crate) const fn is_request(self) -> bool {
        matches!(self, Self::PlayRequested | Self::PublishRequested)
    }
}

/// The rule for the common event of a kind.
#[derive(Clone, Debug)]
pub(crate) struct CommonRule {
    pub(crate) event: EventRule,
    pub(crate) fields: Vec<CommonField>,
}

/// The rule that selects the common event.
#[derive(Clone, Debug)]
pub(crate) enum EventRule {
    Always(CommonEvent),
    /// The event for each value at a pointer. Other values have no common event.
    ByValue {
        from: Pointer,
        values: Vec<(Box<str>, CommonEvent)>,
    },
}

impl EventRule {
    /// Returns every possible event.
    pub(crate) fn events(&self) -> impl Iterator<Item = CommonEvent> {
        let (always, values) = match self {
            Self::Always(event) => (Some(*event), &[][..]),
            Self::ByValue { values, .. } => (None, &values[..]),
        };
        always.into_iter().chain(values.iter().map(|(_, event)| *event))
    }

    /// Returns the pointer, and the first value that selects the event with the name `event`.
    /// Returns `None` if no value of the data selects this event.
    pub(crate) fn choice(&self, event: &str) -> Option<(&Pointer, &str)> {
        let Self::ByValue { from, values } = self else { return None };
        values.iter().find(|(_, own)| own.name() == event).map(|(value, _)| (from, &**value))
    }

    fn choose(&self, data: &Object<'_>) -> Option<CommonEvent> {
        match self {
            Self::Always(event) => Some(*event),
            Self::ByValue { from, values } => {
                let found = from.text(data).or_else(|| from.boolean(data).map(Cow::Borrowed))?;
                values.iter().find(|(value, _)| **value == *found).map(|(_, event)| *event)
            }
        }
    }
}

/// A field of a common event, and its source in the data.
#[derive(Clone, Debug)]
pub(crate) struct CommonField {
    pub(crate) name: &'static str,
    pub(crate) from: Pointer,
    pub(crate) form: CommonForm,
}

/// The conversion of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CommonForm {
    /// A duration, converted to milliseconds. The `u32` is the number of milliseconds in the
    /// platform's unit.
    Millis(u32),
    /// A segment of a URL's path. The `usize` counts the non-empty segments from 1.
    Segment(usize),
    /// A string or number, as text.
    Text,
    /// A time, converted to RFC 3339.
    Time(Unit),
}

/// The names of the fields. The values of all but the last are strings.
pub(crate) const FIELDS: [&str; 7] =
    ["stream", "app", "client_address", "session", "file", STARTED_AT, DURATION_MS];

/// The name of the field with the start time of the stream or the recording.
pub(crate) const STARTED_AT: &str = "started_at";

/// The name of the field with the duration of the stream or the recording.
pub(crate) const DURATION_MS: &str = "duration_ms";

/// The names that gatepost adds to a common event, beside the fields from the data.
#[derive(Clone, Copy, Debug)]
pub(crate) struct EventNames<'e> {
    pub(crate) provider: &'e str,
    pub(crate) kind: &'e str,
    pub(crate) tenant: Option<&'e str>,
}

impl CommonRule {
    /// Returns the common event of `data`, and the JSON of this event. Returns `None` if the data
    /// has no common event or is not a JSON object.
    pub(crate) fn write(
        &self,
        names: EventNames<'_>,
        data: &[u8],
    ) -> Option<(CommonEvent, Vec<u8>)> {
        let text = std::str::from_utf8(data).ok()?;
        let object = Object::from_json(text).ok()?;
        let event = self.event.choose(&object)?;
        let mut members = Map::new();
        for field in &self.fields {
            if let Some(value) = field.read(&object) {
                members.insert(field.name.to_owned(), value);
            }
        }
        let texts = [
            ("provider", Some(names.provider)),
            ("kind", Some(names.kind)),
            ("tenant", names.tenant),
        ];
        for (name, value) in texts {
            members.extend(value.map(|value| (name.to_owned(), value.into())));
        }
        let mut out = serde_json::to_vec(&members).ok()?;
        // Write the data as received, with every digit of its numbers.
        out.pop();
        out.push(b',');
        write_string("data", &mut out);
        out.push(b':');
        out.extend_from_slice(data);
        out.push(b'}');
        Some((event, out))
    }
}

impl CommonField {
    fn read(&self, data: &Object<'_>) -> Option<JsonValue> {
        let text = self.from.text(data).filter(|text| !text.is_empty())?;
        Some(match self.form {
            CommonForm::Text => text.into_owned().into(),
            CommonForm::Segment(number) => segment(&text, number)?.into(),
            CommonForm::Time(unit) => {
                // Some platforms write 0 for an unset time.
                let time = unit.parse(&text).filter(|time| time.as_millis() != 0)?;
                time.to_rfc3339()?.into()
            }
            CommonForm::Millis(millis) => milliseconds(&text, millis)?.into(),
        })
    }

    /// Returns the name of the data's top-level member that contains the value.
    pub(crate) fn member(&self) -> Option<&str> {
        self.from.segments().next()
    }
}

/// Returns a segment of a URL's path, or of a path alone. `number` counts the non-empty segments
/// from 1.
fn segment(url: &str, number: usize) -> Option<String> {
    let path = match url.split_once("://") {
        Some((_, rest)) => rest.split_once('/')?.1,
        None => url,
    };
    let path = path.split(['?', '#']).next()?;
    let mut segments = path.split('/').filter(|segment| !segment.is_empty());
    segments.nth(number.checked_sub(1)?).map(str::to_owned)
}

/// Converts a duration to whole milliseconds.
#[expect(clippy::cast_possible_truncation, reason = "`as` saturates long durations")]
fn milliseconds(text: &str, millis: u32) -> Option<i64> {
    if let Ok(whole) = text.parse::<i64>() {
        return whole.checked_mul(i64::from(millis)).filter(|duration| *duration >= 0);
    }
    let number: f64 = text.parse().ok()?;
    let duration = (number * f64::from(millis)).round();
    (duration.is_finite() && duration >= 0.0).then_some(duration as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_nonempty_segments_of_a_path_from_one() {
        let url = "rtmp://ome.example.com:1935/app/stream?token=a/b";
        let found = |url: &str, number| segment(url, number);
        assert_eq!(found(url, 1).as_deref(), Some("app"));
        assert_eq!(found(url, 2).as_deref(), Some("stream"));
        assert_eq!(found(url, 3), None);
        assert_eq!(found(url, 0), None);
        assert_eq!(found("live/stream1", 2).as_deref(), Some("stream1"));
        assert_eq!(found("/live//stream1#a", 2).as_deref(), Some("stream1"));
        assert_eq!(found("rtmp://host", 1), None);
    }

    #[test]
    fn duration_becomes_whole_milliseconds() {
        assert_eq!(milliseconds("5", 1000), Some(5000));
        assert_eq!(milliseconds("5.4996", 1000), Some(5500));
        assert_eq!(milliseconds("30012", 1), Some(30012));
        for wrong in ["", "-1", "-0.5", "NaN", "inf", "1h", "9223372036854775807"] {
            assert_eq!(milliseconds(wrong, 1000), None, "{wrong}");
        }
    }
}
