//! Conversion of JSON into the members of a view. An optional member accepts a value of any type.
//!
//! A field reads its value with `deserialize_any`, which accepts a value of any type. A value that
//! does not have the type of the field is a misfit. If the type of the field contains no [`Value`],
//! gatepost creates a [`Value`] only for a misfit.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde::ser::{Serialize, SerializeMap};
use serde_json::{Map, Number, Value};

/// A value, read as `T`. `null` has neither a `fit` nor a `misfit`.
pub(crate) struct Parsed<T> {
    fit: Option<T>,
    /// The received value that does not have the type `T`. If only some elements of an array fit,
    /// `fit` contains these elements, and `misfit` contains all elements.
    misfit: Option<Value>,
}

impl<T> Parsed<T> {
    const NULL: Self = Self { fit: None, misfit: None };

    pub(crate) const fn fit(value: T) -> Self {
        Self { fit: Some(value), misfit: None }
    }
}

impl<T: FieldValue> Parsed<T> {
    /// Treats `null` as a value, because an element of an array cannot be absent.
    fn or_null(self) -> Self {
        match self {
            Self { fit: None, misfit: None } => T::of_any(Value::Null),
            parsed => parsed,
        }
    }
}

/// The type of a field's value.
///
/// The default methods return a misfit. A type overrides the methods for the JSON types that it
/// accepts.
pub(crate) trait FieldValue: Serialize + Sized {
    fn of_any(value: Value) -> Parsed<Self> {
        Parsed { fit: None, misfit: Some(value) }
    }

    fn of_boolean(value: bool) -> Parsed<Self> {
        Self::of_any(value.into())
    }

    fn of_number(number: Number) -> Parsed<Self> {
        Self::of_any(number.into())
    }

    fn of_text(text: &str) -> Parsed<Self> {
        Self::of_any(text.into())
    }

    fn of_array<'de, A: SeqAccess<'de>>(array: A) -> Result<Parsed<Self>, A::Error> {
        Value::deserialize(SeqAccessDeserializer::new(array)).map(Self::of_any)
    }

    fn of_object<'de, A: MapAccess<'de>>(object: A) -> Result<Parsed<Self>, A::Error> {
        // With its feature `arbitrary_precision`, `serde_json` presents a number as an object.
        let value = Value::deserialize(MapAccessDeserializer::new(object))?;
        let Value::Number(number) = value else { return Ok(Self::of_any(value)) };
        Ok(Self::of_number(number))
    }
}

impl FieldValue for Value {
    fn of_any(value: Value) -> Parsed<Self> {
        Parsed::fit(value)
    }
}

impl FieldValue for bool {
    fn of_boolean(value: bool) -> Parsed<Self> {
        Parsed::fit(value)
    }
}

impl FieldValue for i64 {
    fn of_number(number: Number) -> Parsed<Self> {
        number.as_i64().map_or_else(|| Self::of_any(number.into()), Parsed::fit)
    }
}

impl FieldValue for f64 {
    fn of_number(number: Number) -> Parsed<Self> {
        number.as_f64().map_or_else(|| Self::of_any(number.into()), Parsed::fit)
    }
}

impl FieldValue for String {
    fn of_text(text: &str) -> Parsed<Self> {
        Parsed::fit(text.to_owned())
    }
}

impl FieldValue for Map<String, Value> {
    fn of_object<'de, A: MapAccess<'de>>(object: A) -> Result<Parsed<Self>, A::Error> {
        let value = Value::deserialize(MapAccessDeserializer::new(object))?;
        let Value::Object(members) = value else { return Ok(Self::of_any(value)) };
        Ok(Parsed::fit(members))
    }
}

impl<T: FieldValue> FieldValue for Vec<T> {
    fn of_array<'de, A: SeqAccess<'de>>(mut array: A) -> Result<Parsed<Self>, A::Error> {
        let mut fit = Self::new();
        // All elements; `None` until the first misfit.
        let mut all: Option<Vec<Value>> = None;
        while let Some(element) = array.next_element_seed(Reader::<T>(PhantomData))? {
            match element.or_null() {
                Parsed { fit: Some(element), misfit: None } => {
                    all.iter_mut().for_each(|all| all.push(value_of(&element)));
                    fit.push(element);
                }
                Parsed { fit: element, misfit } => {
                    let all = all.get_or_insert_with(|| fit.iter().map(value_of).collect());
                    all.extend(misfit);
                    fit.extend(element);
                }
            }
        }
        Ok(Parsed { fit: Some(fit), misfit: all.map(Value::Array) })
    }
}

fn value_of(element: &impl Serialize) -> Value {
    serde_json::to_value(element).unwrap_or_default()
}

