//! Responses of the API.

use gatepost_editor::TemplateView;
use http::header::{
    ALLOW, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, LOCATION, RETRY_AFTER, WWW_AUTHENTICATE,
};
use http::{HeaderName, HeaderValue, Response, StatusCode};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;
use serde_json::json;

use super::error::{ApiError, whole_secs};
use super::resource::Resource;

const JSON: &str = "application/json";

/// Response to a request to the API.
#[derive(Debug)]
pub(super) struct ApiReply {
    status: StatusCode,
    content_type: &'static str,
    body: Vec<u8>,
    header: Option<(HeaderName, HeaderValue)>,
}

impl ApiReply {
    fn json(status: StatusCode, body: impl Serialize) -> Self {
        let body = json!(body).to_string().into_bytes();
        Self { status, content_type: JSON, body, header: None }
    }

    pub(super) fn ok(body: &impl Serialize) -> Self {
        Self::json(StatusCode::OK, body)
    }

    /// Returns a response whose body is a recorded request in wire format.
    pub(super) const fn recorded_request(body: Vec<u8>) -> Self {
        Self { status: StatusCode::OK, content_type: "message/http", body, header: None }
    }

    /// Returns a response whose body is `text`, which must be JSON.
    pub(super) fn text(text: &str) -> Self {
        let body = text.as_bytes().to_vec();
        Self { status: StatusCode::OK, content_type: JSON, body, header: None }
    }

    pub(super) fn template(view: &TemplateView) -> Self {
        Self::json(StatusCode::OK, view)
    }

    pub(super) fn templates(views: &[TemplateView]) -> Self {
        Self::json(StatusCode::OK, json!({ "templates": views }))
    }

    pub(super) fn created(view: &TemplateView) -> Self {
        let name = utf8_percent_encode(&view.name, NON_ALPHANUMERIC);
        let location = HeaderValue::from_str(&format!("/api/templates/{name}")).ok();
        let header = location.map(|location| (LOCATION, location));
        Self { header, ..Self::json(StatusCode::CREATED, view) }
    }

    pub(super) const fn empty() -> Self {
        Self { status: StatusCode::NO_CONTENT, content_type: JSON, body: Vec::new(), header: None }
    }

    pub(super) fn error(error: &ApiError) -> Self {
        let (status, code) = error.status_and_code();
        let header = if let ApiError::TooManyAttempts { delay } = error {
            Some((RETRY_AFTER, whole_secs(*delay).into()))
        } else {
            matches!(error, ApiError::Unauthorized)
                .then(|| (WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"gatepost\"")))
        };
        let (message, faults) = (error.message(), error.faults());
        let body = json!({ "error": { "code": code, "message": message, "faults": faults } });
        Self { header, ..Self::json(status, body) }
    }

    pub(super) fn method_not_allowed(resource: &Resource) -> Self {
        let allow = resource.allow();
        let header = HeaderValue::from_str(&allow).ok().map(|allow| (ALLOW, allow));
        Self { header, ..Self::error(&ApiError::MethodNotAllowed { allow }) }
    }

    pub(super) fn into_response(self) -> Response<Vec<u8>> {
        let mut response = Response::new(self.body);
        *response.status_mut() = self.status;
        let length = response.body().len();
        let headers = response.headers_mut();
        headers.extend(self.header);
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if self.status != StatusCode::NO_CONTENT {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(self.content_type));
            headers.insert(CONTENT_LENGTH, length.into());
        }
        response
    }
}
