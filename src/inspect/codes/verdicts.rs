//! Causes and remedies of refusals, and of failures of the app or the store.

use crate::conclusion::UnavailableKind;
use crate::verdict::RefusalKind;

/// The causes and the remedy of each refusal.
pub(super) const REFUSALS: &[(RefusalKind, &str, &str)] = &[
    (
        RefusalKind::AddressReserved,
        "a client called an address to which gatepost delivers events, or a path that a file server maps to such an address",
        "if the app needs the request, give the request another path in the app, or write reserve = \"exact\" beside the url",
    ),
    (
        RefusalKind::BodyIncomplete,
        "the connection broke, the body is shorter than content-length, its chunks are malformed, or the client sent too slowly",
        "look for a broken network, or for a proxy in front of gatepost with a short time-out",
    ),
    (
        RefusalKind::BodyMissing,
        "the client sent no body, as a browser does in a test; or a redirect or a proxy in front of gatepost removed the body",
        "to test the route, run `gatepost send`; otherwise, write the address to which the redirect leads (often https://) into the platform's console, or correct the proxy",
    ),
    (
        RefusalKind::BodyTooLarge,
        "the body is longer than max_body_bytes",
        "if the platform sends bodies of this length, raise max_body_bytes",
    ),
    (
        RefusalKind::ContentEncodingUnsupported,
        "the client or a proxy compressed the body",
        "turn compression off in the client or the proxy: signatures cover the uncompressed body",
    ),
    (
        RefusalKind::FieldDuplicate,
        "a field, header or parameter occurs more than once, or two alternative places of one value have different values, so gatepost and the app can read different values",
        "no platform sends this: look for a forger, or for a proxy that repeats headers or parameters",
    ),
    (
        RefusalKind::FieldInvalid,
        "a field that identifies the callback, or on which the reply to a decision depends, does not have its declared type; or the callback names another kind than `kind` of its route",
        "run `gatepost explain` on the request; if the platform has changed its format, report the change, or correct your own definition; send a callback of another kind to the path of a route with this kind, or of a route without kind",
    ),
    (
        RefusalKind::FieldMissing,
        "the callback lacks a field that identifies the callback, or on which the reply to a decision depends",
        "run `gatepost explain` on the request, and compare it with `gatepost providers PROVIDER.KIND`",
    ),
    (
        RefusalKind::FieldsTooMany,
        "the body, or the query, has more fields or elements than gatepost permits, and far more than any known callback",
        "no platform sends this: look for the client in the log",
    ),
    (
        RefusalKind::FormMalformed,
        "the body is not a form, or has a broken percent-encoding",
        "in the platform's console, select the format that the definition expects",
    ),
    (
        RefusalKind::FramingAmbiguous,
        "the request states its length in two ways, as in request smuggling",
        "look for a broken client, or for a proxy that adds transfer-encoding",
    ),
    (
        RefusalKind::JsonMalformed,
        "the body is not JSON, for example a form",
        "select JSON in the platform's console, for example `application/json` at GitHub",
    ),
    (
        RefusalKind::JsonTooDeep,
        "the JSON has more than 32 levels",
        "no platform sends this: look for the client in the log",
    ),
    (
        RefusalKind::KindMissing,
        "the callback does not have the field or header that names its kind; or its path belongs to a route without `kind`, and the callbacks of this kind do not name it; or its body is JSON, and the platform sends a form; or a proxy in front of gatepost replaced the body",
        "send the callback to the path of the route with `kind = …` (`gatepost routes` lists the routes); if the platform sends only this kind to the path, set kind on its route; for a body in the wrong form, select in the platform's console the form that the definition expects; correct a proxy that replaces the body: `gatepost capture show NUMBER` shows the body that arrived",
    ),
    (
        RefusalKind::MethodNotAllowed,
        "the client sent a method that the platform does not use, as a browser does in a test; or a redirect, for example from http:// to https://, turned POST into GET",
        "to test the route, run `gatepost send`; otherwise, write the address to which the redirect leads into the platform's console, or correct the method there",
    ),
    (
        RefusalKind::NotAnObject,
        "the body is a JSON array, string, number, boolean or null",
        "check that the route has the provider of the platform that calls this path",
    ),
    (
        RefusalKind::PathAmbiguous,
        "the path or the query is another spelling of the path or the query of a route, for example with an encoded letter or a double slash, or the path is below the path of a route; or a proxy in front of gatepost changes the path",
        "write the path and the query in the platform's console exactly as in the config; if a proxy changes the path, correct the proxy",
    ),
    (
        RefusalKind::RateLimited,
        "one client sent more than source_limit permits",
        "if the client is the platform, raise source_limit; behind a proxy, set trusted_proxies",
    ),
    (
        RefusalKind::SignatureMalformed,
        "the signature is not in the encoding (such as hexadecimal or base64) in which the platform writes it",
        "check that the route has the right provider, and that no proxy changes headers",
    ),
    (
        RefusalKind::SignatureMismatch,
        "the key differs from the platform's, a client forged the callback, or a proxy changed a signed body",
        "copy the key again from the platform's console; if you changed the key file after gatepost started, reload with `kill -HUP PID`, or set watch = true; `gatepost explain` shows the signed text; to rotate a key without refusals, list both keys: keys = [{ file = \"new.key\" }, { file = \"old.key\" }], change the key in the console, then remove the old key",
    ),
    (
        RefusalKind::SignatureMissing,
        "the platform's console has no key, or the platform does not sign this kind; or a proxy in front of gatepost replaced the body",
        "set the key in the platform's console; if the platform never signs the kind, list the kind in insecure_unsigned; correct a proxy that replaces the body: `gatepost capture show NUMBER` shows the body that arrived",
    ),
    (
        RefusalKind::SignatureReused,
        "a client sent a signature again with another body or id, or two callbacks of the same second have the same signature",
        "if the platform itself reuses signatures, write signature_reuse = \"count\"",
    ),
    (
        RefusalKind::SignedPartMissing,
        "a field, header or parameter that the signature covers is absent",
        "look for a proxy that removes headers or the query; `gatepost explain` names the missing part",
    ),
    (
        RefusalKind::SourceNotAllowed,
        "the client's address is in no network of allow",
        "add the platform's network to allow; behind a proxy, set trusted_proxies",
    ),
    (
        RefusalKind::TenantAmbiguous,
        "two fields of the callback name tenants of different templates",
        "bind both tenants to one template, or set `template` on the route",
    ),
    (
        RefusalKind::TenantMissing,
        "the callback names no tenant, such as a domain, channel or account; `gatepost check` warns of such kinds (tenant_unnamed); or a proxy in front of gatepost replaced the body",
        "if the platform never names a tenant for this kind, bind \"*\" in a template, or set `template` on the route; for a callback that does not name the kind, also add a route with `kind`, as the platform's page in the gatepost manual shows; correct a proxy that replaces the body: `gatepost capture show NUMBER` shows the body that arrived",
    ),
    (
        RefusalKind::TenantUnknown,
        "no template binds the domain, channel or account of the callback; gatepost needs the template to find the key, so it has not verified the signature, and the platform may not have sent the callback",
        "if the tenant is yours, bind it with `gatepost template bind NAME TENANT`, or add it to `bind` and reload (`kill -HUP PID`); \"*\" binds all other tenants",
    ),
    (
        RefusalKind::TimestampExpired,
        "the clock of this machine or of the platform is wrong, the network delayed the callback, a client replays a recorded callback, or the platform resends a callback with its old signature",
        "synchronise the clock of this machine (`timedatectl`), above all if every callback has this code; for a platform that signs an expiry, such as Tencent, the time in the log line is the expiry, which is later than the time of sending; for resends with an old signature, raise a setting under [template.settings]: grace_secs for a platform that signs an expiry, max_age_secs for a platform that signs the time of sending",
    ),
    (
        RefusalKind::TimestampInvalid,
        "the time field is absent, or its value does not have the format that the definition declares",
        "check that the route has the right provider; `gatepost explain` shows the field",
    ),
    (
        RefusalKind::TimestampTooFarAhead,
        "the clock of this machine or of the platform is wrong, or the platform signs an expiry that is further ahead than max_ahead_secs",
        "synchronise the clock of this machine; if the platform's console shows a longer validity, raise max_ahead_secs under [template.settings]",
    ),
    (
        RefusalKind::TokenMismatch,
        "the secret segment of the path differs from `token` of the route",
        "write the path with the token into the platform's console; if you changed the token file after gatepost started, reload with `kill -HUP PID`, or set watch = true; if the console already has this path, another client guesses tokens",
    ),
    (
        RefusalKind::UpgradeNotAllowed,
        "the client requests a WebSocket or another protocol on a callback path",
        "if the app needs the upgrade, serve it on a path without a route",
    ),
    (
        RefusalKind::Utf8Invalid,
        "the client sent the body in an encoding other than UTF-8",
        "select UTF-8 in the platform's console",
    ),
];

