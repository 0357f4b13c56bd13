//! Types in PHP: a class for each object. An event's class has `fromArray`; an answer's class is
//! `JsonSerializable`.

use super::model::{Member, Model, Record, Type};

/// Returns the model as the text of a PHP file.
pub(super) fn print(model: &Model, origin: &str) -> String {
    let records: String = model.records.iter().map(record).collect();
    format!("<?php\n\n// {origin}\n\ndeclare(strict_types=1);\n\n{records}")
}

fn record(record: &Record) -> String {
    let implements = if record.received { "" } else { " implements JsonSerializable" };
    let mut text = doc(&record.about, "");
    text += &format!("final class {}{implements}\n{{\n", record.name);
    if record.members.is_empty() {
        text += "    public function __construct() {}\n";
    } else {
        text += "    public function __construct(\n";
        record.members.iter().for_each(|member| text += &parameter(member));
        text += "    ) {}\n";
    }
    text += &if record.received { from_array(record) } else { json_serialize(record) };
    text + "}\n\n"
}

fn parameter(member: &Member) -> String {
    let about = doc(&described(member), "        ");
    let (null, default) = match (&member.ty, member.required) {
        (_, true) => ("", ""),
        (Type::Any, false) => ("", " = null"),
        _ => ("?", " = null"),
    };
    let ty = if matches!(member.ty, Type::Number) {
        // PHP does not permit the short form `?` in a union type.
        if member.required { "int|float" } else { "null|int|float" }.to_owned()
    } else {
        format!("{null}{}", name_of(&member.ty))
    };
    format!("{about}        public readonly {ty} ${}{default},\n", variable(&member.name))
}

/// Returns the description; for a list, with the type of its elements.
fn described(member: &Member) -> String {
    let Type::List(of) = &member.ty else { return member.about.clone() };
    let list = format!("@var list<{}>|null", name_of(of));
    if member.about.is_empty() { list } else { format!("{} {list}", member.about) }
}

/// Returns the method that reads an event. If the value of an optional member does not have the
/// declared type, the value becomes null.
fn from_array(record: &Record) -> String {
    let mut text = String::from(
        "\n    /** Reads the event: json_decode($body, true). */\n    \
         public static function fromArray(array $data): self\n    {\n        return new self(\n",
    );
    for member in &record.members {
        let value = format!("$data[{}]", quoted(&member.name));
        let value =
            if member.required { converted(&value, &member.ty) } else { read(&value, &member.ty) };
        text += &format!("            {value},\n");
    }
    text + "        );\n    }\n"
}

fn read(value: &str, ty: &Type) -> String {
    let test = match ty {
        Type::Any => return format!("{value} ?? null"),
        Type::Boolean => "is_bool",
        Type::Integer => "is_int",
        Type::List(_) | Type::Object | Type::Record(_) => "is_array",
        Type::Number => "is_numeric",
        Type::Text => "is_string",
    };
    format!("{test}({value} ?? null) ? {} : null", converted(value, ty))
}

/// Converts a value of the declared type: a record becomes an object of its generated class.
fn converted(value: &str, ty: &Type) -> String {
    if let Type::Record(name) = ty {
        return format!("{name}::fromArray({value})");
    }
    if matches!(ty, Type::Number) {
        return format!("{value} + 0");
    }
    let Type::List(of) = ty else { return value.to_owned() };
    let Type::Record(name) = &**of else { return value.to_owned() };
    format!("array_map({name}::fromArray(...), array_filter({value}, is_array(...)))")
}

fn json_serialize(record: &Record) -> String {
    let mut text = String::from(
        "\n    public function jsonSerialize(): array\n    {\n        return array_filter([\n",
    );
    for member in &record.members {
        let (key, variable) = (quoted(&member.name), variable(&member.name));
        text += &format!("            {key} => $this->{variable},\n");
    }
    text + "        ], fn($value) => $value !== null);\n    }\n"
}

/// Returns the name of a variable. PHP reserves `$this`.
fn variable(name: &str) -> String {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    let name: String = name.chars().map(|one| if is_plain(one) { one } else { '_' }).collect();
    let needs_mark = name == "this" || name.starts_with(|first: char| first.is_ascii_digit());
    if needs_mark { format!("_{name}") } else { name }
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
}

fn name_of(ty: &Type) -> &str {
    match ty {
        Type::Any => "mixed",
        Type::Boolean => "bool",
        Type::Integer => "int",
        Type::List(_) | Type::Object => "array",
        Type::Number => "float",
        Type::Record(name) => name,
        Type::Text => "string",
    }
}

fn doc(about: &str, indent: &str) -> String {
    if about.is_empty() {
        return String::new();
    }
    format!("{indent}/** {} */\n", about.replace("*/", "* /").replace('\n', " "))
}
