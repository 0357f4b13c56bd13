//! Reports the results: the machine, the rows, the memory and the targets.

use std::fs;
use std::process::Command;

use super::Held;
use super::measure::{Latency, Sample};
use super::peers::{self, Kind};
use super::process::Memory;
use super::report::{Cell, Report, Table};
use super::rows::{Job, Row, Who};
use super::verdict::Target;

/// Load of the peer's core below which the peer is not the bottleneck.
const SATURATED: f64 = 0.9;

/// Reports the rows, the memory and the targets.
pub(super) fn report(rows: &[Row], samples: &[Vec<Sample>], held: &[Held], report: &mut Report) {
    report_rows(rows, samples, report);
    if !held.is_empty() {
        report_memory(held, report);
    }
    report.targets(targets(&Found { rows, samples, held }));
}

/// Reports a description of the machine. `others` is the number of cores that other work used
/// during the run.
pub(super) fn report_machine(others: Option<f64>, report: &mut Report) {
    let others = others.map_or_else(String::new, |cores| {
        format!(" Other work on the machine used {:.2} cores during the run.", cores.max(0.0))
    });
    report.text(format!(
        "{}; Linux {}; {}.\nnginx {}, Lua {}, njs {}, HAProxy {}, PHP {} (Debian). Each has one worker on one core; \
         the app and the load share a second core. No access logs, and `GATEPOST_LOG=off`.{others}",
        processor(),
        output_of("uname", &["-r"]),
        output_of("date", &["-u", "+%F %H:%MZ"]),
        version("nginx"),
        version("libnginx-mod-http-lua"),
        version("libnginx-mod-http-js"),
        version("haproxy"),
        php(),
    ));
}

fn processor() -> String {
    let text = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let models =
        || text.lines().filter_map(|line| line.strip_prefix("model name")?.split(": ").nth(1));
    format!("{} × {}", models().count(), models().next().unwrap_or("unknown"))
}

fn version(package: &str) -> String {
    output_of("dpkg-query", &["-W", "-f", "${Version}", package])
}

fn php() -> String {
    let program = peers::php_fpm().unwrap_or_default();
    let text = output_of(&program.to_string_lossy(), &["-v"]);
    text.split(' ').nth(1).unwrap_or("?").into()
}

fn output_of(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output();
    output
        .map_or_else(|_| "?".into(), |output| String::from_utf8_lossy(&output.stdout).trim().into())
}

fn report_rows(rows: &[Row], samples: &[Vec<Sample>], report: &mut Report) {
    report.text(format!(
        "CPU time in µs per request at saturation ({} connections). Latencies in µs from the scheduled time, p50 / p99 \
         / p99.9, at half of that rate and at a common rate.",
        super::CONNECTIONS
    ));
    let mut table = Table::new(
        "rows",
        &[
            "work",
            "server",
            "CPU",
            "user",
            "system",
            "requests/s",
            "latency at half",
            "common rate",
            "latency at common rate",
            "CPU at common rate",
        ],
    );
    let mut idle = Vec::new();
    for (row, samples) in rows.iter().zip(samples) {
        let number = |field: fn(&Sample) -> f64| median(samples, field);
        let latency = |field: fn(&Sample) -> Option<Latency>| latencies_of(samples, field).into();
        let (job, who) = (row.job.name().into(), Cell::Text(row.who.name()));
        let common_rate = Cell::Figure(row.job.common_rate(), 0);
        let common = latency(|sample| sample.common);
        if row.who == Who::App {
            let none = || Cell::None;
            let before = [job, who, none(), none(), none(), none(), none()];
            table.row([&before[..], &[common_rate, common, none()]].concat());
            continue;
        }
        let rate = number(|sample| sample.rate);
        let has_time_left = number(|sample| sample.busy) < SATURATED;
        if has_time_left {
            idle.push(row.name());
        }
        table.row([
            job,
            who,
            Cell::Figure(number(Sample::cpu), 1),
            Cell::Figure(number(|sample| sample.user), 1),
            Cell::Figure(number(|sample| sample.system), 1),
            if has_time_left { Cell::AtLeast(rate) } else { Cell::Figure(rate, 0) },
            latency(|sample| sample.half),
            common_rate,
            common,
            Cell::Figure(number(|sample| sample.common_cpu), 1),
        ]);
    }
    report.table(table);
    report_notes(rows, samples, &idle, report);
}

fn report_notes(rows: &[Row], samples: &[Vec<Sample>], idle: &[String], report: &mut Report) {
    if !idle.is_empty() {
        report.text(format!(
            "≥: the load, the app or other work was the bottleneck, not the server, in {}.",
            idle.join("; ")
        ));
    }
    for (row, samples) in rows.iter().zip(samples) {
        if let Who::Both(front, back) = row.who {
            let (front_cpu, cpu) =
                (median(samples, |sample| sample.front), median(samples, Sample::cpu));
            let (front, back) = (front.name(), back.name());
            let rest = cpu - front_cpu;
            let name = row.name();
            report.text(format!("{name}: {front} {front_cpu:.1} µs, {back} {rest:.1} µs."));
        }
        if let Some(Latency { p50, p99, p999 }) = latencies_of(samples, |sample| sample.half_of_app)
        {
            let name = row.name();
            let shown = format!("{p50:.0} / {p99:.0} / {p999:.0}");
            report.text(format!("{name}: latency of the app alone at half: {shown}."));
        }
    }
}

