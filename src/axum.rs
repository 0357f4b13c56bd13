//! Extractors for axum: [`Callback`] for the typed data of a callback, and [`Accepted`] for the
//! verdict.

use std::convert::Infallible;

use axum_core::extract::{FromRequestParts, OptionalFromRequestParts};
use axum_core::response::{IntoResponse, Response};
use http::StatusCode;
use http::request::Parts;

use crate::layer::system_time;
use crate::provider::View;
use crate::report;
use crate::verdict::{Accepted, ViewError};

/// Extractor for the typed data of an accepted callback.
///
/// The request must have passed [`GateLayer`](crate::GateLayer), and `T` must describe the kind of
/// the callback. Otherwise, the extractor returns a [`CallbackRejection`]. A type of this crate
/// fits every accepted callback of its kind: if a value does not have the type of an optional
/// field, the field is `None`.
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
///
/// A handler for several kinds takes the enum of the provider:
///
/// ```
/// use axum::{Router, routing::post};
/// use gatepost::axum::Callback;
/// use gatepost::tencent_css::TencentCssCallback;
///
/// async fn live(Callback(callback): Callback<TencentCssCallback>) {
///     match callback {
///         TencentCssCallback::Push(push) => println!("{:?} is live", push.stream_id),
///         TencentCssCallback::Interruption(end) => println!("{:?} has ended", end.stream_id),
///         _ => {}
///     }
/// }
///
/// let app: Router = Router::new().route("/live", post(live));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Callback<T>(pub T);

impl<T: View, S: Send + Sync> FromRequestParts<S> for Callback<T> {
    type Rejection = CallbackRejection;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Self::Rejection> {
        let accepted = parts.extensions.get().ok_or_else(not_accepted)?;
        view(accepted).map(Self)
    }
}

/// Extracts `None` for a request that is not an accepted callback, and for a callback of a kind
/// that `T` does not describe.
///
/// One handler can therefore take several kinds:
///
/// ```
/// use axum::{Router, routing::post};
/// use gatepost::axum::Callback;
/// use gatepost::tencent_css::{Interruption, Push};
///
/// async fn stream(start: Option<Callback<Push>>, end: Option<Callback<Interruption>>) {
///     match (start, end) {
///         (Some(Callback(push)), _) => println!("{:?} is live", push.stream_id),
///         (_, Some(Callback(end))) => println!("{:?} has ended", end.stream_id),
///         (None, None) => println!("another kind"),
///     }
/// }
///
/// let app: Router = Router::new().route("/live/stream", post(stream));
/// ```
impl<T: View, S: Send + Sync> OptionalFromRequestParts<S> for Callback<T> {
    type Rejection = CallbackRejection;

    async fn from_request_parts(
        parts: &mut Parts,
        _state: &S,
    ) -> Result<Option<Self>, Self::Rejection> {
        let accepted = parts.extensions.get::<Accepted>();
        accepted.filter(|accepted| accepted.is::<T>()).map(|a| view(a).map(Self)).transpose()
    }
}

fn not_accepted() -> CallbackRejection {
    report::not_accepted(system_time());
    CallbackRejection::NotAccepted
}

/// Returns the typed data of a callback. If `T` does not fit the callback, logs the error, because
/// the layer receives only the status of the rejection.
fn view<T: View>(accepted: &Accepted) -> Result<T, CallbackRejection> {
    accepted.view().map_err(|error| {
        report::view_failed(accepted, &error, system_time());
        CallbackRejection::View(error)
    })
}

/// Extracts the accepted callback: its event, its template, and its body as received.
impl<S: Send + Sync> FromRequestParts<S> for Accepted {
    type Rejection = CallbackRejection;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Self::Rejection> {
        parts.extensions.get().cloned().ok_or_else(not_accepted)
    }
}

/// Extracts `None` if the request is not an accepted callback.
impl<S: Send + Sync> OptionalFromRequestParts<S> for Accepted {
    type Rejection = Infallible;

    async fn from_request_parts(
        parts: &mut Parts,
        _state: &S,
    ) -> Result<Option<Self>, Self::Rejection> {
        Ok(parts.extensions.get().cloned())
    }
}

/// The error of the extractors [`Callback`] and [`Accepted`].
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CallbackRejection {
    /// Error for a request that [`GateLayer`](crate::GateLayer) has not accepted as a callback. The
    /// status is 403.
    #[error(
        "expected a callback accepted by gatepost, found a request that gatepost did not accept; \
         add `GateLayer`, and a [[route]] with the path of the request"
    )]
    NotAccepted,
    /// Error for a callback that does not match the type `T` of [`Callback`]. The status is 422.
    #[error(transparent)]
    View(ViewError),
}

impl IntoResponse for CallbackRejection {
    fn into_response(self) -> Response {
        let status = match &self {
            Self::NotAccepted => StatusCode::FORBIDDEN,
            Self::View(_) => StatusCode::UNPROCESSABLE_ENTITY,
        };
        // The client receives a constant text. The log contains the reason, for the operator.
        (status, "refused\n").into_response()
    }
}
