//! qhook, which also stores an event before it replies: <https://github.com/totte-dev/qhook>.

use std::error::Error;
use std::fs;
use std::path::Path;

use super::peers::{Ground, pinned_to};
use super::process::{Peer, free_port};

/// Path of the program. `cargo install --root target/peers/qhook qhook@0.6.1` installs it.
const PROGRAM: &str = "target/peers/qhook/bin/qhook";

/// Path of qhook's callbacks.
pub(super) const PATH: &str = "/webhooks/live";

/// Returns true if qhook is installed.
pub(super) fn is_installed() -> bool {
    Path::new(PROGRAM).exists()
}

/// Starts qhook with a new SQLite file, on the core of gatepost. No program listens at the address
/// of its app. qhook has no check for a signature in the body, so it checks none.
///
/// # Errors
/// Returns an error if qhook does not start.
pub(super) fn start(ground: &Ground, name: &str) -> Result<Peer, Box<dyn Error>> {
    let port = free_port()?;
    let database = ground.folder.join(format!("{name}.db"));
    let config = format!(
        "database: {{ driver: sqlite, url: 'sqlite://{}?mode=rwc' }}\n\
         server: {{ port: {port}, max_inbound: 10000, allow_private_urls: true }}\n\
         sources: {{ live: {{ type: webhook, skip_verify: true }} }}\n\
         handlers: {{ app: {{ source: live, events: ['*'], url: 'http://127.0.0.1:1/' }} }}\n",
        database.display()
    );
    let file = ground.folder.join(format!("{name}.yaml"));
    fs::write(&file, config)?;
    let arguments = ["start".as_ref(), "-c".as_ref(), file.as_os_str()];
    let child = pinned_to("0", Path::new(PROGRAM), arguments, &[("RUST_LOG", "off")])?;
    let mut peer = Peer::new("qhook", port, vec![child]);
    peer.wait_until_ready()?;
    Ok(peer)
}
