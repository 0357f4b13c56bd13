//! Edits of the config file. Each edit is a pure function of the config text.

use std::path::Path;

use gatepost::ConfigFiles;
use toml_edit::{Array, Table, Value};

use crate::document::{Document, check_has_delivery};
use crate::error::{EditError, EditErrorKind};
use crate::modify::modify;
use crate::template_change::{KeySource, NewTemplate, TemplateChange};
use crate::toml_array;
use crate::toml_table::{TableEntries, array_mut, list, string, strings};

/// One edit of the config file.
#[derive(Debug)]
pub enum Edit {
    /// Binds tenants to a template. The template keeps its current tenants.
    Bind {
        /// Name of the template.
        name: String,
        /// Tenants to bind.
        tenants: Vec<String>,
    },
    /// Adds a template after all existing templates.
    Create(NewTemplate),
    /// Removes a template. The template must have no tenants, and no route may name the template.
    Delete {
        /// Name of the template.
        name: String,
    },
    /// Changes a template.
    Modify {
        /// Name of the template.
        name: String,
        /// Change to the template.
        change: TemplateChange,
    },
    /// Unbinds tenants from a template. The template must bind each of them.
    Unbind {
        /// Name of the template.
        name: String,
        /// Tenants to unbind.
        tenants: Vec<String>,
    },
}

impl Edit {
    /// Returns the name of the template before the edit, or the name of a new template.
    #[must_use]
    pub fn template(&self) -> &str {
        match self {
            Self::Create(draft) => &draft.name,
            Self::Bind { name, .. }
            | Self::Delete { name }
            | Self::Modify { name, .. }
            | Self::Unbind { name, .. } => name,
        }
    }

    /// Returns the tenants that the edit binds or unbinds, or that a new template has; `None` if
    /// the edit changes no bindings.
    #[must_use]
    pub fn tenants(&self) -> Option<&[String]> {
        match self {
            Self::Bind { tenants, .. } | Self::Unbind { tenants, .. } => Some(tenants),
            Self::Create(draft) => Some(&draft.bind),
            Self::Delete { .. } | Self::Modify { .. } => None,
        }
    }

    /// Returns the log message of this edit, for example `template bound`.
    #[must_use]
    pub const fn log_message(&self) -> &'static str {
        match self {
            Self::Bind { .. } => "template bound",
            Self::Create(_) => "template created",
            Self::Delete { .. } => "template deleted",
            Self::Modify { .. } => "template modified",
            Self::Unbind { .. } => "template unbound",
        }
    }

    /// Applies the edit to `text`, the current config, and returns the edited text. The edited text
    /// may be an invalid config. Check it with [`config_file::check`](crate::config_file::check).
    ///
    /// # Errors
    ///
    /// Returns [`EditErrorKind::Invalid`] for a `text` that gatepost cannot edit, and for an
    /// invalid edit. Returns another [`EditErrorKind`] if the edit conflicts with the templates in
    /// `text`, for example [`EditErrorKind::NameTaken`].
    pub fn apply(&self, text: &str) -> Result<String, EditError> {
        self.apply_beside(text, &[])
    }

    /// Applies the edit to a config of several files, and returns the files after the edit. The
    /// edit changes one file: the file that contains the template, or the config file for a new
    /// template.
    ///
    /// # Errors
    ///
    /// Returns the same errors as [`Edit::apply`]. Returns [`EditErrorKind::TemplateInUse`] if the
    /// edit renames a template that a route in another file names.
    pub fn apply_to(&self, files: &ConfigFiles) -> Result<EditedFile, EditError> {
        let mut texts: Vec<_> = files.iter().map(|(_, text)| text).collect();
        let index = match self {
            Self::Create(_) => 0,
            Self::Bind { name, .. }
            | Self::Delete { name }
            | Self::Modify { name, .. }
            | Self::Unbind { name, .. } => index_of(&texts, name)?,
        };
        let text = texts.remove(index);
        let edited = self.apply_beside(text, &texts)?;
        Ok(EditedFile { index, files: files.replace(index, edited) })
    }

    /// Applies the edit to `text`. `others` are the texts of the other files of the config.
    fn apply_beside(&self, text: &str, others: &[&str]) -> Result<String, EditError> {
        let mut document = Document::parse_to_edit(text, others)?;
        match self {
            Self::Bind { name, tenants } => bind(&mut document, name, tenants)?,
            Self::Create(draft) => create(&mut document, draft)?,
            Self::Delete { name } => delete(&mut document, name)?,
            Self::Modify { name, change } => modify(&mut document, name, change)?,
            Self::Unbind { name, tenants } => unbind(&mut document, name, tenants)?,
        }
        Ok(document.text())
    }
}

