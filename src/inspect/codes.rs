//! Codes in logs, metrics and messages, with cause and remedy. `gatepost help` prints them.

use crate::conclusion::UnavailableKind;
use crate::toml_reader::FaultKind;
use crate::verdict::RefusalKind;

/// The meaning of a code, and the remedy.
///
/// # Examples
///
/// ```
/// let help = gatepost::code_help("timestamp_expired").unwrap();
/// assert_eq!(help.meaning, "the signature has expired");
/// assert!(help.remedy.contains("clock"));
/// assert!(gatepost::code_help("no_such_code").is_none());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CodeHelp {
    /// The code, for example `timestamp_expired`.
    pub code: &'static str,
    /// Group of the code.
    pub group: CodeGroup,
    /// The meaning: lower case, without a full stop.
    pub meaning: &'static str,
    /// The usual causes; `None` if the meaning names the cause.
    pub causes: Option<&'static str>,
    /// The remedy: an imperative for the operator.
    pub remedy: &'static str,
}

/// Group of codes, by the place where they occur.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CodeGroup {
    /// A fault in the config or in a definition. gatepost does not accept the file.
    ConfigError,
    /// A warning about the config. gatepost accepts the file.
    ConfigWarning,
    /// A refusal: the client or platform is at fault. The platform gets the status.
    Refusal(http::StatusCode),
    /// An accepted callback for which the app gave no usable answer.
    AppFailure,
}

/// Returns the help for every code: first those of the config, then refusals and failures of the
/// app, each sorted.
pub fn codes() -> impl Iterator<Item = CodeHelp> {
    let of_config = FaultKind::ALL.iter().map(|kind| CodeHelp {
        code: kind.as_str(),
        group: if kind.is_warning() { CodeGroup::ConfigWarning } else { CodeGroup::ConfigError },
        meaning: kind.meaning(),
        causes: None,
        remedy: kind.remedy(),
    });
    let refusals = REFUSALS.iter().map(|(kind, causes, remedy)| CodeHelp {
        code: kind.as_str(),
        group: CodeGroup::Refusal(kind.status()),
        meaning: kind.meaning(),
        causes: Some(causes),
        remedy,
    });
    let failures = FAILURES.iter().map(|(kind, causes, remedy)| CodeHelp {
        code: kind.as_str(),
        group: CodeGroup::AppFailure,
        meaning: kind.meaning(),
        causes: Some(causes),
        remedy,
    });
    of_config.chain(refusals).chain(failures)
}

/// Returns the help for a code; `None` if gatepost has no such code.
#[must_use]
pub fn code_help(code: &str) -> Option<CodeHelp> {
    codes().find(|help| help.code == code)
}

