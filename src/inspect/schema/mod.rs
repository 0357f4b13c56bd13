//! JSON Schemas (draft 2020-12) of each kind's data and answer, and of the config file. gatepost
//! generates the schemas of a kind from the definition of the platform.

mod config;
mod kind;

pub use config::config_schema;
pub(crate) use kind::of_kind;

/// The draft that each schema names in `$schema`.
const DRAFT: &str = "https://json-schema.org/draft/2020-12/schema";
