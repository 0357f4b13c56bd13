//! For axum: an extractor that gives a handler its callback, typed.

use axum_core::extract::FromRequestParts;
use axum_core::response::{IntoResponse, Response};
use http::StatusCode;
use http::request::Parts;

use crate::provider::View;
use crate::verdict::{Accepted, ViewError};

/// The data of an accepted callback.
///
/// A request that did not come through the gate, or is of another kind than `T` describes, never
/// reaches the handler.
///
/// ```
/// use axum::{Router, routing::post};
/// use gatepost::axum::Callback;
/// use gatepost::kollus::{LivePlay, PlayReply};
///
/// async fn play(Callback(viewer): Callback<LivePlay>) -> PlayReply {
///     if viewer.client_user_id == "user01" {
///         PlayReply::allow().disable_tvout(true)
///     } else {
///         PlayReply::deny("Please buy a ticket")
///     }
/// }
///
/// let app: Router = Router::new().route("/kollus/play", post(play));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Callback<T>(pub T);

impl<T: View, S: Send + Sync> FromRequestParts<S> for Callback<T> {
    type Rejection = CallbackRejection;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Self::Rejection> {
        let accepted = parts.extensions.get::<Accepted>().ok_or(CallbackRejection::NotAccepted)?;
        accepted.view().map(Self).map_err(CallbackRejection::View)
    }
}

/// The permit itself, with the event, the template and the bytes as received.
impl<S: Send + Sync> FromRequestParts<S> for Accepted {
    type Rejection = CallbackRejection;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Self::Rejection> {
        parts.extensions.get().cloned().ok_or(CallbackRejection::NotAccepted)
    }
}

/// Why a handler did not get a callback.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CallbackRejection {
    /// The request did not come through the gate: answered with 403.
    #[error("the request did not come through the gate")]
    NotAccepted,
    /// The callback is of another type: answered with 422.
    #[error(transparent)]
    View(ViewError),
}

impl IntoResponse for CallbackRejection {
    fn into_response(self) -> Response {
        let status = match &self {
            Self::NotAccepted => StatusCode::FORBIDDEN,
            Self::View(_) => StatusCode::UNPROCESSABLE_ENTITY,
        };
        (status, self.to_string()).into_response()
    }
}
