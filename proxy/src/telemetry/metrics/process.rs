//! Metrics of the process, with the names that every Prometheus client library uses.
//!
//! The feature `process` of the crate `prometheus` has the same metrics, but needs a second, older
//! `rustix`.

use prometheus::{Counter, Gauge, IntGauge};

use super::registry::Creator;

/// Metrics of the process. Without `/proc`, all are zero.
#[derive(Debug)]
pub(super) struct ProcessMetrics {
    cpu_seconds: Counter,
    start_time_seconds: Gauge,
    resident_bytes: IntGauge,
    virtual_bytes: IntGauge,
    open_fds: IntGauge,
    max_fds: IntGauge,
    threads: IntGauge,
}

impl ProcessMetrics {
    pub(super) fn new(create: &Creator<'_>) -> Self {
        Self {
            cpu_seconds: create.seconds(
                "process_cpu_seconds_total",
                "User and system CPU time of the process, in seconds.",
            ),
            start_time_seconds: create.seconds_gauge(
                "process_start_time_seconds",
                "Start of the process, in Unix seconds.",
            ),
            resident_bytes: create
                .gauge("process_resident_memory_bytes", "Resident memory of the process."),
            virtual_bytes: create
                .gauge("process_virtual_memory_bytes", "Virtual memory of the process."),
            open_fds: create.gauge("process_open_fds", "Open file descriptors of the process."),
            max_fds: create.gauge("process_max_fds", "Limit of open file descriptors."),
            threads: create.gauge("process_threads", "Threads of the process."),
        }
    }

    /// Reads the values. A value that the system does not report remains unchanged.
    #[cfg(target_os = "linux")]
    pub(super) fn read(&self) {
        let _unknown = self.read_proc();
    }

    #[cfg(not(target_os = "linux"))]
    pub(super) const fn read(&self) {}

    #[cfg(target_os = "linux")]
    fn read_proc(&self) -> procfs::ProcResult<()> {
        use procfs::process::{LimitValue, Process};

        let process = Process::myself()?;
        let stat = process.stat()?;
        let (ticks, page) = (procfs::ticks_per_second() as f64, procfs::page_size());
        let cpu_seconds = (stat.utime + stat.stime) as f64 / ticks;
        self.cpu_seconds.inc_by((cpu_seconds - self.cpu_seconds.get()).max(0.0));
        let start = procfs::boot_time_secs()? as f64 + stat.starttime as f64 / ticks;
        self.start_time_seconds.set(start);
        set(&self.resident_bytes, stat.rss.saturating_mul(page));
        set(&self.virtual_bytes, stat.vsize);
        self.threads.set(stat.num_threads);
        set(&self.open_fds, process.fd_count()? as u64);
        if let LimitValue::Value(limit) = process.limits()?.max_open_files.soft_limit {
            set(&self.max_fds, limit);
        }
        Ok(())
    }
}

#[cfg(target_os = "linux")]
fn set(gauge: &IntGauge, value: u64) {
    gauge.set(i64::try_from(value).unwrap_or(i64::MAX));
}
