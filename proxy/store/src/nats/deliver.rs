//! Claims of events, and the ends of events. An event ends with its delivery, with its move to
//! the dead letters, or with its removal by gatepost or an operator.
//!
//! A claim is a record in the stream of claims. Each write names the record before it, so a
//! gatepost whose claim another gatepost has replaced cannot settle the event. gatepost ends an
//! event in three steps: it writes a claim that is the record of the end, copies the event to the
//! stream of delivered events or of dead letters, and removes the event. If a gatepost stops
//! between these steps, the next owner of the partition completes them: see [`Shared::recover`].
//!
//! The record of an end remains for [`REMEMBERED`] after the removal of the event. Without the
//! record, a gatepost that has not read the end yet can write a first claim, and deliver the event
//! again.
//!
//! Only this record proves that an event has ended. A server that has just become the leader may
//! lack an event for a moment, because it has not applied the event yet.

use std::time::Duration;

use async_nats::header::NATS_MESSAGE_TTL as TTL;
use async_nats::jetstream::Message;
use async_nats::jetstream::message::{PublishMessage, StreamMessage};
use futures_util::future::{join_all, try_join_all};
use gatepost::{Claimed, Lane, Lease, Settlement, StoreError, Timestamp};

use tokio::time::sleep;

use super::Shared;
use super::append::expecting;
use super::index::Candidate;
use super::pending::Partition;
use super::reader::{ReadMessage, StreamReader};
use super::streams::{WriteError, message};
use super::wire::{Claim, EventMessage};

/// Maximum number of events that one call of [`Shared::expire`] turns into dead letters.
const MAX_EXPIRED: usize = 256;

/// Maximum number of reads of a message that a new leader may not have applied yet.
const TRIES: u32 = 10;

/// Wait between two of these reads.
const WAIT: Duration = Duration::from_millis(50);

/// Time for which the record of an end remains. A gatepost lags behind the others for less than
/// this time.
const REMEMBERED: Duration = Duration::from_secs(120);

/// Result of writing a claim.
enum Written {
    /// The sequence of the claim.
    Done(u64),
    /// Another gatepost has written a claim first.
    Lost,
}

impl Shared {
    pub(super) async fn claim(
        &self,
        lane: &Lane,
        owner: &str,
        max: usize,
        lease_end: Timestamp,
        now: Timestamp,
    ) -> Result<Vec<Claimed>, StoreError> {
        self.caught_up().await;
        let mut claimed = Vec::new();
        while claimed.len() < max {
            let partitions = self.owned();
            let due = self.lock_index().due(&partitions, lane, max - claimed.len(), now);
            let numbers: Vec<_> = due.iter().map(|candidate| candidate.number).collect();
            let claims = due.into_iter().map(|one| self.claim_one(one, owner, lease_end, now));
            let results = join_all(claims).await;
            let are_ended = numbers.iter().any(|number| !self.lock_index().contains(*number));
            let failed = results.iter().find_map(|result| result.as_ref().err().cloned());
            claimed.extend(results.into_iter().filter_map(Result::ok).flatten());
            // An event whose claim failed is due again later.
            if let Some(error) = failed.filter(|_| claimed.is_empty()) {
                return Err(error);
            }
            // Another gatepost has ended some of the events, so the next events of their lines may
            // be due.
            if !are_ended {
                break;
            }
        }
        Ok(claimed)
    }

    async fn claim_one(
        &self,
        candidate: Candidate,
        owner: &str,
        lease_end: Timestamp,
        now: Timestamp,
    ) -> Result<Option<Claimed>, StoreError> {
        let Candidate { number, claim: earlier } = candidate;
        let Some(stored) = self.streams.get(&self.streams.events, number).await? else {
            self.look_for_end(number).await?;
            return Ok(None);
        };
        let event = EventMessage::parse(&stored.headers, stored.payload)?;
        if earlier.is_none() && self.is_second_copy(number, &event).await? {
            self.drop_event(number, &event, None, now).await?;
            return Ok(None);
        }
        let attempts = earlier.as_ref().map_or(0, |(_, claim)| claim.attempts);
        let claim = Claim::claimed(owner, attempts + 1, lease_end);
        let sequence = earlier.map_or(0, |(sequence, _)| sequence);
        let partition = event.info.pending().partition;
        if let Written::Lost = self.write_claim(partition, number, sequence, &claim).await? {
            return Ok(None);
        }
        let lease = Lease { number, attempt: attempts + 1, owner: owner.into() };
        let queued = Timestamp::from_millis(event.info.queued_ms);
        Ok(Some(Claimed { lease, event: event.event(), queued, is_replay: event.info.replay }))
    }

