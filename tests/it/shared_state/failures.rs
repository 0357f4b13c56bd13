//! Tests of a shared state that hangs, fails, is late, or contains a value that another version of
//! gatepost wrote.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use gatepost::{
    InMemorySharedState, SharedKey, SharedState, SharedUse, SharedValue, StoreError, StoreFuture,
    Timestamp,
};
use tokio::time::{Instant, sleep};

use super::{App, Machine, T, push};

/// A state whose operations hang, fail or are late.
#[derive(Default)]
pub(super) struct Faulty {
    state: InMemorySharedState,
    fault: Mutex<Option<Fault>>,
    operations: AtomicU32,
    /// Bytes of all values that gatepost has written with `set` or `replace`.
    pub(super) written: Mutex<Vec<u8>>,
}

#[derive(Clone, Copy)]
pub(super) enum Fault {
    Hangs,
    Fails,
    Late(u64),
}

impl Faulty {
    pub(super) fn set(&self, fault: Option<Fault>) {
        *self.fault.lock().unwrap() = fault;
    }

    pub(super) fn operations(&self) -> u32 {
        self.operations.swap(0, Ordering::Relaxed)
    }

    fn with_fault<'s, T: Send + 's>(&'s self, done: StoreFuture<'s, T>) -> StoreFuture<'s, T> {
        self.operations.fetch_add(1, Ordering::Relaxed);
        let fault = *self.fault.lock().unwrap();
        Box::pin(async move {
            match fault {
                None => done.await,
                Some(Fault::Hangs) => std::future::pending().await,
                Some(Fault::Fails) => Err(StoreError::Unavailable("no leader".into())),
                Some(Fault::Late(millis)) => {
                    sleep(Duration::from_millis(millis)).await;
                    done.await
                }
            }
        })
    }
}

impl SharedState for Faulty {
    fn insert(
        &self,
        key: SharedKey,
        value: SharedValue,
        now: Timestamp,
    ) -> StoreFuture<'_, Option<SharedValue>> {
        self.with_fault(self.state.insert(key, value, now))
    }

    fn set(&self, key: SharedKey, value: SharedValue, now: Timestamp) -> StoreFuture<'_, ()> {
        self.written.lock().unwrap().extend_from_slice(&value.bytes);
        self.with_fault(self.state.set(key, value, now))
    }

    fn get(&self, key: SharedKey, now: Timestamp) -> StoreFuture<'_, Option<SharedValue>> {
        self.with_fault(self.state.get(key, now))
    }

    fn replace(
        &self,
        key: SharedKey,
        old: Bytes,
        value: SharedValue,
        now: Timestamp,
    ) -> StoreFuture<'_, bool> {
        self.written.lock().unwrap().extend_from_slice(&value.bytes);
        self.with_fault(self.state.replace(key, old, value, now))
    }

    fn remove(&self, key: SharedKey, bytes: Bytes) -> StoreFuture<'_, ()> {
        self.with_fault(self.state.remove(key, bytes))
    }
}

fn faulty() -> (Arc<Faulty>, Machine) {
    let faulty = Arc::<Faulty>::default();
    let state: Arc<dyn SharedState> = faulty.clone();
    let machine = Machine::new("", &state);
    (faulty, machine)
}

#[tokio::test(start_paused = true)]
async fn state_that_hangs_delays_one_callback_a_second() {
    let (faulty, machine) = faulty();
    faulty.set(Some(Fault::Hangs));
    let mut app = App::new(200, "");
    let mut times = Vec::new();
    for sequence in 0..6 {
        let started = Instant::now();
        let done = machine.send("/tencent", &push(sequence), &mut app).await;
        assert_eq!(done.origin.as_str(), "app");
        times.push(started.elapsed().as_millis());
        sleep(Duration::from_millis(300)).await;
    }
    assert_eq!(app.asked, 6, "events that the app received");
    assert_eq!(times, [500, 0, 0, 0, 500, 0]);
    assert_eq!(
        *machine.outages.lock().unwrap(),
        ["lost: expected a result within 500 ms, found none; end a process that locks the store, \
         or use a faster disk or network"]
    );
    // For each callback, gatepost counts three misses: for the signature, for the session and for
    // the claim. gatepost counts no miss for the end of the claim.
    let missed = [SharedUse::Signature, SharedUse::Session, SharedUse::Resend];
    assert_eq!(missed.map(|of| machine.missed(of)), [6, 6, 6]);
    assert_eq!(faulty.operations(), 2);
}

