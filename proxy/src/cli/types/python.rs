//! Types in Python: a `TypedDict` for each object.

use super::model::{Model, Record, Type};

/// Keywords, which the class syntax does not permit as names of members.
const KEYWORDS: [&str; 35] = [
    "False", "None", "True", "and", "as", "assert", "async", "await", "break", "class", "continue",
    "def", "del", "elif", "else", "except", "finally", "for", "from", "global", "if", "import",
    "in", "is", "lambda", "nonlocal", "not", "or", "pass", "raise", "return", "try", "while",
    "with", "yield",
];

/// Returns the model as the text of a Python module. A type precedes the types that use it.
pub(super) fn print(model: &Model, origin: &str) -> String {
    let records: String = model.records.iter().rev().map(record).collect();
    let events = model.events.iter();
    let events = events.map(|event| format!("    {:?}: {},\n", event.ce_type, event.record));
    let table = format!(
        "# The type of the body for each value of the header `ce-type`.\nEVENTS: dict[str, Any] = {{\n{}}}\n",
        events.collect::<String>()
    );
    format!("# {origin}\n\nfrom typing import Any, NotRequired, TypedDict\n\n\n{records}{table}")
}

fn record(record: &Record) -> String {
    if record.members.iter().all(|member| is_name(&member.name)) {
        class(record)
    } else {
        call(record)
    }
}

fn class(record: &Record) -> String {
    let mut text = format!("class {}(TypedDict):\n", record.name);
    if !record.about.is_empty() {
        text +=
            &format!("    \"\"\"{}\"\"\"\n\n", record.about.replace('\\', "/").replace('"', "'"));
    }
    for member in &record.members {
        if !member.about.is_empty() {
            text += &format!("    # {}\n", member.about.replace('\n', " "));
        }
        text += &format!("    {}: {}\n", member.name, wrapped(&member.ty, member.required));
    }
    if record.members.is_empty() && record.about.is_empty() {
        text += "    pass\n";
    }
    text + "\n\n"
}

/// Returns a type in the call syntax of `TypedDict`, which permits names that are not identifiers.
fn call(record: &Record) -> String {
    let mut text = String::new();
    if !record.about.is_empty() {
        text += &format!("# {}\n", record.about.replace('\n', " "));
    }
    text += &format!("{0} = TypedDict(\"{0}\", {{\n", record.name);
    for member in &record.members {
        text += &format!("    {:?}: {},\n", member.name, wrapped(&member.ty, member.required));
    }
    text + "})\n\n\n"
}

fn is_name(name: &str) -> bool {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    let starts = name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_');
    // In a class, Python changes a name that begins with two underscores.
    starts && name.chars().all(is_plain) && !name.starts_with("__") && !KEYWORDS.contains(&name)
}

fn wrapped(ty: &Type, required: bool) -> String {
    if required { name_of(ty) } else { format!("NotRequired[{} | None]", name_of(ty)) }
}

fn name_of(ty: &Type) -> String {
    match ty {
        Type::Any => "Any".to_owned(),
        Type::Boolean => "bool".to_owned(),
        Type::Integer => "int".to_owned(),
        Type::List(of) => format!("list[{}]", name_of(of)),
        Type::Number => "float".to_owned(),
        Type::Object => "dict[str, Any]".to_owned(),
        Type::Record(name) => name.clone(),
        Type::Text => "str".to_owned(),
    }
}
