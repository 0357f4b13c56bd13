//! Benches, one module for each group.

mod by_hand;
mod callback;
mod layer;
mod lookup;
pub mod play;
pub mod push;
mod refusals;
mod steps;
mod vectors;

use crate::bench::Bench;

/// Returns the benches whose name contains `filter`.
pub fn all(filter: &str) -> Vec<Bench> {
    let groups = [layer::all(), lookup::all(), refusals::all(), steps::all(), vectors::all()];
    let mut benches: Vec<_> = groups.into_iter().flatten().collect();
    benches.retain(|bench| bench.name.contains(filter));
    benches
}
