//! The targets of the rows and of the memory.

use super::measure::Sample;
use super::peers::Kind;
use super::rows::{Job, Row};
use super::stall::Series;
use super::verdict::Target;
use super::{Fresh, Held};

/// A row: a job, and the peer that does it.
type Side = (Job, Kind);

/// A limit for the ratio between the CPU times of two rows.
struct CpuLimit(&'static str, Side, Side, f64);

const PUSH: Side = (Job::Push, Kind::Gatepost);
const PASS_THROUGH: Side = (Job::PassThrough, Kind::Gatepost);

/// CPU time of a request.
const CPU: fn(&Sample) -> Option<f64> = |sample| Some(sample.cpu());

const CPU_LIMITS: [CpuLimit; 11] = [
    CpuLimit("push, CPU: gatepost / nginx + Lua", PUSH, (Job::Push, Kind::Lua), 0.7),
    CpuLimit(
        "play, CPU: gatepost / nginx + Lua",
        (Job::Play, Kind::Gatepost),
        (Job::Play, Kind::Lua),
        0.72,
    ),
    CpuLimit(
        "push, CPU: gatepost / Pingora's pass-through",
        PUSH,
        (Job::PassThrough, Kind::BarePingora),
        0.65,
    ),
    CpuLimit(
        "pass-through, CPU: gatepost / Pingora",
        PASS_THROUGH,
        (Job::PassThrough, Kind::BarePingora),
        1.03,
    ),
    CpuLimit(
        "pass-through, CPU: gatepost / Pingora + x-forwarded-*",
        PASS_THROUGH,
        (Job::PassThrough, Kind::ForwardingPingora),
        1.0,
    ),
    CpuLimit(
        "64 KB body, CPU: gatepost / nginx + Lua",
        (Job::LongBody, Kind::Gatepost),
        (Job::LongBody, Kind::Lua),
        0.18,
    ),
    CpuLimit(
        "1 MB body, CPU: gatepost / nginx + Lua",
        (Job::LongerBody, Kind::Gatepost),
        (Job::LongerBody, Kind::Lua),
        0.15,
    ),
    CpuLimit(
        "fixed reply, CPU: gatepost / HAProxy",
        (Job::FixedReply, Kind::Gatepost),
        (Job::FixedReply, Kind::Haproxy),
        1.0,
    ),
    CpuLimit(
        "push over TLS, CPU: gatepost / nginx + Lua",
        (Job::TlsPush, Kind::GatepostTls),
        (Job::TlsPush, Kind::LuaTls),
        0.8,
    ),
    CpuLimit("gatepost, CPU: bad signature / push", (Job::BadSignature, Kind::Gatepost), PUSH, 0.6),
    CpuLimit(
        "push, CPU: with the inspector / without",
        (Job::CapturedPush, Kind::GatepostCapturing),
        (Job::CapturedPush, Kind::Gatepost),
        1.05,
    ),
];

/// Figures of a run.
pub(super) struct Found<'a> {
    pub(super) rows: &'a [Row],
    pub(super) series: &'a [Series<Sample>],
    pub(super) held: &'a [Held],
}

/// The figure of each round, or `None` for a round without figures.
type Rounds = Vec<Option<f64>>;

impl Found<'_> {
    /// Returns all targets, including targets that have no figures.
    pub(super) fn targets(&self) -> Vec<Target> {
        let ratios = CPU_LIMITS.iter().map(|CpuLimit(name, one, other, limit)| {
            let ratio = divide(self.rounds(*one, CPU), self.rounds(*other, CPU));
            self.target(Target::at_most(*name, known(ratio), *limit), &[*one, *other])
        });
        ratios.chain([self.handshakes(), self.added()]).chain(self.memory()).collect()
    }

    fn handshakes(&self) -> Target {
        let [ours, nginx] = [Kind::GatepostTls, Kind::NginxTls].map(|kind| self.handshake(kind));
        let name = "TLS handshakes per CPU second: gatepost / nginx";
        let sides = [Kind::GatepostTls, Kind::NginxTls]
            .map(|kind| [(Job::TlsHandshake, kind), (Job::TlsFixedReply, kind)]);
        self.target(Target::at_least(name, known(divide(nginx, ours)), 0.85), &sides.concat())
    }

    /// Returns the CPU time of a new TLS connection.
    fn handshake(&self, kind: Kind) -> Rounds {
        let (new, open) = (
            self.rounds((Job::TlsHandshake, kind), CPU),
            self.rounds((Job::TlsFixedReply, kind), CPU),
        );
        pair(new, open, |new, open| new - open)
    }

    fn added(&self) -> Target {
        let lua = (Job::Push, Kind::Lua);
        let added = |sample: &Sample| sample.added;
        let ratio = divide(self.rounds(PUSH, added), self.rounds(lua, added));
        let name = "push, added p99 at half: gatepost / nginx + Lua";
        self.target(Target::at_most(name, known(ratio), 1.0), &[PUSH, lua])
    }

    fn memory(&self) -> [Target; 2] {
        let starts = |kind, field: fn(&Fresh) -> f64| {
            let held = self.held.iter().find(|held| held.kind == kind);
            held.map_or_else(Vec::new, |held| held.starts.iter().map(field).collect())
        };
        [
            Target::at_most(
                "gatepost, one of 1,000 idle connections, KB",
                starts(Kind::Gatepost, |fresh| fresh.idle_resident),
                10.0,
            ),
            Target::at_most(
                "gatepost with store, TLS and console, memory at rest, MB",
                starts(Kind::GatepostEquipped, Fresh::resident_mb),
                16.0,
            ),
        ]
    }

    fn series(&self, (job, kind): Side) -> Option<&Series<Sample>> {
        let at = self.rows.iter().position(|row| row.is(job, kind))?;
        self.series.get(at)
    }

    fn rounds(&self, side: Side, field: fn(&Sample) -> Option<f64>) -> Rounds {
        let rounds = self.series(side).map_or(&[][..], |series| &series.rounds);
        rounds.iter().map(|sample| field(sample.as_ref()?)).collect()
    }

    /// Makes the result of the target undecided if the server of one of these rows stalled. Returns
    /// the target unchanged if the run omits one of these rows.
    fn target(&self, target: Target, sides: &[Side]) -> Target {
        let series: Option<Vec<_>> = sides.iter().map(|side| self.series(*side)).collect();
        let stall = sides.iter().zip(series.unwrap_or_default()).find_map(|(side, series)| {
            let stall = series.stall.as_ref()?;
            Some(format!("{} on {}: {stall}", side.0.name(), side.1.name()))
        });
        target.undecided_if(stall)
    }
}

