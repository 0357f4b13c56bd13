//! Tests of the manual: the page of config keys (generated from the schema), the table of contents,
//! the excerpts of definitions, and the links.

use std::fmt::Write as _;
use std::path::Path;

use serde_json::{Map, Value};

use crate::view_files::{COMMAND, check_file};

const LEAD: &str = "All keys of the config file, from the schema that `gatepost schema config` prints.

[`full.toml`](https://github.com/gatepost/gatepost/blob/main/proxy/configs/full.toml) is a config with every key.
[Defaults](defaults.md) has the reasons for the defaults. `{ env = \"NAME\" }` can replace a string or a number.
A secret is `{ env = \"NAME\" }` or `{ file = \"PATH\" }`. If the key of a duration names no unit, the value is a string with a
unit: `\"5s\"`, `\"1500ms\"`. `gatepost check` reports unknown keys as errors.
";

/// Path of the schema of a secret.
const SECRET: &str = "#/$defs/secret";

/// Maximum number of words that a cell lists.
const MAX_WORDS: usize = 8;

struct Page<'a> {
    definitions: &'a Value,
    text: String,
}

impl Page<'_> {
    fn resolve<'v>(&'v self, schema: &'v Value) -> &'v Value {
        let name = schema["$ref"].as_str().and_then(|path| path.strip_prefix("#/$defs/"));
        name.map_or(schema, |name| &self.definitions[name])
    }

    /// Returns the alternatives of a schema, without `{ env = "NAME" }`, which the page explains
    /// once.
    fn alternatives<'v>(&'v self, schema: &'v Value) -> Vec<&'v Value> {
        if schema["$ref"] == "#/$defs/variable" {
            return Vec::new();
        }
        if schema["$ref"] == SECRET {
            return vec![schema];
        }
        let schema = self.resolve(schema);
        match schema["anyOf"].as_array() {
            Some(any) => any.iter().flat_map(|one| self.alternatives(one)).collect(),
            None => vec![schema],
        }
    }

    /// Returns the form of a value, for example `integer, 1 to 1024`.
    fn form(&self, schema: &Value) -> String {
        let mut forms: Vec<String> = Vec::new();
        for one in self.alternatives(schema) {
            let form = self.one_form(one);
            if !forms.contains(&form) {
                forms.push(form);
            }
        }
        forms.join(" or ")
    }

    fn one_form(&self, schema: &Value) -> String {
        if schema["$ref"] == SECRET {
            return "secret".to_owned();
        }
        if let Some(words) = schema["enum"].as_array() {
            let words: Vec<_> = words.iter().map(|word| format!("`{word}`")).collect();
            let short = words.len() <= MAX_WORDS;
            return if short { words.join(", ") } else { "string".to_owned() };
        }
        match schema["type"].as_str().unwrap_or("string") {
            "integer" => match (schema["minimum"].as_i64(), schema["maximum"].as_i64()) {
                (Some(least), Some(most)) => format!("integer, {least} to {most}"),
                _ => "integer".to_owned(),
            },
            "array" if schema["items"]["type"] == "object" => "tables".to_owned(),
            "array" => format!("list of {}s", self.form(&schema["items"])),
            "object" => "table".to_owned(),
            other => other.to_owned(),
        }
    }

    /// Returns the keys of the table that a schema describes, and true if the schema describes a
    /// list of tables. Returns `None` if the schema describes no table.
    fn keys<'v>(&'v self, schema: &'v Value) -> Option<(&'v Map<String, Value>, bool)> {
        self.alternatives(schema).into_iter().find_map(|one| {
            let is_list = one["type"] == "array";
            let table = if is_list { &one["items"] } else { one };
            Some((table["properties"].as_object()?, is_list))
        })
    }

    fn about(&self, schema: &Value) -> String {
        let own = schema["description"].as_str();
        let items = schema["items"]["description"].as_str();
        let shared = self.resolve(schema)["description"].as_str();
        let text = own.or(items).or(shared).unwrap_or_default();
        let word = |word: &str| match word.strip_suffix([';', ',', '.']) {
            Some(url) if url.starts_with("https://") => word.replace(url, &format!("`{url}`")),
            _ => word.to_owned(),
        };
        let words: Vec<_> = text.split(' ').map(word).collect();
        words.join(" ").replace('|', "\\|").replace('[', "\\[")
    }

    /// Writes the table of the keys, then a section for each key that is a table.
    fn section(&mut self, title: &str, name: &str, keys: &Map<String, Value>) {
        let level = if name.is_empty() { "#" } else { "##" };
        let mut text = format!("\n{level} {title}\n\n| key | value | meaning |\n|---|---|---|\n");
        for (key, schema) in keys {
            writeln!(text, "| `{key}` | {} | {} |", self.form(schema), self.about(schema)).unwrap();
        }
        self.text += &text;
        for (key, schema) in keys {
            let schema = schema.clone();
            let Some((keys, is_list)) = self.keys(&schema) else { continue };
            let keys = keys.clone();
            let name = if name.is_empty() { key.clone() } else { format!("{name}.{key}") };
            let title = if is_list { format!("`[[{name}]]`") } else { format!("`[{name}]`") };
            self.section(&title, &name, &keys);
        }
    }
}

