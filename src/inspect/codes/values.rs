//! Values of the labels `origin`, `code` and `result` that are not the code of a log line.

use super::{CodeGroup, CodeHelp};

/// Builds a [`CodeHelp`] from the value, its meaning, its causes, the outputs that contain the
/// value, and the remedy.
const fn value(texts: [&'static str; 5]) -> CodeHelp {
    let [code, meaning, causes, seen_in, remedy] = texts;
    let group = CodeGroup::Value;
    CodeHelp { code, group, meaning, causes: Some(causes), seen_in, remedy, in_layer: None }
}

const ORIGINS: &str = "`code` of the access log, `origin` of gatepost_callbacks_total";
const ATTEMPTS: &str = "`result` of gatepost_queue_attempts_total";
const STORE: &str = "`code` of gatepost_store_errors_total";
const NONE: &str = "nothing";

/// All values, sorted.
pub(super) const VALUES: &[CodeHelp] = &[
    value([
        "app",
        "gatepost made the reply from the app's answer",
        "the app gave a usable answer",
        ORIGINS,
        NONE,
    ]),
    value([
        "busy",
        "gatepost did not store the event, because too many operations wait for the store",
        "another process locks the store, or the disk is slow",
        STORE,
        "end the process that locks the store, or use a faster disk; the platform got 503; the platform's page in the gatepost manual says when the platform sends the callback again",
    ]),
    value([
        "challenge",
        "gatepost replied to a challenge of the platform without the app",
        "the platform checks that the address of the route exists, or that gatepost has the key",
        ORIGINS,
        NONE,
    ]),
    value([
        "dead",
        "the attempt failed, and gatepost stopped trying to deliver the event",
        "the app did not accept the event within give_up_after_secs",
        ATTEMPTS,
        "run `gatepost help event_dead`",
    ]),
    value(["delivered", "the app accepted the event", "the app answered 2xx", ATTEMPTS, NONE]),
    value([
        "expired",
        "gatepost stopped trying to deliver the event, without a further attempt",
        "the circuit of the app was still open when give_up_after_secs had passed, or the template or address of the event no longer exists",
        ATTEMPTS,
        "read the reason with `gatepost queue list`, then run `gatepost queue replay` or `gatepost queue drop`",
    ]),
    value([
        "failed",
        "as the result of an attempt: the app did not accept the event; as an error of the store: a write failed, or the file is damaged, so the store accepts no more events",
        "the app is down, slow, or refused the event; as an error of the store: a broken disk",
        "`result` of gatepost_queue_attempts_total, `code` of gatepost_store_errors_total",
        "as the result of an attempt: run `gatepost help delivery_failed`; as an error of the store: repair the disk, then restart gatepost",
    ]),
    value([
        "failure",
        "the app gave no usable answer, so gatepost sent the reply of on_failure to a decision, or 503 to a notification",
        "the app is down, slow, or answers in a form that gatepost cannot use",
        "`origin` of gatepost_callbacks_total",
        "run `gatepost help CODE` with the code in the log line or in gatepost_app_failures_total",
    ]),
    value([
        "fixed",
        "`answer` in the template sets the reply, and gatepost does not ask the app",
        "the entry of the kind under [template.on] has `answer`",
        ORIGINS,
        "nothing; if the app must decide, write `url` instead of `answer`",
    ]),
    value([
        "full",
        "gatepost did not store the event, because the store has reached max_bytes",
        "pending events and dead letters fill the store",
        STORE,
        "run `gatepost help store_full`",
    ]),
    value([
        "last_good",
        "the app gave no usable answer, so gatepost repeated the last good reply for the viewer",
        "the template has last_good, and the app is down, slow, or answers in a form that gatepost cannot use",
        "`origin` of gatepost_callbacks_total",
        "run `gatepost help CODE` with the code in the log line",
    ]),
    value([
        "lease_lost",
        "the claim of the attempt ended before its result, so gatepost or another machine may have sent the event once more",
        "the machine was suspended, or the store did not respond, for longer than timeout_ms plus 5 s",
        ATTEMPTS,
        "nothing, because both copies of the event have the same `ce-id`; if this result recurs, look for a slow store or a suspended machine",
    ]),
    value([
        "queued",
        "gatepost acknowledged the callback, because its event is durable in the store",
        "the kind has deliver = \"queued\"",
        ORIGINS,
        "nothing; `gatepost queue list` shows the state of the event",
    ]),
    value([
        "removed",
        "gatepost did not store the event, because the store's file or its write-ahead log is missing, or is another file",
        "a person or a program moved, removed or replaced the file while gatepost ran",
        STORE,
        "stop gatepost, put the file and its write-ahead log back, then start gatepost; the page `queue` of the manual shows how to save the events of a removed file",
    ]),
    value([
        "resend",
        "gatepost repeated its reply to an earlier copy of the callback, and did not ask the app",
        "the platform sent the callback again; dedupe is on",
        ORIGINS,
        "nothing; if the app must receive each copy, write dedupe = false in the entry of the kind",
    ]),
    value([
        "unavailable",
        "gatepost did not store the event, and a later attempt may succeed",
        "another process locks the store, the disk is slow or full, or the NATS servers do not respond",
        STORE,
        "run `gatepost help store_unavailable`",
    ]),
    value([
        "unlisted",
        "gatepost replied without the app, because the template does not list the kind",
        "[template.on] names neither the kind nor \"*\"",
        "log, `code` of the access log, `origin` of gatepost_callbacks_total",
        "nothing; if the app must receive the kind, list it under [template.on]",
    ]),
    value([
        "unsettled",
        "the store did not record the result of an attempt to deliver an event",
        "the store failed, or did not respond",
        ATTEMPTS,
        "run `gatepost help store_unavailable`; gatepost makes the attempt again",
    ]),
];

#[test]
fn values_are_sorted() {
    assert!(VALUES.is_sorted_by_key(|help| help.code));
}
