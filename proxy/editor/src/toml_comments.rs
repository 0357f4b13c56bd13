//! Comments that the editor keeps when it removes the entry below them.

use toml_edit::{DocumentMut, Item, RawString, Table};

/// Comments to keep from above a removed entry.
#[derive(Debug, Default)]
pub(crate) struct DetachedComment {
    /// Position of the removed header, or of the header above the removed entry; `None` if the
    /// entry belongs to a table without a header.
    pub(crate) after: Option<isize>,
    pub(crate) text: String,
}

/// Returns the text of a decoration; empty if the item has no decoration.
pub(crate) fn text(raw: Option<&RawString>) -> &str {
    raw.and_then(RawString::as_str).unwrap_or_default()
}

/// Returns the comments that a blank line separates from the entry below.
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

/// Joins kept comments with the text below them, with a blank line between.
pub(crate) fn join(kept: &str, below: &str) -> String {
    let parted = kept.is_empty() || below.starts_with('\n');
    format!("{kept}{}{below}", if parted { "" } else { "\n" })
}

/// Inserts kept comments above the next header, or at the end of the file if no header follows.
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
    fn joins_comments_with_one_blank_line_between() {
        assert_eq!(join("# a\n", "# b\n"), "# a\n\n# b\n");
        assert_eq!(join("# a\n", "\n# b\n"), "# a\n\n# b\n");
        assert_eq!(join("", "# b\n"), "# b\n");
    }
}
