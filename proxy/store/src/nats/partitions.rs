//! Partitions, which determine the machine that delivers an event.
//!
//! The lease of a partition is a message with a time to live, so only the clock of NATS ends a
//! lease. Each gatepost renews the leases of its partitions. The limit of a machine is the number
//! of partitions, divided by the number of machines and rounded up. A machine takes free partitions
//! up to this limit, and gives up its partitions beyond this limit.
//!
//! The leases save work: without them, several machines try to claim the same events. The
//! claims, not the leases, prevent two deliveries of an event.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use async_nats::jetstream::message::PublishMessage;
use futures_util::TryStreamExt as _;
use gatepost::StoreError;
use tokio::time::{Instant, sleep, timeout};

use super::Shared;
use super::append::expecting;
use super::pending::Partition;
use super::streams::{WriteError, all_partitions, away};
use super::wire::PARTITIONS;

/// Time after which a lease ends if its machine does not renew it.
const LEASE: Duration = Duration::from_secs(6);

/// Time between two renewals.
const RENEWAL: Duration = Duration::from_secs(2);

/// Time before the end of a lease in which its owner makes no more claims.
const MARGIN: Duration = Duration::from_secs(1);

/// The partitions of this machine, each with the sequence of its lease, and the time until which
/// the machine makes claims.
pub(super) type Leases = BTreeMap<Partition, (u64, Instant)>;

impl Shared {
    /// Returns the partitions in which this machine may make claims.
    pub(super) fn owned(&self) -> BTreeSet<Partition> {
        let now = Instant::now();
        let leases = self.lock_leases();
        let held = leases.iter().filter(|(_, (_, until))| *until > now);
        held.map(|(partition, _)| *partition).collect()
    }

    /// Renews the leases until the store stops. Runs at the same time as
    /// [`Shared::keep_partitions`], whose rounds may take longer than a lease.
    pub(super) async fn keep_leases(&self) {
        loop {
            sleep(RENEWAL).await;
            if !self.is_stopping() {
                self.renew().await;
            }
        }
    }

    /// Takes and gives up partitions, and completes ends of events, until the store stops.
    pub(super) async fn keep_partitions(&self) {
        loop {
            sleep(RENEWAL).await;
            if self.is_stopping() {
                continue;
            }
            if let Err(error) = self.partition_round().await {
                tracing::debug!("cannot share partitions: {error}");
            }
            if let Err(error) = self.repair_round().await {
                tracing::debug!("cannot complete events: {error}");
            }
        }
    }

    /// Takes free partitions up to the limit of this machine. Gives up its partitions beyond the
    /// limit.
    pub(super) async fn partition_round(&self) -> Result<(), StoreError> {
        self.register().await?;
        let (machines, taken) = tokio::try_join!(self.machines(), self.taken())?;
        let share = usize::from(PARTITIONS).div_ceil(machines.max(1));
        let own: Vec<_> = self.lock_leases().keys().copied().collect();
        for partition in own.iter().skip(share) {
            self.give_up(*partition).await?;
        }
        let mut free: Vec<_> = all_partitions().filter(|own| !taken.contains(own)).collect();
        fastrand::shuffle(&mut free);
        for partition in free.into_iter().take(share.saturating_sub(own.len())) {
            self.take(partition).await?;
        }
        Ok(())
    }

    /// Completes the ends whose completion has failed, and the ends in partitions that this machine
    /// has taken. Then checks the index.
    async fn repair_round(&self) -> Result<(), StoreError> {
        let unfinished = std::mem::take(&mut *self.lock_unfinished());
        for end in unfinished {
            // If the completion fails again, the end waits for the next round.
            drop(self.complete(end).await);
        }
        let taken = std::mem::take(&mut *self.lock_taken());
        for partition in taken {
            if let Err(error) = self.recover(partition).await {
                self.lock_taken().insert(partition);
                tracing::debug!("cannot read the claims of partition {partition}: {error}");
            }
        }
        self.check_index().await
    }

    /// Gives up all partitions, so that other machines take them at once.
    pub(super) async fn leave(&self) {
        let own: Vec<_> = self.lock_leases().keys().copied().collect();
        for partition in own {
            // If gatepost cannot delete the lease, the lease ends after its time to live.
            drop(self.give_up(partition).await);
        }
        let member = self.streams.names.member(&self.id);
        if let Ok(Some(member)) = self.streams.last(&self.streams.state, &member).await {
            drop(self.streams.delete(&self.streams.state, member.sequence).await);
        }
    }

