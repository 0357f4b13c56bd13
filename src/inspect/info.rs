//! The kinds, fields and settings that a definition declares, for command lines and other tools.

use crate::provider::field::Field;
use crate::provider::setting::{Setting, SettingType};
use crate::provider::signature::MAX_AHEAD_KEY;
use crate::provider::{IdentityInfo, Kind, Plan, built_in};

/// The contents of a definition.
///
/// # Examples
///
/// ```
/// let providers = gatepost::providers();
/// let kollus = providers.iter().find(|provider| &*provider.name == "kollus").unwrap();
/// let kind = |name: &str| kollus.kinds.iter().find(|kind| &*kind.name == name);
/// assert!(kind("live_play").unwrap().decision);
/// assert!(kind("push").is_none());
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ProviderInfo {
    /// The name in the config, for example `tencent-css`.
    pub name: Box<str>,
    /// The name of the platform, for example `Tencent Cloud CSS`.
    pub title: Box<str>,
    /// The URL of the platform's documentation.
    pub docs: Box<str>,
    /// The kinds of callbacks that the platform sends.
    pub kinds: Vec<KindInfo>,
    /// Names of groups, sorted. An entry of `[template.on]` for a group applies to the kinds of
    /// the group that have no entry of their own.
    pub groups: Vec<Box<str>>,
    /// The settings that the definition declares: keys of `[template.settings]`.
    pub settings: Vec<SettingInfo>,
    /// The keys of `[template.settings]` that limit the age of a signed time. The list is empty if
    /// the platform signs no time.
    pub window: Vec<&'static str>,
}

/// A setting that an operator can set in a template.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SettingInfo {
    /// The key in `[template.settings]`.
    pub name: Box<str>,
    /// A short description of the setting.
    pub about: Box<str>,
    /// True if the value is a secret.
    pub secret: bool,
    /// The allowed words; the first word is the default. The list is empty if the definition does
    /// not restrict the value to words.
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

/// A kind of callback.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct KindInfo {
    /// The key in `[template.on]`.
    pub name: Box<str>,
    /// True for a decision: the reply depends on the app's answer. False for a notification: the
    /// reply only acknowledges the callback.
    pub decision: bool,
    /// The rule for the id of an event, `ce-id`.
    pub identity: IdentityInfo,
    /// The declared fields of the event's data.
    pub fields: Vec<FieldInfo>,
    /// The fields of the reply; empty for a notification.
    pub reply: Vec<FieldInfo>,
}

/// A field of an event's data or of a reply.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct FieldInfo {
    /// The name of the field.
    pub name: Box<str>,
    /// The declared type, for example `integer`.
    pub ty: &'static str,
    /// True if the field may be absent or `null`.
    pub optional: bool,
    /// True if the field contains a credential.
    pub secret: bool,
}

/// Returns the contents of every built-in definition.
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
        let window =
            time.map(|time| vec![time.meaning.past_key(), MAX_AHEAD_KEY]).unwrap_or_default();
        Self { name: (&*plan.name).into(), title, docs, kinds, groups, settings, window }
    }
}

impl From<&Kind> for KindInfo {
    fn from(kind: &Kind) -> Self {
        let reply = kind.decision.iter().flat_map(|decision| decision.fields.iter());
        Self {
            name: (&*kind.name).into(),
            decision: kind.decision.is_some(),
            identity: IdentityInfo::from(kind),
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
