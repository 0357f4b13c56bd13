//! Resends of callbacks that are not queued: any machine answers them without asking the app again.
//!
//! This rule holds while the store answers. While a new leader is elected, a machine asks the app again
//! and counts it. The program therefore kills one process at a time, and waits until the cluster is
//! healthy.

use fastrand::Rng;

use super::app::App;
use super::machines::Machines;
use super::nats::NatsCluster;
use super::{MACHINES, clients, wait_until};

/// Number of callbacks before each kill.
const CALLBACKS: u32 = 5;

/// Stream of the callbacks.
const STREAM: &str = "resends";

/// A callback that a machine acknowledged.
struct Sent {
    number: u32,
    /// Number of requests to the app until the acknowledgement.
    requests: usize,
}

/// Kills each process once, sends each callback again to every machine, and returns the faults.
pub fn check(
    app: &App,
    machines: &mut Machines,
    servers: &mut NatsCluster,
    random: &mut Rng,
) -> Vec<String> {
    let (mut all, mut faults, mut resends) = (Vec::new(), Vec::new(), 0);
    for victim in 0..2 * MACHINES {
        for _ in 0..CALLBACKS {
            let number = u32::try_from(all.len()).unwrap() + 1;
            let port = machines.ports()[random.usize(..MACHINES)];
            if wait_until(|| clients::send(port, STREAM, 0, number)) {
                all.push(Sent { number, requests: app.unqueued(number) });
            } else {
                faults.push(format!("resends/{number}: expected an acknowledgement, found none"));
            }
        }
        if victim < MACHINES {
            machines.kill(victim);
            machines.restart(victim);
        } else {
            servers.kill(victim - MACHINES);
            servers.restart(victim - MACHINES);
        }
        for sent in &all {
            for (machine, port) in machines.ports().iter().enumerate() {
                resends += 1;
                faults.extend(resend(app, sent, machine, *port));
            }
        }
    }
    println!(
        "{resends} resends of {} callbacks to all machines, {} faults",
        all.len(),
        faults.len()
    );
    faults
}

fn resend(app: &App, sent: &Sent, machine: usize, port: u16) -> Option<String> {
    let number = sent.number;
    if !clients::send(port, STREAM, 0, number) {
        return Some(format!("resends/{number}: expected 200 from machine {machine}, found none"));
    }
    let requests = app.unqueued(number);
    let asked = format!("resends/{number}: machine {machine} asked the app again");
    (requests > sent.requests).then_some(asked)
}
