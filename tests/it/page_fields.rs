//! Tables of the fields of each kind and of its reply, for the manual's page of a platform.

use std::fmt::Write as _;

use gatepost::{FieldInfo, KindInfo, ProviderInfo};

/// Maximum number of kinds that a heading names.
const MAX_NAMES: usize = 3;

/// Kinds whose events and replies have the same fields.
struct Group<'p> {
    kinds: Vec<&'p KindInfo>,
    fields: Vec<String>,
    reply: Vec<String>,
}

/// Writes the tables of each group of kinds. Omits kinds without declared fields.
pub fn write(out: &mut String, provider: &ProviderInfo) {
    let groups = groups(provider);
    if groups.is_empty() {
        return;
    }
    out.push_str(
        "# Fields\n\nThe app receives these fields in the data of the event, and also fields that the platform adds later. An\n\
         optional field may be absent. If gatepost refuses a callback without a field, `gatepost providers` and the\n\
         types of `gatepost types` and of Rust require the field. Every other field is optional there.\n\n",
    );
    for Group { kinds, fields, reply } in groups {
        writeln!(out, "## {}\n", heading(&kinds)).unwrap();
        if kinds.len() > MAX_NAMES {
            let names: Vec<_> = kinds.iter().map(|kind| format!("`{}`", kind.name)).collect();
            writeln!(out, "The kinds {} have these fields:\n", names.join(", ")).unwrap();
        }
        write_table(out, "field", &fields);
        if !reply.is_empty() {
            write_table(out, "field of the reply", &reply);
        }
    }
}

fn groups(provider: &ProviderInfo) -> Vec<Group<'_>> {
    let mut groups: Vec<Group<'_>> = Vec::new();
    for kind in &provider.kinds {
        let (mut fields, mut reply) = (Vec::new(), Vec::new());
        add_rows(&mut fields, &kind.fields, "");
        add_rows(&mut reply, &kind.reply, "");
        if fields.is_empty() && reply.is_empty() {
            continue;
        }
        let same = groups.iter_mut().find(|group| group.fields == fields && group.reply == reply);
        match same {
            Some(group) => group.kinds.push(kind),
            None => groups.push(Group { kinds: vec![kind], fields, reply }),
        }
    }
    groups
}

fn heading(kinds: &[&KindInfo]) -> String {
    let names = kinds.iter().take(MAX_NAMES).map(|kind| format!("`{}`", kind.name));
    let names = names.collect::<Vec<_>>().join(", ");
    match kinds.len().saturating_sub(MAX_NAMES) {
        0 => names,
        more => format!("{names} and {more} more"),
    }
}

/// Adds a row for each field, and for each field inside it. `before` is the prefix of each name in
/// the table, such as `items[].`.
fn add_rows(rows: &mut Vec<String>, fields: &[FieldInfo], before: &str) {
    for field in fields {
        let FieldInfo { name, about, .. } = field;
        let cell = |text: &str| text.replace('|', "\\|").replace('<', "\\<").replace('[', "\\[");
        let about = about.as_deref().map(cell).unwrap_or_default();
        rows.push(format!("| `{before}{name}` | {} | {about} |", ty(field)));
        let list = if field.json_type == Some("array") { "[]" } else { "" };
        add_rows(rows, &field.fields, &format!("{before}{name}{list}."));
    }
}

/// Returns the field's type with its unit, and adds `optional` and `secret` if they apply.
fn ty(field: &FieldInfo) -> String {
    let unit = field.unit.map(|unit| format!(" in {unit}")).unwrap_or_default();
    let optional = if field.optional { ", optional" } else { "" };
    let secret = if field.secret { ", secret" } else { "" };
    format!("{}{unit}{optional}{secret}", field.ty)
}

fn write_table(out: &mut String, title: &str, rows: &[String]) {
    if rows.is_empty() {
        return;
    }
    writeln!(out, "| {title} | type | meaning |\n|---|---|---|\n{}\n", rows.join("\n")).unwrap();
}

#[test]
fn each_field_of_each_kind_is_on_its_page() {
    for provider in gatepost::providers() {
        let mut page = String::new();
        write(&mut page, &provider);
        for kind in &provider.kinds {
            for field in kind.fields.iter().chain(&kind.reply) {
                let cell = format!("| `{}` | {}", field.name, field.ty);
                let name = format!("{}.{}", provider.name, kind.name);
                assert!(page.contains(&cell), "{name}: expected {cell}, found none");
            }
        }
        for row in page.lines().filter(|line| line.starts_with("| `")) {
            let cells = row.replace("\\|", "").matches('|').count();
            let name = &provider.name;
            assert_eq!(cells, 4, "{name}: expected three cells, found another number in {row}");
        }
    }
}

#[test]
fn kinds_with_the_same_fields_share_a_table() {
    let providers = gatepost::providers();
    let kollus = providers.iter().find(|provider| &*provider.name == "kollus").unwrap();
    let groups = groups(kollus);
    let find =
        |name: &str| groups.iter().position(|own| own.kinds.iter().any(|k| &*k.name == name));
    assert_eq!(find("channel_add"), find("channel_delete"));
    assert_ne!(find("live_play"), find("vod_play"));
}