    /// For an event that the leader lacks, updates the index with the last claim of the event. The
    /// index removes the event only if this claim is an end.
    async fn look_for_end(&self, number: u64) -> Result<(), StoreError> {
        let Some(partition) = self.lock_index().partition(number) else { return Ok(()) };
        if let Some((sequence, claim)) = self.last_claim(partition, number).await? {
            self.lock_index().claim(number, sequence, claim);
        }
        Ok(())
    }

    /// Returns true if another event with the same key has ended: two gateposts have each appended
    /// an event of one callback, and the second append followed the delivery of the first event.
    async fn is_second_copy(&self, number: u64, event: &EventMessage) -> Result<bool, StoreError> {
        let Some((key, _)) = &event.info.key else { return Ok(false) };
        let record = self.key_record(key).await?;
        let queued = event.info.queued_ms;
        Ok(record.is_some_and(|record| record.number != number && record.until_ms > queued))
    }

    pub(super) async fn settle(
        &self,
        lease: &Lease,
        result: &Settlement,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let known = {
            let index = self.lock_index();
            index.claim_of(lease.number).cloned().zip(index.partition(lease.number))
        };
        let Some(((sequence, claim), partition)) = known else { return Ok(false) };
        let holds = claim.is_claimed()
            && claim.attempts == lease.attempt
            && claim.owner.as_ref() == Some(&lease.owner);
        if !holds {
            return Ok(false);
        }
        let settled = claim.settled(result, now);
        match self.write_claim(partition, lease.number, sequence, &settled).await? {
            Written::Lost => return Ok(false),
            Written::Done(sequence) if settled.is_end() => {
                self.complete(self.end(partition, lease.number, sequence, settled)).await?;
            }
            Written::Done(_) => {}
        }
        Ok(true)
    }

    pub(super) async fn expire(
        &self,
        lane: &Lane,
        queued_before: Timestamp,
        reason: &str,
        now: Timestamp,
    ) -> Result<u64, StoreError> {
        self.caught_up().await;
        let partitions = self.owned();
        let overdue = self.lock_index().overdue(&partitions, lane, queued_before, MAX_EXPIRED, now);
        let ends = overdue.into_iter().map(|candidate| self.give_up_event(candidate, reason, now));
        let ended = try_join_all(ends).await?;
        Ok(ended.into_iter().map(u64::from).sum())
    }

    /// Turns an event into a dead letter. Returns false if another gatepost has claimed the event
    /// in the meantime.
    async fn give_up_event(
        &self,
        candidate: Candidate,
        reason: &str,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let Candidate { number, claim: earlier } = candidate;
        let Some(partition) = self.lock_index().partition(number) else { return Ok(false) };
        let claim = Claim::given_up(earlier.as_ref().map(|(_, claim)| claim), reason, now);
        let sequence = earlier.map_or(0, |(sequence, _)| sequence);
        match self.write_claim(partition, number, sequence, &claim).await? {
            Written::Lost => Ok(false),
            Written::Done(sequence) => {
                self.complete(self.end(partition, number, sequence, claim)).await.map(|()| true)
            }
        }
    }

    /// Writes a claim if `sequence` is the sequence of the event's last claim, or 0 for an event
    /// without a claim.
    async fn write_claim(
        &self,
        partition: Partition,
        number: u64,
        sequence: u64,
        claim: &Claim,
    ) -> Result<Written, StoreError> {
        let subject = self.streams.names.claim(partition, number);
        let new = expecting(PublishMessage::build().payload(claim.to_bytes()), sequence);
        let (sequence, found) = match self.streams.write(&subject, new).await {
            Ok(sequence) => (sequence, claim.clone()),
            Err(WriteError::Conflict) => match self.conflicting_claim(partition, number).await? {
                Some(found) => found,
                None => return Ok(Written::Lost),
            },
            Err(WriteError::Full) => return Err(StoreError::Full { max_bytes: 0 }),
            Err(WriteError::Unavailable(error)) => return Err(error),
        };
        let is_own = found.is_same_write(claim);
        self.lock_index().claim(number, sequence, found);
        Ok(if is_own { Written::Done(sequence) } else { Written::Lost })
    }

    /// Reads the claim that caused a conflict. Returns `None` if NATS has not completed the write
    /// of this claim. A later call finds the claim.
    async fn conflicting_claim(
        &self,
        partition: Partition,
        number: u64,
    ) -> Result<Option<(u64, Claim)>, StoreError> {
        for _ in 0..TRIES {
            let found = self.last_claim(partition, number).await?;
            if found.is_some() {
                return Ok(found);
            }
            sleep(WAIT).await;
        }
        Ok(None)
    }

