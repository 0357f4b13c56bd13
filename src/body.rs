//! A body that comes in pieces. One that comes in one piece, which is the rule, is not copied.

use bytes::{Bytes, BytesMut};

/// What has come of a body.
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

    /// Whether nothing has come yet, not even a piece without a byte.
    pub(crate) const fn is_none(&self) -> bool {
        matches!(self, Self::None)
    }

    /// Adds a piece; of what is to come there is room for so much in all.
    pub(crate) fn push(&mut self, chunk: Bytes, room: usize) {
        *self = match std::mem::take(self) {
            Self::None => Self::One(chunk),
            Self::One(first) => {
                let mut bytes = BytesMut::with_capacity(room.max(first.len() + chunk.len()));
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

    /// All that has come.
    pub(crate) fn take(&mut self) -> Bytes {
        match std::mem::take(self) {
            Self::None => Bytes::new(),
            Self::One(bytes) => bytes,
            Self::Many(bytes) => bytes.freeze(),
        }
    }
}
