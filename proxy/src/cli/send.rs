//! `gatepost send`: sends a realistic, signed callback in place of the platform.

use std::env::VarError;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use clap::Args;
use gatepost::Timestamp;
use http::header::CONTENT_TYPE;
use http::{Request, Uri};
use http_body_util::Full;

use super::error::CommandError;
use super::print::{err, out};
use super::providers::{definition, unknown_kind};
use super::trusting_client::TrustingClient;
use crate::{app, clock};

/// Arguments of `gatepost send`.
#[derive(Debug, Args)]
pub(super) struct SendArguments {
    /// Kind of the callback, for example `tencent-css.push`; `gatepost providers` lists all kinds.
    kind: String,
    /// Fields to set, for example `app=push.example.com`, `/items/0/kind=2`, `header:X-Name=value`,
    /// or `setting:NAME=value` for a setting that the signature covers.
    #[arg(value_name = "FIELD=VALUE")]
    fields: Vec<String>,
    /// Address that the platform would call.
    #[arg(long, value_name = "URL")]
    to: Uri,
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
    /// Moment of sending, in Unix seconds; default: now.
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

pub(super) fn run(arguments: &SendArguments) -> Result<(), CommandError> {
    let full_kind = &arguments.kind;
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
    let to = &arguments.to;
    if to.scheme().is_none() || to.host().is_none() {
        let found = if to.scheme().is_none() { "no scheme" } else { "no host" };
        let problem = format!(
            "expected an address, found {found}; write, for example, http://127.0.0.1:8080/callbacks"
        );
        return Err(CommandError::argument(to.to_string(), problem));
    }
    let now = arguments.at.map_or_else(clock::now, Timestamp::from_secs);
    match key(arguments)? {
        Some(key) => sample = sample.sign(key, now),
        None if definition.signs(kind) => {
            err("no signature in the callback; set the key with --key or --key-env");
        }
        None => {}
    }
    let request = sample.request(to)?;
    if arguments.print {
        return Ok(print_request(&request)?);
    }
    deliver(request, arguments.cacert.as_deref())
}

fn key(arguments: &SendArguments) -> Result<Option<String>, CommandError> {
    if let Some(path) = &arguments.key_file {
        let text = std::fs::read_to_string(path);
        let text = text.map_err(|source| CommandError::File { path: path.clone(), source })?;
        return Ok(Some(text.trim_ascii_end().to_owned()));
    }
    let Some(name) = &arguments.key_env else {
        return Ok(arguments.key.as_ref().map(|key| key.0.clone()));
    };
    let value = std::env::var(name);
    value.map(Some).map_err(|error| {
        let is_usual = |b: u8| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_';
        let named = if name.bytes().all(is_usual) { name } else { "of --key-env" };
        let problem = match error {
            VarError::NotPresent => "is not set",
            VarError::NotUnicode(_) => "is not UTF-8",
        };
        CommandError::Environment { name: named.to_owned(), problem }
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

/// Sends the request, and prints the status and the body of the reply.
fn deliver(request: Request<Bytes>, cacert: Option<&Path>) -> Result<(), CommandError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    // An error names only the host and the port, because the path may contain a token.
    let port = request.uri().port().map(|port| format!(":{port}")).unwrap_or_default();
    let host = format!("{}{port}", request.uri().host().unwrap_or_default());
    let request = request.map(Full::new);
    let (head, body) = match cacert {
        Some(path) => {
            let client = TrustingClient::new(Some(path))?;
            let reply = runtime.block_on(client.fetch(request, gatepost::MAX_ANSWER_BYTES));
            reply.map_err(|problem| CommandError::argument(host, problem))?
        }
        None => {
            let reply = runtime.block_on(app::fetch(request));
            reply.map_err(|source| CommandError::Send { host, source })?
        }
    };
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
