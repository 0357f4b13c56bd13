//! Texts for the faults of TLS connections to servers. Each text has a cause and a remedy.
//!
//! rustls describes many faults only by the names of its own types, which do not help an
//! operator. The texts of this module replace all these descriptions.

use std::borrow::Cow;
use std::error::Error;
use std::io;

use pingora::ErrorType;
use rustls::{AlertDescription, CertificateError};

/// Error for a server that closes a new connection after the TLS handshake, without a response.
/// With TLS 1.3, the client's handshake succeeds before the server refuses the client certificate.
/// If the server then resets the connection, gatepost does not receive the alert.
pub(crate) const CLOSED_AFTER_HANDSHAKE: &str = "expected a response, found a close; if the server \
     needs a `certificate`, set it in [[outgoing_tls]]";

/// Error for a server that sends TLS in response to a request in plain HTTP.
pub(crate) const TLS_FOUND: &str = "expected HTTP, found TLS; write https:// in the address";

/// Error for a server that closes a new connection in plain HTTP without a response. Many servers
/// do so on a port with TLS.
pub(crate) const CLOSED_WITHOUT_TLS: &str = "expected a response, found a close; write https:// if \
     the port has TLS, or read the server's log";

const UNKNOWN_AUTHORITY: &str =
    "expected a trusted certificate, found an unknown authority; set `ca` in [[outgoing_tls]]";
const EXPIRED: &str = "expected a valid certificate, found an expired one; renew it on the server";
const NOT_VALID_YET: &str =
    "expected a valid certificate, found one that is not valid yet; check the clocks";
const OTHER_NAME: &str =
    "expected a certificate for the host, found other names; set `server_name` in [[outgoing_tls]]";
const NO_DNS_NAMES: &str =
    "expected a certificate with DNS names, found none; issue it with the host as subjectAltName";
const AUTHORITY_AS_SERVER: &str =
    "expected a certificate of a server, found one of an authority; issue it with CA:FALSE";
const OTHER_SIGNATURE: &str =
    "expected a trusted signature, found another; write the current CA certificate to `ca`";
const OTHER_PURPOSE: &str =
    "expected a certificate for servers, found another purpose; issue it with serverAuth";
const INVALID_CERTIFICATE: &str =
    "expected a valid certificate, found a faulty one; read it with `openssl x509 -text`";
const CLIENT_REFUSED: &str =
    "expected access, found a refused client certificate; set `certificate` in [[outgoing_tls]]";
const NO_VERSION: &str = "expected a server with TLS 1.2 or 1.3, found neither; update the server";
const NO_CIPHER: &str =
    "expected a common cipher, found none; permit TLS 1.3 or ECDHE ciphers on the server";
const UNKNOWN_NAME: &str =
    "expected a known host, found an unknown name; set `server_name` in [[outgoing_tls]]";
const OTHER_ALERT: &str = "expected a TLS handshake, found an alert; read the server's log";
const NO_TLS: &str = "expected TLS, found other bytes; write http:// in the address";
const CLOSED_IN_HANDSHAKE: &str = "expected TLS, found a close; write http:// if the port has no TLS, \
     or read the server's log";
const OTHER_FAULT: &str =
    "expected a TLS handshake, found a fault; try `openssl s_client -connect HOST:PORT`";

/// The text of webpki's error for a certificate of an authority in place of a server certificate.
/// gatepost does not depend on webpki, so it cannot name the type of the error.
const CA_USED_AS_END_ENTITY: &str = "CaUsedAsEndEntity";

/// Length that each text stays below, in bytes. In the log, a longer text loses its remedy.
const MAX_BYTES: usize = 100;

/// Maximum number of names of a certificate in a text.
const MAX_NAMES: usize = 3;

