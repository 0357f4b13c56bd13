//! Tests of the dispatcher with a simulated clock, thousands of subjects, and apps that fail.

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use gatepost::{
    Answer, Claimed, EntryState, Gate, InMemoryStore, Lane, NewEvent, QueueFilter, QueuedApp,
    Store, StoreStatus, StoredEvent, Timestamp,
};
use http::StatusCode;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

use super::Queue;
use super::apps::Apps;
use super::dispatcher::{Dispatcher, MAX_IN_FLIGHT};

/// Function of an event and of the time since the start. Returns the status of the app's answer,
/// and the time that the answer takes. For an unreachable app, the status is `None`.
type Behaviour = fn(&Claimed, Duration) -> (Option<u16>, Duration);

const MILLIS: fn(u64) -> Duration = Duration::from_millis;
const SECS: fn(u64) -> Duration = Duration::from_secs;

/// Number of times that the dispatcher may read the clock at one simulated time. The simulated
/// clock advances only while the dispatcher waits, so without this limit, a dispatcher that does
/// not wait between its rounds blocks the test.
const MAX_READS: usize = 100_000;

/// A simulation with two templates. Each template has two kinds, and an app of its own.
struct Simulation {
    queue: Arc<Queue>,
    seen: Arc<Mutex<Seen>>,
    started: Instant,
    /// Difference between the machine's clock and the simulated time, in milliseconds.
    jump: Arc<AtomicI64>,
    /// The task of the dispatcher. It ends only with a panic.
    dispatcher: JoinHandle<()>,
}

/// Events that the apps have taken, each with the time after the start, and the counts of the
/// events in flight.
#[derive(Default)]
struct Seen {
    taken: Vec<(Lane, String, Duration)>,
    in_flight: HashMap<Box<str>, usize>,
    most: HashMap<Box<str>, usize>,
}

struct SimulatedApps {
    gate: Gate,
    behaviour: Behaviour,
    seen: Arc<Mutex<Seen>>,
    started: Instant,
    /// Difference between the machine's clock and the simulated time, in milliseconds.
    jump: Arc<AtomicI64>,
    /// Simulated time at the dispatcher's last read of the clock, in Unix milliseconds, and the
    /// number of its reads at this time.
    read: (AtomicI64, AtomicUsize),
}

impl Apps for SimulatedApps {
    fn app(&self, lane: &Lane) -> Result<QueuedApp, String> {
        self.gate.queued_app(lane)
    }

    async fn ask(&self, _: &QueuedApp, claimed: &Claimed, _: Duration) -> Answer {
        let template: Box<str> = claimed.event.lane.template().into();
        let (status, took) = (self.behaviour)(claimed, self.started.elapsed());
        self.seen.lock().unwrap().begin(&template);
        // The dispatcher may drop this future after the time-out.
        let _in_flight = InFlight { template, seen: Arc::clone(&self.seen) };
        sleep(took).await;
        let Some(status) = status else { return Answer::Unreachable("refused".into()) };
        if status == 200 {
            let event = &claimed.event;
            let taken = (event.lane.clone(), event.id.to_string(), self.started.elapsed());
            self.seen.lock().unwrap().taken.push(taken);
        }
        Answer::response(StatusCode::from_u16(status).unwrap(), Some(Bytes::new()))
    }

    fn now(&self) -> Timestamp {
        let now = at(self.started.elapsed()).as_millis();
        let (last, reads) = &self.read;
        if last.swap(now, Ordering::Relaxed) != now {
            reads.store(0, Ordering::Relaxed);
        }
        let reads = reads.fetch_add(1, Ordering::Relaxed);
        assert!(
            reads < MAX_READS,
            "expected a dispatcher that waits between its rounds, found {reads} reads at one time"
        );
        Timestamp::from_millis(now + self.jump.load(Ordering::Relaxed))
    }
}

struct InFlight {
    template: Box<str>,
    seen: Arc<Mutex<Seen>>,
}

impl Drop for InFlight {
    fn drop(&mut self) {
        *self.seen.lock().unwrap().in_flight.get_mut(&self.template).unwrap() -= 1;
    }
}

