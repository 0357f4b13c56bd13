//! Tests of a store on NATS: faults at the start, several machines, and loss of the connection.

use std::time::Duration;

use gatepost::{
    Appended, DedupeKey, Lane, NewEvent, QueueFilter, Settlement, Store as _, StoreError,
    StoredEvent,
};
use gatepost_store::{MAX_WAITING_BYTES, NatsError, NatsOptions, NatsStore};

use crate::contract::{T, append, event, rules};
use crate::nats_server::NatsServer;

const LARGE: u64 = 1 << 30;

pub(crate) fn open(options: NatsOptions) -> Result<NatsStore, NatsError> {
    NatsStore::open(options, rules(LARGE))
}

pub(crate) fn fault(options: NatsOptions) -> String {
    open(options).unwrap_err().to_string()
}

#[test]
#[ignore = "needs tests/peers/install"]
fn refuses_a_server_without_jetstream() {
    let server = NatsServer::with("");
    let fault = fault(server.options());
    assert!(fault.starts_with("test: expected JetStream, found"), "{fault}");
}

#[test]
#[ignore = "needs tests/peers/install"]
fn refuses_a_server_that_does_not_sync_each_write() {
    let server = NatsServer::with("jetstream { store_dir: 'FOLDER' }");
    let fault = fault(server.options());
    assert!(fault.contains("expected sync_interval: always, found sync_interval: 120s"), "{fault}");
}

#[test]
#[ignore = "needs tests/peers/install"]
fn refuses_too_few_servers_for_the_replicas() {
    let server = NatsServer::start();
    let fault = fault(NatsOptions { replicas: 3, ..server.options() });
    assert!(fault.starts_with("gatepost-events: expected 3 replicas, found"), "{fault}");
}

#[test]
#[ignore = "needs tests/peers/install"]
fn refuses_a_message_size_below_the_largest_event() {
    let server = NatsServer::start();
    let fault = fault(NatsOptions { largest_event: 1 << 20, ..server.options() });
    let expected = "expected max_payload of at least 1052672 bytes, found 1048576";
    assert!(fault.contains(expected), "{fault}");
}

#[test]
#[ignore = "needs tests/peers/install"]
fn refuses_streams_larger_than_the_server_permits() {
    let server =
        NatsServer::with("jetstream { store_dir: 'FOLDER', sync_interval: always, max_file: 1M }");
    let fault = fault(server.options());
    assert!(fault.contains("expected a stream of at most 1073741824 bytes, found"), "{fault}");
}

#[test]
#[ignore = "needs tests/peers/install"]
fn refuses_an_older_server() {
    // The greeting of the NATS server in Debian 12.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("nats://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        use std::io::{Read as _, Write as _};
        let (mut stream, _) = listener.accept().unwrap();
        let info = "INFO {\"server_id\":\"N\",\"server_name\":\"old\",\"version\":\"2.9.10\",\"host\":\
                    \"0.0.0.0\",\"port\":4222,\"headers\":true,\"max_payload\":1048576,\"jetstream\":true}\r\n";
        stream.write_all(info.as_bytes()).unwrap();
        let mut request = [0; 4096];
        let mut received = Vec::new();
        while !received.ends_with(b"PING\r\n") {
            let read = stream.read(&mut request).unwrap();
            received.extend_from_slice(&request[..read]);
        }
        stream.write_all(b"PONG\r\n").unwrap();
        while stream.read(&mut request).is_ok_and(|read| read > 0) {}
    });
    let server = NatsServer::start();
    let fault = fault(NatsOptions { servers: vec![url], ..server.options() });
    let expected = "old (0.0.0.0:4222): expected NATS 2.11 or newer, found 2.9.10; upgrade";
    assert!(fault.starts_with(expected), "{fault}");
}

