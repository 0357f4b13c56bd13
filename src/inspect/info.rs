//! The kinds, fields and settings that a definition declares, for command lines and other tools.

use crate::json::Shape;
use crate::provider::common::CommonEvent;
use crate::provider::field::{Field, Fields, Type};
use crate::provider::locator::Locator;
use crate::provider::plan::PageTexts;
use crate::provider::pointer::Pointer;
use crate::provider::setting::{Setting, SettingType};
use crate::provider::signature::MAX_AHEAD_KEY;
use crate::provider::{Evidence, IdentityInfo, Kind, Plan, built_in};
use crate::time::Unit;

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
    /// The source of the definition's facts; `None` if the definition names no source.
    pub evidence: Option<Evidence>,
    /// The steps in the platform's console, with `{url}` for the address of the route and
    /// `{key_file}` for the file with the key; `None` if the definition does not describe the
    /// steps.
    pub setup: Option<Box<str>>,
    /// Description of the facts that the signature proves, and of the facts that it does not prove;
    /// `None` if the definition has no description.
    pub proof: Option<Box<str>>,
    /// Description of the parts of the definition that no source confirms, and of the callbacks
    /// that the definition does not support; `None` if the definition has no description.
    pub unproven: Option<Box<str>>,
    /// Description of the platform's resends and of its time limit; `None` if the definition has no
    /// description.
    pub resends: Option<Box<str>>,
    /// True if a template needs `keys`, because the platform signs with one of them.
    pub keys: bool,
    /// The maximum number of letters and digits that the platform's console accepts in a key;
    /// `None` if the definition names no maximum. gatepost accepts longer keys and other
    /// characters.
    pub console_key_chars: Option<usize>,
    /// True if a template can bind one application of a tenant, such as `push.example.com/live`.
    pub tenant_app: bool,
    /// True if a route needs a secret segment, because the platform uses no key from `keys`, or
    /// does not sign its challenge.
    pub token: bool,
    /// The fields of every kind. A field that a kind declares replaces the field of the same name.
    pub fields: Vec<FieldInfo>,
    /// The kinds of callbacks that the platform sends.
    pub kinds: Vec<KindInfo>,
    /// Names of groups, sorted. An entry of `[template.on]` for a group applies to the kinds of
    /// the group that have no entry of their own.
    pub groups: Vec<Box<str>>,
    /// The settings that the definition declares: keys of `[template.settings]`.
    pub settings: Vec<SettingInfo>,
    /// The keys of `[template.settings]` that limit how far a signed time may be from the current
    /// time, each with its default in seconds. If gatepost checks the time only for templates that
    /// set a limit, the default is `None`. If the platform signs no time, the list is empty.
    pub window: Vec<(&'static str, Option<i64>)>,
}

/// A setting that an operator can set in a template.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SettingInfo {
    /// The key in `[template.settings]`.
    pub name: Box<str>,
    /// A short description of the setting.
    pub about: Box<str>,
    /// The value for templates without this setting; `None` if the definition has no default.
    pub default: Option<Box<str>>,
    /// True if the value is a secret.
    pub secret: bool,
    /// The allowed words; the first word is the default. If the definition does not restrict the
    /// value to words, the list is empty.
    pub one_of: Vec<Box<str>>,
}

impl From<&Setting> for SettingInfo {
    fn from(setting: &Setting) -> Self {
        let one_of = match &setting.ty {
            SettingType::OneOf(words) => words.clone(),
            SettingType::Secret | SettingType::Text { .. } => Vec::new(),
        };
        let secret = matches!(setting.ty, SettingType::Secret);
        let default = setting.default().map(Into::into);
        Self { name: setting.name.clone(), about: setting.about.clone(), default, secret, one_of }
    }
}

