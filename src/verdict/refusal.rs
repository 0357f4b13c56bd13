//! Refusals: the verdict if the client is at fault. Each refusal has a stable code and a status.

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

/// Reason for a refusal.
///
/// ```
/// use gatepost::RefusalKind;
///
/// assert_eq!(RefusalKind::TimestampExpired.as_str(), "timestamp_expired");
/// assert_eq!(RefusalKind::TimestampExpired.status(), 401);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RefusalKind {
    /// The path is that of an app address in the config. Only gatepost may use this path.
    AddressReserved,
    /// The connection ended, the framing became invalid or the time limit passed before the body
    /// was complete.
    BodyIncomplete,
    /// The request has no body.
    BodyMissing,
    /// The body exceeds the size limit of the route.
    BodyTooLarge,
    /// The body is compressed. gatepost verifies uncompressed bodies only.
    ContentEncodingUnsupported,
    /// A field, key, header or parameter occurs twice.
    FieldDuplicate,
    /// A field does not have the type or the range that the definition declares.
    FieldInvalid,
    /// A required field is missing.
    FieldMissing,
    /// The form encoding is malformed.
    FormMalformed,
    /// The request has both `content-length` and `transfer-encoding`, or one of them is repeated or
    /// malformed.
    FramingAmbiguous,
    /// The JSON is malformed.
    JsonMalformed,
    /// The JSON is nested too deeply.
    JsonTooDeep,
    /// The callback does not name its kind.
    KindMissing,
    /// The platform does not use this method.
    MethodNotAllowed,
    /// The body is JSON but not an object.
    NotAnObject,
    /// The path is another spelling of a callback path.
    PathAmbiguous,
    /// The client exceeds the `source_limit` of the route.
    RateLimited,
    /// gatepost cannot decode the signature.
    SignatureMalformed,
    /// No key of the template gives this signature for this callback.
    SignatureMismatch,
    /// The signature is missing, and the template has keys.
    SignatureMissing,
    /// An earlier callback with another body had the same signature, and the template refuses reuse.
    SignatureReused,
    /// The `allow` of the route does not contain the client's address.
    SourceNotAllowed,
    /// The callback names several tenants.
    TenantAmbiguous,
    /// The callback names no tenant, and no template is bound to such callbacks.
    TenantMissing,
    /// No template is bound to this tenant.
    TenantUnknown,
    /// The signature has expired.
    TimestampExpired,
    /// The signed time is missing or not a number.
    TimestampInvalid,
    /// The signed time is further in the future than the definition permits.
    TimestampTooFarAhead,
    /// The secret path segment is wrong.
    TokenMismatch,
    /// The request asks for an upgrade to another protocol on a callback path.
    UpgradeNotAllowed,
    /// The body is not UTF-8.
    Utf8Invalid,
}

