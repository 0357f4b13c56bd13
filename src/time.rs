//! A point in time, as an argument.
//!
//! The core never reads a clock: the door that received the request says what time it is.

use std::fmt;
use std::time::Duration;

use jiff::fmt::StdFmtWrite;
use jiff::fmt::temporal::DateTimePrinter;

/// Milliseconds since 1970-01-01T00:00:00Z, leap seconds not counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// From Unix seconds; values that do not fit are clamped to the ends of the range.
    #[must_use]
    pub const fn from_secs(secs: i64) -> Self {
        Self(secs.saturating_mul(1000))
    }

    /// From Unix milliseconds.
    #[must_use]
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// Unix milliseconds.
    #[must_use]
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// Unix seconds, rounded down.
    #[must_use]
    pub const fn as_secs(self) -> i64 {
        self.0.div_euclid(1000)
    }

    pub(crate) fn after(self, time: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(time.as_millis()).unwrap_or(i64::MAX)))
    }

    /// The RFC 3339 form in UTC, or `None` outside the years -9999 to 9999.
    pub(crate) fn to_rfc3339(self) -> Option<String> {
        let mut text = String::new();
        self.write_rfc3339(&mut text).then_some(text)
    }

    /// Writes that form; tells whether there is one.
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
    Millis,
    Rfc3339,
    Seconds,
}

impl Unit {
    pub(crate) const WORDS: [(&'static str, Self); 3] =
        [("ms", Self::Millis), ("rfc3339", Self::Rfc3339), ("s", Self::Seconds)];

    /// Writes a time as it is read.
    pub(crate) fn write(self, time: Timestamp) -> String {
        match self {
            Self::Millis => time.as_millis().to_string(),
            Self::Rfc3339 => time.to_string(),
            Self::Seconds => time.as_secs().to_string(),
        }
    }

    /// Reads decimal digits, or an RFC 3339 time, with nothing around them.
    pub(crate) fn parse(self, text: &str) -> Option<Timestamp> {
        if self == Self::Rfc3339 {
            let time: jiff::Timestamp = text.parse().ok()?;
            return Some(Timestamp::from_millis(time.as_millisecond()));
        }
        let number = number(text)?;
        Some(match self {
            Self::Millis | Self::Rfc3339 => Timestamp::from_millis(number),
            Self::Seconds => Timestamp::from_secs(number),
        })
    }
}

/// A number of digits alone, with a minus sign or without.
pub(crate) fn number(text: &str) -> Option<i64> {
    /// So many cannot be too large.
    const SURE_DIGITS: usize = 18;
    let digits = text.strip_prefix('-').unwrap_or(text);
    let (mut value, mut is_number) = (0_i64, true);
    for byte in digits.bytes() {
        let digit = byte.wrapping_sub(b'0');
        is_number &= digit < 10;
        value = value.wrapping_mul(10).wrapping_add(i64::from(digit));
    }
    match digits.len() {
        _ if !is_number => None,
        0 => None,
        1..=SURE_DIGITS => Some(if digits.len() < text.len() { -value } else { value }),
        _ => text.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_rfc_3339() {
        assert_eq!(Timestamp::from_secs(1_703_731_478).to_string(), "2023-12-28T02:44:38Z");
        assert_eq!(
            Timestamp::from_millis(1_670_588_074_971).to_string(),
            "2022-12-09T12:14:34.971Z"
        );
    }

    #[test]
    fn reads_digits_and_nothing_else() {
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
    fn far_times_do_not_wrap() {
        assert!(Timestamp::from_secs(i64::MAX) > Timestamp::from_secs(0));
        assert!(Timestamp::from_secs(i64::MIN) < Timestamp::from_secs(0));
    }
}
