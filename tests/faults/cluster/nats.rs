//! Three NATS servers in one cluster.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use super::http::{self, free_port};
use super::{MACHINES, wait_until};

/// The running servers. Dropping this value kills them.
pub struct NatsCluster {
    program: PathBuf,
    folder: PathBuf,
    pub ports: Vec<u16>,
    pub monitors: Vec<u16>,
    servers: Vec<Child>,
}

impl NatsCluster {
    pub fn start(program: &Path, folder: &Path) -> Self {
        let ports = || (0..MACHINES).map(|_| free_port()).collect::<Vec<_>>();
        let (clients, monitors, routes) = (ports(), ports(), ports());
        let all: Vec<_> = routes.iter().map(|port| format!("'nats://127.0.0.1:{port}'")).collect();
        for number in 0..MACHINES {
            let config = format!(
                "server_name: n{number}\nlisten: '127.0.0.1:{}'\nhttp: '127.0.0.1:{}'\n\
                 max_payload: 4MB\n\
                 jetstream {{ store_dir: '{}/n{number}', sync_interval: always }}\n\
                 cluster {{ name: c, listen: '127.0.0.1:{}', routes: [{}] }}\n",
                clients[number],
                monitors[number],
                folder.display(),
                routes[number],
                all.join(", ")
            );
            fs::write(folder.join(format!("n{number}.conf")), config).unwrap();
        }
        let (program, folder) = (program.to_owned(), folder.to_owned());
        let mut cluster = Self { program, folder, ports: clients, monitors, servers: Vec::new() };
        for number in 0..MACHINES {
            let server = cluster.spawn(number);
            cluster.servers.push(server);
        }
        cluster.wait_until_healthy();
        cluster
    }

    fn spawn(&self, number: usize) -> Child {
        let log = self.folder.join(format!("n{number}.log"));
        let log = File::options().create(true).append(true).open(log).unwrap();
        let mut command = Command::new(&self.program);
        command.arg("-c").arg(self.folder.join(format!("n{number}.conf")));
        command
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("expected nats-server, found an error; run tests/peers/install")
    }

    pub fn kill(&mut self, number: usize) {
        self.servers[number].kill().unwrap();
        self.servers[number].wait().unwrap();
    }

    /// Starts a killed server, and waits until all three are healthy, so that the next kill leaves
    /// two healthy servers.
    pub fn restart(&mut self, number: usize) {
        self.servers[number] = self.spawn(number);
        self.wait_until_healthy();
    }

    fn wait_until_healthy(&self) {
        let is_healthy = |port: &u16| {
            let health = http::send(*port, "GET /healthz", "", Duration::from_secs(2));
            health.is_ok_and(|(status, _)| status == 200)
        };
        assert!(
            wait_until(|| self.monitors.iter().all(is_healthy)),
            "expected a healthy cluster, found another state"
        );
    }
}

impl Drop for NatsCluster {
    fn drop(&mut self) {
        for server in &mut self.servers {
            let _gone = server.kill();
            let _gone = server.wait();
        }
    }
}
