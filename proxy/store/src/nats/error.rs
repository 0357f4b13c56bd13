//! Errors of opening a store on NATS.

use std::time::Duration;

/// Reason why a store on NATS does not open.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NatsError {
    /// No server accepts a connection.
    #[error(
        "expected a connection to one of {servers}, found {problem}; start the servers, or correct \
         url and login in [store]"
    )]
    Connect {
        /// Addresses of the servers.
        servers: String,
        /// Error of the last attempt.
        problem: String,
    },
    /// No server responds in time.
    #[error(
        "expected a response of {servers} within {} s, found none; check that the servers run and have a \
         leader",
        patience.as_secs()
    )]
    NoResponse {
        /// Addresses of the servers.
        servers: String,
        /// Longest wait.
        patience: Duration,
    },
    /// The server is too old.
    #[error(
        "{server}: expected NATS 2.11 or newer, found {version}; upgrade the server, because an older \
         one does not support messages with a time to live"
    )]
    Version {
        /// Name of the server.
        server: String,
        /// Version of the server.
        version: String,
    },
    /// The server or the account has no JetStream.
    #[error(
        "{server}: expected JetStream, found {problem}; add a jetstream block to the config of each \
         server, and enable JetStream for the account"
    )]
    NoJetStream {
        /// Name of the server.
        server: String,
        /// Response of the server.
        problem: String,
    },
    /// A server does not sync each write.
    #[error(
        "{monitor}: expected sync_interval: always, found {found}; add sync_interval: always to the \
         jetstream block of each server, because acknowledged events would not survive a power failure"
    )]
    NotSynced {
        /// Address of the server's monitor.
        monitor: String,
        /// Setting of the server.
        found: String,
    },
    /// The monitor of a server has an address that gatepost cannot use.
    #[error("{0}: expected http://HOST:PORT in monitor, found another address; correct it")]
    Monitor(String),
    /// The largest event does not fit into a message.
    #[error(
        "{server}: expected max_payload of at least {needed} bytes, found {found}; raise max_payload \
         on each server, or lower max_body_bytes of the routes"
    )]
    MaxPayload {
        /// Name of the server.
        server: String,
        /// Size of the message with the largest event, in bytes.
        needed: usize,
        /// Limit of the server, in bytes.
        found: usize,
    },
    /// An existing or a new stream has too few replicas.
    #[error(
        "{stream}: expected {wanted} replicas, found {found}; start {wanted} servers as one cluster, \
         and run nats stream edit {stream} --replicas {wanted} if the stream exists, or lower replicas"
    )]
    Replicas {
        /// Name of the stream.
        stream: String,
        /// The value of `replicas`.
        wanted: usize,
        /// Number of replicas, or the response of the server.
        found: String,
    },
    /// The server refuses a stream.
    #[error(
        "{stream}: expected a stream of at most {max_bytes} bytes, found {problem}; raise max_file of \
         the servers, lower max_bytes, or let the user manage streams"
    )]
    Stream {
        /// Name of the stream.
        stream: String,
        /// The value of `max_bytes`.
        max_bytes: u64,
        /// Response of the server.
        problem: String,
    },
    /// The stream belongs to another program, or to another version of gatepost.
    #[error(
        "{stream}: expected a stream of gatepost with schema {known}, found {found}; run the gatepost \
         that wrote it, or set another prefix"
    )]
    Schema {
        /// Name of the stream.
        stream: String,
        /// Schema that this gatepost supports.
        known: u32,
        /// Schema of the stream.
        found: String,
    },
    /// The stream is missing, because no gatepost has created it.
    #[error("{stream}: expected a stream of gatepost, found none; start gatepost once")]
    Absent {
        /// Name of the stream.
        stream: String,
    },
    /// The NATS credentials are malformed.
    #[error("expected NATS credentials with a JWT and a seed, found other text; replace the file")]
    Credentials,
    /// The seed of an NKey is malformed.
    #[error("expected the seed of an NKey user, found other text; replace nkey in [store]")]
    Seed,
    /// A file of `[[outgoing_tls]]` has a fault.
    #[error("{0}")]
    Tls(String),
    /// gatepost cannot read the streams.
    #[error(transparent)]
    Unavailable(#[from] gatepost::StoreError),
    /// gatepost cannot start the thread of the store.
    #[error("expected a thread for the store, found an error: {0}; check the process limits")]
    Thread(std::io::Error),
}

impl NatsError {
    /// Returns the stable code, for example `nats_unreachable`.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Connect { .. } | Self::NoResponse { .. } | Self::Unavailable(_) => {
                "nats_unreachable"
            }
            Self::Version { .. } => "nats_version_old",
            Self::NoJetStream { .. } => "nats_jetstream_missing",
            Self::NotSynced { .. } => "nats_not_synced",
            Self::Monitor(_) => "nats_monitor_invalid",
            Self::MaxPayload { .. } => "nats_payload_small",
            Self::Replicas { .. } => "nats_replicas_missing",
            Self::Stream { .. } => "nats_stream_refused",
            Self::Schema { .. } | Self::Absent { .. } => "store_schema_unknown",
            Self::Credentials | Self::Seed => "nats_login_invalid",
            Self::Tls(_) => "nats_tls_invalid",
            Self::Thread(_) => "store_thread_missing",
        }
    }
}
