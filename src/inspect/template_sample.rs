//! Samples for the path of a route, with the keys and settings of a gate's templates.

use std::sync::Arc;

use http::Uri;

use crate::gate::Gate;
use crate::inspect::Sample;
use crate::provider::digest::Key;
use crate::route::{Route, TOKEN_SEGMENT};
use crate::secret::Secret;
use crate::template::{Template, WILDCARD_TENANT};
use crate::time::Timestamp;

/// The callbacks of one kind that a platform sends for a template of a gate.
///
/// # Examples
///
/// ```
/// use gatepost::{Gate, Timestamp};
///
/// let config = "[[route]]\npath = '/hook'\nprovider = 'tencent-css'\n\
///      [[template]]\nname = 'live'\nprovider = 'tencent-css'\n\
///      keys = ['s3cret-k3y']\nbind = ['push.example.com']\n";
/// let gate = Gate::builder().toml(config).build()?;
/// let sent = gate.template_sample("/hook", "live", "push").unwrap();
/// let sample = sent.sign(sent.sample(), Timestamp::from_secs(1_545_030_273));
/// let request = sample.request(&sent.url("http://127.0.0.1:8080").unwrap()).unwrap();
/// assert_eq!(request.uri(), "http://127.0.0.1:8080/hook");
/// assert!(request.body().windows(16).any(|part| part == b"push.example.com"));
///
/// assert!(gate.template_sample("/hook", "other", "push").is_none());
/// # Ok::<(), gatepost::ConfigError>(())
/// ```
#[derive(Debug)]
pub struct TemplateSample {
    template: Arc<Template>,
    kind: usize,
    /// A tenant of the template; `None` if the template binds no tenant by name.
    tenant: Option<Box<str>>,
    /// Path and parameters of the route, with the secret segment.
    target: Secret,
}

impl Gate {
    /// Returns the sample of a kind for a template, on the route with this label. Returns `None`
    /// for an unknown route, template or kind, and for a template that callbacks of the kind on the
    /// route cannot select.
    #[must_use]
    pub fn template_sample(
        &self,
        route: &str,
        template: &str,
        kind: &str,
    ) -> Option<TemplateSample> {
        let templates = self.templates();
        let template = templates.into_iter().find(|own| *own.name == *template)?;
        let kind = template.plan.kind_named(kind)?;
        self.with_routes(|routes| {
            let route = routes.iter().find(|own| *own.label == *route)?;
            if route.kind.is_some_and(|own| own != kind) {
                return None;
            }
            let tenants = route.bindings.tenants_of(&template);
            let is_pinned = route.template.as_ref().is_some_and(|own| Arc::ptr_eq(own, &template));
            let tenant = tenants.iter().find(|tenant| ***tenant != *WILDCARD_TENANT).cloned();
            let is_served = is_pinned || (route.template.is_none() && !tenants.is_empty());
            let target = target(route);
            is_served.then_some(TemplateSample { template, kind, tenant, target })
        })
    }
}

/// Returns the path and the parameters of a route, with the secret segment.
fn target(route: &Route) -> Secret {
    let mut target = route.pattern.as_bytes().to_vec();
    if let (Some(token), Some((before, after))) =
        (&route.token, route.pattern.split_once(TOKEN_SEGMENT))
    {
        target = [before.as_bytes(), token.expose(), after.as_bytes()].concat();
    }
    target.extend_from_slice(route.parameters.to_string().as_bytes());
    Secret::new(target)
}

impl TemplateSample {
    /// Returns the sample with the settings of the template, for the first tenant that the template
    /// binds by name.
    pub fn sample(&self) -> Sample<'_> {
        let mut sample = Sample::new(&self.template.plan, self.kind);
        sample.set_settings(&self.template.settings);
        if let Some(tenant) = &self.tenant {
            sample.set_tenant(tenant);
        }
        sample
    }

    /// Returns the meaning of the kind; `None` if the definition does not describe the kind.
    #[must_use]
    pub fn about(&self) -> Option<&str> {
        self.template.plan.kinds.get(self.kind)?.about.as_deref()
    }

    /// Returns a field, as a JSON Pointer, and the value of this field in callbacks that become the
    /// common event `event`, such as `ended`. Returns `None` if no field of the kind determines the
    /// event.
    #[must_use]
    pub fn event_field(&self, event: &str) -> Option<(String, &str)> {
        let rule = self.template.plan.kinds.get(self.kind)?.common.as_ref()?;
        rule.event.choice(event).map(|(place, value)| (place.to_string(), value))
    }

    /// Returns true if the platform signs callbacks of the kind, but the template has no key that
    /// can create the signature: no key at all, or only public keys.
    #[must_use]
    pub fn lacks_key(&self) -> bool {
        self.template.plan.signature_of(Some(self.kind)).is_some() && self.key().is_none()
    }

    /// Sets the time, and the template's first key that can sign. If the template has no such key,
    /// returns the sample unchanged.
    pub fn sign<'d>(&self, sample: Sample<'d>, now: Timestamp) -> Sample<'d> {
        match self.key() {
            Some(key) => sample.sign_with(key, now),
            None => sample,
        }
    }

    /// Returns the URL of the route on a server such as `http://127.0.0.1:8080`, or `None` for an
    /// invalid server. Never print this URL, because it contains the secret segment of the path.
    #[must_use]
    pub fn url(&self, server: &str) -> Option<Uri> {
        let target = std::str::from_utf8(self.target.expose()).ok()?;
        format!("{server}{target}").parse().ok()
    }

    fn key(&self) -> Option<&Key> {
        let proof = &self.template.proof;
        let own = proof.kind_keys.iter().find(|own| own.kind == self.kind);
        own.map_or(&proof.keys, |own| &own.keys).iter().find(|key| key.can_sign())
    }
}
