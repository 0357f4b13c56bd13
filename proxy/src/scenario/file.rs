//! The scenario file.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use http::{StatusCode, Uri};
use serde::{Deserialize, Deserializer, de};

/// A scenario: the callbacks of several streams, each with its time.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Scenario {
    /// Provider of each stream that names no provider.
    #[serde(default)]
    pub(crate) provider: Option<String>,
    /// Address for the callbacks of each step that names no address.
    #[serde(default, deserialize_with = "optional_address")]
    pub(crate) to: Option<Uri>,
    #[serde(default)]
    pub(crate) key: Option<KeySource>,
    /// Fields of all callbacks.
    #[serde(default)]
    pub(crate) fields: Fields,
    #[serde(rename = "stream")]
    pub(crate) streams: Vec<Stream>,
}

/// A stream: its callbacks in the order of their times.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Stream {
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) provider: Option<String>,
    /// Time from the start of the scenario to the start of the stream.
    #[serde(default, deserialize_with = "duration")]
    pub(crate) start: Duration,
    #[serde(default)]
    pub(crate) fields: Fields,
    #[serde(rename = "step")]
    pub(crate) steps: Vec<Step>,
}

/// A callback, or several repetitions of a callback.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Step {
    pub(crate) kind: String,
    /// Gap before each repetition: the time since the previous callback of the stream, or since the
    /// start of the stream.
    #[serde(default, deserialize_with = "duration")]
    pub(crate) after: Duration,
    /// Number of repetitions.
    #[serde(default = "once")]
    pub(crate) times: u32,
    #[serde(default, deserialize_with = "optional_address")]
    pub(crate) to: Option<Uri>,
    #[serde(default)]
    pub(crate) fields: Fields,
    /// Expected status of the reply; `None` means any 2xx status.
    #[serde(default)]
    pub(crate) expect_status: Option<u16>,
}

impl Step {
    /// Returns true if the step expects a reply with this status.
    pub(crate) fn is_expected(&self, status: StatusCode) -> bool {
        self.expect_status.map_or(status.is_success(), |expected| expected == status.as_u16())
    }
}

/// Values of fields, by field name.
pub(crate) type Fields = BTreeMap<String, FieldValue>;

/// Value of a field, as text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FieldValue(pub(crate) String);

/// Source of a key. A scenario never contains the key itself, because operators share scenarios.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "lowercase")]
pub(crate) enum KeySource {
    Env(String),
    File(PathBuf),
}

impl KeySource {
    /// Returns the source, with a relative path resolved in the folder of the scenario.
    pub(crate) fn within(self, folder: &Path) -> Self {
        match self {
            Self::File(path) => Self::File(folder.join(path)),
            Self::Env(name) => Self::Env(name),
        }
    }
}

const fn once() -> u32 {
    1
}

impl<'de> Deserialize<'de> for FieldValue {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(
            untagged,
            expecting = "expected a string, a number or a boolean, found another value"
        )]
        enum Value {
            Text(String),
            Integer(i64),
            Float(f64),
            Boolean(bool),
        }
        Ok(Self(match Value::deserialize(from)? {
            Value::Text(text) => text,
            Value::Integer(number) => number.to_string(),
            Value::Float(number) => number.to_string(),
            Value::Boolean(value) => value.to_string(),
        }))
    }
}

fn duration<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
    let text = String::deserialize(from)?;
    let parsed = text.parse::<jiff::SignedDuration>().ok();
    parsed.and_then(|duration| Duration::try_from(duration).ok()).ok_or_else(|| {
        let problem = format!(
            "expected a duration, found {text:?}; write a number and a unit, for example \"90s\", \"5m\" or \
             \"1h 30m\""
        );
        de::Error::custom(problem)
    })
}

fn optional_address<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Uri>, D::Error> {
    let text = String::deserialize(from)?;
    let url = text.parse::<Uri>().ok().filter(|url| url.scheme().is_some() && url.host().is_some());
    url.map(Some).ok_or_else(|| {
        de::Error::custom(
            "expected an address with a scheme and a host, found another text; write, for example, \
             http://127.0.0.1:8080/callbacks",
        )
    })
}
