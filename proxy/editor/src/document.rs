//! A file of the config as a TOML tree that keeps comments and formatting.

use toml_edit::{DocumentMut, Item, TableLike, Value};

use crate::error::{EditError, EditErrorKind};
use crate::toml_array;
use crate::toml_comments::{self, DetachedComment, kept, text};
use crate::toml_table::{TableEntries, list, name_of, string, strings, unfit};
use crate::toml_value::json_from_item;

/// Key `template`: the list of templates at the top level, and the template's name in a route.
const TEMPLATE: &str = "template";

/// A parsed file of a config.
pub(crate) struct Document {
    tree: DocumentMut,
    /// The other files of the config. An edit does not change these files.
    others: Vec<Self>,
    has_mark: bool,
    has_crlf: bool,
    starts_blank: bool,
}

impl Document {
    /// Parses the text of a config file that gatepost only reads.
    pub(crate) fn parse(written: &str) -> Result<Self, EditError> {
        let bare = written.strip_prefix(MARK);
        let has_mark = bare.is_some();
        let lines = bare.unwrap_or(written);
        let has_crlf = lines.contains("\r\n");
        let mut plain = lines.replace("\r\n", "\n");
        if !plain.is_empty() && !plain.ends_with('\n') {
            plain.push('\n');
        }
        let tree: DocumentMut = plain.parse().map_err(|error| no_toml(&plain, &error))?;
        Ok(Self {
            tree,
            others: Vec::new(),
            has_mark,
            has_crlf,
            starts_blank: plain.starts_with('\n'),
        })
    }

    /// Parses the text of a config file, and the texts of the other files of the config.
    pub(crate) fn parse_among(written: &str, others: &[&str]) -> Result<Self, EditError> {
        let others = others.iter().map(|text| Self::parse(text)).collect::<Result<_, _>>()?;
        Ok(Self { others, ..Self::parse(written)? })
    }

    /// Parses the text of a config file that gatepost edits, and the texts of the other files.
    /// Returns an error if [`Self::text`] returns a different text, apart from line ends at the end
    /// of the file.
    pub(crate) fn parse_to_edit(written: &str, others: &[&str]) -> Result<Self, EditError> {
        let document = Self::parse_among(written, others)?;
        let same = document.text();
        let end = ['\r', '\n'];
        if same.trim_end_matches(end) == written.trim_end_matches(end) {
            return Ok(document);
        }
        let message = "expected a file that gatepost can edit without changing other lines, found \
                       different line endings; use one line ending for all lines, or edit the file \
                       by hand";
        Err(EditError::invalid(message))
    }

    /// Returns the text of the file after all edits.
    pub(crate) fn text(&self) -> String {
        let mark = if self.has_mark { MARK } else { "" };
        let text = self.tree.to_string();
        // Remove the blank lines that the removal of the first table leaves at the start.
        let text = if self.starts_blank { &*text } else { text.trim_start_matches('\n') };
        let text = format!("{mark}{text}");
        if self.has_crlf { text.replace('\n', "\r\n") } else { text }
    }

    /// Returns this file as JSON.
    pub(crate) fn to_json(&self) -> serde_json::Value {
        json_from_item(self.tree.as_item())
    }

    /// Returns the templates of this file, in their order.
    pub(crate) fn templates(&self) -> Vec<&dyn TableLike> {
        self.tree.get(TEMPLATE).map(tables).unwrap_or_default()
    }

    /// Returns the template with this name in this file.
    pub(crate) fn template(&self, name: &str) -> Result<&dyn TableLike, EditError> {
        let found = self.templates().into_iter().find(|table| name_of(*table) == Some(name));
        found.ok_or_else(|| self.no_template(name))
    }

    /// Returns the template with this name, from any file of the config.
    pub(crate) fn any_template(&self, name: &str) -> Result<&dyn TableLike, EditError> {
        let found = self.files().find_map(|file| file.template(name).ok());
        found.ok_or_else(|| self.no_template(name))
    }