/// Combines the figures of the same round.
fn pair(one: Rounds, other: Rounds, combine: fn(f64, f64) -> f64) -> Rounds {
    one.into_iter().zip(other).map(|(one, other)| Some(combine(one?, other?))).collect()
}

fn divide(one: Rounds, other: Rounds) -> Rounds {
    pair(one, other, |one, other| one / other)
}

fn known(rounds: Rounds) -> Vec<f64> {
    rounds.into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::Memory;
    use crate::stall::Stalled;
    use crate::verdict::Verdict;

    /// Finds the target whose name starts with these words, in a run with these CPU times.
    fn target(name: &str, rows: &[(Job, Kind, &[Option<f64>])], held: &[Held]) -> Target {
        let sample = |user: &Option<f64>| user.map(|user| Sample { user, ..Sample::default() });
        let series: Vec<_> = rows
            .iter()
            .map(|(_, _, rounds)| Series {
                rounds: rounds.iter().map(sample).collect(),
                stall: rounds.contains(&None).then(|| Stalled("found a 503".into())),
            })
            .collect();
        let rows: Vec<_> = rows.iter().map(|(job, kind, _)| Row::of(*job, *kind)).collect();
        let found = Found { rows: &rows, series: &series, held };
        found.targets().into_iter().find(|target| target.name.starts_with(name)).unwrap()
    }

    #[test]
    fn ratio_compares_samples_of_same_round() {
        // The machine is half as fast in the second round.
        let rows: [(_, _, &[_]); 2] = [
            (Job::FixedReply, Kind::Gatepost, &[Some(10.0), Some(20.0)]),
            (Job::FixedReply, Kind::Haproxy, &[Some(5.0), Some(10.0)]),
        ];
        assert_eq!(target("fixed reply", &rows, &[]).figures, [2.0, 2.0]);
    }

    #[test]
    fn target_is_undecided_if_a_row_stalled() {
        let rows: [(_, _, &[_]); 2] = [
            (Job::Push, Kind::Gatepost, &[Some(1.0); 6]),
            (Job::Push, Kind::Lua, &[Some(2.0), None, Some(2.0), Some(2.0), Some(2.0), Some(2.0)]),
        ];
        let target = target("push, CPU: gatepost / nginx + Lua", &rows, &[]);
        assert_eq!((target.figures.len(), target.verdict()), (5, Verdict::Undecided));
    }

    #[test]
    fn target_is_unknown_if_run_omits_a_row() {
        let rows: [(_, _, &[_]); 1] = [(Job::Push, Kind::Lua, &[None])];
        assert!(target("push, CPU: gatepost / nginx + Lua", &rows, &[]).is_unknown());
    }

    #[test]
    fn handshake_is_difference_between_new_and_open_connection() {
        let rows: [(_, _, &[_]); 4] = [
            (Job::TlsFixedReply, Kind::GatepostTls, &[Some(20.0)]),
            (Job::TlsHandshake, Kind::GatepostTls, &[Some(220.0)]),
            (Job::TlsFixedReply, Kind::NginxTls, &[Some(10.0)]),
            (Job::TlsHandshake, Kind::NginxTls, &[Some(310.0)]),
        ];
        assert_eq!(target("TLS handshakes", &rows, &[]).figures, [1.5]);
    }

    #[test]
    fn memory_targets_use_all_starts() {
        let fresh = |resident| Fresh {
            rest: Memory { resident, proportional: 0 },
            idle_resident: 9.0,
            idle_proportional: 0.0,
        };
        let held = |kind| Held { kind, load: Memory::default(), starts: vec![fresh(15_000); 5] };
        let held = [held(Kind::Gatepost), held(Kind::GatepostEquipped)];
        assert_eq!(target("gatepost, one of", &[], &held).figures, [9.0; 5]);
        let rest = target("gatepost with store", &[], &held);
        assert_eq!((rest.figures.len(), rest.verdict()), (5, Verdict::Pass));
    }
}
