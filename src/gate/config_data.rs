//! Data of the current config: its breakers, apps, keys, secrets, settings, routes and templates.

use core::net::IpAddr;
use std::borrow::Cow;
use std::sync::Arc;

use super::Gate;
use crate::address::Addresses;
use crate::breaker::Circuit;
use crate::client::Client;
use crate::config::ProxySettings;
use crate::delivery::QueuedApp;
use crate::head::Head;
use crate::memory::store::Lane;
use crate::provider::{Plan, built_in_named};
use crate::route::Routes;
use crate::template::Template;
use crate::toml_reader::Fault;

impl Gate {
    /// Returns the state of each circuit breaker.
    #[must_use]
    pub fn circuits(&self) -> Vec<Circuit> {
        self.0.current.load().circuits.iter().map(|breaker| breaker.circuit()).collect()
    }

    /// Returns the app that receives the queued events of a lane: the events of one template and
    /// kind.
    ///
    /// # Errors
    ///
    /// Returns the reason if the current config lacks the template or an address for the kind.
    pub fn queued_app(&self, lane: &Lane) -> Result<QueuedApp, String> {
        let active = self.0.current.load();
        let template = active.templates.iter().find(|own| *own.name == *lane.template());
        let missing = || {
            format!(
                "expected the template `{}`, found none; restore the template, then replay the event",
                lane.template()
            )
        };
        QueuedApp::new(template.ok_or_else(missing)?, lane.kind())
    }

    /// Returns `true` if `is_it` returns `true` for a key with which the gate verifies callbacks
    /// for the template. `is_it` must not print the key, and must not compare the key with
    /// `==`.
    ///
    /// ```
    /// use gatepost::Gate;
    ///
    /// let config = "[[route]]\npath = '/css'\nprovider = 'tencent-css'\n\
    ///               [[template]]\nname = 'live'\nprovider = 'tencent-css'\nkeys = ['s3cretKey']\n\
    ///               bind = ['push.example.com']";
    /// let gate = Gate::builder().toml(config).build()?;
    /// assert!(gate.accepts_key("live", |key| key.len() == 9));
    /// assert!(!gate.accepts_key("live", |key| key.is_empty()));
    /// assert!(!gate.accepts_key("other", |key| key.len() == 9));
    /// # Ok::<(), gatepost::ConfigError>(())
    /// ```
    #[must_use]
    pub fn accepts_key(&self, template: &str, is_it: impl FnMut(&[u8]) -> bool) -> bool {
        let active = self.0.current.load();
        let template = active.templates.iter().find(|own| *own.name == *template);
        template.is_some_and(|template| template.expose_keys().any(is_it))
    }

    /// Returns the settings of the proxy.
    #[must_use]
    pub fn proxy_settings(&self) -> ProxySettings {
        self.0.current.load().proxy.clone()
    }

    /// Returns the largest `max_body_bytes` of all routes.
    #[must_use]
    pub fn longest_body(&self) -> usize {
        let active = self.0.current.load();
        active.routes.iter().map(|route| route.max_body_bytes).max().unwrap_or_default()
    }

    /// Returns the servers of the upstream. This method is cheaper than [`Gate::proxy_settings`].
    #[must_use]
    pub fn upstream(&self) -> Option<Arc<Addresses>> {
        self.0.current.load().proxy.upstream.clone()
    }

    /// Returns the path of a request in the form for log lines: at most the first 256 bytes.
    ///
    /// `{token}…` replaces the first segment that a server can read as the secret segment of a
    /// route, and everything after this segment.
    ///
    /// ```
    /// use gatepost::Gate;
    ///
    /// let config = "[[route]]\npath = '/hook/{token}'\nprovider = 'kollus'\ntoken = { env = 'T' }\n";
    /// let gate = Gate::builder().toml(config).variable("T", "s3cret").build()?;
    /// assert_eq!(gate.printable_path("/HOOK//s3cret/x"), "/HOOK//{token}…");
    /// assert_eq!(gate.printable_path("/other/path"), "/other/path");
    /// # Ok::<(), gatepost::ConfigError>(())
    /// ```
    #[must_use]
    pub fn printable_path(&self, path: &str) -> String {
        let current = self.0.current.load();
        self.with_routes(|routes| routes.printable_path(path, |bytes| current.secrets.apply(bytes)))
    }

