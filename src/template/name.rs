//! Rules for the name and the description of a template.

/// Checks the name of a template.
///
/// # Errors
///
/// Returns the problem if the name is empty, is longer than 30 characters, or contains a character
/// for which [`is_template_character`] returns `false`.
pub(crate) fn check_name(name: &str) -> Result<(), String> {
    const MAX_CHARS: usize = 30;
    if name.is_empty() {
        return Err("expected a name, found an empty string".into());
    }
    let count = name.chars().count();
    if count > MAX_CHARS {
        return Err(format!("expected at most {MAX_CHARS} characters, found {count}"));
    }
    match name.chars().find(|c| !is_template_character(*c)) {
        Some(unfit) => Err(format!("expected only allowed characters, found {unfit:?}")),
        None => Ok(()),
    }
}

/// Returns `true` for the characters of a template's name: Chinese characters, ASCII letters,
/// digits, `_` and `-`. gatepost accepts any character in the description of a template, but the
/// consoles of some platforms accept only these characters in a description.
#[must_use]
pub const fn is_template_character(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '-') || is_chinese(c)
}

/// Returns `true` for an ideograph of the CJK blocks of Unicode.
const fn is_chinese(c: char) -> bool {
    matches!(c,
        '\u{3007}'
        | '\u{3400}'..='\u{4DBF}'
        | '\u{4E00}'..='\u{9FFF}'
        | '\u{F900}'..='\u{FAFF}'
        | '\u{20000}'..='\u{323AF}')
}

/// Checks the description of a template.
///
/// # Errors
///
/// Returns the problem if the description has more than 100 characters.
pub(crate) fn check_description(description: &str) -> Result<(), String> {
    const MAX_CHARS: usize = 100;
    let count = description.chars().count();
    if count > MAX_CHARS {
        return Err(format!("expected at most {MAX_CHARS} characters, found {count}"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_names_of_up_to_thirty_allowed_characters() {
        for name in ["a", "paid-channels", "直播_1", &"播".repeat(30), &"x".repeat(30)] {
            assert_eq!(check_name(name), Ok(()), "{name}");
        }
        for name in ["", &"播".repeat(31), "a b", "a.b", "a/b", "라이브", "é", "a\n"] {
            assert!(check_name(name).is_err(), "expected an error, found none for {name}");
        }
    }

    #[test]
    fn accepts_descriptions_of_up_to_a_hundred_characters() {
        assert_eq!(check_description(&"播".repeat(100)), Ok(()));
        assert!(check_description(&"x".repeat(101)).is_err());
    }
}
