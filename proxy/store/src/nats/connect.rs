//! The connection to NATS, the check of the servers, and the opening of the streams.

use std::collections::HashMap;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use async_nats::jetstream::Context;
use async_nats::jetstream::ErrorCode;
use async_nats::jetstream::context::{ContextBuilder, CreateStreamErrorKind};
use async_nats::jetstream::stream::{Config, DiscardPolicy, StorageType, Stream};
use async_nats::{Client, ConnectOptions, Event};
use nkeys::KeyPair;
use tokio::time::{Instant, sleep, timeout};

use super::error::NatsError;
use super::options::{NatsLogin, NatsOptions};
use super::streams::{Names, Streams};
use super::sync_check;
use crate::StoreRules;

/// Version of the message format.
const SCHEMA: u32 = 1;

/// Key of the schema in the metadata of a stream.
const SCHEMA_KEY: &str = "gatepost_schema";

/// Oldest server version that the store supports: major and minor.
const OLDEST: (u32, u32) = (2, 11);

/// Longest wait at the start for each step of opening the streams, for example while a cluster
/// elects its leader.
const START_PATIENCE: Duration = Duration::from_secs(10);

/// Longest wait of a command for each step of opening the streams. This wait is shorter than
/// [`super::ATTACH_PATIENCE`], so the command prints the error of the server.
const ATTACH_PATIENCE: Duration = Duration::from_secs(1);

/// Time limit for the response to a request.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(2);

/// Longest wait between two attempts to connect again.
const RECONNECT: Duration = Duration::from_secs(1);

/// Maximum total size of the values that machines share, in bytes. If the stream is full, NATS
/// removes the oldest values.
const MAX_SHARED_BYTES: i64 = 128 * 1024 * 1024;

/// Space for the headers and the subject of a message, in bytes.
const OVERHEAD: usize = 4096;

/// Opens the streams. If `create` is true, creates missing streams.
pub(super) async fn open(
    options: &NatsOptions,
    rules: StoreRules,
    create: bool,
) -> Result<Streams, NatsError> {
    let patience = if create { START_PATIENCE } else { ATTACH_PATIENCE };
    let wait = Wait { servers: &options.servers, is_start: create };
    let client = wait.announced("a connection", connect(options, patience)).await?;
    check_server(&client, options.largest_event)?;
    let context = ContextBuilder::new()
        .timeout(REQUEST_TIMEOUT)
        .backpressure_on_inflight(true)
        .build(client.clone());
    let jetstream = check_jetstream(&client, &context, patience);
    wait.announced("a response of JetStream", jetstream).await?;
    if create {
        sync_check::check(&options.monitors).await?;
    }
    let opening = Opening { context: &context, options, rules, create, patience };
    let names = Names(options.prefix.clone());
    let events = opening.stream(&names, "events", &["event"]);
    let events = wait.announced("the stream of events", events).await?;
    let delivered = opening.stream(&names, "delivered", &["delivered"]).await?;
    let dead = opening.stream(&names, "dead", &["dead"]).await?;
    let state = opening.stream(&names, "state", &["claim", "key", "member", "owner"]).await?;
    let shared = opening.stream(&names, "shared", &["shared"]).await?;
    Ok(Streams { context, names, events, delivered, dead, state, shared })
}

/// Time after which a starting gatepost logs what it waits for.
const ANNOUNCED_AFTER: Duration = Duration::from_secs(1);

/// A wait for the servers.
struct Wait<'o> {
    servers: &'o [String],
    /// True at the start of gatepost, false for a command, which waits for a short time.
    is_start: bool,
}

impl Wait<'_> {
    /// Awaits `step`. If a step of the start takes longer than [`ANNOUNCED_AFTER`], logs what
    /// gatepost waits for.
    async fn announced<T>(&self, awaited: &str, step: impl Future<Output = T>) -> T {
        let mut step = pin!(step);
        if let Ok(done) = timeout(ANNOUNCED_AFTER, &mut step).await {
            return done;
        }
        if self.is_start {
            tracing::warn!(
                code = "nats_unreachable",
                "waiting for NATS: expected {awaited} from {}, found none for {} s; if there is \
                 none within {} s, gatepost does not start",
                self.servers.join(", "),
                ANNOUNCED_AFTER.as_secs(),
                START_PATIENCE.as_secs(),
            );
        }
        step.await
    }
}

