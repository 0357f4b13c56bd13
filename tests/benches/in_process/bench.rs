//! A bench: a piece of work, and what it is done to.

use std::hint::black_box;

/// Runs what it is given, and notes what that costs.
pub type Meter<'m> = &'m mut dyn FnMut(&mut dyn FnMut());

/// A piece of work that is done again and again, each time to something new.
pub struct Bench {
    pub name: String,
    lap: Box<dyn FnMut(usize, Meter<'_>)>,
}

impl Bench {
    /// Prepares things from their numbers, which no meter sees, and works on them. What the work
    /// leaves is dropped within it, as a callback's leavings are.
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

    /// Does it so many times, which the meter sees as one piece.
    pub fn lap(&mut self, rounds: usize, meter: Meter<'_>) {
        (self.lap)(rounds, meter);
    }
}
