//! `gatepost send`: sends a realistic, signed callback in place of the platform.

mod scenario;
mod shown_fields;

use std::env::VarError;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use bytes::Bytes;
use clap::Args;
use gatepost::{Sample, Timestamp};
use http::header::CONTENT_TYPE;
use http::{Request, Uri, response};
use http_body_util::Full;

use self::shown_fields::shown_fields;
use super::error::CommandError;
use super::print::{err, out};
use super::providers::{definition, unknown_kind};
use crate::scenario::Speed;
use crate::trusting_client::TrustingClient;
use crate::{app, clock};

/// Arguments of `gatepost send`.
#[derive(Debug, Args)]
pub(super) struct SendArguments {
    /// Kind of the callback, for example `tencent-css.push`; `gatepost providers` lists all kinds.
    #[arg(required_unless_present = "scenario")]
    kind: Option<String>,
    /// Fields to set, for example `app=push.example.com`, `/items/0/kind=2`, `header:X-Name=value`,
    /// `query:NAME=value` for a parameter of the query, or `setting:NAME=value` for a setting that
    /// the signature covers. VALUE may be empty.
    #[arg(value_name = "FIELD=VALUE")]
    fields: Vec<String>,
    /// Address that the platform calls. With --scenario, the default is `to` in the scenario.
    /// With --print, the default is http://127.0.0.1:8080/callbacks/PROVIDER.
    #[arg(
        long,
        value_name = "URL",
        required_unless_present_any = ["scenario", "print"],
        value_parser = address
    )]
    to: Option<Uri>,
    /// File with a scenario: the callbacks of several streams, each with its time. The
    /// manual's page `scenario` describes the file.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["kind", "fields", "at", "print"])]
    scenario: Option<PathBuf>,
    /// Speed of the scenario: a multiple of real time, or `max` for no pauses.
    #[arg(long, value_name = "SPEED", default_value = "1", requires = "scenario")]
    speed: Speed,
    /// Print a line of JSON for each callback of the scenario.
    #[arg(long, requires = "scenario")]
    json: bool,
    /// Key of the platform.
    #[arg(long, conflicts_with_all = ["key_env", "key_file"])]
    key: Option<KeyArgument>,
    /// Environment variable with the key of the platform.
    #[arg(long, value_name = "NAME", conflicts_with = "key_file")]
    key_env: Option<String>,
    /// File with the key of the platform.
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
    /// File with the certificate authorities in PEM that may sign the server's certificate, besides
    /// those of the machine.
    #[arg(long, value_name = "FILE")]
    cacert: Option<PathBuf>,
    /// File with the definition of your own provider.
    #[arg(long, value_name = "FILE")]
    definition: Option<PathBuf>,
    /// Time of the signature, in Unix seconds; default: the current time.
    #[arg(long, value_name = "SECONDS")]
    at: Option<i64>,
    /// Print the request, in the format that `gatepost explain` reads, instead of sending it.
    #[arg(long)]
    print: bool,
}

/// A key with a redacted Debug output.
#[derive(Clone)]
struct KeyArgument(String);

impl std::str::FromStr for KeyArgument {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self(text.to_owned()))
    }
}

impl std::fmt::Debug for KeyArgument {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[redacted]")
    }
}

impl SendArguments {
    /// Returns the key; `None` if the operator gives no key.
    fn key(&self) -> Result<Option<String>, CommandError> {
        match (&self.key_file, &self.key_env) {
            (Some(path), _) => key_of_file(path).map(Some),
            (None, Some(name)) => key_of_variable(name).map(Some),
            (None, None) => Ok(self.key.as_ref().map(|key| key.0.clone())),
        }
    }

    const fn to(&self) -> Option<&Uri> {
        self.to.as_ref()
    }

    /// Returns the address to which the command sends a callback of a provider. If the operator
    /// gives none, returns the address of the provider in a new config, because the command then
    /// only prints the callback.
    fn address(&self, provider: &str) -> Result<Uri, CommandError> {
        let given = self.to.as_ref().map(Uri::to_string);
        let text = given.unwrap_or_else(|| format!("http://127.0.0.1:8080/callbacks/{provider}"));
        let to = text.parse::<Uri>().unwrap_or_default();
        if to.scheme().is_none() || to.host().is_none() {
            let found = if to.scheme().is_none() { "no scheme" } else { "no host" };
            let problem = format!(
                "expected an address, found {found}; write, for example, http://127.0.0.1:8080/callbacks"
            );
            return Err(CommandError::argument(text, problem));
        }
        Ok(to)
    }

