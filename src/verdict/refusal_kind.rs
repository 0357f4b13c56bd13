//! The reasons for a refusal, each with a code, a meaning and a status.

use std::fmt;

use http::StatusCode;

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
    /// gatepost reserves the path for an app address in the config. Only gatepost may send requests
    /// to this address.
    AddressReserved,
    /// The body is incomplete: the connection ended early, the framing is invalid, or the time
    /// limit has passed.
    BodyIncomplete,
    /// The request has no body.
    BodyMissing,
    /// The body exceeds the size limit of the route.
    BodyTooLarge,
    /// The body is compressed. gatepost verifies uncompressed bodies only.
    ContentEncodingUnsupported,
    /// A field of the body, a header or a query parameter occurs more than once, or two places that
    /// must have the same value have different values.
    FieldDuplicate,
    /// A field does not have the type, the range or the value that the definition or the template
    /// requires, or names another kind than the route.
    FieldInvalid,
    /// A required field is missing.
    FieldMissing,
    /// An object, a form or a query has too many fields, or the body has too many members or array
    /// elements.
    FieldsTooMany,
    /// The form encoding is malformed.
    FormMalformed,
    /// The request has both `content-length` and `transfer-encoding`, or one of these headers
    /// occurs more than once or is malformed.
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
    /// The path or query is another spelling of a route's path or query, such as `/%68ook` for
    /// `/hook`, or a file server maps the path to the route.
    PathAmbiguous,
    /// The client exceeds the `source_limit` of the route.
    RateLimited,
    /// gatepost cannot decode the signature.
    SignatureMalformed,
    /// No key of the template produces this signature for this callback.
    SignatureMismatch,
    /// The template has keys, but the callback has no signature.
    SignatureMissing,
    /// An earlier callback with another body or another id had this signature, and the template
    /// refuses reuse.
    SignatureReused,
    /// A header, parameter or field that the signature covers is missing.
    SignedPartMissing,
    /// The `allow` of the route does not contain the client's address.
    SourceNotAllowed,
    /// The callback names several tenants that are bound to different templates.
    TenantAmbiguous,
    /// The callback names no tenant, and no template binds `*`.
    TenantMissing,
    /// No template binds this tenant or `*`.
    TenantUnknown,
    /// The signed time or the expiry is further in the past than gatepost accepts.
    TimestampExpired,
    /// The signed time is missing, or is not a time in the declared unit.
    TimestampInvalid,
    /// The signed time is further in the future than gatepost accepts.
    TimestampTooFarAhead,
    /// The secret path segment is wrong.
    TokenMismatch,
    /// The client requests an upgrade to another protocol on a callback path.
    UpgradeNotAllowed,
    /// The body is not UTF-8.
    Utf8Invalid,
}

impl RefusalKind {
    /// All reasons, in alphabetical order.
    pub const ALL: [Self; 33] = [
        Self::AddressReserved,
        Self::BodyIncomplete,
        Self::BodyMissing,
        Self::BodyTooLarge,
        Self::ContentEncodingUnsupported,
        Self::FieldDuplicate,
        Self::FieldInvalid,
        Self::FieldMissing,
        Self::FieldsTooMany,
        Self::FormMalformed,
        Self::FramingAmbiguous,
        Self::JsonMalformed,
        Self::JsonTooDeep,
        Self::KindMissing,
        Self::MethodNotAllowed,
        Self::NotAnObject,
        Self::PathAmbiguous,
        Self::RateLimited,
        Self::SignatureMalformed,
        Self::SignatureMismatch,
        Self::SignatureMissing,
        Self::SignatureReused,
        Self::SignedPartMissing,
        Self::SourceNotAllowed,
        Self::TenantAmbiguous,
        Self::TenantMissing,
        Self::TenantUnknown,
        Self::TimestampExpired,
        Self::TimestampInvalid,
        Self::TimestampTooFarAhead,
        Self::TokenMismatch,
        Self::UpgradeNotAllowed,
        Self::Utf8Invalid,
    ];

