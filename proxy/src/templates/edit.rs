//! The edits, each a pure function of the file's text.

use toml_edit::{Array, Table, Value};

use super::array;
use super::document::Document;
use super::draft::{Change, Draft, KeySource};
use super::entries::Entries;
use super::fields::{array_mut, list, string, strings};
use super::modify::modify;
use super::problem::{Code, Problem};
use super::rules::{check_has_delivery, check_name_is_free, check_once, check_tenant_is_free};

/// One edit of the config file.
#[derive(Debug)]
pub(crate) enum Edit {
    Bind { name: String, tenants: Vec<String> },
    Create(Draft),
    Delete { name: String },
    Modify { name: String, change: Change },
    Unbind { name: String, tenants: Vec<String> },
}

impl Edit {
    /// The template's name.
    pub(crate) fn template(&self) -> &str {
        match self {
            Self::Create(draft) => &draft.name,
            Self::Bind { name, .. }
            | Self::Delete { name }
            | Self::Modify { name, .. }
            | Self::Unbind { name, .. } => name,
        }
    }

    /// What was done, for the log.
    pub(crate) const fn verb(&self) -> &'static str {
        match self {
            Self::Bind { .. } => "template bound",
            Self::Create(_) => "template created",
            Self::Delete { .. } => "template deleted",
            Self::Modify { .. } => "template modified",
            Self::Unbind { .. } => "template unbound",
        }
    }

    /// The text with the edit made; it is still to be checked.
    pub(crate) fn apply(&self, text: &str) -> Result<String, Problem> {
        let mut document = Document::parse_to_edit(text)?;
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

fn create(document: &mut Document, draft: &Draft) -> Result<(), Problem> {
    check_name_is_free(document, &draft.name)?;
    for tenant in &draft.bind {
        check_tenant_is_free(document, &draft.name, &draft.provider, tenant)?;
    }
    check_once("kind", draft.on.iter().map(|(kind, _)| kind))?;
    check_once("setting", draft.settings.iter().map(|(name, _)| name))?;
    let template = new_table(draft);
    check_has_delivery(&template, &draft.name)?;
    document.append(template);
    Ok(())
}

fn new_table(draft: &Draft) -> Table {
    let mut table = Table::new();
    let mut entries = Entries::Table(&mut table);
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
    let settings = draft.settings.iter().map(|(name, value)| (name, value.clone()));
    fill(&mut entries, "settings", settings.collect());
    fill(&mut entries, "on", on.collect());
    table
}

/// Fills a table of a template, if there is anything to put in.
fn fill(entries: &mut Entries<'_>, key: &str, values: Vec<(&String, Value)>) {
    if values.is_empty() {
        return;
    }
    if let Some(mut table) = entries.table(key) {
        values.into_iter().for_each(|(name, value)| table.set(name, value));
    }
}

fn delete(document: &mut Document, name: &str) -> Result<(), Problem> {
    let tenants = strings(document.template(name)?, "bind");
    if !tenants.is_empty() {
        let message = format!("`{name}` is bound to {}; unbind it first", list(&tenants));
        return Err(Problem::new(Code::TemplateInUse, message));
    }
    let pins = document.pins(name);
    if !pins.is_empty() {
        let message = format!(
            "the route {} has template = \"{name}\"; take that out of the file first",
            list(&pins)
        );
        return Err(Problem::new(Code::TemplateInUse, message));
    }
    document.remove(name)
}

fn bind(document: &mut Document, name: &str, tenants: &[String]) -> Result<(), Problem> {
    let template = document.template(name)?;
    let provider = string(template, "provider").unwrap_or_default().to_owned();
    let bound: Vec<_> = strings(template, "bind").into_iter().map(str::to_owned).collect();
    let mut new: Vec<&String> = Vec::new();
    for tenant in tenants {
        check_tenant_is_free(document, name, &provider, tenant)?;
        if !bound.contains(tenant) && !new.contains(&tenant) {
            new.push(tenant);
        }
    }
    if new.is_empty() {
        return Ok(());
    }
    let mut template = document.template_mut(name)?;
    let list = array_mut(&mut template, "bind")?;
    new.into_iter().for_each(|tenant| array::push(list, tenant.into()));
    Ok(())
}

fn unbind(document: &mut Document, name: &str, tenants: &[String]) -> Result<(), Problem> {
    let bound = strings(document.template(name)?, "bind");
    if let Some(tenant) = tenants.iter().find(|tenant| !bound.contains(&&***tenant)) {
        let there = if bound.is_empty() { "nobody".to_owned() } else { list(&bound) };
        let message = format!("`{tenant}` is not bound to `{name}`; bound to it: {there}");
        return Err(Problem::new(Code::TenantNotBound, message));
    }
    let mut template = document.template_mut(name)?;
    let list = array_mut(&mut template, "bind")?;
    let goes = |value: &Value| value.as_str().is_some_and(|own| tenants.iter().any(|t| t == own));
    array::remove_where(list, goes);
    Ok(())
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::templates::draft::Entry;

    /// A file with comments at every place, and a route behind its first template.
    pub(in crate::templates) const TEXT: &str = "\
# The gate of the studio.

listen = ['127.0.0.1:8080'] # proxy

# Members
# only
[[template]]
name     = 'paid' # as in the console
provider = 'kollus'
bind     = ['c1', \"c2\"]   # channels

[template.on] # where to
# the play
live_play = { url = 'http://127.0.0.1:3000/play', timeout_ms = 1500 } # in time

# All platforms below.

# Tencent's door
[[route]]
path     = '/t' # theirs
provider = 'tencent-css'
template = 'prod'

# Pushes.

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

    pub(in crate::templates) fn replaced(changes: &[(&str, &str)]) -> String {
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

    fn draft(name: &str, bind: &[&str]) -> Draft {
        Draft {
            name: name.into(),
            provider: "tencent-css".into(),
            bind: bind.iter().map(|tenant| (*tenant).to_owned()).collect(),
            on: vec![("push".into(), Entry::Url("http://127.0.0.1:3000/n".into()))],
            ..Draft::default()
        }
    }

    /// The code and the message of a refusal.
    pub(in crate::templates) fn refusal(edit: &Edit, text: &str) -> (Code, String) {
        let problem = edit.apply(text).unwrap_err();
        (problem.code, problem.to_string())
    }

    #[test]
    fn creates_at_the_end_and_leaves_all_else() {
        let answer: toml_edit::InlineTable = "{ result = 1 }".parse::<Value>().map_or_else(
            |error| panic!("{error}"),
            |value| value.as_inline_table().cloned().unwrap(),
        );
        let draft = Draft {
            description: Some("直播 \"x\"".into()),
            keys: vec![KeySource::Env("KEY".into()), KeySource::File("a.key".into())],
            bind: vec!["new.example.com".into()],
            on: vec![
                ("push".into(), Entry::Url("http://127.0.0.1:3000/n".into())),
                ("*".into(), Entry::Answer(answer)),
            ],
            settings: vec![("grace_secs".into(), 5.into())],
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
    fn creates_in_a_list_in_braces_and_in_an_empty_file() {
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
    fn a_name_is_unique() {
        let (code, message) = refusal(&Edit::Create(draft("paid", &[])), TEXT);
        assert_eq!(code, Code::NameTaken);
        assert_eq!(message, "there is a template `paid` already; choose another name");
    }

    #[test]
    fn a_tenant_has_one_template_of_a_provider() {
        let text = &format!("{TEXT}[[template]]\nname = 'other'\nprovider = 'tencent-css'\n");
        let taken = "`push.example.com` is bound to the template `prod`; unbind it there first";
        for edit in [
            bind("other", &["new.example.com", "push.example.com"]),
            Edit::Create(draft("n", &["push.example.com"])),
        ] {
            assert_eq!(refusal(&edit, text), (Code::TenantTaken, taken.to_owned()));
        }
        assert!(bind("paid", &["push.example.com"]).apply(text).is_ok(), "another provider");
    }

    #[test]
    fn a_new_template_has_an_address_or_an_answer() {
        for on in [
            vec![],
            vec![(
                "push".to_owned(),
                Entry::Table(
                    "{ timeout_ms = 5 }"
                        .parse::<Value>()
                        .unwrap()
                        .as_inline_table()
                        .unwrap()
                        .clone(),
                ),
            )],
        ] {
            let (code, message) = refusal(&Edit::Create(Draft { on, ..draft("n", &[]) }), TEXT);
            assert_eq!(code, Code::Invalid);
            assert!(message.contains("neither an address nor an answer"), "{message}");
        }
    }

    #[test]
    fn a_kind_is_given_once() {
        let on = || ("push".to_owned(), Entry::Url("http://127.0.0.1/".into()));
        let draft = Draft { on: vec![on(), on()], ..draft("n", &[]) };
        assert!(refusal(&Edit::Create(draft), TEXT).1.contains("`push` is given twice"));
    }

    #[test]
    fn binds_behind_the_others() {
        let edited = bind("prod", &["a.example.com", "push.example.com", "a.example.com"]);
        let new = "  'push.example.com', # one\n  \"a.example.com\",\n]";
        let expected = replaced(&[("  'push.example.com', # one\n]", new)]);
        assert_eq!(edited.apply(TEXT).unwrap(), expected);
        let expected = replaced(&[("['c1', \"c2\"]", "['c1', \"c2\", \"*\"]")]);
        assert_eq!(bind("paid", &["*"]).apply(TEXT).unwrap(), expected);
        assert_eq!(bind("paid", &["c1"]).apply(TEXT).unwrap(), TEXT);
    }

    #[test]
    fn binds_where_nothing_or_one_text_is_written() {
        let text = "[[template]] # a\nname = 'a'\non.push = 'x'\n";
        let bound = bind("a", &["t"]).apply(text).unwrap();
        assert_eq!(bound, "[[template]] # a\nname = 'a'\non.push = 'x'\nbind = [\"t\"]\n");
        let text = "[[template]]\nbind = 'o' # one\nname = 'a'\n";
        let bound = bind("a", &["t"]).apply(text).unwrap();
        assert_eq!(bound, "[[template]]\nbind = ['o', \"t\"] # one\nname = 'a'\n");
    }

    #[test]
    fn unbinds_and_leaves_the_others() {
        let expected = replaced(&[("['c1', \"c2\"]", "[\"c2\"]")]);
        assert_eq!(unbind("paid", &["c1"]).apply(TEXT).unwrap(), expected);
        let expected = replaced(&[("['c1', \"c2\"]", "[]")]);
        assert_eq!(unbind("paid", &["c2", "c1"]).apply(TEXT).unwrap(), expected);
        let (code, message) = refusal(&unbind("paid", &["c1", "c3"]), TEXT);
        assert_eq!(code, Code::TenantNotBound);
        assert_eq!(message, "`c3` is not bound to `paid`; bound to it: `c1`, `c2`");
    }

    #[test]
    fn what_is_bound_or_pinned_is_not_deleted() {
        let (code, message) = refusal(&delete("paid"), TEXT);
        assert_eq!(code, Code::TemplateInUse);
        assert_eq!(message, "`paid` is bound to `c1`, `c2`; unbind it first");
        let unbound = unbind("prod", &["push.example.com"]).apply(TEXT).unwrap();
        let (code, message) = refusal(&delete("prod"), &unbound);
        assert_eq!(code, Code::TemplateInUse);
        assert!(message.starts_with("the route `/t` has template = \"prod\";"), "{message}");
    }

    #[test]
    fn a_template_goes_with_the_comments_directly_above_it() {
        let text = unbind("paid", &["c1", "c2"]).apply(TEXT).unwrap();
        let start = text.find("# Members").unwrap();
        let end = text.find("# All platforms").unwrap();
        let expected = format!("{}{}", &text[..start], &text[end..]);
        assert_eq!(delete("paid").apply(&text).unwrap(), expected);
    }

    #[test]
    fn what_a_blank_line_parts_from_a_template_stays() {
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
    fn an_unknown_name_lists_the_known_ones() {
        for edit in [delete("x"), bind("x", &["t"]), unbind("x", &["t"])] {
            let (code, message) = refusal(&edit, TEXT);
            assert_eq!(code, Code::TemplateNotFound);
            assert_eq!(message, "there is no template `x`; there is: `paid`, `prod`");
        }
    }

    #[test]
    fn line_ends_and_marks_stay() {
        for text in [TEXT.replace('\n', "\r\n"), format!("\u{feff}{TEXT}")] {
            let expected = text.replace("['c1', \"c2\"]", "[\"c2\"]");
            assert_eq!(unbind("paid", &["c1"]).apply(&text).unwrap(), expected);
        }
        let mixed = TEXT.replacen('\n', "\r\n", 1);
        let (code, message) = refusal(&unbind("paid", &["c1"]), &mixed);
        assert_eq!(code, Code::Invalid);
        assert!(message.starts_with("the file cannot be edited without"), "{message}");
        let unended = TEXT.trim_end();
        let expected = replaced(&[("['c1', \"c2\"]", "[\"c2\"]")]);
        assert_eq!(unbind("paid", &["c1"]).apply(unended).unwrap(), expected);
    }

    #[test]
    fn what_is_no_toml_is_not_quoted() {
        let (code, message) = refusal(&delete("a"), "a = 1\nkeys = ['hunter2\n");
        assert_eq!(code, Code::Invalid);
        assert!(message.starts_with("line 2: this is not TOML:"), "{message}");
        assert!(!message.contains("hunter2"), "{message}");
    }

    fn modified(text: &str, change: Change) -> Result<String, Problem> {
        Edit::Modify { name: "a".into(), change }.apply(text)
    }

    #[test]
    fn what_stands_in_braces_over_several_lines_is_left_to_people() {
        let text = "[[template]]\nname = 'a'\non = {\n  push = 'x', # p\n  error = 'y', # e\n}\n";
        for on in [("error", None), ("push", Some(Entry::Url("http://a/".into())))] {
            let on = vec![(on.0.to_owned(), on.1)];
            let problem = modified(text, Change { on, ..Change::default() }).unwrap_err();
            assert!(problem.message.contains("edit the file by hand"), "{}", problem.message);
        }
        let inner = "[[template]]\nname = 'a'\n[template.on]\npush = {\n url = 'x' # p\n}\n";
        let on = vec![("push".to_owned(), Some(Entry::Url("http://a/".into())))];
        let problem = modified(inner, Change { on, ..Change::default() }).unwrap_err();
        assert!(problem.message.contains("edit the file by hand"), "{}", problem.message);
    }

    #[test]
    fn a_template_that_keeps_its_paths_can_be_changed_otherwise() {
        let text = "[[template]]\nname = 'a'\n";
        let change = Change { description: Some("x".into()), ..Change::default() };
        let text = modified(text, change).unwrap();
        assert_eq!(text, "[[template]]\nname = 'a'\ndescription = \"x\"\n");
    }
}
