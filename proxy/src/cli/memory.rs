//! Upper bound on the memory that clients without a key can make gatepost use. `gatepost check`
//! prints this bound.

use std::num::NonZero;

use gatepost::{Capture, Config};
use gatepost_store::MAX_WAITING_BYTES;

use crate::inbound::{
    CONNECTION_BYTES, IDLE_CONNECTION_BYTES, PASSING_CONNECTION_BYTES, TLS_BYTES,
};
use crate::queue::MAX_IN_FLIGHT;
use crate::telemetry::{access_log, log};

const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;

/// Program, definitions, worker threads and connections to apps. Under load, they use 35 MB.
const PROGRAM_BYTES: usize = 64 * MIB;

/// Tables of fixed size, with the callbacks, signatures, ids, replies and clients that gatepost
/// remembers.
const REMEMBERED_BYTES: usize = 16 * MIB;

/// The store: two page caches of 2 MiB, statements, and the write-ahead log that a reader maps.
const STORE_BYTES: usize = 16 * MIB;

/// Memory of a queued event that gatepost is sending, as a multiple of the length of its body. One
/// copy is the body as read from the store, the other is the body as sent.
const SENDING: usize = 2;

/// Memory for judging a body, as a multiple of its length.
const JUDGING: usize = 16;

/// Memory of a genuine callback that waits for the app, as a multiple of the length of its body:
/// one part for the body as received, and two parts for the event.
const WAITING: usize = 3;

/// A part of the memory: its size in bytes, and its description.
type MemoryPart = (usize, String);

/// Returns the lines about memory: the total, its parts, and the memory that genuine callbacks and
/// queued events need in addition.
pub(super) fn lines(config: &Config) -> Vec<String> {
    let parts = parts(config);
    let total: usize = parts.iter().map(|(bytes, _)| mib(*bytes)).sum();
    let first = format!("memory: at most {total} MiB, whatever clients without a key send");
    let rest = parts.iter().map(|(bytes, what)| format!("memory: {} MiB for {what}", mib(*bytes)));
    let waiting = WAITING * config.longest_body() + 2 * gatepost::MAX_ANSWER_BYTES;
    let last =
        format!("memory: in addition, {} KiB for each genuine callback in flight", waiting / KIB);
    let sending = SENDING * config.longest_body() * MAX_IN_FLIGHT;
    let sending = format!(
        "memory: in addition, {} MiB for the queued events in flight to one app",
        mib(sending)
    );
    let sending = config.proxy().store.is_some().then_some(sending);
    [first].into_iter().chain(rest).chain([last]).chain(sending).collect()
}

fn parts(config: &Config) -> Vec<MemoryPart> {
    let settings = config.proxy();
    let connections = settings.max_connections.get();
    let tls = if settings.listen_tls.is_empty() { 0 } else { TLS_BYTES };
    let each = connection(settings.upstream.is_some()) + tls;
    let unjudged = settings.max_unjudged_bytes.get();
    let cores = std::thread::available_parallelism();
    let threads = settings.threads.or(cores.ok()).map_or(1, NonZero::get);
    let has_access_log = settings.telemetry.access_log.is_some();
    let log_queue = log::QUEUE_BYTES + if has_access_log { access_log::QUEUE_BYTES } else { 0 };
    let inspector = settings.inspector;
    let captured = match inspector.capture {
        Capture::None => 0,
        Capture::Full | Capture::Masked => inspector.max_bytes.get(),
    };
    let idle = (IDLE_CONNECTION_BYTES + tls) / KIB;
    let mut parts = vec![
        (PROGRAM_BYTES, "the program, definitions, connections to apps".into()),
        (
            connections.saturating_mul(each),
            format!(
                "{connections} connections of {} KiB; an idle HTTP/1 connection has {idle} KiB",
                each / KIB
            ),
        ),
        (unjudged, "heads and bodies without a verdict (max_unjudged_bytes)".into()),
        (unjudged, "freed heads and bodies that the allocator still holds".into()),
        (threads * JUDGING * config.longest_body(), format!("judging on {threads} threads")),
        (REMEMBERED_BYTES, "remembered callbacks, signatures, replies and clients".into()),
        (captured, "captured callbacks (max_bytes of inspector)".into()),
        (log_queue, "waiting log lines".into()),
    ];
    if settings.store.is_some() {
        let waiting = MAX_WAITING_BYTES.max(config.longest_body());
        parts.push((STORE_BYTES, "caches of the store".into()));
        parts.push((waiting, "events and values that wait for the store".into()));
    }
    parts
}

const fn connection(has_upstream: bool) -> usize {
    if has_upstream { PASSING_CONNECTION_BYTES } else { CONNECTION_BYTES }
}

const fn mib(bytes: usize) -> usize {
    bytes.div_ceil(MIB)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn memory(keys: &str) -> Vec<String> {
        let text =
            format!("{keys}\n[[route]]\npath = '/hook'\nprovider = 'kollus'\nmode = 'shadow'");
        lines(&Config::from_text(&text, "gatepost.toml").unwrap())
    }

    fn megabytes(line: &str) -> usize {
        line.split(' ').find_map(|word| word.parse().ok()).unwrap()
    }

    #[test]
    fn total_is_sum_of_parts() {
        for keys in ["threads = 2", "max_connections = 100\nmax_unjudged_bytes = 1048576"] {
            let lines = memory(keys);
            let [total, parts @ .., _additional] = &*lines else {
                panic!("expected at least two lines, found {lines:?}")
            };
            assert_eq!(megabytes(total), parts.iter().map(|line| megabytes(line)).sum::<usize>());
        }
    }

    #[test]
    fn store_adds_its_caches_and_the_events_that_wait_or_are_in_flight() {
        let lines = memory("[store]\nurl = 'sqlite:a.db'");
        for part in [
            "16 MiB for caches of the store",
            "64 MiB for events and values that wait for the store",
        ] {
            assert!(lines.contains(&format!("memory: {part}")), "{lines:?}");
        }
        assert_eq!(megabytes(&lines[0]) - megabytes(&memory("")[0]), 16 + 64);
        let last = "memory: in addition, 64 MiB for the queued events in flight to one app";
        assert_eq!(lines.last().map(String::as_str), Some(last));
    }

    #[test]
    fn total_depends_on_limits() {
        let total = |keys: &str| megabytes(&memory(keys)[0]);
        let few = total("threads = 2\nmax_connections = 1000");
        assert_eq!(total("threads = 2\nmax_connections = 2000") - few, 125);
        let larger = "threads = 2\nmax_connections = 1000\nmax_unjudged_bytes = 134217728";
        assert_eq!(total(larger) - few, 2 * 64);
    }
}
