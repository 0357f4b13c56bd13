//! Providers: platforms as data.
//!
//! A definition says how a provider signs, which events it sends, with which fields, and what it
//! expects to hear. It is read from TOML and compiled once. Beside each built-in definition stand
//! its typed views, which a test holds against it.

pub(crate) mod definition;
pub(crate) mod field;
pub(crate) mod info;
pub(crate) mod plan;
pub(crate) mod pointer;
pub(crate) mod reply;
pub(crate) mod signature;

pub mod kollus;
pub mod tencent_css;

pub(crate) use plan::{Kind, Plan};

/// Every definition that comes with the crate, as written.
const BUILT_IN: [&str; 2] = [include_str!("kollus.toml"), include_str!("tencent_css.toml")];

/// Every definition that comes with the crate, compiled.
pub(crate) fn built_in() -> impl Iterator<Item = Plan> {
    // A test compiles each of them, so none is left out.
    BUILT_IN.iter().filter_map(|text| definition::parse(text).ok())
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
    use super::*;

    #[test]
    fn every_built_in_definition_compiles() {
        for text in BUILT_IN {
            if let Err(faults) = definition::parse(text) {
                panic!("{faults:#?}");
            }
        }
    }
}
