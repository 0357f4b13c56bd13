//! Simulation of a power loss: the disk keeps all synced writes, and any part of the unsynced
//! writes.

use std::fs;
use std::path::Path;

use fastrand::Rng;

use super::process::Setup;

/// Smallest unit that a disk writes as a whole.
const SECTOR: usize = 512;

/// Replaces the files of the store with files that a disk may have after a power loss.
pub fn lose(setup: &Setup, random: &mut Rng) {
    // SQLite creates this file again. It is shared memory, and does not survive a power loss.
    let _absent = fs::remove_file(setup.store().join("gatepost.db-shm"));
    let keeps_some = random.bool();
    for name in ["gatepost.db", "gatepost.db-wal"] {
        let (path, synced) = (setup.store().join(name), setup.synced().join(name));
        let Ok(synced) = fs::read(synced) else {
            let _absent = fs::remove_file(path);
            continue;
        };
        let left = if keeps_some { mix(&synced, &read(&path), random) } else { synced };
        fs::write(path, left).unwrap();
    }
}

fn read(path: &Path) -> Vec<u8> {
    fs::read(path).unwrap_or_default()
}

/// Returns the synced file with a random half of the sectors that gatepost wrote after the sync.
fn mix(synced: &[u8], written: &[u8], random: &mut Rng) -> Vec<u8> {
    let mut mixed = synced.to_vec();
    if random.bool() {
        mixed.resize(written.len(), 0);
    }
    for (old, new) in mixed.chunks_mut(SECTOR).zip(written.chunks(SECTOR)) {
        if random.bool() {
            let length = old.len().min(new.len());
            old[..length].copy_from_slice(&new[..length]);
        }
    }
    mixed
}
