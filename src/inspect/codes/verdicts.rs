//! Causes and remedies of refusals and of failures of the app.

use crate::conclusion::UnavailableKind;
use crate::verdict::RefusalKind;

/// The causes and the remedy of each refusal.
pub(super) const REFUSALS: &[(RefusalKind, &str, &str)] = &[
    (
        RefusalKind::AddressReserved,
        "a client called an address of the app, or a path that a file server maps to this address",
        "if the request is legitimate, give it another path in the app, or write reserve = \"exact\" beside the url",
    ),
    (
        RefusalKind::BodyIncomplete,
        "the connection broke, the body is shorter than content-length, its chunks are malformed, or the client sent too slowly",
        "look for a broken network or a proxy with a short time-out in front of gatepost",
    ),
    (
        RefusalKind::BodyMissing,
        "the request has no body, as in a test with a browser",
        "send a callback with `gatepost send`, or correct the request of the client",
    ),
    (
        RefusalKind::BodyTooLarge,
        "the body is longer than max_body_bytes",
        "if the platform sends bodies of this length, raise max_body_bytes",
    ),
    (
        RefusalKind::ContentEncodingUnsupported,
        "the client or a proxy compressed the body",
        "turn compression off, because signatures cover the plain body",
    ),
    (
        RefusalKind::FieldDuplicate,
        "a name occurs twice, or two alternative places have different values, so two programs could read different values",
        "no platform sends this: look for a forger, or a proxy that repeats headers or parameters",
    ),
    (
        RefusalKind::FieldInvalid,
        "a field that identifies the callback, or on which the reply to a decision depends, does not have its declared type; or the callback names another kind than `kind` of its route",
        "run `gatepost explain` on the request; if the platform has changed its format, report it or correct your definition; if the callback names another kind, send it to the path of a route with this kind, or of a route without kind",
    ),
    (
        RefusalKind::FieldMissing,
        "the callback lacks a field that identifies the callback, or on which the reply to a decision depends",
        "run `gatepost explain` on the request, and compare it with `gatepost providers PROVIDER.KIND`",
    ),
    (
        RefusalKind::FieldsTooMany,
        "the body has more members or elements than any known callback",
        "no platform sends this: look for the client in the log",
    ),
    (
        RefusalKind::FormMalformed,
        "the body is not a form, or has a broken percent-encoding",
        "select the format in the platform's console that the definition expects",
    ),
    (
        RefusalKind::FramingAmbiguous,
        "the request states its length in two ways, as in request smuggling",
        "look for a broken client, or a proxy that adds transfer-encoding",
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
        "the callback has neither the field nor the header that names its kind, it came to a path whose route has no kind, or its body has another form: JSON where the platform sends a form",
        "send the callback to the path of the route with `kind = …` (`gatepost routes` lists the routes); if the platform sends only this kind to its path, set kind on the route; compare content-type with the form that the platform sends, and select this form in its console",
    ),
    (
        RefusalKind::MethodNotAllowed,
        "the client sent another method, as in a test with a browser",
        "send a callback with `gatepost send`, or correct the method in the platform's console",
    ),
    (
        RefusalKind::NotAnObject,
        "the body is JSON, but an array, a string or a number",
        "check that the route has the provider of the platform that calls this path",
    ),
    (
        RefusalKind::PathAmbiguous,
        "the path is another spelling of a callback path, such as an encoded letter or a double slash; it is a path below the route; or the query is another spelling of the query of the route",
        "write the path in the platform's console exactly as in the config",
    ),
    (
        RefusalKind::RateLimited,
        "one client sent more than source_limit permits",
        "if the client is the platform, raise source_limit; behind a proxy, set trusted_proxies",
    ),
    (
        RefusalKind::SignatureMalformed,
        "the signature is not hexadecimal or base64, as the platform writes it",
        "check that the route has the right provider, and that no proxy changes headers",
    ),
    (
        RefusalKind::SignatureMismatch,
        "the key differs from the platform's, a client forged the callback, or, if the platform signs the body, a proxy changed the body",
        "copy the key again from the platform's console; if you changed the key file after the start, reload with `kill -HUP PID`, or set watch = true; `gatepost explain` shows the signed text; to rotate a key without refusals, list both: keys = [{ file = \"new.key\" }, { file = \"old.key\" }], change the key in the console, then remove the old one",
    ),
    (
        RefusalKind::SignatureMissing,
        "the platform's console has no key, or the platform does not sign this kind",
        "set the key in the platform's console; list a kind that the platform never signs in insecure_unsigned",
    ),
    (
        RefusalKind::SignatureReused,
        "a client sent a signature again with another body or id, or two callbacks of the same second have the same signature",
        "if the platform itself does this, write signature_reuse = \"count\"",
    ),
    (
        RefusalKind::SignedPartMissing,
        "a field, header or parameter that the signature covers is absent",
        "look for a proxy that removes headers or queries; `gatepost explain` names the part",
    ),
    (
        RefusalKind::SourceNotAllowed,
        "the client's address is in no network of allow",
        "add the platform's network to allow; behind a proxy, set trusted_proxies",
    ),
    (
        RefusalKind::TenantAmbiguous,
        "two fields of the callback name tenants of different templates",
        "bind both tenants to one template, or set template on the route",
    ),
    (
        RefusalKind::TenantMissing,
        "the callback names no domain, channel or account; `gatepost check` warns of such kinds (tenant_unnamed)",
        "bind \"*\" in a template, or set template on the route; a kind that the callback does not name also needs a route with `kind`, as the page of the platform shows",
    ),
    (
        RefusalKind::TenantUnknown,
        "the domain, channel or account of the callback is bound to no template; gatepost looks up the tenant before the signature, because the template has the key, so the line does not prove that the platform sent the callback",
        "if the tenant is yours, bind it with `gatepost template bind NAME TENANT`, or add it to bind and reload (`kill -HUP PID`); \"*\" binds all others",
    ),
    (
        RefusalKind::TimestampExpired,
        "a clock is wrong, the network delayed the callback, a client replays a recorded callback, or the platform resends with an old signature",
        "synchronise the clock of this machine; if the platform signs an expiry, as Tencent does, and resends for longer, raise grace_secs under [template.settings]; if it signs the time of sending and resends for longer, raise max_age_secs there",
    ),
    (
        RefusalKind::TimestampInvalid,
        "the time field is absent, or its value does not have the format that the definition declares",
        "check that the route has the right provider; `gatepost explain` shows the field",
    ),
    (
        RefusalKind::TimestampTooFarAhead,
        "a clock is wrong, or the platform's signatures are valid for longer than max_ahead_secs",
        "synchronise the clock of this machine; if the console shows a longer validity, raise max_ahead_secs under [template.settings]",
    ),
    (
        RefusalKind::TokenMismatch,
        "the secret segment of the path differs from token",
        "write the path with the token into the platform's console; if you changed the token file after the start, reload with `kill -HUP PID`, or set watch = true; if the console has this path, a client is guessing tokens",
    ),
    (
        RefusalKind::UpgradeNotAllowed,
        "the client requests a WebSocket or another protocol on a callback path",
        "use another path for the upgrade",
    ),
    (
        RefusalKind::Utf8Invalid,
        "the body is in another encoding",
        "select UTF-8 in the platform's console",
    ),
];

