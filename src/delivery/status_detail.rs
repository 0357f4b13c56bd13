//! Details of an unusable status, for log lines: the target of a redirect, and the remedy if the
//! server expects TLS.

use http::header::LOCATION;
use http::{StatusCode, Uri};

use crate::printable::printable;
use crate::reply::Answer;

/// Texts with which servers respond to a plain request on a port with TLS: Go, nginx, Apache,
/// gatepost.
const TLS_EXPECTED: [&[u8]; 4] = [
    b"HTTP request to an HTTPS server",
    b"plain HTTP request was sent to HTTPS port",
    b"plain HTTP to an SSL-enabled server port",
    b"expected TLS, found plain HTTP",
];

/// Returns the status of an answer with its details. `own_path` is the path of the address; `None`
/// if the event keeps the path of the callback, which may contain a token.
#[cold]
pub(super) fn status_detail(answer: &Answer, status: StatusCode, own_path: Option<&str>) -> String {
    let Answer::Response { headers, body, .. } = answer else { return status.as_str().to_owned() };
    let contains =
        |text: &[u8]| body.as_ref().is_some_and(|body| memchr::memmem::find(body, text).is_some());
    if status == StatusCode::BAD_REQUEST && TLS_EXPECTED.iter().any(|text| contains(text)) {
        return format!("{}: expected HTTPS; write https:// in the address", status.as_str());
    }
    let location = headers.get(LOCATION).filter(|_| status.is_redirection());
    let location = location.and_then(|value| value.to_str().ok()).and_then(|l| l.parse().ok());
    match location.map(|location| without_secrets(&location, own_path)) {
        None => status.as_str().to_owned(),
        Some(target) => {
            let own = if target.contains(OWN) { " (… is from the path of url)" } else { "" };
            let status = status.as_str();
            format!(
                "{status} to {target}{own}; if it leads to the same handler, write it into url; if it is a login page, \
                 exempt the path of the event from the login"
            )
        }
    }
}

/// Character in place of the segments of a location that are also segments of the address.
const OWN: char = '…';

/// Returns the location of a redirect without its user, its query, and the segments of the app's
/// own path, which may be secret.
fn without_secrets(location: &Uri, own_path: Option<&str>) -> String {
    let origin = location.scheme_str().zip(location.authority()).map(|(scheme, authority)| {
        let host = authority.as_str().rsplit('@').next().unwrap_or_default();
        format!("{scheme}://{host}")
    });
    let origin = printable(&origin.unwrap_or_default());
    let Some(own_path) = own_path else { return format!("{origin}/{OWN}") };
    let is_own =
        |segment: &str| !segment.is_empty() && own_path.split('/').any(|own| own == segment);
    let mut path = String::new();
    for segment in location.path().split('/').skip(1) {
        match is_own(segment) {
            true if path.ends_with(OWN) => {}
            true => path.extend(['/', OWN]),
            false => path.extend(["/", segment]),
        }
    }
    format!("{origin}{}", shortened(&path))
}

/// Escapes a path, and keeps [`OWN`] readable.
fn shortened(path: &str) -> String {
    path.split(OWN).map(printable).collect::<Vec<_>>().join("…")
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;

    use super::*;

    fn redirect(location: &str, own: Option<&str>) -> String {
        let headers = HeaderMap::from_iter([(LOCATION, location.parse().unwrap())]);
        let status = StatusCode::MOVED_PERMANENTLY;
        let answer = Answer::Response { status, headers, body: Some("".into()) };
        status_detail(&answer, status, own)
    }

    #[test]
    fn names_target_of_redirect_without_query_user_and_own_path() {
        let own = Some("/hook/s3cret");
        for (location, expected) in [
            ("https://app.test/login?next=%2Fhook", "301 to https://app.test/login; if it leads"),
            (
                "https://u:p@app.test/hook/s3cret/",
                "301 to https://app.test/…/ (… is from the path of url); if it leads",
            ),
            ("/login", "301 to /login; if it leads"),
            ("/de/hook/s3cret", "301 to /de/… (… is"),
            ("/", "301 to /; if it leads"),
            ("not a location", "301"),
        ] {
            let detail = redirect(location, own);
            assert!(
                detail.starts_with(expected),
                "{location}: expected {expected}, found {detail}"
            );
            assert!(!detail.contains("s3cret") && !detail.contains("u:p"), "{detail}");
        }
        let kept = redirect("https://app.test/callbacks/t0ken/", None);
        assert!(kept.starts_with("301 to https://app.test/… ("), "{kept}");
    }

    #[test]
    fn names_remedy_for_server_that_expects_tls() {
        let status = StatusCode::BAD_REQUEST;
        let detail = |body: &str| {
            let answer = Answer::response(status, Some(body.to_owned().into()));
            status_detail(&answer, status, None)
        };
        let text = "Client sent an HTTP request to an HTTPS server.\n";
        assert_eq!(detail(text), "400: expected HTTPS; write https:// in the address");
        assert_eq!(detail("bad request"), "400");
    }
}