    /// Returns the entries of the template with this name, for an edit.
    pub(crate) fn template_mut(&mut self, name: &str) -> Result<TableEntries<'_>, EditError> {
        let index = self.index_of(name)?;
        let item = self.tree.get_mut(TEMPLATE);
        item.and_then(|item| nth(item, index)).ok_or_else(|| unfit(TEMPLATE))
    }

    /// Adds a template at the end of the file. If the templates are in an array
    /// (`template = [{ … }]`), adds the template at the end of that array.
    pub(crate) fn append(&mut self, template: toml_edit::Table) {
        if let Some(list) = self.tree.get_mut(TEMPLATE).and_then(Item::as_array_mut) {
            toml_array::push(list, Value::InlineTable(template.into_inline_table()));
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

    /// Removes a template and the comments directly above the template.
    pub(crate) fn remove(&mut self, name: &str) -> Result<(), EditError> {
        let index = self.index_of(name)?;
        let Some(item) = self.tree.get_mut(TEMPLATE) else { return Err(unfit(TEMPLATE)) };
        if let Some(list) = item.as_array_mut() {
            toml_array::remove(list, index);
        } else if let Some(list) = item.as_array_of_tables_mut() {
            let Some(table) = list.get(index) else { return Err(unfit(TEMPLATE)) };
            let text = kept(text(table.decor().prefix())).to_owned();
            let leftover = DetachedComment { after: table.position(), text };
            list.remove(index);
            toml_comments::adopt(&mut self.tree, &leftover);
        }
        Ok(())
    }

    /// Inserts the comments that remain after the removal of a key from the template `name`. For
    /// their position, see [`toml_comments::adopt`].
    pub(crate) fn adopt(&mut self, name: &str, mut leftover: DetachedComment) {
        let list = self.tree.get(TEMPLATE).and_then(Item::as_array_of_tables);
        let table = list.into_iter().flatten().find(|table| name_of(*table) == Some(name));
        leftover.after = leftover.after.or_else(|| table?.position());
        toml_comments::adopt(&mut self.tree, &leftover);
    }

    /// Returns the paths of the routes whose key `template` has the value `name`, in all files.
    pub(crate) fn pins(&self, name: &str) -> Vec<&str> {
        self.files().flat_map(|file| file.own_pins(name)).collect()
    }

    fn own_pins(&self, name: &str) -> Vec<&str> {
        let routes = self.tree.get("route").map(tables).unwrap_or_default();
        let pins = routes.into_iter().filter(|route| string(*route, TEMPLATE) == Some(name));
        pins.map(|route| string(route, "path").unwrap_or_default()).collect()
    }

    /// Returns an error if a route in another file names the template. An edit changes one file, so
    /// that a crash leaves no config with half of the edit.
    pub(crate) fn check_pins_are_here(&self, name: &str) -> Result<(), EditError> {
        let pins: Vec<_> = self.others.iter().flat_map(|file| file.own_pins(name)).collect();
        if pins.is_empty() {
            return Ok(());
        }
        let message = format!(
            "expected no route that names `{name}` in another file, found {}; rename the template \
             by hand, in its file and in each of these routes",
            list(&pins)
        );
        Err(EditError::new(EditErrorKind::TemplateInUse, message))
    }

    /// Replaces the template name `old` with `new` in every route of this file.
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

    /// Returns an error if a template already has this name.
    pub(crate) fn check_name_is_free(&self, name: &str) -> Result<(), EditError> {
        if self.any_template(name).is_err() {
            return Ok(());
        }
        let message =
            format!("expected an unused template name, found `{name}`; choose another name");
        Err(EditError::new(EditErrorKind::NameTaken, message))
    }

    /// Returns an error if another template of the same provider binds the tenant. `name` is the
    /// name of the template that the edit changes.
    pub(crate) fn check_tenant_is_free(
        &self,
        name: &str,
        provider: &str,
        tenant: &str,
    ) -> Result<(), EditError> {
        let mut others = self.files().flat_map(Self::templates).filter(|other| {
            name_of(*other) != Some(name) && string(*other, "provider") == Some(provider)
        });
        let Some(other) = others.find(|other| strings(*other, "bind").contains(&tenant)) else {
            return Ok(());
        };
        let other = name_of(other).unwrap_or_default();
        let message = format!(
            "expected an unbound tenant, found `{tenant}`, which is bound to the template \
             `{other}`; unbind the tenant first"
        );
        Err(EditError::new(EditErrorKind::TenantTaken, message))
    }

    /// Returns this file and the other files of the config.
    fn files(&self) -> impl Iterator<Item = &Self> {
        std::iter::once(self).chain(&self.others)
    }

    fn index_of(&self, name: &str) -> Result<usize, EditError> {
        let found = self.templates().iter().position(|table| name_of(*table) == Some(name));
        found.ok_or_else(|| self.no_template(name))
    }

    fn no_template(&self, name: &str) -> EditError {
        let names: Vec<_> = self.files().flat_map(Self::templates).filter_map(name_of).collect();
        let existing = list(&names);
        let message = format!(
            "expected an existing template, found `{name}`; existing templates: {existing}"
        );
        EditError::new(EditErrorKind::TemplateNotFound, message)
    }
}

/// Returns an error if no kind in the template has an address or the key `answer`.
pub(crate) fn check_has_delivery(template: &dyn TableLike, name: &str) -> Result<(), EditError> {
    let delivers = |item: &Item| {
        let table = item.as_table_like();
        item.is_str()
            || item.is_array()
            || table.is_some_and(|table| {
                ["url", "answer", "env"].iter().any(|key| table.contains_key(key))
            })
    };
    let on = template.get("on").and_then(Item::as_table_like);
    if on.is_some_and(|on| on.iter().any(|(_, item)| delivers(item))) {
        return Ok(());
    }
    let message = format!(
        "expected an address or an answer in `{name}`, found neither; set `url` or `answer` for a \
         kind"
    );
    Err(EditError::invalid(message))
}

/// The byte order mark, which some editors write at the start of a file.
const MARK: &str = "\u{feff}";

fn tables(item: &Item) -> Vec<&dyn TableLike> {
    if let Some(list) = item.as_array_of_tables() {
        return list.iter().map(|table| table as &dyn TableLike).collect();
    }
    let values = item.as_array().into_iter().flatten();
    values.filter_map(Value::as_inline_table).map(|table| table as &dyn TableLike).collect()
}

fn nth(item: &mut Item, index: usize) -> Option<TableEntries<'_>> {
    if item.is_array_of_tables() {
        return item.as_array_of_tables_mut()?.get_mut(index).map(TableEntries::Table);
    }
    item.as_array_mut()?.get_mut(index)?.as_inline_table_mut().map(TableEntries::Inline)
}

/// Creates the error for text that is not TOML. toml_edit's own error text quotes the line,
/// and the line may contain a secret.
fn no_toml(text: &str, error: &toml_edit::TomlError) -> EditError {
    let start = error.span().map_or(0, |span| span.start);
    let line = text.get(..start).unwrap_or_default().matches('\n').count() + 1;
    let found = error.message();
    let message =
        format!("line {line}: expected TOML, found an error: {found}; correct the syntax");
    EditError::invalid(message)
}
