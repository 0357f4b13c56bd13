//! Addresses of apps and of the upstream, and addresses on which the proxy listens.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::cell::{OnceCell, RefCell};
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::path::PathBuf;
use std::sync::Arc;

use http::Uri;
use http::uri::PathAndQuery;

use super::ConfigReader;
use crate::address::{Address, Addresses, Server, ServerSettings};
use crate::address_guard::{AddressGuard, PermittedServers};
use crate::outgoing_tls::OutgoingTls;
use crate::route::has_dot_segment;
use crate::toml_reader::{FaultKind, Faults, Located, Place, Table};

/// Maximum length of a Unix socket's path, in bytes.
const MAX_SOCKET_BYTES: usize = 107;

/// Start of a URL that represents the inner service of a layer, because this service has no host.
const INNER_SERVICE: &str = "http://inner.invalid";

/// The servers in the addresses of a config. Addresses that spell a server in the same way share
/// one [`Server`].
pub(super) struct Servers {
    health_path: Option<PathAndQuery>,
    tls: RefCell<Vec<TlsEntry>>,
    guard: RefCell<Option<Arc<AddressGuard>>>,
    known: RefCell<HashMap<String, Arc<Server>>>,
    /// Addresses on which the proxy listens.
    listeners: OnceCell<Vec<SocketAddr>>,
    /// Owner of addresses that are paths alone. gatepost sets the owner before it reads the
    /// templates.
    paths: OnceCell<PathOwner>,
}

/// An `[[outgoing_tls]]`, with the place of its `hosts`, or of the table if it has no `hosts`.
#[derive(Clone)]
pub(super) struct TlsEntry {
    pub(super) place: Place,
    pub(super) tls: Arc<OutgoingTls>,
}

/// The owner of addresses that are paths alone: the upstream, or the inner service of a layer.
pub(super) struct PathOwner {
    pub(super) upstream: Option<Arc<Addresses>>,
    /// True if the proxy uses the config. The proxy has no inner service.
    pub(super) listens: bool,
}

impl Servers {
    /// Reads `health_path`.
    pub(super) fn read(table: &Table<'_>, faults: &Faults<'_>) -> Self {
        let health_path = table.string("health_path").and_then(|text| {
            let path = Some(text.value).filter(|path| path.starts_with('/'));
            let path = path.and_then(|path| path.parse().ok());
            if path.is_none() {
                let remedy = "write a path with its leading slash, for example \"/healthz\"";
                let problem = FaultKind::PathInvalid
                    .because("expected a valid path that starts with /, found another string");
                faults.add(&text.place, problem, remedy);
            }
            path
        });
        Self {
            health_path,
            tls: RefCell::default(),
            guard: RefCell::default(),
            known: RefCell::default(),
            listeners: OnceCell::new(),
            paths: OnceCell::new(),
        }
    }

    /// Returns the upstream, which receives the events of kinds without an address.
    #[cfg(feature = "tracing")]
    pub(super) fn upstream(&self) -> Option<Arc<Addresses>> {
        self.paths.get().and_then(|owner| owner.upstream.clone())
    }

    /// Sets the TLS settings for servers. Call this method before you read the first address.
    pub(super) fn set_tls(&self, entries: Vec<TlsEntry>) {
        *self.tls.borrow_mut() = entries;
    }

    /// Returns the TLS settings for a host.
    pub(super) fn tls_for(&self, host: &str) -> Option<Arc<OutgoingTls>> {
        let entries = self.tls.borrow();
        let entry = entries.iter().find(|entry| entry.tls.applies_to(host));
        entry.map(|entry| Arc::clone(&entry.tls))
    }

    /// Returns every `[[outgoing_tls]]` with its place.
    pub(super) fn tls_entries(&self) -> Vec<TlsEntry> {
        self.tls.borrow().clone()
    }

