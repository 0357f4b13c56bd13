//! Views: a callback's data as a Rust type.
//!
//! A view has each field that its definition declares, at every depth, and no other; what is
//! optional there is an `Option` here, and what the platform has added since stays in `extra`. The
//! tests below hold every view against its definition.

/// A callback's data as a Rust type.
///
/// Implemented by the views of this crate, such as [`kollus::LivePlay`](super::kollus::LivePlay),
/// and by [`serde_json::Value`], which takes any kind.
pub trait View: serde::de::DeserializeOwned {
    /// Whether the type describes this kind of this provider.
    fn describes(provider: &str, kind: &str) -> bool;
}

impl View for serde_json::Value {
    fn describes(_provider: &str, _kind: &str) -> bool {
        true
    }
}

/// Says which kind each view describes.
macro_rules! describe {
    ($provider:literal: $($view:ident = $kind:literal,)*) => {$(
        impl $crate::provider::View for $view {
            fn describes(provider: &str, kind: &str) -> bool {
                provider == $provider && kind == $kind
            }
        }
    )*};
}

/// Prints these fields of a type and no other: the others hold credentials, or what people said
/// and where they were.
macro_rules! print_only {
    ($($type:ident: $($field:ident)*;)*) => {$(
        impl std::fmt::Debug for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_struct(stringify!($type))
                    $(.field(stringify!($field), &self.$field))*
                    .finish_non_exhaustive()
            }
        }
    )*};
}