    fn definition(&self) -> Option<&Path> {
        self.definition.as_deref()
    }

    fn cacert(&self) -> Option<&Path> {
        self.cacert.as_deref()
    }

    const fn speed(&self) -> Speed {
        self.speed
    }

    const fn prints_json(&self) -> bool {
        self.json
    }
}

/// Parses the value of `--to`.
fn address(text: &str) -> Result<Uri, &'static str> {
    const EXPECTED: &str = "expected an address with http:// or https://, a host and a path, found \
                            another form; write, for example, http://127.0.0.1:8080/callbacks";
    text.parse().map_err(|_| EXPECTED)
}

pub(super) fn run(arguments: &SendArguments) -> Result<(), CommandError> {
    if let Some(path) = &arguments.scenario {
        return scenario::run(path, arguments);
    }
    // If there is no scenario, clap requires a kind.
    let Some(full_kind) = &arguments.kind else {
        return Err(CommandError::argument(
            "KIND",
            "expected a kind, found none; write, for example, tencent-css.push",
        ));
    };
    let (provider, kind) = full_kind.split_once('.').ok_or_else(|| {
        let problem = "expected PROVIDER.KIND, found no dot; write, for example, tencent-css.push";
        CommandError::argument(full_kind, problem)
    })?;
    let definition = definition(provider, arguments.definition.as_deref())?;
    let sample = definition.sample(kind);
    let mut sample = sample.ok_or_else(|| unknown_kind(&definition, kind))?;
    for field in &arguments.fields {
        let (name, value) = field.split_once('=').ok_or_else(|| {
            let problem =
                "expected FIELD=VALUE, found no =; write, for example, app=push.example.com";
            CommandError::argument(field, problem)
        })?;
        sample.set(name, value)?;
    }
    let to = arguments.address(provider)?;
    let key = arguments.key()?;
    let is_signed = key.is_some();
    if is_signed {
        warn_of_computed(&sample, &arguments.fields);
    }
    let now = arguments.at.map_or_else(clock::now, Timestamp::from_secs);
    match key {
        Some(key) => sample = sample.sign(key, now),
        None if definition.signs(kind) => {
            err(
                "expected a key, found none, so the callback has no signature; set the key with --key, \
                 --key-env or --key-file",
            );
        }
        None => {}
    }
    let sent = shown_fields(&definition, kind, &sample, &arguments.fields, is_signed);
    let request = sample.request(&to)?;
    if arguments.print {
        return Ok(print_request(&request)?);
    }
    let sent = (!sent.is_empty()).then(|| format!("sent {full_kind} with {sent}"));
    deliver(request, arguments.cacert.as_deref(), sent.as_deref())
}

/// Tells the operator that the signature replaces values of the command line.
fn warn_of_computed(sample: &Sample<'_>, fields: &[String]) {
    let names = fields.iter().filter_map(|field| Some(field.split_once('=')?.0));
    for name in names.filter(|name| sample.signing_replaces(name)) {
        err(&format!(
            "{name}: expected a field that the signature does not set, found one that it sets; gatepost \
             sends the computed value; omit --key, --key-env and --key-file to send your own value"
        ));
    }
}

/// Reads a key from a file.
fn key_of_file(path: &Path) -> Result<String, CommandError> {
    let text = std::fs::read_to_string(path);
    let text = text.map_err(|source| CommandError::File { path: path.to_owned(), source })?;
    Ok(text.trim_ascii_end().to_owned())
}

/// Reads a key from an environment variable.
fn key_of_variable(name: &str) -> Result<String, CommandError> {
    std::env::var(name).map_err(|error| {
        let is_usual = |b: u8| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_';
        let named = if name.bytes().all(is_usual) { name } else { "of --key-env" };
        let found = match error {
            VarError::NotPresent => "none",
            VarError::NotUnicode(_) => "bytes that are not UTF-8",
        };
        CommandError::Environment { name: named.to_owned(), found }
    })
}

