//! JSON Schemas (draft 2020-12), made of the definitions: of each kind's data and answer, and of
//! the config file.

mod config;
mod kind;

pub use config::config_schema;
pub(crate) use kind::of_kind;

/// The draft that every schema names.
const DRAFT: &str = "https://json-schema.org/draft/2020-12/schema";
