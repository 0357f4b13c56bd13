//! The pending events in memory, with the heads of the lines by partition and lane. A line consists
//! of the events with the same source and subject. The head of a line is its pending event with the
//! lowest number.
//!
//! Each gatepost follows the events and the claims of all machines, so that it can take over a
//! partition at once. The index does not store the headers and bodies of events.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use gatepost::{Lane, LaneStatus, Timestamp};

use super::pending::{LineId, Partition, Pending};
use super::wire::Claim;

/// Pending events and their claims.
#[derive(Debug, Default)]
pub(super) struct Index {
    /// Number of the last event that the index has read from the stream.
    position: u64,
    events: HashMap<u64, Pending>,
    /// The events by the arrival of their callbacks.
    by_arrival: BTreeSet<(Timestamp, u64)>,
    lines: HashMap<LineId, BTreeSet<u64>>,
    heads: BTreeMap<Partition, BTreeMap<Lane, BTreeSet<(Timestamp, u64)>>>,
    /// Last claim of each event, with its sequence in the stream of claims.
    claims: HashMap<u64, (u64, Claim)>,
    /// Numbers of ended events that the index has not yet read from the stream.
    ended_early: BTreeSet<u64>,
    lanes: HashSet<Lane>,
}

/// An event that gatepost may claim or give up, and the last claim that the index had for it.
///
/// The next claim of the event names this claim as its predecessor. If another gatepost has claimed
/// the event since, NATS refuses the write. gatepost does not read the last claim again before
/// the write, because NATS accepts a write that names the claim of the other gatepost.
#[derive(Debug)]
pub(super) struct Candidate {
    pub(super) number: u64,
    pub(super) claim: Option<(u64, Claim)>,
}

impl Index {
    pub(super) const fn position(&self) -> u64 {
        self.position
    }

    /// Returns the number of pending events.
    pub(super) fn len(&self) -> usize {
        self.events.len()
    }

    /// Returns the arrival time of the oldest callback whose event is pending. This event need not
    /// be a head: a replay is behind newer events.
    pub(super) fn oldest(&self) -> Option<Timestamp> {
        self.by_arrival.first().map(|(received, _)| *received)
    }

    /// Returns true for a pending event.
    pub(super) fn contains(&self, number: u64) -> bool {
        self.events.contains_key(&number)
    }

    /// Returns the numbers of the pending events up to a position.
    pub(super) fn numbers(&self, last: u64) -> BTreeSet<u64> {
        self.events.keys().copied().filter(|number| *number <= last).collect()
    }

    /// Returns the partition of a pending event.
    pub(super) fn partition(&self, number: u64) -> Option<Partition> {
        self.events.get(&number).map(|pending| pending.partition)
    }

    /// Returns the last claim of an event, with its sequence.
    pub(super) fn claim_of(&self, number: u64) -> Option<&(u64, Claim)> {
        self.claims.get(&number)
    }

    /// Adds an event.
    pub(super) fn add(&mut self, number: u64, mut pending: Pending) {
        let has_ended = self.ended_early.remove(&number);
        if number > self.position {
            self.position = number;
            // The stream sends events in the order of their numbers, so no lower number follows.
            self.ended_early = self.ended_early.split_off(&number);
        }
        if has_ended || self.contains(number) {
            return;
        }
        // The events of a lane share one copy of its name.
        match self.lanes.get(&pending.lane) {
            Some(lane) => pending.lane = lane.clone(),
            None => drop(self.lanes.insert(pending.lane.clone())),
        }
        let line = pending.line;
        self.by_arrival.insert((pending.received, number));
        self.changing_line(line, |index| {
            index.lines.entry(line).or_default().insert(number);
            index.events.insert(number, pending);
        });
    }

    /// Removes an event that is delivered, dead or dropped. If the event arrives only after this
    /// call, `add` ignores the event.
    pub(super) fn end(&mut self, number: u64) {
        if let Some(line) = self.events.get(&number).map(|pending| pending.line) {
            self.changing_line(line, |index| {
                if let Some(ended) = index.events.remove(&number) {
                    index.by_arrival.remove(&(ended.received, number));
                }
                if let Some(numbers) = index.lines.get_mut(&line) {
                    numbers.remove(&number);
                }
            });
            if self.lines.get(&line).is_some_and(BTreeSet::is_empty) {
                self.lines.remove(&line);
            }
        } else if number > self.position {
            self.ended_early.insert(number);
        }
        self.claims.remove(&number);
    }

