//! The rules for the records of the clients and of the app, and for the claims in the store. A
//! claim is the reservation of an event by the process that delivers the event.
//!
//! 1. The app has read each acknowledged event at least once.
//! 2. The app has read the events of each subject in the order of their numbers.
//! 3. The app has read at most one copy of an event, plus one copy for each time that the app
//!    answered 500, plus one copy for each kill of a process that had claimed the event.
//! 4. All copies of an event have the same `ce-id`.
//! 5. At the end, the store has no pending event and no dead letter, and gatepost stops.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use super::app::Receipt;
use super::clients::{Event, Ledger};
use super::process::Setup;

/// The events that killed processes had claimed, with the number of these kills for each event.
#[derive(Default)]
pub struct Claims {
    kills: HashMap<String, u32>,
    most: usize,
}

impl Claims {
    /// Reads the claims of a killed process from a copy of the store.
    pub fn add(&mut self, setup: &Setup, process: u32) {
        let copy = tempfile::tempdir().unwrap();
        for name in ["gatepost.db", "gatepost.db-wal"] {
            let _absent = fs::copy(setup.store().join(name), copy.path().join(name));
        }
        let ids = claimed(&copy.path().join("gatepost.db"), process).unwrap_or_default();
        self.most = self.most.max(ids.len());
        ids.into_iter().for_each(|id| *self.kills.entry(id).or_default() += 1);
    }
}

/// Returns the `ce-id` of each event that the process has claimed. Fails if the store does not
/// exist yet.
fn claimed(path: &std::path::Path, process: u32) -> rusqlite::Result<Vec<String>> {
    let db = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    let query = "SELECT id FROM event WHERE state = 'pending' AND owner LIKE ?1";
    let mut query = db.prepare(query)?;
    query.query_map([format!("{process}-%")], |row| row.get(0))?.collect()
}

/// The result of all rounds.
pub struct Verdict {
    acknowledged: usize,
    read: usize,
    refused: usize,
    copies: usize,
    claimed: u32,
    most_claimed: usize,
    took: Duration,
    pub faults: Vec<String>,
}

impl Verdict {
    pub fn print(&self) {
        println!(
            "{} acknowledged, {} read by the app, {} answered with 500; {} events claimed at a kill \
             (at most {} at once), {} copies read because of a kill; {} s",
            self.acknowledged,
            self.read,
            self.refused,
            self.claimed,
            self.most_claimed,
            self.copies,
            self.took.as_secs()
        );
        self.faults.iter().take(20).for_each(|fault| eprintln!("{fault}"));
        println!("{} faults", self.faults.len());
    }
}

pub fn judge(
    ledger: &Ledger,
    receipts: &[Receipt],
    claims: &Claims,
    (is_stopped, took): (bool, Duration),
) -> Verdict {
    let mut faults = Vec::new();
    let mut check = |holds: bool, fault: String| {
        if !holds {
            faults.push(fault);
        }
    };
    check(is_stopped, "expected gatepost to stop with success, found a failure".into());
    let mut copies: HashMap<&Event, Vec<&Receipt>> = HashMap::new();
    let mut last: HashMap<&str, u32> = HashMap::new();
    for receipt in receipts {
        let (subject, number) = &receipt.event;
        let last = last.entry(subject).or_insert(*number);
        check(
            *number >= *last,
            format!("{subject}: expected rising numbers, found {number} after {last}"),
        );
        *last = *number;
        copies.entry(&receipt.event).or_default().push(receipt);
    }
    let lost = ledger.iter().filter(|event| !copies.contains_key(event));
    lost.for_each(|event| check(false, format!("expected {event:?} at the app, found none")));
    let mut extra = 0;
    for (event, copies) in &copies {
        let ids: HashSet<_> = copies.iter().map(|copy| &copy.id).collect();
        check(ids.len() == 1, format!("{event:?}: expected one id, found {ids:?}"));
        let refused = copies.iter().filter(|copy| copy.is_refused).count();
        let kills = claims.kills.get(&copies[0].id).copied().unwrap_or_default() as usize;
        let most = 1 + refused + kills;
        check(
            copies.len() <= most,
            format!("{event:?}: expected a count of copies up to {most}, found {}", copies.len()),
        );
        extra += copies.len().saturating_sub(1 + refused);
    }
    Verdict {
        acknowledged: ledger.len(),
        read: copies.len(),
        refused: receipts.iter().filter(|receipt| receipt.is_refused).count(),
        copies: extra,
        claimed: claims.kills.values().sum(),
        most_claimed: claims.most,
        took,
        faults,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Judges receipts of one subject. gatepost has acknowledged the subject's first `acknowledged`
    /// events. A receipt has the number of its event, and true for an answer of 500. `claimed`
    /// contains the numbers of the events that a killed process had claimed.
    fn faults(acknowledged: u32, receipts: &[(u32, bool)], claimed: &[u32]) -> Vec<String> {
        let event = |number: u32| ("s".to_owned(), number);
        let ledger = (0..acknowledged).map(event).collect();
        let receipt = |(number, is_refused): &(u32, bool)| Receipt {
            event: event(*number),
            id: number.to_string(),
            is_refused: *is_refused,
        };
        let receipts: Vec<_> = receipts.iter().map(receipt).collect();
        let kills = claimed.iter().map(|number| (number.to_string(), 1)).collect();
        let ends = (true, Duration::ZERO);
        judge(&ledger, &receipts, &Claims { kills, most: 0 }, ends).faults
    }

    #[test]
    fn permits_copies_after_failed_attempts_and_kills() {
        let receipts = [(0, true), (0, false), (0, false), (1, false)];
        assert_eq!(faults(2, &receipts, &[0]), [""; 0]);
    }

    #[test]
    fn finds_a_lost_event() {
        assert_eq!(faults(2, &[(0, false)], &[]), ["expected (\"s\", 1) at the app, found none"]);
    }

    #[test]
    fn finds_a_copy_without_a_reason() {
        let receipts = [(0, false), (0, false)];
        assert_eq!(
            faults(1, &receipts, &[1]),
            ["(\"s\", 0): expected a count of copies up to 1, found 2"]
        );
    }

    #[test]
    fn finds_a_wrong_order() {
        let receipts = [(0, false), (1, false), (0, false)];
        assert_eq!(faults(2, &receipts, &[0]), ["s: expected rising numbers, found 0 after 1"]);
    }
}