impl Seen {
    fn begin(&mut self, template: &str) {
        let count = self.in_flight.entry(template.into()).or_default();
        *count += 1;
        let most = self.most.entry(template.into()).or_default();
        *most = (*most).max(*count);
    }
}

fn at(after_start: Duration) -> Timestamp {
    Timestamp::from_millis(1_700_000_000_000 + i64::try_from(after_start.as_millis()).unwrap())
}

impl Simulation {
    fn start(behaviour: Behaviour) -> Self {
        let template = |name: &str, app: &str| {
            let address = |path: &str| {
                format!(
                    "{{ url = 'http://{app}/{path}', deliver = 'queued', timeout_ms = 2000, \
                     retry = {{ first_ms = 1000, max_ms = 60000, give_up_after_secs = 4200 }} }}"
                )
            };
            format!(
                "[[template]]\nname = '{name}'\nprovider = 'tencent-css'\ninsecure_unsigned = true\n\
                 bind = '{name}.example.com'\n[template.on]\npush = {}\ninterruption = {}\n",
                address("push"),
                address("end"),
            )
        };
        let config = format!(
            "[store]\nurl = 'sqlite:a.db'\n[[route]]\npath = '/hook'\nprovider = 'tencent-css'\n{}{}",
            template("a", "one:1"),
            template("b", "two:2")
        );
        let gate = Gate::builder().toml(&config).build().unwrap();
        let (seen, started) = (Arc::<Mutex<Seen>>::default(), Instant::now());
        let day = SECS(86_400);
        let queue = Arc::new(Queue::new(Box::new(InMemoryStore::new(1 << 30, day, day))));
        let jump = Arc::<AtomicI64>::default();
        let apps = SimulatedApps {
            gate,
            behaviour,
            seen: Arc::clone(&seen),
            started,
            jump: Arc::clone(&jump),
            read: Default::default(),
        };
        let dispatcher = tokio::spawn(Dispatcher::new(Arc::clone(&queue), apps).run());
        Self { queue, seen, started, jump, dispatcher }
    }

    /// Queues an event. Its id is `SUBJECT NUMBER`.
    async fn queue(&self, template: &str, kind: &str, subject: &str, number: usize) {
        let now = at(self.started.elapsed()).as_millis() + self.jump.load(Ordering::Relaxed);
        let now = Timestamp::from_millis(now);
        let event = StoredEvent {
            id: format!("{subject} {number}").into(),
            lane: Lane::new(template, kind),
            source: format!("/{template}").into(),
            subject: Some(subject.into()),
            received: now,
            headers: http::HeaderMap::new(),
            body: Bytes::new(),
        };
        self.queue.append(NewEvent { event, dedupe: None }, now).await.unwrap();
    }

    async fn status(&self) -> StoreStatus {
        assert!(!self.dispatcher.is_finished(), "expected a running dispatcher, found a panic");
        self.queue.status().await.unwrap()
    }

    async fn wait_until_empty(&self, limit: Duration) {
        let until = Instant::now() + limit;
        while self.status().await.pending.count > 0 {
            assert!(
                Instant::now() < until,
                "expected an empty queue, found {:?}",
                self.status().await
            );
            sleep(MILLIS(500)).await;
        }
    }

    /// Returns the time at which the app of a template took its last event.
    fn last_of(&self, template: &str) -> Duration {
        let seen = self.seen.lock().unwrap();
        let own = seen.taken.iter().filter(|(lane, ..)| lane.template() == template);
        own.map(|(_, _, time)| *time).max().unwrap()
    }

    /// Checks that the apps took `count` events, the events of each subject once and in order, and
    /// that each app had at most [`MAX_IN_FLIGHT`] events at once.
    fn check_order_and_bounds(&self, count: usize) {
        let seen = self.seen.lock().unwrap();
        let mut next = HashMap::<(&str, &str), usize>::new();
        for (lane, id, _) in &seen.taken {
            let (subject, number) = id.split_once(' ').unwrap();
            let next = next.entry((lane.template(), subject)).or_default();
            assert_eq!(number.parse::<usize>().unwrap(), *next, "{lane} {subject}");
            *next += 1;
        }
        assert_eq!(seen.taken.len(), count);
        let is_bounded = seen.most.values().all(|most| *most <= MAX_IN_FLIGHT);
        assert!(is_bounded, "expected at most {MAX_IN_FLIGHT} in flight, found {:?}", seen.most);
    }
}

