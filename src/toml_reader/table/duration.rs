//! Durations: a whole number under a key that names the unit, or a string such as `"5s"`.

use std::ops::RangeInclusive;
use std::time::Duration;

use toml::de::DeValue;

use super::item::with_article;
use super::{FaultKind, Table};

impl<'d> Table<'d> {
    /// Reads a duration in the unit at the end of `key`: `_ms` or `_secs`.
    ///
    /// The operator may also write the key without the unit, with a string such as `"5s"`.
    pub(crate) fn duration(&self, key: &'d str, range: RangeInclusive<i64>) -> Option<i64> {
        let (plain, millis) = duration_key(key);
        let plain_text = self.raw(plain);
        let Some((value, place)) = plain_text else {
            return self.whole_duration(key, plain, range);
        };
        if self.has(key) {
            self.read_keys.borrow_mut().push(key);
            let problem = format!("expected `{plain}` or `{key}`, found both");
            let problem = FaultKind::KeyUnused.because(problem);
            self.faults.add(&place, problem, "remove one of the two keys");
            return None;
        }
        self.read_keys.borrow_mut().push(key);
        let text = match self.variable(value, &place) {
            Some(found) => Some(found?.value.trim()),
            None => value.as_str(),
        };
        let parsed = text.map(|text| parse_duration(text, millis));
        // Any other text may be a secret under the wrong key.
        if matches!(parsed, Some(Ok(_))) {
            self.faults.show(&place);
        }
        let mut remedy = format!("write, for example, {plain} = \"5s\"");
        let number = match parsed {
            Some(Ok(number)) if range.contains(&number) => return Some(number),
            Some(Ok(_)) => {
                let limit = |number: &i64| Duration::from_millis(number.unsigned_abs() * millis);
                let (least, most) = (limit(range.start()), limit(range.end()));
                let wanted = format!("a duration from {least:?} to {most:?}");
                remedy = format!("write {wanted}");
                FaultKind::NumberOutOfRange
                    .because(format!("expected {wanted}, found another duration"))
            }
            Some(Err(found)) => FaultKind::ValueInvalid
                .because(format!("expected a duration with a unit, found {found}")),
            None => {
                let found = with_article(value);
                let problem = format!("expected a duration in quotes, found {found}");
                FaultKind::TypeMismatch.because(problem)
            }
        };
        self.faults.add(&place, number, remedy);
        None
    }

    /// Reads a duration as a whole number in the unit of the key.
    fn whole_duration(&self, key: &'d str, plain: &str, range: RangeInclusive<i64>) -> Option<i64> {
        let Some((value @ DeValue::String(_), place)) = self.raw(key) else {
            return self.integer(key, range);
        };
        let problem = format!("expected a whole number, found {}", with_article(value));
        let remedy = format!("write a whole number, or use the key {plain} = \"5s\"");
        self.faults.add(&place, FaultKind::TypeMismatch.because(problem), remedy);
        None
    }
}

/// Splits the unit from the key of a duration. Returns the key without the unit, and the length of
/// the unit in milliseconds. A key without a unit has the unit 1 s.
pub(crate) fn duration_key(key: &str) -> (&str, u64) {
    match (key.strip_suffix("_ms"), key.strip_suffix("_secs")) {
        (Some(plain), _) => (plain, 1),
        (None, Some(plain)) => (plain, 1000),
        (None, None) => (key, 1000),
    }
}

/// Parses a string such as `5s`, `1500ms` or `1h 30m`. Returns a whole number of units.
///
/// # Errors
///
/// If the text is not a duration in this format, returns the description that follows `found` in
/// the fault.
fn parse_duration(text: &str, unit_millis: u64) -> Result<i64, &'static str> {
    let has_unit = text.contains(|c: char| c.is_ascii_alphabetic());
    if !has_unit {
        return Err("no unit");
    }
    let duration: jiff::SignedDuration = text.parse().map_err(|_| "no duration")?;
    let millis = i64::try_from(duration.as_millis()).map_err(|_| "a very long duration")?;
    let unit = i64::try_from(unit_millis).unwrap_or(i64::MAX);
    if millis % unit == 0 { Ok(millis / unit) } else { Err("a fraction of a second") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::toml_reader::read;

    #[test]
    fn reads_duration_with_or_without_unit_in_key() {
        let read = |text: &str| {
            read(text, FaultKind::ValueInvalid, |table, _| {
                let read =
                    (table.duration("wait_ms", 1..=5000), table.duration("age_secs", 0..=60));
                table.finish();
                Some(read)
            })
            .map(|(read, _)| read)
            .map_err(|faults| faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))
        };
        assert_eq!(read("wait_ms = 1500\nage_secs = 5"), Ok((Some(1500), Some(5))));
        assert_eq!(read("wait = '1500ms'\nage = '1m'"), Ok((Some(1500), Some(60))));
        assert_eq!(read("wait = '1s 500ms'"), Ok((Some(1500), None)));
        for (text, expected) in [
            ("wait = '6s'", "expected a duration from 1ms to 5s, found another duration"),
            ("wait = '-1s'", "expected a duration from 1ms to 5s"),
            ("wait = '5'", "expected a duration with a unit, found no unit"),
            ("wait = 'soon'", "expected a duration with a unit, found no duration"),
            ("age = '1500ms'", "found a fraction of a second"),
            (
                "wait = 5",
                "expected a duration in quotes, found a whole number; write, for example, wait = \"5s\"",
            ),
            (
                "wait_ms = '5s'",
                "expected a whole number, found a string; write a whole number, or use the key wait =",
            ),
            ("wait = '1s'\nwait_ms = 1", "expected `wait` or `wait_ms`, found both"),
            ("wait_s = 1", "did you mean `wait_ms`?"),
        ] {
            let faults = read(text).unwrap_err();
            let is_expected = faults.contains(expected) && faults.lines().count() == 1;
            assert!(is_expected, "expected one fault with {expected:?} for {text}, found {faults}");
        }
    }
}
