//! Durable stores for the events that gatepost queues. The port, [`gatepost::Store`], is in the core.
//!
//! | feature | store |
//! |---|---|
//! | `sqlite` (default) | [`SqliteStore`]: a file on this machine |
//! | `nats` | `NatsStore`: NATS JetStream, shared by several machines |

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
