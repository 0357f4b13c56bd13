//! The manual: installation, events and answers, commands, Rust apps, platforms, operation, and
//! reference.

#[doc = include_str!("install.md")]
pub mod install {}

#[doc = include_str!("app.md")]
pub mod app {}

#[doc = include_str!("common.md")]
pub mod common {}

#[doc = include_str!("reliability.md")]
pub mod reliability {}

#[doc = include_str!("commands.md")]
pub mod commands {}

#[doc = include_str!("templates.md")]
pub mod templates {}

#[doc = include_str!("account.md")]
pub mod account {}

#[doc = include_str!("scenario.md")]
pub mod scenario {}

#[doc = include_str!("rust.md")]
pub mod rust {}

#[doc = include_str!("threats.md")]
pub mod threats {}

#[doc = include_str!("proofs.md")]
pub mod proofs {}

#[doc = include_str!("memory.md")]
pub mod memory {}

#[doc = include_str!("tls.md")]
pub mod tls {}

#[doc = include_str!("rollout.md")]
pub mod rollout {}

#[doc = include_str!("queue.md")]
pub mod queue {}

#[doc = include_str!("machines.md")]
pub mod machines {}

#[doc = include_str!("observe.md")]
pub mod observe {}

#[doc = include_str!("inspect.md")]
pub mod inspect {}

#[doc = include_str!("console.md")]
pub mod console {}

#[doc = include_str!("service.md")]
pub mod service {}

#[doc = include_str!("legacy.md")]
pub mod legacy {}

#[doc = include_str!("codes.md")]
pub mod codes {}

#[doc = include_str!("cli.md")]
pub mod cli {}

#[doc = include_str!("api.md")]
pub mod api {}

#[doc = include_str!("metrics.md")]
pub mod metrics {}

#[doc = include_str!("log.md")]
pub mod log {}

#[doc = include_str!("defaults.md")]
pub mod defaults {}

#[doc = include_str!("config.md")]
pub mod config {}

#[doc = include_str!("figures.md")]
pub mod figures {}

pub mod guides;

pub mod platforms;

#[doc = include_str!("providers.md")]
pub mod providers {}

#[doc = include_str!("upstream.md")]
pub mod upstream {}
