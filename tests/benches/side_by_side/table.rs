//! Prints the results: the machine, the rows, the memory and the targets.

use std::fs;
use std::process::Command;

use super::Held;
use super::measure::{Latency, Sample};
use super::peers::{self, Kind};
use super::rows::{Job, Row, Who};

/// Load of the peer's core below which the peer is not the bottleneck.
const SATURATED: f64 = 0.9;

/// Prints the rows, the memory and the targets.
pub(super) fn print(rows: &[Row], samples: &[Vec<Sample>], held: &[Held]) {
    print_rows(rows, samples);
    if !held.is_empty() {
        print_memory(held);
    }
    print_targets(&Found { rows, samples, held });
}

/// Prints a description of the machine. `others` is the number of cores that other work used during
/// the run.
pub(super) fn print_machine(others: Option<f64>) {
    let others = others.map_or_else(String::new, |cores| {
        format!(" Other work on the machine used {:.2} cores during the run.", cores.max(0.0))
    });
    println!(
        "{}; Linux {}; {}.",
        processor(),
        output_of("uname", &["-r"]),
        output_of("date", &["-u", "+%F %H:%MZ"])
    );
    println!(
        "nginx {}, Lua {}, njs {}, HAProxy {}, PHP {} (Debian). Each has one worker on one core; the app and the \
         load share a second core. No access logs, and `GATEPOST_LOG=off`.{others}\n",
        version("nginx"),
        version("libnginx-mod-http-lua"),
        version("libnginx-mod-http-js"),
        version("haproxy"),
        php(),
    );
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

fn print_rows(rows: &[Row], samples: &[Vec<Sample>]) {
    println!(
        "CPU time in µs per request at saturation ({} connections). Latencies in µs from the scheduled time, p50 / p99 \
         / p99.9, at half of that rate and at a common rate.\n",
        super::CONNECTIONS
    );
    println!(
        "| work | server | CPU | user | system | requests/s | latency at half | common rate | latency at common rate | CPU at common rate |"
    );
    println!("|---|---|--:|--:|--:|--:|--:|--:|--:|--:|");
    let mut idle = Vec::new();
    for (row, samples) in rows.iter().zip(samples) {
        let number = |field: fn(&Sample) -> f64| median(samples, field);
        let latency = |field: fn(&Sample) -> Option<Latency>| latencies(samples, field);
        let has_time_left = number(|sample| sample.busy) < SATURATED;
        let mark = if has_time_left { "≥ " } else { "" };
        if has_time_left && row.who != Who::App {
            idle.push(row.name());
        }
        if row.who == Who::App {
            let (job, who, rate) = (row.job.name(), row.who.name(), row.job.common_rate());
            println!(
                "| {job} | {who} | | | | | | {rate:.0} | {} | |",
                latency(|sample| sample.common)
            );
            continue;
        }
        println!(
            "| {} | {} | {:.1} | {:.1} | {:.1} | {mark}{:.0} | {} | {:.0} | {} | {:.1} |",
            row.job.name(),
            row.who.name(),
            number(Sample::cpu),
            number(|sample| sample.user),
            number(|sample| sample.system),
            number(|sample| sample.rate),
            latency(|sample| sample.half),
            row.job.common_rate(),
            latency(|sample| sample.common),
            number(|sample| sample.common_cpu),
        );
    }
    print_notes(rows, samples, &idle);
}

fn print_notes(rows: &[Row], samples: &[Vec<Sample>], idle: &[String]) {
    println!();
    if !idle.is_empty() {
        println!(
            "≥: the load, the app or other work was the bottleneck, not the server, in {}.\n",
            idle.join("; ")
        );
    }
    for (row, samples) in rows.iter().zip(samples) {
        if let Who::Both(front, back) = row.who {
            let (front_cpu, cpu) =
                (median(samples, |sample| sample.front), median(samples, Sample::cpu));
            let (front, back) = (front.name(), back.name());
            let rest = cpu - front_cpu;
            println!("{}: {front} {front_cpu:.1} µs, {back} {rest:.1} µs.\n", row.name());
        }
        if let Some(app) = latencies_of(samples, |sample| sample.half_of_app) {
            println!("{}: latency of the app alone at half: {}.\n", row.name(), shown(app));
        }
    }
}

fn print_memory(held: &[Held]) {
    println!(
        "Memory in MB, resident (proportional). Memory of one of 1,000 idle connections in KB.\n"
    );
    println!("| server | at rest | under load | idle connection |");
    println!("|---|--:|--:|--:|");
    for held in held {
        let megabytes = |kilobytes: u64| kilobytes as f64 / 1000.0;
        println!(
            "| {} | {:.1} ({:.1}) | {:.1} ({:.1}) | {:.1} ({:.1}) |",
            held.kind.name(),
            megabytes(held.rest.resident),
            megabytes(held.rest.proportional),
            megabytes(held.load.resident),
            megabytes(held.load.proportional),
            held.idle_resident,
            held.idle_proportional,
        );
    }
    println!();
}

/// Figures of all rows; [`print_targets`] compares them with the targets.
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

    /// Returns the median over the rounds of the ratio between the CPU times of two rows.
    fn cpu_ratio(&self, one: (Job, Kind), other: (Job, Kind)) -> Option<f64> {
        let (one, other) = (self.samples(one.0, one.1)?, self.samples(other.0, other.1)?);
        Some(middle(one.iter().zip(other).map(|(one, other)| one.cpu() / other.cpu()).collect()))
    }

    fn added(&self, kind: Kind) -> Option<f64> {
        let added: Vec<_> =
            self.samples(Job::Push, kind)?.iter().filter_map(|sample| sample.added).collect();
        (!added.is_empty()).then(|| middle(added))
    }
}