    /// Records a claim. If the index has the same or a later claim, does nothing. A claim that is
    /// an end removes the event.
    pub(super) fn claim(&mut self, number: u64, sequence: u64, claim: Claim) {
        if self.claims.get(&number).is_some_and(|(known, _)| *known >= sequence) {
            return;
        }
        if claim.is_end() {
            return self.end(number);
        }
        let line = self.events.get(&number).map(|pending| pending.line);
        let set = |index: &mut Self| drop(index.claims.insert(number, (sequence, claim)));
        match line {
            Some(line) => self.changing_line(line, set),
            None => set(self),
        }
    }

    /// Returns the lanes with pending events in the partitions, each with the earliest due time of
    /// its heads.
    pub(super) fn lanes(&self, partitions: &BTreeSet<Partition>) -> Vec<LaneStatus> {
        let mut lanes = BTreeMap::<&Lane, Timestamp>::new();
        let heads = partitions.iter().filter_map(|partition| self.heads.get(partition)).flatten();
        for (lane, heads) in heads {
            let Some((due, _)) = heads.first() else { continue };
            let first = lanes.entry(lane).or_insert(*due);
            *first = (*due).min(*first);
        }
        lanes.into_iter().map(|(lane, due)| LaneStatus { lane: lane.clone(), due }).collect()
    }

    /// Returns the due heads of a lane with their claims, at most `max`, in the order of their due
    /// times.
    pub(super) fn due(
        &self,
        partitions: &BTreeSet<Partition>,
        lane: &Lane,
        max: usize,
        now: Timestamp,
    ) -> Vec<Candidate> {
        let lanes = partitions.iter().filter_map(|partition| self.heads.get(partition)?.get(lane));
        let due = lanes.flat_map(|heads| heads.range(..=(now, u64::MAX)).take(max));
        let mut due: Vec<_> = due.collect();
        due.sort_unstable();
        due.into_iter().take(max).map(|(_, number)| self.candidate(*number)).collect()
    }

    /// Returns the events of a lane that gatepost queued before `queued_before` and that have no
    /// current claim, each with its last claim. Returns at most `max` events.
    pub(super) fn overdue(
        &self,
        partitions: &BTreeSet<Partition>,
        lane: &Lane,
        queued_before: Timestamp,
        max: usize,
        now: Timestamp,
    ) -> Vec<Candidate> {
        let is_free =
            |number: &u64| self.claims.get(number).is_none_or(|(_, claim)| claim.is_free(now));
        let events = self.events.iter().filter(|(_, pending)| {
            pending.queued < queued_before
                && pending.lane == *lane
                && partitions.contains(&pending.partition)
        });
        let mut overdue: Vec<_> = events.map(|(number, _)| *number).filter(is_free).collect();
        overdue.sort_unstable();
        overdue.into_iter().take(max).map(|number| self.candidate(number)).collect()
    }

    fn candidate(&self, number: u64) -> Candidate {
        Candidate { number, claim: self.claims.get(&number).cloned() }
    }

    fn due_of(&self, number: u64) -> Option<Timestamp> {
        let claimed = self.claims.get(&number).map(|(_, claim)| claim.due());
        claimed.or_else(|| self.events.get(&number).map(|pending| pending.queued))
    }

    /// Changes the events of a line, and updates the head of the line.
    fn changing_line(&mut self, line: LineId, change: impl FnOnce(&mut Self)) {
        if let Some((number, due)) = self.head(line)
            && let Some((heads, _)) = self.heads_of(number)
        {
            heads.remove(&(due, number));
            self.forget_empty(number);
        }
        change(self);
        if let Some((number, due)) = self.head(line)
            && let Some((heads, _)) = self.heads_of(number)
        {
            heads.insert((due, number));
        }
    }

    fn head(&self, line: LineId) -> Option<(u64, Timestamp)> {
        let number = *self.lines.get(&line)?.first()?;
        Some((number, self.due_of(number)?))
    }