async fn connect(options: &NatsOptions, patience: Duration) -> Result<Client, NatsError> {
    let reconnected =
        Arc::new(Reconnected { largest_event: options.largest_event, ..Reconnected::default() });
    let started = Instant::now();
    loop {
        let attempt = connect_options(options, &reconnected)?.connect(options.servers.clone());
        let error = match attempt.await {
            Ok(client) => {
                // `set` fails only after an earlier connection, and there is none.
                drop(reconnected.client.set(client.clone()));
                return Ok(client);
            }
            Err(error) => error,
        };
        if started.elapsed() >= patience {
            let servers = options.servers.join(", ");
            return Err(NatsError::Connect { servers, problem: error.to_string() });
        }
        sleep(Duration::from_millis(500)).await;
    }
}

fn connect_options(
    options: &NatsOptions,
    reconnected: &Arc<Reconnected>,
) -> Result<ConnectOptions, NatsError> {
    let reconnected = Arc::clone(reconnected);
    let base = ConnectOptions::new()
        .name("gatepost")
        .connection_timeout(Duration::from_secs(3))
        .request_timeout(Some(REQUEST_TIMEOUT))
        .ping_interval(Duration::from_secs(5))
        .reconnect_delay_callback(|attempts| {
            let wait = u32::try_from(attempts).unwrap_or(u32::MAX);
            RECONNECT.min(Duration::from_millis(50).saturating_mul(wait))
        })
        .event_callback(move |event| {
            let reconnected = Arc::clone(&reconnected);
            async move {
                log(&event);
                if matches!(event, Event::Connected) {
                    reconnected.check().await;
                }
            }
        });
    let base = match &options.tls {
        Some(tls) => base.tls_client_config(tls.clone()),
        None => base,
    };
    match &options.login {
        NatsLogin::None => Ok(base),
        NatsLogin::Password { user, password } => {
            Ok(base.user_and_password(user.clone(), password.clone()))
        }
        NatsLogin::Token(token) => Ok(base.token(token.clone())),
        NatsLogin::Credentials(text) => base.credentials(text).map_err(|_| NatsError::Credentials),
        NatsLogin::NKey(seed) => {
            KeyPair::from_seed(seed).map_err(|_| NatsError::Seed)?;
            Ok(base.nkey(seed.clone()))
        }
    }
}

fn log(event: &Event) {
    if matches!(event, Event::Disconnected) {
        tracing::warn!(
            "expected a connection to NATS, found a lost connection; if gatepost does not connect \
             again, check the servers"
        );
    } else {
        tracing::debug!("NATS: {event}");
    }
}

/// Check of the server after each new connection, because the servers of a cluster may differ.
#[derive(Default)]
struct Reconnected {
    /// Set after the first connection, whose server gatepost checks at the start.
    client: OnceLock<Client>,
    largest_event: usize,
    /// Number of connections to unsuitable servers.
    unsuitable: AtomicU64,
}

impl Reconnected {
    async fn check(&self) {
        let Some(client) = self.client.get() else { return };
        // `async-nats` reads the version and the limits before it sends on the new connection.
        if !matches!(timeout(REQUEST_TIMEOUT, client.flush()).await, Ok(Ok(()))) {
            return;
        }
        if let Err(error) = check_server(client, self.largest_event) {
            let count = self.unsuitable.fetch_add(1, Ordering::Relaxed) + 1;
            tracing::warn!(code = "nats_server_unsuitable", count, "{error}");
        }
    }
}

/// Checks the version of the server and its maximum message size.
fn check_server(client: &Client, largest_event: usize) -> Result<(), NatsError> {
    let server = client.server_info();
    let name = format!("{} ({}:{})", server.server_name, server.host, server.port);
    if version(&server.version) < OLDEST {
        return Err(NatsError::Version { server: name, version: server.version });
    }
    let needed = largest_event.saturating_add(OVERHEAD);
    if server.max_payload < needed {
        return Err(NatsError::MaxPayload { server: name, needed, found: server.max_payload });
    }
    Ok(())
}

/// Parses the major and the minor number of a version. A missing or malformed number is 0.
fn version(text: &str) -> (u32, u32) {
    let mut numbers = text.split('.').map(|number| number.parse().unwrap_or_default());
    (numbers.next().unwrap_or_default(), numbers.next().unwrap_or_default())
}

async fn check_jetstream(
    client: &Client,
    context: &Context,
    patience: Duration,
) -> Result<(), NatsError> {
    let started = Instant::now();
    loop {
        let Err(error) = context.query_account().await else { return Ok(()) };
        if !client.server_info().jetstream || started.elapsed() >= patience {
            let server = client.server_info().server_name;
            return Err(NatsError::NoJetStream { server, problem: error.to_string() });
        }
        sleep(Duration::from_millis(500)).await;
    }
}

struct Opening<'o> {
    context: &'o Context,
    options: &'o NatsOptions,
    rules: StoreRules,
    create: bool,
    patience: Duration,
}

