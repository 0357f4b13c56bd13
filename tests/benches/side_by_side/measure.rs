//! Measurement of one row: at saturation, at half of the saturation rate, and at a rate common to
//! all peers that do the job.

use std::collections::BTreeMap;
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use hdrhistogram::Histogram;
use rustls::ClientConfig;
use serde_json::Value;

use super::app::{App, SHOWN, Seen, seen_by_php};
use super::busy::Wait;
use super::load::Session;
use super::outcome::Outcome;
use super::pace::Pace;
use super::peers::Kind;
use super::process::{Cpu, Peer};
use super::rows::{Job, Row, Who};
use super::table::{median, middle};
use super::template::Template;

/// Number of connections of the load.
pub(super) const CONNECTIONS: usize = 32;

/// Number of short runs in which the load measures the latency that a peer adds. After each run
/// with the peer, a run measures the app alone. The median of the differences counts, because a
/// stall of the machine affects only one run.
const SLICES: u32 = 9;

/// Durations of the measurements of a row.
#[derive(Clone, Copy, Debug)]
pub(super) struct Times {
    pub(super) saturating: Duration,
    /// Duration of a latency measurement, or `None` to measure no latencies.
    pub(super) scheduled: Option<Duration>,
}

/// Figures of one round of a row.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sample {
    /// CPU time in user mode per request at saturation, in microseconds.
    pub(super) user: f64,
    /// CPU time in the kernel per request at saturation, in microseconds.
    pub(super) system: f64,
    /// CPU time of the row's first peer, per request at saturation, in microseconds.
    pub(super) front: f64,
    /// Requests per second at saturation.
    pub(super) rate: f64,
    /// Utilization of the peers' core at saturation, from 0 to 1.
    pub(super) busy: f64,
    /// Latencies at half of the saturation rate.
    pub(super) half: Option<Latency>,
    /// Latencies of the app alone, at the same rate as `half`.
    pub(super) half_of_app: Option<Latency>,
    /// Time that the peer adds to the app's 99th percentile, at half of the saturation rate, in
    /// microseconds.
    pub(super) added: Option<f64>,
    /// Latencies at the common rate.
    pub(super) common: Option<Latency>,
    /// CPU time per request at the common rate, in microseconds.
    pub(super) common_cpu: f64,
}

impl Sample {
    pub(super) fn cpu(&self) -> f64 {
        self.user + self.system
    }
}

/// Percentiles of a latency, in microseconds.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Latency {
    pub(super) p50: f64,
    pub(super) p99: f64,
    pub(super) p999: f64,
}

impl Latency {
    pub(super) fn of(outcome: &Outcome) -> Self {
        Self::of_histogram(&outcome.latency)
    }

    /// Reads a histogram of nanoseconds.
    pub(super) fn of_histogram(latency: &Histogram<u64>) -> Self {
        let micros = |quantile| latency.value_at_quantile(quantile) as f64 / 1000.0;
        Self { p50: micros(0.5), p99: micros(0.99), p999: micros(0.999) }
    }

    /// Returns the median of each percentile, or `None` if `all` is empty.
    pub(super) fn median(all: &[Self]) -> Option<Self> {
        (!all.is_empty()).then(|| Self {
            p50: median(all, |latency| latency.p50),
            p99: median(all, |latency| latency.p99),
            p999: median(all, |latency| latency.p999),
        })
    }
}

/// The app, and the peers that run.
#[derive(Debug)]
pub(super) struct Field {
    pub(super) app: App,
    pub(super) peers: BTreeMap<Kind, Peer>,
    /// TLS settings of the load.
    pub(super) tls: Arc<ClientConfig>,
}

/// Result of a load, with the CPU time of all peers of a row (`total`) and of the first peer
/// (`front`).
struct Cost {
    outcome: Outcome,
    total: Cpu,
    front: Cpu,
}

impl Field {
    /// Measures a row once.
    ///
    /// # Errors
    /// Returns [`Stalled`](super::stall::Stalled) if all unexpected replies have the status 503 or
    /// 504. Returns another error for an unexpected reply with another status, for a missing reply,
    /// and for an unexpected number of requests to the app.
    pub(super) fn measure(&self, row: &Row, times: Times) -> Result<Sample, Box<dyn Error>> {
        let mut sample = Sample::default();
        if row.who != Who::App {
            let cost = self.load(row, Pace::Saturating { time: times.saturating })?;
            let per_request = |seconds: f64| seconds * 1e6 / cost.outcome.replies as f64;
            sample.user = per_request(cost.total.user);
            sample.system = per_request(cost.total.system);
            sample.front = per_request(cost.front.total());
            sample.rate = cost.outcome.replies as f64 / cost.outcome.elapsed.as_secs_f64();
            sample.busy = cost.total.total() / cost.outcome.elapsed.as_secs_f64();
        }
        let Some(time) = times.scheduled else { return Ok(sample) };
        if row.who != Who::App {
            let rate = sample.rate / 2.0;
            if row.job == Job::Push {
                let pace = Pace::Scheduled { rate, time: time / 3 };
                self.measure_added(row, pace, &mut sample)?;
            } else {
                let pace = Pace::Scheduled { rate, time };
                sample.half = Some(Latency::of(&self.load(row, pace)?.outcome));
            }
        }
        let cost = self.load(row, Pace::Scheduled { rate: row.job.common_rate(), time })?;
        sample.common = Some(Latency::of(&cost.outcome));
        sample.common_cpu = cost.total.total() * 1e6 / cost.outcome.replies as f64;
        Ok(sample)
    }

