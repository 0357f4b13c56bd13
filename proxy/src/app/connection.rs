//! One HTTP/1 connection to the app.
//!
//! The requesting task also polls the connection, so a response causes one wake-up. hyper's own
//! client polls the connection in a separate task, so a response causes two wake-ups.

use std::error::Error;
use std::future::poll_fn;
use std::io;
use std::iter::successors;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use bytes::{Bytes, BytesMut};
use gatepost::{AnswerFault, MAX_ANSWER_BYTES, Server};
use http::header::HOST;
use http::uri::PathAndQuery;
use http::{HeaderValue, Request, Uri, response};
use http_body_util::Full;
use hyper::body::{Body as _, Incoming};
use hyper::client::conn::http1::{self, SendRequest};

use super::connect::{AppStream, BoxError, connect};
use super::response_limit::{AnswerTooLong, LimitedConnection};
use super::tls_fault::{TLS_FOUND, begins_with_tls};

/// Head and body of a response; `None` if the body exceeds [`MAX_ANSWER_BYTES`].
pub(crate) type AppResponse = (response::Parts, Option<Bytes>);

/// The `host` header of a request to the app.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum HostHeader {
    /// The `host` in the request's headers; the host of the address if the headers have none.
    AsGiven,
    /// The host of the address.
    OfAddress,
}

type ConnectionTask = http1::Connection<LimitedConnection<AppStream>, Full<Bytes>>;

/// A connection to the app.
pub(super) struct AppConnection {
    sender: SendRequest<Full<Bytes>>,
    /// Future that reads and writes the bytes; `None` after the connection has ended.
    task: Option<Box<ConnectionTask>>,
    /// True if the app has sent TLS instead of HTTP.
    has_found_tls: bool,
    host: HeaderValue,
}

impl AppConnection {
    pub(super) async fn open(server: &Server) -> Result<Self, BoxError> {
        let host = host_header(server)?;
        let stream = LimitedConnection::new(connect(server).await?);
        let (sender, task) = http1::handshake(stream).await?;
        Ok(Self { sender, task: Some(Box::new(task)), has_found_tls: false, host })
    }

    /// Returns true if the connection can carry another request.
    pub(super) fn is_open(&mut self) -> bool {
        // Use no waker, because no task waits for an idle connection.
        self.poll_task(&mut Context::from_waker(Waker::noop()));
        self.task.is_some() && self.sender.is_ready()
    }

    /// Reads and writes as far as possible without waiting.
    fn poll_task(&mut self, context: &mut Context<'_>) {
        // Ignore the error here, because the pending response fails too.
        if self.task.as_mut().is_some_and(|task| Pin::new(task).poll(context).is_ready()) {
            self.end();
        }
    }

    /// Ends the connection, and looks for TLS in the bytes that hyper has not parsed.
    fn end(&mut self) {
        if let Some(task) = self.task.take() {
            self.has_found_tls = begins_with_tls(&task.into_parts().read_buf);
        }
    }

    /// Sends a request and reads the whole response.
    pub(super) async fn exchange(
        &mut self,
        path: Option<&PathAndQuery>,
        mut request: Request<Full<Bytes>>,
        host: HostHeader,
    ) -> Result<AppResponse, BoxError> {
        *request.uri_mut() = path.cloned().map_or_else(Uri::default, Uri::from);
        let headers = request.headers_mut();
        if host == HostHeader::OfAddress || !headers.contains_key(HOST) {
            headers.insert(HOST, self.host.clone());
        }
        let mut response = pin!(self.sender.send_request(request));
        let response = self.until(|context| response.as_mut().poll(context)).await;
        let response = match response {
            Ok(response) => response,
            Err(error) => {
                self.end();
                return Err(if self.has_found_tls { TlsFound(error).into() } else { error.into() });
            }
        };
        let (parts, body) = response.into_parts();
        let body = self.collect(body).await.map_err(AnswerBrokenOff)?;
        Ok((parts, body))
    }

