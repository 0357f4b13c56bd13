//! A bench: work to measure, and the inputs of the work.

use std::hint::black_box;

/// Function that runs work and measures the cost of the work.
pub type Meter<'m> = &'m mut dyn FnMut(&mut dyn FnMut());

/// Work that the program repeats, each time with a new input.
pub struct Bench {
    pub name: String,
    lap: Box<dyn FnMut(usize, Meter<'_>)>,
}

impl Bench {
    /// Creates a bench. A measurement covers `work` and the drop of its results. It does not cover
    /// `prepare`, the function that creates each input.
    pub fn new<I: 'static, O>(
        name: impl Into<String>,
        mut prepare: impl FnMut(usize) -> I + 'static,
        mut work: impl FnMut(I) -> O + 'static,
    ) -> Self {
        let mut prepared = 0;
        let lap = move |rounds: usize, meter: Meter<'_>| {
            let inputs: Vec<I> = (prepared..prepared + rounds).map(&mut prepare).collect();
            prepared += rounds;
            let mut inputs = inputs.into_iter();
            meter(&mut || {
                for input in inputs.by_ref() {
                    drop(black_box(work(input)));
                }
            });
        };
        Self { name: name.into(), lap: Box::new(lap) }
    }

    /// Runs the work `rounds` times within one measurement.
    pub fn lap(&mut self, rounds: usize, meter: Meter<'_>) {
        (self.lap)(rounds, meter);
    }
}
