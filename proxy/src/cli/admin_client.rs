//! Client of the admin API, for the commands that send requests to a running gatepost.

use std::error::Error;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use bytes::Bytes;
use clap::Args;
use gatepost::AdminAddress;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use http::{HeaderValue, Method, Request, StatusCode, Uri};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde::de::DeserializeOwned;
use serde_json::Value as Json;
use tokio::net::UnixStream;
use tokio::runtime::Runtime;

use super::config_argument::DEFAULT_CONFIG;
use super::error::{AdminError, CommandError};
use crate::trusting_client::TrustingClient;

/// Maximum length of a response, in bytes. The longest response contains four bodies.
const MAX_RESPONSE_BYTES: usize = 4 * 1024 * 1024;

/// Default environment variable with the token.
const TOKEN_VARIABLE: &str = "GATEPOST_ADMIN_TOKEN";

/// Message about a wrong token. The message of the API names the header, but an operator who runs a
/// command does not write this header.
const WRONG_TOKEN: &str = "expected the admin_token or the admin_read_token of the running gatepost, found another \
                           token; check GATEPOST_ADMIN_TOKEN, --token-env or --token-file";

/// Arguments for the access to the admin API.
#[derive(Debug, Args)]
pub(super) struct AdminArguments {
    /// Address of the admin listener, for example https://gate.example.com:9900 or
    /// unix:/run/gatepost/admin.sock; default: `admin` of ./gatepost.toml, otherwise
    /// http://127.0.0.1:9900.
    #[arg(long, value_name = "ADDRESS")]
    admin: Option<AdminUrl>,
    #[command(flatten)]
    token: TokenArguments,
    /// File with the certificate authorities in PEM that may sign the server's certificate, besides
    /// those of the machine.
    #[arg(long, value_name = "FILE")]
    cacert: Option<PathBuf>,
}

/// Arguments for the token of the admin API.
#[derive(Debug, Args)]
pub(super) struct TokenArguments {
    /// Environment variable with the `admin_token` or the `admin_read_token`.
    #[arg(long, value_name = "NAME", default_value = TOKEN_VARIABLE)]
    token_env: String,
    /// File with the token.
    #[arg(long, value_name = "FILE", conflicts_with = "token_env")]
    token_file: Option<PathBuf>,
}

/// Address of an admin listener.
#[derive(Clone, Debug)]
pub(super) enum AdminUrl {
    Tcp(Uri),
    Unix(PathBuf),
}

impl AdminUrl {
    /// Returns the address of the admin listener of a config; `None` for a listener with TLS,
    /// because the client needs a name from the listener's certificate.
    pub(super) fn of(admin: &AdminAddress) -> Option<Self> {
        match admin {
            AdminAddress::Tcp(address) => {
                let mut address = *address;
                if address.ip().is_unspecified() {
                    let is_v4 = address.is_ipv4();
                    address.set_ip(match is_v4 {
                        true => Ipv4Addr::LOCALHOST.into(),
                        false => Ipv6Addr::LOCALHOST.into(),
                    });
                }
                format!("http://{address}").parse().ok().map(Self::Tcp)
            }
            AdminAddress::Tls(_) => None,
            AdminAddress::Unix(path) => Some(Self::Unix(path.clone())),
        }
    }
}

impl FromStr for AdminUrl {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const EXPECTED: &str = "expected an address without a path, such as http://127.0.0.1:9900, \
                                or unix:/run/gatepost/admin.sock";
        if let Some(path) = text.strip_prefix("unix:") {
            return if path.is_empty() { Err(EXPECTED) } else { Ok(Self::Unix(path.into())) };
        }
        let url: Uri = text.parse().map_err(|_| EXPECTED)?;
        let is_http = matches!(url.scheme_str(), Some("http" | "https"));
        let is_bare = url.path() == "/" && url.query().is_none();
        if is_http && is_bare { Ok(Self::Tcp(url)) } else { Err(EXPECTED) }
    }
}

/// Returns `admin` of the config file in the current folder; `None` if there is no valid `admin`.
/// Reads neither secrets nor included files, so that the command needs no environment variables of
/// gatepost, and accepts a config that has faults elsewhere.
fn configured() -> Option<AdminUrl> {
    let text = std::fs::read_to_string(DEFAULT_CONFIG).ok()?;
    let config: toml::Table = text.parse().ok()?;
    let admin = config.get("admin")?.as_str()?;
    let url = match admin.strip_prefix("tls:") {
        Some(address) => format!("https://{address}"),
        None if admin.starts_with("unix:") => admin.to_owned(),
        None => format!("http://{admin}"),
    };
    url.parse().ok()
}

/// Returns the address that `gatepost init` writes.
fn usual() -> AdminUrl {
    AdminUrl::Tcp(Uri::from_static("http://127.0.0.1:9900"))
}

/// A client of the admin API.
pub(super) struct AdminClient {
    address: AdminUrl,
    token: HeaderValue,
    runtime: Runtime,
    tcp: TrustingClient,
}

