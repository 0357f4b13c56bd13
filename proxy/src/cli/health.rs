//! `gatepost health`: checks that a running gatepost serves.

use std::path::{Path, PathBuf};

use bytes::Bytes;
use http::header::HOST;
use http::{Request, StatusCode, Uri};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::UnixStream;
use tokio::time::timeout;

use super::error::CommandError;
use super::print::out;
use crate::app::{self, FETCH_TIMEOUT, FetchError};
use crate::trusting_client::TrustingClient;

/// The address of a health check.
#[derive(Clone, Debug)]
pub(super) enum Place {
    Url(Uri),
    /// A Unix socket, and the path of the request.
    Socket(PathBuf, Uri),
}

/// Sends a request to `place`, and prints the body of the response. Fails if the status is not 2xx.
///
/// The command does not read the address from the config file, because the file may have faults.
/// gatepost then still serves the earlier config.
pub(super) fn ask(place: &Place, cacert: Option<&Path>) -> Result<(), CommandError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (status, body) = runtime.block_on(reply(place, cacert))?;
    out(String::from_utf8_lossy(&body).trim_end());
    if status.is_success() { Ok(()) } else { Err(CommandError::Unhealthy(status)) }
}

async fn reply(place: &Place, cacert: Option<&Path>) -> Result<(StatusCode, Bytes), CommandError> {
    let (url, cacert) = match (place, cacert) {
        (Place::Socket(socket, path), _) => {
            let host = socket.display().to_string();
            let reply = timeout(FETCH_TIMEOUT, ask_socket(socket, path)).await;
            let reply = reply.map_err(|_| FetchError::Timeout);
            let reply = reply.and_then(|reply| reply.map_err(FetchError::Failed));
            return reply.map_err(|source| CommandError::Health { host, source });
        }
        (Place::Url(url), cacert) => (url, cacert),
    };
    let host = url.authority().map_or_else(String::new, ToString::to_string);
    let (head, body) = match cacert {
        Some(cacert) => {
            let client = TrustingClient::new(Some(cacert))?;
            let reply =
                timeout(FETCH_TIMEOUT, client.fetch(request(url), gatepost::MAX_ANSWER_BYTES))
                    .await;
            let reply = reply.map_err(|_| FetchError::Timeout);
            let reply = reply.and_then(|r| r.map_err(|error| FetchError::Failed(error.into())));
            reply.map_err(|source| CommandError::Health { host, source })?
        }
        None => {
            let reply = app::fetch(request(url)).await;
            reply.map_err(|source| CommandError::Health { host, source })?
        }
    };
    Ok((head.status, body))
}

fn request(url: &Uri) -> Request<Full<Bytes>> {
    let mut request = Request::new(Full::new(Bytes::new()));
    *request.uri_mut() = url.clone();
    request
}

async fn ask_socket(
    socket: &Path,
    path: &Uri,
) -> Result<(StatusCode, Bytes), Box<dyn std::error::Error + Send + Sync>> {
    let stream = TokioIo::new(UnixStream::connect(socket).await?);
    let (mut sender, connection) = http1::handshake(stream).await?;
    // The task ends with the connection.
    tokio::spawn(connection);
    let mut request = request(path);
    request.headers_mut().insert(HOST, http::HeaderValue::from_static("localhost"));
    let (head, body) = sender.send_request(request).await?.into_parts();
    let body = Limited::new(body, gatepost::MAX_ANSWER_BYTES).collect().await?;
    Ok((head.status, body.to_bytes()))
}

/// Parses an absolute address, or a Unix socket with a path. The path is `/healthz` by default.
pub(super) fn place(text: &str) -> Result<Place, &'static str> {
    const EXPECTED: &str = "expected an address such as http://127.0.0.1:9900/healthz or \
                            unix:/run/gatepost.sock:/healthz";
    if let Some(rest) = text.strip_prefix("unix:") {
        let (socket, path) = rest.split_once(':').unwrap_or((rest, "/healthz"));
        let path: Uri = path.parse().map_err(|_| EXPECTED)?;
        return if socket.is_empty() {
            Err(EXPECTED)
        } else {
            Ok(Place::Socket(socket.into(), path))
        };
    }
    let url: Uri = text.parse().map_err(|_| EXPECTED)?;
    if url.scheme().is_some() { Ok(Place::Url(url)) } else { Err(EXPECTED) }
}
