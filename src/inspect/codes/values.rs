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
    value(["app", "the reply is the app's answer", "the app gave a usable answer", ORIGINS, NONE]),
    value([
        "busy",
        "gatepost did not store the event, because too many operations wait for the store",
        "another process locks the store, or the disk is slow",
        STORE,
        "end the process that locks the store, or use a faster disk; the platform got 503, and sends the callback again as its page says",
    ]),
    value([
        "challenge",
        "gatepost replied to a challenge of the platform without the app",
        "the platform tests the address of the route",
        ORIGINS,
        NONE,
    ]),
    value([
        "dead",
        "gatepost gave up the event after this attempt",
        "the app did not accept the event before give_up_after_secs",
        ATTEMPTS,
        "look up event_dead with `gatepost help`",
    ]),
    value(["delivered", "the app accepted the event", "the app answered 2xx", ATTEMPTS, NONE]),
    value([
        "expired",
        "gatepost gave up the event without a further attempt",
        "the circuit of the app was open until give_up_after_secs, or the template or address of the event no longer exists",
        ATTEMPTS,
        "read the reason with `gatepost queue list`, then `gatepost queue replay`, or `gatepost queue drop`",
    ]),
    value([
        "failed",
        "an attempt to deliver an event failed; as an error of the store: the store has closed after a failed write",
        "the app did not accept the event; as an error of the store: a broken or full disk",
        "`result` of gatepost_queue_attempts_total, `code` of gatepost_store_errors_total",
        "look up delivery_failed with `gatepost help`; as an error of the store: repair the disk, then restart gatepost",
    ]),
    value([
        "failure",
        "the app gave no usable answer, so gatepost replied with on_failure to a decision, and with 503 to a notification",
        "the app is down, slow, or answers in another form",
        "`origin` of gatepost_callbacks_total",
        "look up the code of the log line, or of gatepost_app_failures_total, with `gatepost help`",
    ]),
    value([
        "fixed",
        "the reply is the fixed answer of the template",
        "the kind has `answer` in [template.on]",
        ORIGINS,
        "nothing; if the app must decide, write `url` instead of `answer`",
    ]),
    value([
        "full",
        "gatepost did not store the event, because the store has reached max_bytes",
        "pending events and dead letters fill the store",
        STORE,
        "look up store_full with `gatepost help`",
    ]),
    value([
        "last_good",
        "the app gave no usable answer, so gatepost repeated the last good reply for the viewer",
        "the template has last_good, and the app is down, slow, or answers in another form",
        "`origin` of gatepost_callbacks_total",
        "look up the code of the log line with `gatepost help`",
    ]),
    value([
        "lease_lost",
        "another gatepost, or a later attempt, has taken over the event of this attempt",
        "the machine was suspended, or the store did not respond, for longer than the lease of the attempt",
        ATTEMPTS,
        "nothing; the app may have received the event twice, with the same `ce-id`; if it recurs, look for a slow store or a paused machine",
    ]),
    value([
        "queued",
        "gatepost acknowledged the callback, because its event is durable in the store",
        "the kind has deliver = \"queued\"",
        ORIGINS,
        "nothing; `gatepost queue list` shows the delivery",
    ]),
    value([
        "removed",
        "gatepost did not store the event, because the file or the log of the store was removed or replaced",
        "a person or a program moved, removed or restored the file while gatepost was running",
        STORE,
        "stop gatepost, put the file and its log back, then start gatepost; the manual page queue shows how to save the events of a removed file",
    ]),
    value([
        "resend",
        "gatepost repeated the reply to an earlier copy of the callback, without asking the app again",
        "the platform sent the callback again; dedupe is on",
        ORIGINS,
        "nothing; if an app needs each copy, write dedupe = false",
    ]),
    value([
        "unavailable",
        "gatepost did not store the event, and a later attempt may succeed",
        "another process locks the store, or the disk is slow or full",
        STORE,
        "look up store_unavailable with `gatepost help`",
    ]),
    value([
        "unlisted",
        "gatepost replied without the app, because the template does not list the kind",
        "the platform sends a kind that [template.on] does not name",
        "log, `code` of the access log, `origin` of gatepost_callbacks_total",
        "nothing; if the app must receive the kind, list it under [template.on]",
    ]),
    value([
        "unsettled",
        "the store did not record the result of an attempt",
        "the store failed, or did not respond",
        ATTEMPTS,
        "look up store_unavailable with `gatepost help`; gatepost makes the attempt again",
    ]),
];

#[test]
fn values_are_sorted() {
    assert!(VALUES.is_sorted_by_key(|help| help.code));
}