/// A kind of callback.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct KindInfo {
    /// The key in `[template.on]`.
    pub name: Box<str>,
    /// The platform's own name of the kind; `None` if the definition names none.
    pub title: Option<Box<str>>,
    /// The type of the event: the value of the header `ce-type`.
    pub ce_type: Box<str>,
    /// The meaning of callbacks of this kind.
    pub about: Option<Box<str>>,
    /// The group whose entry of `[template.on]` applies to a kind without an entry of its own.
    pub group: Option<Box<str>>,
    /// True if gatepost can determine the kind from the callback. If false, a route for the kind
    /// needs the key `kind`.
    pub named: bool,
    /// JSON Pointers to the values in the event's subject. The list omits values from places other
    /// than the body.
    pub subject: Vec<Box<str>>,
    /// JSON Pointers to the time of the event. gatepost uses the first value that is present.
    pub time: Vec<Box<str>>,
    /// True for a decision, whose reply depends on the app's answer. False for a challenge, and for
    /// a notification, whose reply only acknowledges the callback.
    pub decision: bool,
    /// True for a challenge: gatepost replies with values of the request, without asking the app.
    pub challenge: bool,
    /// The common events of the kind, such as `started`: one, or one for each value of a field.
    /// Empty for a kind without a common event.
    pub common: Vec<&'static str>,
    /// The rule for the id of an event, `ce-id`.
    pub identity: IdentityInfo,
    /// The declared fields of the event's data.
    pub fields: Vec<FieldInfo>,
    /// The fields of the reply to a decision; empty for any other kind.
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
    /// The JSON type of the value, for example `number`; `None` if the declared type allows several
    /// JSON types.
    pub json_type: Option<&'static str>,
    /// The unit of a time since 1970, `seconds` or `milliseconds`; `None` for other types.
    pub unit: Option<&'static str>,
    /// The meaning of the field.
    pub about: Option<Box<str>>,
    /// The fields of the object, or of each object in the array.
    pub fields: Vec<Self>,
    /// True if each event of the kind has the field, with the declared type. gatepost refuses a
    /// callback without such a field, because the reply to a decision, or the identity of the
    /// callback, depends on the field.
    pub identifying: bool,
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
        let fields = plan.unknown.fields.iter().map(FieldInfo::from).collect();
        let rule = &plan.kind_rule;
        let kinds = plan.kinds.iter().enumerate();
        let kinds =
            kinds.map(|(index, kind)| KindInfo { named: rule.may_find(index), ..kind.into() });
        let kinds = kinds.collect();
        let settings = plan.settings.iter().map(SettingInfo::from).collect();
        let (title, docs) = (plan.title.clone(), plan.docs.clone());
        let PageTexts { setup, proof, unproven, resends } = plan.page.clone();
        let time = plan.signature.as_ref().and_then(|signature| signature.time.as_ref());
        let window = time.map(|time| {
            let default = time.default_window();
            let past = (time.meaning.past_key(), default.map(|window| window.past_secs));
            vec![past, (MAX_AHEAD_KEY, default.map(|window| window.max_ahead_secs))]
        });
        let keys = plan.uses_template_keys();
        let token = !keys || plan.unsigned_challenge().is_some();
        let name = (&*plan.name).into();
        let evidence = plan.evidence;
        Self {
            name,
            title,
            docs,
            evidence,
            setup,
            proof,
            unproven,
            resends,
            keys,
            console_key_chars: plan.signature.as_ref().and_then(|own| own.key.console_chars),
            tenant_app: plan.tenant_app.is_some(),
            token,
            fields,
            kinds,
            groups,
            settings,
            window: window.unwrap_or_default(),
        }
    }
}

impl From<&Kind> for KindInfo {
    fn from(kind: &Kind) -> Self {
        let text = |pointer: &Pointer| pointer.to_string().into();
        let reply = kind.decision.iter().flat_map(|decision| decision.fields.iter());
        Self {
            name: (&*kind.name).into(),
            // The compiler of definitions accepts only visible ASCII in a type.
            ce_type: kind.ce_type.to_str().unwrap_or_default().into(),
            title: kind.title.clone(),
            about: kind.about.clone(),
            group: kind.group.clone(),
            named: false,
            subject: kind.subject.iter().flat_map(Locator::pointers).map(text).collect(),
            time: kind.time.iter().flat_map(|(pointers, _)| pointers).map(text).collect(),
            decision: kind.decision.is_some(),
            challenge: kind.challenge.is_some(),
            common: kind
                .common
                .iter()
                .flat_map(|rule| rule.event.events())
                .map(CommonEvent::name)
                .collect(),
            identity: IdentityInfo::from(kind),
            fields: kind.fields.iter().map(FieldInfo::from).collect(),
            reply: reply.map(FieldInfo::from).collect(),
        }
    }
}

impl From<&Field> for FieldInfo {
    fn from(field: &Field) -> Self {
        let inner = field.ty.nested().and_then(|nested| nested.fields.as_deref());
        Self {
            name: field.name.clone(),
            ty: field.ty.name(),
            json_type: field.ty.shape().map(Shape::name),
            unit: unit_of(&field.ty),
            about: field.about.clone(),
            fields: inner.into_iter().flat_map(Fields::iter).map(Self::from).collect(),
            identifying: field.essential && !field.optional && !field.nullable,
            optional: field.optional,
            secret: field.secret,
        }
    }
}

const fn unit_of(ty: &Type) -> Option<&'static str> {
    let Type::Timestamp(unit) = ty else { return None };
    match unit {
        Unit::Millis => Some("milliseconds"),
        Unit::Seconds => Some("seconds"),
        Unit::Iso8601Utc | Unit::Rfc3339 => None,
    }
}
