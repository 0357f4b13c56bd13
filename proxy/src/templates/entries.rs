//! A table of the file, under a header or in braces, whose form stays as it is.

use toml_edit::{Decor, InlineTable, Item, Table, TableLike, Value};

use super::comments::{Leftover, join, kept, text};

/// The entries of a table.
pub(crate) enum Entries<'d> {
    /// `{ … }`
    Inline(&'d mut InlineTable),
    /// Under a header, or with dots.
    Table(&'d mut Table),
}

impl<'d> Entries<'d> {
    /// The entries of an item; nothing if it is no table, or one in braces over several lines, whose
    /// comments would end up beside other values.
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

    /// The names of the entries.
    pub(crate) fn names(&self) -> Vec<&str> {
        self.any().iter().map(|(name, _)| name).collect()
    }

    /// Puts a value in the place of an earlier one, whose comments stay, or behind the others.
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
                // It may be a table under a header now, which would leave its comments behind.
                table.remove(key);
                table.insert(key, Item::Value(value));
            }
        }
    }

    /// The table of that name, a new one if there is none; nothing if it is no table.
    pub(crate) fn table(&mut self, key: &str) -> Option<Entries<'_>> {
        if self.get(key).is_none() {
            match self {
                Self::Inline(_) => self.set(key, Value::InlineTable(InlineTable::new())),
                Self::Table(table) => drop(table.insert(key, Item::Table(Table::new()))),
            }
        }
        self.get_mut(key).and_then(Entries::of)
    }

    /// Takes an entry out, with its own comments; nothing if there is none.
    pub(crate) fn remove(&mut self, key: &str) -> Option<Leftover> {
        match self {
            Self::Inline(table) => remove_inline(table, key),
            Self::Table(table) => remove(table, key),
        }
    }
}

fn remove(table: &mut Table, key: &str) -> Option<Leftover> {
    let behind = || table.iter().skip_while(|(name, _)| *name != key).skip(1);
    let next = behind().find(|(_, item)| item.is_value()).map(|(name, _)| name.to_owned());
    let own = table.position();
    let (name, item) = table.remove_entry(key)?;
    if let Some(header) = item.as_table().filter(|table| !table.is_dotted()) {
        let text = kept(text(header.decor().prefix())).to_owned();
        return Some(Leftover { after: header.position(), text });
    }
    let left = kept(text(name.leaf_decor().prefix())).to_owned();
    let Some(mut next) = next.and_then(|next| table.key_mut(&next)) else {
        return Some(Leftover { after: own, text: left });
    };
    let joined = join(&left, text(next.leaf_decor().prefix()));
    next.leaf_decor_mut().set_prefix(joined);
    Some(Leftover::default())
}

fn remove_inline(table: &mut InlineTable, key: &str) -> Option<Leftover> {
    let is_last = table.iter().last().is_some_and(|(name, _)| name == key);
    let end = if is_last { take_end(table) } else { None };
    table.remove(key)?;
    if let Some((_, last)) = end.is_some().then(|| table.iter_mut().last()).flatten() {
        last.decor_mut().set_suffix(end.unwrap_or_default());
    }
    Some(Leftover::default())
}

/// What stands between the last value and the brace; nothing in an empty table.
fn take_end(table: &mut InlineTable) -> Option<String> {
    let (_, last) = table.iter_mut().last()?;
    let decor = last.decor_mut();
    let end = decor.suffix().and_then(|end| end.as_str()).map(str::to_owned);
    decor.set_suffix("");
    end
}

#[cfg(test)]
mod tests {
    use toml_edit::DocumentMut;

    use super::*;

    fn edited(text: &str, edit: impl Fn(&mut Entries<'_>)) -> String {
        let mut document: DocumentMut = text.parse().unwrap();
        edit(&mut Entries::of(&mut document["t"]).unwrap());
        document.to_string()
    }

    #[test]
    fn a_value_keeps_its_place_and_comments() {
        let text = "[t]\n# on a\na = 1 # one\n\nb = 2\n";
        let set = |entries: &mut Entries<'_>| entries.set("a", 9.into());
        assert_eq!(edited(text, set), "[t]\n# on a\na = 9 # one\n\nb = 2\n");
        let text = "t = { a = 1, b = 2 } # of t\n";
        assert_eq!(edited(text, set), "t = { a = 9, b = 2 } # of t\n");
    }

    #[test]
    fn a_new_value_stands_last() {
        let set = |entries: &mut Entries<'_>| entries.set("n", 9.into());
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
    fn an_entry_takes_its_own_comments_along() {
        let remove = |entries: &mut Entries<'_>| drop(entries.remove("b").unwrap());
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
