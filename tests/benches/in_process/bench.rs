//! A bench: a piece of work and its inputs.

use std::hint::black_box;

/// Runs work, and measures its cost.
pub type Meter<'m> = &'m mut dyn FnMut(&mut dyn FnMut());

/// A piece of work that is repeated, each time on a new input.
pub struct Bench {
    pub name: String,
    lap: Box<dyn FnMut(usize, Meter<'_>)>,
}

impl Bench {
    /// Makes a bench of a function that prepares inputs, unmeasured, and one that works on them.
    /// The results are dropped within the measured part, as those of a callback are.
    pub fn new<I: 'static, O>(
        name: impl Into<String>,
        mut prepare: impl FnMut(usize) -> I + 'static,
        mut work: impl FnMut(I) -> O + 'static,
    ) -> Self {
        let mut begun = 0;
        let lap = move |rounds: usize, meter: Meter<'_>| {
            let inputs: Vec<I> = (begun..begun + rounds).map(&mut prepare).collect();
            begun += rounds;
            let mut inputs = inputs.into_iter();
            meter(&mut || {
                for input in inputs.by_ref() {
                    drop(black_box(work(input)));
                }
            });
        };
        Self { name: name.into(), lap: Box::new(lap) }
    }

    /// Runs the work so many times as one measured piece.
    pub fn lap(&mut self, rounds: usize, meter: Meter<'_>) {
        (self.lap)(rounds, meter);
    }
}
