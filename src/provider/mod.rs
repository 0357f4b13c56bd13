//! Providers: platforms as data.
//!
//! A definition says how a provider signs, which events it sends, with which fields, and what it
//! expects to hear. It is read from TOML and compiled once. Beside each built-in definition stand
//! its typed views, which a test holds against it.

pub(crate) mod decision;
pub(crate) mod definition;
pub(crate) mod digest;
pub(crate) mod field;
pub(crate) mod locator;
pub(crate) mod plan;
pub(crate) mod pointer;
pub(crate) mod setting;
pub(crate) mod signature;

pub mod kollus;
pub mod tencent_css;
pub mod tencent_trtc;
mod view;

pub(crate) use plan::{Kind, Plan};
pub use view::View;

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

#[cfg(test)]
mod tests {
    use super::*;

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
