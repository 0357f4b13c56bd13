//! Operations for an operator: list, show, replay, remove and status. They do not need the index,
//! so a process that delivers no events can also run them.

use std::collections::BTreeMap;

use async_nats::jetstream::message::StreamMessage;
use async_nats::jetstream::stream::Stream;
use gatepost::{
    EntryState, QueueEntry, QueueFilter, StateTotal, StoreError, StoreStatus, StoredEvent,
    Timestamp,
};

use super::Shared;
use super::reader::{ReadMessage, StreamReader};
use super::streams::away;
use super::wire::{Claim, EventMessage, end, entry, info};

/// States of ended events.
const ENDED: [EntryState; 2] = [EntryState::Delivered, EntryState::Dead];

/// Maximum number of events of one state that a sweep removes.
const MAX_SWEPT: u64 = 100_000;

impl Shared {
    pub(super) async fn list(&self, filter: &QueueFilter) -> Result<Vec<QueueEntry>, StoreError> {
        let wanted = |state: EntryState| filter.state.is_none_or(|wanted| wanted == state);
        let mut found = BTreeMap::new();
        for state in ENDED.into_iter().filter(|state| wanted(*state)) {
            let entries = self.ended_entries(state, filter).await?;
            found.extend(entries.into_iter().map(|entry| (entry.number, entry)));
        }
        if wanted(EntryState::Pending) {
            for entry in self.pending_entries(filter).await? {
                // An event that is just ending is in two streams.
                found.entry(entry.number).or_insert(entry);
            }
        }
        Ok(found.into_values().take(filter.limit.unwrap_or(usize::MAX)).collect())
    }

    async fn ended_entries(
        &self,
        state: EntryState,
        filter: &QueueFilter,
    ) -> Result<Vec<QueueEntry>, StoreError> {
        let streams = &self.streams;
        let mut entries = Vec::new();
        let mut add = |subject: &str, headers: &async_nats::HeaderMap| {
            let number = subject.rsplit('.').next().and_then(|last| last.parse().ok());
            let Some((number, info)) = number.zip(info(headers)) else { return };
            let entry = entry(number, &info, end(headers).as_ref());
            entries.extend(Some(entry).filter(|entry| filter.matches(entry)));
        };
        if filter.numbers.is_empty() {
            let visit = |ReadMessage { message, .. }: ReadMessage| {
                if let Some(headers) = &message.headers {
                    add(&message.subject, headers);
                }
            };
            let all = streams.names.all(state.as_str());
            let reader = StreamReader::new(self.stream_of(state).clone(), all, 0, true);
            streams.scan(reader, visit).await?;
            return Ok(entries);
        }
        for number in &filter.numbers {
            if let Some(message) = self.ended(state, *number).await? {
                add(&message.subject, &message.headers);
            }
        }
        Ok(entries)
    }

    async fn pending_entries(&self, filter: &QueueFilter) -> Result<Vec<QueueEntry>, StoreError> {
        let streams = &self.streams;
        // Only the claim of an event shows whether the event is failing and still pending.
        let without_claim = QueueFilter { state: None, is_failing: false, ..filter.clone() };
        let limit = filter.limit.filter(|_| !filter.is_failing).unwrap_or(usize::MAX);
        let mut entries = Vec::new();
        let mut add = |number, info: &super::wire::EventInfo| {
            let entry = entry(number, info, None);
            if without_claim.matches(&entry) {
                entries.push((entry, info.pending().partition));
            }
            entries.len() < limit
        };
        if filter.numbers.is_empty() {
            let visit = |ReadMessage { sequence, message }: ReadMessage| {
                let info = message.headers.as_ref().and_then(info);
                info.is_none_or(|info| add(sequence, &info))
            };
            let all = streams.names.all("event");
            let reader = StreamReader::new(streams.events.clone(), all, filter.after + 1, true);
            streams.scan_while(reader, visit).await?;
        } else {
            for number in &filter.numbers {
                let found = streams.get(&streams.events, *number).await?;
                if let Some(info) = found.and_then(|found| info(&found.headers)) {
                    add(*number, &info);
                }
            }
        }
        let mut pending = Vec::new();
        for (entry, partition) in entries {
            let claim = self.last_claim(partition, entry.number).await?;
            if !claim.as_ref().is_some_and(|(_, claim)| claim.is_end()) {
                pending.push(with_claim(entry, claim.map(|(_, claim)| claim)));
            }
        }
        pending.retain(|entry| filter.matches(entry));
        Ok(pending)
    }

