//! Tests of a log whose end is an incomplete write, as after a loss of power.

use std::fs;
use std::ops::Range;

use crate::damage::{EVENTS, Killed, deliver, log_of, open};

const LOG_HEADER: usize = 32;
const FRAME: usize = 4120;

/// Unit that a disk writes as a whole.
const SECTOR: usize = 512;

/// Returns the byte ranges of the transactions of a log.
fn transactions(log: &[u8]) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut start = LOG_HEADER;
    for (index, frame) in log[LOG_HEADER..].chunks_exact(FRAME).enumerate() {
        // The second word of a frame is zero, except in the last frame of a transaction.
        if frame[4..8] != [0; 4] {
            let end = LOG_HEADER + (index + 1) * FRAME;
            found.push(start..end);
            start = end;
        }
    }
    found
}

/// Loses the last sector of a range.
fn lose_end(log: &mut [u8], range: &Range<usize>) {
    log[range.end - SECTOR..range.end].fill(0xA5);
}

/// Opens a copy of the store with another log, and counts the events that the copy delivers.
async fn delivered(killed: &Killed, log: &[u8]) -> u64 {
    let path = killed.restore();
    fs::write(log_of(&path), log).unwrap();
    let store = open(&path).unwrap_or_else(|error| panic!("expected a store, found {error}"));
    let (delivered, dead) = deliver(&store).await.unwrap();
    assert_eq!(dead, Vec::<u64>::new());
    delivered.len() as u64
}

#[tokio::test]
async fn accepts_a_log_with_an_incomplete_last_write() {
    let killed = Killed::new().await;
    let whole = killed.log.len();
    for seed in 0..40 {
        let mut log = killed.log.clone();
        // The last transaction has several frames. Cut the log in this transaction, or overwrite up
        // to 512 of the transaction's bytes.
        let cut = whole - 1 - fastrand::Rng::with_seed(seed).usize(..3 * 4120);
        match seed % 2 {
            0 => log.truncate(cut),
            _ => log[cut..].iter_mut().take(512).for_each(|byte| *byte = 0xA5),
        }
        assert_eq!(delivered(&killed, &log).await, EVENTS - 1, "seed {seed}");
    }
}

#[tokio::test]
async fn accepts_an_incomplete_write_with_a_frame_that_lacks_only_one_byte() {
    let killed = Killed::new().await;
    let last = transactions(&killed.log).pop().unwrap();
    let mut log = killed.log.clone();
    log[last.start + FRAME - 1] ^= 1;
    lose_end(&mut log, &last);
    assert_eq!(delivered(&killed, &log).await, EVENTS - 1);
}

#[tokio::test]
async fn refuses_a_log_that_is_complete_apart_from_one_byte_of_its_last_transaction() {
    let killed = Killed::new().await;
    let last = transactions(&killed.log).pop().unwrap();
    // Page number, size of the database, salt, both words of the checksum, and the page.
    const BYTES: [usize; 8] = [3, 7, 8, 15, 16, 23, 24, FRAME - 1];
    for at in last.step_by(FRAME).flat_map(|frame| BYTES.map(|byte| frame + byte)) {
        let path = killed.restore();
        let mut log = killed.log.clone();
        log[at] ^= 1;
        fs::write(log_of(&path), log).unwrap();
        assert!(open(&path).is_err(), "expected a refused log, found a store; byte {at}");
    }
}

#[tokio::test]
async fn accepts_incomplete_writes_of_values_that_no_sync_follows() {
    const VALUES: usize = 8;
    let killed = Killed::with_values(VALUES as u8).await;
    let mut log = killed.log.clone();
    let all = transactions(&log);
    for lost in all[all.len() - VALUES..].iter().step_by(2) {
        lose_end(&mut log, lost);
    }
    assert_eq!(delivered(&killed, &log).await, EVENTS);
}