fn report_memory(held: &[Held], report: &mut Report) {
    report.text(
        "Memory in MB, resident (proportional). Memory of one of 1,000 idle connections in KB.",
    );
    let mut table = Table::new("memory", &["server", "at rest", "under load", "idle connection"]);
    for held in held {
        let pair = |one: f64, other: f64| Cell::Text(format!("{one:.1} ({other:.1})"));
        let megabytes = |memory: &Memory| {
            pair(memory.resident as f64 / 1000.0, memory.proportional as f64 / 1000.0)
        };
        table.row([
            held.kind.name().into(),
            megabytes(&held.rest),
            megabytes(&held.load),
            pair(held.idle_resident, held.idle_proportional),
        ]);
    }
    report.table(table);
}

/// Figures of all rows, for the targets.
struct Found<'a> {
    rows: &'a [Row],
    samples: &'a [Vec<Sample>],
    held: &'a [Held],
}

impl Found<'_> {
    fn samples(&self, job: Job, kind: Kind) -> Option<&[Sample]> {
        let at = self.rows.iter().position(|row| row.is(job, kind))?;
        Some(self.samples.get(at)?)
    }

    /// Returns the ratio between the CPU times of two rows in each round.
    fn cpu_ratio(&self, one: (Job, Kind), other: (Job, Kind)) -> Vec<f64> {
        self.ratio(one, other, |sample| Some(sample.cpu()))
    }

    /// Returns the ratio between a field of two rows in each round. Returns no ratios if a row was
    /// not measured.
    fn ratio(
        &self,
        one: (Job, Kind),
        other: (Job, Kind),
        field: fn(&Sample) -> Option<f64>,
    ) -> Vec<f64> {
        let pair = self.samples(one.0, one.1).zip(self.samples(other.0, other.1));
        let pairs = pair.into_iter().flat_map(|(one, other)| one.iter().zip(other));
        pairs.filter_map(|(one, other)| Some(field(one)? / field(other)?)).collect()
    }
}

fn targets(found: &Found<'_>) -> Vec<Target> {
    use {Job as J, Kind as K};
    let (push, lua) = ((J::Push, K::Gatepost), (J::Push, K::Lua));
    let (pass, bare) = ((J::PassThrough, K::Gatepost), (J::PassThrough, K::BarePingora));
    let (bad, fixed) = ((J::BadSignature, K::Gatepost), (J::FixedReply, K::Gatepost));
    let (tls, lua_tls) = ((J::TlsPush, K::GatepostTls), (J::TlsPush, K::LuaTls));
    let connection = (J::TlsConnection, K::GatepostTls);
    let captured = (J::CapturedPush, K::GatepostCapturing);
    let cpu =
        |name: &str, one, other, limit| Target::at_most(name, found.cpu_ratio(one, other), limit);
    let rest = found.held.iter().find(|held| held.kind == K::Gatepost);
    // Memory at rest does not change between rounds, so one measurement is enough.
    let rest = rest.map_or_else(Vec::new, |held| vec![held.rest.resident as f64 / 1000.0; 5]);
    vec![
        cpu("push, CPU: gatepost / nginx + Lua", push, lua, 0.7),
        cpu("play, CPU: gatepost / nginx + Lua", (J::Play, K::Gatepost), (J::Play, K::Lua), 0.72),
        cpu("push, CPU: gatepost / Pingora's pass-through", push, bare, 0.65),
        cpu("pass-through, CPU: gatepost / Pingora", pass, bare, 1.03),
        cpu(
            "pass-through, CPU: gatepost / Pingora + x-forwarded-*",
            pass,
            (J::PassThrough, K::ForwardingPingora),
            1.0,
        ),
        cpu("fixed reply, CPU: gatepost / HAProxy", fixed, (J::FixedReply, K::Haproxy), 1.0),
        cpu("push over TLS, CPU: gatepost / nginx + Lua", tls, lua_tls, 0.8),
        cpu(
            "push on a new TLS connection, CPU: gatepost / nginx + Lua",
            connection,
            (J::TlsConnection, K::LuaTls),
            1.18,
        ),
        cpu("gatepost, CPU: bad signature / push", bad, push, 0.6),
        cpu(
            "push, CPU: with the inspector / without",
            captured,
            (J::CapturedPush, K::Gatepost),
            1.03,
        ),
        Target::at_most(
            "push, added p99 at half: gatepost / nginx + Lua",
            found.ratio(push, lua, |sample| sample.added),
            1.0,
        ),
        Target::at_most("gatepost, memory at rest, MB", rest, 20.0),
    ]
}

/// Returns the median of a field, or 0 if there are no samples.
pub(super) fn median<T>(samples: &[T], field: impl Fn(&T) -> f64) -> f64 {
    middle(samples.iter().map(field).collect())
}

/// Returns the median, or 0 if there are no figures.
pub(super) fn middle(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    let upper = figures.get(figures.len() / 2).copied().unwrap_or(0.0);
    let lower = figures.get(figures.len().saturating_sub(1) / 2).copied().unwrap_or(0.0);
    f64::midpoint(lower, upper)
}

fn latencies_of(samples: &[Sample], field: fn(&Sample) -> Option<Latency>) -> Option<Latency> {
    Latency::median(&samples.iter().filter_map(field).collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn middle_returns_median() {
        assert_eq!(
            [vec![9.0, 1.0, 2.0], vec![4.0, 1.0, 2.0, 9.0], vec![]].map(middle),
            [2.0, 3.0, 0.0]
        );
    }

    #[test]
    fn ratio_compares_samples_of_same_round() {
        let rows = Row::all(&["fixed reply".into()]);
        let round = |user| Sample { user, ..Sample::default() };
        // The machine is half as fast in the second round.
        let samples = [vec![round(10.0), round(20.0)], vec![round(5.0), round(10.0)]];
        let found = Found { rows: &rows, samples: &samples, held: &[] };
        let (one, other) = ((Job::FixedReply, Kind::Gatepost), (Job::FixedReply, Kind::Haproxy));
        assert_eq!(found.cpu_ratio(one, other), [2.0, 2.0]);
    }
}