/// Returns the index of the text with the template; 0 if no text has the template.
fn index_of(texts: &[&str], name: &str) -> Result<usize, EditError> {
    for (index, text) in texts.iter().enumerate() {
        if Document::parse(text)?.template(name).is_ok() {
            return Ok(index);
        }
    }
    Ok(0)
}

/// The files of a config after an edit of one of the files.
#[derive(Debug)]
#[non_exhaustive]
pub struct EditedFile {
    /// Index of the edited file, in the order of [`ConfigFiles::iter`].
    pub index: usize,
    /// The files after the edit.
    pub files: ConfigFiles,
}

impl EditedFile {
    /// Returns the path and the text of the edited file.
    #[must_use]
    pub fn text(&self) -> Option<(&Path, &str)> {
        self.files.iter().nth(self.index)
    }
}

fn create(document: &mut Document, draft: &NewTemplate) -> Result<(), EditError> {
    document.check_name_is_free(&draft.name)?;
    for tenant in &draft.bind {
        document.check_tenant_is_free(&draft.name, &draft.provider, tenant)?;
    }
    draft.check_names()?;
    let template = new_table(draft);
    check_has_delivery(&template, &draft.name)?;
    document.append(template);
    Ok(())
}

fn new_table(draft: &NewTemplate) -> Table {
    let mut table = Table::new();
    let mut entries = TableEntries::Table(&mut table);
    entries.set("name", (&draft.name).into());
    if let Some(description) = draft.description.as_ref().filter(|text| !text.is_empty()) {
        entries.set("description", description.into());
    }
    entries.set("provider", (&draft.provider).into());
    if !draft.keys.is_empty() {
        let keys: Array = draft.keys.iter().map(KeySource::to_value).collect();
        entries.set("keys", Value::Array(keys));
    }
    if !draft.bind.is_empty() {
        entries.set("bind", Value::Array(draft.bind.iter().collect()));
    }
    let on = draft.on.iter().map(|(kind, entry)| (kind, entry.to_value()));
    let settings = draft.settings.iter().map(|(name, value)| (name, value.0.clone()));
    fill(&mut entries, "settings", settings.collect());
    fill(&mut entries, "on", on.collect());
    table
}

/// Adds a table to a template. Does nothing if `values` is empty.
fn fill(entries: &mut TableEntries<'_>, key: &str, values: Vec<(&String, Value)>) {
    if values.is_empty() {
        return;
    }
    if let Some(mut table) = entries.table(key) {
        values.into_iter().for_each(|(name, value)| table.set(name, value));
    }
}

fn delete(document: &mut Document, name: &str) -> Result<(), EditError> {
    let tenants = strings(document.template(name)?, "bind");
    if !tenants.is_empty() {
        let tenants = list(&tenants);
        let message = format!(
            "expected no tenants of the template `{name}`, found {tenants}; unbind these tenants"
        );
        return Err(EditError::new(EditErrorKind::TemplateInUse, message));
    }
    let pins = document.pins(name);
    if !pins.is_empty() {
        let message = format!(
            "expected no route that names `{name}`, found {}; remove `template` from these routes",
            list(&pins)
        );
        return Err(EditError::new(EditErrorKind::TemplateInUse, message));
    }
    document.remove(name)
}

fn bind(document: &mut Document, name: &str, tenants: &[String]) -> Result<(), EditError> {
    let template = document.template(name)?;
    let provider = string(template, "provider").unwrap_or_default().to_owned();
    let bound: Vec<_> = strings(template, "bind").into_iter().map(str::to_owned).collect();
    let mut new: Vec<&String> = Vec::new();
    for tenant in tenants {
        document.check_tenant_is_free(name, &provider, tenant)?;
        if !bound.contains(tenant) && !new.contains(&tenant) {
            new.push(tenant);
        }
    }
    if new.is_empty() {
        return Ok(());
    }
    let mut template = document.template_mut(name)?;
    let list = array_mut(&mut template, "bind")?;
    new.into_iter().for_each(|tenant| toml_array::push(list, tenant.into()));
    Ok(())
}

