//! Refusals: the sender's fault, each with a stable code and the status of that code.

use core::net::IpAddr;
use std::fmt;
use std::sync::Arc;

use http::{HeaderValue, StatusCode};

use crate::client::Client;
use crate::json::BodyError;
use crate::printable::printable;
use crate::provider::Plan;
use crate::provider::field::FieldError;
use crate::provider::locator::Duplicate;
use crate::provider::signature::SignatureError;
use crate::reply::Reply;

/// Why a callback was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RefusalKind {
    /// The path is an address that events are delivered to, which nobody else may reach.
    AddressReserved,
    /// The connection ended, or the body's framing broke, before the body was whole.
    BodyIncomplete,
    /// There is no body.
    BodyMissing,
    /// The body is over the route's limit.
    BodyTooLarge,
    /// The body is compressed, so what was signed is not what would be read.
    ContentEncodingUnsupported,
    /// A field, key, header or parameter stands twice.
    FieldDuplicate,
    /// A field is not of its declared type or range.
    FieldInvalid,
    /// A required field is not there.
    FieldMissing,
    /// The form encoding is broken.
    FormMalformed,
    /// Both `content-length` and `transfer-encoding`, or either of them more than once or unclear.
    FramingAmbiguous,
    /// The JSON is broken.
    JsonMalformed,
    /// The JSON is nested too deep.
    JsonTooDeep,
    /// Nothing says which event it is.
    KindMissing,
    /// The platform does not call with this method.
    MethodNotAllowed,
    /// The body is JSON, but no object.
    NotAnObject,
    /// The path is another spelling of a callback path.
    PathAmbiguous,
    /// There are more callbacks than the route's `limit`, or the sender's `source_limit`, allows.
    RateLimited,
    /// The signature does not decode.
    SignatureMalformed,
    /// The signature is of another key or other contents.
    SignatureMismatch,
    /// There is no signature, and the template has keys.
    SignatureMissing,
    /// The signature came with another body before, and the template takes each once.
    SignatureReused,
    /// The route has an `allow`, and the sender's address is not in it.
    SourceNotAllowed,
    /// The callback names several tenants.
    TenantAmbiguous,
    /// Nothing says whose callback it is, and no template takes those.
    TenantMissing,
    /// No template is bound to this tenant.
    TenantUnknown,
    /// The signed time has passed.
    TimestampExpired,
    /// The signed time is missing or no number.
    TimestampInvalid,
    /// The signed time is further ahead than the platform sets it.
    TimestampTooFarAhead,
    /// The secret path segment is another.
    TokenMismatch,
    /// An upgrade to another protocol was asked for on a callback path.
    UpgradeNotAllowed,
    /// The body is not UTF-8.
    Utf8Invalid,
}

