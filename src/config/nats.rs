//! The keys of `[store]` for a store on NATS.

use std::sync::Arc;

use super::ConfigReader;
use crate::outgoing_tls::OutgoingTls;
use crate::secret::Secret;
use crate::toml_reader::{FaultKind, Item, Located, Table};

/// Largest value that `replicas` accepts: the maximum of NATS.
pub(crate) const MAX_REPLICAS: i64 = 5;

/// Default of `replicas`: with three replicas, one server may fail.
const DEFAULT_REPLICAS: i64 = 3;

/// Default of `prefix`.
const DEFAULT_PREFIX: &str = "gatepost";

/// Maximum length of `prefix`, in bytes.
const MAX_PREFIX_BYTES: usize = 32;

/// Port for an address without a port.
const DEFAULT_PORT: &str = "4222";

/// The keys that only a store on NATS has.
pub(super) const KEYS: [&str; 8] =
    ["credentials", "monitor", "nkey", "password", "prefix", "replicas", "token", "user"];

/// Number of characters in the seed of an NKey.
const SEED_CHARS: usize = 58;

/// Settings of a store on NATS.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct NatsSettings {
    /// Addresses of the servers, such as `nats://n1:4222` or `tls://n1:4222`.
    pub servers: Vec<String>,
    /// First part of the names of streams and subjects.
    pub prefix: String,
    /// Number of replicas of each stream.
    pub replicas: usize,
    /// Addresses of the servers' monitors, such as `http://n1:8222`.
    pub monitors: Vec<String>,
    /// TLS settings for all servers: those of the `[[outgoing_tls]]` that covers the first server.
    pub tls: Option<Arc<OutgoingTls>>,
    login: Login,
}

#[derive(Clone, Debug)]
enum Login {
    None,
    Password { user: String, password: Secret },
    Token(Secret),
    Credentials(Secret),
    NKey(Secret),
}

