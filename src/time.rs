//! Points in time, and the units that platforms use for a point in time.
//!
//! The core never reads a clock: the layer, the proxy or a test passes the time as an argument.

use std::fmt;
use std::time::Duration;

use jiff::fmt::StdFmtWrite;
use jiff::fmt::temporal::DateTimePrinter;

/// A point in time: Unix milliseconds, without leap seconds.
///
/// # Examples
///
/// ```
/// use gatepost::Timestamp;
///
/// let time = Timestamp::from_millis(1_703_731_478_900);
/// assert_eq!(time.as_secs(), 1_703_731_478);
/// assert_eq!(time.to_string(), "2023-12-28T02:44:38.9Z");
/// assert!(time > Timestamp::from_secs(1_703_731_478));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// Converts Unix seconds; a value that is out of range becomes the nearest possible time.
    #[must_use]
    pub const fn from_secs(secs: i64) -> Self {
        Self(secs.saturating_mul(1000))
    }

    /// Converts Unix milliseconds.
    #[must_use]
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// Returns Unix milliseconds.
    #[must_use]
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// Returns Unix seconds, rounded down.
    #[must_use]
    pub const fn as_secs(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// Returns the time that is `delay` later, or the latest possible time.
    pub(crate) fn after(self, delay: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(delay.as_millis()).unwrap_or(i64::MAX)))
    }

    /// Formats the time as RFC 3339 in UTC; `None` outside of the years -9999 to 9999.
    pub(crate) fn to_rfc3339(self) -> Option<String> {
        let mut text = String::new();
        self.write_rfc3339(&mut text).then_some(text)
    }

    /// Writes the time as RFC 3339 in UTC.
    ///
    /// Returns `false` outside of the years -9999 to 9999.
    pub(crate) fn write_rfc3339(self, out: &mut impl fmt::Write) -> bool {
        const PRINTER: DateTimePrinter = DateTimePrinter::new();
        let time = jiff::Timestamp::from_millisecond(self.0);
        time.is_ok_and(|time| PRINTER.print_timestamp(&time, StdFmtWrite(out)).is_ok())
    }
}

impl From<std::time::SystemTime> for Timestamp {
    fn from(time: std::time::SystemTime) -> Self {
        let millis = match time.duration_since(std::time::UNIX_EPOCH) {
            Ok(after) => i64::try_from(after.as_millis()).unwrap_or(i64::MAX),
            Err(before) => {
                i64::try_from(before.duration().as_millis()).map_or(i64::MIN, |millis| -millis)
            }
        };
        Self(millis)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.to_rfc3339() {
            Some(text) => f.write_str(&text),
            None => write!(f, "{} ms", self.0),
        }
    }
}

/// The unit in which a platform writes a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    /// An ISO 8601 time. A time without an offset is in UTC.
    Iso8601Utc,
    Millis,
    Rfc3339,
    Seconds,
}

impl Unit {
    pub(crate) const WORDS: [(&'static str, Self); 4] = [
        ("iso8601-utc", Self::Iso8601Utc),
        ("ms", Self::Millis),
        ("rfc3339", Self::Rfc3339),
        ("s", Self::Seconds),
    ];

    /// Returns the word for this unit in a definition.
    pub(crate) fn word(self) -> &'static str {
        Self::WORDS.iter().find(|(_, unit)| *unit == self).map_or("", |(word, _)| word)
    }

    /// Returns a noun phrase for a time in this unit, for a message to the operator.
    pub(crate) const fn form(self) -> &'static str {
        match self {
            Self::Iso8601Utc => "a date and a time, such as 2023-12-28T02:44:38",
            Self::Millis => "Unix milliseconds",
            Self::Rfc3339 => "a date and a time with an offset, such as 2023-12-28T02:44:38Z",
            Self::Seconds => "Unix seconds",
        }
    }

    /// Returns `true` if the platform writes a number.
    pub(crate) const fn is_number(self) -> bool {
        matches!(self, Self::Millis | Self::Seconds)
    }

    /// Returns a time as text, in the form that [`Unit::parse`] reads.
    pub(crate) fn write(self, time: Timestamp) -> String {
        match self {
            Self::Iso8601Utc => time.to_string().trim_end_matches('Z').to_owned(),
            Self::Millis => time.as_millis().to_string(),
            Self::Rfc3339 => time.to_string(),
            Self::Seconds => time.as_secs().to_string(),
        }
    }

    /// Parses text that consists of a time in this unit, and of nothing else.
    pub(crate) fn parse(self, text: &str) -> Option<Timestamp> {
        match self {
            Self::Iso8601Utc => rfc3339(text).or_else(|| rfc3339(&format!("{text}Z"))),
            Self::Millis => number(text).map(Timestamp::from_millis),
            Self::Rfc3339 => rfc3339(text),
            Self::Seconds => number(text).map(Timestamp::from_secs),
        }
    }
}