/// The causes and the remedy of each refusal.
const REFUSALS: &[(RefusalKind, &str, &str)] = &[
    (
        RefusalKind::AddressReserved,
        "a client other than gatepost called an address of the app, or a path that a file server maps to it",
        "if the request is legitimate, give the app another path for it, or write reserve = \"exact\" beside the url",
    ),
    (
        RefusalKind::BodyIncomplete,
        "the connection broke, the body is shorter than content-length, or the client sent too slowly",
        "look for a broken network or a proxy with a short time-out in front of gatepost",
    ),
    (
        RefusalKind::BodyMissing,
        "the request has no body, as in a test with a browser",
        "send a callback with `gatepost send`, or look at what the client sends",
    ),
    (
        RefusalKind::BodyTooLarge,
        "the body is longer than max_body_bytes",
        "raise max_body_bytes if the platform sends bodies of this length",
    ),
    (
        RefusalKind::ContentEncodingUnsupported,
        "the client or a proxy compressed the body",
        "turn compression off, because signatures cover the plain body",
    ),
    (
        RefusalKind::FieldDuplicate,
        "a name occurs twice, so two programs could read two values",
        "no platform sends this: look for a forger, or a proxy that repeats headers or parameters",
    ),
    (
        RefusalKind::FieldInvalid,
        "a field that identifies the callback, or on which a decision depends, has another type than declared",
        "run `gatepost explain` on the request; if the platform has changed its format, report it or correct your definition",
    ),
    (
        RefusalKind::FieldMissing,
        "the callback lacks a field that identifies it, or on which a decision depends",
        "run `gatepost explain` on the request, and compare it with `gatepost providers PROVIDER.KIND`",
    ),
    (
        RefusalKind::FieldsTooMany,
        "the body has more members or elements than any known callback",
        "no platform sends this: look for the client in the log",
    ),
    (
        RefusalKind::FormMalformed,
        "the body is no form, or has a broken percent-encoding",
        "select the format in the platform's console that the definition expects",
    ),
    (
        RefusalKind::FramingAmbiguous,
        "the request states its length in two ways, as in request smuggling",
        "look for a broken client, or a proxy that adds transfer-encoding",
    ),
    (
        RefusalKind::JsonMalformed,
        "the body is no JSON, for example a form",
        "select JSON in the platform's console, for example `application/json` at GitHub",
    ),
    (
        RefusalKind::JsonTooDeep,
        "the JSON has more than 32 levels",
        "no platform sends this: look for the client in the log",
    ),
    (
        RefusalKind::KindMissing,
        "the callback has neither the field nor the header that names its kind",
        "set kind on the route, if the platform sends only this kind to its path",
    ),
    (
        RefusalKind::MethodNotAllowed,
        "the client sent another method, as in a test with a browser",
        "send a callback with `gatepost send`, or correct the method in the platform's console",
    ),
    (
        RefusalKind::NotAnObject,
        "the body is JSON, but an array, a text or a number",
        "check that the route has the provider that calls this path",
    ),
    (
        RefusalKind::PathAmbiguous,
        "the path is another spelling of a callback path, such as an encoded letter or a double slash",
        "write the path in the platform's console exactly as in the config",
    ),
    (
        RefusalKind::RateLimited,
        "one client sent more than source_limit permits",
        "raise source_limit if the client is the platform; behind a proxy, set trusted_proxies",
    ),
    (
        RefusalKind::SignatureMalformed,
        "the signature is not hexadecimal or base64, as the platform writes it",
        "check that the route has the right provider, and that no proxy changes headers",
    ),
    (
        RefusalKind::SignatureMismatch,
        "the key differs from the platform's, the body was changed on the way, or the callback is forged",
        "copy the key again from the platform's console; `gatepost explain` shows what was signed",
    ),
    (
        RefusalKind::SignatureMissing,
        "the platform's console has no key, or the platform does not sign this kind",
        "set the key in the platform's console; a kind that is never signed goes into insecure_unsigned",
    ),
    (
        RefusalKind::SignatureReused,
        "a client sent a signature again with another body, or two events of one second have one signature",
        "write signature_reuse = \"count\" if the platform itself does this",
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
        "the callback names no domain, channel or account",
        "bind \"*\" in a template, or set template on the route",
    ),
    (
        RefusalKind::TenantUnknown,
        "the domain, channel or account of the callback is bound to no template",
        "add it to bind, or bind \"*\" for all others",
    ),
    (
        RefusalKind::TimestampExpired,
        "a clock is wrong, the callback was delayed or recorded, or the platform resends with an old signature",
        "synchronise the clock of this machine; raise grace_secs or max_age_secs if the platform resends for longer",
    ),
    (
        RefusalKind::TimestampInvalid,
        "the signed time is absent, or no number",
        "check that the route has the right provider; `gatepost explain` shows the field",
    ),
    (
        RefusalKind::TimestampTooFarAhead,
        "a clock is wrong, or the platform's signatures live longer than max_ahead_secs",
        "synchronise the clock of this machine; raise max_ahead_secs if the console shows a longer life",
    ),
    (
        RefusalKind::TokenMismatch,
        "the secret segment of the path differs from token",
        "write the path with the token into the platform's console; otherwise a client is guessing",
    ),
    (
        RefusalKind::UpgradeNotAllowed,
        "the client asks for a WebSocket or another protocol on a callback path",
        "use another path for it",
    ),
    (
        RefusalKind::Utf8Invalid,
        "the body is in another encoding",
        "select UTF-8 in the platform's console",
    ),
];

