//! `gatepost send`: a realistic callback, signed, as its platform would send it.

use std::io;
use std::path::PathBuf;

use clap::Args;
use gatepost::Timestamp;
use http::header::CONTENT_TYPE;
use http::{Request, Uri};
use http_body_util::Full;

use super::print::{Problem, definition, say};
use crate::{app, clock};

/// What to send, and where.
#[derive(Debug, Args)]
pub(crate) struct Send {
    /// The kind of event, as in `tencent-css.push`; `gatepost providers` lists them.
    kind: String,
    /// Fields to set, as in `app=push.example.com`, `/items/0/kind=2`, `header:X-Name=value`, or
    /// `setting:NAME=value` for one that is signed.
    #[arg(value_name = "FIELD=VALUE")]
    fields: Vec<String>,
    /// The address that the platform would call.
    #[arg(long, value_name = "URL")]
    to: Uri,
    /// The platform's key.
    #[arg(long, conflicts_with = "key_env")]
    key: Option<Hidden>,
    /// The environment variable that holds the platform's key.
    #[arg(long, value_name = "NAME")]
    key_env: Option<String>,
    /// The definition of a provider of your own.
    #[arg(long, value_name = "FILE")]
    definition: Option<PathBuf>,
    /// When it is sent, in Unix seconds; now without it.
    #[arg(long, value_name = "SECONDS")]
    at: Option<i64>,
    /// Print the request instead of sending it, as `gatepost explain` reads it.
    #[arg(long)]
    print: bool,
}

/// A key, which is not printed.
#[derive(Clone)]
struct Hidden(String);

impl std::str::FromStr for Hidden {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self(text.to_owned()))
    }
}

impl std::fmt::Debug for Hidden {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[redacted]")
    }
}

pub(crate) fn run(send: &Send) -> Result<(), Problem> {
    let (provider, kind) = send.kind.split_once('.').ok_or_else(|| {
        format!("{}: write the provider and the kind, as in tencent-css.push", send.kind)
    })?;
    let definition = definition(provider, send.definition.as_deref())?;
    let mut sample = definition.sample(kind).ok_or_else(|| {
        format!("{}: there is no such kind; `gatepost providers {provider}` lists them", send.kind)
    })?;
    for field in &send.fields {
        let (name, value) = field
            .split_once('=')
            .ok_or_else(|| format!("{field}: write FIELD=VALUE, as in app=push.example.com"))?;
        sample.set(name, value).map_err(|error| error.to_string())?;
    }
    if send.to.scheme().is_none() || send.to.host().is_none() {
        return Err(format!(
            "{}: write a whole address, as in http://127.0.0.1:8080/callbacks",
            send.to
        ));
    }
    let now = send.at.map_or_else(clock::now, Timestamp::from_secs);
    match key(send)? {
        Some(key) => sample = sample.sign(key, now),
        None if definition.signs(kind) => {
            say(io::stderr(), "sent without a signature: give the key with --key or --key-env");
        }
        None => {}
    }
    let request = sample.request(&send.to).map_err(|error| error.to_string())?;
    if send.print {
        return print(&request);
    }
    deliver(request)
}

fn key(send: &Send) -> Result<Option<String>, Problem> {
    let Some(name) = &send.key_env else {
        return Ok(send.key.as_ref().map(|key| key.0.clone()));
    };
    let value = std::env::var(name);
    value.map(Some).map_err(|_| {
        // It may be the key itself, by mistake.
        let usual = |b: u8| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_';
        let named = if name.bytes().all(usual) { &**name } else { "of --key-env" };
        format!("the environment variable {named} is not set")
    })
}

/// The request as it stands on the wire.
fn print(request: &Request<bytes::Bytes>) -> Result<(), Problem> {
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
    io::Write::write_all(&mut io::stdout(), &wire).map_err(|error| error.to_string())
}

/// Sends it, and prints the status and the reply.
fn deliver(request: Request<bytes::Bytes>) -> Result<(), Problem> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| error.to_string())?;
    // Its path may hold a token.
    let host = request.uri().host().unwrap_or_default().to_owned();
    let reply = runtime.block_on(app::fetch(request.map(Full::new)));
    let (head, body) = reply.map_err(|why| format!("{host}: {why}"))?;
    say(io::stdout(), &head.status.to_string());
    let body = String::from_utf8_lossy(&body);
    let body = body.trim_end();
    if !body.is_empty() {
        say(io::stdout(), body);
    }
    if let Some(payload) = token_payload(body) {
        say(io::stdout(), &payload);
    }
    let known = [CONTENT_TYPE.as_str(), "content-length", "date", "connection", "server"];
    for (name, value) in &head.headers {
        if !known.contains(&name.as_str()) && value.to_str().is_ok_and(|v| !v.is_empty()) {
            // Its value is a credential of the platform's.
            say(io::stderr(), &format!("with the header {name}"));
        }
    }
    if head.status.is_success() { Ok(()) } else { Err("it was not accepted".into()) }
}

/// What a JSON Web Token says.
fn token_payload(body: &str) -> Option<String> {
    let mut parts = body.split('.');
    let (_, payload, _) = (parts.next()?, parts.next()?, parts.next()?);
    let decoded = data_encoding::BASE64URL_NOPAD.decode(payload.as_bytes()).ok()?;
    String::from_utf8(decoded).ok()
}
