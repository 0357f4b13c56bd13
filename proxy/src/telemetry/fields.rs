//! Fields of the lines of the log and of the access log, for the manual and for
//! `gatepost help FIELD`.
//!
//! A test of the program compares the lines that the program writes in all other tests with these
//! lists.

/// Field of a line: its name and its meaning.
pub(crate) type FieldHelp = (&'static str, &'static str);

/// Fields of each line with `--log-format json`.
pub(crate) const EACH_LINE: &[FieldHelp] = &[
    ("timestamp", "time of the line, in UTC"),
    ("level", "`ERROR`, `WARN`, `INFO` or `DEBUG`"),
    ("target", "module that writes the line; filter it with `GATEPOST_LOG=gatepost::report=debug`"),
    ("message", "text for people; it may change between versions"),
    ("log.target", "module of a library that writes the line, such as Pingora"),
    ("log.module_path", "the same module, with its path in the library"),
    ("log.file", "source file of the library"),
    ("log.line", "line of the source file"),
    ("code", "stable code of the line; `gatepost help CODE` explains it"),
    (
        "suppressed",
        "number of lines with this code that gatepost left out since the previous line with this code",
    ),
];

/// Fields of lines about callbacks.
pub(crate) const CALLBACKS: &[FieldHelp] = &[
    ("provider", "name of the provider, such as `tencent-css`"),
    ("route", "path of the route in the config"),
    ("template", "name of the template"),
    ("kind", "kind of the callback, such as `live_play`"),
    ("written", "name of a kind that the provider does not define, as the platform wrote it"),
    ("tenant", "tenant of the callback, such as a push domain or a channel key"),
    ("id", "`ce-id` of the event; in lines about a replay, the number of the captured callback"),
    ("source", "`ce-source` of the event"),
    ("from", "address of the client; behind trusted proxies, of the client that the proxies name"),
    ("status", "HTTP status of the reply"),
    ("decision", "`allow` or `deny`; absent if the reply neither allows nor denies"),
    ("elapsed_ms", "milliseconds from the head of the callback to its reply"),
    ("fields", "fields of the callback that do not fit the definition"),
    ("members", "members of the app's answer that gatepost left out of the reply"),
    ("mode", "`shadow` in lines about a route in shadow mode"),
    (
        "reason",
        "code of the reason for a failure, a dead letter, a prediction in shadow mode, or a stop",
    ),
    ("missing_headers", "headers of the callback that the app does not receive in enforce mode"),
    ("missing_fields", "fields of the callback that the app does not receive in enforce mode"),
];

/// Fields of lines about apps, the upstream and queued events.
pub(crate) const APPS: &[FieldHelp] = &[
    ("request", "method and path of a request that is not a callback, without the query"),
    (
        "app",
        "scheme, host and port of the app that gave no usable answer; if the app has several servers, those of each",
    ),
    ("timeout_ms", "time limit of the app's answer, in milliseconds"),
    ("server", "address of a server of an app or an upstream"),
    ("address", "address of an app, or of a listener"),
    ("lane", "template and kind of queued events, such as `live/push`"),
    ("number", "number of a queued event"),
    ("attempt", "number of the attempt to deliver a queued event, from 1"),
    ("outcome", "result of the attempt to deliver a queued event"),
    (
        "count",
        "number of queued events, of shared values, or of connections to unsuitable NATS servers",
    ),
    (
        "missed",
        "number of operations on the shared state that failed; gatepost continued without their results",
    ),
    ("removed", "number of dead letters whose retention has ended"),
    ("error", "error of a library"),
];

