//! The queue: the store of this process, and the task that delivers its events.

mod apps;
mod dispatcher;
#[cfg(feature = "nats")]
mod nats;
#[cfg(not(feature = "nats"))]
mod nats_absent;
#[cfg(test)]
mod simulation;
mod store;
mod view;

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use gatepost::{Gate, Store, StoreLocation, StoreSettings};
use gatepost_store::{OpenError, SqliteStore, StoreRules};
use tokio::runtime::Builder;

use self::apps::ConfiguredApps;
use self::dispatcher::Dispatcher;
pub(crate) use self::dispatcher::MAX_IN_FLIGHT;
#[cfg(not(feature = "nats"))]
use self::nats_absent as nats;
use self::store::SharedStore;
pub(crate) use self::store::{Queue, within_limit};
pub(crate) use self::view::{entry_json, event_json, masked, set_condition, status_json};

/// Opens the store, and checks it. `longest_body` is the largest `max_body_bytes` of all routes.
pub(crate) fn open(settings: &StoreSettings, longest_body: usize) -> Result<Arc<Queue>, OpenError> {
    let store: Box<dyn SharedStore> = match &settings.location {
        StoreLocation::Sqlite(path) => Box::new(SqliteStore::open(path, rules(settings))?),
        StoreLocation::Nats(nats) => nats::open(nats, rules(settings), longest_body)?,
        // The core may add a location before this crate supports it.
        _ => return Err(OpenError::Unsupported),
    };
    Ok(Arc::new(Queue::new(store)))
}

/// Opens the store of a running gatepost for one command.
pub(crate) fn attach(settings: &StoreSettings) -> Result<Box<dyn Store>, OpenError> {
    match &settings.location {
        StoreLocation::Sqlite(path) => Ok(Box::new(SqliteStore::attach(path, rules(settings))?)),
        StoreLocation::Nats(nats) => nats::attach(nats, rules(settings)),
        _ => Err(OpenError::Unsupported),
    }
}

const fn rules(settings: &StoreSettings) -> StoreRules {
    let StoreSettings { max_bytes, delivered, dead, .. } = settings;
    StoreRules { max_bytes: *max_bytes, delivered: *delivered, dead: *dead }
}

/// Starts the thread that delivers the events. The thread has its own runtime, so that deliveries
/// delay no callback.
pub(crate) fn start(queue: Arc<Queue>, gate: Gate) -> std::io::Result<()> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    thread::Builder::new().name("queue".into()).spawn(move || {
        let dispatcher = Dispatcher::new(queue, ConfiguredApps(gate));
        runtime.block_on(dispatcher.run());
    })?;
    Ok(())
}

/// Time that a claim lasts beyond the app's time-out, for the writes before and after the
/// attempt.
const LEASE_MARGIN: Duration = Duration::from_secs(5);
