//! Descriptions of definitions, configs and verdicts, for the command line and other tools.
//!
//! The code that serves requests does not use this module.

mod codes;
mod definition;
mod explain;
mod info;
mod routes;
mod sample;
mod schema;
mod template_sample;

pub use codes::{CodeGroup, CodeHelp, code_help, codes};
pub use definition::Definition;
pub use explain::{Explanation, Step};
pub use info::{FieldInfo, KindInfo, ProviderInfo, SettingInfo, providers};
pub use routes::{KindForm, RouteInfo, RouteTemplateInfo, RoutedKind};
pub use sample::{Sample, SampleError};
pub use schema::config_schema;
pub use template_sample::TemplateSample;