/// Describes a TLS error with its remedy, in fewer than 100 bytes; `None` for any other error.
pub(crate) fn explain(error: &(dyn Error + 'static)) -> Option<Cow<'static, str>> {
    tls_error(error)
}

/// Describes an error of a new connection to a server with https, as [`explain`] does. A server
/// without TLS may reset the connection in the handshake.
pub(crate) fn explain_new_connection(error: &(dyn Error + 'static)) -> Option<Cow<'static, str>> {
    let is_end = |kind: io::ErrorKind| {
        use io::ErrorKind::{BrokenPipe, ConnectionReset, UnexpectedEof};
        matches!(kind, ConnectionReset | BrokenPipe | UnexpectedEof)
    };
    // `source` skips the inner error of an `io::Error`.
    let is_ended = |cause: &(dyn Error + 'static)| {
        let io = cause.downcast_ref::<io::Error>();
        let inner = io.and_then(io::Error::get_ref).and_then(|own| own.downcast_ref::<io::Error>());
        io.into_iter().chain(inner).any(|io| is_end(io.kind()))
    };
    let mut causes = std::iter::successors(Some(error), |&error| error.source());
    let mut has_ended = || causes.any(is_ended);
    explain(error).or_else(|| has_ended().then_some(CLOSED_IN_HANDSHAKE.into()))
}

/// Returns true if bytes in place of an HTTP response begin with a record of TLS.
pub(crate) const fn begins_with_tls(bytes: &[u8]) -> bool {
    matches!(bytes, [0x14..=0x17, 3, 0..=4, ..])
}

/// Describes a TLS error as [`explain`] does, for a command. A command does not use
/// `[[outgoing_tls]]`.
pub(crate) fn explain_for_command(error: &(dyn Error + 'static)) -> Option<String> {
    let text = explain(error)?;
    let is_of_config =
        |remedy: &str| remedy.contains("[[outgoing_tls]]") || remedy.contains("`server_name`");
    let fault = text.split_once("; ").filter(|(_, remedy)| is_of_config(remedy));
    Some(match fault {
        Some((fault, _)) => format!("{fault}; check the host and --cacert"),
        None => text.into_owned(),
    })
}

/// Describes an error of a connection from Pingora to a server, as [`explain`] does. Pingora keeps
/// only the text of a handshake error.
pub(crate) fn explain_pingora(error: &pingora::Error) -> Option<Cow<'static, str>> {
    const TEXTS: [(&str, &str); 19] = [
        ("UnknownIssuer", UNKNOWN_AUTHORITY),
        ("BadSignature", OTHER_SIGNATURE),
        ("certificate expired", EXPIRED),
        ("not valid yet", NOT_VALID_YET),
        ("not valid for name", OTHER_NAME),
        (CA_USED_AS_END_ENTITY, AUTHORITY_AS_SERVER),
        ("certificate does not allow extended key usage", OTHER_PURPOSE),
        ("invalid peer certificate", INVALID_CERTIFICATE),
        ("alert: CertificateRequired", CLIENT_REFUSED),
        ("alert: BadCertificate", CLIENT_REFUSED),
        ("alert: CertificateUnknown", CLIENT_REFUSED),
        ("alert: UnknownCA", CLIENT_REFUSED),
        ("alert: ProtocolVersion", NO_VERSION),
        ("alert: HandshakeFailure", NO_CIPHER),
        ("alert: UnrecognisedName", UNKNOWN_NAME),
        ("fatal alert", OTHER_ALERT),
        ("peer is incompatible", NO_VERSION),
        ("corrupt message", NO_TLS),
        ("handshake eof", CLOSED_IN_HANDSHAKE),
    ];
    let text = || {
        let text = error.to_string();
        let known = TEXTS.iter().find(|(needle, _)| has_words(&text, needle));
        known.map(|(_, explained)| with_names(explained, &text))
    };
    let is_handshake = *error.etype() == ErrorType::TLSHandshakeFailure;
    explain(error.root_cause()).or_else(text).or(is_handshake.then_some(OTHER_FAULT.into()))
}

/// Adds the names of the server's certificate to `explained`, if `explained` is about these names.
/// If the certificate has no name that `server_name` accepts, returns another text. `text` is the
/// text of rustls, which lists the names.
fn with_names(explained: &'static str, text: &str) -> Cow<'static, str> {
    const BEGIN: &str = "expected a certificate for the host, found ";
    const REMEDY: &str = "; set `server_name`";
    if explained != OTHER_NAME {
        return explained.into();
    }
    if text.contains("is not valid for any names") {
        return NO_DNS_NAMES.into();
    }
    let Some((_, names)) = text.split_once("is only valid for ") else { return explained.into() };
    let names = names.split(", ").flat_map(|names| names.split(" or "));
    let names: Vec<_> = names.filter_map(bare).filter(|name| !name.contains(':')).collect();
    if names.is_empty() {
        return NO_DNS_NAMES.into();
    }
    let room = MAX_BYTES - 1 - BEGIN.len() - REMEDY.len();
    let shown = (1..=MAX_NAMES.min(names.len())).rev().map(|count| first(&names, count));
    let is_plain = |text: &str| text.bytes().all(|byte| matches!(byte, b' '..=b'~'));
    match shown.into_iter().find(|shown| shown.len() <= room && is_plain(shown)) {
        Some(shown) => format!("{BEGIN}{shown}{REMEDY}").into(),
        None => explained.into(),
    }
}

/// Returns the first `count` names, and the number of the others.
fn first(names: &[&str], count: usize) -> String {
    let shown = names.iter().take(count).copied().collect::<Vec<_>>().join(", ");
    match names.len() - count.min(names.len()) {
        0 => shown,
        others => format!("{shown} and {others} more"),
    }
}

/// Returns a name without the type that rustls writes around it, as in `DnsName("a.example")`;
/// `None` for other text.
fn bare(name: &str) -> Option<&str> {
    let inside = name.strip_prefix("DnsName(").or_else(|| name.strip_prefix("IpAddress("))?;
    inside.split(')').next().map(|name| name.trim_matches('"'))
}

/// Returns true if `text` contains `words` without a letter or digit directly after them.
fn has_words(text: &str, words: &str) -> bool {
    let is_inside = |rest: &str| rest.starts_with(|next: char| next.is_ascii_alphanumeric());
    text.match_indices(words).any(|(at, _)| !is_inside(&text[at + words.len()..]))
}

/// Describes the outermost TLS error among the causes of `error`. Looks inside each `io::Error`,
/// because its `source` skips the inner error.
fn tls_error(error: &(dyn Error + 'static)) -> Option<Cow<'static, str>> {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(found) = error.downcast_ref::<rustls::Error>() {
            return Some(with_names(describe(found), &found.to_string()));
        }
        let io = error.downcast_ref::<io::Error>();
        let inner = io.and_then(io::Error::get_ref);
        if let Some(found) = inner.and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
            return Some(with_names(describe(found), &found.to_string()));
        }
        // The text of tokio-rustls for a server that closes the connection in the handshake.
        if inner.is_some_and(|inner| inner.to_string() == "tls handshake eof") {
            return Some(CLOSED_IN_HANDSHAKE.into());
        }
        cause = match inner {
            Some(inner) => Some(inner),
            None => error.source(),
        };
    }
    None
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the other errors have one remedy")]
fn describe(error: &rustls::Error) -> &'static str {
    use rustls::Error::{AlertReceived, InvalidCertificate, InvalidMessage, PeerIncompatible};
    match error {
        InvalidCertificate(fault) => of_certificate(fault),
        AlertReceived(alert) => of_alert(*alert),
        PeerIncompatible(_) => NO_VERSION,
        InvalidMessage(_) => NO_TLS,
        _ => OTHER_FAULT,
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the other faults have one remedy")]
fn of_certificate(fault: &CertificateError) -> &'static str {
    use CertificateError as Fault;
    match fault {
        Fault::UnknownIssuer => UNKNOWN_AUTHORITY,
        Fault::BadSignature => OTHER_SIGNATURE,
        Fault::Expired | Fault::ExpiredContext { .. } => EXPIRED,
        Fault::NotValidYet | Fault::NotValidYetContext { .. } => NOT_VALID_YET,
        Fault::NotValidForName | Fault::NotValidForNameContext { .. } => OTHER_NAME,
        Fault::InvalidPurpose | Fault::InvalidPurposeContext { .. } => OTHER_PURPOSE,
        Fault::Other(other) if other.to_string() == CA_USED_AS_END_ENTITY => AUTHORITY_AS_SERVER,
        _ => INVALID_CERTIFICATE,
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the other alerts have one remedy")]
const fn of_alert(alert: AlertDescription) -> &'static str {
    use AlertDescription as Alert;
    match alert {
        Alert::CertificateRequired
        | Alert::BadCertificate
        | Alert::UnsupportedCertificate
        | Alert::UnknownCA
        | Alert::CertificateUnknown
        | Alert::CertificateExpired
        | Alert::AccessDenied => CLIENT_REFUSED,
        Alert::ProtocolVersion => NO_VERSION,
        Alert::HandshakeFailure | Alert::InsufficientSecurity => NO_CIPHER,
        Alert::UnrecognisedName => UNKNOWN_NAME,
        _ => OTHER_ALERT,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use rustls::{InvalidMessage, OtherError, PeerIncompatible, PeerMisbehaved};

    use super::*;

    fn errors() -> Vec<rustls::Error> {
        let other = |text: &str| {
            CertificateError::Other(OtherError(Arc::new(io::Error::other(text.to_owned()))))
        };
        let faults = [
            CertificateError::UnknownIssuer,
            CertificateError::Expired,
            CertificateError::NotValidYet,
            CertificateError::NotValidForName,
            CertificateError::InvalidPurpose,
            CertificateError::BadEncoding,
            CertificateError::BadSignature,
            other(CA_USED_AS_END_ENTITY),
            other("EndEntityUsedAsCa"),
        ];
        let alerts = (0..=u8::MAX).map(AlertDescription::from);
        let alerts = alerts.map(rustls::Error::AlertReceived);
        let others = [
            InvalidMessage::InvalidContentType.into(),
            PeerIncompatible::NoCipherSuitesInCommon.into(),
            PeerMisbehaved::UnsolicitedCertExtension.into(),
            rustls::Error::NoCertificatesPresented,
            rustls::Error::DecryptError,
        ];
        let faults =
            faults.into_iter().chain(NAMES.map(other_names)).chain(NO_NAMES.map(presented));
        faults.map(Into::into).chain(alerts).chain(others).collect()
    }

    const NAMES: [&[&str]; 6] = [
        &["app.internal"],
        &["app.internal", "b.internal"],
        &["a.example", "b.example", "c.example"],
        &["a.example", "b.example", "c.example", "d.example", "e.example"],
        &["first.internal.example", "second.internal.example"],
        &["a.host.with.a.name.that.does.not.fit.into.the.text.example"],
    ];

    /// Names as rustls writes them, of certificates without a name that `server_name` accepts.
    const NO_NAMES: [&[&str]; 3] = [&[], &["Unsupported(129)"], &["IpAddress(::1)"]];

    fn other_names(names: &[&str]) -> CertificateError {
        let names: Vec<_> = names.iter().map(|name| format!("DnsName(\"{name}\")")).collect();
        presented(&names.iter().map(String::as_str).collect::<Vec<_>>())
    }

    fn presented(names: &[&str]) -> CertificateError {
        CertificateError::NotValidForNameContext {
            expected: "localhost".try_into().unwrap(),
            presented: names.iter().copied().map(str::to_owned).collect(),
        }
    }

    #[test]
    fn remedy_for_certificate_without_dns_names_is_another_certificate() {
        for names in NO_NAMES {
            let error = rustls::Error::from(presented(names));
            assert_eq!(explain(&error).as_deref(), Some(NO_DNS_NAMES), "{names:?}");
            assert_eq!(explain_for_command(&error).as_deref(), Some(NO_DNS_NAMES), "{names:?}");
        }
        let error = rustls::Error::from(presented(&["IpAddress(10.0.0.1)"]));
        let text = explain(&error).unwrap();
        assert!(text.ends_with("found 10.0.0.1; set `server_name`"), "{text}");
    }

    #[test]
    fn text_about_other_names_has_the_first_names_that_fit() {
        for (names, found) in NAMES.into_iter().zip([
            "found app.internal; set `server_name`",
            "found app.internal, b.internal; set `server_name`",
            "found a.example, b.example, c.example; set `server_name`",
            "found a.example, b.example and 3 more; set `server_name`",
            "found first.internal.example and 1 more; set `server_name`",
            "found other names; set `server_name` in [[outgoing_tls]]",
        ]) {
            let error = rustls::Error::from(other_names(names));
            let text = explain(&error).unwrap();
            assert!(text.ends_with(found), "expected {found}, found {text}");
        }
        let error = rustls::Error::from(other_names(NAMES[0]));
        let text = explain_for_command(&error).unwrap();
        assert!(text.ends_with("found app.internal; check the host and --cacert"), "{text}");
    }

    #[test]
    fn each_text_fits_the_log_and_has_a_remedy() {
        for error in errors() {
            let text = explain(&error).unwrap();
            let has_parts = text.starts_with("expected ") && text.contains(", found ");
            assert!(has_parts && text.contains("; ") && text.len() < 100, "{error}: {text}");
            let nested = io::Error::other(error.clone());
            assert_eq!(explain(&nested), Some(text));
        }
        let closed = Some(Cow::from(CLOSED_IN_HANDSHAKE));
        assert_eq!(explain(&io::Error::other("tls handshake eof")), closed);
        let reset = io::Error::from(io::ErrorKind::ConnectionReset);
        assert_eq!(explain(&reset), None);
        assert_eq!(explain_new_connection(&reset), closed);
        assert_eq!(explain_new_connection(&io::Error::other(reset)), closed);
        let refused = io::Error::from(io::ErrorKind::ConnectionRefused);
        assert_eq!(explain_new_connection(&refused), None);
        for text in [TLS_FOUND, CLOSED_WITHOUT_TLS, CLOSED_IN_HANDSHAKE, CLOSED_AFTER_HANDSHAKE] {
            assert!(
                text.len() < 100,
                "expected fewer than 100 bytes, found {}: {text}",
                text.len()
            );
        }
    }

    #[test]
    fn distinguishes_tls_record_from_text() {
        let alert = [0x15, 3, 3, 0, 2, 2, 22];
        assert!(begins_with_tls(&alert) && !begins_with_tls(&alert[..2]));
        assert!(!begins_with_tls(b"HTTP/1.1 200 OK") && !begins_with_tls(b""));
    }

    #[test]
    fn commands_name_their_own_option() {
        let text = explain_for_command(&rustls::Error::from(CertificateError::UnknownIssuer));
        let expected = "expected a trusted certificate, found an unknown authority; \
                        check the host and --cacert";
        assert_eq!(text.as_deref(), Some(expected));
        let text = explain_for_command(&rustls::Error::from(CertificateError::Expired));
        assert_eq!(text.as_deref(), Some(EXPIRED));
    }

    #[test]
    fn text_for_error_of_pingora_has_the_same_remedy() {
        for error in errors() {
            let pingora =
                pingora::Error::explain(ErrorType::TLSHandshakeFailure, error.to_string());
            let (own, of_pingora) = (explain(&error).unwrap(), explain_pingora(&pingora).unwrap());
            let is_similar =
                own == of_pingora || [OTHER_ALERT, INVALID_CERTIFICATE].contains(&&*of_pingora);
            assert!(is_similar, "{error}: {own} and {of_pingora}");
        }
    }
}