    /// Replaces each secret of the config in `bytes` with `***`: the values of all config keys with
    /// the type `secret`, such as the keys of templates, the secret segments of routes, and the
    /// admin tokens. Also replaces a secret in percent-encoded form, in a JSON string, and without
    /// its prefix and encoding. Does not replace secrets of fewer than 6 bytes.
    ///
    /// # Examples
    ///
    /// ```
    /// use gatepost::Gate;
    ///
    /// let config = "[[route]]\npath = '/callbacks/{token}'\nprovider = 'mux'\ntoken = 'hunter22'";
    /// let gate = Gate::builder().toml(config).build()?;
    /// assert_eq!(*gate.redacted(b"/callbacks/hunter22?a=b"), b"/callbacks/***?a=b"[..]);
    /// # Ok::<(), gatepost::ConfigError>(())
    /// ```
    #[must_use]
    pub fn redacted<'b>(&self, bytes: &'b [u8]) -> Cow<'b, [u8]> {
        self.0.current.load().secrets.apply(bytes)
    }

    /// Returns the names of the headers, parameters and members in which a provider's platform
    /// sends signatures, or fields that the definition declares as secrets. The config need not have
    /// a route of the provider.
    #[must_use]
    pub fn secret_names(&self, provider: &str) -> Vec<String> {
        let used = self.with_routes(|routes| {
            let route = routes.iter().find(|route| &*route.plan.name == provider);
            route.map(|route| Arc::clone(&route.plan))
        });
        let own = || self.own_plans().into_iter().find(|plan| &*plan.name == provider);
        match used.or_else(own) {
            Some(plan) => plan.secret_names(),
            None => built_in_named(provider).map(|plan| plan.secret_names()).unwrap_or_default(),
        }
    }

    /// Returns a warning for each setting that gatepost permits but does not recommend.
    #[must_use]
    pub fn warnings(&self) -> Vec<Fault> {
        self.0.current.load().warnings.clone()
    }

    /// Returns the plans of `provider_files`, sorted by name.
    pub(crate) fn own_plans(&self) -> Vec<Arc<Plan>> {
        self.0.current.load().own_plans.clone()
    }

    /// Returns the templates of the current config.
    pub(crate) fn templates(&self) -> Vec<Arc<Template>> {
        self.0.current.load().templates.clone()
    }

    /// Calls `read` with the routes of the current config.
    pub(crate) fn with_routes<T>(&self, read: impl FnOnce(&Routes) -> T) -> T {
        read(&self.0.current.load().routes)
    }

    /// Returns true if gatepost accepts a PROXY protocol header from this peer.
    ///
    /// gatepost accepts such a header from each peer in `trusted_proxies`. If that list is empty,
    /// gatepost accepts such a header from any peer.
    #[must_use]
    pub fn accepts_proxy_protocol_from(&self, peer: IpAddr) -> bool {
        let active = self.0.current.load();
        active.trusted.is_empty() || active.trusted.contain(peer.to_canonical())
    }

    /// Returns true if this address is in `trusted_proxies`. Such a peer sends the requests of many
    /// clients.
    #[must_use]
    pub fn is_trusted_proxy(&self, address: IpAddr) -> bool {
        self.0.current.load().trusted.contain(address.to_canonical())
    }

    /// Returns the client that sent a request.
    pub(crate) fn client(&self, head: &Head<'_>) -> Client {
        Client::of(head, &self.0.current.load().trusted)
    }
}
