//! `gatepost health`: asks a running gatepost if it serves.

use bytes::Bytes;
use http::{Request, Uri};
use http_body_util::Full;

use super::error::CommandError;
use super::print::out;
use crate::app;

/// Asks `url`, and prints the status and the body of the reply. Fails if the status is not 2xx.
///
/// The address is an argument instead of the `admin` key of the config file, because that file may
/// have faults while gatepost serves the config that it read before.
pub(super) fn ask(url: &Uri) -> Result<(), CommandError> {
    let host = url.host().unwrap_or_default().to_owned();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut request = Request::new(Full::new(Bytes::new()));
    *request.uri_mut() = url.clone();
    let reply = runtime.block_on(app::fetch(request));
    let (head, body) = reply.map_err(|source| CommandError::Send { host, source })?;
    out(String::from_utf8_lossy(&body).trim_end());
    if head.status.is_success() { Ok(()) } else { Err(CommandError::Unhealthy(head.status)) }
}

/// Parses an absolute address.
pub(super) fn url(text: &str) -> Result<Uri, &'static str> {
    const EXPECTED: &str = "expected an address such as http://127.0.0.1:9900/healthz";
    let url: Uri = text.parse().map_err(|_| EXPECTED)?;
    if url.scheme().is_some() { Ok(url) } else { Err(EXPECTED) }
}