impl Opening<'_> {
    /// Opens a stream. If the error of an attempt may be temporary, repeats the attempt for
    /// `patience`.
    async fn stream(
        &self,
        names: &Names,
        name: &str,
        kinds: &[&str],
    ) -> Result<Stream<()>, NatsError> {
        let wanted = self.config(names, name, kinds);
        let stream = wanted.name.clone();
        let started = Instant::now();
        loop {
            let error = match self.try_stream(&wanted).await {
                Ok(()) => break,
                Err(error) => error,
            };
            let may_pass = matches!(&error, NatsError::Stream { .. } | NatsError::Replicas { .. });
            if !may_pass || started.elapsed() >= self.patience {
                return Err(error);
            }
            sleep(Duration::from_millis(500)).await;
        }
        let opened = self.context.get_stream_no_info(&stream).await;
        opened.map_err(|error| self.refused(&stream, &error.to_string()))
    }

    fn config(&self, names: &Names, name: &str, kinds: &[&str]) -> Config {
        let is_events = name == "events";
        Config {
            name: names.stream(name),
            subjects: kinds.iter().map(|kind| names.all(kind)).collect(),
            description: Some("gatepost: see its manual, page queue".into()),
            storage: StorageType::File,
            num_replicas: self.options.replicas,
            max_bytes: match name {
                "events" => i64::try_from(self.rules.max_bytes).unwrap_or(i64::MAX),
                "shared" => MAX_SHARED_BYTES,
                _ => -1,
            },
            max_messages: -1,
            max_consumers: -1,
            // With `New`, a full stream refuses an event instead of removing an old one.
            discard: if is_events { DiscardPolicy::New } else { DiscardPolicy::Old },
            max_messages_per_subject: if is_events { -1 } else { 1 },
            allow_direct: true,
            // NATS removes a message with a time to live within two seconds after it expires.
            // Without delete markers (`subject_delete_marker_ttl`), NATS then accepts the expected
            // sequence 0.
            allow_message_ttl: matches!(name, "state" | "shared"),
            metadata: HashMap::from([(SCHEMA_KEY.to_owned(), SCHEMA.to_string())]),
            ..Config::default()
        }
    }

    /// Checks a stream. If `create` is true, creates a missing stream, and updates the maximum size
    /// of an existing stream.
    async fn try_stream(&self, wanted: &Config) -> Result<(), NatsError> {
        let stream = wanted.name.clone();
        let Ok(found) = self.context.get_stream(&stream).await else {
            if !self.create {
                return Err(NatsError::Absent { stream });
            }
            let created = self.context.create_stream(wanted.clone()).await;
            return created.map(drop).map_err(|error| {
                if let CreateStreamErrorKind::JetStream(refused) = error.kind()
                    && is_too_few(refused.error_code())
                {
                    return self.too_few(&stream, &refused.to_string());
                }
                self.refused(&stream, &error.to_string())
            });
        };
        let found = &found.cached_info().config;
        let schema = found.metadata.get(SCHEMA_KEY);
        if schema != Some(&SCHEMA.to_string()) {
            let found =
                schema.map_or("another stream".to_owned(), |found| format!("schema {found}"));
            return Err(NatsError::Schema { stream, known: SCHEMA, found });
        }
        if found.num_replicas < wanted.num_replicas {
            return Err(self.too_few(&stream, &found.num_replicas.to_string()));
        }
        if self.create && found.max_bytes != wanted.max_bytes {
            let changed = Config { max_bytes: wanted.max_bytes, ..found.clone() };
            let updated = self.context.update_stream(&changed).await;
            updated.map_err(|error| self.refused(&stream, &error.to_string()))?;
        }
        Ok(())
    }

    fn refused(&self, stream: &str, problem: &str) -> NatsError {
        let (stream, problem) = (stream.to_owned(), problem.to_owned());
        NatsError::Stream { stream, max_bytes: self.rules.max_bytes, problem }
    }

    fn too_few(&self, stream: &str, found: &str) -> NatsError {
        let wanted = self.options.replicas;
        NatsError::Replicas { stream: stream.to_owned(), wanted, found: found.to_owned() }
    }
}

/// Returns true for the codes of a cluster with too few servers.
fn is_too_few(code: ErrorCode) -> bool {
    code == ErrorCode::CLUSTER_NO_PEERS || code == ErrorCode::STREAM_REPLICAS_NOT_SUPPORTED
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compares_versions_by_number() {
        assert!(version("2.9.10") < OLDEST);
        assert!(version("2.10.26") < OLDEST);
        assert!(version("2.11.0-beta.2") >= OLDEST);
        assert!(version("3.0.0") >= OLDEST);
        assert!(version("") < OLDEST);
    }
}
