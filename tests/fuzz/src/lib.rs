//! Shared parts of the fuzz targets: the gate of the vectors, and independent implementations for
//! comparison.

#![allow(clippy::disallowed_methods, reason = "inputs and vectors are files")]

#[path = "../../../proxy/src/capture/recorded_verdict.rs"]
mod capture;
pub mod paths;
pub mod proof;
#[path = "../../../proxy/src/cli/recorded_request.rs"]
mod recorded;
pub mod schema;
pub mod seeds;
#[allow(dead_code, reason = "the targets use the loader only")]
#[path = "../../it/vectors.rs"]
pub mod vectors;

use std::sync::LazyLock;

use bytes::Bytes;
use gatepost::{Accepted, Admission, Gate, Head, Refusal, Timestamp};
use http::{HeaderMap, Method, Uri};
use recorded::RecordedRequest;

/// Time of receipt of a request without the header `at`, in Unix seconds.
pub const NOW: i64 = 1_703_731_478;

/// The gate of the vectors, which has every built-in provider.
pub static GATE: LazyLock<Gate> = LazyLock::new(|| vectors::gate("http://app.test"));

/// A request, and its time of receipt in Unix seconds.
pub struct Request {
    pub method: Method,
    pub uri: Uri,
    pub headers: HeaderMap,
    pub body: Bytes,
    pub now: i64,
}

impl Request {
    pub fn post(path: &'static str, body: &[u8]) -> Self {
        Self {
            method: Method::POST,
            uri: Uri::from_static(path),
            headers: HeaderMap::new(),
            body: Bytes::copy_from_slice(body),
            now: NOW,
        }
    }

    /// Parses a recorded request as `gatepost explain` does. The header `at` is the time of
    /// receipt, in Unix seconds.
    pub fn recorded(wire: &[u8]) -> Option<Self> {
        let RecordedRequest { method, uri, mut headers, body, .. } =
            RecordedRequest::parse(wire).ok()?;
        let at = headers.remove("at");
        let now = at.and_then(|at| at.to_str().ok()?.parse().ok()).unwrap_or(NOW);
        Some(Self { method, uri, headers, body, now })
    }

    pub fn head(&self) -> Head<'_> {
        Head::new(&self.method, &self.uri, &self.headers)
    }

    /// Returns the gate's verdict, or `None` for a request that the gate does not judge. The gate
    /// receives the body in chunks of `chunk` bytes.
    pub fn judge(&self, gate: &Gate, chunk: usize) -> Option<Result<Accepted, Refusal>> {
        let now = Timestamp::from_secs(self.now);
        match gate.admit_in_proxy(&self.head(), now) {
            Admission::Other | Admission::Reply(_) | Admission::Shadow(_) => None,
            Admission::Refused(refusal) => Some(Err(refusal)),
            Admission::Callback(mut intake) => {
                let pushed = self
                    .body
                    .chunks(chunk.max(1))
                    .try_for_each(|chunk| intake.push(Bytes::copy_from_slice(chunk)));
                Some(pushed.and_then(|()| intake.finish(now)))
            }
        }
    }
}