impl RefusalKind {
    /// Returns the stable code: the same word in logs, metrics and documentation.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        self.code_and_meaning().0
    }

    /// Returns the status that the client sees. Every reason from which an attacker could learn
    /// keys or tenants has the same status, 401.
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

    /// Returns true if the server must close the connection, because the end of the request is
    /// unknown or too far away to read.
    const fn closes(self) -> bool {
        matches!(
            self,
            Self::BodyIncomplete
                | Self::BodyTooLarge
                | Self::FramingAmbiguous
                | Self::UpgradeNotAllowed
        )
    }

    /// Returns the code, and the meaning for the operator.
    const fn code_and_meaning(self) -> (&'static str, &'static str) {
        match self {
            Self::AddressReserved => ("address_reserved", "only gatepost may send to this address"),
            Self::BodyIncomplete => ("body_incomplete", "the body ended early, or took too long"),
            Self::BodyMissing => ("body_missing", "the request has no body"),
            Self::BodyTooLarge => ("body_too_large", "the body exceeds the size limit"),
            Self::ContentEncodingUnsupported => {
                ("content_encoding_unsupported", "the body is compressed")
            }
            Self::FieldDuplicate => ("field_duplicate", "a field occurs twice"),
            Self::FieldInvalid => ("field_invalid", "a field has the wrong type or range"),
            Self::FieldMissing => ("field_missing", "a required field is missing"),
            Self::FormMalformed => ("form_malformed", "the form encoding is malformed"),
            Self::FramingAmbiguous => ("framing_ambiguous", "the length of the body is ambiguous"),
            Self::JsonMalformed => ("json_malformed", "the JSON is malformed"),
            Self::JsonTooDeep => ("json_too_deep", "the JSON is nested too deeply"),
            Self::KindMissing => ("kind_missing", "the callback does not name its kind"),
            Self::MethodNotAllowed => {
                ("method_not_allowed", "the platform does not use this method")
            }
            Self::NotAnObject => ("not_an_object", "the body is not a JSON object"),
            Self::PathAmbiguous => {
                ("path_ambiguous", "the path is another spelling of a callback path")
            }
            Self::RateLimited => ("rate_limited", "the rate limit is exceeded"),
            Self::SignatureMalformed => ("signature_malformed", "the signature cannot be decoded"),
            Self::SignatureMismatch => {
                ("signature_mismatch", "no key of the template gives this signature")
            }
            Self::SignatureMissing => ("signature_missing", "the signature is missing"),
            Self::SignatureReused => {
                ("signature_reused", "an earlier callback with another body had the same signature")
            }
            Self::SourceNotAllowed => {
                ("source_not_allowed", "the route does not allow the client's address")
            }
            Self::TenantAmbiguous => ("tenant_ambiguous", "the callback names several tenants"),
            Self::TenantMissing => ("tenant_missing", "the callback names no tenant"),
            Self::TenantUnknown => ("tenant_unknown", "no template is bound to this tenant"),
            Self::TimestampExpired => ("timestamp_expired", "the signature has expired"),
            Self::TimestampInvalid => {
                ("timestamp_invalid", "the signed time is missing or not a number")
            }
            Self::TimestampTooFarAhead => {
                ("timestamp_too_far_ahead", "the signed time is too far in the future")
            }
            Self::TokenMismatch => ("token_mismatch", "the secret path segment is wrong"),
            Self::UpgradeNotAllowed => {
                ("upgrade_not_allowed", "a callback must not request an upgrade")
            }
            Self::Utf8Invalid => ("utf8_invalid", "the body is not UTF-8"),
        }
    }
}

impl fmt::Display for RefusalKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code_and_meaning().1)
    }
}

/// A refused callback, with details for the operator.
///
/// The client sees none of the details, only [`Refusal::reply`]: a status and a constant body.
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
///     panic!("expected a refusal")
/// };
/// assert_eq!(refusal.kind(), RefusalKind::TokenMismatch);
/// assert_eq!(refusal.route(), "/callbacks/{token}");
/// assert_eq!(refusal.reply().status(), 401);
/// # Ok::<(), gatepost::ConfigError>(())
/// ```
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

/// Body of the reply to every refused callback, whatever the reason.
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

    /// Adds the tenant and the template, if they are known.
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

    /// Returns the address of the client; `None` if the server did not provide the peer.
    #[must_use]
    pub const fn client(&self) -> Option<IpAddr> {
        self.0.client
    }

    /// Returns the reason.
    #[must_use]
    pub const fn kind(&self) -> RefusalKind {
        self.0.kind
    }

    /// Returns details for the operator: names and types, never a value or a secret.
    #[must_use]
    pub fn detail(&self) -> Option<&str> {
        self.0.detail.as_deref()
    }

    /// Returns the path of the route, as written in the config.
    #[must_use]
    pub fn route(&self) -> &str {
        &self.0.route
    }

    /// Returns the name of the route's provider.
    #[must_use]
    pub fn provider(&self) -> &str {
        &self.0.provider
    }

    /// Returns the tenant that the callback names; `None` if gatepost refused the callback before
    /// it read the tenant.
    #[must_use]
    pub fn tenant(&self) -> Option<&str> {
        self.0.tenant.as_deref()
    }

    /// Returns the name of the template; `None` if gatepost refused the callback before it found
    /// the template.
    #[must_use]
    pub fn template(&self) -> Option<&str> {
        self.0.template.as_deref()
    }

    /// Returns the reply to the client.
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

/// Reason for a refusal and its details, without the route and the tenant.
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
    fn from(duplicate: Duplicate) -> Self {
        Self::with(RefusalKind::FieldDuplicate, printable(&duplicate.0))
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
                Self::with(RefusalKind::SignatureMissing, format!("expected at {place}"))
            }
            SignatureError::TimeMalformed => RefusalKind::TimestampInvalid.into(),
            SignatureError::TooFarAhead { secs } => {
                Self::with(RefusalKind::TimestampTooFarAhead, format!("{secs} s ahead"))
            }
        }
    }
}