/// Fields of lines about the program and its config.
pub(crate) const PROGRAM: &[FieldHelp] = &[
    ("version", "version of gatepost"),
    ("config", "path of the config file"),
    ("fingerprint", "hash of the config that gatepost serves"),
    ("generation", "number of configs that this process has served"),
    ("routes", "number of routes"),
    ("templates", "number of templates"),
    ("listeners", "addresses on which gatepost listens"),
    ("watch", "`true` if gatepost watches its files"),
    ("cause", "cause of a reload: a signal or a changed file"),
    ("in_flight", "number of requests in flight when the stop began"),
    ("took_ms", "duration of the stop, in milliseconds"),
    ("uptime_secs", "seconds since the start"),
    ("dropped", "number of requests that the stop dropped"),
    ("caller", "address of the client that edited a template"),
    ("tenants", "tenants that an edit bound or unbound"),
    ("changes", "number of changes to the operator's account at a platform"),
    ("event_id", "`ce-id` of an event that an operator sent again"),
    ("edited", "`true` if the operator changed the event"),
    ("names", "names of a certificate"),
    ("end", "time at which the certificate expires"),
    ("lines", "number of lines that gatepost dropped"),
    ("counts", "number of dropped lines for each code"),
    ("limit", "maximum number of file descriptors"),
    ("connections", "maximum number of connections that the limit of file descriptors permits"),
];

/// Fields of each line of the access log. A field without a value is `null`. A line about a request
/// that is not a callback has no fields of callbacks.
pub(crate) const ACCESS_LOG: &[FieldHelp] = &[
    ("time", "time of the response, in UTC"),
    ("from", "address of the client"),
    ("method", "method of the request"),
    ("path", "path without the query, at most 256 bytes; `{token}` replaces a secret segment"),
    ("status", "status of the response; `null` if the client received none"),
    ("elapsed_ms", "milliseconds from the head of the request to the last byte of the response"),
    ("received_bytes", "bytes of the request's body"),
    ("sent_bytes", "bytes of the response's body"),
    ("provider", "callbacks: name of the provider"),
    ("template", "callbacks: name of the template"),
    ("tenant", "callbacks: tenant"),
    ("kind", "accepted callbacks: kind"),
    ("id", "accepted callbacks: `ce-id` of the event"),
    ("code", "callbacks: origin of the reply, or code of the refusal or failure, or `client_gone`"),
    ("decision", "accepted callbacks: `allow` or `deny`"),
    ("app_ms", "accepted callbacks: milliseconds of the request to the app"),
];

/// Returns the meanings of the field `name`, each with the name of its log.
pub(crate) fn help(name: &str) -> impl Iterator<Item = (&'static str, &'static str)> {
    let log =
        [EACH_LINE, CALLBACKS, APPS, PROGRAM].into_iter().flatten().map(|field| ("log", field));
    let access = ACCESS_LOG.iter().map(|field| ("access log", field));
    let name = name.to_owned();
    log.chain(access).filter(move |(_, field)| field.0 == name).map(|(log, field)| (log, field.1))
}

/// Returns the names of all fields.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    [EACH_LINE, CALLBACKS, APPS, PROGRAM, ACCESS_LOG].into_iter().flatten().map(|field| field.0)
}

#[test]
fn fields_page_has_every_field() {
    use crate::generated_page::{check, first_line};

    let mut text = first_line()
        + "All fields of the lines of the log and of the access log.

With `--log-format json`, each line of the log is one JSON object with these fields. A line in text form has the same fields after its
message. The log leaves out a field without a value; in the access log, such a field is `null`. A line of the access log about a
request that is not a callback has no fields of callbacks. No field contains a secret, a query or a body.

gatepost writes the log to standard error only, and the access log to the file in `[telemetry]`.

`gatepost help FIELD` prints the same text. [Metrics, log and traces](observe.md) says which lines gatepost writes;
[codes](codes.md) explains the values of `code`.
";
    for (title, fields) in [
        ("Each line of the log", EACH_LINE),
        ("Lines about callbacks", CALLBACKS),
        ("Lines about apps, the upstream and the queue", APPS),
        ("Lines about the program and its config", PROGRAM),
        ("Access log", ACCESS_LOG),
    ] {
        text += &format!("\n# {title}\n\n| field | meaning |\n|---|---|\n");
        fields.iter().for_each(|(name, about)| text += &format!("| `{name}` | {about} |\n"));
    }
    check("log.md", &text);
}
