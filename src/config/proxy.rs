//! The config keys that only the proxy uses.

use core::net::SocketAddr;
use std::collections::HashSet;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::admin::{AdminAddress, AdminToken};
use super::tls::TlsSettings;
use super::{ConfigReader, InspectorSettings, StoreSettings, TelemetrySettings, positive};
use crate::address::Addresses;
use crate::address_guard::AddressGuard;
use crate::toml_reader::{FaultKind, Located, Table};

/// Default of `stop_timeout_secs`.
const DEFAULT_STOP_TIMEOUT_SECS: i64 = 30;

/// Default of `max_connections`.
const DEFAULT_MAX_CONNECTIONS: NonZeroUsize = NonZeroUsize::new(20_000).unwrap();

/// Largest value that `max_connections` accepts.
pub(crate) const MAX_CONNECTIONS_CEILING: i64 = 1_000_000;

/// Default of `max_unjudged_bytes`.
const DEFAULT_MAX_UNJUDGED_BYTES: NonZeroUsize = NonZeroUsize::new(64 * 1024 * 1024).unwrap();

/// Smallest value that `max_unjudged_bytes` accepts. One client may use an eighth of this value,
/// which is enough for a complete head.
pub(crate) const MIN_UNJUDGED_BYTES: i64 = 1024 * 1024;

/// Largest value that `max_unjudged_bytes` accepts.
pub(crate) const MAX_UNJUDGED_BYTES_CEILING: i64 = 1 << 40;

/// Maximum length of a host name, in bytes.
const MAX_HOST_BYTES: usize = 253;

/// Default of `upstream_idle_ms`. Many servers close idle connections after 5 seconds.
const DEFAULT_UPSTREAM_IDLE_MS: i64 = 4000;

/// Settings that only the proxy uses.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ProxySettings {
    /// Addresses on which the proxy listens for HTTP without TLS.
    pub listen: Vec<SocketAddr>,
    /// Addresses on which the proxy listens for TLS.
    pub listen_tls: Vec<SocketAddr>,
    /// Certificates and settings of the TLS listeners; `None` if the config has no certificate.
    pub tls: Option<Arc<TlsSettings>>,
    /// Servers that receive requests to paths without a route; `None` means status 404 for such
    /// requests.
    pub upstream: Option<Arc<Addresses>>,
    /// Time for which the proxy keeps an idle connection to the upstream.
    pub upstream_idle: Duration,
    /// True if the proxy uses HTTP/2 with the upstream, even without TLS.
    pub upstream_http2: bool,
    /// Address on which the proxy serves health, metrics and the admin API; `None` disables all
    /// three.
    pub admin: Option<AdminAddress>,
    /// Token that permits clients of the admin API to read data and to make changes. `None` permits
    /// no changes.
    pub admin_token: Option<AdminToken>,
    /// Token that permits clients of the admin API only to read data; `None` if the config does not
    /// set this token.
    pub admin_read_token: Option<AdminToken>,
    /// Host names under which clients may reach the admin API, in lower case and without a final
    /// dot. gatepost always permits IP addresses and loopback names.
    pub admin_hosts: Vec<String>,
    /// Addresses that a client of the admin API may set for the apps of templates.
    pub allow_addresses: Arc<AddressGuard>,
    /// Folders of the key files that a client of the admin API may name. Clients may always name
    /// key files in the folder of the config file.
    pub key_dirs: Vec<PathBuf>,
    /// Number of worker threads; `None` means one per CPU core.
    pub threads: Option<NonZeroUsize>,
    /// Maximum number of open connections, over all addresses in `listen` and `listen_tls`. Each
    /// HTTP/2 stream counts as a further connection.
    pub max_connections: NonZeroUsize,
    /// Maximum number of bytes that the proxy holds for requests without a verdict.
    pub max_unjudged_bytes: NonZeroUsize,
    /// Maximum time for which the proxy waits for requests in flight when it stops.
    pub stop_timeout: Duration,
    /// True if the proxy expects a PROXY protocol header of version 1 or 2 at the start of each
    /// connection to `listen` and `listen_tls`.
    pub proxy_protocol: bool,
    /// Path of the Unix socket through which the proxy hands its listeners over to a successor
    /// process; `None` disables the handover.
    pub upgrade_socket: Option<PathBuf>,
    /// Settings of the store for queued events and shared state; `None` if the config has no store.
    pub store: Option<StoreSettings>,
    /// Settings of the log and the traces.
    pub telemetry: TelemetrySettings,
    /// Settings for capturing callbacks, which an operator can then inspect.
    pub inspector: InspectorSettings,
    /// True if the proxy reloads the config after a change of one of the config's files.
    pub watch: bool,
}

