//! Buffer for the chunks of a body. If the body has only one chunk, as usual, the buffer copies
//! nothing.

use bytes::{Bytes, BytesMut};

/// Chunks of a body that have arrived so far.
#[derive(Default)]
pub(crate) enum BodyBuffer {
    #[default]
    None,
    One(Bytes),
    Many(BytesMut),
}

impl BodyBuffer {
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::None => 0,
            Self::One(bytes) => bytes.len(),
            Self::Many(bytes) => bytes.len(),
        }
    }

    /// Returns the size of the memory for the chunks, in bytes.
    pub(crate) fn capacity(&self) -> usize {
        match self {
            Self::None => 0,
            Self::One(bytes) => bytes.len(),
            Self::Many(bytes) => bytes.capacity(),
        }
    }

    /// Returns true if the buffer contains no chunk. An empty chunk counts as a chunk.
    pub(crate) const fn is_none(&self) -> bool {
        matches!(self, Self::None)
    }

    /// Appends a chunk. On the second chunk, allocates at least `capacity` bytes for the body.
    pub(crate) fn push(&mut self, chunk: Bytes, capacity: usize) {
        // Many HTTP/2 bodies end with an empty chunk. Skip this chunk, because it causes a copy.
        if chunk.is_empty() && !self.is_none() {
            return;
        }
        *self = match std::mem::take(self) {
            Self::None => Self::One(chunk),
            Self::One(first) => {
                let mut bytes = BytesMut::with_capacity(capacity.max(first.len() + chunk.len()));
                bytes.extend_from_slice(&first);
                bytes.extend_from_slice(&chunk);
                Self::Many(bytes)
            }
            Self::Many(mut bytes) => {
                bytes.extend_from_slice(&chunk);
                Self::Many(bytes)
            }
        };
    }

    /// Takes all chunks that have arrived so far.
    pub(crate) fn take(&mut self) -> Bytes {
        match std::mem::take(self) {
            Self::None => Bytes::new(),
            Self::One(bytes) => bytes,
            Self::Many(bytes) => bytes.freeze(),
        }
    }
}