    /// Returns the stable code: the same word in logs, metrics and documentation.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        self.code_and_meaning().0
    }

    /// Returns the status of the reply. Every reason from which an attacker can learn keys or
    /// tenants has the same status, 401.
    #[must_use]
    pub const fn status(self) -> StatusCode {
        match self {
            Self::BodyIncomplete
            | Self::BodyMissing
            | Self::FieldDuplicate
            | Self::FieldInvalid
            | Self::FieldMissing
            | Self::FieldsTooMany
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
            | Self::SignedPartMissing
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

    /// Returns true if the server must close the connection. The end of the request is then
    /// unknown, or the rest of the request is too long to read.
    pub(super) const fn closes(self) -> bool {
        matches!(
            self,
            Self::BodyIncomplete
                | Self::BodyTooLarge
                | Self::FramingAmbiguous
                | Self::UpgradeNotAllowed
        )
    }

    /// Returns the meaning for the operator.
    pub(crate) const fn meaning(self) -> &'static str {
        self.code_and_meaning().1
    }

    /// Returns the code, and the meaning for the operator.
    const fn code_and_meaning(self) -> (&'static str, &'static str) {
        match self {
            Self::AddressReserved => ("address_reserved", "only gatepost may send to this address"),
            Self::BodyIncomplete => {
                ("body_incomplete", "the body ended early, took too long, or has invalid framing")
            }
            Self::BodyMissing => ("body_missing", "the request has no body"),
            Self::BodyTooLarge => ("body_too_large", "the body exceeds the size limit"),
            Self::ContentEncodingUnsupported => {
                ("content_encoding_unsupported", "the body is compressed")
            }
            Self::FieldDuplicate => (
                "field_duplicate",
                "a field, header or parameter occurs more than once, or two alternative places of one value have different values",
            ),
            Self::FieldInvalid => ("field_invalid", "a field has the wrong type, range or value"),
            Self::FieldMissing => ("field_missing", "a required field is missing"),
            Self::FieldsTooMany => {
                ("fields_too_many", "the callback has too many fields or elements")
            }
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
                ("path_ambiguous", "the target is another spelling of a callback path or query")
            }
            Self::RateLimited => ("rate_limited", "the client exceeds the rate limit of the route"),
            Self::SignatureMalformed => ("signature_malformed", "the signature is malformed"),
            Self::SignatureMismatch => {
                ("signature_mismatch", "no key of the template produces this signature")
            }
            Self::SignatureMissing => ("signature_missing", "the signature is missing"),
            Self::SignatureReused => {
                ("signature_reused", "a callback with another body or id had this signature")
            }
            Self::SignedPartMissing => {
                ("signed_part_missing", "a value that the signature covers is missing")
            }
            Self::SourceNotAllowed => ("source_not_allowed", "`allow` lacks the client's address"),
            Self::TenantAmbiguous => {
                ("tenant_ambiguous", "the callback names tenants of several templates")
            }
            Self::TenantMissing => ("tenant_missing", "the callback names no tenant"),
            Self::TenantUnknown => ("tenant_unknown", "no template binds this tenant"),
            Self::TimestampExpired => ("timestamp_expired", "the signed time is too old"),
            Self::TimestampInvalid => {
                ("timestamp_invalid", "the signed time is missing or malformed")
            }
            Self::TimestampTooFarAhead => {
                ("timestamp_too_far_ahead", "the signed time is too far in the future")
            }
            Self::TokenMismatch => ("token_mismatch", "the secret path segment is wrong"),
            Self::UpgradeNotAllowed => ("upgrade_not_allowed", "the callback asks for an upgrade"),
            Self::Utf8Invalid => ("utf8_invalid", "the body is not UTF-8"),
        }
    }
}

impl fmt::Display for RefusalKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.meaning())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_contains_every_variant() {
        let (_, variants) = include_str!("refusal_kind.rs").split_once("pub enum").unwrap();
        let (variants, _) = variants.split_once("\n}").unwrap();
        let written =
            variants.lines().filter_map(|line| line.strip_prefix("    ")?.strip_suffix(','));
        assert!(written.eq(RefusalKind::ALL.iter().map(|kind| format!("{kind:?}"))));
    }
}