/// The causes and the remedy of each failure of the app.
pub(super) const FAILURES: &[(UnavailableKind, &str, &str)] = &[
    (
        UnavailableKind::AnswerBroken,
        "the app's answer is not valid HTTP, for example because a script printed text before its headers, or because the port has TLS and the address is http://",
        "if the detail says `found TLS`, write https:// in the address; otherwise correct the app, or the server in front of it; the detail names the fault",
    ),
    (
        UnavailableKind::AnswerContradicts,
        "the app answered 2xx with a code, a status or `allow` that means no",
        "to make the platform send the callback again, answer with an error status; otherwise answer with an empty 2xx",
    ),
    (
        UnavailableKind::AnswerEmpty,
        "the app's script has a syntax error (`php -S` then answers an empty 200), or printed nothing for this kind",
        "run the script by hand (`php -l FILE` finds syntax errors), and answer {\"allow\":true} or {\"allow\":false}; empty_answer = \"allow\" is only for an app whose empty answer means allow; with this setting, a syntax error allows every viewer",
    ),
    (
        UnavailableKind::AnswerFatal,
        "PHP failed after it had sent status 200",
        "correct the error that the answer shows, and turn display_errors off",
    ),
    (
        UnavailableKind::AnswerIncomplete,
        "the app closed the connection during its answer, or sent fewer bytes than content-length states",
        "read the app's log for a crash, and compare content-length with the body",
    ),
    (
        UnavailableKind::AnswerInvalid,
        "a field of the answer is misspelt, missing, or out of range",
        "run `gatepost providers PROVIDER.KIND` for the fields of the reply; the detail names the field",
    ),
    (
        UnavailableKind::AnswerMalformed,
        "the app answered with a page, plain text or cut-off JSON, or it compressed the answer",
        "answer with a JSON object, for example {\"allow\":true}; turn off compression for these answers: gatepost sends no accept-encoding, and reads no compressed answer",
    ),
    (
        UnavailableKind::AnswerTooLarge,
        "the answer is longer than 256 KiB",
        "answer only with the fields of the reply",
    ),
    (
        UnavailableKind::AnswerUnclear,
        "the answer to a notification neither accepts nor refuses the event, or the app compressed it, so that gatepost cannot read it; with unclear_answer = \"refused\", gatepost replies 503; with \"taken\" (the default), it acknowledges the callback, warns, and counts the answer in gatepost_answers_unclear_total, and the access log has the code `app`",
        "answer with an empty 2xx, {\"code\":0} or {\"allow\":true}; if the line names a content coding such as `gzip`, turn off compression for this path in the app, or in the server in front of it",
    ),
    (
        UnavailableKind::AppOverloaded,
        "more genuine callbacks arrived than the key limit of the route permits; the line names the route and the limit",
        "if the app can handle more callbacks, raise limit under the [[route]]; meanwhile, gatepost replies with on_failure to a decision, and with 503 to a notification, so that the platform sends it again as its page says",
    ),
    (
        UnavailableKind::AppStatus,
        "the app failed, the address is wrong, or a framework answered before the app's handler; the detail has the status",
        "301, 302, 303, 307 or 308: write the address in the line, or the one that `curl -i -X POST URL` shows in location, into url, such as https:// or a path with a slash at the end; 400 with `expected HTTPS`: write https:// in url; 404 or 405: compare the path of url with the app's routes for POST; 419, or 403 of a framework: exempt the path from the CSRF check; 429: raise the app's rate limit, or set limit; 5xx: read the app's log",
    ),
    (
        UnavailableKind::AppTimeout,
        "the app was slower than timeout_ms",
        "make the app answer first, and do slow work after the answer, or raise timeout_ms within budget_ms; meanwhile, gatepost replies with on_failure to a decision, and with 503 to a notification, so that the platform sends it again as its page says",
    ),
    (
        UnavailableKind::AppUnreachable,
        "the app is down, the address is wrong, the app closed the connection, as servers with TLS do if the address is http:// (`found a close`), or TLS failed: the app's certificate has an unknown authority or another name, has expired or is that of an authority, or the port has no TLS",
        "start the app, and check the url with curl from this machine; for a port with TLS, write https:// in url, and for a port without TLS, http://; if the detail is about TLS, do what it says: for an https address, [[outgoing_tls]] has the keys ca (the PEM file with the certificate of a private authority), server_name and certificate; meanwhile, gatepost replies with on_failure to a decision, and with 503 to a notification, so that the platform sends it again as its page says",
    ),
    (
        UnavailableKind::CircuitOpen,
        "the app at the address failed several times in a row, so gatepost waits before it asks the app again",
        "correct the failures that the log shows before this line; the key breaker sets the limit; meanwhile, gatepost replies with on_failure to a decision, and with 503 to a notification, so that the platform sends it again as its page says",
    ),
    (
        UnavailableKind::EventRefused,
        "the app answered a notification with a status such as 403, 419 or 422",
        "answer 2xx to events that the app does not need; if a framework refuses the event before the app's handler, exempt the path from its login or CSRF check (403, 419); 400 with `expected HTTPS`: write https:// in url; or accept the content type and the fields of the event (415, 422)",
    ),
    (
        UnavailableKind::ReplyKeyMissing,
        "the app is not the cause: the platform demands a signed reply, and the template has no key for it; gatepost replies 503 without asking the app",
        "set the platform's keys under [template.settings]",
    ),
    (
        UnavailableKind::StoreFull,
        "pending events and dead letters fill max_bytes of [store], mostly because the app that receives the events is down",
        "repair the app, drop dead letters with gatepost queue drop, or raise max_bytes",
    ),
    (
        UnavailableKind::StoreUnavailable,
        "the app is not the cause: another process locks the store, or the disk is slow, full or broken",
        "read the detail; after a full disk or a lock, gatepost stores events again by itself; after a failed write or sync, which the detail names, repair the disk, then restart gatepost",
    ),
];