    /// Returns the hosts of the `https` addresses.
    pub(super) fn https_hosts(&self) -> Vec<String> {
        let known = self.known.borrow();
        let servers = known.values().filter(|server| server.is_https());
        servers.map(|server| server.authority().host().to_owned()).collect()
    }

    /// Sets the [`AddressGuard`] for servers that no address has named so far.
    pub(super) fn set_guard(&self, guard: Arc<AddressGuard>) {
        *self.guard.borrow_mut() = Some(guard);
    }

    /// Sets the addresses on which the proxy listens. Call this method before you read the first
    /// address.
    pub(super) fn set_listeners(&self, listeners: Vec<SocketAddr>) {
        self.listeners.get_or_init(|| listeners);
    }

    /// Sets the owner of addresses that are paths alone.
    pub(super) fn set_path_owner(&self, owner: PathOwner) {
        self.paths.get_or_init(|| owner);
    }

    fn listeners(&self) -> &[SocketAddr] {
        self.listeners.get().map(Vec::as_slice).unwrap_or_default()
    }

    fn address(&self, url: Uri, socket: Option<PathBuf>) -> Option<Address> {
        let host = url.host().unwrap_or_default();
        let tls = self.tls_for(host);
        let guard = self.guard.borrow().clone().filter(|guard| !guard.names(host));
        let health_path = self.health_path.clone();
        let server = Server::new(&url, ServerSettings { socket, health_path, tls, guard })?;
        let server = match self.known.borrow_mut().entry(server.to_string()) {
            Entry::Occupied(known) => Arc::clone(known.get()),
            Entry::Vacant(new) => Arc::clone(new.insert(Arc::new(server))),
        };
        Some(Address::new(server, url))
    }
}

