//! Remedies for a wrong word: the closest known word, or a list of the known words.

/// Returns the word that the operator probably meant by `wrong`; `None` if no word fits.
///
/// If few edits turn `wrong` into one of the words, returns the closest word. Otherwise, returns
/// the first word in alphabetical order that starts with `wrong`. Ignores case, and treats `-` and
/// `_` as equal. Two neighbouring characters in the wrong order count as one edit.
///
/// # Examples
///
/// ```
/// let kinds = ["push", "interruption"];
/// assert_eq!(gatepost::closest("psuh", kinds), Some("push"));
/// assert_eq!(gatepost::closest("inter", kinds), Some("interruption"));
/// assert_eq!(gatepost::closest("recording", kinds), None);
/// ```
#[must_use]
pub fn closest<'w>(wrong: &str, words: impl IntoIterator<Item = &'w str>) -> Option<&'w str> {
    let plain = |word: &str| word.to_lowercase().replace('-', "_");
    let wrong = plain(wrong);
    let mut words: Vec<_> = words.into_iter().collect();
    words.sort_unstable();
    let distances = words.iter().map(|word| (strsim::osa_distance(&wrong, &plain(word)), *word));
    // Permits one edit in a short word, and one edit for every three letters of a longer word.
    let close = distances.min().filter(|(distance, word)| *distance <= 1.max(word.len() / 3));
    // Two letters are the start of too many words.
    let starts = |word: &&&str| wrong.len() > 2 && plain(word).starts_with(&wrong);
    close.map(|(_, word)| word).or_else(|| words.iter().find(starts).copied())
}

/// Formats a remedy that lists the allowed words. Suggests a word that is close to `wrong`.
///
/// `noun` is a noun for one such word, such as `key`.
pub(crate) fn allowed<'w>(noun: &str, wrong: &str, words: impl Iterator<Item = &'w str>) -> String {
    let mut words: Vec<_> = words.collect();
    if words.is_empty() {
        return format!("add this {noun}, or remove the key");
    }
    words.sort_unstable();
    words.dedup();
    let suggestion = closest(wrong, words.iter().copied())
        .map(|word| format!("did you mean `{word}`? "))
        .unwrap_or_default();
    format!("{suggestion}use one of these {noun}s: {}", list(&words))
}

/// Formats words as a list of at most 8 words in backticks.
pub(crate) fn list(words: &[&str]) -> String {
    const MAX_WORDS: usize = 8;
    let shown: Vec<_> = words.iter().take(MAX_WORDS).map(|word| format!("`{word}`")).collect();
    let more = match words.len().saturating_sub(MAX_WORDS) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    shown.join(", ") + &more
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suggests_only_a_word_close_to_the_wrong_word() {
        let words = || ["upstream", "listen", "admin"].into_iter();
        assert!(allowed("key", "upstraem", words()).starts_with("did you mean `upstream`?"));
        assert!(allowed("key", "zebra", words()).starts_with("use one of these keys"));
    }

    #[test]
    fn lists_at_most_eight_words() {
        let words = ["1", "2", "3", "4", "5", "6", "7", "8", "9"];
        assert_eq!(list(&words[..2]), "`1`, `2`");
        assert!(list(&words[..8]).ends_with(", `8`"));
        assert!(list(&words).ends_with(", `8` and 1 more"));
        let none = allowed("template", "x", std::iter::empty());
        assert_eq!(none, "add this template, or remove the key");
    }
}