/// The causes and the remedy of each failure of the app or the store.
pub(super) const FAILURES: &[(UnavailableKind, &str, &str)] = &[
    (
        UnavailableKind::AnswerBroken,
        "for example, a script printed text before its headers, or the app's port has TLS and the address begins with http://",
        "if the detail says `found TLS`, write https:// in the address; otherwise correct the app, or the server in front of it; the detail names the fault",
    ),
    (
        UnavailableKind::AnswerContradicts,
        "the app answered 2xx, but its body reports a refusal or an error, such as `{\"allow\":false}`, an `error`, or a `status` of 400 or above",
        "to make the platform send the callback again, answer with an error status; otherwise answer with an empty 2xx",
    ),
    (
        UnavailableKind::AnswerEmpty,
        "the script of `php -S ADDRESS SCRIPT` has a syntax error (PHP then answers with an empty 200), or the app printed nothing for this kind",
        "run the script by hand (`php -l FILE` finds syntax errors), and answer {\"allow\":true} or {\"allow\":false}; empty_answer = \"allow\" is only for an app whose empty answer means allow; with this setting, a syntax error allows every viewer",
    ),
    (
        UnavailableKind::AnswerFatal,
        "PHP printed a fatal error, and still answered with status 200",
        "correct the error that the answer shows, and turn display_errors off",
    ),
    (
        UnavailableKind::AnswerIncomplete,
        "the app closed the connection before the end of its answer, or sent fewer bytes than content-length states",
        "read the app's log for a crash, and compare content-length with the body",
    ),
    (
        UnavailableKind::AnswerInvalid,
        "a field of the answer is misspelt, missing, or out of range",
        "run `gatepost providers PROVIDER.KIND` for the fields of the reply; the detail names the field",
    ),
    (
        UnavailableKind::AnswerMalformed,
        "the app answered with an HTML page, such as an error, login or maintenance page, with plain text or incomplete JSON, or it compressed the answer; the detail has the status and the content type of the answer, and `gatepost capture show NUMBER` shows the whole answer",
        "if the content type is text/html, exempt the path of the event from the login; answer with a JSON object, for example {\"allow\":true}; turn off compression for these answers: gatepost cannot read a compressed answer, and sends no accept-encoding",
    ),
    (
        UnavailableKind::AnswerTooLarge,
        "the answer is longer than 256 KiB",
        "answer only with the fields of the reply",
    ),
    (
        UnavailableKind::AnswerUnclear,
        "the answer to a notification says neither that the app accepted the event nor that it refused the event, or the app compressed its answer, which gatepost then cannot read; with unclear_answer = \"refused\", gatepost replies 503; with \"taken\" (the default), gatepost acknowledges the callback, logs a warning, and counts the answer in gatepost_answers_unclear_total; the access log then has the code `app`; a queued event becomes `delivered`, or with \"refused\", gatepost tries again",
        "answer with an empty 2xx, {\"code\":0} or {\"allow\":true}; if the log line names a content coding such as `gzip`, turn off compression for this path in the app, or in the server in front of it",
    ),
    (
        UnavailableKind::AppOverloaded,
        "more genuine callbacks arrived than `limit` of the route permits; the log line names the route and the limit",
        "if the app can handle more callbacks, raise `limit` under the [[route]]; meanwhile, gatepost sends the reply of on_failure to a decision, and 503 to a notification; the platform's page in the gatepost manual says when the platform sends the notification again",
    ),
    (
        UnavailableKind::AppStatus,
        "the app failed, the address is wrong, or a framework answered before the request reached the app's handler; the detail has the status",
        "301, 302, 303, 307 or 308: the new address is in the log line, or in `location` of the response to `curl -i -X POST URL`; if it leads to the same handler (often https://, or a slash at the end of the path), write it into url; for a login page, exempt the path from the login; 400 with `expected HTTPS`: write https:// in url; 404 or 405: compare the path of url with the app's routes for POST; 419, or 403 of a framework: exempt the path from the CSRF check; 429: raise the app's rate limit, or set `limit` under the [[route]]; 5xx: read the app's log",
    ),
    (
        UnavailableKind::AppTimeout,
        "the app needed more time than timeout_ms",
        "make the app answer first and do slow work after the answer, or raise timeout_ms, up to budget_ms less 100; meanwhile, gatepost sends the reply of on_failure to a decision, and 503 to a notification; the platform's page in the gatepost manual says when the platform sends the notification again",
    ),
    (
        UnavailableKind::AppUnreachable,
        "the app is down; or the address is wrong; or the app closed the connection (`found a close`), as servers with TLS do if the address begins with http://; or TLS failed: the app's certificate has an unknown authority, does not have the expected name, has expired, or is the certificate of an authority, or the port has no TLS",
        "start the app, and check the url with curl from this machine; for a port with TLS, write https:// in url, and for a port without TLS, http://; if the detail is about TLS, do what it says: for an https address, [[outgoing_tls]] has the keys ca (the PEM file with the certificate of a private authority), server_name and certificate; meanwhile, gatepost sends the reply of on_failure to a decision, and 503 to a notification; the platform's page in the gatepost manual says when the platform sends the notification again",
    ),
    (
        UnavailableKind::CircuitOpen,
        "the app at the address failed several times in a row, so gatepost waits before it asks the app again",
        "correct the failures that the log shows before the line with circuit_open; the key `breaker` sets the number of failures and the wait; meanwhile, gatepost sends the reply of on_failure to a decision, and 503 to a notification; the platform's page in the gatepost manual says when the platform sends the notification again",
    ),
    (
        UnavailableKind::EventRefused,
        "the app answered a notification with a status such as 403, 419 or 422",
        "answer 2xx to events that the app does not need; 403 or 419: if a framework refuses the event before the app's handler receives it, exempt the path from its login or CSRF check; 400 with `expected HTTPS`: write https:// in url; 415 or 422: make the app accept the content type and the fields of the event",
    ),
    (
        UnavailableKind::ReplyKeyMissing,
        "the app is not the cause: the platform requires a signed reply, and the template has no key for reply signing; gatepost replies 503 and does not ask the app",
        "set the platform's keys under [template.settings]",
    ),
    (
        UnavailableKind::StoreFull,
        "pending events and dead letters have reached max_bytes of [store], usually because the app that receives the events is down",
        "repair the app, drop dead letters with `gatepost queue drop`, or raise max_bytes",
    ),
    (
        UnavailableKind::StoreUnavailable,
        "the app is not the cause: another process locks the store, the disk is slow, full or broken, or the NATS servers do not respond; gatepost then stores no events, or delivers no queued events",
        "read the detail; after you have freed space on the disk or ended the lock, gatepost stores and delivers events again by itself; after a failed write or sync, repair the disk, then restart gatepost",
    ),
];