impl<'f> ConfigReader<'f, '_> {
    /// Reads the addresses of a key: a string, or a list of strings.
    pub(super) fn address_texts(&self, table: &Table<'f>, key: &'f str) -> Vec<Located<&'f str>> {
        if table.has(key) && table.list(key).is_empty() {
            let remedy = "write an address, or remove this key";
            let problem = FaultKind::KeyMissing.because("expected an address, found none");
            self.faults.add(&table.place_of(key), problem, remedy);
        }
        table.strings(key)
    }

    /// Parses addresses. Returns `None` for an empty list, and for a list with a faulty address.
    pub(super) fn addresses(&self, texts: &[Located<&str>]) -> Option<Arc<Addresses>> {
        self.list(texts, |text| Some(vec![self.address(text)?]))
    }

    /// Parses addresses of an app, which may be paths alone. A path alone is a path on each server
    /// of the `upstream`; without `upstream`, the inner service of a layer serves the path.
    pub(super) fn app_addresses(&self, texts: &[Located<&str>]) -> Option<Arc<Addresses>> {
        self.list(texts, |text| {
            if is_path(text.value) {
                self.on_path_owner(text)
            } else {
                Some(vec![self.address(text)?])
            }
        })
    }

    fn list(
        &self,
        texts: &[Located<&str>],
        parse: impl Fn(&Located<&str>) -> Option<Vec<Address>>,
    ) -> Option<Arc<Addresses>> {
        let mut list: Vec<Address> = Vec::new();
        let mut has_fault = false;
        for text in texts {
            let Some(new) = parse(text) else {
                has_fault = true;
                continue;
            };
            let is_known = |new: &Address| {
                list.iter().any(|a| a.url() == new.url() && Arc::ptr_eq(a.server(), new.server()))
            };
            if new.iter().any(is_known) {
                let problem = "expected each address once, found an address twice";
                let problem = FaultKind::AddressRepeated.because(problem);
                self.faults.add(&text.place, problem, "write each address once");
            }
            list.extend(new);
        }
        let list = (!has_fault).then_some(list)?;
        Addresses::new(list).map(Arc::new)
    }

    fn on_path_owner(&self, text: &Located<&str>) -> Option<Vec<Address>> {
        let path = self.request_path(text)?;
        match self.servers.paths.get()? {
            PathOwner { upstream: Some(upstream), .. } => {
                let servers = upstream.as_slice().iter();
                Some(servers.map(|server| server.with_path(path.clone())).collect())
            }
            PathOwner { listens: true, .. } => {
                let problem = "expected a server for this path, found no `upstream`";
                let problem = FaultKind::UpstreamMissing.because(problem);
                self.faults.add(&text.place, problem, "write a URL with a host, or set upstream");
                None
            }
            PathOwner { .. } => {
                let inner = self.servers.address(Uri::from_static(INNER_SERVICE), None)?;
                Some(vec![Address::new(Arc::clone(inner.server()), path.into())])
            }
        }
    }

    /// Parses an address that is a path alone.
    fn request_path(&self, text: &Located<&str>) -> Option<PathAndQuery> {
        let url = format!("{INNER_SERVICE}{}", text.value);
        let url = self.url(&Located { value: &url, place: text.place.clone() })?;
        url.into_parts().path_and_query
    }

    fn address(&self, text: &Located<&str>) -> Option<Address> {
        let (url, socket) = match text.value.strip_prefix("unix:") {
            Some(rest) => self.socket(text, rest)?,
            None => (self.url(text)?, None),
        };
        let address = self.servers.address(url, socket)?;
        self.check_loop(&text.place, &address, self.servers.listeners());
        Some(address)
    }

    /// Parses the part of an address after `unix:`: the path of a socket and, after a colon, the
    /// path of the requests.
    fn socket(&self, text: &Located<&str>, rest: &str) -> Option<(Uri, Option<PathBuf>)> {
        let (socket, path) = rest.split_once(':').unwrap_or((rest, "/"));
        let found = if !socket.starts_with('/') {
            "no absolute path"
        } else if socket.len() > MAX_SOCKET_BYTES {
            "a socket path of more than 107 bytes"
        } else if !path.starts_with('/') {
            "no path with a leading slash after the second colon"
        } else if has_dot_segment(path) {
            "a path with the segment . or .."
        } else if let Ok(url) = format!("http://localhost{path}").parse() {
            return Some((url, Some(socket.into())));
        } else {
            "an invalid path after the second colon"
        };
        let remedy = "write unix:/run/app.sock, with a socket path of at most 107 bytes; to add a \
                      path without . and .., write unix:/run/app.sock:/path";
        let problem = format!("expected a Unix socket, found {found}");
        self.faults.add(&text.place, FaultKind::UrlInvalid.because(problem), remedy);
        None
    }

    /// Reports each address with a path, because gatepost does not change the path of a request to
    /// these addresses.
    pub(super) fn check_are_servers(
        &self,
        texts: &[Located<&str>],
        addresses: Option<&Addresses>,
        remedy: &str,
    ) {
        let list = addresses.into_iter().flat_map(Addresses::as_slice);
        for (text, address) in texts.iter().zip(list) {
            if address.url().path_and_query().is_some_and(|rest| rest != "/") {
                let problem = "expected no path in this address, found a path";
                self.faults.add(&text.place, FaultKind::UrlInvalid.because(problem), remedy);
            }
        }
    }

    /// Reads `allow_addresses`: networks, host names and Unix sockets.
    pub(super) fn allow_addresses(&self, table: &Table<'f>) -> AddressGuard {
        let mut list = PermittedServers::default();
        for text in table.strings("allow_addresses") {
            let value = text.value;
            if let Some(socket) = value.strip_prefix("unix:") {
                list.sockets.push(socket.into());
            } else if let Ok(network) = value.parse() {
                list.networks.push(network);
            } else if let Ok(ip) = value.parse::<IpAddr>() {
                list.networks.push(ip.into());
            } else if value.contains(['/', ':']) {
                let remedy = "write a network, an IP address, a host name, or unix: and a path";
                let wanted = FaultKind::NetworkInvalid.because("an address to allow");
                self.faults.add_text(&text, wanted, remedy);
            } else {
                list.hosts.extend(self.host_name(&text));
            }
        }
        AddressGuard { list: table.has("allow_addresses").then_some(list) }
    }

    /// Parses an address on which the proxy listens.
    pub(super) fn located_address(&self, text: &Located<&str>) -> Option<Located<SocketAddr>> {
        match listen_address(text.value) {
            Ok(value) => Some(Located { value, place: text.place.clone() }),
            Err((found, remedy)) => {
                let problem = format!("expected an address to listen on, found {found}");
                self.faults.add(&text.place, FaultKind::AddressInvalid.because(problem), remedy);
                None
            }
        }
    }
}

