//! A cluster of three NATS servers, as a store that several machines share.

use std::error::Error;
use std::fs;
use std::path::Path;

use super::peers::{Ground, pinned_to};
use super::process::{Peer, free_port};

/// Path of the server program, which `tests/peers/install` installs.
const PROGRAM: &str = "target/peers/python/bin/nats-server";

/// Number of servers. Each server keeps a copy of each event.
const SERVERS: usize = 3;

/// Returns true if the NATS server is installed.
pub(super) fn is_installed() -> bool {
    Path::new(PROGRAM).exists()
}

/// Running servers. Dropping this value stops them.
#[derive(Debug)]
pub(super) struct Cluster {
    servers: Vec<Peer>,
    monitors: Vec<u16>,
}

impl Cluster {
    /// Starts the servers, which sync each write, on the core of the load.
    ///
    /// # Errors
    /// Returns an error if a server does not start.
    pub(super) fn start(ground: &Ground, name: &str) -> Result<Self, Box<dyn Error>> {
        let ports = || (0..SERVERS).map(|_| free_port()).collect::<Result<Vec<_>, _>>();
        let (clients, routes, monitors) = (ports()?, ports()?, ports()?);
        let routes_of_all: Vec<_> =
            routes.iter().map(|port| format!("'nats://127.0.0.1:{port}'")).collect();
        let mut servers = Vec::with_capacity(SERVERS);
        for (server, ((client, route), monitor)) in
            clients.iter().zip(&routes).zip(&monitors).enumerate()
        {
            let folder = ground.folder.join(format!("{name}-{server}"));
            let config = format!(
                "server_name: n{server}\nlisten: '127.0.0.1:{client}'\nhttp: '127.0.0.1:{monitor}'\n\
                 max_payload: 8MB\n\
                 jetstream {{ store_dir: '{}', sync_interval: always, max_file: 8GB }}\n\
                 cluster {{ name: bench, listen: '127.0.0.1:{route}', routes: [{}] }}\n",
                folder.display(),
                routes_of_all.join(", ")
            );
            let file = ground.folder.join(format!("{name}-{server}.conf"));
            fs::write(&file, config)?;
            let child = pinned_to("1", Path::new(PROGRAM), ["-c".as_ref(), file.as_os_str()], &[])?;
            servers.push(Peer::new("nats-server", *client, vec![child]));
        }
        for server in &mut servers {
            server.wait_until_ready()?;
        }
        Ok(Self { servers, monitors })
    }

    /// Returns the table `[store]` for gatepost's config.
    pub(super) fn store(&self, prefix: &str) -> String {
        let ports: Vec<_> =
            self.servers.iter().map(|server| format!("127.0.0.1:{}", server.port)).collect();
        let monitors: Vec<_> =
            self.monitors.iter().map(|port| format!("'http://127.0.0.1:{port}'")).collect();
        format!(
            "[store]\nurl = 'nats://{}'\nprefix = '{prefix}'\nmax_bytes = 268435456\nmonitor = [{}]\n",
            ports.join(","),
            monitors.join(", ")
        )
    }
}