#[tokio::test(start_paused = true)]
async fn unreachable_app_and_failing_subjects_delay_no_others() {
    // App b is down for two minutes. Both apps fail the first two attempts of each event of every
    // tenth subject.
    let simulation = Simulation::start(|claimed, time| {
        let fails = claimed.event.id.split(' ').next().unwrap().ends_with('7');
        match (claimed.event.lane.template(), fails && claimed.lease.attempt < 3) {
            ("b", _) if time < SECS(120) => (None, MILLIS(1)),
            (_, true) => (Some(500), MILLIS(10)),
            _ => (Some(200), MILLIS(10)),
        }
    });
    for number in 0..3 {
        for subject in 0..1000 {
            let kind = ["push", "interruption"][number % 2];
            for template in ["a", "b"] {
                simulation.queue(template, kind, &format!("s{subject}"), number).await;
            }
        }
    }
    simulation.wait_until_empty(SECS(1800)).await;
    simulation.check_order_and_bounds(6000);
    // 3,000 events and 600 failed attempts, 32 at once, 10 ms each, take 1.2 s. A failing subject
    // waits for up to 9 s: 1 s and then 2 s for each of its three events.
    assert!(
        simulation.last_of("a") < SECS(11),
        "expected less than 11 s, found {:?}",
        simulation.last_of("a")
    );
    assert!(
        simulation.last_of("b") > SECS(120),
        "expected more than 120 s, found {:?}",
        simulation.last_of("b")
    );
}

