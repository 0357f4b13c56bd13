//! What the API answers.

use http::header::{
    ALLOW, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, LOCATION, WWW_AUTHENTICATE,
};
use http::{HeaderName, HeaderValue, Response, StatusCode};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;
use serde_json::json;

use super::resource::Resource;
use crate::templates::problem::{Code, Problem};
use crate::templates::view::View;

/// An answer.
#[derive(Debug)]
pub(super) struct Reply {
    status: StatusCode,
    body: String,
    header: Option<(HeaderName, HeaderValue)>,
}

impl Reply {
    fn json(status: StatusCode, body: impl Serialize) -> Self {
        Self { status, body: json!(body).to_string(), header: None }
    }

    /// A JSON text as it is.
    pub(super) fn text(text: &str) -> Self {
        Self { status: StatusCode::OK, body: text.to_owned(), header: None }
    }

    pub(super) fn template(view: &View) -> Self {
        Self::json(StatusCode::OK, view)
    }

    pub(super) fn templates(views: &[View]) -> Self {
        Self::json(StatusCode::OK, json!({ "templates": views }))
    }

    pub(super) fn created(view: &View) -> Self {
        let name = utf8_percent_encode(&view.name, NON_ALPHANUMERIC);
        let location = HeaderValue::from_str(&format!("/api/templates/{name}")).ok();
        let header = location.map(|location| (LOCATION, location));
        Self { header, ..Self::json(StatusCode::CREATED, view) }
    }

    pub(super) const fn empty() -> Self {
        Self { status: StatusCode::NO_CONTENT, body: String::new(), header: None }
    }

    pub(super) fn problem(problem: &Problem) -> Self {
        let code = problem.code;
        let header = (code == Code::Unauthorized)
            .then(|| (WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"gatepost\"")));
        let (word, message, faults) = (code.as_str(), &problem.message, &problem.flaws);
        let body = json!({ "error": { "code": word, "message": message, "faults": faults } });
        Self { header, ..Self::json(code.status(), body) }
    }

    pub(super) fn method_not_allowed(resource: &Resource) -> Self {
        let allow = resource.allow();
        let message = format!("this cannot be done here; use {allow}");
        let header = HeaderValue::from_str(&allow).ok().map(|allow| (ALLOW, allow));
        Self { header, ..Self::problem(&Problem::new(Code::MethodNotAllowed, message)) }
    }

    pub(super) fn into_response(self) -> Response<Vec<u8>> {
        let mut response = Response::new(self.body.into_bytes());
        *response.status_mut() = self.status;
        let length = response.body().len();
        let headers = response.headers_mut();
        headers.extend(self.header);
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if self.status != StatusCode::NO_CONTENT {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            headers.insert(CONTENT_LENGTH, length.into());
        }
        response
    }
}
