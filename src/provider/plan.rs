//! A definition as meant: compiled once, at start, so that no word is compared per request.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderValue, Method};

use super::field::Fields;
use super::pointer::Pointer;
use super::reply::{Decision, Reply};
use super::signature::Signature;
use crate::json::{Defect, Object};
use crate::time::Unit;

/// Everything about one provider.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) name: Arc<str>,
    pub(crate) title: Box<str>,
    pub(crate) docs: Box<str>,
    pub(crate) methods: Vec<Method>,
    /// The methods again, as a 405 must name them.
    pub(crate) allow: HeaderValue,
    pub(crate) body: BodyFormat,
    pub(crate) tenant: Vec<Pointer>,
    pub(crate) tenant_case: TenantCase,
    pub(crate) signature: Option<Signature>,
    pub(crate) kind_from: Pointer,
    /// What the platform writes for a kind, and which it is; sorted.
    pub(crate) kind_values: Vec<(Box<str>, usize)>,
    pub(crate) kinds: Vec<Kind>,
    /// A kind that the definition does not know.
    pub(crate) unknown: Kind,
    /// Names that stand for several kinds without an address of their own.
    pub(crate) groups: Vec<Box<str>>,
    pub(crate) ack: Reply,
    /// How long the app has, unless the template says otherwise.
    pub(crate) timeout: Duration,
}

/// Whether a tenant in capitals is another one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum TenantCase {
    Insensitive,
    #[default]
    Sensitive,
}

impl TenantCase {
    /// The spelling by which a tenant is found.
    pub(crate) fn fold(self, tenant: Cow<'_, str>) -> Cow<'_, str> {
        match self {
            Self::Insensitive if tenant.bytes().any(|b| b.is_ascii_uppercase()) => {
                Cow::Owned(tenant.to_ascii_lowercase())
            }
            Self::Insensitive | Self::Sensitive => tenant,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BodyFormat {
    Form,
    Json,
}

/// One event of a provider.
#[derive(Debug)]
pub(crate) struct Kind {
    pub(crate) name: Arc<str>,
    pub(crate) ce_type: HeaderValue,
    /// The group whose address it takes without one of its own.
    pub(crate) group: Option<Box<str>>,
    pub(crate) subject: Vec<Pointer>,
    /// Where it may stand: the first present wins.
    pub(crate) time: Option<(Vec<Pointer>, Unit)>,
    pub(crate) fields: Fields,
    /// Absent for a notification, which only wants an acknowledgement.
    pub(crate) decision: Option<Decision>,
}

impl Plan {
    /// Reads a body in the provider's format. The `content-type` is not asked: platforms leave it
    /// out or write a wrong one.
    pub(crate) fn read<'b>(&self, body: &'b [u8]) -> Result<Object<'b>, Defect> {
        match self.body {
            BodyFormat::Form => Object::from_form(body),
            BodyFormat::Json => {
                Object::from_json(std::str::from_utf8(body).map_err(|_| Defect::InvalidUtf8)?)
            }
        }
    }

    /// The kind of that name.
    pub(crate) fn kind_named(&self, name: &str) -> Option<usize> {
        self.kinds.iter().position(|kind| *kind.name == *name)
    }

    /// The kind that the platform writes so; `1.0` is written for `1` by some.
    pub(crate) fn kind_written(&self, value: &str) -> Option<usize> {
        let value = value.strip_suffix(".0").unwrap_or(value);
        let at = self.kind_values.binary_search_by(|(v, _)| (**v).cmp(value)).ok()?;
        self.kind_values.get(at).map(|(_, kind)| *kind)
    }

    /// The kind at an index that [`Plan::kind_written`] gave, or the unknown one.
    pub(crate) fn kind(&self, index: Option<usize>) -> &Kind {
        index.and_then(|index| self.kinds.get(index)).unwrap_or(&self.unknown)
    }
}
