//! Report of the results: the machine, the rows, the memory and the targets.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::measure::{Latency, Sample};
use super::peers;
use super::report::{Cell, Report, Table};
use super::rows::{Row, Who};
use super::stall::Series;
use super::targets::Found;
use super::{Fresh, Held};

/// Utilization of the peers' core below which the peers are not the bottleneck.
const SATURATED: f64 = 0.9;

/// Reports the rows, the memory and the targets.
pub(super) fn report(rows: &[Row], series: &[Series<Sample>], held: &[Held], report: &mut Report) {
    let measured = rows.iter().copied().zip(series.iter().map(Series::figures));
    let measured: Vec<_> = measured.filter(|(_, samples)| !samples.is_empty()).collect();
    report_rows(&measured, report);
    for (row, series) in rows.iter().zip(series) {
        if let Some(stall) = &series.stall {
            report.text(format!("{}: a round has no figures: {stall}.", row.name()));
        }
    }
    if !held.is_empty() {
        report_memory(held, report);
    }
    report.targets(Found { rows, series, held }.targets());
}

/// Reports a description of the machine. `others` is the average number of cores that other work
/// used during the run.
pub(super) fn report_machine(others: Option<f64>, report: &mut Report) {
    let others = others.map_or_else(String::new, |cores| {
        format!(" Other work on the machine used {:.2} cores during the run.", cores.max(0.0))
    });
    report.text(format!(
        "{}; {}.\nnginx {}, Lua {}, njs {}, HAProxy {}, PHP {} (Debian). Each server has one worker on one core, \
         except gatepost with `--scale`. The app and the load share a second core. The \
         servers write no access logs; gatepost runs with `GATEPOST_LOG=off`.{others}",
        machine(),
        output_of("date", &["-u", "+%F %H:%MZ"]),
        version("nginx"),
        version("libnginx-mod-http-lua"),
        version("libnginx-mod-http-js"),
        version("haproxy"),
        php(),
    ));
}

/// Returns the processor and the version of the kernel.
pub(super) fn machine() -> String {
    format!("{}; Linux {}", processor(), output_of("uname", &["-r"]))
}

/// Returns the current date.
pub(super) fn date() -> String {
    output_of("date", &["-u", "+%F"])
}

/// Returns the name and the version that a program prints.
pub(super) fn version_of(program: &Path) -> String {
    output_of(&program.to_string_lossy(), &["--version"])
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

fn report_rows(rows: &[(Row, Vec<Sample>)], report: &mut Report) {
    report.text(format!(
        "CPU time in µs per request at saturation ({} connections). Latencies in µs from the scheduled time, p50 / p99 \
         / p99.9, at half of the saturation rate and at a common rate.",
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
    for (row, samples) in rows {
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
    report_notes(rows, &idle, report);
}

fn report_notes(rows: &[(Row, Vec<Sample>)], idle: &[String], report: &mut Report) {
    if !idle.is_empty() {
        report.text(format!(
            "≥: the load, the app or other work was the bottleneck, not the server, in {}.",
            idle.join("; ")
        ));
    }
    for (row, samples) in rows {
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
        let middle = |field: fn(&Fresh) -> f64| median(&held.starts, field);
        table.row([
            held.kind.name().into(),
            pair(middle(Fresh::resident_mb), middle(|fresh| megabytes(fresh.rest.proportional))),
            pair(megabytes(held.load.resident), megabytes(held.load.proportional)),
            pair(middle(|fresh| fresh.idle_resident), middle(|fresh| fresh.idle_proportional)),
        ]);
    }
    report.table(table);
}

impl Fresh {
    /// Returns the resident memory at rest, in MB.
    pub(super) fn resident_mb(&self) -> f64 {
        megabytes(self.rest.resident)
    }
}

fn megabytes(kilobytes: u64) -> f64 {
    kilobytes as f64 / 1000.0
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
}
