//! The routes of a config: for each kind, the form of its events and the app that receives them.

use std::sync::Arc;
use std::time::Duration;

use crate::address::Addresses;
use crate::config::Config;
use crate::event::Forward;
use crate::limit::Rate;
use crate::route::{Mode, Route};
use crate::template::{Ask, Delivery, Template};
use crate::verdict::RefusalKind;

/// A route of a config, with the templates of its callbacks.
///
/// # Examples
///
/// ```
/// use gatepost::{Config, KindForm};
///
/// let config: Config = "[[route]]\npath = '/hook'\nprovider = 'srs'\n\
///      [[template]]\nname = 'a'\nprovider = 'srs'\nbind = ['*']\n\
///      on.on_play = 'http://127.0.0.1:3000/play'".parse()?;
/// let route = config.route_infos().next().unwrap();
/// let kinds = &route.templates[0].kinds;
/// let play = kinds.iter().find(|kind| &*kind.name == "on_play").unwrap();
/// assert_eq!((play.form, play.to.as_str()), (KindForm::Json, "http://127.0.0.1:3000/play"));
/// let stop = kinds.iter().find(|kind| &*kind.name == "on_stop").unwrap();
/// assert_eq!((stop.form, stop.to.as_str()), (KindForm::NoEvent, "acknowledged"));
/// # Ok::<(), gatepost::ConfigError>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RouteInfo {
    /// Path from the config, with `{token}` in place of the secret segment.
    pub path: Arc<str>,
    /// Parameters of `query`, in the order of the config.
    pub query: Vec<(Box<str>, Box<str>)>,
    /// Path and parameters, as in log lines.
    pub label: Arc<str>,
    /// Name of the provider.
    pub provider: Arc<str>,
    /// True if the verdicts have no effect (`mode = "shadow"`).
    pub is_shadow: bool,
    /// Kind of all callbacks; `None` if the route sets no kind.
    pub kind: Option<Arc<str>>,
    /// Maximum length of a body, in bytes.
    pub max_body_bytes: usize,
    /// Maximum number of accepted callbacks per second, and in one burst; `None` without a limit.
    pub limit: Option<(i64, i64)>,
    /// Maximum number of requests of each client per second, and in one burst; `None` without a
    /// limit.
    pub source_limit: Option<(i64, i64)>,
    /// Templates that may apply to a callback. If the list is empty, gatepost refuses every
    /// callback.
    pub templates: Vec<RouteTemplateInfo>,
}

/// A template that may apply to the callbacks of a route.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RouteTemplateInfo {
    /// Name of the template.
    pub name: Arc<str>,
    /// Tenants that are bound to the template, sorted; `*` means all other tenants. Empty if the
    /// route names the template.
    pub tenants: Vec<Box<str>>,
    /// Kinds of the provider that may arrive on the route. If the route sets no kind, the last
    /// element represents the kinds that the provider does not define.
    pub kinds: Vec<RoutedKind>,
}

/// The treatment of a kind on a route.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RoutedKind {
    /// Name of the kind; `unknown` represents the kinds that the provider does not define.
    pub name: Arc<str>,
    /// True for a decision, whose reply allows or denies the request.
    pub decision: bool,
    /// Form in which the app receives the callback.
    pub form: KindForm,
    /// URL at which the app receives the callback. For [`KindForm::NoEvent`], the reply:
    /// `acknowledged`, `denied`, `fixed reply`, `503, because the reply key is missing`, or a text
    /// that begins with `refused`. If the config has no `upstream`, the URL of an event without an
    /// address consists of the path alone.
    pub to: String,
    /// Longest wait for the app; `None` for [`KindForm::NoEvent`], and if the template determines
    /// the reply without the app.
    pub timeout: Option<Duration>,
    /// Longest wait of the platform for the reply; `None` if `timeout` is `None`.
    pub budget: Option<Duration>,
}

/// Form in which an app receives callbacks of a kind. The variants are in the order in which an
/// operator usually introduces the forms.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum KindForm {
    /// Every request as received, including forged requests.
    Shadow,
    /// Genuine callbacks as received.
    Passthrough,
    /// Body and headers of genuine callbacks.
    Raw,
    /// Typed JSON.
    Json,
    /// Typed JSON with the attributes of the event in one body.
    CloudEvents,
    /// The common event of the kind.
    Common,
    /// No event: gatepost replies without asking the app.
    NoEvent,
}

impl KindForm {
    /// Returns the word of the form; `-` for [`KindForm::NoEvent`].
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Shadow => "shadow",
            Self::Passthrough => "passthrough",
            Self::Raw => "raw",
            Self::Json => "json",
            Self::CloudEvents => "cloudevents",
            Self::Common => "common",
            Self::NoEvent => "-",
        }
    }
}

