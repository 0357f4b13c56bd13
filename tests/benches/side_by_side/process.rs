//! The processes under test, and their CPU time and memory from `/proc`.

use std::error::Error;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::iter::Sum;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::ops::{Add, Sub};
use std::process::Child;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

/// Time limit for a peer to start.
const PATIENCE: Duration = Duration::from_secs(15);

/// Time limit for a peer to stop.
const STOPPING: Duration = Duration::from_secs(2);

/// Returns a free port.
///
/// # Errors
/// Returns an error if no port is free.
pub(super) fn free_port() -> std::io::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

/// Reads the first line that a child prints.
///
/// # Errors
/// Returns an error if the child's standard output is not a readable pipe.
pub(super) fn first_line(child: &mut Child) -> Result<String, Box<dyn Error>> {
    let output = child.stdout.take().ok_or("expected a pipe, found none")?;
    let mut line = String::new();
    BufReader::new(output).read_line(&mut line)?;
    Ok(line.trim().to_owned())
}

/// A server with all its processes. Dropping this value stops the processes.
#[derive(Debug)]
pub(super) struct Peer {
    pub(super) name: &'static str,
    pub(super) port: u16,
    children: Vec<Child>,
    /// Process IDs of the children and of all their descendants.
    pids: Vec<i32>,
}

impl Peer {
    pub(super) fn new(name: &'static str, port: u16, children: Vec<Child>) -> Self {
        let pids = family(&children);
        Self { name, port, children, pids }
    }

    /// Waits until the server accepts connections, and then 100 ms for its workers to start.
    ///
    /// # Errors
    /// Returns an error if the server ends, or does not listen in time.
    pub(super) fn wait_until_ready(&mut self) -> Result<(), Box<dyn Error>> {
        let started = Instant::now();
        while TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).is_err() {
            for child in &mut self.children {
                if let Some(status) = child.try_wait()? {
                    return Err(format!("expected {} to run, found {status}", self.name).into());
                }
            }
            if started.elapsed() > PATIENCE {
                return Err(format!("expected {} to listen, found no listener", self.name).into());
            }
            thread::sleep(Duration::from_millis(10));
        }
        // A master process listens before its workers run.
        thread::sleep(Duration::from_millis(100));
        self.pids = family(&self.children);
        Ok(())
    }

    pub(super) fn cpu(&self) -> Cpu {
        self.pids.iter().map(|pid| Cpu::of(&pid.to_string())).sum()
    }

    pub(super) fn memory(&self) -> Memory {
        self.pids.iter().map(|pid| Memory::of(*pid)).sum()
    }
}

impl Drop for Peer {
    /// Signals all processes at the same time, because master processes wait for their workers.
    /// Then kills the processes that still run.
    fn drop(&mut self) {
        let family = family(&self.children);
        signal(&family, Signal::INT);
        let asked = Instant::now();
        let run = |child: &mut Child| matches!(child.try_wait(), Ok(None));
        while self.children.iter_mut().any(run) && asked.elapsed() < STOPPING {
            thread::sleep(Duration::from_millis(5));
        }
        signal(&family, Signal::KILL);
        for child in &mut self.children {
            let _gone = child.wait();
        }
    }
}

fn signal(pids: &[i32], signal: Signal) {
    for pid in pids.iter().filter_map(|pid| Pid::from_raw(*pid)) {
        let _gone = kill_process(pid, signal);
    }
}

/// Returns the process IDs of the children and of all their descendants.
fn family(children: &[Child]) -> Vec<i32> {
    let mut family: Vec<i32> =
        children.iter().filter_map(|child| child.id().try_into().ok()).collect();
    let parents: Vec<_> = fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter_map(|pid: i32| Some((pid, stat_field(&pid.to_string(), 4)?)))
        .collect();
    let mut at = 0;
    while let Some(parent) = family.get(at).and_then(|pid| u64::try_from(*pid).ok()) {
        family.extend(parents.iter().filter(|(_, own)| *own == parent).map(|(pid, _)| *pid));
        at += 1;
    }
    family
}

/// Returns a field of `/proc/PID/stat`. `number` counts from 1, as in proc(5), and is at least 3.
fn stat_field(pid: &str, number: usize) -> Option<u64> {
    field_of(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?, number)
}

fn field_of(stat: &str, number: usize) -> Option<u64> {
    let (_, after_name) = stat.rsplit_once(") ")?;
    after_name.split(' ').nth(number - 3)?.parse().ok()
}

/// CPU time of processes, in seconds.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Cpu {
    pub(super) user: f64,
    pub(super) system: f64,
}

impl Cpu {
    pub(super) fn of(pid: &str) -> Self {
        let seconds = |field| stat_field(pid, field).unwrap_or(0) as f64 / 100.0;
        Self { user: seconds(14), system: seconds(15) }
    }

    /// Returns the CPU time of this process.
    pub(super) fn own() -> Self {
        Self::of("self")
    }

    /// Returns the CPU time of the whole machine, without idle time.
    pub(super) fn machine() -> f64 {
        let stat = fs::read_to_string("/proc/stat").unwrap_or_default();
        let line = stat.lines().next().unwrap_or_default();
        let ticks: Vec<f64> = line.split_whitespace().skip(1).flat_map(str::parse).collect();
        let (idle, guest) = (ticks.iter().skip(3).take(2), ticks.iter().skip(8));
        (ticks.iter().sum::<f64>() - idle.chain(guest).sum::<f64>()) / 100.0
    }

    pub(super) fn total(self) -> f64 {
        self.user + self.system
    }
}

impl Add for Cpu {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self { user: self.user + other.user, system: self.system + other.system }
    }
}

impl Sub for Cpu {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self { user: self.user - other.user, system: self.system - other.system }
    }
}

impl Sum for Cpu {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self::default(), Add::add)
    }
}

/// Memory of processes, in KB. If several processes share a page, `resident` (RSS) counts the whole
/// page for each process. `proportional` (PSS) counts a fraction of the page for each process.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Memory {
    pub(super) resident: u64,
    pub(super) proportional: u64,
}

impl Memory {
    fn of(pid: i32) -> Self {
        let text = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap_or_default();
        let field = |name| {
            let line = text.lines().find_map(|line: &str| line.strip_prefix(name));
            line.and_then(|rest| rest.trim().strip_suffix(" kB")?.parse().ok()).unwrap_or(0)
        };
        Self { resident: field("Rss:"), proportional: field("Pss:") }
    }
}

impl Sum for Memory {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self::default(), |sum, own| Self {
            resident: sum.resident + own.resident,
            proportional: sum.proportional + own.proportional,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_stat_fields_if_process_name_contains_parenthesis() {
        let stat = "7 (a) name) S 4 5 6 7 8 9 10 11 12 13 14 15 16";
        assert_eq!([4, 14, 15].map(|number| field_of(stat, number)), [Some(4), Some(14), Some(15)]);
    }
}
