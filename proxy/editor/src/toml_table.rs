//! Edits of TOML tables that keep the formatting of unchanged entries.

use toml_edit::{Array, Decor, InlineTable, Item, Table, TableLike, Value};

use crate::error::EditError;
use crate::toml_comments::{DetachedComment, join, kept, text};

/// A table whose entries the editor reads and changes.
pub(crate) enum TableEntries<'d> {
    /// Table in braces: `{ key = value }`.
    Inline(&'d mut InlineTable),
    /// Table under a header (`[table]`), or with dotted keys (`table.key = value`).
    Table(&'d mut Table),
}

impl<'d> TableEntries<'d> {
    /// Returns the entries of the table `item`. Returns `None` if `item` is not a table. Also
    /// returns `None` for a table in braces over several lines, because an edit moves the comments
    /// in such a table to other values.
    pub(crate) fn of(item: &'d mut Item) -> Option<Self> {
        if item.is_table() {
            return item.as_table_mut().map(Self::Table);
        }
        let table = item.as_inline_table_mut()?;
        (!table.to_string().trim_end().contains('\n')).then_some(Self::Inline(table))
    }

    fn any(&self) -> &dyn TableLike {
        match self {
            Self::Inline(table) => *table,
            Self::Table(table) => *table,
        }
    }

    fn any_mut(&mut self) -> &mut dyn TableLike {
        match self {
            Self::Inline(table) => *table,
            Self::Table(table) => *table,
        }
    }

    pub(crate) fn get(&self, key: &str) -> Option<&Item> {
        self.any().get(key)
    }

    pub(crate) fn get_mut(&mut self, key: &str) -> Option<&mut Item> {
        self.any_mut().get_mut(key)
    }

    /// Returns the names of the entries.
    pub(crate) fn names(&self) -> Vec<&str> {
        self.any().iter().map(|(name, _)| name).collect()
    }

    /// Sets the value of a key. The new value takes the position and the comments of the old value.
    /// A new key becomes the last entry.
    pub(crate) fn set(&mut self, key: &str, mut value: Value) {
        if let Some(Item::Value(old)) = self.get_mut(key) {
            *value.decor_mut() = old.decor().clone();
            *old = value;
            return;
        }
        match self {
            Self::Inline(table) => {
                let end = take_end(table);
                *value.decor_mut() = Decor::new(" ", end.unwrap_or_else(|| " ".to_owned()));
                table.insert(key, value);
            }
            Self::Table(table) => {
                // Remove the key first, to also remove the comments of a table under a header.
                table.remove(key);
                table.insert(key, Item::Value(value));
            }
        }
    }

    /// Returns the table of this key. If the key is missing, adds an empty table. Returns `None` if
    /// [`Self::of`] returns `None` for the value of the key.
    pub(crate) fn table(&mut self, key: &str) -> Option<TableEntries<'_>> {
        if self.get(key).is_none() {
            match self {
                Self::Inline(_) => self.set(key, Value::InlineTable(InlineTable::new())),
                Self::Table(table) => drop(table.insert(key, Item::Table(Table::new()))),
            }
        }
        self.get_mut(key).and_then(TableEntries::of)
    }

    /// Removes an entry and its own comments. If possible, moves the comments above a blank line to
    /// the next entry. Otherwise, returns these comments for the caller to insert elsewhere.
    /// Returns `None` if the key is missing.
    pub(crate) fn remove(&mut self, key: &str) -> Option<DetachedComment> {
        match self {
            Self::Inline(table) => remove_inline(table, key),
            Self::Table(table) => remove(table, key),
        }
    }
}

fn remove(table: &mut Table, key: &str) -> Option<DetachedComment> {
    let after = || table.iter().skip_while(|(name, _)| *name != key).skip(1);
    let next = after().find(|(_, item)| item.is_value()).map(|(name, _)| name.to_owned());
    let own = table.position();
    let (name, item) = table.remove_entry(key)?;
    if let Some(header) = item.as_table().filter(|table| !table.is_dotted()) {
        let text = kept(text(header.decor().prefix())).to_owned();
        return Some(DetachedComment { after: header.position(), text });
    }
    let left = kept(text(name.leaf_decor().prefix())).to_owned();
    let Some(mut next) = next.and_then(|next| table.key_mut(&next)) else {
        return Some(DetachedComment { after: own, text: left });
    };
    let joined = join(&left, text(next.leaf_decor().prefix()));
    next.leaf_decor_mut().set_prefix(joined);
    Some(DetachedComment::default())
}

fn remove_inline(table: &mut InlineTable, key: &str) -> Option<DetachedComment> {
    let is_last = table.iter().last().is_some_and(|(name, _)| name == key);
    let end = if is_last { take_end(table) } else { None };
    table.remove(key)?;
    if let Some((_, last)) = end.is_some().then(|| table.iter_mut().last()).flatten() {
        last.decor_mut().set_suffix(end.unwrap_or_default());
    }
    Some(DetachedComment::default())
}

/// Removes and returns the text between the last value and the closing brace. Returns `None` if the
/// table is empty.
fn take_end(table: &mut InlineTable) -> Option<String> {
    let (_, last) = table.iter_mut().last()?;
    let decor = last.decor_mut();
    let end = decor.suffix().and_then(|end| end.as_str()).map(str::to_owned);
    decor.set_suffix("");
    end
}

