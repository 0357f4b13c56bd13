//! TLS settings for connections to apps and to the upstream.

use crate::secret::Secret;

/// An entry of `[[outgoing_tls]]`: the TLS settings for connections to the hosts of the entry. The
/// proxy parses the PEM texts.
#[derive(Debug)]
pub struct OutgoingTls {
    /// Hosts in lower case; empty means every host.
    pub(crate) hosts: Vec<String>,
    pub(crate) ca: Option<String>,
    pub(crate) identity: Option<ClientIdentity>,
    pub(crate) server_name: Option<String>,
}

/// A client certificate and its key.
#[derive(Debug)]
pub(crate) struct ClientIdentity {
    pub(crate) chain: String,
    pub(crate) key: Secret,
}

impl OutgoingTls {
    /// Returns the certificates of the trusted authorities, as PEM; `None` means the certificate
    /// authorities of the system.
    #[must_use]
    pub fn ca(&self) -> Option<&str> {
        self.ca.as_deref()
    }

    /// Returns the chain of the client certificate, as PEM; `None` if gatepost presents no
    /// certificate.
    #[must_use]
    pub fn certificate(&self) -> Option<&str> {
        self.identity.as_ref().map(|identity| &*identity.chain)
    }

    /// Returns the private key of the client certificate, as PEM; `None` if gatepost presents no
    /// certificate. Never log this value.
    #[must_use]
    pub fn expose_key(&self) -> Option<&[u8]> {
        self.identity.as_ref().map(|identity| identity.key.expose())
    }

    /// Returns the name that the certificate of the server must have; `None` means the host of the
    /// address.
    #[must_use]
    pub fn server_name(&self) -> Option<&str> {
        self.server_name.as_deref()
    }

    pub(crate) fn applies_to(&self, host: &str) -> bool {
        self.hosts.is_empty() || self.hosts.iter().any(|own| own.eq_ignore_ascii_case(host))
    }
}
