//! Comments that remain after the editor removes the key or the table below them.

use toml_edit::{DocumentMut, Item, RawString, Table};

/// Comments from above a removed key or table, for [`adopt`] to insert elsewhere in the file.
#[derive(Debug, Default)]
pub(crate) struct DetachedComment {
    /// Position of the removed table, or of the table that contained the removed key, as toml_edit
    /// counts tables. `None` if that table has no header.
    pub(crate) after: Option<isize>,
    pub(crate) text: String,
}

/// Returns the comments and the white space in `raw`. Returns an empty string for `None`.
pub(crate) fn text(raw: Option<&RawString>) -> &str {
    raw.and_then(RawString::as_str).unwrap_or_default()
}

/// Returns the comments that remain after the removal of a key or table: those above the last blank
/// line in `above`, which is the text above that key or table. Omits the comments directly above
/// the key or table.
pub(crate) fn kept(above: &str) -> &str {
    let (mut start, mut cut) = (0, 0);
    for line in above.split_inclusive('\n').filter(|line| line.ends_with('\n')) {
        if line.trim().is_empty() {
            cut = start;
        }
        start += line.len();
    }
    let kept = above.get(..cut).unwrap_or_default();
    if kept.contains('#') { kept } else { "" }
}

/// Joins the comments in `kept` and the text below, with a blank line between the two.
pub(crate) fn join(kept: &str, below: &str) -> String {
    let parted = kept.is_empty() || below.starts_with('\n');
    format!("{kept}{}{below}", if parted { "" } else { "\n" })
}

/// Inserts the comments above the first table header after `leftover.after`. If no header follows,
/// inserts the comments at the end of the file.
pub(crate) fn adopt(document: &mut DocumentMut, leftover: &DetachedComment) {
    if leftover.text.is_empty() {
        return;
    }
    let mut next = None;
    next_position(document.as_table(), leftover.after.unwrap_or_default(), &mut next);
    match next.and_then(|position| table_at(document.as_table_mut(), position)) {
        Some(table) => {
            let joined = join(&leftover.text, text(table.decor().prefix()));
            table.decor_mut().set_prefix(joined);
        }
        None => {
            let end = text(Some(document.trailing()));
            let joined =
                if end.is_empty() { leftover.text.clone() } else { join(&leftover.text, end) };
            document.set_trailing(joined);
        }
    }
}

fn next_position(table: &Table, after: isize, next: &mut Option<isize>) {
    for (_, item) in table {
        for table in tables(item) {
            let position = table.position().filter(|position| *position > after);
            if let Some(position) = position {
                *next = Some(next.map_or(position, |next: isize| next.min(position)));
            }
            next_position(table, after, next);
        }
    }
}

fn tables(item: &Item) -> impl Iterator<Item = &Table> {
    item.as_table().into_iter().chain(item.as_array_of_tables().into_iter().flatten())
}

fn table_at(table: &mut Table, position: isize) -> Option<&mut Table> {
    if table.position() == Some(position) {
        return Some(table);
    }
    table.iter_mut().find_map(|(_, item)| {
        if item.is_table() {
            return table_at(item.as_table_mut()?, position);
        }
        item.as_array_of_tables_mut()?.iter_mut().find_map(|table| table_at(table, position))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_comments_above_a_blank_line() {
        for (above, expected) in [
            ("", ""),
            ("\n", ""),
            ("# its own\n", ""),
            ("\n# its own\n", ""),
            ("# of all\n\n# its own\n", "# of all\n"),
            ("\n# of all\n\n# its own\n  ", "\n# of all\n"),
            ("# of all\n\n", "# of all\n"),
            ("# a\n\n# b\n\n# its own\n", "# a\n\n# b\n"),
        ] {
            assert_eq!(kept(above), expected, "{above:?}");
        }
    }

    #[test]
    fn separates_joined_comments_with_one_blank_line() {
        assert_eq!(join("# a\n", "# b\n"), "# a\n\n# b\n");
        assert_eq!(join("# a\n", "\n# b\n"), "# a\n\n# b\n");
        assert_eq!(join("", "# b\n"), "# b\n");
    }
}