#[tokio::test(start_paused = true)]
async fn app_that_was_down_for_an_hour_gets_every_event_in_order() {
    let simulation = Simulation::start(|_, time| match time < SECS(3600) {
        true => (None, MILLIS(1)),
        false => (Some(200), MILLIS(50)),
    });
    for number in 0..40 {
        for subject in 0..50 {
            simulation.queue("a", "push", &format!("s{subject}"), number).await;
        }
        sleep(SECS(90)).await;
    }
    simulation.wait_until_empty(SECS(600)).await;
    simulation.check_order_and_bounds(2000);
    assert_eq!(simulation.status().await.dead.count, 0);
    // 2,000 events, 32 at once, 50 ms each, take 3.2 s. The first event of each subject waits for
    // up to 60 s.
    let last = simulation.last_of("a");
    assert!(
        last > SECS(3603) && last < SECS(3600 + 120),
        "expected 3603 s to 3720 s, found {last:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn subject_with_many_events_does_not_delay_others() {
    let simulation = Simulation::start(|_, _| (Some(200), MILLIS(10)));
    for number in 0..2000 {
        simulation.queue("a", "push", "long", number).await;
    }
    for subject in 0..500 {
        simulation.queue("a", "interruption", &format!("s{subject}"), 0).await;
    }
    simulation.wait_until_empty(SECS(60)).await;
    simulation.check_order_and_bounds(2500);
    let seen = simulation.seen.lock().unwrap();
    let others = seen.taken.iter().filter(|(_, id, _)| !id.starts_with("long"));
    let last = others.map(|(_, _, time)| *time).max().unwrap();
    assert!(last < MILLIS(500), "expected 500 events within 0.5 s, found {last:?}");
}

#[tokio::test(start_paused = true)]
async fn overdue_events_of_an_unreachable_app_become_dead_letters() {
    let simulation = Simulation::start(|_, _| (None, MILLIS(1)));
    for number in 0..20 {
        for subject in 0..100 {
            simulation.queue("a", "push", &format!("s{subject}"), number).await;
        }
    }
    sleep(SECS(4190)).await;
    assert_eq!(simulation.status().await.dead.count, 0);
    sleep(SECS(40)).await;
    assert_eq!(simulation.status().await.dead.count, 2000);
    let filter = QueueFilter { state: Some(EntryState::Dead), ..QueueFilter::default() };
    let dead = simulation.queue.list(&filter).await.unwrap();
    let never_tried = dead.iter().filter(|entry| entry.attempts == 0).count();
    assert!(never_tried > 1800, "expected over 1800 events not tried, found {never_tried}");
    let is_circuit_open = |entry: &gatepost::QueueEntry| {
        entry.reason.as_deref() == Some("circuit_open: the app's circuit is open")
    };
    assert!(dead.iter().filter(|entry| entry.attempts == 0).all(is_circuit_open));
}

#[tokio::test(start_paused = true)]
async fn overdue_event_gets_one_attempt_while_the_circuit_is_closed() {
    let simulation = Simulation::start(|claimed, _| {
        let fails = matches!(&*claimed.event.id, "s 0" | "s 2");
        (Some(if fails { 500 } else { 200 }), MILLIS(10))
    });
    for number in 0..4 {
        simulation.queue("a", "push", "s", number).await;
    }
    // The other events keep the circuit closed. The later events of the subject "s" wait until the
    // app takes "s 0", or until "s 0" becomes a dead letter.
    for number in 0..4300 {
        simulation.queue("a", "push", "other", number).await;
        sleep(SECS(1)).await;
    }
    let taken: Vec<_> = simulation.seen.lock().unwrap().taken.iter().map(|t| t.1.clone()).collect();
    let taken: Vec<_> = taken.iter().filter(|id| id.starts_with("s ")).collect();
    assert_eq!(taken, ["s 1", "s 3"]);
    let filter = QueueFilter { state: Some(EntryState::Dead), ..QueueFilter::default() };
    let dead = simulation.queue.list(&filter).await.unwrap();
    let dead: Vec<_> = dead.iter().map(|entry| (&*entry.id, entry.attempts > 1)).collect();
    assert_eq!(dead, [("s 0", true), ("s 2", false)]);
}

/// Queues three events of each of 100 subjects. The first attempt of each event fails.
async fn with_a_failed_attempt() -> Simulation {
    let simulation = Simulation::start(|claimed, _| {
        let status = if claimed.lease.attempt == 1 { 500 } else { 200 };
        (Some(status), MILLIS(10))
    });
    for number in 0..3 {
        for subject in 0..100 {
            simulation.queue("a", "push", &format!("s{subject}"), number).await;
        }
    }
    sleep(MILLIS(200)).await;
    simulation
}

const HOUR_MS: i64 = 3_600_000;

#[tokio::test(start_paused = true)]
async fn clock_that_is_set_ahead_makes_waiting_events_due() {
    let simulation = with_a_failed_attempt().await;
    // Another process holds this event for half an hour.
    simulation.queue("b", "push", "held", 0).await;
    let (lane, now) = (Lane::new("b", "push"), at(simulation.started.elapsed()));
    let lease_end = Timestamp::from_millis(now.as_millis() + HOUR_MS / 2);
    let held = simulation.queue.claim(&lane, "other", 1, lease_end, now).await.unwrap();
    assert_eq!(held.len(), 1);
    simulation.jump.store(HOUR_MS, Ordering::Relaxed);
    simulation.wait_until_empty(SECS(60)).await;
    simulation.check_order_and_bounds(301);
    assert_eq!(simulation.status().await.dead.count, 0);
}

#[tokio::test(start_paused = true)]
async fn clock_that_is_set_back_delays_waiting_events_until_it_reaches_their_time() {
    let simulation = with_a_failed_attempt().await;
    simulation.jump.store(-HOUR_MS, Ordering::Relaxed);
    // A new event is due at once.
    simulation.queue("b", "push", "new", 0).await;
    sleep(SECS(3000)).await;
    assert_eq!(simulation.status().await.pending.count, 300);
    simulation.wait_until_empty(SECS(1000)).await;
    simulation.check_order_and_bounds(301);
    assert_eq!(simulation.status().await.dead.count, 0);
}