/// A member of a view: a value, or an `Option` of a value.
pub(crate) trait ViewField: Sized {
    type Value: FieldValue;

    /// Converts a value into the member; `None` if the member is required and `value` is `None`.
    fn of_value(value: Option<Self::Value>) -> Option<Self>;

    fn value(&self) -> Option<&Self::Value>;
}

impl<T: FieldValue> ViewField for Option<T> {
    type Value = T;

    fn of_value(value: Self) -> Option<Self> {
        Some(value)
    }

    fn value(&self) -> Option<&T> {
        self.as_ref()
    }
}

/// Implements [`ViewField`] for types of required fields.
macro_rules! required {
    ($([$($parameter:ident)?] $type:ty),*) => {$(
        impl $(<$parameter: $crate::provider::view::FieldValue>)?
            $crate::provider::view::ViewField for $type
        {
            type Value = Self;

            fn of_value(value: Option<Self>) -> Option<Self> {
                value
            }

            fn value(&self) -> Option<&Self> {
                Some(self)
            }
        }
    )*};
}

pub(crate) use required;

required!([] Value, [] bool, [] i64, [] f64, [] String, [] Map<String, Value>, [T] Vec<T>);

/// A type that reads the members of an object.
pub(crate) trait ViewObject: Sized {
    fn read_members<'de, A: MapAccess<'de>>(object: A) -> Result<Self, A::Error>;
}

/// Reads an object as a view.
pub(crate) fn read_as_object<'de, T: ViewObject, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    struct ObjectVisitor<T>(PhantomData<T>);

    impl<'de, T: ViewObject> Visitor<'de> for ObjectVisitor<T> {
        type Value = T;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(self, object: A) -> Result<T, A::Error> {
            T::read_members(object)
        }
    }

    deserializer.deserialize_map(ObjectVisitor(PhantomData))
}

/// Reads the value of the member `name`, and adds a misfit to `extra`.
pub(crate) fn read_field<'de, T: FieldValue, A: MapAccess<'de>>(
    object: &mut A,
    name: &str,
    extra: &mut Map<String, Value>,
) -> Result<Option<T>, A::Error> {
    let Parsed { fit, misfit } = object.next_value_seed(Reader::<T>(PhantomData))?;
    if let Some(misfit) = misfit {
        extra.insert(name.to_owned(), misfit);
    }
    Ok(fit)
}

/// Writes the member `name`. Writes nothing for an unset field, and for a field whose received
/// value is in `extra`.
pub(crate) fn write_field<S: SerializeMap>(
    members: &mut S,
    name: &str,
    field: &impl ViewField,
    extra: &Map<String, Value>,
) -> Result<(), S::Error> {
    match field.value().filter(|_| !extra.contains_key(name)) {
        Some(value) => members.serialize_entry(name, value),
        None => Ok(()),
    }
}

/// The name of a member. Borrows the name from the JSON text if the name has no escapes.
pub(crate) struct MemberName<'de>(pub(crate) Cow<'de, str>);

impl<'de> Deserialize<'de> for MemberName<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct NameVisitor;

        impl<'de> Visitor<'de> for NameVisitor {
            type Value = MemberName<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a name")
            }

            fn visit_borrowed_str<E: Error>(self, name: &'de str) -> Result<Self::Value, E> {
                Ok(MemberName(Cow::Borrowed(name)))
            }

            fn visit_str<E: Error>(self, name: &str) -> Result<Self::Value, E> {
                Ok(MemberName(Cow::Owned(name.to_owned())))
            }
        }

        deserializer.deserialize_str(NameVisitor)
    }
}

/// Reader of one value of any JSON type as `T`.
struct Reader<T>(PhantomData<T>);

impl<'de, T: FieldValue> DeserializeSeed<'de> for Reader<T> {
    type Value = Parsed<T>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Parsed<T>, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, T: FieldValue> Visitor<'de> for Reader<T> {
    type Value = Parsed<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<Parsed<T>, E> {
        Ok(Parsed::NULL)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Parsed<T>, E> {
        Ok(T::of_boolean(value))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Parsed<T>, E> {
        Ok(T::of_number(number.into()))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Parsed<T>, E> {
        Ok(T::of_number(number.into()))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Parsed<T>, E> {
        Ok(Number::from_f64(number).map_or(Parsed::NULL, T::of_number))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Parsed<T>, E> {
        Ok(T::of_text(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, array: A) -> Result<Parsed<T>, A::Error> {
        T::of_array(array)
    }

    fn visit_map<A: MapAccess<'de>>(self, object: A) -> Result<Parsed<T>, A::Error> {
        T::of_object(object)
    }
}