/// Prints the request in wire format.
fn print_request(request: &Request<Bytes>) -> io::Result<()> {
    let uri = request.uri();
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let mut text = format!("{} {path} HTTP/1.1\r\n", request.method());
    if let Some(host) = uri.authority() {
        text.push_str(&format!("host: {host}\r\n"));
    }
    for (name, value) in request.headers() {
        text.push_str(&format!("{name}: {}\r\n", value.to_str().unwrap_or_default()));
    }
    text.push_str(&format!("content-length: {}\r\n\r\n", request.body().len()));
    let mut wire = text.into_bytes();
    wire.extend_from_slice(request.body());
    io::stdout().write_all(&wire)
}

/// Client that sends callbacks in place of a platform.
struct Sender(Option<TrustingClient>);

impl Sender {
    /// Creates a client that also trusts the authorities in `cacert`.
    fn new(cacert: Option<&Path>) -> Result<Self, CommandError> {
        Ok(Self(cacert.map(|path| TrustingClient::new(Some(path))).transpose()?))
    }

    /// Sends a request as [`Self::send`] does. Without a `cacert`, tries again for up to 5 s while
    /// no program listens on the address, because the server may be starting.
    async fn send_when_up(
        &self,
        request: Request<Bytes>,
    ) -> Result<(response::Parts, Bytes), CommandError> {
        const PATIENCE: Duration = Duration::from_secs(5);
        const PAUSE: Duration = Duration::from_millis(100);
        let started = Instant::now();
        loop {
            match self.send(request.clone()).await {
                Err(CommandError::Send { source, .. })
                    if source.is_refused() && started.elapsed() < PATIENCE =>
                {
                    tokio::time::sleep(PAUSE).await;
                }
                result => return result,
            }
        }
    }

    /// Sends a request, and returns the head and the body of the reply.
    async fn send(
        &self,
        request: Request<Bytes>,
    ) -> Result<(response::Parts, Bytes), CommandError> {
        // An error names only the host and the port, because the path may contain a token.
        let port = request.uri().port().map(|port| format!(":{port}")).unwrap_or_default();
        let host = format!("{}{port}", request.uri().host().unwrap_or_default());
        let request = request.map(Full::new);
        match &self.0 {
            Some(client) => {
                let reply = client.fetch(request, gatepost::MAX_ANSWER_BYTES).await;
                reply.map_err(|problem| CommandError::argument(host, problem))
            }
            None => {
                let reply = app::fetch(request).await;
                reply.map_err(|source| CommandError::Send { host, source })
            }
        }
    }
}

/// Sends the request, and prints the status and the body of the reply. After the reply has arrived,
/// first prints `sent` on standard error.
fn deliver(
    request: Request<Bytes>,
    cacert: Option<&Path>,
    sent: Option<&str>,
) -> Result<(), CommandError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (head, body) = runtime.block_on(Sender::new(cacert)?.send_when_up(request))?;
    if let Some(sent) = sent {
        err(sent);
    }
    out(&head.status.to_string());
    let body = String::from_utf8_lossy(&body);
    let body = body.trim_end();
    if !body.is_empty() {
        out(body);
    }
    if let Some(payload) = token_payload(body) {
        out(&payload);
    }
    let usual = [CONTENT_TYPE.as_str(), "content-length", "date", "connection", "server"];
    for (name, value) in &head.headers {
        if !usual.contains(&name.as_str()) && value.to_str().is_ok_and(|v| !v.is_empty()) {
            // Print only the name, because the value may be a credential.
            err(&format!("the reply has the header {name}"));
        }
    }
    if head.status.is_success() { Ok(()) } else { Err(CommandError::NotAccepted(head.status)) }
}

/// Decodes the payload of a JSON Web Token; `None` if the body is not such a token.
fn token_payload(body: &str) -> Option<String> {
    let mut parts = body.split('.');
    let (_, payload, _) = (parts.next()?, parts.next()?, parts.next()?);
    let decoded = data_encoding::BASE64URL_NOPAD.decode(payload.as_bytes()).ok()?;
    String::from_utf8(decoded).ok()
}