    /// Reads a whole body; `None` if the body is too long.
    async fn collect(&mut self, mut body: Incoming) -> hyper::Result<Option<Bytes>> {
        let (mut first, mut rest) = (Bytes::new(), BytesMut::new());
        while let Some(frame) =
            self.until(|context| Pin::new(&mut body).poll_frame(context)).await.transpose()?
        {
            let Ok(data) = frame.into_data() else { continue };
            if first.len() + rest.len() + data.len() > MAX_ANSWER_BYTES {
                return Ok(None);
            }
            if first.is_empty() {
                first = data;
            } else {
                rest.extend_from_slice(&data);
            }
        }
        if rest.is_empty() {
            return Ok(Some(first));
        }
        Ok(Some([first, rest.freeze()].concat().into()))
    }

    /// Polls the connection until `poll` is ready. Only the connection receives the waker. After
    /// each poll of the connection, calls `poll` again, because new bytes may have arrived.
    async fn until<T>(&mut self, mut poll: impl FnMut(&mut Context<'_>) -> Poll<T>) -> T {
        poll_fn(|context| {
            let mut unwoken = Context::from_waker(Waker::noop());
            if let Poll::Ready(done) = poll(&mut unwoken) {
                return Poll::Ready(done);
            }
            self.poll_task(context);
            poll(&mut unwoken)
        })
        .await
    }
}

/// Returns the value of the `host` header, without a port that is the scheme's default.
fn host_header(server: &Server) -> Result<HeaderValue, BoxError> {
    let default = if server.is_https() { 443 } else { 80 };
    let authority = server.authority();
    let name = match authority.port_u16() {
        Some(port) if port != default => authority.as_str(),
        _ => authority.host(),
    };
    Ok(HeaderValue::from_str(name)?)
}

/// Failure to read an answer, because the app sends TLS.
#[derive(Debug, thiserror::Error)]
#[error("{TLS_FOUND}")]
pub(super) struct TlsFound(#[source] hyper::Error);

/// Failure to read the whole body of an answer.
#[derive(Debug, thiserror::Error)]
#[error("expected a complete answer body, found a part of it; read the log of the app")]
struct AnswerBrokenOff(#[source] hyper::Error);

/// Returns true if the app closed the connection before the end of an answer's head.
pub(crate) fn is_hang_up(error: &(dyn Error + 'static)) -> bool {
    let Some(error) = error.downcast_ref::<hyper::Error>() else { return false };
    let io = error.source().and_then(|source| source.downcast_ref::<io::Error>());
    let reset = |error: &io::Error| {
        matches!(error.kind(), io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe)
    };
    error.is_incomplete_message() || error.is_canceled() || io.is_some_and(reset)
}

/// Returns the fault of an answer that the app has begun; `None` if the error has another cause.
pub(crate) fn fault(error: &(dyn Error + 'static)) -> Option<AnswerFault> {
    let causes = || successors(Some(error), |&error| error.source());
    let io = causes().find_map(|cause| cause.downcast_ref::<io::Error>());
    if io.and_then(io::Error::get_ref).is_some_and(|cause| cause.is::<AnswerTooLong>()) {
        return Some(AnswerFault::TooLarge);
    }
    if error.is::<AnswerBrokenOff>() {
        let is_malformed = io.is_some_and(|error| {
            matches!(error.kind(), io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput)
        });
        return Some(if is_malformed { AnswerFault::Broken } else { AnswerFault::Incomplete });
    }
    let error = causes().find_map(|cause| cause.downcast_ref::<hyper::Error>())?;
    // hyper has `is_parse_too_large` only with its feature `server`. A test compares the text.
    let is_too_large = || error.to_string() == "message head is too large";
    match error.is_parse() {
        true if is_too_large() => Some(AnswerFault::TooLarge),
        true => Some(AnswerFault::Broken),
        false => None,
    }
}

#[cfg(test)]
mod tests {
    use gatepost::Address;

    use super::*;

    #[test]
    fn host_header_has_no_default_port() {
        let header = |url: &'static str| {
            let address = Address::try_from(Uri::from_static(url)).unwrap();
            host_header(address.server()).unwrap()
        };
        assert_eq!(header("http://app.test:80/"), "app.test");
        assert_eq!(header("https://app.test:80/"), "app.test:80");
        assert_eq!(header("https://[::1]:443/"), "[::1]");
    }
}