/// Returns the name of a template; `None` if the name is missing or not a string.
pub(crate) fn name_of(template: &dyn TableLike) -> Option<&str> {
    string(template, "name")
}

/// Returns the value of a key; `None` if the value is missing or not a string.
pub(crate) fn string<'t>(table: &'t dyn TableLike, key: &str) -> Option<&'t str> {
    table.get(key).and_then(Item::as_str)
}

/// Returns the strings of a key, whose value is an array of strings or a single string.
pub(crate) fn strings<'t>(table: &'t dyn TableLike, key: &str) -> Vec<&'t str> {
    let Some(item) = table.get(key) else { return Vec::new() };
    let items = item.as_array().into_iter().flatten();
    item.as_str().into_iter().chain(items.filter_map(Value::as_str)).collect()
}

/// Returns the array of a key. If the key is missing, adds an empty array. If the value is not an
/// array, replaces the value with an array that contains only the value.
pub(crate) fn array_mut<'t>(
    table: &'t mut TableEntries<'_>,
    key: &str,
) -> Result<&'t mut Array, EditError> {
    let lone = table.get(key).and_then(Item::as_value).filter(|value| !value.is_array()).cloned();
    if let Some(mut lone) = lone {
        lone.decor_mut().clear();
        let mut around = Array::new();
        around.push_formatted(lone);
        table.set(key, Value::Array(around));
    } else if table.get(key).is_none() {
        table.set(key, Value::Array(Array::new()));
    }
    table.get_mut(key).and_then(Item::as_array_mut).ok_or_else(|| unfit(key))
}

/// Creates the error for a key whose value has a form that gatepost cannot edit.
pub(crate) fn unfit(key: &str) -> EditError {
    EditError::invalid(format!(
        "expected `{key}` in a form that gatepost can edit, found another type or a table in braces \
         over several lines; edit the file by hand"
    ))
}

/// Formats names for a message: each name in backticks.
pub(crate) fn list(names: &[&str]) -> String {
    cut(names.iter().map(|name| format!("`{name}`")))
}

/// Joins the first 8 items with commas, and counts the others. Returns `none` if there are no
/// items.
pub(crate) fn cut(items: impl ExactSizeIterator<Item = String>) -> String {
    const MAX_ITEMS: usize = 8;
    let more = match items.len().saturating_sub(MAX_ITEMS) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let shown: Vec<_> = items.take(MAX_ITEMS).collect();
    if shown.is_empty() { "none".to_owned() } else { shown.join(", ") + &more }
}

#[cfg(test)]
mod tests {
    use toml_edit::DocumentMut;

    use super::*;

    fn edited(text: &str, edit: impl Fn(&mut TableEntries<'_>)) -> String {
        let mut document: DocumentMut = text.parse().unwrap();
        edit(&mut TableEntries::of(&mut document["t"]).unwrap());
        document.to_string()
    }

    #[test]
    fn list_has_at_most_eight_names() {
        assert_eq!((list(&[]), list(&["a", "b"])), ("none".to_owned(), "`a`, `b`".to_owned()));
        assert!(list(&["a"; 8]).ends_with(", `a`"));
        assert!(list(&["a"; 9]).ends_with(", `a` and 1 more"));
    }

    #[test]
    fn set_keeps_position_and_comments() {
        let text = "[t]\n# on a\na = 1 # one\n\nb = 2\n";
        let set = |entries: &mut TableEntries<'_>| entries.set("a", 9.into());
        assert_eq!(edited(text, set), "[t]\n# on a\na = 9 # one\n\nb = 2\n");
        let text = "t = { a = 1, b = 2 } # of t\n";
        assert_eq!(edited(text, set), "t = { a = 9, b = 2 } # of t\n");
    }

    #[test]
    fn set_appends_new_key() {
        let set = |entries: &mut TableEntries<'_>| entries.set("n", 9.into());
        for (text, expected) in [
            ("[t]\na = 1\n# end\n", "[t]\na = 1\nn = 9\n# end\n"),
            ("t = { a = 1 }\n", "t = { a = 1, n = 9 }\n"),
            ("t = {a = 1}\n", "t = {a = 1, n = 9}\n"),
            ("t = {}\n", "t = { n = 9 }\n"),
            ("t.a = 1\n", "t.a = 1\nt.n = 9\n"),
        ] {
            assert_eq!(edited(text, set), expected);
        }
    }

    #[test]
    fn remove_also_removes_comments_of_entry() {
        let remove = |entries: &mut TableEntries<'_>| drop(entries.remove("b").unwrap());
        for (text, expected) in [
            ("[t]\na = 1\n# on b\nb = 2 # two\nc = 3\n", "[t]\na = 1\nc = 3\n"),
            ("[t]\n# of all\n\n# on b\nb = 2\nc = 3\n", "[t]\n# of all\n\nc = 3\n"),
            ("t = { a = 1, b = 2 }\n", "t = { a = 1 }\n"),
            ("t = { b = 2, c = 3 }\n", "t = { c = 3 }\n"),
        ] {
            assert_eq!(edited(text, remove), expected);
        }
    }
}