fn page() -> String {
    let schema = gatepost::config_schema();
    let text = format!("<!-- @generated by `{COMMAND}`. -->\n{LEAD}");
    let mut page = Page { definitions: &schema["$defs"], text };
    let keys = schema["properties"].as_object().unwrap();
    page.section("Keys of the file", "", keys);
    let kind = schema["$defs"]["any_kind"].clone();
    let (keys, _) = page.keys(&kind).unwrap();
    let keys = keys.clone();
    page.section("A kind under `[template.on]`", "template.on.KIND", &keys);
    page.text
}

/// Checks that `SUMMARY.md`, the table of contents of the book, lists each page of the rustdoc
/// manual.
#[test]
fn summary_of_book_lists_every_page() {
    let summary = std::fs::read_to_string("src/manual/SUMMARY.md").unwrap();
    for (folder, prefix) in [("src/manual", ""), ("src/manual/guides", "guides/")] {
        for entry in std::fs::read_dir(folder).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            let is_page = name.ends_with(".md") && name != "SUMMARY.md";
            let listed = summary.contains(&format!("]({prefix}{name})"));
            assert!(
                !is_page || listed,
                "expected {prefix}{name} in src/manual/SUMMARY.md, found no link to it"
            );
        }
    }
}

/// Adds the missing parts of a definition to an excerpt.
fn whole_definition(excerpt: &str) -> String {
    let starts_with = |table: &str| excerpt.lines().any(|line| line.starts_with(table));
    let mut text = format!("name = 'p'\ntitle = 'P'\ndocs = 'd'\nce_type = 'p'\n{excerpt}\n");
    let body = if excerpt.contains("form-pairs") { "form" } else { "json" };
    if !starts_with("[request]") {
        text += &format!("[request]\nmethods = 'POST'\nbody = '{body}'\n");
    }
    if !starts_with("[kind]") {
        text += "[kind]\nfrom = 'header:x-kind'\n";
    }
    if !starts_with("[kinds.") {
        text += "[kinds.event]\n";
    }
    if excerpt.contains("hmac = ") {
        text += "[signature]\ndigest = 'hmac-sha256'\nparts = 'body'\nfound_in = 'header:s'\n\
                 encoding = 'hex'\n";
    }
    if starts_with("[common]") {
        text += "[fields]\nstream = 'string'\nip = 'string'\nfile = 'string'\nsecs = 'integer'\n\
                 state = 'string'\n[kinds.on_publish.reply]\nallow_status = 200\n\
                 deny_status = 403\n";
    }
    text
}

/// Checks that each TOML excerpt in `language.md`, the page of the definition language, is a part
/// of a definition without faults.
#[test]
fn excerpts_of_definitions_have_no_faults() {
    let page = std::fs::read_to_string("src/manual/language.md").unwrap();
    let excerpts: Vec<_> = page.split("```toml\n").skip(1).collect();
    let count = excerpts.len();
    assert!(
        count > 10,
        "expected more than 10 TOML excerpts in src/manual/language.md, found {count}"
    );
    let features = ["\"raw\"", "[reply.ack]", ".reply.ack]", "method =", "id =", "from = [["];
    for feature in features {
        let is_shown = excerpts.iter().any(|excerpt| {
            let block = excerpt.split("```").next();
            block.is_some_and(|block| block.contains(feature))
        });
        assert!(is_shown, "expected `{feature}` in src/manual/language.md, found none");
    }
    for excerpt in excerpts {
        let (excerpt, _) = excerpt.split_once("```").unwrap();
        let parsed = gatepost::Definition::parse(&whole_definition(excerpt));
        let faults = parsed.err().map(|error| error.to_string());
        assert_eq!(faults, None, "{excerpt}");
    }
}

/// Checks the pages that `build.rs` converts for rustdoc: relative links do not work on docs.rs.
#[test]
fn pages_for_rustdoc_have_no_relative_links() {
    for folder in ["", "guides", "platforms"] {
        for entry in std::fs::read_dir(Path::new("src/manual").join(folder)).unwrap() {
            let name = entry.unwrap().file_name();
            if !name.to_str().unwrap().ends_with(".md") {
                continue;
            }
            let page = Path::new(env!("OUT_DIR")).join("manual").join(folder).join(name);
            let text = std::fs::read_to_string(&page).unwrap();
            let mut targets = ["](", "]: "].iter().flat_map(|start| text.split(start).skip(1));
            let is_relative = |target: &&str| {
                let end = target.find([')', ' ', '\n']).unwrap_or(target.len());
                let (file, _heading) =
                    target[..end].split_once('#').unwrap_or((&target[..end], ""));
                file.ends_with(".md") && !file.contains("://")
            };
            let relative = targets.find(is_relative).map(|target| target.lines().next());
            assert_eq!(relative, None, "{}", page.display());
        }
    }
}

#[test]
fn committed_page_of_config_keys_matches_schema() {
    check_file("src/manual/config.md".as_ref(), &page());
}
