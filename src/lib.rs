//! gatepost proves a live-video platform's callback genuine, turns it into typed JSON, asks the
//! app, and gives the platform the exact reply that it expects.

#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(feature = "axum")]
pub mod axum;
mod config;
mod document;
mod event;
mod gate;
mod head;
mod intake;
mod json;
#[cfg(feature = "tower")]
pub mod layer;
mod provider;
mod reply;
#[cfg(feature = "tracing")]
pub mod report;
mod route;
mod secret;
mod template;
mod time;
mod verdict;

pub use config::{
    Config, ConfigError, DEFAULT_MAX_BODY_BYTES, MAX_BODY_BYTES_CEILING, ProxySettings,
};
pub use document::Fault;
pub use event::Event;
pub use gate::{Gate, GateBuilder};
pub use head::{Head, Sender, is_reserved, strip_reserved, write_forwarded};
pub use intake::{Admission, Intake};
#[cfg(feature = "tower")]
pub use layer::GateLayer;
pub use provider::info::{FieldInfo, KindInfo, ProviderInfo, providers};
pub use provider::{View, kollus, tencent_css};
pub use reply::{Answer, Conclusion, MAX_ANSWER_BYTES, Next, Origin, Reply};
pub use template::Template;
pub use time::Timestamp;
pub use verdict::{Accepted, Refusal, RefusalKind, Unavailable, UnavailableKind, ViewError};
