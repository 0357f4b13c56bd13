//! What the command line shows of definitions, configs and verdicts. Never on a request's way.

mod definition;
mod explain;
mod info;
mod sample;
mod schema;

pub use definition::Definition;
pub use explain::{Explanation, Step};
pub use info::{FieldInfo, KindInfo, ProviderInfo, SettingInfo, providers};
pub use sample::{Sample, SampleError};
pub use schema::config_schema;