impl AdminClient {
    pub(super) fn new(arguments: &AdminArguments) -> Result<Self, CommandError> {
        let address = arguments.admin.clone().or_else(configured).unwrap_or_else(usual);
        Self::at(&address, &arguments.token, arguments.cacert.as_deref())
    }

    /// Creates a client of the admin listener at `address`.
    pub(super) fn at(
        address: &AdminUrl,
        arguments: &TokenArguments,
        cacert: Option<&Path>,
    ) -> Result<Self, CommandError> {
        let token = token(arguments)?;
        let token = HeaderValue::try_from(format!("Bearer {token}")).map_err(|_| {
            let problem =
                "expected a token of printable ASCII, found another character; correct the token";
            CommandError::argument("--token-env", problem)
        })?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let tcp = TrustingClient::new(cacert)?;
        Ok(Self { address: address.clone(), token, runtime, tcp })
    }

    /// Gets a resource of the API, and parses its JSON.
    pub(super) fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, AdminError> {
        let body = self.get_bytes(path)?;
        serde_json::from_slice(&body).map_err(|_| AdminError::Unknown)
    }

    pub(super) fn get_bytes(&self, path: &str) -> Result<Bytes, AdminError> {
        self.fetch(Method::GET, path, Bytes::new())
    }

    /// Posts JSON to a resource of the API, and parses the JSON of the response.
    pub(super) fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &Json,
    ) -> Result<T, AdminError> {
        let body = self.fetch(Method::POST, path, body.to_string().into())?;
        serde_json::from_slice(&body).map_err(|_| AdminError::Unknown)
    }

    fn fetch(&self, method: Method, path: &str, body: Bytes) -> Result<Bytes, AdminError> {
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = method;
        let headers = request.headers_mut();
        headers.insert(AUTHORIZATION, self.token.clone());
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let sent = match &self.address {
            AdminUrl::Tcp(url) => {
                let mut parts = url.clone().into_parts();
                parts.path_and_query = path.parse().ok();
                *request.uri_mut() = Uri::from_parts(parts).unwrap_or_default();
                self.runtime
                    .block_on(self.tcp.fetch(request, MAX_RESPONSE_BYTES))
                    .map(|(head, body)| (head.status, body))
            }
            AdminUrl::Unix(socket) => {
                headers.insert(HOST, HeaderValue::from_static("localhost"));
                *request.uri_mut() = path.parse().unwrap_or_default();
                let sent = self.runtime.block_on(fetch_over_unix(socket, request));
                sent.map_err(|error| error.to_string())
            }
        };
        let unreachable =
            |problem| AdminError::Unreachable { address: self.address.to_string(), problem };
        let (status, body) = sent.map_err(unreachable)?;
        if status.is_success() {
            return Ok(body);
        }
        let error: Json = serde_json::from_slice(&body).map_err(|_| AdminError::Unknown)?;
        let message = error["error"]["message"].as_str().ok_or(AdminError::Unknown)?;
        let is_wrong_token = status == StatusCode::UNAUTHORIZED;
        let message = if is_wrong_token { WRONG_TOKEN } else { message }.to_owned();
        Err(AdminError::Refused { status, message })
    }
}

impl std::fmt::Display for AdminUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Tcp(url) => url.fmt(f),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

/// Returns the token. The errors contain no part of the token.
fn token(arguments: &TokenArguments) -> Result<String, CommandError> {
    if let Some(path) = &arguments.token_file {
        let text = std::fs::read_to_string(path);
        let text = text.map_err(|source| CommandError::File { path: path.clone(), source })?;
        return Ok(text.trim().to_owned());
    }
    let name = &arguments.token_env;
    std::env::var(name).map_err(|_| {
        let problem = "expected a token, found none; set the variable to the admin_token or the \
                       admin_read_token, or use --token-file";
        CommandError::argument(format!("the environment variable {name}"), problem)
    })
}

async fn fetch_over_unix(
    socket: &Path,
    request: Request<Full<Bytes>>,
) -> Result<(StatusCode, Bytes), Box<dyn Error + Send + Sync>> {
    let stream = UnixStream::connect(socket).await?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let served = tokio::spawn(connection);
    let response = sender.send_request(request).await?;
    let status = response.status();
    let body = Limited::new(response.into_body(), MAX_RESPONSE_BYTES).collect().await?;
    served.abort();
    Ok((status, body.to_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_only_addresses_of_listeners() {
        for text in ["http://127.0.0.1:9900", "https://gate.test", "unix:/run/admin.sock"] {
            let shown = text.parse::<AdminUrl>().unwrap().to_string();
            assert_eq!(shown.trim_end_matches('/'), text);
        }
        for text in ["127.0.0.1:9900", "unix:", "http://gate.test/api", "ftp://gate.test", ""] {
            assert!(text.parse::<AdminUrl>().is_err(), "expected an error, found none for {text}");
        }
    }
}
