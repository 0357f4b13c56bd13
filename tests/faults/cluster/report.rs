//! Data about the missing events, for the folder of a run with faults. This folder also has the
//! logs.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use super::nats::NatsCluster;
use super::{MACHINES, Options};

/// Number of partitions in the store.
pub const PARTITIONS: u32 = 16;

/// Longest wait for a response of NATS.
const ANSWER: Duration = Duration::from_secs(5);

/// Writes the pending events of each machine, and the streams and leases of the NATS servers.
pub fn write(options: &Options, folder: &Path, servers: &NatsCluster) {
    for number in 0..MACHINES {
        let config = folder.join(format!("gatepost{number}.toml"));
        let mut command = Command::new(&options.gatepost);
        command.args(["queue", "list", "--state", "pending", "--format", "json", "-c"]).arg(config);
        let pending = command.output().map(|output| [output.stdout, output.stderr].concat());
        fs::write(folder.join(format!("pending{number}.json")), pending.unwrap_or_default())
            .unwrap();
    }
    let mut text = String::new();
    for (port, monitor) in servers.ports.iter().zip(&servers.monitors) {
        let path = "GET /jsz?accounts=1&streams=1&consumers=1&raft=1";
        let streams = super::http::send(*monitor, path, "", ANSWER).map(|(_, answer)| answer);
        text += &format!("server {port}: {}\n", streams.unwrap_or_else(|error| error.to_string()));
    }
    fs::write(folder.join("servers.txt"), text).unwrap();
    fs::write(folder.join("leases.txt"), leases(servers)).unwrap();
}

/// Returns the owner of each owned partition, as the NATS server encodes it.
pub fn owners(servers: &NatsCluster) -> Vec<String> {
    let owner = |partition: u32| {
        let last = format!("{{\"last_by_subj\":\"gatepost.owner.{partition}\"}}");
        let answer = request(servers, "$JS.API.STREAM.MSG.GET.gatepost-state", &last);
        let (_, data) = answer.split_once("\"data\":\"")?;
        data.split_once('"').map(|(owner, _)| owner.to_owned())
    };
    (0..PARTITIONS).filter_map(owner).collect()
}

/// Returns the owners, members and claims in the store, and the state of its stream of events.
fn leases(servers: &NatsCluster) -> String {
    let mut text = String::new();
    for kind in ["owner", "member", "claim"] {
        let filter = format!("{{\"subjects_filter\":\"gatepost.{kind}.>\"}}");
        let answer = request(servers, "$JS.API.STREAM.INFO.gatepost-state", &filter);
        text += &format!("{kind}: {answer}\n");
    }
    for partition in 0..PARTITIONS {
        let last = format!("{{\"last_by_subj\":\"gatepost.owner.{partition}\"}}");
        let answer = request(servers, "$JS.API.STREAM.MSG.GET.gatepost-state", &last);
        text += &format!("partition {partition}: {answer}\n");
    }
    text + &request(servers, "$JS.API.STREAM.INFO.gatepost-events", "{\"subjects_filter\":\">\"}")
}

/// Sends a request to one server after the other until one responds. Returns the response.
fn request(servers: &NatsCluster, subject: &str, payload: &str) -> String {
    let mut answers = servers.ports.iter().map(|port| try_request(*port, subject, payload));
    answers.find_map(Result::ok).unwrap_or_else(|| "no response".into())
}

fn try_request(port: u16, subject: &str, payload: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_read_timeout(Some(ANSWER))?;
    let length = payload.len();
    write!(
        stream,
        "CONNECT {{\"verbose\":false}}\r\nSUB answer 1\r\nPUB {subject} answer {length}\r\n{payload}\r\n"
    )?;
    let mut reader = BufReader::new(stream);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        if let Some(message) = line.strip_prefix("MSG ") {
            let length = message.trim_end().rsplit(' ').next().and_then(|last| last.parse().ok());
            let mut answer = vec![0; length.unwrap_or(0)];
            reader.read_exact(&mut answer)?;
            return Ok(String::from_utf8_lossy(&answer).into_owned());
        }
    }
}
