//! Refusals: the verdict if the client is at fault. Each refusal has a stable code and a status.

use core::net::IpAddr;
use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use http::HeaderValue;
use http::header::ALLOW;

use super::refusal_kind::RefusalKind;
use crate::client::Client;
use crate::json::{BodyError, Counted};
use crate::printable::{print_only, printable};
use crate::provider::Plan;
use crate::provider::challenge::ChallengeError;
use crate::provider::field::FieldError;
use crate::provider::locator::CaptureError;
use crate::provider::signature::SignatureError;
use crate::reply::Reply;

/// A refused callback, with details for the operator.
///
/// The client receives only [`Refusal::reply`]: a status and a constant body.
///
/// # Examples
///
/// ```
/// use gatepost::{Admission, Gate, Head, RefusalKind, Timestamp};
/// use http::{HeaderMap, Method, Uri};
///
/// let config = "[[route]]\npath = '/callbacks/{token}'\nprovider = 'kollus'\ntoken = 't0ken'";
/// let gate = Gate::builder().toml(config).build()?;
/// let now = Timestamp::from_secs(1_703_731_478);
/// let admit = |uri| gate.admit(&Head::new(&Method::POST, &uri, &HeaderMap::new()), now);
///
/// let genuine = admit(Uri::from_static("/callbacks/t0ken"));
/// assert!(matches!(genuine, Admission::Callback(_)));
/// let Admission::Refused(refusal) = admit(Uri::from_static("/callbacks/guess")) else {
///     panic!("expected a refusal, found another admission")
/// };
/// assert_eq!(refusal.kind(), RefusalKind::TokenMismatch);
/// assert_eq!(refusal.route(), "/callbacks/{token}");
/// assert_eq!(refusal.reply().status(), 401);
/// # Ok::<(), gatepost::ConfigError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Refusal(Box<RefusalDetails>);

#[derive(Clone)]
struct RefusalDetails {
    kind: RefusalKind,
    detail: Option<String>,
    allow: Option<HeaderValue>,
    route: Arc<str>,
    provider: Arc<str>,
    tenant: Option<String>,
    template: Option<Arc<str>>,
    client: Option<IpAddr>,
    cors: Option<HeaderValue>,
    body: Bytes,
}

print_only! { RefusalDetails: kind detail allow route provider tenant template cors; }

/// Body of the reply to a refused callback, the same for every reason.
const REFUSED: &[u8] = b"refused\n";

impl Refusal {
    pub(crate) fn new(fault: RefusalCause, route: &Arc<str>, plan: &Plan) -> Self {
        let allow = (fault.kind == RefusalKind::MethodNotAllowed).then(|| plan.allow.clone());
        Self(Box::new(RefusalDetails {
            kind: fault.kind,
            detail: fault.detail,
            allow,
            route: Arc::clone(route),
            provider: Arc::clone(&plan.name),
            tenant: None,
            template: None,
            client: None,
            cors: None,
            body: Bytes::new(),
        }))
    }

    /// Adds the tenant and the template; `None` means that gatepost has found none.
    pub(crate) fn of(mut self, tenant: Option<&str>, template: Option<&Arc<str>>) -> Self {
        self.0.tenant = tenant.map(printable);
        self.0.template = template.cloned();
        self
    }

    /// Adds the client's address.
    pub(crate) fn sent_by(mut self, client: &Client) -> Self {
        self.0.client = client.address;
        self
    }

    /// Permits the pages of an origin to read the reply; `None` permits no page.
    pub(crate) fn readable_by(mut self, origin: Option<HeaderValue>) -> Self {
        self.0.cors = origin;
        self
    }

    /// Adds the body of the callback.
    pub(crate) fn with_body(mut self, body: Bytes) -> Self {
        self.0.body = body;
        self
    }

    /// Returns the bytes of the body that gatepost received. If gatepost refused the callback
    /// because of its head, returns no bytes. The body may contain personal data and secrets.
    #[must_use]
    pub fn body(&self) -> &Bytes {
        &self.0.body
    }

    /// Returns the address of the client; `None` if the [`Head`](crate::Head) has no peer.
    #[must_use]
    pub const fn client(&self) -> Option<IpAddr> {
        self.0.client
    }

    /// Returns the reason.
    #[must_use]
    pub const fn kind(&self) -> RefusalKind {
        self.0.kind
    }

    /// Returns details for the operator, never a secret. gatepost escapes received names, and cuts
    /// them after 100 characters.
    #[must_use]
    pub fn detail(&self) -> Option<&str> {
        self.0.detail.as_deref()
    }

    /// Returns the path and the query parameters of the route, as written in the config. For
    /// [`RefusalKind::AddressReserved`], returns the path of the address.
    #[must_use]
    pub fn route(&self) -> &str {
        &self.0.route
    }

    /// Returns the name of the route's provider.
    #[must_use]
    pub fn provider(&self) -> &str {
        &self.0.provider
    }

    /// Returns the tenant that the callback names; `None` if gatepost has not read a tenant.
    #[must_use]
    pub fn tenant(&self) -> Option<&str> {
        self.0.tenant.as_deref()
    }

    /// Returns the name of the template; `None` if gatepost has not found a template.
    #[must_use]
    pub fn template(&self) -> Option<&str> {
        self.0.template.as_deref()
    }

