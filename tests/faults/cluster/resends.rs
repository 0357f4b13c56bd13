//! Resends of callbacks that are not queued: every machine replies without a second request to the
//! app.
//!
//! This rule applies while the store responds in time. While NATS elects a leader, a machine
//! continues without the store. While the machine connects to another server, it also continues
//! without the store. A metric counts the operations of the store that the machine misses. For each
//! of these operations, the app may get one more request.

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
    /// Number of requests to the app about this callback so far.
    requests: usize,
}

/// Kills each process once. Sends each callback again to every running machine, first while the
/// process is down, then after its restart. Returns the faults.
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
        } else {
            servers.kill(victim - MACHINES);
        }
        resends += resend(&all, machines, Some(victim), &mut faults);
        if victim < MACHINES {
            machines.restart(victim);
        } else {
            servers.restart(victim - MACHINES);
        }
        resends += resend(&all, machines, None, &mut faults);
        for sent in &mut all {
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

/// Sends each callback again to every machine, except for the machine that is down. Returns the
/// number of resends.
fn resend(
    all: &[Sent],
    machines: &Machines,
    is_down: Option<usize>,
    faults: &mut Vec<String>,
) -> u32 {
    let mut resends = 0;
    for number in all.iter().map(|sent| sent.number) {
        let running = machines.ports().iter().enumerate();
        for (machine, port) in running.filter(|(machine, _)| Some(*machine) != is_down) {
            resends += 1;
            if !clients::send(*port, STREAM, 0, number) {
                faults.push(format!(
                    "resends/{number}: machine {machine}: expected an acknowledgement, found none"
                ));
            }
        }
    }
    resends
}
