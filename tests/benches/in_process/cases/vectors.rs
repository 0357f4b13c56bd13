//! Benches of the verdict on every vector in `tests/vectors`.

use super::callback::Callback;
use crate::bench::Bench;
use crate::vectors;

pub fn all() -> Vec<Bench> {
    let gate = vectors::gate("http://app.test");
    let benches = vectors::all().into_iter().map(|vector| {
        let (gate, callback) = (gate.clone(), Callback::of(&vector));
        let name = format!("vector/{}", vector.name);
        Bench::new(name, |_| (), move |()| callback.judge(&gate))
    });
    benches.collect()
}
