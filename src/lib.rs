//! Verifies the callbacks of live-video platforms, and delivers each genuine callback to an app as
//! a typed event.
//!
//! ```
//! # #[cfg(feature = "axum")]
//! # mod example {
//! use axum::{Router, routing::post};
//! use gatepost::axum::Callback;
//! use gatepost::kollus::{LivePlay, PlayReply};
//! use gatepost::{ConfigError, Gate, GateLayer};
//!
//! async fn play(Callback(viewer): Callback<LivePlay>) -> PlayReply {
//!     if viewer.client_user_id == "user01" {
//!         PlayReply::allow().disable_tvout(true)
//!     } else {
//!         PlayReply::deny("Please buy a ticket")
//!     }
//! }
//!
//! fn app() -> Result<Router, ConfigError> {
//!     let gate = Gate::from_toml_file("gatepost.toml")?;
//!     Ok(Router::new()
//!         .route("/callbacks/kollus/{token}", post(play))
//!         .layer(GateLayer::new(gate)))
//! }
//! # }
//! ```
//!
//! The handler runs only for a genuine callback. If the handler's answer is late or unusable,
//! gatepost denies playback. The config key `on_failure` can set a different reply. This
//! `gatepost.toml` configures the route and the template of the example:
//!
//! ```toml
//! [[route]]
//! path     = "/callbacks/kollus/{token}"
//! provider = "kollus"
//! token    = { env = "KOLLUS_TOKEN" }
//!
//! [[template]]
//! name     = "paid"
//! provider = "kollus"
//! bind     = ["*"]
//! ```
//!
//! # Features
//!
//! | feature | provides |
//! |---|---|
//! | `tower` (default) | [`GateLayer`], for axum, tonic and other tower services |
//! | `axum` | the extractor [`axum::Callback`], `IntoResponse` for typed answers, and support for [`GateLayer`] in nested routers |
//! | `tracing` | [`report`], log lines about callbacks |
//!
//! The proxy is a separate crate, `gatepost-proxy`. The [`manual`] describes the threats, the
//! rollout, the defaults, and the steps to add a provider.
//!
//! # Other servers
//!
//! The core does no network I/O and reads no clock. With `default-features = false`, the crate
//! depends on no async runtime. A server calls the core in these steps:
//!
//! 1. [`Gate::admit`] judges the head of a request.
//! 2. [`Intake::push`] takes the body in chunks of any size, and [`Intake::finish`] returns the
//!    verdict.
//! 3. [`Accepted::next`] returns the next action for an accepted callback. If the action is to ask
//!    the app, [`Accepted::request`] returns the headers and the body of the event.
//! 4. [`Question::conclude`] turns the app's answer into the reply to the platform.
//!
//! [`drive`] carries out steps 2 to 4 for a server that implements [`ClientSide`], [`AppSide`] and
//! [`Runtime`]. The documentation of [`Gate`] has an example of an acceptance and a refusal.

#![cfg_attr(docsrs, feature(doc_cfg))]

mod address;
mod address_guard;
#[cfg(feature = "axum")]
pub mod axum;
mod body_buffer;
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
mod metrics_hook;
mod outgoing_tls;
mod pem;
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

pub use address::{Address, Addresses, HostMissing, Server};
pub use address_guard::AddressGuard;
pub use breaker::Circuit;
pub use conclusion::{Conclusion, Origin, Unavailable, UnavailableKind};
pub use config::{
    AccessLogSettings, AdminAddress, AdminToken, Capture, CertificateFiles, Config, ConfigError,
    ConfigFiles, DEFAULT_MAX_BODY_BYTES, ExposedNatsLogin, InspectorSettings, LogCallbacks,
    MAX_BODY_BYTES_CEILING, NatsSettings, ProxySettings, StoreLocation, StoreSettings,
    TelemetrySettings, TlsSettings, TlsVersion, WatchedFiles,
};
pub use delivery::{
    AppSide, Asked, Attempt, ClientActivity, ClientSide, Disconnected, Driven, Enqueue,
    EventRequest, Next, Question, QueuedApp, Runtime, SharedClaim, SharedLimit, StoreStep, Wait,
    drive,
};
pub use event::Event;
pub use gate::{Admission, FoundRoute, Gate, GateBuilder};
pub use head::{Head, HeadFault, RequestContext, is_host, is_reserved, is_set_by_proxies};
pub use inspect::{
    CodeGroup, CodeHelp, Definition, Explanation, FieldInfo, KindForm, KindInfo, ProviderInfo,
    RouteInfo, RouteTemplateInfo, RoutedKind, Sample, SampleError, SettingInfo, Step,
    TemplateSample, code_help, codes, config_schema, providers,
};
pub use intake::{BodyFailure, Intake};
#[cfg(feature = "tower")]
pub use layer::GateLayer;
pub use limit::LimitValues;
pub use memory::store::{
    Appended, Claimed, DedupeKey, EntryState, InMemorySharedState, InMemoryStore, Lane, LaneStatus,
    Lease, NewEvent, QueueEntry, QueueFilter, Settlement, SharedKey, SharedState, SharedUse,
    SharedValue, StateTotal, Store, StoreError, StoreFuture, StoreStatus, StoredEvent,
};
pub use metrics_hook::MetricsHook;
pub use outgoing_tls::OutgoingTls;
pub use pem::{PemFile, PrivateKeyPem};
pub use provider::platforms::*;
pub use provider::{Evidence, IdentityInfo, View};
pub use reply::{Answer, AnswerFault, MAX_ANSWER_BYTES, Permission, Reply};
pub use shadow::{AnswerObserver, Effect, Observer, Outcome, Prediction, Shadow, Shadowed};
pub use template::{Template, TemplateKind, is_template_character};
pub use time::Timestamp;
pub use toml_reader::{ConfigPlace, Fault, FaultKind, closest};
pub use verdict::{Accepted, PackedAccepted, Refusal, RefusalKind, ViewError};

/// The README, whose examples rustdoc runs as doc tests.
#[cfg(all(doctest, feature = "axum"))]
#[doc = include_str!("../README.md")]
struct Readme;