    pub(super) async fn show(
        &self,
        number: u64,
    ) -> Result<Option<(QueueEntry, StoredEvent)>, StoreError> {
        for state in ENDED {
            if let Some(found) = self.ended(state, number).await? {
                let claim = end(&found.headers);
                let event = EventMessage::parse(&found.headers, found.payload)?;
                return Ok(Some((entry(number, &event.info, claim.as_ref()), event.event())));
            }
        }
        let Some(found) = self.streams.get(&self.streams.events, number).await? else {
            return Ok(None);
        };
        let event = EventMessage::parse(&found.headers, found.payload)?;
        let claim = self.last_claim(event.info.pending().partition, number).await?;
        let claim = claim.map(|(_, claim)| claim);
        Ok(Some((entry(number, &event.info, claim.as_ref()), event.event())))
    }

    pub(super) async fn replay(
        &self,
        filter: &QueueFilter,
        now: Timestamp,
    ) -> Result<u64, StoreError> {
        let ended = |entry: &QueueEntry| entry.state != EntryState::Pending;
        let mut count = 0;
        for entry in self.selected(filter, ended).await? {
            let Some(found) = self.ended(entry.state, entry.number).await? else { continue };
            let sequence = found.sequence;
            let mut event = EventMessage::parse(&found.headers, found.payload)?;
            event.info.replay = true;
            event.info.queued_ms = now.as_millis();
            event.info.key = None;
            event.info.nonce = super::wire::nonce();
            self.write_event(event, now).await?;
            self.streams.delete(self.stream_of(entry.state), sequence).await?;
            count += 1;
        }
        Ok(count)
    }

    pub(super) async fn remove(
        &self,
        filter: &QueueFilter,
        now: Timestamp,
    ) -> Result<u64, StoreError> {
        let free = |entry: &QueueEntry| !entry.is_claimed || entry.due <= now;
        let mut count = 0;
        for entry in self.selected(filter, free).await? {
            count += u64::from(self.remove_one(&entry, now).await?);
        }
        Ok(count)
    }

    async fn remove_one(&self, entry: &QueueEntry, now: Timestamp) -> Result<bool, StoreError> {
        if entry.state != EntryState::Pending {
            let Some(found) = self.ended(entry.state, entry.number).await? else {
                return Ok(false);
            };
            self.streams.delete(self.stream_of(entry.state), found.sequence).await?;
            return Ok(true);
        }
        let Some(found) = self.streams.get(&self.streams.events, entry.number).await? else {
            return Ok(false);
        };
        let event = EventMessage::parse(&found.headers, found.payload)?;
        let claim = self.last_claim(event.info.pending().partition, entry.number).await?;
        // A gatepost may have claimed the event since `list` read it.
        if claim.as_ref().is_some_and(|(_, claim)| !claim.is_free(now)) {
            return Ok(false);
        }
        self.drop_event(entry.number, &event, claim, now).await
    }

    /// Returns the entries that match the filter and the condition, at most `filter.limit`.
    async fn selected(
        &self,
        filter: &QueueFilter,
        condition: impl Fn(&QueueEntry) -> bool,
    ) -> Result<Vec<QueueEntry>, StoreError> {
        let all = QueueFilter { limit: None, ..filter.clone() };
        let found = self.list(&all).await?.into_iter().filter(condition);
        Ok(found.take(filter.limit.unwrap_or(usize::MAX)).collect())
    }

    /// Reads the last claim of an event, with its sequence.
    pub(super) async fn last_claim(
        &self,
        partition: super::pending::Partition,
        number: u64,
    ) -> Result<Option<(u64, Claim)>, StoreError> {
        let streams = &self.streams;
        let subject = streams.names.claim(partition, number);
        let last = streams.last(&streams.state, &subject).await?;
        Ok(last.and_then(|last| Some((last.sequence, Claim::parse(&last.payload)?))))
    }