/// Login data for a NATS server. Never log this value.
#[derive(Clone, Copy)]
#[expect(missing_debug_implementations, reason = "holds secrets")]
pub enum ExposedNatsLogin<'s> {
    /// No login.
    None,
    /// A user with a password.
    Password(&'s str, &'s [u8]),
    /// A token.
    Token(&'s [u8]),
    /// The text of a credentials file.
    Credentials(&'s [u8]),
    /// The seed of an NKey.
    NKey(&'s [u8]),
}

impl NatsSettings {
    /// Returns the host of the first server.
    pub(super) fn first_host(&self) -> Option<&str> {
        self.servers.first().and_then(|server| host_of(server))
    }

    /// Returns the login data. Never log this value.
    #[must_use]
    pub fn expose_login(&self) -> ExposedNatsLogin<'_> {
        match &self.login {
            Login::None => ExposedNatsLogin::None,
            Login::Password { user, password } => {
                ExposedNatsLogin::Password(user, password.expose())
            }
            Login::Token(token) => ExposedNatsLogin::Token(token.expose()),
            Login::Credentials(text) => ExposedNatsLogin::Credentials(text.expose()),
            Login::NKey(seed) => ExposedNatsLogin::NKey(seed.expose()),
        }
    }
}

impl PartialEq for NatsSettings {
    fn eq(&self, other: &Self) -> bool {
        let plain = |own: &Self| {
            (own.servers.clone(), own.prefix.clone(), own.replicas, own.monitors.clone())
        };
        let same_login = match (&self.login, &other.login) {
            (Login::None, Login::None) => true,
            (
                Login::Password { user: a, password },
                Login::Password { user: b, password: other },
            ) => a == b && password.matches(other.expose()),
            (Login::Token(own), Login::Token(other))
            | (Login::Credentials(own), Login::Credentials(other))
            | (Login::NKey(own), Login::NKey(other)) => own.matches(other.expose()),
            _ => false,
        };
        plain(self) == plain(other)
            && same_login
            && same_tls(self.tls.as_deref(), other.tls.as_deref())
    }
}

impl Eq for NatsSettings {}

fn same_tls(a: Option<&OutgoingTls>, b: Option<&OutgoingTls>) -> bool {
    a.map(|tls| (&tls.ca, &tls.identity)) == b.map(|tls| (&tls.ca, &tls.identity))
}

impl<'f> ConfigReader<'f, '_> {
    /// Reads the settings of a store whose `url` names NATS servers.
    pub(super) fn nats(&self, table: &Table<'f>, url: &Located<&'f str>) -> Option<NatsSettings> {
        let servers = self.nats_servers(url);
        let replicas = table.integer("replicas", 1..=MAX_REPLICAS).unwrap_or(DEFAULT_REPLICAS);
        let replicas = usize::try_from(replicas).unwrap_or(1);
        let prefix = table
            .string("prefix")
            .map_or(Some(DEFAULT_PREFIX.to_owned()), |prefix| self.nats_prefix(&prefix));
        let monitors = table.strings("monitor");
        let monitors = monitors.iter().filter_map(|monitor| self.monitor(monitor)).collect();
        let login = self.nats_login(table);
        let servers = servers?;
        let host = servers.first().and_then(|server| host_of(server)).unwrap_or_default();
        let tls = self.servers.tls_for(host);
        Some(NatsSettings { servers, prefix: prefix?, replicas, monitors, tls, login: login? })
    }

    fn nats_servers(&self, url: &Located<&'f str>) -> Option<Vec<String>> {
        let (scheme, rest) = url.value.split_once("://").unwrap_or((url.value, ""));
        let servers: Option<Vec<_>> =
            rest.split(',').map(|server| server_address(scheme, server.trim())).collect();
        if servers.is_none() {
            let wanted =
                FaultKind::UrlInvalid.because("nats:// or tls:// and servers, without a user");
            let remedy = "write \"nats://n1:4222,n2:4222,n3:4222\", and the user in `user`";
            self.faults.add_text(url, wanted, remedy);
        }
        servers
    }

    fn nats_prefix(&self, prefix: &Located<&'f str>) -> Option<String> {
        let is_usual = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        let text = prefix.value;
        if text.is_empty() || text.len() > MAX_PREFIX_BYTES || !text.chars().all(is_usual) {
            let remedy = "use 1 to 32 lower-case letters, digits and hyphens";
            self.faults.add_text(prefix, "a prefix for stream names", remedy);
            return None;
        }
        Some(text.to_owned())
    }

    fn monitor(&self, text: &Located<&'f str>) -> Option<String> {
        let url = self.origin(text)?;
        if url.scheme_str() != Some("http") {
            self.faults.add_text(text, "an http:// address", "write \"http://n1:8222\"");
            return None;
        }
        Some(text.value.to_owned())
    }

    fn nkey(&self, item: &Item<'f>) -> Option<Secret> {
        let seed = self.secret(item)?;
        if is_user_seed(seed.expose()) {
            return Some(seed);
        }
        let problem =
            "expected the seed of an NKey user (SU and 56 letters and digits), found other text";
        let remedy = "create a seed: nk -gen user";
        self.faults.add(&item.place, FaultKind::SecretInvalid.because(problem), remedy);
        None
    }

    fn nats_login(&self, table: &Table<'f>) -> Option<Login> {
        let user = table.string("user");
        let secret = |key| table.any(key).map(|item| self.secret(&item));
        let (password, token) = (secret("password"), secret("token"));
        let credentials = secret("credentials");
        let nkey = table.any("nkey").map(|item| self.nkey(&item));
        match (user, password, token, credentials, nkey) {
            (None, None, None, None, None) => Some(Login::None),
            (Some(user), Some(password), None, None, None) => {
                Some(Login::Password { user: user.value.to_owned(), password: password? })
            }
            (None, None, Some(token), None, None) => Some(Login::Token(token?)),
            (None, None, None, Some(text), None) => Some(Login::Credentials(text?)),
            (None, None, None, None, Some(seed)) => Some(Login::NKey(seed?)),
            _ => {
                let problem = "expected user and password, token, credentials, or nkey, found another \
                               combination";
                let problem = FaultKind::KeyUnused.because(problem);
                self.faults.add(&table.place, problem, "write the keys of exactly one login");
                None
            }
        }
    }
}

/// Returns true if the text has the form of an NKey user's seed. Does not check the checksum.
fn is_user_seed(seed: &[u8]) -> bool {
    let is_base32 = |byte: &u8| matches!(byte, b'A'..=b'Z' | b'2'..=b'7');
    seed.len() == SEED_CHARS && seed.starts_with(b"SU") && seed.iter().all(is_base32)
}

/// Returns the address of a server with its scheme and port; `None` if the scheme or the server is
/// not valid.
fn server_address(scheme: &str, server: &str) -> Option<String> {
    let is_scheme = matches!(scheme, "nats" | "tls");
    let uri: http::Uri = format!("http://{server}").parse().ok().filter(|_| is_scheme)?;
    let authority = uri.authority()?;
    let is_plain = !server.contains('@') && uri.path() == "/" && !server.ends_with('/');
    let has_port = authority.port_u16().is_some();
    if !is_plain
        || authority.host().is_empty()
        || (!has_port && authority.as_str() != authority.host())
    {
        return None;
    }
    let port = authority.port_u16().map_or_else(|| DEFAULT_PORT.into(), |port| port.to_string());
    Some(format!("{scheme}://{}:{port}", authority.host()))
}

fn host_of(server: &str) -> Option<&str> {
    server.split_once("://")?.1.rsplit_once(':').map(|(host, _)| host)
}
