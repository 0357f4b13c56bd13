//! Durable stores for the events that gatepost queues. The trait, [`gatepost::Store`], is in the
//! core.
//!
//! | feature | store |
//! |---|---|
//! | `sqlite` (default) | [`SqliteStore`]: a file on this machine |
//! | `nats` | `NatsStore`: NATS JetStream, shared by several machines |
//!
//! A layer shares its state with other processes through a store:
//!
#![cfg_attr(feature = "sqlite", doc = "```no_run")]
#![cfg_attr(not(feature = "sqlite"), doc = "```ignore")]
//! use std::{path::Path, sync::Arc, time::Duration};
//!
//! use gatepost::{Gate, GateLayer};
//! use gatepost_store::{SqliteStore, StoreRules};
//!
//! # let gate = Gate::from_toml_file("gatepost.toml")?;
//! let day = Duration::from_secs(86_400);
//! let rules = StoreRules { max_bytes: 1 << 30, delivered: day, dead: day };
//! let store = SqliteStore::open(Path::new("gatepost.db"), rules)?;
//! let layer = GateLayer::new(gate).share(Arc::new(store));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod headers;
#[cfg(feature = "nats")]
mod nats;
mod rules;
#[cfg(feature = "sqlite")]
mod sqlite;
mod waiting;

#[cfg(feature = "nats")]
pub use nats::{NatsError, NatsLogin, NatsOptions, NatsStore};
pub use rules::StoreRules;
#[cfg(feature = "sqlite")]
pub use sqlite::{OpenError, SqliteStore};
pub use waiting::MAX_WAITING_BYTES;
