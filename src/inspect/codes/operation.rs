//! Codes that are neither a verdict nor a fault of the config: notes about callbacks, shadow mode,
//! connections, the operation of the program, and the admin API.

use super::{CodeGroup, CodeHelp};
use crate::memory::outage::SHARED_STATE_LOST;

/// Builds a [`CodeHelp`] from the code, its meaning, its causes, the outputs that contain the code,
/// and the remedy.
const fn help(group: CodeGroup, texts: [&'static str; 5]) -> CodeHelp {
    let [code, meaning, causes, seen_in, remedy] = texts;
    CodeHelp { code, group, meaning, causes: Some(causes), seen_in, remedy, in_layer: None }
}

const fn note(texts: [&'static str; 5]) -> CodeHelp {
    help(CodeGroup::Note, texts)
}

const fn shadow(texts: [&'static str; 5]) -> CodeHelp {
    help(CodeGroup::Shadow, texts)
}

const fn connection(texts: [&'static str; 5]) -> CodeHelp {
    help(CodeGroup::Connection, texts)
}

const fn operation(texts: [&'static str; 5]) -> CodeHelp {
    help(CodeGroup::Operation, texts)
}

const fn admin_api(texts: [&'static str; 5]) -> CodeHelp {
    help(CodeGroup::AdminApi, texts)
}

const LOG: &str = "log";
const APP_LOG: &str = "log of the Rust app: `tracing` with the target gatepost::report";
const SHADOW_ANSWERS: &str = "log, gatepost_shadow_answers_total";
const REJECTED: &str = "log, gatepost_requests_rejected_total";
const CLOSED: &str = "log, gatepost_connections_closed_total";
const PASSED: &str = "log, gatepost_requests_passed_total";
const START: &str = "the message at the start, after which gatepost ends with exit status 1";
const STORE_START: &str = "the message at the start and of `gatepost queue`, with exit status 1; with --log-format json, the line has the field `code`";
const STORE_WAIT: &str = "the message at the start and of `gatepost queue`, with exit status 1; log, while the start waits";
const API: &str = "the body of the response";
const API_REFUSALS: &str = "the body of the response, gatepost_admin_refusals_total";

/// Codes that belong neither to a verdict nor to a fault of the config, sorted by code in each
/// group.
pub(super) const OTHERS: &[CodeHelp] = &[
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
        "gatepost refused a request for a path without a route, because callbacks_only is set",
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
        "gatepost would accept the callback",
        "the route is in shadow mode",
        "log, gatepost_shadow_total",
        "once gatepost would refuse no genuine callback, write mode = \"enforce\"",
    ]),
    shadow([
        "answer_not_asked",
        "gatepost would reply without asking the app",
        "the kind has a fixed answer, or [template.on] does not list it",
        SHADOW_ANSWERS,
        "if the app must receive the kind, list it under [template.on]",
    ]),
    shadow([
        "answer_passed",
        "gatepost would send the same status and body as the app",
        "the app answers in the platform's form",
        SHADOW_ANSWERS,
        "nothing; in enforce mode, the platform gets the same reply",
    ]),
    shadow([
        "answer_put_right",
        "gatepost would write a corrected reply from the app's answer",
        "the app's answer has values of the wrong type, or is not in the platform's form",
        SHADOW_ANSWERS,
        "read the changes in the log line; if the platform must not get the changed reply, correct the app",
    ]),
    shadow([
        "answer_replaced",
        "gatepost would send the reply of on_failure, or 503",
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
        "gatepost did not see the whole answer",
        "the app closed the connection during its answer, or the answer is longer than 256 KiB",
        SHADOW_ANSWERS,
        "read the app's log",
    ]),
    shadow([
        "unseen",
        "gatepost saw no byte of the body",
        "the app was down, or did not read the body",
        "log, gatepost_shadow_total",
        "read the app's log",
    ]),
    connection([
        "head_too_large",
        "the head of a request is longer than 64 KiB",
        "a client sends huge headers or cookies",
        REJECTED,
        "look for the client in `from`; no platform sends such a head",
    ]),
    connection([
        "host_invalid",
        "the `host` of the request is missing, repeated or malformed, or contradicts the target of the request",
        "a scanner, a health check without a host, or a broken proxy in front of gatepost",
        REJECTED,
        "make the proxy in front of gatepost send one `host`",
    ]),
    connection([
        "proxy_protocol_broken",
        "the connection does not begin with a valid header of the PROXY protocol, or its peer is not in trusted_proxies",
        "proxy_protocol is true, but the load balancer or a health check does not send the header, or its address is not in trusted_proxies",
        LOG,
        "turn the PROXY protocol on in the load balancer, or add its address to trusted_proxies; without a load balancer, remove proxy_protocol",
    ]),
    connection([
        "request_too_slow",
        "the client sent the head of a request at less than 1 KiB per second",
        "a broken network, or a client that keeps connections open on purpose",
        CLOSED,
        "look for the client in `from`; if the client is the platform, look for a slow proxy in front of gatepost",
    ]),
    connection([
        "request_unreadable",
        "the request is not HTTP, or its head, target or chunks are malformed",
        "a scanner, TLS sent to a listener without TLS, or a client that closed the connection during the request",
        "log, gatepost_requests_unreadable_total",
        "if the client is yours, use http:// for `listen` and https:// for `listen_tls`",
    ]),
    connection([
        "route_not_found",
        "no route has the path of the request, and the config has no upstream, so gatepost replied 404",
        "a wrong address in the platform's console, a proxy in front of gatepost that changes the path, a scanner, or a health check",
        "log, gatepost_requests_not_found_total",
        "compare the path in `request` with `gatepost routes`; often, a proxy in front of gatepost removes the start of the path, as nginx does if `proxy_pass` has a path; let health checks call /readyz on `admin`",
    ]),
    connection([
        "target_invalid",
        "the target of the request is neither a path nor an HTTP URL",
        "a scanner, or a client that uses gatepost as a forward proxy",
        REJECTED,
        "look for the client in `from`",
    ]),
    connection([
        "tls_certificate_not_accepted",
        "the client does not accept gatepost's certificate",
        "the certificate has expired, does not have the name that the client requested, or its chain is incomplete",
        CLOSED,
        "run `gatepost check` to see the names and dates of each certificate, and write the whole chain into the file in `chain`",
    ]),
    connection([
        "tls_client_certificate_refused",
        "the client has not sent a certificate of an authority in client_ca",
        "client_ca is set, and the client has no certificate, or a certificate of another authority",
        CLOSED,
        "give the client a certificate of the authority, or remove client_ca",
    ]),
    connection([
        "tls_expected",
        "a client connected without TLS to a listener with TLS",
        "the client uses an address that begins with http://",
        CLOSED,
        "write the address with https:// in the platform's console, or send plain HTTP to an address in `listen`",
    ]),
    connection([
        "tls_handshake_failed",
        "the TLS handshake failed",
        "the client disconnected, or client and gatepost have no cipher in common",
        CLOSED,
        "try `openssl s_client -connect HOST:PORT`",
    ]),
    connection([
        "tls_handshake_slow",
        "the TLS handshake took longer than 10 seconds",
        "a slow network, or a client that keeps connections open on purpose",
        CLOSED,
        "look for the client in `from`",
    ]),
    connection([
        "tls_version_refused",
        "the client supports only TLS versions that min_version does not permit",
        "the client is old",
        CLOSED,
        "update the client; if min_version is \"1.3\", write min_version = \"1.2\"",
    ]),
    connection([
        "too_many_connections",
        "there are more connections than max_connections",
        "many clients, or one client that opens more and more connections",
        CLOSED,
        "look for the client in `from`; if all connections are genuine, raise max_connections",
    ]),
    connection([
        "too_many_unjudged_bytes",
        "the unfinished requests of all clients hold more than max_unjudged_bytes, or those of one client hold more than an eighth of max_unjudged_bytes",
        "a client begins large requests and does not complete them",
        CLOSED,
        "look for the client in `from`; if the requests are genuine, raise max_unjudged_bytes",
    ]),
    operation([
        "address_in_use",
        "gatepost cannot listen on an address, because another program uses its port",
        "another gatepost or another program runs on this machine",
        START,
        "find the program with `ss -ltnp`, and stop it; or write another port into listen, listen_tls or admin",
    ]),
    operation([
        "delivery_failed",
        "an attempt to deliver a queued event failed; the log line appears after each failed attempt of a kind with deliver = \"queued\", until the app accepts the event or gatepost stops trying",
        "the app is down, slow, or did not accept the event; the log line names the attempt and the code of the failure",
        "log, gatepost_queue_attempts_total, `gatepost queue list`",
        "run `gatepost help CODE` with the code in the log line, and repair the app; gatepost tries again by itself, with growing waits; after give_up_after_secs, it logs event_dead",
    ]),
    operation([
        "event_damaged",
        "gatepost stopped trying to deliver a queued event, because the stored bytes of the event have changed",
        "a broken disk, broken memory, or a person who has edited the row",
        "log, the reason of the dead letter in `gatepost queue list`",
        "check the disk and the memory; get the event from the platform, or read it with `gatepost queue show`",
    ]),
    operation([
        "event_dead",
        "gatepost stopped trying to deliver a queued event",
        "the app did not accept the event within give_up_after_secs, or the template or the address of the event no longer exists",
        "log, gatepost_queue_events{state=\"dead\"}, `gatepost queue list`",
        "repair the app, then run `gatepost queue replay`; to discard the event, run `gatepost queue drop`",
    ]),
    operation([
        "log_lines_over_budget",
        "gatepost omitted log lines",
        "forged traffic or errors of the app cause more lines than the log's budget",
        "log, gatepost_log_lines_over_budget_total",
        "read the counts in the log line; the metrics count every callback",
    ]),
    operation([
        "mirror_failed",
        "the address in `mirror` did not accept the copy of an event",
        "the app at this address is down or slow, answered no 2xx, or 64 copies are already in flight",
        "log, gatepost_mirrored_events_total",
        "read the reason and `app` in the log line, then repair that app, or remove `mirror`; the failure affects neither the reply to the platform nor the app in `url`",
    ]),
    operation([
        "nats_jetstream_missing",
        "a NATS server or the account has no JetStream",
        "the config of the server has no jetstream block, or the account of the login does not permit JetStream",
        STORE_START,
        "add a jetstream block to the config of each server, and enable JetStream for the account; `nats account info` shows the state",
    ]),
    operation([
        "nats_login_invalid",
        "the credentials or the NKey for NATS are malformed",
        "the file or variable contains other text, or only a part of the credentials or of the seed",
        STORE_START,
        "copy the whole file of credentials, or the seed of the NKey, and compare the keys under [store] with the page `machines` of the manual",
    ]),
    operation([
        "nats_monitor_invalid",
        "an address in monitor of [store] is not http://HOST:PORT",
        "a misspelt address, or https",
        STORE_START,
        "write the address of the monitor port of each server, such as http://10.0.1.1:8222",
    ]),
    operation([
        "nats_not_synced",
        "a NATS server does not write each message to disk before it acknowledges the message",
        "the jetstream block of the server lacks sync_interval: always, so a power failure could lose acknowledged events",
        STORE_START,
        "add sync_interval: always to the jetstream block of each server, and restart the servers one by one",
    ]),
    operation([
        "nats_payload_small",
        "the largest event does not fit into a message of the NATS server",
        "max_body_bytes of a route is larger than max_payload of the server",
        STORE_START,
        "raise max_payload on each server, or lower max_body_bytes of the routes",
    ]),
    operation([
        "nats_replicas_missing",
        "a stream has fewer replicas than `replicas` in [store], or the cluster has fewer servers than `replicas`",
        "a server is down, the servers form no cluster, or gatepost created the stream when `replicas` was lower",
        STORE_START,
        "start all servers as one cluster (`nats server list` shows them), or run the command in the message; lower replicas only for a test",
    ]),
    operation([
        "nats_server_unsuitable",
        "after the start, gatepost has connected to a NATS server that it would have refused at the start",
        "a server of the cluster has an older version, or a smaller max_payload, than the others",
        LOG,
        "upgrade the server that the log line names, or raise its max_payload",
    ]),
    operation([
        "nats_stream_refused",
        "a NATS server refuses to create or to open a stream",
        "max_file of the server or the limit of the account is smaller than max_bytes, or the login may not manage streams",
        STORE_START,
        "read the response of the server in the message; raise max_file, lower max_bytes, or permit the login to manage streams",
    ]),
    operation([
        "nats_tls_invalid",
        "gatepost cannot use the files for TLS connections to NATS",
        "a file of [[outgoing_tls]] is missing, or is not PEM",
        STORE_START,
        "correct the file that the message names; `gatepost check` names it, too",
    ]),
    operation([
        "nats_unreachable",
        "no NATS server responds, or the cluster has no leader",
        "the servers are down, url names a wrong port, a firewall drops the connection, or no more than half of the servers run",
        STORE_WAIT,
        "start the servers, and check url in [store] with `nats server check connection -s URL` from this machine; at its start, gatepost waits up to 10 seconds for the servers, and logs that it waits",
    ]),
    operation([
        "nats_version_old",
        "a NATS server is older than 2.11",
        "the server was not upgraded",
        STORE_START,
        "upgrade each server to NATS 2.11 or newer",
    ]),
    operation([
        "panic",
        "gatepost has a bug",
        "a task of gatepost panicked",
        LOG,
        "report the log line to the gatepost project; gatepost continues with other requests",
    ]),
    operation([
        "restart_needed",
        "a reload failed, because a changed setting applies only after a restart",
        "an operator changed one of the keys that the log line names",
        "log, gatepost_config_reloads_total{result=\"failure\"}",
        "restart gatepost, or run `gatepost run --upgrade`; to keep the earlier setting, undo the change",
    ]),
    operation([
        "server_down",
        "a server in a list of addresses does not respond",
        "the server is down or too slow",
        LOG,
        "repair the server; gatepost probes it each second",
    ]),
    operation([
        "shared_value_damaged",
        "gatepost did not use values of the shared state whose stored bytes have changed",
        "a broken disk, broken memory, or a person who has edited the row",
        LOG,
        "check the disk and the memory; the app may have received a callback twice, and gatepost may have accepted a reused signature",
    ]),
    operation([
        "stopped",
        "gatepost has stopped with exit status 0",
        "a signal, or a new gatepost that took over the listeners; the log line names the cause in `reason`",
        LOG,
        "nothing; if you did not stop gatepost, look for the sender of the signal, such as a supervisor or a deployment",
    ]),
    operation([
        "stopping",
        "gatepost accepts no more connections, finishes the requests in flight, and ends with exit status 0",
        "a signal, or a new gatepost that took over the listeners; the log line names the cause in `reason`",
        LOG,
        "nothing; with Restart=on-failure, systemd does not start gatepost again, because the exit status is 0",
    ]),
    operation([
        "store_damaged",
        "the file of the store, or its write-ahead log, is damaged",
        "a broken disk, a copy of the file while gatepost ran, or a change of the file by hand",
        STORE_START,
        "first copy the file and the files with the suffixes -wal and -shm; then do what the message says, and see the section Damage on the page `queue` of the manual",
    ]),
    operation([
        "store_file_unusable",
        "gatepost cannot create, read or write the file of the store",
        "the folder does not exist, gatepost's user may not write to it or to the file, the disk is full, or another process locks the file",
        STORE_START,
        "let gatepost's user write to the folder and to the file (`ls -ld FOLDER`, `df FOLDER`), and end the process that locks the file (`fuser FILE` finds it)",
    ]),
    operation([
        "store_foreign",
        "the file in url of [store] is not a store of gatepost",
        "the path names the database of another program, or another file",
        STORE_START,
        "write the path of a new file into url; gatepost creates it",
    ]),
    operation([
        "store_schema_unknown",
        "the store has another schema than this gatepost, or does not exist yet",
        "a newer gatepost has written the store, another program uses the stream, or a command runs before the first start of this version",
        STORE_START,
        "run the version of gatepost that wrote the store, or a newer version; if the message says so, start gatepost once; if another program or installation uses the stream in NATS, set another `prefix` under [store]",
    ]),
    operation([
        "store_thread_missing",
        "the operating system refused a thread for the store",
        "the limit of processes or of memory is reached",
        STORE_START,
        "raise the limit (`ulimit -u`, TasksMax of the systemd unit), then start gatepost",
    ]),
    operation([
        "store_unsupported",
        "this gatepost does not support the store in url of [store]",
        "gatepost was built without the feature nats, or url names a store of another type",
        STORE_START,
        "install a gatepost with the feature nats, or write url = \"sqlite:FILE\"",
    ]),
    operation([
        "traces_failed",
        "gatepost could not send traces",
        "the collector is down, or the address in otlp is wrong",
        LOG,
        "check the address in otlp with curl from this machine",
    ]),
    operation([
        "upstream_broken",
        "the response of the upstream is not valid HTTP",
        "the upstream uses TLS, or a protocol other than HTTP/1.1",
        PASSED,
        "check the scheme and the port of `upstream`",
    ]),
    operation([
        "upstream_failed",
        "the upstream did not respond to a request that is not a callback",
        "the app is not running, `upstream` is wrong, or TLS failed",
        PASSED,
        "start the app, and check `upstream` with curl from this machine; for a port with TLS, write https:// in `upstream`, and for a port without TLS, http://; if the log line is about TLS, do what it says: [[outgoing_tls]] has the keys ca (the PEM file with the certificate of a private authority), server_name and certificate",
    ]),
    operation([
        "upstream_incomplete",
        "the response of the upstream ended early",
        "the app crashed, or sent fewer bytes than content-length states",
        PASSED,
        "read the app's log",
    ]),
    operation([
        "upstream_too_large",
        "the head of the upstream's response is too large",
        "the app sends huge headers or cookies",
        PASSED,
        "shorten the headers of the app",
    ]),
    operation([
        "upstream_unresolved",
        "gatepost found no IP address for the name of the upstream",
        "a misspelt name, or DNS does not respond",
        LOG,
        "correct the name in `upstream`, or try `getent hosts NAME`",
    ]),
    admin_api([
        "bad_request",
        "the API cannot read the request",
        "malformed JSON, an unknown parameter, or an incomplete body",
        API,
        "read the message, and see /api/openapi.json",
    ]),
    admin_api([
        "callback_not_found",
        "there is no captured callback with this number",
        "newer callbacks have replaced this callback, or gatepost has restarted",
        API,
        "list the callbacks with `gatepost capture list`; raise keep or max_bytes of [inspector]",
    ]),
    admin_api([
        "event_not_found",
        "there is no queued event with this number",
        "a misspelt number, or the event's retention has ended, or an operator has dropped it",
        API,
        "list the events with `gatepost queue list`",
    ]),
    admin_api([
        "file_changed",
        "a file of the config differs from the config that gatepost serves",
        "an editor or another program changed the file",
        API,
        "reload with SIGHUP, then repeat the edit, or merge the edited config from the file that the message names",
    ]),
    admin_api([
        "file_linked",
        "the config file has several hard links",
        "a backup or a deployment has linked the file",
        API,
        "replace the hard link with a copy or a symbolic link",
    ]),
    admin_api([
        "host_refused",
        "the host of the request is not a name of the admin API",
        "another name points to the admin listener, as in DNS rebinding",
        API_REFUSALS,
        "use an IP address or localhost, or add the name to admin_hosts",
    ]),
    admin_api([
        "internal",
        "the API could not write the file, or gatepost has a bug",
        "a full disk, or missing permission for the folder of the config",
        API,
        "read gatepost's log; free space on the disk, or permit gatepost's user to write to the folder; report a bug to the gatepost project",
    ]),
    admin_api([
        "invalid",
        "the edit would make the config invalid",
        "a value of the body is wrong",
        API,
        "correct the faults that the response lists",
    ]),
    admin_api([
        "name_taken",
        "another template already has the name",
        "the template exists",
        API,
        "choose another name, or edit the existing template",
    ]),
    admin_api([
        "no_store",
        "the config has no store",
        "the request is about queued events",
        API,
        "add [store], and restart gatepost",
    ]),
    admin_api([
        "not_found",
        "the path does not exist, or the API is off",
        "a misspelt path, or the config has neither admin_token nor admin_read_token",
        API_REFUSALS,
        "set admin_token, and see /api/openapi.json for the paths",
    ]),
    admin_api([
        "not_replayable",
        "gatepost cannot send the event again",
        "gatepost refused the callback, gatepost kept only the start of the body, or the kind of the callback has no address",
        API,
        "read the message; choose another callback",
    ]),
    admin_api([
        "origin_refused",
        "another site sent the request to the console",
        "a page of another site opened or submitted a form of the console in the operator's browser",
        API_REFUSALS,
        "open the console itself; behind a proxy, let the proxy pass on host and origin unchanged",
    ]),
    admin_api([
        "read_only",
        "the admin_read_token cannot change or send anything",
        "the request has the admin_read_token",
        API_REFUSALS,
        "send the admin_token",
    ]),
    admin_api([
        "template_in_use",
        "the template has tenants, or a route names it",
        "a tenant or a route still uses the template",
        API,
        "unbind its tenants, and remove it from the routes",
    ]),
    admin_api([
        "template_not_found",
        "there is no template with this name",
        "a misspelt name",
        API,
        "list the templates with `gatepost template list`",
    ]),
    admin_api([
        "tenant_not_bound",
        "the tenant is not bound to the template",
        "the tenant is misspelt, or another template binds it",
        API,
        "list the bindings with `gatepost template list`",
    ]),
    admin_api([
        "too_many_attempts",
        "the client must wait before it sends another token",
        "the client's address has sent more than ten wrong tokens, or all addresses together have sent more than 100 wrong tokens within a minute",
        API_REFUSALS,
        "wait for the seconds in the header retry-after, and correct the token",
    ]),
    admin_api([
        "unauthorized",
        "the request has no token of the API, or a wrong token",
        "the header `authorization: Bearer TOKEN` is missing, the token is misspelt, or an operator has changed the token",
        "the body of the response, log, gatepost_admin_refusals_total",
        "send the admin_token; to read only, the admin_read_token is enough",
    ]),
    admin_api([
        "unsupported_media_type",
        "the request does not declare its body as JSON",
        "the header content-type is missing or has another value",
        API,
        "send content-type: application/json",
    ]),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_of_each_group_are_sorted() {
        for pair in OTHERS.windows(2) {
            let sorted = pair[0].code < pair[1].code || pair[0].group != pair[1].group;
            assert!(
                sorted,
                "expected {} before {}, found the reverse order",
                pair[1].code, pair[0].code
            );
        }
    }
}