    fn heads_of(&mut self, number: u64) -> Option<(&mut BTreeSet<(Timestamp, u64)>, &Pending)> {
        let pending = self.events.get(&number)?;
        let lanes = self.heads.entry(pending.partition).or_default();
        Some((lanes.entry(pending.lane.clone()).or_default(), pending))
    }

    fn forget_empty(&mut self, number: u64) {
        let Some(pending) = self.events.get(&number) else { return };
        let Some(lanes) = self.heads.get_mut(&pending.partition) else { return };
        if lanes.get(&pending.lane).is_some_and(BTreeSet::is_empty) {
            lanes.remove(&pending.lane);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const T: fn(i64) -> Timestamp = Timestamp::from_secs;

    fn pending(line: LineId, kind: &str) -> Pending {
        let lane = Lane::new("live", kind);
        Pending { partition: 0, line, lane, received: T(1), queued: T(1) }
    }

    fn claim(due: i64) -> Claim {
        Claim::claimed("owner", 1, T(due))
    }

    fn due(index: &Index, kind: &str, now: i64) -> Vec<u64> {
        let due = index.due(&BTreeSet::from([0]), &Lane::new("live", kind), 10, T(now));
        due.into_iter().map(|candidate| candidate.number).collect()
    }

    #[test]
    fn next_event_of_a_line_is_due_after_the_head_ends() {
        let mut index = Index::default();
        index.add(1, pending(7, "push"));
        index.add(2, pending(7, "end"));
        assert_eq!((due(&index, "push", 1), due(&index, "end", 1)), (vec![1], vec![]));
        index.end(1);
        assert_eq!((due(&index, "push", 1), due(&index, "end", 1)), (vec![], vec![2]));
        assert_eq!(index.oldest(), Some(T(1)));
        index.end(2);
        assert_eq!((index.oldest(), index.by_arrival.len()), (None, 0));
        assert!(index.lanes(&BTreeSet::from([0])).is_empty());
        assert!(index.heads.values().all(BTreeMap::is_empty) && index.lines.is_empty());
    }

    #[test]
    fn earlier_event_that_arrives_late_becomes_the_head() {
        let mut index = Index::default();
        index.add(2, pending(7, "push"));
        index.add(1, pending(7, "push"));
        assert_eq!(due(&index, "push", 1), [1]);
    }

    #[test]
    fn ignores_event_that_ended_before_it_arrived() {
        let mut index = Index::default();
        index.claim(1, 5, Claim::ended(&gatepost::Settlement::Delivered, T(2)));
        index.add(1, pending(7, "push"));
        assert!(due(&index, "push", 9).is_empty());
        assert!(index.ended_early.is_empty());
    }

    #[test]
    fn keeps_claim_that_arrived_before_its_event() {
        let mut index = Index::default();
        index.claim(1, 5, claim(20));
        index.add(1, pending(7, "push"));
        assert!(due(&index, "push", 19).is_empty());
        assert_eq!(due(&index, "push", 20), [1]);
    }

    #[test]
    fn candidate_keeps_its_claim_after_a_later_claim() {
        let mut index = Index::default();
        index.add(1, pending(7, "push"));
        let lane = Lane::new("live", "push");
        let due = index.due(&BTreeSet::from([0]), &lane, 10, T(1));
        let overdue = index.overdue(&BTreeSet::from([0]), &lane, T(2), 10, T(2));
        index.claim(1, 5, claim(20));
        for candidates in [due, overdue] {
            assert_eq!((candidates[0].number, &candidates[0].claim), (1, &None));
        }
    }

    #[test]
    fn earlier_claim_does_not_replace_a_later_one() {
        let mut index = Index::default();
        index.add(1, pending(7, "push"));
        index.claim(1, 6, claim(30));
        index.claim(1, 5, claim(20));
        assert!(due(&index, "push", 29).is_empty());
    }

    #[test]
    fn ignores_partitions_of_other_machines() {
        let mut index = Index::default();
        index.add(1, pending(7, "push"));
        index.add(2, Pending { partition: 1, ..pending(8, "push") });
        assert_eq!(due(&index, "push", 1), [1]);
        assert_eq!(index.lanes(&BTreeSet::new()), []);
        assert_eq!(index.lanes(&BTreeSet::from([1])).len(), 1);
    }
}