#[tokio::test(start_paused = true)]
async fn uses_failed_state_again_within_a_second_after_its_return() {
    let (faulty, machine) = faulty();
    faulty.set(Some(Fault::Fails));
    let mut app = App::new(200, "");
    machine.send("/tencent", &push(1), &mut app).await;
    faulty.set(None);
    machine.send("/tencent", &push(2), &mut app).await;
    sleep(Duration::from_secs(1)).await;
    machine.send("/tencent", &push(3), &mut app).await;
    assert_eq!(*machine.outages.lock().unwrap(), ["lost: no leader", "back after 6"]);
    // This machine remembers the replies that it sent during the outage.
    let resent = machine.send("/tencent", &push(1), &mut app).await;
    assert_eq!((resent.origin.as_str(), app.asked), ("resend", 3));
    let other = Machine::new("", &machine.state);
    for (sequence, origin) in [(3, "resend"), (2, "app")] {
        let sent = other.send("/tencent", &push(sequence), &mut app).await;
        assert_eq!(sent.origin.as_str(), origin, "{sequence}");
    }
}

#[tokio::test(start_paused = true)]
async fn late_state_loses_no_event() {
    let (faulty, machine) = faulty();
    faulty.set(Some(Fault::Late(600)));
    let mut app = App::new(200, "");
    assert_eq!(machine.send("/tencent", &push(1), &mut app).await.origin.as_str(), "app");
    faulty.set(Some(Fault::Late(100)));
    sleep(Duration::from_secs(1)).await;
    let started = Instant::now();
    assert_eq!(machine.send("/tencent", &push(2), &mut app).await.origin.as_str(), "app");
    // Four operations of 100 ms: the signature, the session, the claim and the end of the claim.
    assert_eq!((started.elapsed().as_millis(), app.asked), (400, 2));
}

#[tokio::test(start_paused = true)]
async fn asks_app_if_another_version_of_gatepost_wrote_shared_value() {
    let (faulty, machine) = faulty();
    let unknown =
        SharedValue { bytes: b"\xffnew".as_slice().into(), until: Timestamp::from_secs(T + 99) };
    let found = Arc::new(Constant(unknown));
    let state: Arc<dyn SharedState> = found;
    let newer = Machine { state, ..machine };
    drop(faulty);
    let mut app = App::new(200, "");
    assert_eq!(newer.send("/tencent", &push(1), &mut app).await.origin.as_str(), "app");
}

/// A state that returns the same value for each key.
struct Constant(SharedValue);

impl SharedState for Constant {
    fn insert(
        &self,
        _: SharedKey,
        value: SharedValue,
        _: Timestamp,
    ) -> StoreFuture<'_, Option<SharedValue>> {
        // A value of 16 bytes is a signature, which is new to this state.
        let found = (value.bytes.len() != 16).then(|| self.0.clone());
        Box::pin(std::future::ready(Ok(found)))
    }

    fn set(&self, _: SharedKey, _: SharedValue, _: Timestamp) -> StoreFuture<'_, ()> {
        Box::pin(std::future::ready(Ok(())))
    }

    fn get(&self, _: SharedKey, _: Timestamp) -> StoreFuture<'_, Option<SharedValue>> {
        Box::pin(std::future::ready(Ok(Some(self.0.clone()))))
    }

    fn replace(
        &self,
        _: SharedKey,
        _: Bytes,
        _: SharedValue,
        _: Timestamp,
    ) -> StoreFuture<'_, bool> {
        Box::pin(std::future::ready(Ok(false)))
    }

    fn remove(&self, _: SharedKey, _: Bytes) -> StoreFuture<'_, ()> {
        Box::pin(std::future::ready(Ok(())))
    }
}