/// The causes and the remedy of each failure of the app.
const FAILURES: &[(UnavailableKind, &str, &str)] = &[
    (
        UnavailableKind::AnswerBroken,
        "the app's answer is no valid HTTP, for example because a script printed before its headers",
        "correct the app, or the server in front of it; the detail names the fault",
    ),
    (
        UnavailableKind::AnswerContradicts,
        "the app answered 2xx with a code, a status or `allow` that means no",
        "answer with an error status if the platform shall send the event again, otherwise with an empty 2xx",
    ),
    (
        UnavailableKind::AnswerEmpty,
        "the app's script ended without output, or the app means yes",
        "answer {\"allow\":true}, or write empty_answer = \"allow\" for the kind",
    ),
    (
        UnavailableKind::AnswerFatal,
        "PHP failed after it had sent status 200",
        "correct the error that the answer shows, and turn display_errors off",
    ),
    (
        UnavailableKind::AnswerIncomplete,
        "the app closed the connection within its answer, or announced more bytes than it sent",
        "look into the app's log for a crash, and compare content-length with the body",
    ),
    (
        UnavailableKind::AnswerInvalid,
        "a field of the answer is misspelt, missing, or out of range",
        "run `gatepost providers PROVIDER.KIND` for the fields of the reply; the detail names the field",
    ),
    (
        UnavailableKind::AnswerMalformed,
        "the app answered with a page or plain text",
        "answer with a JSON object, for example {\"allow\":true}",
    ),
    (
        UnavailableKind::AnswerTooLarge,
        "the answer is longer than 256 KiB",
        "answer only with the fields of the reply",
    ),
    (
        UnavailableKind::AnswerUnclear,
        "unclear_answer is \"refused\", and the answer neither takes nor refuses the event",
        "answer with an empty 2xx, {\"code\":0} or {\"allow\":true}",
    ),
    (
        UnavailableKind::AppOverloaded,
        "more genuine callbacks arrived than the limit of the route permits",
        "raise limit if the app can bear it",
    ),
    (
        UnavailableKind::AppStatus,
        "the app failed, or the address is wrong",
        "look into the app's log; the detail has the status",
    ),
    (
        UnavailableKind::AppTimeout,
        "the app was slower than timeout_ms",
        "make the app answer first and work later, or raise timeout_ms within budget_ms",
    ),
    (
        UnavailableKind::AppUnreachable,
        "the app is down, the address is wrong, or the app closed the connection",
        "start the app, and check the url with curl from this machine",
    ),
    (
        UnavailableKind::CircuitOpen,
        "the address failed several times in a row, so gatepost waits before it asks again",
        "correct the failures that the log shows before; breaker sets the rule",
    ),
    (
        UnavailableKind::EventRefused,
        "the app answered a notification with a status such as 403 or 422",
        "answer 2xx to events that the app does not need",
    ),
    (
        UnavailableKind::ReplyKeyMissing,
        "the platform demands a signed reply, and the template has no key for it",
        "set the platform's keys under [template.settings]",
    ),
    (
        UnavailableKind::StoreFull,
        "pending events and dead letters fill max_bytes of [store], mostly because an app is down",
        "repair the app, drop dead letters with gatepost queue drop, or raise max_bytes",
    ),
    (
        UnavailableKind::StoreUnavailable,
        "the disk is slow, full or broken, or another process locks the store",
        "look into the detail; after a failed write, repair the disk and restart gatepost",
    ),
];

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn each_code_has_one_help() {
        let all: Vec<_> = codes().map(|help| help.code).collect();
        assert_eq!(all.iter().collect::<HashSet<_>>().len(), all.len());
    }

    #[test]
    fn helps_are_lower_case_and_without_full_stop() {
        let texts = codes().flat_map(|help| [Some(help.meaning), help.causes, Some(help.remedy)]);
        for text in texts.flatten() {
            assert!(!text.ends_with('.') && !text.is_empty(), "{text}");
        }
    }

    /// Takes the codes from the tables in the source, because the enums have no list of their variants.
    #[test]
    fn each_code_of_enums_has_help() {
        let sources =
            [include_str!("../verdict/refusal_kind.rs"), include_str!("../conclusion.rs")];
        let mut found = 0;
        for source in sources {
            let (_, table) = source.split_once("const fn code_and_meaning").unwrap();
            let (table, _) = table.split_once("\n    }\n").unwrap();
            // Each row has a code and a meaning.
            for code in table.split('"').skip(1).step_by(4) {
                assert!(code_help(code).is_some(), "expected help for {code}");
                found += 1;
            }
        }
        assert!(found > 40, "expected more than 40 codes, found {found}");
    }
}
