//! URIs in nested routers: the URI that the client sent, and the paths that the inner service
//! receives.
//!
//! If a router is nested in another, axum removes the prefix of the nested router from the path.
//! In the extension `OriginalUri`, axum stores the URI that the client sent.

#[cfg(feature = "axum")]
use ::axum::extract::OriginalUri;
use http::uri::PathAndQuery;
use http::{Extensions, Request, Uri};

use crate::intake::Intake;
use crate::route::{TOKEN_SEGMENT, around_token, without_slash};

/// Returns the URI in axum's extension `OriginalUri`.
#[cfg(feature = "axum")]
pub(super) fn original(extensions: &Extensions) -> Option<&Uri> {
    extensions.get::<OriginalUri>().map(|OriginalUri(uri)| uri)
}

#[cfg(not(feature = "axum"))]
pub(super) const fn original(_: &Extensions) -> Option<&Uri> {
    None
}

/// Replaces the URI in axum's extension `OriginalUri`.
#[cfg(feature = "axum")]
fn replace_original(extensions: &mut Extensions, uri: Option<Uri>) {
    if let (Some(OriginalUri(original)), Some(uri)) = (extensions.get_mut(), uri) {
        *original = uri;
    }
}

#[cfg(not(feature = "axum"))]
fn replace_original(_: &mut Extensions, _: Option<Uri>) {}

/// Replaces the secret segment with `{token}` in the URIs that the inner service receives.
pub(super) fn hide_token<B>(intake: &Intake, request: &mut Request<B>) {
    let Some(masked) = intake.masked_path() else { return };
    let (uri, original) = (request.uri(), original(request.extensions()));
    let Some(found) = original.into_iter().chain([uri]).find_map(|uri| token_in(uri, masked))
    else {
        return;
    };
    let hide = |uri: &Uri| without_token(uri, found, masked);
    let (hidden, hidden_original) = (hide(uri), original.map(hide));
    *request.uri_mut() = hidden;
    replace_original(request.extensions_mut(), hidden_original);
}

/// Returns the segment of `uri` at the position of `{token}` in `masked`. Returns `None` if the
/// paths differ elsewhere. Ignores a slash at the end.
fn token_in<'u>(uri: &'u Uri, masked: &PathAndQuery) -> Option<&'u str> {
    let (before, after) = around_token(without_slash(masked.path()))?;
    without_slash(uri.path()).strip_prefix(before)?.strip_suffix(after)
}

fn without_token(uri: &Uri, token: &str, masked: &PathAndQuery) -> Uri {
    let ends_alike = uri.path().ends_with('/') == masked.path().ends_with('/');
    if ends_alike && token_in(uri, masked) == Some(token) && uri.query().is_none() {
        return with_path(uri.clone(), masked.clone());
    }
    let hidden = |segment| if segment == token { TOKEN_SEGMENT } else { segment };
    let mut path = uri.path().split('/').map(hidden).collect::<Vec<_>>().join("/");
    if let Some(query) = uri.query() {
        path.push('?');
        path.push_str(query);
    }
    // The conversion cannot fail, because `http` permits braces. The fallback `/` contains no
    // token.
    let path = PathAndQuery::try_from(path).unwrap_or_else(|_| PathAndQuery::from_static("/"));
    with_path(uri.clone(), path)
}

/// Replaces the path and the query of a URI.
pub(super) fn with_path(uri: Uri, path: PathAndQuery) -> Uri {
    if uri.authority().is_none() {
        return path.into();
    }
    let mut parts = uri.into_parts();
    parts.path_and_query = Some(path);
    // `from_parts` cannot fail: a scheme and an authority that are valid with one path are valid
    // with every path.
    Uri::from_parts(parts).unwrap_or_default()
}

/// Returns the path of an app address. If axum has removed a prefix from the path of the callback,
/// also removes this prefix from the path of the address.
pub(super) fn address_within<B>(address: &PathAndQuery, callback: &Request<B>) -> PathAndQuery {
    let shortened = nested_under(callback).and_then(|prefix| {
        let rest = address.as_str().strip_prefix(prefix)?;
        rest.starts_with('/').then(|| PathAndQuery::try_from(rest).ok())?
    });
    shortened.unwrap_or_else(|| address.clone())
}

/// Returns the prefix that axum has removed from the path; `None` if axum has removed none.
fn nested_under<B>(request: &Request<B>) -> Option<&str> {
    let original = original(request.extensions())?.path();
    let prefix = match request.uri().path() {
        "/" => Some(original.trim_end_matches('/')),
        path => original.strip_suffix(path),
    };
    prefix.filter(|prefix| !prefix.is_empty())
}
