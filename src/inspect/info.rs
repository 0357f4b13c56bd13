//! What the definitions say, for people and tools.

use crate::provider::field::Field;
use crate::provider::setting::{SettingType, Setting};
use crate::provider::signature::MAX_AHEAD_KEY;
use crate::provider::{Kind, Plan, built_in};

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
    /// What each template may set for itself.
    pub settings: Vec<SettingInfo>,
    /// The settings of the time window, if signatures have one.
    pub window: Vec<&'static str>,
}

/// A setting of a provider's templates.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SettingInfo {
    /// As the config names it.
    pub name: Box<str>,
    /// What it is.
    pub about: Box<str>,
    /// Whether it is a secret.
    pub secret: bool,
    /// The words that it may be, if not any; the first is the default.
    pub one_of: Vec<Box<str>>,
}

impl From<&Setting> for SettingInfo {
    fn from(setting: &Setting) -> Self {
        let one_of = match &setting.ty {
            SettingType::OneOf(words) => words.clone(),
            SettingType::Secret | SettingType::Text { .. } => Vec::new(),
        };
        let secret = matches!(setting.ty, SettingType::Secret);
        Self { name: setting.name.clone(), about: setting.about.clone(), secret, one_of }
    }
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
    built_in().map(|plan| ProviderInfo::from(&plan)).collect()
}

impl From<&Plan> for ProviderInfo {
    fn from(plan: &Plan) -> Self {
        let mut groups = plan.groups.clone();
        groups.sort();
        groups.dedup();
        let kinds = plan.kinds.iter().map(KindInfo::from).collect();
        let settings = plan.settings.iter().map(SettingInfo::from).collect();
        let (title, docs) = (plan.title.clone(), plan.docs.clone());
        let time = plan.signature.as_ref().and_then(|signature| signature.time.as_ref());
        let window = time.map(|time| vec![time.meaning.past_key(), MAX_AHEAD_KEY]).unwrap_or_default();
        Self { name: (&*plan.name).into(), title, docs, kinds, groups, settings, window }
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
