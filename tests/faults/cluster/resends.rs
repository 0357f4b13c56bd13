//! Resends of callbacks that are not queued: any machine replies without a second request to the
//! app.
//!
//! This rule applies while the store responds in time. While NATS elects a leader, or while a
//! machine connects to another server, the machine continues without the store, and counts this in
//! a metric. The app may then get one more request for each count.

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
    /// Number of requests to the app so far.
    requests: usize,
}

/// Kills each process once. After each kill, sends each callback again to every machine. Returns
/// the faults.
pub fn check(
    app: &App,
    machines: &mut Machines,
    servers: &mut NatsCluster,
    random: &mut Rng,
) -> Vec<String> {
    let (mut all, mut faults) = (Vec::new(), Vec::new());
    let (mut resends, mut repeated, mut missed) = (0, 0, 0);
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
            missed += machines.missed_by(victim);
            machines.kill(victim);
            machines.restart(victim);
        } else {
            servers.kill(victim - MACHINES);
            servers.restart(victim - MACHINES);
        }
        for sent in &mut all {
            for (machine, port) in machines.ports().iter().enumerate() {
                resends += 1;
                if !clients::send(*port, STREAM, 0, sent.number) {
                    let number = sent.number;
                    faults.push(format!(
                        "resends/{number}: machine {machine}: expected an acknowledgement, found none"
                    ));
                }
            }
            let requests = app.unqueued(sent.number);
            repeated += requests - sent.requests;
            sent.requests = requests;
        }
    }
    missed += (0..MACHINES).map(|machine| machines.missed_by(machine)).sum::<usize>();
    if repeated > missed {
        faults.push(format!(
            "expected a missed operation for each repeated request, found {repeated} requests and {missed} \
             missed operations"
        ));
    }
    println!(
        "{resends} resends of {} callbacks to all machines, {repeated} repeated requests to the app, {missed} \
         missed operations of the store, {} faults",
        all.len(),
        faults.len()
    );
    faults
}