/// Returns `true` for an address that is a path alone.
fn is_path(text: &str) -> bool {
    text.starts_with('/') && !text.starts_with("//")
}

/// Parses an address such as `127.0.0.1:8080` or `[::1]:8080`. The host `localhost` means
/// 127.0.0.1. No host, as in `:8080`, and the host `*` mean every address of the machine.
///
/// # Errors
///
/// Returns a description of the fault, and the remedy.
fn listen_address(text: &str) -> Result<SocketAddr, (&'static str, &'static str)> {
    const FORMS: &str = "write an IP address and a port, for example \"127.0.0.1:8080\", \
                         \"[::]:8080\", \"localhost:8080\", or \":8080\" for every address";
    if let Ok(address) = text.parse() {
        return Ok(address);
    }
    if text.contains("//") {
        return Err(("a URL", "remove the scheme and the path"));
    }
    if text.starts_with('/') || text.starts_with("unix:") {
        return Err(("a Unix socket", FORMS));
    }
    if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) {
        return Err(("a port alone", "write a colon before the port, for example \":8080\""));
    }
    if text.parse::<Ipv6Addr>().is_ok() && text.contains(':') {
        return Err((
            "an IPv6 address without a port",
            "write the address in brackets, for example \"[::1]:8080\"",
        ));
    }
    let Some((host, port)) = text.rsplit_once(':') else {
        return Err(("no port", "add a colon and a port after the address, for example \":8080\""));
    };
    let Ok(port) = port.parse() else {
        return Err(("an invalid port", "write a port from 1 to 65535 after the last colon"));
    };
    match host {
        "" | "*" => Ok((IpAddr::V6(Ipv6Addr::UNSPECIFIED), port).into()),
        _ if host.eq_ignore_ascii_case("localhost") => {
            Ok((IpAddr::V4(Ipv4Addr::LOCALHOST), port).into())
        }
        _ => Err(("a name", FORMS)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_a_listen_address_or_describes_its_fault() {
        for (text, expected) in [
            ("127.0.0.1:8080", "127.0.0.1:8080"),
            ("[::1]:8080", "[::1]:8080"),
            ("localhost:8080", "127.0.0.1:8080"),
            ("LocalHost:80", "127.0.0.1:80"),
            (":8080", "[::]:8080"),
            ("*:8080", "[::]:8080"),
            ("0.0.0.0:1", "0.0.0.0:1"),
        ] {
            assert_eq!(listen_address(text), Ok(expected.parse().unwrap()), "{text}");
        }
        for (text, found) in [
            ("8080", "a port alone"),
            ("127.0.0.1", "no port"),
            ("localhost", "no port"),
            ("::1", "an IPv6 address without a port"),
            ("::1:8080", "an IPv6 address without a port"),
            ("http://127.0.0.1:8080", "a URL"),
            ("gate.example.com:8080", "a name"),
            ("127.0.0.1:99999", "an invalid port"),
            ("127.0.0.1:", "an invalid port"),
            ("127.0.0.1:8080/", "an invalid port"),
            ("127.1:80", "a name"),
            ("unix:/run/gate.sock", "a Unix socket"),
            ("", "no port"),
        ] {
            assert_eq!(listen_address(text).map_err(|(f, _)| f), Err(found), "{text}");
        }
    }
}
