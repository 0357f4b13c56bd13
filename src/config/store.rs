//! The table `[store]`: the settings of the store for queued events, and for state that machines
//! share.

use std::path::PathBuf;
use std::time::Duration;

use super::ConfigReader;
use super::nats::{KEYS as NATS_KEYS, NatsSettings};
use crate::toml_reader::{FaultKind, Located, Table};

/// Default of `max_bytes`: enough for 700,000 events of 1 KiB.
const DEFAULT_MAX_BYTES: i64 = 1 << 30;

/// Smallest value that `max_bytes` accepts: enough for one event with the longest body.
pub(crate) const MIN_STORE_BYTES: i64 = 32 * 1024 * 1024;

/// Largest value that `max_bytes` accepts.
pub(crate) const MAX_STORE_BYTES: i64 = 1 << 40;

/// Longest retention: 366 days.
pub(crate) const MAX_RETENTION_SECS: i64 = 366 * 86_400;

/// Default of `delivered_secs`: one day.
const DEFAULT_DELIVERED_SECS: i64 = 86_400;

/// Default of `dead_secs`: two weeks.
const DEFAULT_DEAD_SECS: i64 = 14 * 86_400;

/// Settings of the store for queued events and shared state.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StoreSettings {
    /// Location of the store.
    pub location: StoreLocation,
    /// Maximum total size of the pending events and the dead letters, in bytes.
    pub max_bytes: u64,
    /// Time for which the store keeps a delivered event.
    pub delivered: Duration,
    /// Time for which the store keeps a dead letter.
    pub dead: Duration,
}

/// Location of a store.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StoreLocation {
    /// An SQLite file on this machine.
    Sqlite(PathBuf),
    /// NATS JetStream, which several machines can share.
    Nats(Box<NatsSettings>),
}

impl<'f> ConfigReader<'f, '_> {
    pub(super) fn store(&self, table: &Table<'f>) -> Option<StoreSettings> {
        let table = table.table("store")?;
        let url = table.require_string("url", "add url = \"sqlite:gatepost.db\"");
        let max_bytes = table.integer("max_bytes", MIN_STORE_BYTES..=MAX_STORE_BYTES);
        let retention = table.table("retention");
        let secs = |key, default: i64| {
            let of_table = |table: &Table<'f>| table.duration(key, 1..=MAX_RETENTION_SECS);
            let secs = retention.as_ref().and_then(of_table).unwrap_or(default);
            Duration::from_secs(secs.unsigned_abs())
        };
        let delivered = secs("delivered_secs", DEFAULT_DELIVERED_SECS);
        let dead = secs("dead_secs", DEFAULT_DEAD_SECS);
        retention.iter().for_each(Table::finish);
        let location = url.and_then(|url| self.store_location(&table, &url));
        table.finish();
        let location = location?;
        let max_bytes = max_bytes.unwrap_or(DEFAULT_MAX_BYTES).unsigned_abs();
        Some(StoreSettings { location, max_bytes, delivered, dead })
    }

    fn store_location(&self, table: &Table<'f>, url: &Located<&'f str>) -> Option<StoreLocation> {
        if ["nats:", "tls:"].iter().any(|scheme| url.value.starts_with(scheme)) {
            return self.nats(table, url).map(|nats| StoreLocation::Nats(Box::new(nats)));
        }
        let path = url.value.strip_prefix("sqlite:").filter(|path| !path.is_empty());
        let Some(value) = path else {
            let wanted =
                FaultKind::UrlInvalid.because("sqlite: and a file, or nats:// and servers");
            let remedy = "write \"sqlite:gatepost.db\" or \"nats://n1:4222,n2:4222,n3:4222\"";
            self.faults.add_text(url, wanted, remedy);
            return None;
        };
        self.check_no_nats_keys(table);
        let path = self.path(&Located { value, place: url.place.clone() });
        Some(StoreLocation::Sqlite(path))
    }

    /// Reports each key of a store on NATS, because the store is a file.
    fn check_no_nats_keys(&self, table: &Table<'f>) {
        for key in NATS_KEYS.into_iter().filter(|key| table.any(key).is_some()) {
            let problem = format!("expected `{key}` beside the url of NATS servers, found a file");
            let problem = FaultKind::KeyUnused.because(problem);
            self.faults.add(&table.place_of(key), problem, format!("remove {key}"));
        }
    }
}
