//! Edits of TOML arrays that keep line breaks and the comment after each value.
//!
//! toml_edit stores the text between two values, such as comments, in the second value. toml_edit
//! stores the text after the last value in that value or in the array. This module therefore
//! separates the comment on the line of a value from the comments on the lines below.

use toml_edit::{Array, Value};

use crate::toml_comments::text;

/// Appends a value. If a line break follows the last value, puts the new value on a new line.
pub(crate) fn push(array: &mut Array, mut value: Value) {
    let end = take_end(array);
    let (comment, rest) = split(&end);
    let (prefix, after) = match (rest, array.len()) {
        (Some(rest), _) => (format!("{comment}\n{}", indent(array)), rest),
        (None, 0) => (String::new(), ""),
        (None, _) => (" ".to_owned(), &*end),
    };
    *value.decor_mut() = toml_edit::Decor::new(prefix, "");
    array.push_formatted(value);
    put_end(array, after);
}

/// Removes a value and its comments. The previous value keeps its own comments.
pub(crate) fn remove(array: &mut Array, index: usize) {
    let Some(value) = array.get(index) else { return };
    let before = text(value.decor().prefix()).to_owned();
    if index + 1 == array.len() {
        let end = take_end(array);
        array.remove(index);
        let joined = merge(&before, &end).unwrap_or(end);
        put_end(array, &joined);
        return;
    }
    array.remove(index);
    if let Some(next) = array.get_mut(index) {
        let own = text(next.decor().prefix()).to_owned();
        let joined = merge(&before, &own).unwrap_or(before);
        next.decor_mut().set_prefix(joined);
    }
}

/// Removes every value for which `matches` returns `true`.
pub(crate) fn remove_where(array: &mut Array, matches: impl Fn(&Value) -> bool) {
    for index in (0..array.len()).rev() {
        if array.get(index).is_some_and(&matches) {
            remove(array, index);
        }
    }
}

/// Joins the text `before` and the text `after` a removed value, without the comments of that
/// value. Returns `None` if no line break follows the value.
fn merge(before: &str, after: &str) -> Option<String> {
    let (_, rest) = split(after);
    let (comment, _) = split(before);
    Some(format!("{}{}", comment.trim_end(), rest?))
}

/// Splits `between` at its first line break into the comment on the first line and the other lines.
/// If `between` has no line break, returns `None` for the other lines.
fn split(between: &str) -> (&str, Option<&str>) {
    match between.find('\n') {
        Some(at) => {
            let (comment, rest) = between.split_at(at);
            (comment, Some(rest))
        }
        None => (between, None),
    }
}

/// Returns the text between the last value and the closing bracket, for [`put_end`] to write back.
fn take_end(array: &mut Array) -> String {
    if array.trailing_comma() || array.is_empty() {
        return text(Some(array.trailing())).to_owned();
    }
    let last = array.len() - 1;
    let Some(value) = array.get_mut(last) else { return String::new() };
    let end = text(value.decor().suffix()).to_owned();
    value.decor_mut().set_suffix("");
    end
}

fn put_end(array: &mut Array, end: &str) {
    if array.trailing_comma() || array.is_empty() {
        array.set_trailing(end);
        return;
    }
    let last = array.len() - 1;
    if let Some(value) = array.get_mut(last) {
        value.decor_mut().set_suffix(end);
    }
}

/// Returns the indentation of the first value; two spaces if no line break precedes that value.
fn indent(array: &Array) -> String {
    let first = array.get(0).map_or("", |value| text(value.decor().prefix()));
    match first.rfind('\n') {
        Some(at) => first[at + 1..].to_owned(),
        None => "  ".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use toml_edit::DocumentMut;

    use super::*;

    fn edited(list: &str, edit: impl Fn(&mut Array)) -> String {
        let mut document: DocumentMut = format!("a = {list}\n").parse().unwrap();
        edit(document["a"].as_array_mut().unwrap());
        let text = document.to_string();
        let parsed: DocumentMut = text.parse().unwrap();
        assert_eq!(parsed.to_string(), text);
        text.strip_prefix("a = ").unwrap().trim_end().to_owned()
    }

    #[test]
    fn push_keeps_formatting_of_array() {
        for (list, expected) in [
            ("[]", "['n']"),
            ("['a']", "['a', 'n']"),
            ("[ 'a' ]", "[ 'a', 'n' ]"),
            ("['a', ]", "['a', 'n', ]"),
            ("[\n  'a',\n]", "[\n  'a',\n  'n',\n]"),
            ("[\n  'a'\n]", "[\n  'a',\n  'n'\n]"),
            ("[\n  'a', # one\n  'b', # two\n]", "[\n  'a', # one\n  'b', # two\n  'n',\n]"),
            ("[\n  'a' # one\n]", "[\n  'a', # one\n  'n'\n]"),
            ("[\n  'a',\n  # end\n]", "[\n  'a',\n  'n',\n  # end\n]"),
        ] {
            let push = |array: &mut Array| push(array, "'n'".parse().unwrap());
            assert_eq!(edited(list, push), expected, "{list}");
        }
    }

    #[test]
    fn remove_also_removes_comments_of_value() {
        for (list, index, expected) in [
            ("['a']", 0, "[]"),
            ("[ 'a' ]", 0, "[ ]"),
            ("['a', 'b']", 0, "['b']"),
            ("['a', 'b']", 1, "['a']"),
            ("[ 'a', 'b' ]", 1, "[ 'a' ]"),
            ("['a', 'b', 'c']", 1, "['a', 'c']"),
            ("[\n  'a', # one\n  'b', # two\n]", 0, "[\n  'b', # two\n]"),
            ("[\n  'a', # one\n  'b', # two\n]", 1, "[\n  'a', # one\n]"),
            ("[\n  'a', # one\n  # on b\n  'b', # two\n  'c',\n]", 1, "[\n  'a', # one\n  'c',\n]"),
            ("[\n  'a', # one\n  'b' # two\n]", 1, "[\n  'a' # one\n]"),
        ] {
            let remove = |array: &mut Array| remove(array, index);
            assert_eq!(edited(list, remove), expected, "{list} {index}");
        }
    }
}
