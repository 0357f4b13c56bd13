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
mod body;
mod breaker;
mod client;
mod conclusion;
mod config;
mod delivery;
mod event;
mod event_signing;
mod gate;
mod head;
mod inspect;
mod intake;
mod json;
#[cfg(feature = "tower")]
pub mod layer;
mod limit;
pub mod manual;
mod memory;
mod printable;
mod provider;
mod reply;
#[cfg(feature = "tracing")]
pub mod report;
mod route;
mod secret;
mod shadow;
mod template;
mod time;
mod toml_reader;
mod verdict;

pub use breaker::Circuit;
pub use conclusion::{Conclusion, Origin, Unavailable, UnavailableKind};
pub use config::{
    AdminToken, Config, ConfigError, DEFAULT_MAX_BODY_BYTES, MAX_BODY_BYTES_CEILING, ProxySettings,
};
pub use delivery::{
    AppSide, Asked, Attempt, ClientActivity, ClientSide, Disconnected, Driven, EventRequest, Next,
    Question, Runtime, Wait, drive,
};
pub use event::Event;
pub use gate::{Admission, FoundRoute, Gate, GateBuilder};
pub use head::{Head, RequestContext, is_reserved, strip_reserved};
pub use inspect::{
    Definition, Explanation, FieldInfo, KindInfo, ProviderInfo, Sample, SampleError, SettingInfo,
    Step, config_schema, providers,
};
pub use intake::Intake;
#[cfg(feature = "tower")]
pub use layer::GateLayer;
pub use provider::{View, kollus, tencent_css, tencent_trtc};
pub use reply::{Answer, MAX_ANSWER_BYTES, Reply};
pub use shadow::{Observer, Outcome, Shadow, Shadowed};
pub use template::Template;
pub use time::Timestamp;
pub use toml_reader::Fault;
pub use verdict::{Accepted, Refusal, RefusalKind, ViewError};

/// The README's code, compiled.
#[cfg(all(doctest, feature = "axum"))]
#[doc = include_str!("../README.md")]
struct Readme;
