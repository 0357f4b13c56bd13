//! Providers: the definitions of platforms, and typed views of events.
//!
//! A definition is a TOML text. It describes the callbacks, signatures, kinds, fields and replies
//! of a platform. gatepost compiles a definition to a [`Plan`] when it reads the config, not for
//! each callback. The built-in definitions are the TOML files in `definitions/`. A typed view is a
//! Rust type for the data of an event; `tests/it/view_files.rs` generates `platforms/` from the
//! definitions.

pub(crate) mod challenge;
pub(crate) mod common;
pub(crate) mod decision;
pub(crate) mod definition;
pub(crate) mod digest;
pub(crate) mod field;
mod identity;
pub(crate) mod locator;
pub(crate) mod plan;
pub(crate) mod pointer;
mod public_key;
pub(crate) mod setting;
pub(crate) mod signature;
mod tenant;

pub(crate) mod platforms;
mod view;

pub use identity::IdentityInfo;
pub use plan::Evidence;
pub(crate) use plan::{Kind, Plan, SessionPart};
pub use view::View;

/// The name and TOML text of each built-in definition. The build script lists the files.
const BUILT_IN: &[(&str, &str)] = &include!(concat!(env!("OUT_DIR"), "/definitions.rs"));

/// Compiles every built-in definition.
pub(crate) fn built_in() -> impl Iterator<Item = Plan> {
    // `ok` skips no definition: the test below fails if a definition does not compile.
    BUILT_IN.iter().filter_map(|(_, text)| definition::parse(text).ok())
}

/// Returns the names of the built-in definitions.
pub(crate) fn built_in_names() -> impl Iterator<Item = &'static str> {
    BUILT_IN.iter().map(|(name, _)| *name)
}

/// Compiles the built-in definition with this name. Returns `None` if the name is unknown.
pub(crate) fn built_in_named(name: &str) -> Option<Plan> {
    let (_, text) = BUILT_IN.iter().find(|(built_in, _)| *built_in == name)?;
    definition::parse(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compiles_every_built_in_definition() {
        for (name, text) in BUILT_IN {
            match definition::parse(text) {
                Ok(plan) => assert_eq!(*plan.name, **name, "expected the name of the file {name}"),
                Err(faults) => panic!("expected {name} to compile, found {faults:#?}"),
            }
        }
    }
}
