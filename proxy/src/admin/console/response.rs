//! Responses of the console, with the headers that protect its pages.

use askama::Template;
use http::header::{
    CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_SECURITY_POLICY, CONTENT_TYPE,
    LOCATION, REFERRER_POLICY, SET_COOKIE, X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderName, HeaderValue, Response, StatusCode};
use serde::Serialize;

/// Content security policy. Permits only the console's own files.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
                      img-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'; \
                      require-trusted-types-for 'script'";

pub(super) struct ConsoleResponse(Response<Vec<u8>>);

impl ConsoleResponse {
    fn new(status: StatusCode, content_type: &'static str, body: Vec<u8>) -> Self {
        let mut response = Response::new(body);
        *response.status_mut() = status;
        let length = response.body().len();
        let headers = response.headers_mut();
        headers.insert(CONTENT_LENGTH, length.into());
        for (name, value) in [
            (CONTENT_TYPE, content_type),
            (CACHE_CONTROL, "no-store"),
            (CONTENT_SECURITY_POLICY, POLICY),
            // With `no-referrer`, browsers send `origin: null` with the forms.
            (REFERRER_POLICY, "same-origin"),
            (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        ] {
            headers.insert(name, HeaderValue::from_static(value));
        }
        Self(response)
    }

    pub(super) fn page(page: &impl Template) -> Self {
        match page.render() {
            Ok(html) => Self::new(StatusCode::OK, "text/html; charset=utf-8", html.into_bytes()),
            Err(_) => Self::failed(),
        }
    }

    /// Returns the response to a request that failed because of a fault in gatepost.
    pub(super) fn failed() -> Self {
        let text = "expected a page, found a fault in gatepost; read its log, then try again\n";
        Self::text(StatusCode::INTERNAL_SERVER_ERROR, text)
    }

    pub(super) fn text(status: StatusCode, text: &str) -> Self {
        Self::new(status, "text/plain; charset=utf-8", text.into())
    }

    pub(super) fn json(body: &impl Serialize) -> Self {
        let body = serde_json::to_vec(body).unwrap_or_default();
        Self::new(StatusCode::OK, "application/json", body)
    }

    /// Returns a file of the console. Browsers may cache it for a year, because its name changes
    /// with its content.
    pub(super) fn asset(content_type: &'static str, text: &str) -> Self {
        let always = HeaderValue::from_static("public, max-age=31536000, immutable");
        Self::new(StatusCode::OK, content_type, text.into()).with(CACHE_CONTROL, Some(always))
    }

    pub(super) fn download(name: &str, body: Vec<u8>) -> Self {
        let value = HeaderValue::try_from(format!("attachment; filename=\"{name}\"")).ok();
        Self::new(StatusCode::OK, "message/http", body).with(CONTENT_DISPOSITION, value)
    }

    /// Returns a redirect to a path that is relative to the path of the request.
    pub(super) fn redirect(to: &str) -> Self {
        let location = HeaderValue::try_from(to).ok();
        Self::text(StatusCode::SEE_OTHER, "").with(LOCATION, location)
    }

    pub(super) fn with_status(mut self, status: StatusCode) -> Self {
        *self.0.status_mut() = status;
        self
    }

    pub(super) fn with_cookie(self, cookie: &str) -> Self {
        self.with(SET_COOKIE, HeaderValue::try_from(cookie).ok())
    }

    fn with(mut self, name: HeaderName, value: Option<HeaderValue>) -> Self {
        if let Some(value) = value {
            self.0.headers_mut().insert(name, value);
        }
        self
    }

    pub(super) fn into_response(self) -> Response<Vec<u8>> {
        self.0
    }
}
