//! Tests of rate limits that machines share.

use std::sync::Arc;
use std::time::Duration;

use gatepost::{Conclusion, InMemorySharedState, SharedState, SharedUse};
use tokio::time::sleep;

use super::failures::{Fault, Faulty};
use super::{App, Machine, push};

/// Returns a route with these keys in the table `limit`.
fn limited(path: &str, limit: &str) -> String {
    format!("[[route]]\npath = '{path}'\nprovider = 'tencent-css'\nlimit = {{ {limit} }}\n")
}

fn pair(limit: &str) -> [Machine; 2] {
    let state: Arc<dyn SharedState> = Arc::new(InMemorySharedState::default());
    [(); 2].map(|()| Machine::with_store(&limited("/limited", limit), &state))
}

/// Sends a `push` callback with this sequence number. Returns true if the app got the event.
async fn reaches_app(machine: &Machine, sequence: u32) -> bool {
    let mut app = App::new(200, "");
    let conclusion = machine.send("/limited", &push(sequence), &mut app).await;
    assert_eq!(conclusion.reply.status().as_u16(), if app.asked == 1 { 200 } else { 503 });
    app.asked == 1
}

fn origin(conclusion: &Conclusion) -> &str {
    conclusion.origin.as_str()
}

#[tokio::test(start_paused = true)]
async fn machines_share_a_limit() {
    let [one, other] = pair("per_second = 2, shared = true");
    let mut reached = Vec::new();
    for sequence in 0..3 {
        reached.push(reaches_app(&one, sequence).await);
        reached.push(reaches_app(&other, 100 + sequence).await);
    }
    assert_eq!(reached, [true, true, false, false, false, false]);
    sleep(Duration::from_millis(500)).await;
    assert!(reaches_app(&other, 200).await, "expected one more callback after 500 ms, found none");
    assert!(!reaches_app(&one, 201).await, "expected an exhausted limit, found another callback");
}

#[tokio::test(start_paused = true)]
async fn limit_without_sharing_is_local() {
    let [one, other] = pair("per_second = 2");
    for (machine, first) in [(&one, 0), (&other, 10)] {
        let mut reached = Vec::new();
        for sequence in first..first + 3 {
            reached.push(reaches_app(machine, sequence).await);
        }
        assert_eq!(reached, [true, true, false]);
    }
}

#[tokio::test(start_paused = true)]
async fn resend_does_not_count_against_the_limit() {
    let [one, other] = pair("per_second = 1, burst = 2, shared = true");
    let mut app = App::new(200, "");
    assert_eq!(origin(&one.send("/limited", &push(1), &mut app).await), "app");
    for _ in 0..3 {
        assert_eq!(origin(&one.send("/limited", &push(1), &mut app).await), "resend");
        assert_eq!(origin(&other.send("/limited", &push(1), &mut app).await), "resend");
    }
    assert_eq!(origin(&other.send("/limited", &push(2), &mut app).await), "app");
    assert_eq!(app.asked, 2);
    assert!(!reaches_app(&one, 3).await, "expected an exhausted limit, found another callback");
}

#[tokio::test(start_paused = true)]
async fn concurrent_callbacks_do_not_exceed_the_limit() {
    let machines = pair("per_second = 40, shared = true").map(Arc::new);
    let callbacks = (0..100_usize).map(|number| {
        let machine = Arc::clone(&machines[number % 2]);
        tokio::spawn(async move { reaches_app(&machine, u32::try_from(number).unwrap()).await })
    });
    let mut reached = 0;
    for callback in callbacks.collect::<Vec<_>>() {
        reached += u32::from(callback.await.unwrap());
    }
    assert_eq!(reached, 40);
}

#[tokio::test(start_paused = true)]
async fn each_machine_applies_the_whole_limit_while_the_state_fails() {
    let faulty = Arc::<Faulty>::default();
    let state: Arc<dyn SharedState> = faulty.clone();
    let limit = limited("/limited", "per_second = 2, shared = true");
    let machines = [(); 2].map(|()| Machine::with_store(&limit, &state));
    faulty.set(Some(Fault::Fails));
    for machine in &machines {
        let mut reached = Vec::new();
        for sequence in 0..3 {
            reached.push(reaches_app(machine, sequence).await);
        }
        assert_eq!(reached, [true, true, false]);
        assert_eq!(machine.missed(SharedUse::Limit), 3);
    }
}

#[tokio::test(start_paused = true)]
async fn machines_with_different_values_of_a_limit_warn_once() {
    let state: Arc<dyn SharedState> = Arc::new(InMemorySharedState::default());
    let machine = |limit| Machine::with_store(&limited("/limited", limit), &state);
    let machines = [
        machine("per_second = 20, shared = true"),
        machine("per_second = 20, shared = true"),
        machine("per_second = 40, burst = 50, shared = true"),
    ];
    for round in 0..4 {
        for (number, machine) in (0..).zip(&machines) {
            assert!(reaches_app(machine, 10 * round + number).await);
            sleep(Duration::from_secs(4)).await;
        }
    }
    let differing = machines.map(|machine| machine.differing.lock().unwrap().join("; "));
    assert_eq!(differing, ["/limited: (20, 20), (40, 50)", "", "/limited: (40, 50), (20, 20)"]);
}

#[tokio::test(start_paused = true)]
async fn change_of_a_limit_on_all_machines_causes_no_warning() {
    let state: Arc<dyn SharedState> = Arc::new(InMemorySharedState::default());
    let machine = |limit| Machine::with_store(&limited("/limited", limit), &state);
    assert!(reaches_app(&machine("per_second = 20, shared = true"), 0).await);
    let machines = [(); 2].map(|()| machine("per_second = 40, shared = true"));
    for round in 1..4 {
        for (number, machine) in (0..).zip(&machines) {
            assert!(reaches_app(machine, 10 * round + number).await);
            sleep(Duration::from_secs(6)).await;
        }
    }
    assert!(machines.iter().all(|machine| machine.differing.lock().unwrap().is_empty()));
}
