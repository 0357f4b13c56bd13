//! Filters for the askama templates of the pages.

use std::fmt::Display;

use askama::{Result, Values, filter_fn};

use crate::clock::now;

/// Returns the date and the time of day in a timestamp such as `2026-11-29T01:02:03.456Z`, up to
/// the second, for example `2026-11-29 01:02:03 UTC`.
#[filter_fn]
pub(super) fn utc(time: &str, _: &dyn Values) -> Result<String> {
    let [date, clock, _] = parts(time);
    Ok(format!("{date} {clock} UTC"))
}

/// Returns the date in a timestamp such as `2026-11-29T01:02:03.456Z`.
#[filter_fn]
pub(super) fn date(time: &str, _: &dyn Values) -> Result<String> {
    let [date, ..] = parts(time);
    Ok(date)
}

/// Returns the time of day in a timestamp such as `2026-11-29T01:02:03.456Z`, up to the second.
#[filter_fn]
pub(super) fn clock(time: &str, _: &dyn Values) -> Result<String> {
    let [_, clock, _] = parts(time);
    Ok(clock)
}

/// Returns the fraction of a second in a timestamp, such as `.456`.
#[filter_fn]
pub(super) fn millis(time: &str, _: &dyn Values) -> Result<String> {
    let [_, _, millis] = parts(time);
    Ok(millis)
}

/// Returns true if the date of a timestamp is the current date in UTC.
#[filter_fn]
pub(super) fn is_today(time: &str, _: &dyn Values) -> Result<bool> {
    let today = jiff::Timestamp::from_second(now().as_secs());
    Ok(today.is_ok_and(|today| parts(&today.to_string())[0] == parts(time)[0]))
}

/// Returns the date, the time of day, and the fraction of a second with at least three digits, so
/// that the times of a list align.
fn parts(time: &str) -> [String; 3] {
    let (date, clock) = time.split_once('T').unwrap_or(("", time));
    let clock = clock.trim_end_matches('Z');
    let (seconds, fraction) = clock.split_once('.').unwrap_or((clock, ""));
    [date.to_owned(), seconds.to_owned(), format!(".{fraction:0<3}")]
}

/// Writes a number as [`with_commas`] does.
#[filter_fn]
pub(super) fn grouped<T: Display>(number: T, _: &dyn Values) -> Result<String> {
    Ok(with_commas(number))
}

/// Writes a number with a comma between each three digits.
pub(super) fn with_commas(number: impl Display) -> String {
    let digits = number.to_string();
    let mut written = String::new();
    for (at, digit) in digits.char_indices() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            written.push(',');
        }
        written.push(digit);
    }
    written
}

/// Indents a JSON object or array. Returns any other text unchanged.
#[filter_fn]
pub(super) fn indented(text: &str, _: &dyn Values) -> Result<String> {
    Ok(indent(text).unwrap_or_else(|| text.to_owned()))
}

/// Indents a JSON object or array; `None` for any other text. Changes only the space between the
/// tokens, because the operator must see numbers, escapes and duplicate names as received.
fn indent(text: &str) -> Option<String> {
    let text = text.trim();
    if !text.starts_with(['{', '[']) || serde_json::from_str::<serde::de::IgnoredAny>(text).is_err()
    {
        return None;
    }
    let (mut written, mut depth) = (String::with_capacity(text.len() * 2), 0_usize);
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '"' => {
                written.push(c);
                copy_string(&mut rest, &mut written);
            }
            '{' | '[' => {
                written.push(c);
                while rest.next_if(|c| c.is_ascii_whitespace()).is_some() {}
                match rest.next_if(|c| matches!(c, '}' | ']')) {
                    Some(end) => written.push(end),
                    None => {
                        depth += 1;
                        line(&mut written, depth);
                    }
                }
            }
            '}' | ']' => {
                depth = depth.saturating_sub(1);
                line(&mut written, depth);
                written.push(c);
            }
            ',' => {
                written.push(c);
                line(&mut written, depth);
            }
            ':' => written.push_str(": "),
            c if c.is_ascii_whitespace() => {}
            c => written.push(c),
        }
    }
    Some(written)
}

/// Copies the rest of a string, with its final quote.
fn copy_string(from: &mut impl Iterator<Item = char>, to: &mut String) {
    while let Some(c) = from.next() {
        to.push(c);
        match c {
            '"' => return,
            '\\' => to.extend(from.next()),
            _ => {}
        }
    }
}

fn line(written: &mut String, depth: usize) {
    written.push('\n');
    // Without this limit, the text of deeply nested JSON consists mostly of spaces.
    written.extend(std::iter::repeat_n("  ", depth.min(16)));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pads_fraction_of_second_to_three_digits() {
        for (time, millis) in [
            ("2026-11-30T07:26:35Z", ".000"),
            ("2026-11-30T07:26:35.59Z", ".590"),
            ("2026-11-30T07:26:35.702Z", ".702"),
        ] {
            assert_eq!(parts(time), ["2026-11-30", "07:26:35", millis]);
        }
    }

    #[test]
    fn indents_json_and_keeps_each_token() {
        let text = r#"{"a":1.50,"a":[ ],"b":[1,{"c":"x, \"}{y"}]}"#;
        let expected = "{\n  \"a\": 1.50,\n  \"a\": [],\n  \"b\": [\n    1,\n    {\n      \"c\": \"x, \\\"}{y\"\n    }\n  ]\n}";
        assert_eq!(indent(text).as_deref(), Some(expected));
        for other in ["", "a=1&b=2", "{\"a\":", "12"] {
            assert_eq!(indent(other), None, "{other}");
        }
    }
}
