//! Implementation of [`Exchange`] for Pingora's sessions: head, body and reply.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use bytes::Bytes;
use gatepost::{Accepted, ClientActivity, Conclusion, Disconnected, Head, Reply};
use http::header::{CONNECTION, CONTENT_LENGTH, EXPECT, TRANSFER_ENCODING};
use http::{Method, Version};
use pingora::http::ResponseHeader;
use pingora::prelude::{ErrorType, Session};

use crate::inbound::connections::{self, Connection, ConnectionHandle, OpenConnection};
use crate::inbound::exchange::{DRAIN_BYTES, DRAIN_TIMEOUT, Exchange};
use crate::inbound::host_upstream::HostUpstream;

/// Memory of an HTTP/1 session whose body is incomplete: Pingora's read buffer of 64 KiB, and the
/// state of the session.
const SESSION_BYTES: usize = 72 * 1024;

/// Memory of an HTTP/2 stream whose body is incomplete: each chunk keeps its read buffer, of up to
/// one frame.
const STREAM_BYTES: usize = 24 * 1024;

/// Memory of a header apart from its name and value.
const HEADER_BYTES: usize = 256;

impl Exchange for Session {
    fn head(&self) -> Head<'_> {
        head(self)
    }

    fn is_encrypted(&self) -> bool {
        is_encrypted(self)
    }

    async fn send_continue(&mut self) -> Result<(), Disconnected> {
        if expects_continue(self) {
            return self
                .downstream_session
                .write_continue_response()
                .await
                .map_err(|_| Disconnected);
        }
        Ok(())
    }

    async fn next_chunk(&mut self) -> Result<Option<Bytes>, Disconnected> {
        self.downstream_session.read_request_body().await.map_err(|_| Disconnected)
    }

    fn head_bytes(&self) -> usize {
        let header = self.req_header();
        let lines = header.headers.iter().map(|(name, value)| name.as_str().len() + value.len());
        let buffer = if header.version == Version::HTTP_2 { STREAM_BYTES } else { SESSION_BYTES };
        let target = header.raw_path().len();
        buffer + target + lines.map(|line| line + HEADER_BYTES).sum::<usize>()
    }

    fn connection(&self) -> Option<Arc<Connection>> {
        let stream = self.req_header().extensions.get::<Arc<Connection>>();
        stream.cloned().or_else(connections::current)
    }

    /// Waits for activity of the client, and closes the connection after the reply, because Pingora
    /// drops bytes that arrive before the reply.
    async fn client_activity(&mut self) -> ClientActivity {
        let heard = self.downstream_session.read_body_or_idle(true).await;
        self.set_keepalive(None);
        match heard.map_err(|error| error.etype().clone()) {
            Err(ErrorType::ConnectionClosed) => ClientActivity::HalfClosed,
            Ok(_) | Err(ErrorType::ConnectError) => ClientActivity::SentMore,
            Err(_) => ClientActivity::Disconnected,
        }
    }

    async fn write(&mut self, reply: &Reply) {
        write(self, reply).await;
    }

    async fn write_unread(&mut self, reply: &Reply) {
        write_unread(self, reply).await;
    }

    fn close(&mut self) {
        self.set_keepalive(None);
    }

    fn host_upstream(&mut self) -> Option<HostUpstream> {
        Some(HostUpstream::take(self))
    }

    fn concluded(&mut self, accepted: &Accepted, conclusion: &Conclusion) {
        let extensions = self.req_header_mut().extensions_mut();
        extensions.insert(accepted.clone());
        extensions.insert(conclusion.clone());
    }
}

/// Counts an HTTP/2 stream as a connection; `None` if gatepost does not count the connection of the
/// stream.
pub(super) fn open_stream(session: &mut Session) -> Option<OpenConnection> {
    let connection = session.digest()?.proxy_digest.as_ref()?.user_data.as_ref()?;
    let stream = connection.downcast_ref::<ConnectionHandle>()?.open_stream();
    session.req_header_mut().extensions_mut().insert(Arc::clone(stream.connection()));
    Some(stream)
}