/// Parses a time with an offset or with `Z`.
fn rfc3339(text: &str) -> Option<Timestamp> {
    let time: jiff::Timestamp = text.parse().ok()?;
    Some(Timestamp::from_millis(time.as_millisecond()))
}

/// Parses a decimal integer: digits with an optional minus sign.
///
/// For speed, the loop contains no branch: the loop does not return early, and does not check for
/// overflow. If the number may have overflowed, `str::parse` parses the text again.
pub(crate) fn number(text: &str) -> Option<i64> {
    /// Number of digits up to which every integer fits into an `i64`.
    const SAFE_DIGITS: usize = 18;
    let digits = text.strip_prefix('-').unwrap_or(text);
    let (mut value, mut is_number) = (0_i64, true);
    for byte in digits.bytes() {
        // Bytes below `b'0'` wrap around to values above 9, so one comparison finds every byte that
        // is not a digit.
        let digit = byte.wrapping_sub(b'0');
        is_number &= digit < 10;
        value = value.wrapping_mul(10).wrapping_add(i64::from(digit));
    }
    match digits.len() {
        _ if !is_number => None,
        0 => None,
        1..=SAFE_DIGITS => Some(if digits.len() < text.len() { -value } else { value }),
        _ => text.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_as_rfc_3339() {
        assert_eq!(Timestamp::from_secs(1_703_731_478).to_string(), "2023-12-28T02:44:38Z");
        assert_eq!(
            Timestamp::from_millis(1_670_588_074_971).to_string(),
            "2022-12-09T12:14:34.971Z"
        );
    }

    #[test]
    fn number_is_digits_after_an_optional_minus_sign() {
        assert_eq!(Unit::Seconds.parse("12"), Some(Timestamp::from_secs(12)));
        assert_eq!(Unit::Millis.parse("-12"), Some(Timestamp::from_millis(-12)));
        assert_eq!(number("999999999999999999"), Some(999_999_999_999_999_999));
        assert_eq!(number("-9223372036854775808"), Some(i64::MIN));
        assert_eq!(number("9223372036854775808"), None);
        for wrong in ["", "-", "--1", "+1", " 1", "1 ", "1.0", "1e3", "0x1", "99999999999999999999"]
        {
            assert_eq!(Unit::Seconds.parse(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn time_without_offset_is_in_utc() {
        let unit = Unit::Iso8601Utc;
        let expected = Some(Timestamp::from_millis(1_729_262_573_064));
        for text in [
            "2024-10-18T14:42:53.064834",
            "2024-10-18 14:42:53.064",
            "2024-10-18T14:42:53.064Z",
            "2024-10-18T16:42:53.064+02:00",
        ] {
            assert_eq!(unit.parse(text), expected, "{text}");
        }
        assert_eq!(Unit::Rfc3339.parse("2024-10-18T14:42:53.064834"), None);
        for wrong in ["", "Z", "2024-10-18", "14:42:53", "1729262573", "2024-10-18T14:42:53+99:00"]
        {
            assert_eq!(unit.parse(wrong), None, "{wrong:?}");
        }
        assert_eq!(
            unit.write(Timestamp::from_millis(1_729_262_573_064)),
            "2024-10-18T14:42:53.064"
        );
    }

    #[test]
    fn clamps_seconds_that_are_out_of_range() {
        assert!(Timestamp::from_secs(i64::MAX) > Timestamp::from_secs(0));
        assert!(Timestamp::from_secs(i64::MIN) < Timestamp::from_secs(0));
    }
}
