//! Scenarios: the callbacks of several streams, each with its time.
//! `gatepost send --scenario` and the console's Send page play scenarios.

mod file;
mod schedule;
mod speed;

pub(crate) use self::file::{KeySource, Scenario, Stream};
pub(crate) use self::schedule::{Due, schedule};
pub(crate) use self::speed::Speed;
