//! Durable stores for the events that gatepost queues. The port, [`gatepost::Store`], is in the core.
//!
//! | feature | store |
//! |---|---|
//! | `sqlite` (default) | [`SqliteStore`]: a file on this machine |

#[cfg(feature = "sqlite")]
mod sqlite;

#[cfg(feature = "sqlite")]
pub use sqlite::{OpenError, SqliteStore, StoreRules};
