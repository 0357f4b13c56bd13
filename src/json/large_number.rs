//! Numbers beyond the range of an `f64`. JSON allows these numbers, but `serde_json` rejects them.

/// Returns the text with a string in place of each number beyond the range of an `f64`. The string
/// contains the number as written.
///
/// `text` must be valid JSON.
pub(crate) fn quote_large_numbers(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len());
    let mut rest = text;
    let starts_token = |char: char| matches!(char, '"' | '-' | '0'..='9');
    while let Some((before, token)) = rest.find(starts_token).map(|start| rest.split_at(start)) {
        let is_string = token.starts_with('"');
        let length = if is_string { string_length(token) } else { number_length(token) };
        let (token, after) = token.split_at(length);
        let is_large = !is_string && token.parse::<f64>().is_ok_and(f64::is_infinite);
        let quote = if is_large { "\"" } else { "" };
        quoted.extend([before, quote, token, quote]);
        rest = after;
    }
    quoted + rest
}

/// Returns the length of the string at the start of `text`, including both quotes.
fn string_length(text: &str) -> usize {
    // True at first, because the opening quote does not end the string.
    let mut is_escaped = true;
    let ends = |byte| {
        let was_escaped = std::mem::replace(&mut is_escaped, false);
        is_escaped = byte == b'\\' && !was_escaped;
        byte == b'"' && !was_escaped
    };
    text.bytes().position(ends).map_or(text.len(), |last| last + 1)
}

fn number_length(text: &str) -> usize {
    text.find(|char| !matches!(char, '+' | '-' | '.' | '0'..='9' | 'E' | 'e')).unwrap_or(text.len())
}

#[cfg(test)]
mod tests {
    use super::quote_large_numbers;

    #[test]
    fn quotes_only_numbers_beyond_range_of_f64() {
        for same in [r#"{}"#, r#"{"a":[1,-2.5e3,1e308,1e-999],"1e400":"1e400 \" 1e400 \\"}"#] {
            assert_eq!(quote_large_numbers(same), same);
        }
        for (text, expected) in [
            (r#"{"a":1e400}"#, r#"{"a":"1e400"}"#),
            (r#"{"a\\":[-1E+400,1]}"#, r#"{"a\\":["-1E+400",1]}"#),
            (r#"{"a\"":1e400,"ü":1e400 }"#, r#"{"a\"":"1e400","ü":"1e400" }"#),
        ] {
            assert_eq!(quote_large_numbers(text), expected);
        }
    }
}
