//! Checks of a callback's head, before a byte of its body is read.

use http::header::{CONNECTION, CONTENT_ENCODING, CONTENT_LENGTH, TRANSFER_ENCODING, UPGRADE};
use http::{HeaderMap, HeaderValue};

use crate::head::Head;
use crate::provider::locator::CapturedHead;
use crate::route::Route;
use crate::verdict::{RefusalCause, RefusalKind};

/// What is known from the head of a callback.
#[derive(Debug)]
pub(crate) struct CheckedHead {
    pub(super) announced: usize,
    pub(super) captured: CapturedHead,
}

/// Checks what the head alone tells.
pub(crate) fn check_head(
    head: &Head<'_>,
    route: &Route,
    token: Option<&str>,
) -> Result<CheckedHead, RefusalCause> {
    let headers = head.headers();
    let length = announced_length(head)?;
    if headers.contains_key(UPGRADE) || asks_for_upgrade(headers) {
        return Err(RefusalKind::UpgradeNotAllowed.into());
    }
    if !route.plan.methods.contains(head.method()) {
        return Err(RefusalKind::MethodNotAllowed.into());
    }
    if let Some(secret) = &route.token
        && !token.is_some_and(|token| secret.matches(token.as_bytes()))
    {
        return Err(RefusalKind::TokenMismatch.into());
    }
    let is_identity = |value: &HeaderValue| value.as_bytes().eq_ignore_ascii_case(b"identity");
    if !headers.get_all(CONTENT_ENCODING).iter().all(is_identity) {
        return Err(RefusalKind::ContentEncodingUnsupported.into());
    }
    let captured = CapturedHead::of(head, &route.plan.headers, route.plan.reads_query)?;
    match usize::try_from(length) {
        Ok(announced) if announced <= route.max_body_bytes => {
            Ok(CheckedHead { announced, captured })
        }
        Ok(_) | Err(_) => Err(RefusalKind::BodyTooLarge.into()),
    }
}

/// RFC 9112, section 6: a length, or chunks, and nothing that could be read as the other.
fn announced_length(head: &Head<'_>) -> Result<u64, RefusalKind> {
    let unclear = RefusalKind::FramingAmbiguous;
    let mut lengths = head.headers().get_all(CONTENT_LENGTH).iter();
    let mut encodings = head.headers().get_all(TRANSFER_ENCODING).iter();
    let (length, encoding) = (lengths.next(), encodings.next());
    let twice = lengths.next().is_some() || encodings.next().is_some();
    if head.has_unclear_framing() || twice || (length.is_some() && encoding.is_some()) {
        return Err(unclear);
    }
    if encoding.is_some_and(|encoding| !encoding.as_bytes().eq_ignore_ascii_case(b"chunked")) {
        return Err(unclear);
    }
    let digits = |value: &HeaderValue| {
        let text = value.to_str().ok().filter(|t| t.bytes().all(|b| b.is_ascii_digit()))?;
        text.parse().ok()
    };
    length.map_or(Ok(0), |value| digits(value).ok_or(unclear))
}

fn asks_for_upgrade(headers: &HeaderMap) -> bool {
    headers.get_all(CONNECTION).iter().any(|value| {
        value
            .as_bytes()
            .split(|b| *b == b',')
            .any(|word| word.trim_ascii().eq_ignore_ascii_case(b"upgrade"))
    })
}