impl RefusalKind {
    /// The stable code: the same word in logs, metrics and documentation.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AddressReserved => "address_reserved",
            Self::BodyIncomplete => "body_incomplete",
            Self::BodyMissing => "body_missing",
            Self::BodyTooLarge => "body_too_large",
            Self::ContentEncodingUnsupported => "content_encoding_unsupported",
            Self::FieldDuplicate => "field_duplicate",
            Self::FieldInvalid => "field_invalid",
            Self::FieldMissing => "field_missing",
            Self::FormMalformed => "form_malformed",
            Self::FramingAmbiguous => "framing_ambiguous",
            Self::JsonMalformed => "json_malformed",
            Self::JsonTooDeep => "json_too_deep",
            Self::KindMissing => "kind_missing",
            Self::MethodNotAllowed => "method_not_allowed",
            Self::NotAnObject => "not_an_object",
            Self::PathAmbiguous => "path_ambiguous",
            Self::RateLimited => "rate_limited",
            Self::SignatureMalformed => "signature_malformed",
            Self::SignatureMismatch => "signature_mismatch",
            Self::SignatureMissing => "signature_missing",
            Self::SignatureReused => "signature_reused",
            Self::SourceNotAllowed => "source_not_allowed",
            Self::TenantAmbiguous => "tenant_ambiguous",
            Self::TenantMissing => "tenant_missing",
            Self::TenantUnknown => "tenant_unknown",
            Self::TimestampExpired => "timestamp_expired",
            Self::TimestampInvalid => "timestamp_invalid",
            Self::TimestampTooFarAhead => "timestamp_too_far_ahead",
            Self::TokenMismatch => "token_mismatch",
            Self::UpgradeNotAllowed => "upgrade_not_allowed",
            Self::Utf8Invalid => "utf8_invalid",
        }
    }

    /// The status that the sender sees. Whatever an attacker could learn keys or tenants from is
    /// one and the same 401.
    #[must_use]
    pub const fn status(self) -> StatusCode {
        match self {
            Self::BodyIncomplete
            | Self::BodyMissing
            | Self::FieldDuplicate
            | Self::FieldInvalid
            | Self::FieldMissing
            | Self::FormMalformed
            | Self::FramingAmbiguous
            | Self::JsonMalformed
            | Self::JsonTooDeep
            | Self::KindMissing
            | Self::NotAnObject
            | Self::PathAmbiguous
            | Self::UpgradeNotAllowed
            | Self::Utf8Invalid => StatusCode::BAD_REQUEST,
            Self::SignatureMalformed
            | Self::SignatureMismatch
            | Self::SignatureMissing
            | Self::SignatureReused
            | Self::TenantAmbiguous
            | Self::TenantMissing
            | Self::TenantUnknown
            | Self::TimestampExpired
            | Self::TimestampInvalid
            | Self::TimestampTooFarAhead
            | Self::TokenMismatch => StatusCode::UNAUTHORIZED,
            Self::AddressReserved | Self::SourceNotAllowed => StatusCode::FORBIDDEN,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::BodyTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::ContentEncodingUnsupported => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::RateLimited => StatusCode::TOO_MANY_REQUESTS,
        }
    }

    /// Whether the end of the request is unknown or not worth waiting for.
    const fn closes(self) -> bool {
        matches!(
            self,
            Self::BodyIncomplete
                | Self::BodyTooLarge
                | Self::FramingAmbiguous
                | Self::UpgradeNotAllowed
        )
    }

    const fn meaning(self) -> &'static str {
        match self {
            Self::AddressReserved => "only events may go to this address",
            Self::BodyIncomplete => "the body ended early, or took too long",
            Self::BodyMissing => "there is no body",
            Self::BodyTooLarge => "the body is over the limit",
            Self::ContentEncodingUnsupported => "the body is compressed",
            Self::FieldDuplicate => "a field stands twice",
            Self::FieldInvalid => "a field is not of its type",
            Self::FieldMissing => "a field is missing",
            Self::FormMalformed => "the form encoding is broken",
            Self::FramingAmbiguous => "it is unclear where the body ends",
            Self::JsonMalformed => "the JSON is broken",
            Self::JsonTooDeep => "the JSON is nested too deep",
            Self::KindMissing => "nothing says which event this is",
            Self::MethodNotAllowed => "the platform does not use this method",
            Self::NotAnObject => "the body is no JSON object",
            Self::PathAmbiguous => "the path is another spelling of a callback path",
            Self::RateLimited => "there are more callbacks than the limit allows",
            Self::SignatureMalformed => "the signature does not decode",
            Self::SignatureMismatch => "no key of the template gives this signature",
            Self::SignatureMissing => "there is no signature",
            Self::SignatureReused => "the signature came with another body before",
            Self::SourceNotAllowed => "the route is not for this sender's address",
            Self::TenantAmbiguous => "the callback names several tenants",
            Self::TenantMissing => "nothing says whose callback this is",
            Self::TenantUnknown => "no template is bound to this tenant",
            Self::TimestampExpired => "the signature has expired",
            Self::TimestampInvalid => "the signed time is no time",
            Self::TimestampTooFarAhead => "the signature would live too long",
            Self::TokenMismatch => "the secret path segment is wrong",
            Self::UpgradeNotAllowed => "a callback cannot upgrade the connection",
            Self::Utf8Invalid => "the body is not UTF-8",
        }
    }
}

impl fmt::Display for RefusalKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.meaning())
    }
}

/// A callback that was not accepted, with what the operator needs to know of it.
///
/// Nothing in it is for the sender, who gets [`Refusal::reply`]: a status and a constant body.
#[derive(Clone, Debug)]
pub struct Refusal(Box<RefusalDetails>);