    async fn ended(
        &self,
        state: EntryState,
        number: u64,
    ) -> Result<Option<StreamMessage>, StoreError> {
        let subject = self.streams.names.ended(state, number);
        self.streams.last(self.stream_of(state), &subject).await
    }

    const fn stream_of(&self, state: EntryState) -> &Stream<()> {
        match state {
            EntryState::Pending => &self.streams.events,
            EntryState::Delivered => &self.streams.delivered,
            EntryState::Dead => &self.streams.dead,
        }
    }

    pub(super) async fn status(&self) -> Result<StoreStatus, StoreError> {
        let streams = &self.streams;
        let mut status = StoreStatus::default();
        for state in EntryState::ALL {
            let found = streams.info(self.stream_of(state)).await?.state;
            *status.of_mut(state) = StateTotal { count: found.messages, bytes: found.bytes };
        }
        if status.pending.count > 0 {
            status.oldest_pending = self.oldest_pending().await?;
        }
        Ok(status)
    }

    /// Returns the arrival time of the oldest callback whose event is pending. Reads all events if
    /// the index is empty, as in a process that delivers no events.
    async fn oldest_pending(&self) -> Result<Option<Timestamp>, StoreError> {
        self.caught_up().await;
        let known = self.lock_index().oldest();
        if known.is_some() {
            return Ok(known);
        }
        let mut oldest: Option<i64> = None;
        let visit = |ReadMessage { message, .. }: ReadMessage| {
            let received = message.headers.as_ref().and_then(info).map(|info| info.received_ms);
            oldest = oldest.into_iter().chain(received).min();
        };
        let streams = &self.streams;
        let all = streams.names.all("event");
        streams.scan(StreamReader::new(streams.events.clone(), all, 0, true), visit).await?;
        Ok(oldest.map(Timestamp::from_millis))
    }

    /// Removes the ended events whose retention has ended. Returns the number of removed dead
    /// letters. Only the machine that owns the first partition sweeps.
    pub(super) async fn sweep(&self, now: Timestamp) -> Result<u64, StoreError> {
        if !self.owned().contains(&0) {
            return Ok(0);
        }
        let (delivered, dead) = (self.rules.delivered, self.rules.dead);
        let before = |retention: std::time::Duration| {
            let retention = i64::try_from(retention.as_millis()).unwrap_or(i64::MAX);
            Timestamp::from_millis(now.as_millis().saturating_sub(retention))
        };
        self.sweep_state(EntryState::Delivered, before(delivered)).await?;
        self.sweep_state(EntryState::Dead, before(dead)).await
    }

    /// Removes the events that ended at `last` or before. The stream has the events in the order of
    /// their ends, so a binary search finds the first event that remains.
    async fn sweep_state(&self, state: EntryState, last: Timestamp) -> Result<u64, StoreError> {
        let stream = self.stream_of(state);
        let found = self.streams.info(stream).await?.state;
        let (mut low, mut high) = (found.first_sequence, found.last_sequence + 1);
        high = high.min(low.saturating_add(MAX_SWEPT));
        while low < high {
            let middle = low.midpoint(high);
            let next = stream.direct_get_builder().sequence(middle);
            let next = next.next_by_subject(self.streams.names.all(state.as_str())).send().await;
            let ended = next.ok().and_then(|next| Some((next.sequence, end(&next.headers)?)));
            match ended {
                Some((sequence, claim)) if claim.due() <= last => low = sequence + 1,
                Some(_) | None => high = middle,
            }
        }
        if low <= found.first_sequence {
            return Ok(0);
        }
        let purged = stream.purge().sequence(low).await;
        purged.map(|purged| purged.purged).map_err(|error| away(&error.to_string()))
    }
}

fn with_claim(mut entry: QueueEntry, claim: Option<Claim>) -> QueueEntry {
    if let Some(claim) = claim {
        (entry.attempts, entry.due) = (claim.attempts, claim.due());
        (entry.is_claimed, entry.reason) = (claim.is_claimed(), claim.reason);
    }
    entry
}
