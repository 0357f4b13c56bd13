//! Providers: platforms as data.
//!
//! A definition says how a provider signs, which events it sends, with which fields, and what it
//! expects to hear. It is read from TOML and compiled once. Beside each built-in definition stand
//! its typed views, which a test holds against it.

pub(crate) mod definition;
pub(crate) mod digest;
pub(crate) mod field;
pub(crate) mod info;
pub(crate) mod locator;
pub(crate) mod plan;
pub(crate) mod pointer;
pub(crate) mod reply;
pub(crate) mod setting;
pub(crate) mod signature;

pub mod kollus;
pub mod tencent_css;

pub(crate) use plan::{Kind, Plan};

/// Every definition that comes with the crate, by name and as written: each file beside this one.
const BUILT_IN: &[(&str, &str)] = &include!(concat!(env!("OUT_DIR"), "/definitions.rs"));

/// Every definition that comes with the crate, compiled.
pub(crate) fn built_in() -> impl Iterator<Item = Plan> {
    // A test compiles each of them, so none is left out.
    BUILT_IN.iter().filter_map(|(_, text)| definition::parse(text).ok())
}

/// The names of the definitions that come with the crate.
pub(crate) fn built_in_names() -> impl Iterator<Item = &'static str> {
    BUILT_IN.iter().map(|(name, _)| *name)
}

/// The definition of that name, compiled.
pub(crate) fn built_in_named(name: &str) -> Option<Plan> {
    let (_, text) = BUILT_IN.iter().find(|(own, _)| *own == name)?;
    definition::parse(text).ok()
}

/// A callback's data as a Rust type.
///
/// Implemented by the views of this crate, such as [`kollus::LivePlay`], and by
/// [`serde_json::Value`], which takes any kind.
pub trait View: serde::de::DeserializeOwned {
    /// Whether the type describes this kind of this provider.
    fn describes(provider: &str, kind: &str) -> bool;
}

impl View for serde_json::Value {
    fn describes(_provider: &str, _kind: &str) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Map, Value, json};

    use super::*;
    use crate::json::Shape;

    /// A value of each declared type.
    fn sample(ty: &field::Type) -> Value {
        match ty {
            field::Type::Array { .. } => json!([1]),
            field::Type::Boolean => json!(true),
            field::Type::Json { holds: Some(Shape::Array), .. } => json!([{}]),
            field::Type::Json { .. } | field::Type::Object { .. } => json!({ "a": 1 }),
            field::Type::Integer(_) | field::Type::Timestamp(_) => json!(1),
            field::Type::Number => json!(0.5),
            field::Type::String => json!("text"),
        }
    }

    /// Holds a view against its definition: it reads every declared field and no other, and asks
    /// for none that is optional.
    fn hold<T: View + serde::Serialize>(extra: impl Fn(&T) -> bool) -> (String, String) {
        let kinds = built_in().flat_map(|plan| {
            let name = plan.name.to_string();
            plan.kinds.into_iter().map(move |kind| (name.clone(), kind))
        });
        let (provider, kind) =
            kinds.into_iter().find(|(name, kind)| T::describes(name, &kind.name)).unwrap();
        let values = |only_required: bool| -> Map<String, Value> {
            let fields = kind.fields.iter().filter(|field| !only_required || !field.optional);
            fields.map(|field| (field.name.to_string(), sample(&field.ty))).collect()
        };
        let whole: T = serde_json::from_value(values(false).into()).unwrap();
        assert!(!extra(&whole), "{}: a field is not in the view", kind.name);
        let written = serde_json::to_value(&whole).unwrap();
        assert_eq!(written, Value::from(values(false)), "{}", kind.name);
        let _least: T = serde_json::from_value(values(true).into()).unwrap();
        (provider, kind.name.to_string())
    }

    #[test]
    fn every_kind_has_a_view_that_agrees_with_its_definition() {
        use kollus::LivePlay;
        use tencent_css::*;

        let mut held = vec![
            hold::<LivePlay>(|view| !view.extra.is_empty()),
            hold::<Interruption>(|view| !view.extra.is_empty()),
            hold::<PornDetection>(|view| !view.extra.is_empty()),
            hold::<Push>(|view| !view.extra.is_empty()),
            hold::<PushError>(|view| !view.extra.is_empty()),
            hold::<RecordingException>(|view| !view.extra.is_empty()),
            hold::<RecordingFile>(|view| !view.extra.is_empty()),
            hold::<RecordingStatus>(|view| !view.extra.is_empty()),
            hold::<Screencapture>(|view| !view.extra.is_empty()),
        ];
        // A definition needs no Rust; these three have it all the same.
        let typed: [&str; 0] = [];
        let kinds = |plan: Plan| {
            let name = plan.name.to_string();
            plan.kinds.into_iter().map(move |kind| (name.clone(), kind.name.to_string()))
        };
        let typed = typed.iter().filter_map(|name| built_in_named(name));
        let mut all: Vec<_> = typed.flat_map(kinds).collect();
        held.sort();
        all.sort();
        assert!(all.iter().all(|kind| held.contains(kind)), "{all:?}");
    }

    #[test]
    fn every_built_in_definition_compiles() {
        for (name, text) in BUILT_IN {
            match definition::parse(text) {
                Ok(plan) => assert_eq!(*plan.name, **name, "the file is named after the provider"),
                Err(faults) => panic!("{name}: {faults:#?}"),
            }
        }
    }
}
