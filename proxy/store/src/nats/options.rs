//! Options of a store on NATS.

use std::fmt;

/// Options of a store on NATS.
#[derive(Clone, Debug)]
pub struct NatsOptions {
    /// Addresses of the servers, such as `nats://n1:4222` or `tls://n1:4222`.
    pub servers: Vec<String>,
    /// Login at the servers.
    pub login: NatsLogin,
    /// TLS config; `None` to trust the certificate authorities of the machine.
    pub tls: Option<rustls::ClientConfig>,
    /// First part of the names of streams and subjects.
    pub prefix: String,
    /// Number of replicas of each stream.
    pub replicas: usize,
    /// Size of the largest event, in bytes.
    pub largest_event: usize,
    /// Addresses of the servers' monitors, such as `http://n1:8222`; empty to check no server for
    /// `sync_interval`.
    pub monitors: Vec<String>,
}

/// Login at a NATS server.
#[derive(Clone)]
#[non_exhaustive]
pub enum NatsLogin {
    /// No login.
    None,
    /// A user with a password.
    Password {
        /// Name of the user.
        user: String,
        /// Password.
        password: String,
    },
    /// A token.
    Token(String),
    /// The text of a credentials file: a JWT and the seed of an NKey.
    Credentials(String),
}

impl fmt::Debug for NatsLogin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "None",
            Self::Password { .. } => "Password",
            Self::Token(_) => "Token",
            Self::Credentials(_) => "Credentials",
        })
    }
}