pub(super) use {describe, print_only};

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::{Map, Value, json};

    use super::View;
    use crate::json::{Object, Shape};
    use crate::provider::field::{Field, Fields, SentBy, Type};
    use crate::provider::{Kind, Plan, built_in_named};

    /// The providers whose every kind has a view. A definition needs no Rust; these have it all
    /// the same.
    const TYPED: [&str; 3] = ["kollus", "tencent-css", "tencent-trtc"];

    /// A field that a view has and no definition can declare, since it is of two types.
    const UNDECLARED: (&str, [&str; 2]) = ("tencent-trtc", ["EventInfo", "RoomId"]);

    /// A view, whichever it is.
    struct Typed {
        name: &'static str,
        describes: fn(&str, &str) -> bool,
        /// Reads the data and writes it again.
        round: fn(Value) -> serde_json::Result<Value>,
        /// Reads the data and prints it.
        print: fn(Value) -> String,
    }

    fn typed<T: View + serde::Serialize + std::fmt::Debug>() -> Typed {
        Typed {
            name: std::any::type_name::<T>(),
            describes: T::describes,
            round: |data| serde_json::to_value(serde_json::from_value::<T>(data)?),
            print: |data| format!("{:?}", serde_json::from_value::<T>(data).unwrap()),
        }
    }

    fn views() -> Vec<Typed> {
        use crate::provider::{kollus::*, tencent_css::*, tencent_trtc::*};

        vec![
            typed::<Bookmark>(),
            typed::<BroadcastState>(),
            typed::<ChannelAdd>(),
            typed::<ChannelDelete>(),
            typed::<ContentUpdate>(),
            typed::<Drm>(),
            typed::<LiveLms>(),
            typed::<LivePlay>(),
            typed::<NextEpisode>(),
            typed::<RecordingTransfer>(),
            typed::<Transcoding>(),
            typed::<Upload>(),
            typed::<VodLms>(),
            typed::<VodPlay>(),
            typed::<AudioModeration>(),
            typed::<EvaluationAverage>(),
            typed::<EvaluationLow>(),
            typed::<Highlights>(),
            typed::<Interruption>(),
            typed::<PornDetection>(),
            typed::<Push>(),
            typed::<PushError>(),
            typed::<QualityControl>(),
            typed::<RecordingException>(),
            typed::<RecordingFile>(),
            typed::<RecordingStatus>(),
            typed::<Relay>(),
            typed::<Screencapture>(),
            typed::<SmartErasing>(),
            typed::<StreamliveInterruption>(),
            typed::<StreamlivePush>(),
            typed::<Subtitles>(),
            typed::<Summary>(),
            typed::<Notification>(),
        ]
    }

    /// Looks at every kind of the typed providers, with the one view that describes it.
    fn for_every_kind(check: impl Fn(&Plan, &Kind, &Typed)) {
        let views = views();
        let mut seen = BTreeSet::new();
        for plan in TYPED.map(|name| built_in_named(name).unwrap()) {
            for kind in &plan.kinds {
                let own = views.iter().filter(|view| (view.describes)(&plan.name, &kind.name));
                let own: Vec<_> = own.collect();
                let names: Vec<_> = own.iter().map(|view| view.name).collect();
                let [view] = own[..] else { panic!("{}.{}: {names:?}", plan.name, kind.name) };
                check(&plan, kind, view);
                seen.insert(view.name);
            }
        }
        assert_eq!(seen.len(), views.len(), "a view describes nothing");
    }

    /// A value of the type with all that is declared in it.
    fn whole(ty: &Type) -> Value {
        match ty {
            Type::Array { inner, .. } | Type::Json { shape: Some(Shape::Array), inner } => {
                inner.fields.as_deref().map_or_else(|| json!([1, "text", {}]), |f| json!([all(f)]))
            }
            Type::Object { inner, .. } | Type::Json { inner, .. } => {
                inner.fields.as_deref().map_or_else(|| json!({ "a": 1 }), all)
            }
            Type::Boolean => json!(true),
            Type::Integer(_) | Type::Timestamp(_) => json!(1),
            Type::Number => json!(0.5),
            Type::String => json!("text"),
        }
    }

    fn all(fields: &Fields) -> Value {
        let member = |field: &Field| (field.name.to_string(), whole(&field.ty));
        fields.iter().map(member).collect::<Map<_, _>>().into()
    }

    /// A value that is not of the type; none where the definition leaves open what is in it.
    fn wrong(ty: &Type) -> Option<Value> {
        match ty {
            Type::Object { inner, .. } | Type::Json { inner, .. } if inner.fields.is_none() => None,
            Type::Array { .. } | Type::Json { .. } | Type::Object { .. } => Some(json!("text")),
            Type::Boolean | Type::Integer(_) | Type::Number | Type::Timestamp(_) => {
                Some(json!("text"))
            }
            Type::String => Some(json!(1)),
        }
    }

    /// Every declared field, as a JSON pointer: whether it is optional, and what it is not.
    fn declared(fields: &Fields, at: &str) -> Vec<(String, bool, Option<Value>)> {
        let mut list = Vec::new();
        for field in fields.iter() {
            let own = format!("{at}/{}", field.name);
            let deeper = match (&field.ty, whole(&field.ty)) {
                (_, Value::Array(_)) => format!("{own}/0"),
                _ => own.clone(),
            };
            list.push((own, field.optional, wrong(&field.ty)));
            if let Type::Array { inner, .. } | Type::Json { inner, .. } | Type::Object { inner, .. } =
                &field.ty
                && let Some(inner) = inner.fields.as_deref()
            {
                list.extend(declared(inner, &deeper));
            }
        }
        list
    }

    fn without(data: &Value, pointer: &str) -> Value {
        let mut data = data.clone();
        let (outer, name) = pointer.rsplit_once('/').unwrap();
        let object = data.pointer_mut(outer).and_then(Value::as_object_mut).unwrap();
        assert!(object.remove(name).is_some(), "{pointer}");
        data
    }

    fn with(data: &Value, pointer: &str, value: Value) -> Value {
        let mut data = data.clone();
        *data.pointer_mut(pointer).unwrap() = value;
        data
    }

    #[test]
    fn every_kind_has_a_view_that_agrees_with_its_definition() {
        for_every_kind(|plan, kind, view| {
            let name = format!("{}.{}", plan.name, kind.name);
            let mut data = all(&kind.fields);
            let (provider, [outer, inner]) = UNDECLARED;
            if *plan.name == *provider {
                data[outer][inner] = json!(1);
            }
            // Types agree, and nothing in the view is undeclared: that would come out as a null.
            assert_eq!((view.round)(data.clone()).unwrap(), data, "{name}");
            for (pointer, optional, wrong) in declared(&kind.fields, "") {
                let place = format!("{name}: {pointer}");
                let absent = (view.round)(without(&data, &pointer));
                if optional {
                    // What is declared is in the view: what is only in `extra` stays away.
                    let null = with(&data, &pointer, Value::Null);
                    assert_eq!(absent.expect(&place), null, "{place}: it is not in the view");
                    assert_eq!((view.round)(null.clone()).expect(&place), null, "{place}");
                } else {
                    assert!(absent.is_err(), "{place}: the view does not ask for it");
                }
                if let Some(wrong) = wrong {
                    let read = (view.round)(with(&data, &pointer, wrong));
                    assert!(read.is_err(), "{place}: it is of another type in the view");
                }
            }
        });
    }

    #[test]
    fn no_view_prints_a_credential() {
        for_every_kind(|plan, kind, view| {
            let data = all(&kind.fields);
            for field in kind.fields.iter().filter(|field| field.secret) {
                let printed =
                    (view.print)(with(&data, &format!("/{}", field.name), json!("hunter2")));
                assert!(
                    !printed.contains("hunter2"),
                    "{}.{}: {}",
                    plan.name,
                    kind.name,
                    field.name
                );
            }
        });
    }

    /// The same for what says the same: without nulls, and 10 for 10.0.
    fn plain(value: Value) -> Value {
        match value {
            Value::Array(list) => list.into_iter().map(plain).collect(),
            Value::Object(members) => {
                let said = members.into_iter().filter(|(_, value)| !value.is_null());
                said.map(|(name, value)| (name, plain(value))).collect::<Map<_, _>>().into()
            }
            Value::Number(number) => match number.as_f64().filter(|n| n.fract() == 0.0) {
                Some(whole) if number.is_f64() => json!(whole as i64),
                _ => Value::Number(number),
            },
            Value::Bool(_) | Value::Null | Value::String(_) => value,
        }
    }

    #[test]
    fn every_sample_reads_into_its_view_with_nothing_lost() {
        for_every_kind(|plan, kind, view| {
            let name = format!("{}.{}", plan.name, kind.name);
            let sample = kind.sample.as_deref().or(plan.sample.body.as_deref()).expect(&name);
            let sample = Object::from_json(sample).unwrap();
            let mut data = Vec::new();
            kind.fields
                .write_object(&sample, SentBy::Platform, |_| false, &mut data)
                .unwrap_or_else(|fault| panic!("{name}: {fault}"));
            let data: Value = serde_json::from_slice(&data).unwrap();
            let read = (view.round)(data.clone()).unwrap_or_else(|error| panic!("{name}: {error}"));
            assert_eq!(plain(read), plain(data), "{name}");
        });
    }
}