impl ProxySettings {
    /// Returns the addresses in `listen`, then the addresses in `listen_tls`.
    #[must_use]
    pub fn addresses(&self) -> Vec<SocketAddr> {
        [&*self.listen, &*self.listen_tls].concat()
    }

    /// Returns the keys whose values in `new` differ and apply only after a restart. A change of
    /// `tls`, `admin_token`, `admin_read_token`, `admin_hosts`, `allow_addresses`, `key_dirs`,
    /// `inspector`, `watch` or `log_callbacks` applies without a restart, so the result never
    /// contains these keys.
    #[must_use]
    pub fn restart_keys(&self, new: &Self) -> Vec<&'static str> {
        // This pattern names every field, so the compiler reports a new field that is not in it.
        let Self {
            listen,
            listen_tls,
            tls: _,
            upstream,
            upstream_idle,
            upstream_http2,
            admin,
            admin_token: _,
            admin_read_token: _,
            admin_hosts: _,
            allow_addresses: _,
            key_dirs: _,
            threads,
            max_connections,
            max_unjudged_bytes,
            stop_timeout,
            proxy_protocol,
            upgrade_socket,
            store,
            telemetry,
            inspector: _,
            watch: _,
        } = self;
        let keys = [
            ("listen", *listen != new.listen),
            ("listen_tls", *listen_tls != new.listen_tls),
            ("upstream", *upstream != new.upstream),
            ("upstream_idle_ms", *upstream_idle != new.upstream_idle),
            ("upstream_http2", *upstream_http2 != new.upstream_http2),
            ("admin", *admin != new.admin),
            ("threads", *threads != new.threads),
            ("max_connections", *max_connections != new.max_connections),
            ("max_unjudged_bytes", *max_unjudged_bytes != new.max_unjudged_bytes),
            ("stop_timeout_secs", *stop_timeout != new.stop_timeout),
            ("proxy_protocol", *proxy_protocol != new.proxy_protocol),
            ("upgrade_socket", *upgrade_socket != new.upgrade_socket),
            ("store", *store != new.store),
            ("telemetry", telemetry.needs_restart(&new.telemetry)),
        ];
        keys.into_iter().filter_map(|(key, has_changed)| has_changed.then_some(key)).collect()
    }
}