#[tokio::test]
#[ignore = "needs tests/peers/install"]
async fn refuses_streams_of_a_newer_schema() {
    let server = NatsServer::start();
    drop(open(server.options()).unwrap());
    let client = async_nats::connect(&server.url).await.unwrap();
    let context = async_nats::jetstream::new(client);
    let stream = context.get_stream("gatepost-events").await.unwrap();
    let mut config = stream.cached_info().config.clone();
    config.metadata.insert("gatepost_schema".into(), "2".into());
    context.update_stream(&config).await.unwrap();
    let fault = fault(server.options());
    let expected = "gatepost-events: expected a stream of gatepost with schema 1, found schema 2";
    assert!(fault.starts_with(expected), "{fault}");
}

#[test]
#[ignore = "needs tests/peers/install"]
fn attach_needs_existing_streams() {
    let server = NatsServer::start();
    let error = NatsStore::attach(server.options(), rules(LARGE)).unwrap_err().to_string();
    assert!(error.ends_with("found none; start gatepost once"), "{error}");
}

#[tokio::test]
#[ignore = "needs tests/peers/install"]
async fn status_of_a_suspended_server_is_an_error_in_time() {
    let server = NatsServer::start();
    let store = open(server.options()).unwrap();
    server.suspend();
    let status = tokio::time::timeout(Duration::from_secs(60), store.status()).await;
    assert!(matches!(status, Ok(Err(_))), "expected an error within 60 s, found {status:?}");
}

#[tokio::test]
#[ignore = "needs tests/peers/install"]
async fn machines_share_events_and_keys() {
    let server = NatsServer::start();
    let (a, b) = (open(server.options()).unwrap(), open(server.options()).unwrap());
    let new = || NewEvent {
        event: event("1", "push", Some("s")),
        dedupe: Some(DedupeKey { key: [1; 16], until: T(1000) }),
    };
    let (first, second) = tokio::join!(a.append(new(), T(1)), b.append(new(), T(1)));
    let mut both = [first.unwrap(), second.unwrap()];
    both.sort_by_key(|appended| *appended == Appended::Duplicate);
    assert_eq!(both, [Appended::Durable, Appended::Duplicate]);
    let claimed = claim_by_either(&a, &b).await;
    assert_eq!(claimed.len(), 1);
    let settled = b.settle(&claimed[0].lease, Settlement::Delivered, T(2)).await;
    let settled =
        settled.unwrap() || a.settle(&claimed[0].lease, Settlement::Delivered, T(2)).await.unwrap();
    assert!(settled);
    for store in [&a, &b] {
        let appended = store.append(new(), T(3)).await;
        assert_eq!(appended, Ok(Appended::Duplicate), "expected a duplicate, found another result");
    }
    assert!(claim_by_either(&a, &b).await.is_empty());
}

