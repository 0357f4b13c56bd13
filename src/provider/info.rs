//! What the definitions say, for people and tools.

use super::field::Field;
use super::{Kind, Plan, built_in};

/// A provider.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ProviderInfo {
    /// As the config names it.
    pub name: Box<str>,
    /// As the platform calls itself.
    pub title: Box<str>,
    /// The platform's own page.
    pub docs: Box<str>,
    /// Its events.
    pub kinds: Vec<KindInfo>,
    /// Names whose address several kinds take without one of their own.
    pub groups: Vec<Box<str>>,
}

/// A kind of event.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct KindInfo {
    /// As the config names it.
    pub name: Box<str>,
    /// Whether the answer matters; otherwise it only wants an acknowledgement.
    pub decision: bool,
    /// Its declared fields.
    pub fields: Vec<FieldInfo>,
    /// The fields of its reply, if the answer matters.
    pub reply: Vec<FieldInfo>,
}

/// A field of an event's data.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct FieldInfo {
    /// Its name in the data.
    pub name: Box<str>,
    /// Its type, in the words of a definition.
    pub ty: &'static str,
    /// Whether it may be absent or `null`.
    pub optional: bool,
    /// Whether it holds a credential.
    pub secret: bool,
}

/// Every built-in provider.
#[must_use]
pub fn providers() -> Vec<ProviderInfo> {
    built_in().map(ProviderInfo::from).collect()
}

impl From<Plan> for ProviderInfo {
    fn from(plan: Plan) -> Self {
        let mut groups = plan.groups;
        groups.sort();
        groups.dedup();
        let kinds = plan.kinds.iter().map(KindInfo::from).collect();
        Self { name: (&*plan.name).into(), title: plan.title, docs: plan.docs, kinds, groups }
    }
}

impl From<&Kind> for KindInfo {
    fn from(kind: &Kind) -> Self {
        let reply = kind.decision.iter().flat_map(|decision| decision.fields.iter());
        Self {
            name: (&*kind.name).into(),
            decision: kind.decision.is_some(),
            fields: kind.fields.iter().map(FieldInfo::from).collect(),
            reply: reply.map(FieldInfo::from).collect(),
        }
    }
}

impl From<&Field> for FieldInfo {
    fn from(field: &Field) -> Self {
        Self {
            name: field.name.clone(),
            ty: field.ty.name(),
            optional: field.optional,
            secret: field.secret,
        }
    }
}