impl<'f> ConfigReader<'f, '_> {
    /// Reads the keys that only the proxy uses.
    pub(super) fn proxy_settings(&self, table: &Table<'f>) -> ProxySettings {
        let located = ["listen", "listen_tls"].map(|key| self.listen_addresses(table, key));
        let [listen, listen_tls] = located.each_ref().map(|list| values(list));
        self.servers.set_tls(self.outgoing_tls(table));
        let allow_addresses = Arc::new(self.allow_addresses(table));
        let upstream = self.upstream(table, [&*listen, &*listen_tls].concat());
        // Set the address guard after reading the upstream: a client of the admin API cannot change
        // the upstream, so gatepost does not check the upstream's addresses.
        if table.has("admin_token") {
            self.servers.set_guard(Arc::clone(&allow_addresses));
        }
        let idle = table.duration("upstream_idle_ms", 1..=3_600_000);
        let idle = idle.unwrap_or(DEFAULT_UPSTREAM_IDLE_MS).unsigned_abs();
        let upstream_http2 = table.boolean("upstream_http2").unwrap_or_default();
        let admin = table.string("admin").and_then(|text| self.admin_address(&text));
        self.check_addresses(located.iter().flatten(), admin.as_ref());
        let admin = admin.map(|address| address.value);
        let admin_token = self.admin_token(table, "admin_token", admin.as_ref());
        let admin_read_token = self.admin_token(table, "admin_read_token", admin.as_ref());
        let has_token = admin.is_some() && (admin_token.is_some() || admin_read_token.is_some());
        let admin_hosts = table.strings("admin_hosts");
        let admin_hosts = admin_hosts.iter().filter_map(|name| self.host_name(name)).collect();
        let key_dirs = table.strings("key_dirs");
        let key_dirs = key_dirs.iter().map(|path| self.path(path));
        let tls_admin = matches!(admin, Some(AdminAddress::Tls(_))).then_some("admin");
        let tls_listener = (!listen_tls.is_empty()).then_some("listen_tls").or(tls_admin);
        let tls = self.tls_settings(table, tls_listener);
        let threads = positive(table, "threads", 1..=1024);
        let max_connections = positive(table, "max_connections", 1..=MAX_CONNECTIONS_CEILING);
        let max_connections = max_connections.unwrap_or(DEFAULT_MAX_CONNECTIONS);
        let in_range = MIN_UNJUDGED_BYTES..=MAX_UNJUDGED_BYTES_CEILING;
        let max_unjudged_bytes = positive(table, "max_unjudged_bytes", in_range);
        let max_unjudged_bytes = max_unjudged_bytes.unwrap_or(DEFAULT_MAX_UNJUDGED_BYTES);
        let stop = table.duration("stop_timeout_secs", 0..=3600);
        let stop = stop.unwrap_or(DEFAULT_STOP_TIMEOUT_SECS).unsigned_abs();
        let stop_timeout = Duration::from_secs(stop);
        let proxy_protocol = table.boolean("proxy_protocol").unwrap_or_default();
        let upgrade_socket = table.string("upgrade_socket");
        let upgrade_socket = upgrade_socket.map(|path| self.path(&path));
        ProxySettings {
            listen,
            listen_tls,
            tls,
            upstream,
            upstream_idle: Duration::from_millis(idle),
            upstream_http2,
            admin,
            admin_token,
            admin_read_token,
            admin_hosts,
            allow_addresses,
            key_dirs: key_dirs.collect(),
            threads,
            max_connections,
            max_unjudged_bytes,
            stop_timeout,
            proxy_protocol,
            upgrade_socket,
            store: self.store(table),
            telemetry: self.telemetry(table),
            inspector: self.inspector(table, has_token),
            watch: table.boolean("watch").unwrap_or_default(),
        }
    }

    /// Reads `upstream`. `own` contains the addresses on which the proxy listens. gatepost refuses
    /// them in `upstream`, and in every address that it reads later.
    fn upstream(&self, table: &Table<'f>, own: Vec<SocketAddr>) -> Option<Arc<Addresses>> {
        self.servers.set_listeners(own);
        let texts = self.address_texts(table, "upstream");
        let upstream = self.addresses(&texts);
        let remedy = "remove everything after the port; each request keeps its own path";
        self.check_are_servers(&texts, upstream.as_deref(), remedy);
        upstream
    }

    /// Warns if the buffer of the longest body may exceed `max_unjudged_bytes`. The buffer of a
    /// body that arrives in several chunks has up to twice the length of the body.
    pub(super) fn warn_of_small_budget(
        &self,
        table: &Table<'f>,
        settings: &ProxySettings,
        max_body_bytes: usize,
    ) {
        let needed = max_body_bytes.saturating_mul(2);
        if settings.max_unjudged_bytes.get() < needed {
            let problem =
                "expected at least twice `max_body_bytes`, found a smaller `max_unjudged_bytes`";
            let remedy = format!("set `max_unjudged_bytes` to at least {needed}");
            let problem = FaultKind::BudgetSmall.because(problem);
            self.warnings.add(&table.place_of("max_unjudged_bytes"), problem, remedy);
        }
    }

    /// Reads a host name, and returns the name in lower case and without a final dot.
    pub(super) fn host_name(&self, text: &Located<&str>) -> Option<String> {
        let name = text.value.strip_suffix('.').unwrap_or(text.value);
        let is_usual = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        let is_name = name.len() <= MAX_HOST_BYTES
            && name.split('.').all(|label| !label.is_empty() && label.chars().all(is_usual));
        if !is_name {
            let remedy =
                "write a name without a scheme, port or path, for example \"gate.example.com\"";
            self.faults.add_text(text, "a host name", remedy);
        }
        is_name.then(|| name.to_ascii_lowercase())
    }

    fn listen_addresses(&self, table: &Table<'f>, key: &'f str) -> Vec<Located<SocketAddr>> {
        let texts = table.strings(key);
        texts.iter().filter_map(|text| self.located_address(text)).collect()
    }

    fn check_addresses<'a>(
        &self,
        addresses: impl Iterator<Item = &'a Located<SocketAddr>>,
        admin: Option<&'a Located<AdminAddress>>,
    ) {
        let mut taken = HashSet::new();
        let admin = admin.and_then(|admin| Some((admin.value.tcp()?, &admin.place)));
        for (address, place) in
            addresses.map(|address| (address.value, &address.place)).chain(admin)
        {
            if !taken.insert(address) {
                let problem = format!("expected an unused address, found {address} twice");
                let remedy = "write a different address for each entry of `listen` and \
                              `listen_tls`, and for `admin`";
                self.faults.add(place, FaultKind::AddressTaken.because(problem), remedy);
            }
        }
    }
}

fn values(addresses: &[Located<SocketAddr>]) -> Vec<SocketAddr> {
    addresses.iter().map(|address| address.value).collect()
}
