//! The rules, checked against the clients' ledger and the app's receipts:
//!
//! 1. The app receives each acknowledged event.
//! 2. gatepost does not deliver an event twice within the lease of a claim, on one machine or two.
//! 3. gatepost delivers an event again only if the program killed a process within two leases of
//!    the earlier delivery. A resend to any machine causes no delivery.
//! 4. The app receives the events of a stream in the order in which the clients sent them.
//! 5. If the program suspends a machine for longer than its claim lasts, another machine delivers
//!    the event of this claim too. This late delivery is the only exception to rules 2 and 3. Each
//!    suspension causes at least one late delivery.
//! 6. All deliveries of an event have the same id.

use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant};

use super::app::Receipt;
use super::clients::{Acknowledged, Ledger};
use super::machines::TIMEOUT_MS;

/// Duration of a claim.
pub const LEASE: Duration = Duration::from_millis(TIMEOUT_MS + 5000);

/// Longest time between the start of a claim and the receipt of its event.
const JITTER: Duration = Duration::from_millis(500);

/// A suspension of a machine for longer than its claims last.
#[derive(Debug)]
pub struct Stop {
    pub machine: usize,
    pub at: Instant,
}

impl Stop {
    /// Returns true if the suspension explains two deliveries of one event.
    fn explains(&self, first: &Receipt, second: &Receipt) -> bool {
        let took_part = [first, second].iter().any(|one| one.machine == self.machine);
        took_part && second.at > self.at && first.at < self.at + 2 * LEASE
    }
}

/// Returns a fault for each acknowledged event that the app has not received.
pub fn missing(ledger: &Ledger, receipts: &[Receipt]) -> Vec<String> {
    let by_event = by_event(receipts);
    let events = ledger.iter().flat_map(|(stream, all)| all.iter().map(move |one| (stream, one)));
    let missing =
        events.filter(|(stream, one)| !by_event.contains_key(&(stream.as_str(), one.number)));
    let describe = |(stream, one): (&String, &Acknowledged)| {
        let (number, machine, ago) = (one.number, one.machine, one.at.elapsed());
        format!(
            "{stream}/{number}: expected a delivery, because machine {machine} acknowledged the \
             event {ago:?} ago, found none"
        )
    };
    missing.map(describe).collect()
}

/// Prints the counts, and returns the faults.
pub fn judge(
    ledger: &Ledger,
    receipts: &[Receipt],
    kills: &[Instant],
    stops: &[Stop],
) -> Vec<String> {
    let mut faults = missing(ledger, receipts);
    let lost = faults.len();
    let (mut repeated, mut late) = (0, 0);
    for ((stream, number), deliveries) in by_event(receipts) {
        for pair in deliveries.windows(2) {
            let [first, second] = pair else { continue };
            repeated += 1;
            let between = second.at - first.at;
            if first.id != second.id {
                let ids = [&first.id, &second.id];
                faults.push(format!("{stream}/{number}: expected one id, found {ids:?}"));
            }
            if stops.iter().any(|stop| stop.explains(first, second)) {
                late += 1;
                continue;
            }
            if between + JITTER < LEASE {
                let by = [first, second].map(|delivery| (delivery.machine, delivery.attempt));
                faults.push(format!(
                    "{stream}/{number}: expected one delivery within a lease, found another after \
                     {between:?}, by (machine, attempt) {by:?}"
                ));
            }
            let near =
                |kill: &&Instant| first.at < **kill + 2 * LEASE && **kill < first.at + 2 * LEASE;
            if !kills.iter().any(|kill| near(&kill)) {
                faults.push(format!(
                    "{stream}/{number}: expected one delivery without a kill, found two"
                ));
            }
        }
    }
    if late < stops.len() {
        let stops = stops.len();
        faults.push(format!("expected a late delivery for each of {stops} stops, found {late}"));
    }
    faults.extend(order(receipts));
    let acknowledged: usize = ledger.values().map(Vec::len).sum();
    let machines = receipts.iter().fold(BTreeMap::new(), |mut counts, receipt| {
        *counts.entry(receipt.machine).or_insert(0) += 1;
        counts
    });
    println!(
        "{acknowledged} acknowledged, {} delivered by {machines:?}, {lost} lost, {repeated} delivered \
         again ({late} of these after a stop), {} faults",
        receipts.len(),
        faults.len()
    );
    faults
}

/// Returns a fault for each event whose first delivery came after that of a later event of the same
/// stream.
fn order(receipts: &[Receipt]) -> Vec<String> {
    let mut first: HashMap<(&str, u32), usize> = HashMap::new();
    let mut newest: HashMap<&str, u32> = HashMap::new();
    let mut faults = Vec::new();
    for (index, receipt) in receipts.iter().enumerate() {
        let is_first = first.insert((&receipt.stream, receipt.number), index).is_none();
        let newest = newest.entry(&receipt.stream).or_insert(0);
        if is_first && receipt.number < *newest {
            let (stream, number) = (&receipt.stream, receipt.number);
            faults
                .push(format!("{stream}: expected rising numbers, found {number} after {newest}"));
        }
        *newest = receipt.number.max(*newest);
    }
    faults
}

fn by_event(receipts: &[Receipt]) -> HashMap<(&str, u32), Vec<&Receipt>> {
    let mut events: HashMap<_, Vec<_>> = HashMap::new();
    for receipt in receipts {
        events.entry((receipt.stream.as_str(), receipt.number)).or_default().push(receipt);
    }
    events
}