impl From<Forward> for KindForm {
    fn from(forward: Forward) -> Self {
        match forward {
            Forward::CloudEvents => Self::CloudEvents,
            Forward::Common => Self::Common,
            Forward::Json => Self::Json,
            Forward::Passthrough => Self::Passthrough,
            Forward::Raw => Self::Raw,
        }
    }
}

impl Config {
    /// Describes the routes, in the order of the file.
    pub fn route_infos(&self) -> impl Iterator<Item = RouteInfo> {
        self.routes.iter().map(|route| self.route_info(route))
    }

    fn route_info(&self, route: &Route) -> RouteInfo {
        let bound =
            self.templates().map(|template| (template, route.bindings.tenants_of(template)));
        let templates = match &route.template {
            Some(pinned) => vec![self.route_template(route, pinned, Vec::new())],
            None => bound
                .filter(|(_, tenants)| !tenants.is_empty())
                .map(|(template, tenants)| self.route_template(route, template, tenants))
                .collect(),
        };
        RouteInfo {
            path: Arc::clone(&route.pattern),
            query: route.parameters.iter().map(|(n, v)| (n.into(), v.into())).collect(),
            label: Arc::clone(&route.label),
            provider: Arc::clone(&route.plan.name),
            is_shadow: route.mode == Mode::Shadow,
            kind: route.kind.map(|kind| Arc::clone(&route.plan.kind(Some(kind)).name)),
            max_body_bytes: route.max_body_bytes,
            limit: route.limit.as_ref().map(|limit| limit.rate().numbers()),
            source_limit: route.source_limit.map(Rate::numbers),
            templates,
        }
    }

    fn route_template(
        &self,
        route: &Route,
        template: &Template,
        tenants: Vec<Box<str>>,
    ) -> RouteTemplateInfo {
        let indices = (0..route.plan.kinds.len()).map(Some).chain([None]);
        let is_sent = |kind: &Option<usize>| route.kind.is_none() || route.kind == *kind;
        let kinds = indices
            .filter(is_sent)
            .map(|kind| self.routed_kind(route, kind, template.delivery(kind)));
        RouteTemplateInfo { name: Arc::clone(&template.name), tenants, kinds: kinds.collect() }
    }

    fn routed_kind(&self, route: &Route, kind: Option<usize>, delivery: &Delivery) -> RoutedKind {
        let (form, to) = match delivery {
            _ if route.mode == Mode::Shadow => (KindForm::Shadow, self.own_path(route, None)),
            _ if kind.is_some_and(|kind| route.lacks_tenant(kind)) => {
                (KindForm::NoEvent, refused(RefusalKind::TenantMissing, "names no tenant"))
            }
            _ if kind.is_some_and(|kind| route.lacks_kind(kind)) => {
                (KindForm::NoEvent, refused(RefusalKind::KindMissing, "does not name its kind"))
            }
            Delivery::Ask(ask) => self.event_of(route, ask),
            Delivery::Fixed(_) => (KindForm::NoEvent, "fixed reply".to_owned()),
            Delivery::Unlisted(None) => (KindForm::NoEvent, "acknowledged".to_owned()),
            Delivery::Unlisted(Some(_)) => (KindForm::NoEvent, "denied".to_owned()),
            Delivery::MissingReplyKey { .. } => {
                (KindForm::NoEvent, "503, because the reply key is missing".to_owned())
            }
        };
        let kind = route.plan.kind(kind);
        let ask = delivery.as_ask().filter(|_| form != KindForm::NoEvent);
        RoutedKind {
            name: Arc::clone(&kind.name),
            decision: kind.decision.is_some(),
            form,
            to,
            timeout: ask.map(|ask| ask.timeout),
            budget: ask.map(|ask| ask.budget),
        }
    }

    fn event_of(&self, route: &Route, ask: &Ask) -> (KindForm, String) {
        let form = route.forward.unwrap_or(ask.forward);
        let url = ask.url.as_ref().filter(|_| form != Forward::Passthrough);
        let own_path = || self.own_path(route, ask.server.as_deref());
        (form.into(), url.map_or_else(own_path, ToString::to_string))
    }

    /// Returns the URLs of a request that keeps the path of the callback, one for each server.
    fn own_path(&self, route: &Route, servers: Option<&Addresses>) -> String {
        let Some(servers) = servers.or(self.proxy.upstream.as_deref()) else {
            return route.label.to_string();
        };
        let urls = servers.as_slice().iter().map(|own| own.server().with_path(&route.label));
        urls.collect::<Vec<_>>().join(", ")
    }
}

/// Describes the refusal of callbacks that do not name their tenant or kind. `lack` continues a
/// sentence that begins with "the callback".
fn refused(kind: RefusalKind, lack: &str) -> String {
    format!("refused with {}, because the callback {lack}", kind.status().as_u16())
}