/// Returns the head that the gate judges. The gate must refuse `content-length` together with
/// `transfer-encoding`. Pingora drops `content-length` in this case, so gatepost searches the raw
/// head for that header.
pub(super) fn head(session: &Session) -> Head<'_> {
    let header = session.req_header();
    let mut head = Head::new(&header.method, &header.uri, &header.headers);
    if let Some(peer) = peer(session) {
        head = head.with_peer(peer);
    }
    let dropped_length = header.headers.contains_key(TRANSFER_ENCODING)
        && session.as_http1().is_some_and(|session| names_length(&session.get_headers_raw_bytes()));
    if dropped_length { head.with_unclear_framing() } else { head }
}

fn names_length(raw: &[u8]) -> bool {
    raw.split(|byte| *byte == b'\n').skip(1).any(|line| {
        let name = line.split(|byte| *byte == b':').next().unwrap_or_default();
        name.eq_ignore_ascii_case(CONTENT_LENGTH.as_str().as_bytes())
    })
}

pub(super) fn peer(session: &Session) -> Option<IpAddr> {
    session.client_addr()?.as_inet().map(SocketAddr::ip)
}

pub(super) fn is_encrypted(session: &Session) -> bool {
    session.digest().is_some_and(|digest| digest.ssl_digest.is_some())
}

/// Writes a reply even if gatepost has not read the whole body.
pub(crate) async fn write_unread(session: &mut Session, reply: &Reply) {
    let reusable = !reply.must_close() && ends_soon(session);
    if reusable {
        // Pingora reads the rest of the body after the reply and before the next request.
        session.downstream_session.set_close_on_response_before_downstream_finish(false);
        session.downstream_session.set_total_drain_timeout(Some(DRAIN_TIMEOUT));
    } else {
        session.set_keepalive(None);
    }
    write(session, reply).await;
    if !reusable {
        // Closing a socket with unread bytes resets the connection, and the client can lose the
        // reply.
        if session.as_http1().is_some() {
            session.downstream_session.shutdown().await;
        }
        let _late = tokio::time::timeout(DRAIN_TIMEOUT, session.drain()).await;
    }
}

fn expects_continue(session: &Session) -> bool {
    let expect = session.req_header().headers.get(EXPECT);
    session.req_header().version >= Version::HTTP_11
        && expect.is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"100-continue"))
}

/// Returns true for a body that gatepost has read, and for a short body. Returns false for an
/// unread body after `expect: 100-continue`, because the client may send its next request instead
/// of the body.
fn ends_soon(session: &mut Session) -> bool {
    if expects_continue(session) && session.body_bytes_read() == 0 {
        return false;
    }
    let announced = session.req_header().headers.get(CONTENT_LENGTH);
    let announced = announced.and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    session.is_body_done() || announced.is_some_and(|length| length <= DRAIN_BYTES)
}

/// Writes a reply. Ignores a client that has disconnected.
pub(super) async fn write(session: &mut Session, reply: &Reply) {
    if let Err(error) = try_write(session, reply).await {
        tracing::debug!(error = %error.etype().as_str(), "the client did not wait for the reply");
        session.set_keepalive(None);
    }
}

async fn try_write(session: &mut Session, reply: &Reply) -> pingora::Result<()> {
    let mut header = ResponseHeader::build(reply.status(), Some(4))?;
    if reply.must_close() {
        session.set_keepalive(None);
    }
    // Skip `connection`. Pingora writes this header on HTTP/1, and HTTP/2 forbids the header.
    for (name, value) in reply.headers().filter(|(name, _)| name != CONNECTION) {
        header.append_header(name, value)?;
    }
    let bodiless = session.req_header().method == Method::HEAD;
    let body = if bodiless { Bytes::new() } else { reply.body().clone() };
    session.write_response_header(Box::new(header), body.is_empty()).await?;
    session.write_response_body(Some(body), true).await
}
