//! Ids of events.

use std::sync::OnceLock;

use data_encoding::HEXLOWER;
use sha2::{Digest as _, Sha256};

/// The 32 hex digits of an event's id.
pub(crate) type Id = [u8; 32];

/// Id of an event. gatepost computes a deferred id only if gatepost or the app uses the id.
#[derive(Clone)]
pub(crate) enum EventId {
    Known(Id),
    /// A digest of source, kind and data. The box keeps an event with a known id small.
    Deferred(Box<DeferredId>),
}

/// An id that gatepost computes at its first use.
#[derive(Clone)]
pub(crate) struct DeferredId {
    pub(super) id: OnceLock<Id>,
    /// Keyed hash of source, kind and data, which identifies the event within this process.
    pub(super) local_key: [u8; 16],
}

impl EventId {
    pub(crate) fn deferred(local_key: [u8; 16]) -> Self {
        Self::Deferred(Box::new(DeferredId { id: OnceLock::new(), local_key }))
    }
}

/// Origin of an event's id.
///
/// An app may drop an event whose id has already arrived. The events of different callbacks must
/// therefore never have the same id. If gatepost can recognize the resend of a callback, the events
/// of the callback and of the resend must have the same id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Identity {
    /// A digest of source, kind and data. The data contains a time or a sequence, so two callbacks
    /// have different data.
    Content,
    /// A digest of source, kind and the fields that the definition names in `id`.
    Declared,
    /// A new id for each callback, because two callbacks may have equal data.
    New,
}

/// Returns the id of an event: the first half of the SHA-256 of source, kind and identity,
/// separated by zero bytes.
///
/// `data` is the identity: the fields of `id`, separated by zero bytes, or the data without the
/// fields that a resend may change. This derivation must not change: stores contain ids, and
/// machines with different versions of gatepost must derive the same ids.
pub(crate) fn event_id(source: &str, kind: &str, data: &[u8]) -> Id {
    let mut hash = Sha256::new();
    // A zero byte follows the source and the kind, so that `ab, c` and `a, bc` have different ids.
    for part in [source.as_bytes(), kind.as_bytes()] {
        hash.update(part);
        hash.update([0]);
    }
    hash.update(data);
    let mut id = [0; 32];
    if let Some((half, _)) = hash.finalize().split_first_chunk::<16>() {
        HEXLOWER.encode_mut(half, &mut id);
    }
    id
}

/// Returns a number as the id of an event, for callbacks without an identity.
pub(crate) fn new_event_id(value: u128) -> Id {
    let mut id = [0; 32];
    HEXLOWER.encode_mut(&value.to_be_bytes(), &mut id);
    id
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn id_depends_on_source_kind_and_data_separately() {
        let one = event_id("/a", "bc", b"{}");
        assert_eq!(one.len(), 32);
        assert_eq!(one, event_id("/a", "bc", b"{}"));
        assert_ne!(one, event_id("/ab", "c", b"{}"));
        assert_ne!(one, event_id("/a", "bc", b"{ }"));
    }
}
