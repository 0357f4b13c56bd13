//! Views: Rust types for the data of events.
//!
//! `tests/it/view_files.rs` generates the views of a provider from its definition. A view has a
//! member for each declared field of a kind. These rules apply to views, and to the types of
//! objects inside the data:
//!
//! - A field without which gatepost refuses a callback has the type `T`: a decision or the identity
//!   of the callback depends on the field. Any other field has the type `Option<T>`.
//! - A value that does not have the declared type is a misfit. The field is then `None`, and the
//!   member `extra` contains the value as received.
//! - The member for an array contains only the elements that have the declared type. If an element
//!   has another type, `extra` contains the complete array as received.
//! - `extra` also contains the undeclared fields.
//!
//! If an app serializes a view, the output therefore contains all data of the event, except for
//! fields that are `null`.

mod value;

pub(super) use value::{
    FieldValue, MemberName, Parsed, ViewField, ViewObject, read_as_object, read_field, required,
    write_field,
};

/// A Rust type for the data of an event.
///
/// A view such as [`kollus::LivePlay`](crate::kollus::LivePlay) describes one kind, or several
/// kinds with the same fields. An enum such as
/// [`kollus::KollusCallback`](crate::kollus::KollusCallback) describes all kinds of a provider.
/// [`serde_json::Value`] describes every kind.
///
/// ```
/// use gatepost::{View, kollus::LivePlay};
///
/// assert!(LivePlay::describes("kollus", "live_play"));
/// assert!(!LivePlay::describes("kollus", "vod_play"));
/// assert!(serde_json::Value::describes("kollus", "vod_play"));
/// ```
///
/// An app can implement `View` for a type of its own:
///
/// ```
/// use gatepost::View;
///
/// #[derive(serde::Deserialize)]
/// struct Opened {
///     number: u64,
/// }
///
/// impl View for Opened {
///     fn describes(provider: &str, kind: &str) -> bool {
///         provider == "github" && kind == "issues"
///     }
///
///     fn read(_kind: &str, data: &str) -> serde_json::Result<Self> {
///         serde_json::from_str(data)
///     }
/// }
///
/// assert_eq!(Opened::read("issues", r#"{"number":1}"#)?.number, 1);
/// # Ok::<(), serde_json::Error>(())
/// ```
pub trait View: Sized {
    /// Returns `true` if this type describes the data of the kind `kind` of `provider`.
    fn describes(provider: &str, kind: &str) -> bool;

    /// Reads `data`: the data of an event of the kind `kind`, as a JSON object.
    ///
    /// # Errors
    ///
    /// Returns an error if the data does not match the type. The data of an accepted callback
    /// always matches the generated views.
    fn read(kind: &str, data: &str) -> serde_json::Result<Self>;
}

impl View for serde_json::Value {
    fn describes(_provider: &str, _kind: &str) -> bool {
        true
    }

    fn read(_kind: &str, data: &str) -> serde_json::Result<Self> {
        serde_json::from_str(data)
    }
}

/// Declares views, and types for the objects in a view.
///
/// `prints` lists the fields that the `Debug` output contains.
macro_rules! view {
    ($($(#[$meta:meta])* pub struct $name:ident prints($($printed:ident)*) {
        $($(#[$field_meta:meta])* $field:ident: $type:ty = $json:literal,)*
    })*) => {$(
        $(#[$meta])*
        #[derive(Clone, PartialEq)]
        #[non_exhaustive]
        pub struct $name {
            $($(#[$field_meta])* pub $field: $type,)*
            /// Undeclared fields, and values that do not have the type of their field.
            pub extra: serde_json::Map<String, serde_json::Value>,
        }

        impl $crate::provider::view::ViewObject for $name {
            fn read_members<'de, A: serde::de::MapAccess<'de>>(
                mut object: A,
            ) -> Result<Self, A::Error> {
                use $crate::provider::view::{MemberName, ViewField, read_field};

                let mut extra = serde_json::Map::new();
                $(let mut $field = None;)*
                while let Some(MemberName(name)) = object.next_key()? {
                    match &*name {
                        $($json => $field = read_field(&mut object, $json, &mut extra)?,)*
                        _ => {
                            extra.insert(name.into_owned(), object.next_value()?);
                        }
                    }
                }
                $(let $field = ViewField::of_value($field)
                    .ok_or_else(|| serde::de::Error::missing_field($json))?;)*
                Ok(Self { $($field,)* extra })
            }
        }

        impl $crate::provider::view::FieldValue for $name {
            fn of_object<'de, A: serde::de::MapAccess<'de>>(
                object: A,
            ) -> Result<$crate::provider::view::Parsed<Self>, A::Error> {
                let view = $crate::provider::view::ViewObject::read_members(object)?;
                Ok($crate::provider::view::Parsed::fit(view))
            }
        }

        $crate::provider::view::required!([] $name);

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                $crate::provider::view::read_as_object(deserializer)
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                use serde::ser::SerializeMap as _;
                use $crate::provider::view::write_field;

                let mut members = serializer.serialize_map(None)?;
                $(write_field(&mut members, $json, &self.$field, &self.extra)?;)*
                for (name, value) in &self.extra {
                    members.serialize_entry(name, value)?;
                }
                members.end()
            }
        }

        $crate::printable::print_only! { $name: $($printed)*; }
    )*};
}

/// Implements [`View`] for types that describe one or more kinds of a provider.
macro_rules! describe {
    ($provider:literal: $($view:ident = $($kind:literal)|+,)*) => {$(
        impl $crate::provider::View for $view {
            fn describes(provider: &str, kind: &str) -> bool {
                provider == $provider && matches!(kind, $($kind)|+)
            }

            fn read(_kind: &str, data: &str) -> serde_json::Result<Self> {
                serde_json::from_str(data)
            }
        }
    )*};
}

/// Declares an enum of all kinds of a provider.
macro_rules! callback {
    ($provider:literal: $(#[$meta:meta])* pub enum $name:ident {
        $($(#[$variant_meta:meta])* $variant:ident($view:ident) = $kind:literal,)*
    }) => {
        $(#[$meta])*
        #[derive(Clone, PartialEq, serde::Serialize)]
        #[serde(untagged)]
        #[non_exhaustive]
        #[allow(clippy::large_enum_variant, reason = "an app has few callbacks in memory at a time")]
        pub enum $name {
            $($(#[$variant_meta])* $variant($view),)*
            /// A callback of a kind without a variant. If the definition does not declare the kind,
            /// its name is `unknown`.
            Unknown(serde_json::Map<String, serde_json::Value>),
        }

        impl $crate::provider::View for $name {
            fn describes(provider: &str, _kind: &str) -> bool {
                provider == $provider
            }

            fn read(kind: &str, data: &str) -> serde_json::Result<Self> {
                match kind {
                    $($kind => serde_json::from_str(data).map(Self::$variant),)*
                    _ => serde_json::from_str(data).map(Self::Unknown),
                }
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                match self {
                    $(Self::$variant(view) => {
                        f.debug_tuple(stringify!($variant)).field(view).finish()
                    })*
                    Self::Unknown(_) => f.debug_tuple("Unknown").finish_non_exhaustive(),
                }
            }
        }
    };
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

pub(in crate::provider) use {answer, callback, describe, view};
