//! Codes of the admin API.

use super::{CodeGroup, CodeHelp, help};

const fn admin_api(texts: [&'static str; 5]) -> CodeHelp {
    help(CodeGroup::AdminApi, texts)
}

const API: &str = "the body of the response";
const API_REFUSALS: &str = "the body of the response, gatepost_admin_refusals_total";

/// The codes, sorted.
pub(super) const ADMIN_API: &[CodeHelp] = &[
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
        "the API cannot write the file, or gatepost has a bug",
        "a full disk, or missing permission for the folder of the config",
        API,
        "read gatepost's log; free space on the disk, or permit gatepost's user to write to the folder; report a bug to the gatepost project",
    ]),
    admin_api([
        "invalid",
        "the edit makes the config invalid",
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
        "a client with the admin_read_token cannot change or send anything",
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
        "the template does not bind the tenant",
        "the tenant is misspelt, or another template binds it",
        API,
        "list the bindings with `gatepost template list`",
    ]),
    admin_api([
        "too_many_attempts",
        "the client must wait before it sends another token",
        "clients at this address have sent more than ten wrong tokens, or all clients together have sent more than 100 wrong tokens within a minute",
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