/// Tries to claim events on both machines, at most 20 times, until at least one of them claims an
/// event. Returns the claims.
async fn claim_by_either(a: &NatsStore, b: &NatsStore) -> Vec<gatepost::Claimed> {
    let lane = Lane::new("live", "push");
    let mut claimed = Vec::new();
    for _ in 0..20 {
        for (owner, store) in [("a", a), ("b", b)] {
            claimed.extend(store.claim(&lane, owner, 10, T(9), T(1)).await.unwrap());
        }
        if !claimed.is_empty() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    claimed
}

#[tokio::test]
#[ignore = "needs tests/peers/install"]
async fn leaving_machine_hands_its_partitions_over() {
    let server = NatsServer::start();
    let old = open(server.options()).unwrap();
    let new = open(server.options()).unwrap();
    append(&old, event("1", "push", Some("s")), 1).await;
    let lane = Lane::new("live", "push");
    let first = old.claim(&lane, "old", 10, T(9), T(1)).await.unwrap();
    assert_eq!(first.len(), 1, "expected one claim of the first machine, found others");
    old.leave().await.unwrap();
    append(&new, event("2", "push", Some("t")), 1).await;
    assert!(old.settle(&first[0].lease, Settlement::Delivered, T(2)).await.unwrap());
    let mut claimed = Vec::new();
    while claimed.is_empty() {
        tokio::time::timeout(Duration::from_secs(10), new.changed()).await.unwrap().unwrap();
        claimed = new.claim(&lane, "new", 10, T(9), T(2)).await.unwrap();
    }
    assert_eq!(claimed[0].event.id, "2".into());
}

#[tokio::test]
#[ignore = "needs tests/peers/install"]
async fn next_owner_continues_after_the_lease_of_a_claim() {
    let server = NatsServer::start();
    let dead = open(server.options()).unwrap();
    append(&dead, event("1", "push", Some("s")), 1).await;
    append(&dead, event("2", "push", Some("s")), 1).await;
    let lane = Lane::new("live", "push");
    let first = dead.claim(&lane, "dead", 10, T(9), T(1)).await.unwrap();
    dead.leave().await.unwrap();
    let next = open(server.options()).unwrap();
    assert!(next.claim(&lane, "next", 10, T(20), T(8)).await.unwrap().is_empty());
    let second = next.claim(&lane, "next", 10, T(20), T(9)).await.unwrap();
    assert_eq!((&*second[0].event.id, second[0].lease.attempt), ("1", 2));
    assert!(!dead.settle(&first[0].lease, Settlement::Delivered, T(10)).await.unwrap());
    assert!(next.settle(&second[0].lease, Settlement::Delivered, T(10)).await.unwrap());
    let third = next.claim(&lane, "next", 10, T(20), T(10)).await.unwrap();
    assert_eq!(&*third[0].event.id, "2");
}

#[tokio::test]
#[ignore = "needs tests/peers/install"]
async fn events_remain_after_a_restart_of_the_server() {
    let server = NatsServer::start();
    let store = open(server.options()).unwrap();
    for number in 0..50 {
        append(&store, event(&number.to_string(), "push", Some("s")), 1).await;
    }
    let server = server.restart();
    let entries = store.list(&QueueFilter::default()).await.unwrap();
    assert_eq!(entries.len(), 50);
    drop(server);
    let event = NewEvent { event: event("x", "push", None), dedupe: None };
    let appended = tokio::time::timeout(Duration::from_secs(60), store.append(event, T(1))).await;
    let error = appended.unwrap().unwrap_err().to_string();
    assert!(error.starts_with("expected a response from NATS JetStream, found"), "{error}");
}

/// A relay to a server. A test can close the connections that the relay carries.
struct Way {
    port: u16,
    is_open: tokio::sync::watch::Sender<bool>,
}

impl Way {
    async fn to(server: &NatsServer) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let target = server.url.strip_prefix("nats://").unwrap().to_owned();
        let (is_open, watched) = tokio::sync::watch::channel(true);
        tokio::spawn(async move {
            while let Ok((mut client, _)) = listener.accept().await {
                let (mut watched, target) = (watched.clone(), target.clone());
                tokio::spawn(async move {
                    if !*watched.borrow() {
                        return;
                    }
                    let mut server = tokio::net::TcpStream::connect(target).await.unwrap();
                    tokio::select! {
                        _ = tokio::io::copy_bidirectional(&mut client, &mut server) => {}
                        _ = watched.wait_for(|is_open| !is_open) => {}
                    }
                });
            }
        });
        Self { port, is_open }
    }
}

