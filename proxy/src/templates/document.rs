//! The config file as a tree that prints as it was written.

use toml_edit::{DocumentMut, Item, TableLike, Value};

use super::array;
use super::comments::{self, Leftover, kept, text};
use super::entries::Entries;
use super::fields::{list, name_of, string, unfit};
use super::problem::{Code, Problem};

/// The key of the list of templates, and of the name of the one that a route pins.
const TEMPLATE: &str = "template";

/// A parsed config file.
pub(crate) struct Document {
    tree: DocumentMut,
    has_mark: bool,
    has_returns: bool,
    starts_blank: bool,
}

impl Document {
    /// Parses a text to be looked at.
    pub(crate) fn parse(written: &str) -> Result<Self, Problem> {
        let bare = written.strip_prefix(MARK);
        let has_mark = bare.is_some();
        let lines = bare.unwrap_or(written);
        let has_returns = lines.contains("\r\n");
        let mut plain = lines.replace("\r\n", "\n");
        if !plain.is_empty() && !plain.ends_with('\n') {
            plain.push('\n');
        }
        let tree: DocumentMut = plain.parse().map_err(|error| no_toml(&plain, &error))?;
        Ok(Self { tree, has_mark, has_returns, starts_blank: plain.starts_with('\n') })
    }

    /// Parses a text to be edited: one that would print as it is.
    pub(crate) fn parse_to_edit(written: &str) -> Result<Self, Problem> {
        let document = Self::parse(written)?;
        let same = document.text();
        let end = ['\r', '\n'];
        if same.trim_end_matches(end) == written.trim_end_matches(end) {
            return Ok(document);
        }
        let message = "the file cannot be edited without changing its form elsewhere: end all its \
                       lines in the same way, or edit it by hand";
        Err(Problem::invalid(message))
    }

    /// The text with all edits made.
    pub(crate) fn text(&self) -> String {
        let mark = if self.has_mark { MARK } else { "" };
        let text = self.tree.to_string();
        // What is first now may have stood below a blank line.
        let text = if self.starts_blank { &*text } else { text.trim_start_matches('\n') };
        let text = format!("{mark}{text}");
        if self.has_returns { text.replace('\n', "\r\n") } else { text }
    }

    /// The templates, in the order of the file.
    pub(crate) fn templates(&self) -> Vec<&dyn TableLike> {
        self.tree.get(TEMPLATE).map(tables).unwrap_or_default()
    }

    /// The template of that name.
    pub(crate) fn template(&self, name: &str) -> Result<&dyn TableLike, Problem> {
        let found = self.templates().into_iter().find(|table| name_of(*table) == Some(name));
        found.ok_or_else(|| self.no_template(name))
    }

    /// The template of that name, to be edited.
    pub(crate) fn template_mut(&mut self, name: &str) -> Result<Entries<'_>, Problem> {
        let index = self.index_of(name)?;
        let item = self.tree.get_mut(TEMPLATE);
        item.and_then(|item| nth(item, index)).ok_or_else(|| unfit(TEMPLATE))
    }

    /// Adds a template behind everything else; to a list in braces, at its end.
    pub(crate) fn append(&mut self, template: toml_edit::Table) {
        if let Some(list) = self.tree.get_mut(TEMPLATE).and_then(Item::as_array_mut) {
            array::push(list, Value::InlineTable(template.into_inline_table()));
            return;
        }
        let end = text(Some(self.tree.trailing())).to_owned();
        let is_first = end.is_empty() && self.tree.is_empty();
        let mut template = template;
        template.decor_mut().set_prefix(format!("{end}{}", if is_first { "" } else { "\n" }));
        template.set_position(Some(isize::MAX));
        self.tree.set_trailing("");
        let list = self.tree.entry(TEMPLATE).or_insert(Item::ArrayOfTables(Default::default()));
        if let Some(list) = list.as_array_of_tables_mut() {
            list.push(template);
        }
    }

    /// Takes a template out, with the comments directly above it.
    pub(crate) fn remove(&mut self, name: &str) -> Result<(), Problem> {
        let index = self.index_of(name)?;
        let Some(item) = self.tree.get_mut(TEMPLATE) else { return Err(unfit(TEMPLATE)) };
        if let Some(list) = item.as_array_mut() {
            array::remove(list, index);
        } else if let Some(list) = item.as_array_of_tables_mut() {
            let Some(table) = list.get(index) else { return Err(unfit(TEMPLATE)) };
            let text = kept(text(table.decor().prefix())).to_owned();
            let leftover = Leftover { after: table.position(), text };
            list.remove(index);
            comments::adopt(&mut self.tree, &leftover);
        }
        Ok(())
    }

    /// Gives comments of the named template to what follows.
    pub(crate) fn adopt(&mut self, name: &str, mut leftover: Leftover) {
        let list = self.tree.get(TEMPLATE).and_then(Item::as_array_of_tables);
        let table = list.into_iter().flatten().find(|table| name_of(*table) == Some(name));
        leftover.after = leftover.after.or_else(|| table?.position());
        comments::adopt(&mut self.tree, &leftover);
    }

    /// The paths of the routes that pin a template.
    pub(crate) fn pins(&self, name: &str) -> Vec<&str> {
        let routes = self.tree.get("route").map(tables).unwrap_or_default();
        let pins = routes.into_iter().filter(|route| string(*route, TEMPLATE) == Some(name));
        pins.map(|route| string(route, "path").unwrap_or_default()).collect()
    }

    /// Lets every route that pins a template pin it by another name.
    pub(crate) fn rename_pins(&mut self, old: &str, new: &str) {
        let Some(item) = self.tree.get_mut("route") else { return };
        let mut index = 0;
        while let Some(mut route) = nth(item, index) {
            if route.get(TEMPLATE).and_then(Item::as_str) == Some(old) {
                route.set(TEMPLATE, new.into());
            }
            index += 1;
        }
    }

    fn index_of(&self, name: &str) -> Result<usize, Problem> {
        let found = self.templates().iter().position(|table| name_of(*table) == Some(name));
        found.ok_or_else(|| self.no_template(name))
    }

    fn no_template(&self, name: &str) -> Problem {
        let names: Vec<_> = self.templates().into_iter().filter_map(name_of).collect();
        let there = if names.is_empty() { "none".to_owned() } else { list(&names) };
        let message = format!("there is no template `{name}`; there is: {there}");
        Problem::new(Code::TemplateNotFound, message)
    }
}

/// The byte order mark, which some editors write.
const MARK: &str = "\u{feff}";

fn tables(item: &Item) -> Vec<&dyn TableLike> {
    if let Some(list) = item.as_array_of_tables() {
        return list.iter().map(|table| table as &dyn TableLike).collect();
    }
    let values = item.as_array().into_iter().flatten();
    values.filter_map(Value::as_inline_table).map(|table| table as &dyn TableLike).collect()
}

fn nth(item: &mut Item, index: usize) -> Option<Entries<'_>> {
    if item.is_array_of_tables() {
        return item.as_array_of_tables_mut()?.get_mut(index).map(Entries::Table);
    }
    item.as_array_mut()?.get_mut(index)?.as_inline_table_mut().map(Entries::Inline)
}

/// Says where, and never what: TOML's own message may quote the line.
fn no_toml(text: &str, error: &toml_edit::TomlError) -> Problem {
    let start = error.span().map_or(0, |span| span.start);
    let line = text.get(..start).unwrap_or_default().matches('\n').count() + 1;
    let message =
        format!("line {line}: this is not TOML: {}; see https://toml.io", error.message());
    Problem::invalid(message)
}