    /// Returns the reply to the client.
    #[must_use]
    pub fn reply(&self) -> Reply {
        Reply {
            extra: self.0.allow.clone().map(|methods| [(ALLOW, methods)].into()),
            close: self.0.kind.closes(),
            cors: self.0.cors.clone().map(Box::new),
            ..Reply::text(self.0.kind.status(), REFUSED)
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.detail() {
            Some(detail) => write!(f, "{}: {detail}", self.kind()),
            None => self.kind().fmt(f),
        }
    }
}

impl std::error::Error for Refusal {}

/// Reason for a refusal, with details, but without the route and the tenant.
#[derive(Debug)]
pub(crate) struct RefusalCause {
    kind: RefusalKind,
    detail: Option<String>,
}

impl RefusalCause {
    pub(crate) fn with(kind: RefusalKind, detail: impl Into<String>) -> Self {
        Self { kind, detail: Some(detail.into()) }
    }
}

impl From<RefusalKind> for RefusalCause {
    fn from(kind: RefusalKind) -> Self {
        Self { kind, detail: None }
    }
}

impl From<CaptureError> for RefusalCause {
    fn from(error: CaptureError) -> Self {
        match error {
            CaptureError::Duplicate(what) => {
                let detail = format!("expected {} once, found it more than once", printable(&what));
                Self::with(RefusalKind::FieldDuplicate, detail)
            }
            CaptureError::TooManyParameters => {
                Self::with(RefusalKind::FieldsTooMany, Counted::Parameters.limit())
            }
        }
    }
}

impl From<BodyError> for RefusalCause {
    fn from(defect: BodyError) -> Self {
        match defect {
            BodyError::Duplicate(name) => {
                let detail =
                    format!("expected `{}` once, found it more than once", printable(&name));
                Self::with(RefusalKind::FieldDuplicate, detail)
            }
            BodyError::FormMalformed => RefusalKind::FormMalformed.into(),
            BodyError::InvalidUtf8 => RefusalKind::Utf8Invalid.into(),
            BodyError::JsonMalformed => RefusalKind::JsonMalformed.into(),
            BodyError::NotAnObject => RefusalKind::NotAnObject.into(),
            BodyError::TooDeep => RefusalKind::JsonTooDeep.into(),
            BodyError::TooMany(counted) => Self::with(RefusalKind::FieldsTooMany, counted.limit()),
        }
    }
}

impl From<ChallengeError> for RefusalCause {
    fn from(error: ChallengeError) -> Self {
        match error {
            ChallengeError::Invalid(place) => {
                let expected = "expected a challenge of 1 to 128 letters, digits, _ and -";
                Self::with(
                    RefusalKind::FieldInvalid,
                    format!("{expected} at {place}, found another value"),
                )
            }
            ChallengeError::Missing(place) => Self::with(
                RefusalKind::FieldMissing,
                format!("expected a value at {place}, found none"),
            ),
            ChallengeError::Unexpected(place) => {
                let detail = format!(
                    "expected the value of a template setting in {place}, found another value"
                );
                Self::with(RefusalKind::FieldInvalid, detail)
            }
            ChallengeError::Unsigned => RefusalKind::SignatureMissing.into(),
        }
    }
}

impl From<FieldError> for RefusalCause {
    fn from(fault: FieldError) -> Self {
        let kind = match fault {
            FieldError::Missing { .. } => RefusalKind::FieldMissing,
            FieldError::Order { .. }
            | FieldError::Range { .. }
            | FieldError::TooMany { .. }
            | FieldError::Type { .. }
            | FieldError::Misspelt { .. }
            | FieldError::Undeclared { .. } => RefusalKind::FieldInvalid,
        };
        Self::with(kind, fault.to_string())
    }
}

impl From<SignatureError> for RefusalCause {
    fn from(fault: SignatureError) -> Self {
        match fault {
            SignatureError::Expired { secs_ago, accepted_secs } => {
                let detail = format!(
                    "expected a time up to {accepted_secs} s ago, found a time {secs_ago} s ago"
                );
                Self::with(RefusalKind::TimestampExpired, detail)
            }
            SignatureError::Ambiguous { place } => Self::with(
                RefusalKind::FieldDuplicate,
                format!("expected equal values at {place}, found different values"),
            ),
            SignatureError::Malformed { detail } => {
                Self::with(RefusalKind::SignatureMalformed, detail)
            }
            SignatureError::Mismatch => RefusalKind::SignatureMismatch.into(),
            SignatureError::Absent { place } => Self::with(
                RefusalKind::SignatureMissing,
                format!("expected a signature at {place}, found none"),
            ),
            SignatureError::PartMissing { place } => Self::with(
                RefusalKind::SignedPartMissing,
                format!("expected a value at {place}, found none"),
            ),
            SignatureError::TimeMalformed => RefusalKind::TimestampInvalid.into(),
            SignatureError::TooFarAhead { secs, accepted_secs } => {
                let detail = format!(
                    "expected a time up to {accepted_secs} s ahead, found a time {secs} s ahead"
                );
                Self::with(RefusalKind::TimestampTooFarAhead, detail)
            }
        }
    }
}