    /// Alternately measures the latencies of the peer together with the app, and of the app alone.
    fn measure_added(
        &self,
        row: &Row,
        pace: Pace,
        sample: &mut Sample,
    ) -> Result<(), Box<dyn Error>> {
        let alone = Row { who: Who::App, ..*row };
        let (mut behind, mut of_app) = (Vec::new(), Vec::new());
        for _ in 0..SLICES {
            behind.push(Latency::of(&self.load(row, pace)?.outcome));
            of_app.push(Latency::of(&self.load(&alone, pace)?.outcome));
        }
        let added = behind.iter().zip(&of_app).map(|(behind, app)| behind.p99 - app.p99).collect();
        sample.added = Some(middle(added));
        (sample.half, sample.half_of_app) = (Latency::median(&behind), Latency::median(&of_app));
        Ok(())
    }

    fn load(&self, row: &Row, pace: Pace) -> Result<Cost, Box<dyn Error>> {
        let template = row.template()?;
        let asked_before = self.asked(row)?;
        let tls = row.speaks_tls().then(|| Arc::clone(&self.tls));
        let mut session = Session::open_with(tls, self.port(row)?, CONNECTIONS)?;
        let first = session.run(&template, Pace::Once)?;
        first.check()?;
        self.app.wait(pace.wait())?;
        let before = self.cpu(row);
        let outcome = session.run(&template, pace)?;
        let after = self.cpu(row);
        let sent = first.replies + outcome.replies;
        self.app.wait(Wait::Asleep)?;
        outcome.check()?;
        check(row, &template, self.asked(row)? - asked_before, sent)?;
        if row.job.asks_app() && row.job != Job::Php && template.len() < SHOWN {
            check_event(row, &self.app.last()?)?;
        }
        Ok(Cost { outcome, total: after.0 - before.0, front: after.1 - before.1 })
    }

    fn port(&self, row: &Row) -> Result<u16, Box<dyn Error>> {
        let Some(kind) = row.who.kinds().first().copied() else { return Ok(self.app.0.port) };
        Ok(self.peers.get(&kind).ok_or("expected a peer, found none")?.port)
    }

    /// Returns the CPU time of all peers of the row, and the CPU time of the first peer.
    fn cpu(&self, row: &Row) -> (Cpu, Cpu) {
        let each: Vec<_> =
            row.who.kinds().iter().filter_map(|kind| self.peers.get(kind)).map(Peer::cpu).collect();
        (each.iter().copied().sum(), each.first().copied().unwrap_or_default())
    }

    /// Returns the counts of the app that gets the row's events.
    fn asked(&self, row: &Row) -> Result<Seen, Box<dyn Error>> {
        match self.peers.get(&Kind::Php) {
            Some(php) if row.job == Job::Php => seen_by_php(php.port),
            _ => self.app.seen(),
        }
    }
}

/// Checks that the app received the expected number of requests, and that the mean length of their
/// bodies is sufficient.
fn check(row: &Row, template: &Template, asked: Seen, sent: u64) -> Result<(), String> {
    let expected = if row.job.asks_app() { sent } else { 0 };
    if asked.requests != expected {
        return Err(format!("expected {expected} requests to the app, found {}", asked.requests));
    }
    if expected == 0 || row.job == Job::Php {
        return Ok(());
    }
    let (each, least) = (asked.bytes / asked.requests, template.len() as u64 / 2);
    if each < least {
        Err(format!("expected at least {least} bytes per event, found {each}"))
    } else {
        Ok(())
    }
}

/// Checks that the event is JSON with the expected fields. If a peer verifies the callback, the
/// event must not contain the signature.
fn check_event(row: &Row, body: &[u8]) -> Result<(), Box<dyn Error>> {
    let event: Value = serde_json::from_slice(body)?;
    let forwarded = !matches!((row.job, row.who), (Job::PassThrough, _) | (_, Who::App));
    let good = if row.job == Job::Play {
        event["kind"] == 100 && event["uservalues"]["uservalue0"] == "class_code_01"
    } else {
        event["appname"] == "live" && forwarded == event.get("sign").is_none()
    };
    if good { Ok(()) } else { Err(format!("expected the row's event, found {event}").into()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(name: &str, requests: u64, bytes: u64) -> Result<(), String> {
        let rows = Row::all(&[name.into()]);
        let row = rows.first().unwrap();
        check(row, &row.template().unwrap(), Seen { requests, bytes }, 10)
    }

    #[test]
    fn row_fails_unless_app_receives_one_event_per_accepted_callback() {
        assert_eq!(checked("push (430 B): gatepost", 10, 4000), Ok(()));
        checked("push (430 B): gatepost", 9, 4000).unwrap_err();
        checked("push (430 B): gatepost", 11, 4000).unwrap_err();
        checked("push (430 B): gatepost", 10, 1000).unwrap_err();
    }

    #[test]
    fn row_fails_if_app_receives_event_of_refused_callback() {
        assert_eq!(checked("bad signature", 0, 0), Ok(()));
        checked("bad signature", 1, 400).unwrap_err();
    }

    #[test]
    fn row_fails_if_event_contains_signature() {
        let rows = Row::all(&["push (430 B): nginx + Lua".into()]);
        let row = rows.first().unwrap();
        check_event(row, br#"{"appname":"live"}"#).unwrap();
        check_event(row, br#"{"appname":"live","sign":"00"}"#).unwrap_err();
        check_event(row, b"appname=live").unwrap_err();
    }
}
