//! Codes of notes about callbacks, and of outcomes in shadow mode.

use super::{CodeGroup, CodeHelp, LOG, help};
use crate::memory::outage::SHARED_STATE_LOST;

const fn note(texts: [&'static str; 5]) -> CodeHelp {
    help(CodeGroup::Note, texts)
}

const fn shadow(texts: [&'static str; 5]) -> CodeHelp {
    help(CodeGroup::Shadow, texts)
}

const APP_LOG: &str = "log of the Rust app: `tracing` with the target gatepost::report";
const SHADOW_ANSWERS: &str = "log, gatepost_shadow_answers_total";

/// Notes, then outcomes in shadow mode, each group sorted.
pub(super) const NOTES: &[CodeHelp] = &[
    note([
        "answer_members_dropped",
        "the app's answer has members that the platform's reply does not have",
        "the app's framework adds members, or the app uses the field names of another platform",
        "log, once for each template and kind; gatepost_answer_members_dropped_total",
        "compare the names in `members` with `gatepost providers PROVIDER.KIND`",
    ]),
    note([
        "client_gone",
        "the client did not wait for the reply",
        "the app answers after the platform has stopped waiting, or the network failed",
        "access log, traces, gatepost_senders_gone_total",
        "make the app answer first, and do slow work after the answer",
    ]),
    note([
        "field_misfit",
        "a field of a genuine callback is missing, or does not have its declared type",
        "the platform has changed its payload, or a definition of your own is wrong",
        "log, gatepost_misfits_total, the header gatepost-misfits",
        "compare the fields in the log line with `gatepost providers PROVIDER.KIND`; report a change of the platform to the gatepost project",
    ]),
    note([
        "id_reused",
        "two callbacks with different data have the same signed id",
        "the platform reuses ids, or a client sends a signed callback with another body",
        "log, gatepost_ids_reused_total",
        "find both callbacks with `gatepost capture list`, and compare them; if one is forged, rotate the key",
    ]),
    note([
        "not_a_callback",
        "gatepost refused a request for a path without a route, because the app sets callbacks_only",
        "a client called a path that is not a callback path, or `path` of a route lacks the prefix of a nested router",
        APP_LOG,
        "write `path` of each route as clients send it, including the prefix in `nest`",
    ]),
    note([
        "not_accepted",
        "an extractor of a Rust app received a request that gatepost has not accepted",
        "the handler is outside of GateLayer, or no [[route]] has its path",
        APP_LOG,
        "add the handler to the router before you call `.layer` with GateLayer, or add a [[route]] with the handler's path to the config",
    ]),
    note([
        "shared_limit_differs",
        "another machine has a different per_second or burst for the shared limit of a route",
        "the configs of the machines differ; each machine then has its own budget",
        LOG,
        "write the same per_second and burst on all machines; the log line has the values of both machines",
    ]),
    note([
        "shared_state_back",
        "gatepost uses the shared state again",
        "the store responds in time again",
        "log, gatepost_shared_state_up",
        "nothing; `missed` counts the operations that failed, or that gatepost skipped, during the outage",
    ]),
    note([
        "shared_state_lost",
        SHARED_STATE_LOST,
        "another process locks the store, the disk is slow or full, a write failed, or the NATS servers do not respond",
        "log, gatepost_shared_state_up, gatepost_shared_state_missed_total",
        "read the reason in the log line; end the process that locks the store (`fuser FILE` finds it), free space on the disk, or start the NATS servers",
    ]),
    note([
        "timer_missing",
        "the tokio runtime of the app has no timer",
        "the app builds its runtime without enable_time",
        APP_LOG,
        "build the runtime with enable_time or enable_all",
    ]),
    note([
        "view_mismatch",
        "a handler takes a Rust type that does not fit the kind or the data of the callback",
        "a handler of the app receives several kinds, but takes the type of one kind",
        APP_LOG,
        "take the platform's enum of all kinds, or send each kind to a handler of its own (`url` under [template.on])",
    ]),
    shadow([
        "accepted",
        "in enforce mode, gatepost accepts the callback",
        "the route is in shadow mode",
        "log, gatepost_shadow_total",
        "once the log shows no refusal of a genuine callback, write mode = \"enforce\"",
    ]),
    shadow([
        "answer_not_asked",
        "in enforce mode, gatepost replies without asking the app",
        "the kind has a fixed answer, or [template.on] does not list it",
        SHADOW_ANSWERS,
        "if the app must receive the kind, list it under [template.on]",
    ]),
    shadow([
        "answer_passed",
        "in enforce mode, gatepost sends the same status and body as the app",
        "the app answers in the platform's form",
        SHADOW_ANSWERS,
        "nothing; in enforce mode, the platform gets the same reply",
    ]),
    shadow([
        "answer_put_right",
        "in enforce mode, gatepost writes a corrected reply from the app's answer",
        "the app's answer has values of the wrong type, or is not in the platform's form",
        SHADOW_ANSWERS,
        "read the changes in the log line; if the platform must not get the changed reply, correct the app",
    ]),
    shadow([
        "answer_replaced",
        "in enforce mode, gatepost sends the reply of on_failure, or 503",
        "the app failed, or gatepost cannot make a reply from its answer",
        SHADOW_ANSWERS,
        "run `gatepost help CODE` with the code in `reason`, and correct the app before you write mode = \"enforce\"",
    ]),
    shadow([
        "answer_unjudged",
        "gatepost cannot read the answer",
        "the app compressed the answer for the platform",
        SHADOW_ANSWERS,
        "turn compression off in the app, or compare the answer by hand",
    ]),
    shadow([
        "answer_unseen",
        "gatepost did not receive the whole answer",
        "the app closed the connection during its answer, or the answer is longer than 256 KiB",
        SHADOW_ANSWERS,
        "read the app's log",
    ]),
    shadow([
        "unseen",
        "gatepost received no byte of the body",
        "the app was down, or did not read the body",
        "log, gatepost_shadow_total",
        "read the app's log",
    ]),
];