fn unbind(document: &mut Document, name: &str, tenants: &[String]) -> Result<(), EditError> {
    let bound = strings(document.template(name)?, "bind");
    if let Some(tenant) = tenants.iter().find(|tenant| !bound.contains(&&***tenant)) {
        let existing = list(&bound);
        let message =
            format!("expected a tenant of `{name}`, found `{tenant}`; bound tenants: {existing}");
        return Err(EditError::new(EditErrorKind::TenantNotBound, message));
    }
    let mut template = document.template_mut(name)?;
    let list = array_mut(&mut template, "bind")?;
    let is_named =
        |value: &Value| value.as_str().is_some_and(|own| tenants.iter().any(|t| t == own));
    toml_array::remove_where(list, is_named);
    Ok(())
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::template_change::KindEntry;
    use crate::toml_value::TomlValue;
    use crate::toml_value::tests::table;

    /// Config with comments above, beside and inside of entries, and with a route between two
    /// templates.
    pub(crate) const TEXT: &str = "\
# Config of the studio.

listen = ['127.0.0.1:8080'] # proxy

# Members
# only
[[template]]
name     = 'paid' # name at Kollus
provider = 'kollus'
bind     = ['c1', \"c2\"]   # channels

[template.on] # addresses
# playback
live_play = { url = 'http://127.0.0.1:3000/play', timeout_ms = 1500 } # 1.5 s

# All platforms below.

# Tencent route
[[route]]
path     = '/t' # path
provider = 'tencent-css'
template = 'prod'

# Push callbacks.

# Production
[[template]]
provider = 'tencent-css'
name = 'prod'
keys = [
  { env = 'NEW' }, # since May
  { file = 'old.key' }, # until June
]
bind = [
  # the first
  'push.example.com', # one
]
on.push  = 'http://127.0.0.1:3000/push'
on.error = 'http://127.0.0.1:3000/error' # to the log
settings.grace_secs = 60

# the end
";

    pub(crate) fn replaced(changes: &[(&str, &str)]) -> String {
        let mut text = TEXT.to_owned();
        for (old, new) in changes {
            assert_eq!(text.matches(old).count(), 1, "{old}");
            text = text.replace(old, new);
        }
        text
    }

    fn bind(name: &str, tenants: &[&str]) -> Edit {
        let tenants = tenants.iter().map(|tenant| (*tenant).to_owned()).collect();
        Edit::Bind { name: name.into(), tenants }
    }

    fn unbind(name: &str, tenants: &[&str]) -> Edit {
        let tenants = tenants.iter().map(|tenant| (*tenant).to_owned()).collect();
        Edit::Unbind { name: name.into(), tenants }
    }

    fn delete(name: &str) -> Edit {
        Edit::Delete { name: name.into() }
    }

    fn draft(name: &str, bind: &[&str]) -> NewTemplate {
        NewTemplate {
            name: name.into(),
            provider: "tencent-css".into(),
            bind: bind.iter().map(|tenant| (*tenant).to_owned()).collect(),
            on: vec![("push".into(), KindEntry::Url("http://127.0.0.1:3000/n".into()))],
            ..NewTemplate::default()
        }
    }

    /// Returns the category and the text of the error.
    pub(crate) fn edit_error(edit: &Edit, text: &str) -> (EditErrorKind, String) {
        let problem = edit.apply(text).unwrap_err();
        (problem.kind(), problem.to_string())
    }

    #[test]
    fn creates_template_at_end_of_file() {
        let draft = NewTemplate {
            description: Some("直播 \"x\"".into()),
            keys: vec![KeySource::Env("KEY".into()), KeySource::File("a.key".into())],
            bind: vec!["new.example.com".into()],
            on: vec![
                ("push".into(), KindEntry::Url("http://127.0.0.1:3000/n".into())),
                ("*".into(), KindEntry::Answer(table("{ result = 1 }"))),
            ],
            settings: vec![("grace_secs".into(), TomlValue(5.into()))],
            ..draft("新-1", &[])
        };
        let expected = format!(
            "{TEXT}
[[template]]
name = \"新-1\"
description = '直播 \"x\"'
provider = \"tencent-css\"
keys = [{{ env = \"KEY\" }}, {{ file = \"a.key\" }}]
bind = [\"new.example.com\"]

[template.settings]
grace_secs = 5

[template.on]
push = \"http://127.0.0.1:3000/n\"
\"*\" = {{ answer = {{ result = 1 }} }}
"
        );
        assert_eq!(Edit::Create(draft).apply(TEXT).unwrap(), expected);
    }

    #[test]
    fn creates_template_in_inline_list_and_in_empty_file() {
        let text = "template = [\n  { name = 'a', provider = 'kollus' }, # a\n]\n";
        let created = Edit::Create(draft("b", &[])).apply(text).unwrap();
        let expected = "template = [\n  { name = 'a', provider = 'kollus' }, # a\n  \
                        { name = \"b\", provider = \"tencent-css\", \
                        on = { push = \"http://127.0.0.1:3000/n\" } },\n]\n";
        assert_eq!(created, expected);
        let created = Edit::Create(draft("b", &[])).apply("").unwrap();
        assert!(created.starts_with("[[template]]\nname = \"b\"\n"), "{created}");
    }

    #[test]
    fn returns_error_for_name_of_existing_template() {
        let (code, message) = edit_error(&Edit::Create(draft("paid", &[])), TEXT);
        assert_eq!(code, EditErrorKind::NameTaken);
        assert_eq!(message, "expected an unused template name, found `paid`; choose another name");
    }

    #[test]
    fn returns_error_for_tenant_bound_to_another_template_of_same_provider() {
        let text = &format!("{TEXT}[[template]]\nname = 'other'\nprovider = 'tencent-css'\n");
        let taken = "expected an unbound tenant, found `push.example.com`, which is bound to the \
                     template `prod`; unbind the tenant first";
        for edit in [
            bind("other", &["new.example.com", "push.example.com"]),
            Edit::Create(draft("n", &["push.example.com"])),
        ] {
            assert_eq!(edit_error(&edit, text), (EditErrorKind::TenantTaken, taken.to_owned()));
        }
        assert!(
            bind("paid", &["push.example.com"]).apply(text).is_ok(),
            "expected no conflict with a template of another provider, found one"
        );
    }

    #[test]
    fn returns_error_for_template_without_address_or_answer() {
        let timeout = ("push".to_owned(), KindEntry::Table(table("{ timeout_ms = 5 }")));
        for on in [vec![], vec![timeout]] {
            let (code, message) =
                edit_error(&Edit::Create(NewTemplate { on, ..draft("n", &[]) }), TEXT);
            assert_eq!(code, EditErrorKind::Invalid);
            assert!(message.contains("expected an address or an answer"), "{message}");
        }
    }

    #[test]
    fn returns_error_for_kind_set_twice() {
        let on = || ("push".to_owned(), KindEntry::Url("http://127.0.0.1/".into()));
        let draft = NewTemplate { on: vec![on(), on()], ..draft("n", &[]) };
        assert!(edit_error(&Edit::Create(draft), TEXT).1.contains("one entry for the kind `push`"));
    }

    #[test]
    fn appends_new_tenants_to_bound_tenants() {
        let edited = bind("prod", &["a.example.com", "push.example.com", "a.example.com"]);
        let new = "  'push.example.com', # one\n  \"a.example.com\",\n]";
        let expected = replaced(&[("  'push.example.com', # one\n]", new)]);
        assert_eq!(edited.apply(TEXT).unwrap(), expected);
        let expected = replaced(&[("['c1', \"c2\"]", "['c1', \"c2\", \"*\"]")]);
        assert_eq!(bind("paid", &["*"]).apply(TEXT).unwrap(), expected);
        assert_eq!(bind("paid", &["c1"]).apply(TEXT).unwrap(), TEXT);
    }

    #[test]
    fn binds_tenant_if_bind_is_missing_or_a_single_string() {
        let text = "[[template]] # a\nname = 'a'\non.push = 'x'\n";
        let bound = bind("a", &["t"]).apply(text).unwrap();
        assert_eq!(bound, "[[template]] # a\nname = 'a'\non.push = 'x'\nbind = [\"t\"]\n");
        let text = "[[template]]\nbind = 'o' # one\nname = 'a'\n";
        let bound = bind("a", &["t"]).apply(text).unwrap();
        assert_eq!(bound, "[[template]]\nbind = ['o', \"t\"] # one\nname = 'a'\n");
    }

    #[test]
    fn unbinds_only_named_tenants() {
        let expected = replaced(&[("['c1', \"c2\"]", "[\"c2\"]")]);
        assert_eq!(unbind("paid", &["c1"]).apply(TEXT).unwrap(), expected);
        let expected = replaced(&[("['c1', \"c2\"]", "[]")]);
        assert_eq!(unbind("paid", &["c2", "c1"]).apply(TEXT).unwrap(), expected);
        let (code, message) = edit_error(&unbind("paid", &["c1", "c3"]), TEXT);
        assert_eq!(code, EditErrorKind::TenantNotBound);
        assert_eq!(message, "expected a tenant of `paid`, found `c3`; bound tenants: `c1`, `c2`");
    }

    #[test]
    fn does_not_delete_template_that_has_tenants_or_that_a_route_names() {
        let (code, message) = edit_error(&delete("paid"), TEXT);
        assert_eq!(code, EditErrorKind::TemplateInUse);
        let expected =
            "expected no tenants of the template `paid`, found `c1`, `c2`; unbind these tenants";
        assert_eq!(message, expected);
        let unbound = unbind("prod", &["push.example.com"]).apply(TEXT).unwrap();
        let (code, message) = edit_error(&delete("prod"), &unbound);
        assert_eq!(code, EditErrorKind::TemplateInUse);
        assert!(message.starts_with("expected no route that names `prod`, found"), "{message}");
    }

    #[test]
    fn delete_removes_comments_directly_above_template() {
        let text = unbind("paid", &["c1", "c2"]).apply(TEXT).unwrap();
        let start = text.find("# Members").unwrap();
        let end = text.find("# All platforms").unwrap();
        let expected = format!("{}{}", &text[..start], &text[end..]);
        assert_eq!(delete("paid").apply(&text).unwrap(), expected);
    }

    #[test]
    fn delete_keeps_comments_above_a_blank_line() {
        let text = replaced(&[("template = 'prod'\n", "")]);
        let text = unbind("prod", &["push.example.com"]).apply(&text).unwrap();
        let start = text.find("# Production").unwrap();
        let expected = format!("{}# the end\n", &text[..start]);
        assert_eq!(delete("prod").apply(&text).unwrap(), expected);
        let text = "# of all\n\n# a\n[[template]]\nname = 'a'\n\n# b\n[[template]]\nname = 'b'\n";
        let expected = "# of all\n\n# b\n[[template]]\nname = 'b'\n";
        assert_eq!(delete("a").apply(text).unwrap(), expected);
    }

    #[test]
    fn error_for_unknown_template_lists_existing_templates() {
        for edit in [delete("x"), bind("x", &["t"]), unbind("x", &["t"])] {
            let (code, message) = edit_error(&edit, TEXT);
            assert_eq!(code, EditErrorKind::TemplateNotFound);
            let expected =
                "expected an existing template, found `x`; existing templates: `paid`, `prod`";
            assert_eq!(message, expected);
        }
    }

    #[test]
    fn keeps_line_endings_and_byte_order_mark() {
        for text in [TEXT.replace('\n', "\r\n"), format!("\u{feff}{TEXT}")] {
            let expected = text.replace("['c1', \"c2\"]", "[\"c2\"]");
            assert_eq!(unbind("paid", &["c1"]).apply(&text).unwrap(), expected);
        }
        let mixed = TEXT.replacen('\n', "\r\n", 1);
        let (code, message) = edit_error(&unbind("paid", &["c1"]), &mixed);
        assert_eq!(code, EditErrorKind::Invalid);
        assert!(message.starts_with("expected a file that gatepost can edit without"), "{message}");
        let unended = TEXT.trim_end();
        let expected = replaced(&[("['c1', \"c2\"]", "[\"c2\"]")]);
        assert_eq!(unbind("paid", &["c1"]).apply(unended).unwrap(), expected);
    }

    #[test]
    fn syntax_error_does_not_quote_the_line() {
        let (code, message) = edit_error(&delete("a"), "a = 1\nkeys = ['hunter2\n");
        assert_eq!(code, EditErrorKind::Invalid);
        assert!(message.starts_with("line 2: expected TOML, found an error:"), "{message}");
        assert!(!message.contains("hunter2"), "{message}");
    }

    fn modified(text: &str, change: TemplateChange) -> Result<String, EditError> {
        Edit::Modify { name: "a".into(), change }.apply(text)
    }

    #[test]
    fn does_not_edit_inline_table_over_several_lines() {
        let text = "[[template]]\nname = 'a'\non = {\n  push = 'x', # p\n  error = 'y', # e\n}\n";
        for on in [("error", None), ("push", Some(KindEntry::Url("http://a/".into())))] {
            let on = vec![(on.0.to_owned(), on.1)];
            let problem =
                modified(text, TemplateChange { on, ..TemplateChange::default() }).unwrap_err();
            assert!(problem.message().contains("edit the file by hand"), "{}", problem.message());
        }
        let inner = "[[template]]\nname = 'a'\n[template.on]\npush = {\n url = 'x' # p\n}\n";
        let on = vec![("push".to_owned(), Some(KindEntry::Url("http://a/".into())))];
        let problem =
            modified(inner, TemplateChange { on, ..TemplateChange::default() }).unwrap_err();
        assert!(problem.message().contains("edit the file by hand"), "{}", problem.message());
    }

    #[test]
    fn adds_description_to_template_that_has_only_a_name() {
        let text = "[[template]]\nname = 'a'\n";
        let change = TemplateChange { description: Some("x".into()), ..TemplateChange::default() };
        let text = modified(text, change).unwrap();
        assert_eq!(text, "[[template]]\nname = 'a'\ndescription = \"x\"\n");
    }
}