    fn end(&self, partition: Partition, number: u64, sequence: u64, claim: Claim) -> End {
        let subject = self.streams.names.claim(partition, number);
        End { number, subject, sequence, claim }
    }

    /// Completes the end of an event. If this fails, the next round of repairs tries again.
    pub(super) async fn complete(&self, end: End) -> Result<(), StoreError> {
        let completed = self.try_complete(&end).await;
        if completed.is_err() {
            self.lock_unfinished().push(end);
        }
        completed
    }

    /// Writes the record of the event's key and the copy of the event, removes the event, and lets
    /// the record of its end expire. May run more than once.
    pub(super) async fn try_complete(&self, end: &End) -> Result<(), StoreError> {
        let (streams, number) = (&self.streams, end.number);
        if let Some(stored) = self.event_unless_gone(number).await? {
            let event = EventMessage::parse(&stored.headers, stored.payload)?;
            let kept = self.keep_ended(number, &event, &end.claim);
            tokio::try_join!(kept, self.remember_key(number, &event.info, end.claim.due()))?;
            streams.delete(&streams.events, number).await?;
        }
        let record = PublishMessage::build().payload(end.claim.to_bytes()).ttl(REMEMBERED);
        match streams.write(&end.subject, expecting(record, end.sequence)).await {
            // A conflict means that another gatepost has completed the end.
            Ok(_) | Err(WriteError::Conflict) => Ok(()),
            Err(WriteError::Full) => Err(super::wire::foreign()),
            Err(WriteError::Unavailable(error)) => Err(error),
        }
    }

    /// Reads an event that this or another gatepost may have removed.
    ///
    /// Repeats the read, because a new leader may lack the event for a moment. Without the event,
    /// gatepost can neither copy nor remove it.
    async fn event_unless_gone(&self, number: u64) -> Result<Option<StreamMessage>, StoreError> {
        for _ in 0..TRIES {
            let found = self.streams.get(&self.streams.events, number).await?;
            if found.is_some() {
                return Ok(found);
            }
            sleep(WAIT).await;
        }
        Ok(None)
    }

    async fn keep_ended(
        &self,
        number: u64,
        event: &EventMessage,
        claim: &Claim,
    ) -> Result<(), StoreError> {
        let Some(state) = claim.end() else { return Ok(()) };
        let copy = message(event.ended_headers(claim), event.payload.clone());
        match self.streams.write(&self.streams.names.ended(state, number), copy).await {
            Ok(_) => Ok(()),
            Err(WriteError::Unavailable(error)) => Err(error),
            Err(WriteError::Conflict | WriteError::Full) => Err(super::wire::foreign()),
        }
    }

    /// Removes a pending event, and keeps no copy of it. Returns false if a gatepost has claimed
    /// the event in the meantime.
    pub(super) async fn drop_event(
        &self,
        number: u64,
        event: &EventMessage,
        earlier: Option<(u64, Claim)>,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let partition = event.info.pending().partition;
        let dropped = Claim::dropped(earlier.as_ref().map(|(_, claim)| claim), now);
        let sequence = earlier.map_or(0, |(sequence, _)| sequence);
        match self.write_claim(partition, number, sequence, &dropped).await? {
            Written::Lost => Ok(false),
            Written::Done(sequence) => {
                self.complete(self.end(partition, number, sequence, dropped)).await.map(|()| true)
            }
        }
    }

    /// Completes the ends that the previous owner of a partition has begun.
    pub(super) async fn recover(&self, partition: Partition) -> Result<(), StoreError> {
        let streams = &self.streams;
        let filter = streams.names.all(&format!("claim.{partition}"));
        let mut begun = Vec::new();
        let visit =
            |ReadMessage { sequence, message }| begun.extend(End::begun(sequence, &message));
        let reader = StreamReader::new(streams.state.clone(), filter, 0, false);
        streams.scan(reader, visit).await?;
        for end in begun {
            self.complete(end).await?;
        }
        Ok(())
    }
}

/// The end of an event. Its steps may be incomplete.
#[derive(Debug)]
pub(super) struct End {
    number: u64,
    subject: String,
    /// Sequence of the claim.
    sequence: u64,
    claim: Claim,
}

impl End {
    /// Parses the record of an end. Returns `None` for another record, and for a complete end,
    /// whose record expires.
    fn begun(sequence: u64, message: &Message) -> Option<Self> {
        let claim = Claim::parse(&message.payload).filter(Claim::is_end)?;
        let expires = message.headers.as_ref().is_some_and(|all| all.get(TTL).is_some());
        let number = message.subject.rsplit('.').next()?.parse().ok()?;
        let subject = message.subject.to_string();
        (!expires).then_some(Self { number, subject, sequence, claim })
    }
}
