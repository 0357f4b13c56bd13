//! Types in TypeScript.

use super::model::{Member, Model, Record, Type};

/// Returns the model as the text of a TypeScript module.
pub(super) fn print(model: &Model, origin: &str) -> String {
    let records: String = model.records.iter().map(record).collect();
    let events = model
        .events
        .iter()
        .map(|event| format!("  | {{ type: {:?}; data: {} }}\n", event.ce_type, event.record));
    let union = format!(
        "/** An event: the header `ce-type`, and the body. */\nexport type {} =\n{};\n",
        model.union,
        events.collect::<String>().trim_end()
    );
    format!("// {origin}\n\n{records}{union}")
}

fn record(record: &Record) -> String {
    let mut text = doc(&record.about, "");
    text += &format!("export interface {} {{\n", record.name);
    record.members.iter().for_each(|one| text += &member(one));
    if record.received {
        text += "  /** A platform may add fields. */\n  [field: string]: unknown;\n";
    }
    text + "}\n\n"
}

fn member(member: &Member) -> String {
    let (mark, null) = if member.required { ("", "") } else { ("?", " | null") };
    let ty = name_of(&member.ty);
    format!("{}  {}{mark}: {ty}{null};\n", doc(&member.about, "  "), key(&member.name))
}

/// Returns the name of a member. Quotes a name that is not an identifier.
fn key(name: &str) -> String {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    let is_name = name.chars().all(is_plain) && !name.starts_with(|one: char| one.is_ascii_digit());
    if is_name { name.to_owned() } else { format!("{name:?}") }
}

fn name_of(ty: &Type) -> String {
    match ty {
        Type::Any => "unknown".to_owned(),
        Type::Boolean => "boolean".to_owned(),
        Type::Integer | Type::Number => "number".to_owned(),
        Type::List(of) => format!("Array<{}>", name_of(of)),
        Type::Object => "Record<string, unknown>".to_owned(),
        Type::Record(name) => name.clone(),
        Type::Text => "string".to_owned(),
    }
}

fn doc(about: &str, indent: &str) -> String {
    if about.is_empty() {
        return String::new();
    }
    format!("{indent}/** {} */\n", about.replace("*/", "* /").replace('\n', " "))
}