#[tokio::test]
#[ignore = "needs tests/peers/install"]
async fn machine_skips_events_that_ended_while_it_had_no_connection() {
    let server = NatsServer::start();
    let way = Way::to(&server).await;
    let a = open(server.options()).unwrap();
    let url = format!("nats://127.0.0.1:{}", way.port);
    let options = NatsOptions { servers: vec![url], ..server.options() };
    let b = tokio::task::spawn_blocking(move || open(options)).await.unwrap().unwrap();
    for number in 0..60 {
        append(&a, event(&number.to_string(), "push", Some("s")), 1).await;
    }
    way.is_open.send(false).unwrap();
    let lane = Lane::new("live", "push");
    for _ in 0..60 {
        let claimed = a.claim(&lane, "a", 10, T(9), T(1)).await.unwrap();
        assert!(a.settle(&claimed[0].lease, Settlement::Delivered, T(1)).await.unwrap());
    }
    append(&a, event("last", "push", Some("s")), 1).await;
    way.is_open.send(true).unwrap();
    a.leave().await.unwrap();
    let next = async {
        loop {
            let claimed = b.claim(&lane, "b", 10, T(9), T(1)).await.unwrap_or_default();
            if let Some(claimed) = claimed.first() {
                return claimed.event.id.clone();
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    let id = tokio::time::timeout(Duration::from_secs(20), next).await;
    assert_eq!(id.as_deref(), Ok("last"), "expected the last event, found another");
}

#[tokio::test]
#[ignore = "needs tests/peers/install"]
async fn record_of_an_end_remains_after_the_event() {
    let server = NatsServer::start();
    let store = open(server.options()).unwrap();
    append(&store, event("1", "push", Some("s")), 1).await;
    let claimed = store.claim(&Lane::new("live", "push"), "a", 10, T(9), T(1)).await.unwrap();
    assert!(store.settle(&claimed[0].lease, Settlement::Delivered, T(1)).await.unwrap());
    let client = async_nats::connect(&server.url).await.unwrap();
    let context = async_nats::jetstream::new(client);
    let state = context.get_stream("gatepost-state").await.unwrap();
    let record = state.get_last_raw_message_by_subject("gatepost.claim.*.1").await.unwrap();
    assert_eq!(record.headers.get("Nats-TTL").map(|ttl| ttl.as_str()), Some("120"));
    let events = context.get_stream("gatepost-events").await.unwrap();
    assert_eq!(events.cached_info().state.messages, 0);
}

#[tokio::test]
#[ignore = "needs tests/peers/install"]
async fn event_that_the_leader_lacks_delays_its_line() {
    let server = NatsServer::start();
    let store = open(server.options()).unwrap();
    append(&store, event("1", "push", Some("s")), 1).await;
    append(&store, event("2", "push", Some("s")), 1).await;
    let client = async_nats::connect(&server.url).await.unwrap();
    let events = async_nats::jetstream::new(client).get_stream("gatepost-events").await.unwrap();
    // A leader that has not applied the first event yet also responds that the event is absent.
    events.delete_message(1).await.unwrap();
    let lane = Lane::new("live", "push");
    let claimed = store.claim(&lane, "a", 10, T(9), T(1)).await.unwrap();
    assert!(claimed.is_empty(), "expected no event before the first, found {claimed:?}");
    // After several comparisons with the stream, gatepost reads all events again, and no longer
    // waits for the absent event.
    let mut claimed = Vec::new();
    while claimed.is_empty() {
        tokio::time::timeout(Duration::from_secs(20), store.changed()).await.unwrap().unwrap();
        claimed = store.claim(&lane, "a", 10, T(9), T(1)).await.unwrap();
    }
    assert_eq!(&*claimed[0].event.id, "2");
}

#[tokio::test]
#[ignore = "needs tests/peers/install"]
async fn refuses_events_beyond_the_bytes_that_may_wait() {
    const BODY_BYTES: usize = 1 << 20;
    let server = NatsServer::start();
    let store = open(server.options()).unwrap();
    drop(server);
    let large = StoredEvent { body: vec![b'x'; BODY_BYTES].into(), ..event("x", "push", None) };
    let append = || store.append(NewEvent { event: large.clone(), dedupe: None }, T(1));
    let mut waiting: Vec<_> = (0..=MAX_WAITING_BYTES / BODY_BYTES).map(|_| append()).collect();
    let last = waiting.pop().unwrap().await;
    assert!(matches!(last, Err(StoreError::Busy { .. })), "expected a busy store, found {last:?}");
}
