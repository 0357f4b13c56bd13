//! The place of a pending event: its partition, line and lane.

use gatepost::{Lane, Timestamp};

/// Hash of the source and the subject of an event. For an event without a subject, a random string
/// replaces the subject.
pub(super) type LineId = u128;

/// Number of a partition.
pub(super) type Partition = u8;

/// A pending event.
#[derive(Clone, Debug)]
pub(super) struct Pending {
    pub(super) partition: Partition,
    pub(super) line: LineId,
    pub(super) lane: Lane,
    /// Time at which the callback arrived.
    pub(super) received: Timestamp,
    /// Time at which the store appended the event.
    pub(super) queued: Timestamp,
}