#[derive(Clone, Debug)]
struct RefusalDetails {
    kind: RefusalKind,
    detail: Option<String>,
    allow: Option<HeaderValue>,
    route: Arc<str>,
    provider: Arc<str>,
    tenant: Option<String>,
    template: Option<Arc<str>>,
    client: Option<IpAddr>,
}

/// The body of every refusal, whatever its reason.
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
        }))
    }

    pub(crate) fn of(mut self, tenant: Option<&str>, template: Option<&Arc<str>>) -> Self {
        self.0.tenant = tenant.map(printable);
        self.0.template = template.cloned();
        self
    }

    pub(crate) fn sent_by(mut self, client: &Client) -> Self {
        self.0.client = client.address;
        self
    }

    /// The address that it came from, if the door knows it.
    #[must_use]
    pub const fn client(&self) -> Option<IpAddr> {
        self.0.client
    }

    /// Why.
    #[must_use]
    pub const fn kind(&self) -> RefusalKind {
        self.0.kind
    }

    /// What exactly was wrong, for the operator: names and types, never a value or a secret.
    #[must_use]
    pub fn detail(&self) -> Option<&str> {
        self.0.detail.as_deref()
    }

    /// The path of the route, as configured.
    #[must_use]
    pub fn route(&self) -> &str {
        &self.0.route
    }

    /// The provider of the route.
    #[must_use]
    pub fn provider(&self) -> &str {
        &self.0.provider
    }

    /// Whose callback it claims to be, if it got that far.
    #[must_use]
    pub fn tenant(&self) -> Option<&str> {
        self.0.tenant.as_deref()
    }

    /// The template that judged it, if it got that far.
    #[must_use]
    pub fn template(&self) -> Option<&str> {
        self.0.template.as_deref()
    }

    /// What the sender gets.
    #[must_use]
    pub fn reply(&self) -> Reply {
        Reply {
            allow: self.0.allow.clone(),
            close: self.0.kind.closes(),
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

/// A fault in a request, before it is known whose.
#[derive(Debug)]
pub(crate) struct RefusalCause {
    kind: RefusalKind,
    detail: Option<String>,
}

impl RefusalCause {
    fn with(kind: RefusalKind, detail: impl Into<String>) -> Self {
        Self { kind, detail: Some(detail.into()) }
    }
}

impl From<RefusalKind> for RefusalCause {
    fn from(kind: RefusalKind) -> Self {
        Self { kind, detail: None }
    }
}

impl From<Duplicate> for RefusalCause {
    fn from(twice: Duplicate) -> Self {
        Self::with(RefusalKind::FieldDuplicate, printable(&twice.0))
    }
}

impl From<BodyError> for RefusalCause {
    fn from(defect: BodyError) -> Self {
        match defect {
            BodyError::Duplicate(name) => Self::with(RefusalKind::FieldDuplicate, printable(&name)),
            BodyError::FormMalformed => RefusalKind::FormMalformed.into(),
            BodyError::InvalidUtf8 => RefusalKind::Utf8Invalid.into(),
            BodyError::JsonMalformed => RefusalKind::JsonMalformed.into(),
            BodyError::NotAnObject => RefusalKind::NotAnObject.into(),
            BodyError::TooDeep => RefusalKind::JsonTooDeep.into(),
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
            | FieldError::Unknown { .. } => RefusalKind::FieldInvalid,
        };
        Self::with(kind, fault.to_string())
    }
}

impl From<SignatureError> for RefusalCause {
    fn from(fault: SignatureError) -> Self {
        match fault {
            SignatureError::Expired { secs_ago } => {
                Self::with(RefusalKind::TimestampExpired, format!("{secs_ago} s ago"))
            }
            SignatureError::Malformed => RefusalKind::SignatureMalformed.into(),
            SignatureError::Mismatch => RefusalKind::SignatureMismatch.into(),
            SignatureError::Absent { place } | SignatureError::PartMissing { place } => {
                Self::with(RefusalKind::SignatureMissing, format!("nothing at {place}"))
            }
            SignatureError::TimeMalformed => RefusalKind::TimestampInvalid.into(),
            SignatureError::TooFarAhead { secs } => {
                Self::with(RefusalKind::TimestampTooFarAhead, format!("{secs} s ahead"))
            }
        }
    }
}
