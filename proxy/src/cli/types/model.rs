//! The types of a provider, independent of a language.
//!
//! A member of an event is required only if gatepost refuses callbacks without the member. A
//! platform may omit or change any other field.

use gatepost::{Definition, FieldInfo, KindInfo};
use serde_json::{Map, Value};

/// The types of a provider's events, and of the app's answers to these events.
#[derive(Debug, Default)]
pub(super) struct Model {
    pub(super) records: Vec<Record>,
    pub(super) events: Vec<EventType>,
    /// Name of the union of all events. The name of a record never begins with `Any`.
    pub(super) union: String,
}

/// An event: the value of `ce-type`, and the record of its data.
#[derive(Debug)]
pub(super) struct EventType {
    pub(super) ce_type: String,
    pub(super) record: String,
}

/// An object with declared members.
#[derive(Debug)]
pub(super) struct Record {
    pub(super) name: String,
    pub(super) about: String,
    /// True for the data of an event, which the app receives; false for an answer.
    pub(super) received: bool,
    /// Members of the object; the required members come first.
    pub(super) members: Vec<Member>,
}

/// A member of an object.
#[derive(Debug)]
pub(super) struct Member {
    pub(super) name: String,
    pub(super) about: String,
    pub(super) ty: Type,
    pub(super) required: bool,
}

/// The type of a value.
#[derive(Clone, Debug)]
pub(super) enum Type {
    Any,
    Boolean,
    Integer,
    List(Box<Self>),
    Number,
    /// An object without declared members.
    Object,
    Record(String),
    Text,
}

impl Model {
    /// Creates the types of one kind of a definition, or of all its kinds.
    pub(super) fn new(definition: &Definition, kind: Option<&str>) -> Self {
        let info = definition.info();
        let mut model = Self::default();
        let provider = words(&info.name);
        model.union = format!("Any{provider}Event");
        for kind in info.kinds.iter().filter(|own| kind.is_none_or(|name| *own.name == *name)) {
            if let Some(schema) = definition.schema(&kind.name) {
                model.kind(&format!("{provider}{}", words(&kind.name)), kind, &schema);
            }
        }
        model
    }

    fn kind(&mut self, name: &str, kind: &KindInfo, schema: &Value) {
        let about = format!("{} Header `ce-type: {}`.", text(schema, "description"), kind.ce_type);
        self.record(name, about.trim(), schema, Some(&kind.fields));
        self.events.push(EventType { ce_type: kind.ce_type.to_string(), record: name.to_owned() });
        let answer = &schema["$defs"]["answer"];
        let forms = answer["anyOf"].as_array().map(Vec::as_slice).unwrap_or_default();
        let Some(common) = forms.last().or_else(|| answer.get("properties").map(|_| answer)) else {
            return;
        };
        let about = format!("Answer of the app to `{}`.", kind.name);
        self.record(&format!("{name}Answer"), &about, common, None);
        if let Some(list) = forms.iter().find(|form| form["type"] == "array") {
            let about = format!(
                "Element of an answer in list form to `{}`: one element for each item of the event.",
                kind.name
            );
            self.record(&format!("{name}AnswerItem"), &about, &list["items"], None);
        }
    }

    /// Adds a record. `fields` are the declared fields of an event; `None` for an answer.
    fn record(&mut self, name: &str, about: &str, schema: &Value, fields: Option<&[FieldInfo]>) {
        let at = self.records.len();
        let received = fields.is_some();
        let (name, about) = (name.to_owned(), about.to_owned());
        self.records.push(Record { name: name.clone(), about, received, members: Vec::new() });
        let none = Map::new();
        let properties = schema["properties"].as_object().unwrap_or(&none);
        let mut members = Vec::new();
        for (key, schema_of_member) in properties {
            let field = fields.and_then(|all| all.iter().find(|field| *field.name == **key));
            let required = match fields {
                Some(_) => field.is_some_and(|field| field.identifying),
                None => lists(&schema["required"], key),
            };
            let inner = fields.map(|_| field.map_or(&[][..], |field| &field.fields));
            let ty = self.ty(&format!("{name}{}", words(key)), schema_of_member, inner);
            let about = text(schema_of_member, "description");
            members.push(Member { name: key.clone(), about, ty, required });
        }
        members.sort_by_key(|member| !member.required);
        self.records[at].members = members;
    }

    fn ty(&mut self, name: &str, schema: &Value, fields: Option<&[FieldInfo]>) -> Type {
        if let Some(any) = schema["anyOf"].as_array() {
            let value = any.iter().find(|one| one["type"] != "null" && one.get("const").is_none());
            return value.map_or(Type::Any, |value| self.ty(name, value, fields));
        }
        if let Some(types) = schema["type"].as_array() {
            return if types.iter().any(|ty| ty == "string") { Type::Text } else { Type::Any };
        }
        match schema["type"].as_str() {
            Some("boolean") => Type::Boolean,
            Some("integer") => Type::Integer,
            Some("number") => Type::Number,
            Some("string") => Type::Text,
            Some("array") => Type::List(Box::new(self.ty(name, &schema["items"], fields))),
            Some("object")
                if schema["properties"].as_object().is_some_and(|all| !all.is_empty()) =>
            {
                self.record(name, "", schema, fields);
                Type::Record(name.to_owned())
            }
            Some("object") => Type::Object,
            _ => Type::Any,
        }
    }
}

fn lists(names: &Value, name: &str) -> bool {
    names.as_array().is_some_and(|names| names.iter().any(|one| one == name))
}

fn text(schema: &Value, key: &str) -> String {
    schema[key].as_str().unwrap_or_default().to_owned()
}

/// Converts a name to upper camel case: `live_play` becomes `LivePlay`. Omits characters other than
/// ASCII letters and digits.
fn words(name: &str) -> String {
    let parts = name.split(|letter: char| !letter.is_ascii_alphanumeric());
    let capital = |part: &str| {
        let mut letters = part.chars();
        let first = letters.next().map(|first| first.to_ascii_uppercase());
        first.into_iter().chain(letters).collect::<String>()
    };
    parts.map(capital).collect()
}
