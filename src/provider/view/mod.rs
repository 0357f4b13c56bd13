//! Views: Rust types for the data of events.
//!
//! A view has a member for each field that the provider's definition declares for the kind. The
//! types of objects inside the data follow the same rule. An optional field is an `Option`. The
//! member `extra` contains the undeclared fields of a callback. The tests below compare every view
//! with the definition.

/// A Rust type for the data of an event.
///
/// A view such as [`kollus::LivePlay`](super::kollus::LivePlay) describes one kind.
/// [`serde_json::Value`] describes every kind.
///
/// ```
/// use gatepost::{View, kollus::LivePlay};
///
/// assert!(LivePlay::describes("kollus", "live_play"));
/// assert!(!LivePlay::describes("kollus", "vod_play"));
/// assert!(serde_json::Value::describes("kollus", "vod_play"));
/// ```
pub trait View: serde::de::DeserializeOwned {
    /// Returns `true` if this type describes the data of the kind `kind` of `provider`.
    fn describes(provider: &str, kind: &str) -> bool;
}

impl View for serde_json::Value {
    fn describes(_provider: &str, _kind: &str) -> bool {
        true
    }
}

/// Declares views, and structs for the objects in a view.
///
/// Each struct has a member `extra` for undeclared fields. If an app serializes a struct again, the
/// output therefore contains every field that the platform sent.
macro_rules! view {
    ($($(#[$meta:meta])* pub struct $name:ident {
        $($(#[$field_meta:meta])* pub $field:ident: $type:ty,)*
    })*) => {$(
        #[derive(Clone, PartialEq, serde::Serialize, serde::Deserialize)]
        #[non_exhaustive]
        $(#[$meta])*
        pub struct $name {
            $($(#[$field_meta])* pub $field: $type,)*
            /// Fields that this type does not declare.
            #[serde(flatten)]
            pub extra: serde_json::Map<String, serde_json::Value>,
        }
    )*};
}

/// Implements [`View`] for types that each describe one kind of a provider.
macro_rules! describe {
    ($provider:literal: $($view:ident = $kind:literal,)*) => {$(
        impl $crate::provider::View for $view {
            fn describes(provider: &str, kind: &str) -> bool {
                provider == $provider && kind == $kind
            }
        }
    )*};
}

/// Declares a typed answer: required fields with their initial values, then optional fields.
///
/// Each optional field has a setter of the same name. If the app does not call the setter, the JSON
/// omits the field.
macro_rules! answer {
    ($(#[$meta:meta])* pub struct $name:ident {
        $($(#[$required_meta:meta])* $required:ident: $required_type:ty = $initial:expr,)*
    } optional {
        $($(#[$doc:meta])* $field:ident($($argument:ident: $argument_type:ty),*)
            -> $type:ty = $value:expr,)*
    }) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
        #[must_use]
        pub struct $name {
            $($(#[$required_meta])* $required: $required_type,)*
            $(#[serde(skip_serializing_if = "Option::is_none")] $field: Option<$type>,)*
        }

        impl $name {
            const EMPTY: Self = Self { $($required: $initial,)* $($field: None,)* };

            $($(#[$doc])*
            pub const fn $field(mut self, $($argument: $argument_type),*) -> Self {
                self.$field = Some($value);
                self
            })*
        }
    };
}

pub(super) use {answer, describe, view};

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::{Map, Value, json};

    use super::View;
    use crate::json::{Object, Shape};
    use crate::provider::field::{Conversion, Field, Fields, Type};
    use crate::provider::{Kind, Plan, built_in_named};

    /// The providers for which every kind has a view.
    const TYPED: [&str; 3] = ["kollus", "tencent-css", "tencent-trtc"];

    /// The provider and the path of a field that the view has but the definition does not declare.
    /// The platform sends a string or a number, but a declaration has only one type.
    const UNDECLARED: (&str, [&str; 2]) = ("tencent-trtc", ["EventInfo", "RoomId"]);

    /// The functions of one view. All views have this type, so that a list can contain them.
    struct AnyView {
        name: &'static str,
        describes: fn(&str, &str) -> bool,
        /// Deserializes the data and serializes it again.
        round_trip: fn(Value) -> serde_json::Result<Value>,
        /// Deserializes the data and formats it with `Debug`.
        debug: fn(Value) -> String,
    }

    fn view<T: View + serde::Serialize + std::fmt::Debug>() -> AnyView {
        AnyView {
            name: std::any::type_name::<T>(),
            describes: T::describes,
            round_trip: |data| serde_json::to_value(serde_json::from_value::<T>(data)?),
            debug: |data| format!("{:?}", serde_json::from_value::<T>(data).unwrap()),
        }
    }

    fn views() -> Vec<AnyView> {
        use crate::provider::{kollus::*, tencent_css::*, tencent_trtc::*};

        vec![
            view::<Bookmark>(),
            view::<BroadcastState>(),
            view::<ChannelAdd>(),
            view::<ChannelDelete>(),
            view::<ContentUpdate>(),
            view::<Drm>(),
            view::<LiveLms>(),
            view::<LivePlay>(),
            view::<NextEpisode>(),
            view::<RecordingTransfer>(),
            view::<Transcoding>(),
            view::<Upload>(),
            view::<VodLms>(),
            view::<VodPlay>(),
            view::<AudioModeration>(),
            view::<EvaluationAverage>(),
            view::<EvaluationLow>(),
            view::<Highlights>(),
            view::<Interruption>(),
            view::<PornDetection>(),
            view::<Push>(),
            view::<PushError>(),
            view::<QualityControl>(),
            view::<RecordingException>(),
            view::<RecordingFile>(),
            view::<RecordingStatus>(),
            view::<Relay>(),
            view::<Screencapture>(),
            view::<SmartErasing>(),
            view::<StreamliveInterruption>(),
            view::<StreamlivePush>(),
            view::<Subtitles>(),
            view::<Summary>(),
            view::<Notification>(),
        ]
    }

    /// Calls `check` with every kind of the typed providers and the only view of that kind.
    fn for_every_kind(check: impl Fn(&Plan, &Kind, &AnyView)) {
        let views = views();
        let mut used = BTreeSet::new();
        for plan in TYPED.map(|name| built_in_named(name).unwrap()) {
            for kind in &plan.kinds {
                let found = views.iter().filter(|view| (view.describes)(&plan.name, &kind.name));
                let found: Vec<_> = found.collect();
                let names: Vec<_> = found.iter().map(|view| view.name).collect();
                let [view] = found[..] else {
                    panic!("{}.{}: expected one view, found {names:?}", plan.name, kind.name)
                };
                check(&plan, kind, view);
                used.insert(view.name);
            }
        }
        assert_eq!(used.len(), views.len(), "expected every view to describe a kind");
    }

    /// Returns a value of the type `ty` with every declared field.
    fn full_value(ty: &Type) -> Value {
        match ty {
            Type::Array { inner, .. } | Type::Json { shape: Some(Shape::Array), inner } => inner
                .fields
                .as_deref()
                .map_or_else(|| json!([1, "text", {}]), |f| json!([full_object(f)])),
            Type::Object { inner, .. } | Type::Json { inner, .. } => {
                inner.fields.as_deref().map_or_else(|| json!({ "a": 1 }), full_object)
            }
            Type::Any => json!("a"),
            Type::Boolean => json!(true),
            Type::Integer(_) | Type::Timestamp(_) => json!(1),
            Type::Number => json!(0.5),
            Type::String => json!("text"),
        }
    }

    fn full_object(fields: &Fields) -> Value {
        let member = |field: &Field| (field.name.to_string(), full_value(&field.ty));
        fields.iter().map(member).collect::<Map<_, _>>().into()
    }

    /// Returns a value that is not of the type `ty`. Returns `None` for an object or JSON text
    /// without declared fields, because the view may accept any value.
    fn wrong_value(ty: &Type) -> Option<Value> {
        match ty {
            Type::Object { inner, .. } | Type::Json { inner, .. } if inner.fields.is_none() => None,
            Type::Array { .. } | Type::Json { .. } | Type::Object { .. } => Some(json!("text")),
            Type::Boolean | Type::Integer(_) | Type::Number | Type::Timestamp(_) => {
                Some(json!("text"))
            }
            Type::String => Some(json!(1)),
            Type::Any => None,
        }
    }

    /// Returns a tuple for every declared field: the field's JSON pointer, `true` for an optional
    /// field, and a value of a wrong type.
    fn declared(fields: &Fields, outer: &str) -> Vec<(String, bool, Option<Value>)> {
        let mut list = Vec::new();
        for field in fields.iter() {
            let pointer = format!("{outer}/{}", field.name);
            let contents = match (&field.ty, full_value(&field.ty)) {
                (_, Value::Array(_)) => format!("{pointer}/0"),
                _ => pointer.clone(),
            };
            list.push((pointer, field.optional, wrong_value(&field.ty)));
            if let Type::Array { inner, .. } | Type::Json { inner, .. } | Type::Object { inner, .. } =
                &field.ty
                && let Some(inner) = inner.fields.as_deref()
            {
                list.extend(declared(inner, &contents));
            }
        }
        list
    }

    fn without(data: &Value, pointer: &str) -> Value {
        let mut data = data.clone();
        let (outer, name) = pointer.rsplit_once('/').unwrap();
        let object = data.pointer_mut(outer).and_then(Value::as_object_mut).unwrap();
        assert!(object.remove(name).is_some(), "expected a member at {pointer}");
        data
    }

    fn with(data: &Value, pointer: &str, value: Value) -> Value {
        let mut data = data.clone();
        *data.pointer_mut(pointer).unwrap() = value;
        data
    }

    #[test]
    fn views_have_the_declared_fields_with_their_types() {
        for_every_kind(|plan, kind, view| {
            let name = format!("{}.{}", plan.name, kind.name);
            let mut data = full_object(&kind.fields);
            let (provider, [outer, inner]) = UNDECLARED;
            if *plan.name == *provider {
                data[outer][inner] = json!(1);
            }
            // If the view had a field that the definition lacks, the output would contain a `null`.
            assert_eq!((view.round_trip)(data.clone()).unwrap(), data, "{name}");
            for (pointer, optional, wrong) in declared(&kind.fields, "") {
                let place = format!("{name}: {pointer}");
                let absent = (view.round_trip)(without(&data, &pointer));
                if optional {
                    // The view serializes an absent field as `null` only if the view has the field.
                    let null = with(&data, &pointer, Value::Null);
                    assert_eq!(absent.expect(&place), null, "{place}: expected a declared field");
                    assert_eq!((view.round_trip)(null.clone()).expect(&place), null, "{place}");
                } else {
                    assert!(absent.is_err(), "{place}: expected an error for a missing field");
                }
                if let Some(wrong) = wrong {
                    let read = (view.round_trip)(with(&data, &pointer, wrong));
                    assert!(read.is_err(), "{place}: expected an error for a wrong type");
                }
            }
        });
    }

    #[test]
    fn debug_output_contains_no_credential() {
        for_every_kind(|plan, kind, view| {
            let data = full_object(&kind.fields);
            for field in kind.fields.iter().filter(|field| field.secret) {
                let printed =
                    (view.debug)(with(&data, &format!("/{}", field.name), json!("hunter2")));
                assert!(
                    !printed.contains("hunter2"),
                    "{}.{}: expected no value of `{}` in the output",
                    plan.name,
                    kind.name,
                    field.name
                );
            }
        });
    }

    /// Removes `null` members and converts 10.0 to 10, so that equal data compares as equal.
    fn normalized(value: Value) -> Value {
        match value {
            Value::Array(list) => list.into_iter().map(normalized).collect(),
            Value::Object(members) => {
                let present = members.into_iter().filter(|(_, value)| !value.is_null());
                present.map(|(name, value)| (name, normalized(value))).collect::<Map<_, _>>().into()
            }
            Value::Number(number) => match number.as_f64().filter(|n| n.fract() == 0.0) {
                Some(whole) if number.is_f64() => json!(whole as i64),
                _ => Value::Number(number),
            },
            Value::Bool(_) | Value::Null | Value::String(_) => value,
        }
    }

    #[test]
    fn views_keep_all_data_of_the_samples() {
        for_every_kind(|plan, kind, view| {
            let name = format!("{}.{}", plan.name, kind.name);
            let sample = kind.sample.as_deref().or(plan.sample.body.as_deref()).expect(&name);
            let sample = Object::from_json(sample).unwrap();
            let mut data = Vec::new();
            kind.fields
                .write_message(&sample, &mut Conversion::of_callback(), |_| false, &mut data)
                .unwrap_or_else(|fault| panic!("{name}: {fault}"));
            let data: Value = serde_json::from_slice(&data).unwrap();
            let read =
                (view.round_trip)(data.clone()).unwrap_or_else(|error| panic!("{name}: {error}"));
            assert_eq!(normalized(read), normalized(data), "{name}");
        });
    }
}