fn print_targets(found: &Found<'_>) {
    use {Job as J, Kind as K};
    let push = (J::Push, K::Gatepost);
    let (pass, bare) = ((J::PassThrough, K::Gatepost), (J::PassThrough, K::BarePingora));
    let (bad, fixed) = ((J::BadSignature, K::Gatepost), (J::FixedReply, K::Gatepost));
    let added = found.added(K::Gatepost).zip(found.added(K::Lua));
    let rest = found.held.iter().find(|held| held.kind == K::Gatepost);
    let targets = [
        ("push, CPU: gatepost / nginx + Lua", found.cpu_ratio(push, (J::Push, K::Lua)), 0.85),
        ("push, CPU: gatepost / Pingora's pass-through", found.cpu_ratio(push, bare), 0.95),
        ("pass-through, CPU: gatepost / Pingora", found.cpu_ratio(pass, bare), 1.03),
        (
            "pass-through, CPU: gatepost / Pingora + x-forwarded-*",
            found.cpu_ratio(pass, (J::PassThrough, K::ForwardingPingora)),
            1.03,
        ),
        (
            "fixed reply, CPU: gatepost / HAProxy",
            found.cpu_ratio(fixed, (J::FixedReply, K::Haproxy)),
            1.0,
        ),
        (
            "push over TLS, CPU: gatepost / nginx + Lua",
            found.cpu_ratio((J::TlsPush, K::GatepostTls), (J::TlsPush, K::LuaTls)),
            0.85,
        ),
        (
            "push on a new TLS connection, CPU: gatepost / nginx + Lua",
            found.cpu_ratio((J::TlsConnection, K::GatepostTls), (J::TlsConnection, K::LuaTls)),
            1.18,
        ),
        ("gatepost, CPU: bad signature / push", found.cpu_ratio(bad, push), 0.6),
        (
            "push, CPU: with the inspector / without",
            found
                .cpu_ratio((J::CapturedPush, K::GatepostCapturing), (J::CapturedPush, K::Gatepost)),
            1.03,
        ),
        (
            "push, added p99 at half: gatepost / nginx + Lua",
            added.map(|(own, other)| own / other),
            1.0,
        ),
        ("gatepost, memory at rest, MB", rest.map(|held| held.rest.resident as f64 / 1000.0), 20.0),
    ];
    println!("| target | figure | limit | result |");
    println!("|---|--:|--:|---|");
    for (name, figure, most) in targets {
        if let Some(figure) = figure {
            let result = if figure <= most { "pass" } else { "miss" };
            println!("| {name} | {figure:.2} | {most:.2} | {result} |");
        }
    }
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

fn latencies(samples: &[Sample], field: fn(&Sample) -> Option<Latency>) -> String {
    latencies_of(samples, field).map_or_else(|| "–".into(), shown)
}

fn latencies_of(samples: &[Sample], field: fn(&Sample) -> Option<Latency>) -> Option<Latency> {
    Latency::median(&samples.iter().filter_map(field).collect::<Vec<_>>())
}

fn shown(latency: Latency) -> String {
    format!("{:.0} / {:.0} / {:.0}", latency.p50, latency.p99, latency.p999)
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
        assert_eq!(found.cpu_ratio(one, other), Some(2.0));
    }
}
