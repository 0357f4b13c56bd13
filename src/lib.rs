//! Proves the callbacks of live-video platforms genuine, turns them into typed JSON, asks the app,
//! and gives the platform the exact reply that it expects, in time, whatever the app does.
//!
//! [`Gate`] is a compiled config and the only door in. It does no I/O, has no clock and no runtime:
//! a head comes in ([`Gate::admit`]), then a body in chunks ([`Intake::push`]), then what time it
//! is ([`Intake::finish`]); out comes a verdict. Only an [`Accepted`] callback can be forwarded;
//! what the app answers becomes the platform's reply ([`Question::conclude`]).
//!
//! | feature | gives |
//! |---|---|
//! | `tower` (default) | [`GateLayer`], for axum, tonic and every other tower service |
//! | `axum` | [`axum::Callback`], an extractor, and typed replies such as [`kollus::PlayReply`] |
//! | `tracing` | [`report`], one log line for each callback |
//!
//! Without features the tree holds no runtime. The proxy, `gatepost-proxy`, is a crate of its own.
//!
//! An example of both an acceptance and a refusal stands at [`Gate`].

#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(feature = "axum")]
pub mod axum;
mod breaker;
mod chunks;
mod config;
mod definition;
mod document;
mod event;
mod explain;
mod gate;
mod head;
mod intake;
mod json;
#[cfg(feature = "tower")]
pub mod layer;
mod limit;
pub mod manual;
mod memory;
mod provider;
mod question;
mod reply;
#[cfg(feature = "tracing")]
pub mod report;
mod route;
mod sample;
mod schema;
mod secret;
mod shadow;
mod signing;
mod source;
mod template;
mod time;
mod verdict;

pub use breaker::Circuit;
pub use config::{
    AdminToken, Config, ConfigError, DEFAULT_MAX_BODY_BYTES, MAX_BODY_BYTES_CEILING, ProxySettings,
};
pub use definition::Definition;
pub use document::Fault;
pub use event::Event;
pub use explain::{Explanation, Step};
pub use gate::{Gate, GateBuilder};
pub use head::{Head, Sender, is_reserved, strip_reserved};
pub use intake::{Admission, Intake};
#[cfg(feature = "tower")]
pub use layer::GateLayer;
pub use provider::info::{FieldInfo, KindInfo, ProviderInfo, SettingInfo, providers};
pub use provider::{View, kollus, tencent_css, tencent_trtc};
pub use question::{Next, Question, Wait};
pub use reply::{Answer, Conclusion, MAX_ANSWER_BYTES, Origin, Reply};
pub use sample::{Sample, SampleError};
pub use schema::config_schema;
pub use shadow::{Observer, Outcome, Shadow, Shadowed};
pub use template::Template;
pub use time::Timestamp;
pub use verdict::{Accepted, Refusal, RefusalKind, Unavailable, UnavailableKind, ViewError};

/// The README's code, compiled.
#[cfg(all(doctest, feature = "axum"))]
#[doc = include_str!("../README.md")]
struct Readme;
