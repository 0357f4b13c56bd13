//! The address and the tokens of the admin listener.

use core::fmt;
use core::net::SocketAddr;
use std::path::PathBuf;

use super::ConfigReader;
use super::tls::unix_path;
use crate::secret::Secret;
use crate::toml_reader::{FaultKind, Located, Place, Table};

/// Address of the admin listener.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AdminAddress {
    /// HTTP on TCP.
    Tcp(SocketAddr),
    /// TLS on TCP, with the certificates of `listen_tls`. In the config: `tls:127.0.0.1:9900`.
    Tls(SocketAddr),
    /// HTTP on the Unix socket at this path. In the config: `unix:/run/gatepost/admin.sock`.
    Unix(PathBuf),
}

impl AdminAddress {
    /// Returns the address of a TCP listener, with or without TLS; `None` for a Unix socket.
    #[must_use]
    pub const fn tcp(&self) -> Option<SocketAddr> {
        match self {
            Self::Tcp(address) | Self::Tls(address) => Some(*address),
            Self::Unix(_) => None,
        }
    }
}

impl fmt::Display for AdminAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::Tls(address) => write!(f, "tls:{address}"),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

/// A token that gives clients access to the admin API.
///
/// The type supports only comparison: no public method returns the token, and `Debug` redacts the
/// token.
///
/// # Examples
///
/// ```
/// use gatepost::Gate;
///
/// let config = "admin = '127.0.0.1:9900'\nadmin_token = { env = 'TOKEN' }\n\
///               [[route]]\npath = '/callbacks/tencent'\nprovider = 'tencent-css'\n";
/// let gate = Gate::builder().toml(config).variable("TOKEN", "s3cret").build()?;
/// let token = gate.proxy_settings().admin_token.unwrap();
/// assert!(token.matches(b"s3cret"));
/// assert!(!token.matches(b"s3cres"));
/// # Ok::<(), gatepost::ConfigError>(())
/// ```
#[derive(Clone, Debug)]
pub struct AdminToken(Secret);

impl AdminToken {
    /// Returns `true` if `candidate` is the token.
    ///
    /// The duration of the comparison depends only on the two lengths.
    #[must_use]
    pub fn matches(&self, candidate: &[u8]) -> bool {
        self.0.matches(candidate)
    }

    /// Returns `true` if both tokens are equal.
    ///
    /// The duration of the comparison depends only on the two lengths.
    #[must_use]
    pub fn is(&self, other: &Self) -> bool {
        self.0.matches(other.0.expose())
    }
}

impl<'f> ConfigReader<'f, '_> {
    /// Reads the address of the admin listener: `127.0.0.1:9900`, `tls:127.0.0.1:9900` or
    /// `unix:/run/gatepost/admin.sock`.
    pub(super) fn admin_address(&self, text: &Located<&'f str>) -> Option<Located<AdminAddress>> {
        let located = |value| Located { value, place: text.place.clone() };
        if let Some(path) = unix_path(text.value) {
            let path = Located { value: path, place: text.place.clone() };
            return Some(located(AdminAddress::Unix(self.path(&path))));
        }
        if text.value == "unix:" {
            let wanted = FaultKind::AddressInvalid.because("the path of a Unix socket");
            self.faults.add_text(text, wanted, "write \"unix:/run/gatepost/admin.sock\"");
            return None;
        }
        if let Some(value) = text.value.strip_prefix("tls:") {
            let address = self.located_address(&Located { value, place: text.place.clone() })?;
            return Some(located(AdminAddress::Tls(address.value)));
        }
        self.located_address(text).map(|address| located(AdminAddress::Tcp(address.value)))
    }

    /// Reads a token of the admin API. Warns of a token without effect, and of a token that other
    /// machines can read on the network.
    pub(super) fn admin_token(
        &self,
        table: &Table<'f>,
        key: &'f str,
        admin: Option<&AdminAddress>,
    ) -> Option<AdminToken> {
        let item = table.any(key)?;
        self.warn_of_listener(admin, &table.place_of("admin"), &item.place);
        let secret = self.secret(&item)?;
        if !secret.expose().iter().all(u8::is_ascii_graphic) {
            let remedy = "create a token of printable ASCII characters without spaces";
            let problem = "expected a token of printable ASCII characters, found a space, a control \
                           character or a non-ASCII character";
            self.faults.add(&item.place, FaultKind::SecretInvalid.because(problem), remedy);
        }
        Some(AdminToken(secret))
    }

    fn warn_of_listener(&self, admin: Option<&AdminAddress>, address: &Place, token: &Place) {
        match admin {
            None => {
                let remedy = "add admin = \"127.0.0.1:9900\", or remove the token";
                let problem = "expected `admin` beside the token, found none";
                self.warnings.add(token, FaultKind::TokenUseless.because(problem), remedy);
            }
            Some(AdminAddress::Tcp(tcp)) if !tcp.ip().is_loopback() => {
                let remedy = "write \"tls:\" before the address, or listen on 127.0.0.1 or on a Unix \
                              socket";
                let problem = "expected TLS or a local address, found an address to which clients send \
                               the token over the network in clear text";
                self.warnings.add(address, FaultKind::AdminExposed.because(problem), remedy);
            }
            Some(_) => {}
        }
    }
}
