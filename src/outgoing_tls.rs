//! TLS settings for connections to apps, to the upstream and to NATS servers.

use crate::pem::{PemFile, PrivateKeyPem};

/// An entry of `[[outgoing_tls]]`: the TLS settings for connections to the hosts of the entry. The
/// proxy parses the PEM texts.
#[derive(Debug)]
pub struct OutgoingTls {
    /// Hosts in lower case; empty means every host.
    pub(crate) hosts: Vec<String>,
    pub(crate) ca: Option<PemFile>,
    pub(crate) identity: Option<ClientIdentity>,
    pub(crate) server_name: Option<String>,
}

/// A client certificate and its key.
#[derive(Debug, PartialEq)]
pub(crate) struct ClientIdentity {
    pub(crate) chain: PemFile,
    pub(crate) key: PrivateKeyPem,
}

impl OutgoingTls {
    /// Returns the certificates of the trusted authorities; `None` means the certificate
    /// authorities of the system.
    #[must_use]
    pub const fn ca(&self) -> Option<&PemFile> {
        self.ca.as_ref()
    }

    /// Returns the client certificate with its chain, and its private key; `None` if gatepost
    /// presents no certificate.
    #[must_use]
    pub fn identity(&self) -> Option<(&PemFile, &PrivateKeyPem)> {
        self.identity.as_ref().map(|identity| (&identity.chain, &identity.key))
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
