//! Three gateposts that share a store.

use std::fs::{self, File};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use super::http::{self, free_port};
use super::nats::NatsCluster;
use super::{MACHINES, wait_until};

/// Time limit for the app's answer, in milliseconds. After a timeout, gatepost delivers the event
/// again. The limit is therefore so long that a busy host causes no timeout.
pub const TIMEOUT_MS: u64 = 8000;

/// Metric that counts the operations of the store whose result a machine did not get in time.
const MISSED: &str = "gatepost_shared_state_missed_total{";

/// Metric that counts the delivery attempts, by result.
const ATTEMPTS: &str = "gatepost_queue_attempts_total{";

/// Time limit of a request for the metrics.
const ANSWER: Duration = Duration::from_secs(20);

/// Filter of the logs, which the program keeps after a fault.
const LOG: &str = "info,gatepost_store=debug,gatepost_proxy::queue=debug,async_nats=warn";

/// The running gateposts. Dropping this value kills them.
pub struct Machines {
    program: PathBuf,
    folder: PathBuf,
    ports: Vec<u16>,
    admin_ports: Vec<u16>,
    running: Vec<Child>,
}

impl Machines {
    pub fn start(program: &Path, folder: &Path, servers: &NatsCluster, app: u16) -> Self {
        let free_ports = || (0..MACHINES).map(|_| free_port()).collect::<Vec<_>>();
        let (ports, admin_ports) = (free_ports(), free_ports());
        let list = |scheme: &str, ports: &[u16]| {
            ports.iter().map(|port| format!("{scheme}127.0.0.1:{port}")).collect::<Vec<_>>()
        };
        let (url, monitors) =
            (list("", &servers.ports).join(","), list("http://", &servers.monitors));
        for (number, (port, admin)) in ports.iter().zip(&admin_ports).enumerate() {
            let config = format!(
                "listen = ['127.0.0.1:{port}']\nadmin = '127.0.0.1:{admin}'\nthreads = 1\n\
                 [store]\nurl = 'nats://{url}'\nmonitor = {monitors:?}\n\
                 [[route]]\npath = '/callbacks/tencent'\nprovider = 'tencent-css'\n\
                 [[template]]\nname = 'live'\nprovider = 'tencent-css'\n\
                 insecure_unsigned = true\nbind = '*'\n[template.on]\n\
                 push = {{ url = 'http://127.0.0.1:{app}/{number}/push', deliver = 'queued', \
                 timeout_ms = {TIMEOUT_MS}, retry = {{ first_ms = 50, max_ms = 500 }} }}\n\
                 interruption = 'http://127.0.0.1:{app}/{number}/end'\n"
            );
            fs::write(folder.join(format!("gatepost{number}.toml")), config).unwrap();
        }
        let (program, folder) = (program.to_owned(), folder.to_owned());
        let mut machines = Self { program, folder, ports, admin_ports, running: Vec::new() };
        for number in 0..MACHINES {
            let machine = machines.spawn(number);
            machines.running.push(machine);
        }
        (0..MACHINES).for_each(|number| machines.wait_until_ready(number));
        machines
    }

    pub fn ports(&self) -> &[u16] {
        &self.ports
    }

    fn spawn(&self, number: usize) -> Child {
        let log = self.folder.join(format!("gatepost{number}.log"));
        let log = File::options().create(true).append(true).open(log).unwrap();
        let mut command = Command::new(&self.program);
        command.args(["run", "-c"]).arg(self.folder.join(format!("gatepost{number}.toml")));
        command.env("GATEPOST_LOG", LOG).stdout(Stdio::null()).stderr(log);
        command.spawn().unwrap()
    }

    fn wait_until_ready(&self, number: usize) {
        let is_ready = wait_until(|| TcpStream::connect(("127.0.0.1", self.ports[number])).is_ok());
        let log = fs::read_to_string(self.folder.join(format!("gatepost{number}.log")));
        assert!(is_ready, "expected a listener, found none: {}", log.unwrap_or_default());
    }

    pub fn kill(&mut self, number: usize) {
        self.running[number].kill().unwrap();
        self.running[number].wait().unwrap();
    }

    /// Returns the number of operations of the store whose result a machine did not get in time.
    pub fn missed_by(&self, number: usize) -> usize {
        self.sum_of(number, |line| line.starts_with(MISSED))
    }

    /// Returns the number of a machine's delivery attempts that ended later than their claim.
    pub fn lost_claims_of(&self, number: usize) -> usize {
        self.sum_of(number, |line| line.starts_with(ATTEMPTS) && line.contains("\"lease_lost\""))
    }

    /// Returns the sum of the counters of a machine for whose lines `matches` returns true.
    fn sum_of(&self, number: usize, matches: impl Fn(&str) -> bool) -> usize {
        let port = self.admin_ports[number];
        let (_, metrics) = http::send(port, "GET /metrics", "", ANSWER).unwrap();
        let counters = metrics.lines().filter(|line| matches(line));
        counters.filter_map(|line| line.rsplit(' ').next()?.parse::<usize>().ok()).sum()
    }

    /// Suspends a machine like a virtual machine during a migration: the clock continues, and the
    /// connections stay open.
    pub fn suspend(&self, number: usize) {
        self.signal(number, Signal::STOP);
    }

    pub fn resume(&self, number: usize) {
        self.signal(number, Signal::CONT);
    }

    fn signal(&self, number: usize, signal: Signal) {
        kill_process(Pid::from_child(&self.running[number]), signal).unwrap();
    }

    pub fn restart(&mut self, number: usize) {
        self.running[number] = self.spawn(number);
        self.wait_until_ready(number);
    }
}

impl Drop for Machines {
    fn drop(&mut self) {
        for machine in &mut self.running {
            let _gone = machine.kill();
            let _gone = machine.wait();
        }
    }
}
