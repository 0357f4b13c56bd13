//! A compact form of a permit ([`Accepted`]), for a server that keeps many permits.

use std::sync::Arc;

use bytes::Bytes;
use http::HeaderValue;

use super::accepted::{Accepted, AcceptedCallback};
use crate::printable::print_only;

/// Number of byte strings that a packed permit moves into its allocation.
const PARTS: usize = 6;

/// A permit whose bytes are in one allocation of the exact size, for a server that keeps many
/// permits.
///
/// An [`Accepted`] keeps the buffer in which the callback arrived, and several allocations with
/// unused capacity. A packed permit keeps neither the buffer nor these allocations.
///
/// # Examples
///
/// ```
/// use gatepost::PackedAccepted;
/// # use gatepost::{Admission, Gate, Head, Timestamp};
/// # use http::{HeaderMap, Method, Uri};
/// # let now = Timestamp::from_secs(1_703_731_478);
/// # let gate = Gate::builder()
/// #     .toml(
/// #         "[[route]]\npath = '/kollus'\nprovider = 'kollus'\n\
/// #          [[template]]\nname = 'paid'\nprovider = 'kollus'\nbind = '*'",
/// #     )
/// #     .build()?;
/// # let (uri, headers) = (Uri::from_static("/kollus"), HeaderMap::new());
/// # let head = Head::new(&Method::POST, &uri, &headers);
/// # let Admission::Callback(mut intake) = gate.admit(&head, now) else { unreachable!() };
///
/// intake.push("kind=100&client_user_id=user01&media_content_key=m&channel_key=c".into())?;
/// let accepted = intake.finish(now)?;
///
/// let packed = PackedAccepted::new(accepted.clone(), b"POST /kollus");
/// assert_eq!((packed.own(), packed.raw()), (&b"POST /kollus"[..], &accepted.raw()[..]));
/// assert_eq!(packed.unpack().event().id(), accepted.event().id());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct PackedAccepted {
    /// The permit, with an empty value in place of each part.
    callback: AcceptedCallback,
    /// The server's own bytes, then the parts.
    bytes: Box<[u8]>,
    own_length: usize,
    lengths: [usize; PARTS],
}

print_only! { PackedAccepted: callback; }

impl PackedAccepted {
    /// Packs a permit, together with `own`: bytes that the server keeps with the permit.
    #[must_use]
    pub fn new(accepted: Accepted, own: &[u8]) -> Self {
        let mut callback =
            Arc::try_unwrap(accepted.0).unwrap_or_else(|shared| AcceptedCallback::clone(&shared));
        let parts = parts(&callback);
        let lengths = parts.map(<[u8]>::len);
        let mut bytes = Vec::with_capacity(own.len() + lengths.iter().sum::<usize>());
        bytes.extend_from_slice(own);
        parts.iter().for_each(|part| bytes.extend_from_slice(part));
        put_parts(&mut callback, [const { Bytes::new() }; PARTS]);
        Self { callback, bytes: bytes.into(), own_length: own.len(), lengths }
    }

    /// Returns the server's own bytes.
    #[must_use]
    pub fn own(&self) -> &[u8] {
        self.bytes.get(..self.own_length).unwrap_or_default()
    }

    /// Returns the body as received.
    #[must_use]
    pub fn raw(&self) -> &[u8] {
        self.part(0)
    }

    /// Returns the data of the event, as [`Event::data`](crate::Event::data) does.
    #[must_use]
    pub fn data(&self) -> &[u8] {
        if self.callback.event.is_raw { self.raw() } else { self.part(1) }
    }

    /// Returns the length of the allocation, in bytes.
    #[must_use]
    pub const fn held_bytes(&self) -> usize {
        self.bytes.len()
    }

    /// Restores the permit.
    #[must_use]
    pub fn unpack(&self) -> Accepted {
        let mut rest =
            Bytes::copy_from_slice(self.bytes.get(self.own_length..).unwrap_or_default());
        let parts = self.lengths.map(|length| rest.split_to(length.min(rest.len())));
        let mut callback = self.callback.clone();
        put_parts(&mut callback, parts);
        Accepted::new(callback)
    }

    fn part(&self, index: usize) -> &[u8] {
        let start = self.own_length + self.lengths.iter().take(index).sum::<usize>();
        self.bytes.get(start..start + self.lengths[index]).unwrap_or_default()
    }
}

/// Returns the parts of a callback: the byte strings with an allocation of their own, or in the
/// buffer of the request. A part that the callback does not have is empty.
fn parts(callback: &AcceptedCallback) -> [&[u8]; PARTS] {
    let event = &callback.event;
    [
        &callback.raw,
        // If the body is not an object, the data of the event is the body.
        if event.is_raw { &[] } else { &event.data },
        event.data_with_proof.as_deref().unwrap_or_default(),
        event.subject.as_deref().unwrap_or_default().as_bytes(),
        callback.content_type.as_ref().map(HeaderValue::as_bytes).unwrap_or_default(),
        callback.cors.as_ref().map(HeaderValue::as_bytes).unwrap_or_default(),
    ]
}

/// Replaces the parts that the callback has.
fn put_parts(callback: &mut AcceptedCallback, parts: [Bytes; PARTS]) {
    let [raw, data, data_with_proof, subject, content_type, cors] = parts;
    let event = &mut callback.event;
    event.data = if event.is_raw { raw.clone() } else { data };
    callback.raw = raw;
    if let Some(own) = &mut event.data_with_proof {
        *own = data_with_proof;
    }
    if let Some(own) = &mut event.subject {
        *own = String::from_utf8_lossy(&subject).into_owned();
    }
    for (own, bytes) in [(&mut callback.content_type, content_type), (&mut callback.cors, cors)] {
        if let Some(own) = own {
            // Never fails: the bytes are those of a header value.
            *own = HeaderValue::from_maybe_shared(bytes)
                .unwrap_or_else(|_| HeaderValue::from_static(""));
        }
    }
}