    async fn register(&self) -> Result<(), StoreError> {
        let subject = self.streams.names.member(&self.id);
        match self.streams.write(&subject, PublishMessage::build().ttl(LEASE)).await {
            Err(WriteError::Unavailable(error)) => Err(error),
            Ok(_) | Err(WriteError::Conflict | WriteError::Full) => Ok(()),
        }
    }

    async fn machines(&self) -> Result<usize, StoreError> {
        self.subjects("member").await.map(|subjects| subjects.len())
    }

    async fn taken(&self) -> Result<BTreeSet<Partition>, StoreError> {
        let subjects = self.subjects("owner").await?;
        let number = |subject: &String| subject.rsplit('.').next()?.parse().ok();
        Ok(subjects.iter().filter_map(number).collect())
    }

    async fn subjects(&self, kind: &str) -> Result<Vec<String>, StoreError> {
        let filter = self.streams.names.all(kind);
        let found = self.streams.state.info_with_subjects(filter).await;
        let found = found.map_err(|error| away(&error.to_string()))?;
        let subjects = found.map_ok(|(subject, _)| subject).try_collect().await;
        subjects.map_err(|error: async_nats::jetstream::stream::InfoError| away(&error.to_string()))
    }

    /// Renews the leases. A lease whose renewal fails ends [`LEASE`] after the last successful
    /// renewal.
    async fn renew(&self) {
        let leases: Vec<_> = self.lock_leases().iter().map(|(p, (s, _))| (*p, *s)).collect();
        let renewed = leases.into_iter().map(|(partition, sequence)| async move {
            match timeout(LEASE, self.renew_one(partition, sequence)).await {
                Ok(Ok(Some(lease))) => drop(self.lock_leases().insert(partition, lease)),
                Ok(Ok(None)) => drop(self.lock_leases().remove(&partition)),
                Ok(Err(error)) => tracing::debug!("cannot renew partition {partition}: {error}"),
                Err(_) => tracing::debug!("cannot renew partition {partition} in time"),
            }
        });
        futures_util::future::join_all(renewed).await;
    }

    /// Renews a lease. Returns `None` if another machine may have the lease.
    async fn renew_one(
        &self,
        partition: Partition,
        sequence: u64,
    ) -> Result<Option<(u64, Instant)>, StoreError> {
        let mut sequence = sequence;
        for _ in 0..2 {
            match self.write_lease(partition, sequence).await {
                Ok(lease) => return Ok(Some(lease)),
                Err(WriteError::Unavailable(error)) => return Err(error),
                Err(WriteError::Conflict | WriteError::Full) => {}
            }
            // An earlier renewal may have succeeded without a response.
            let owner = self.streams.names.owner(partition);
            match self.streams.last(&self.streams.state, &owner).await? {
                Some(last) if *last.payload == *self.id.as_bytes() => sequence = last.sequence,
                Some(_) | None => break,
            }
        }
        Ok(None)
    }

    async fn take(&self, partition: Partition) -> Result<(), StoreError> {
        match self.write_lease(partition, 0).await {
            Ok(lease) => {
                self.lock_leases().insert(partition, lease);
                self.lock_taken().insert(partition);
                self.changed.notify_one();
                Ok(())
            }
            Err(WriteError::Unavailable(error)) => Err(error),
            // Another machine has taken the partition.
            Err(WriteError::Conflict | WriteError::Full) => Ok(()),
        }
    }

    async fn give_up(&self, partition: Partition) -> Result<(), StoreError> {
        let Some((sequence, _)) = self.lock_leases().remove(&partition) else { return Ok(()) };
        self.streams.delete(&self.streams.state, sequence).await
    }

    async fn write_lease(
        &self,
        partition: Partition,
        sequence: u64,
    ) -> Result<(u64, Instant), WriteError> {
        // The lease begins when the server receives the message, so it never ends before `until`.
        let until = Instant::now() + LEASE - MARGIN;
        let owner = PublishMessage::build().payload(self.id.to_string().into()).ttl(LEASE);
        let subject = self.streams.names.owner(partition);
        let sequence = self.streams.write(&subject, expecting(owner, sequence)).await?;
        Ok((sequence, until))
    }
}
