//! The tables `[[template]]`: name, keys, bindings, settings and the delivery of each kind.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, OnceLock};

use http::Uri;

use super::ConfigReader;
use super::delivery::TemplateParts;
use super::network::same_server;
use super::plans::Plans;
use super::proof::Unsigned;
use crate::address::{Address, Addresses};
use crate::event::encoded_header;
use crate::event_signing::EventSigning;
use crate::printable::printable;
use crate::provider::Plan;
use crate::route::{Lookup, Routes, Target, has_base};
use crate::template::{Bindings, Reach, Template, WILDCARD_TENANT, check_description, check_name};
use crate::toml_reader::{FaultKind, Form, Located, Place, Table};

/// The bindings of each provider, by the provider's name.
pub(super) type BoundTenants = HashMap<Arc<str>, Arc<Bindings>>;

impl<'f> ConfigReader<'f, '_> {
    /// Reads the templates, and binds the tenants of each template.
    ///
    /// Returns the templates in the order of the file, with `None` for each template whose name or
    /// provider is not valid.
    pub(super) fn templates(
        &self,
        tables: &[Table<'f>],
        plans: &Plans,
        signing: Option<&Arc<EventSigning>>,
    ) -> (Vec<Option<Arc<Template>>>, BoundTenants) {
        let mut templates = Vec::with_capacity(tables.len());
        let mut names: HashMap<String, Place> = HashMap::new();
        let mut bindings: HashMap<Arc<str>, Bindings> = HashMap::new();
        for table in tables {
            let read = self.template(table, plans, signing);
            let Some((template, name_place, bind)) = read else {
                templates.push(None);
                continue;
            };
            let template = Arc::new(template);
            match names.entry(template.name().to_owned()) {
                Entry::Occupied(first) => self.add_taken_name(&name_place, first.get(), &template),
                Entry::Vacant(free) => drop(free.insert(name_place)),
            }
            let bound = bindings.entry(Arc::clone(&template.plan.name)).or_default();
            for tenant in bind {
                self.bind(&tenant, &template, bound);
            }
            templates.push(Some(template));
        }
        let bindings = bindings.into_iter().map(|(name, bound)| (name, Arc::new(bound))).collect();
        (templates, bindings)
    }

    fn add_taken_name(&self, place: &Place, first: &Place, template: &Template) {
        let elsewhere = self.faults.elsewhere(first, place);
        let name = printable(template.name());
        let problem = format!(
            "expected an unused name, found \"{name}\", which another template{elsewhere} has"
        );
        let problem = FaultKind::TemplateNameInvalid.because(problem);
        self.faults.add(place, problem, "choose a different name for each template");
    }

    fn bind(&self, tenant: &Located<&'f str>, template: &Arc<Template>, bound: &mut Bindings) {
        let is_unfit = |c: char| c.is_whitespace() || c.is_control() || "/:<>\"".contains(c);
        let (name, app) = match tenant.value.split_once('/') {
            Some((name, app)) if template.plan.tenant_app.is_some() && name != WILDCARD_TENANT => {
                (name, Some(app))
            }
            _ => (tenant.value, None),
        };
        let is_fit = |text: &str| !text.is_empty() && !text.contains(is_unfit);
        if !is_fit(name) || !app.is_none_or(is_fit) {
            let remedy = match template.plan.tenant_app {
                Some(_) => {
                    "write only a push domain, a push domain and an application such as \
                     push.example.com/live, or \"*\" for all other tenants"
                }
                None => "write only a push domain or channel key, or \"*\" for all other tenants",
            };
            self.faults.add_text(tenant, FaultKind::TenantInvalid.because("a tenant"), remedy);
        } else if let Err(existing) = bound.bind(name, app, template) {
            let problem =
                format!("expected an unbound tenant, found a tenant of `{}`", existing.name());
            let remedy = "remove the tenant from one of the two templates";
            self.faults.add(&tenant.place, FaultKind::TenantTaken.because(problem), remedy);
        }
    }

    fn template(
        &self,
        table: &Table<'f>,
        plans: &Plans,
        signing: Option<&Arc<EventSigning>>,
    ) -> Option<(Template, Place, Vec<Located<&'f str>>)> {
        let name = table.require_string("name", "add a name").filter(|name| self.name_fits(name));
        let description = table.string("description");
        let plan = self.plan(table, plans);
        let keys_place = table.place_of("keys");
        let key_items = table.list("keys");
        let unsigned = table.any("insecure_unsigned");
        let reuse = table.string("signature_reuse");
        let dedupe = table.any("dedupe").and_then(|item| self.dedupe(&item));
        let bind = table.strings("bind");
        let signing = self.signing(table).or_else(|| signing.cloned());
        let settings = table.table("settings");
        let on = self.on(table);
        table.finish();
        if let Some(description) = &description
            && let Err(problem) = check_description(description.value)
        {
            let problem = FaultKind::TemplateNameInvalid.because(problem.to_string());
            self.faults.add(&description.place, problem, "use up to 100 characters");
        }
        let plan = plan?;
        let values = self.settings(settings.as_ref(), &plan);
        let unsigned = unsigned.map(|item| self.unsigned(&item, &plan)).unwrap_or_default();
        let is_open = matches!(unsigned, Unsigned::All);
        self.check_keys(&plan, key_items.len(), is_open, &keys_place, table);
        let reuse = reuse.map(|word| self.reuse(&word, &plan)).unwrap_or_default();
        let settings_place = table.place_of("settings");
        let proof = self.proof(&plan, &key_items, &values, unsigned, reuse, &settings_place);
        let parts = TemplateParts {
            plan: &plan,
            settings: &values.values,
            settings_place,
            proof: &proof,
            dedupe: dedupe.unwrap_or_default(),
            name: name.as_ref().map_or("", |name| name.value),
            on_place: table.place_of("on"),
        };
        let (deliveries, unknown) = self.deliveries(on.as_ref(), &parts);
        let name = name?;
        let template = Template {
            name: name.value.into(),
            description: description.map(|d| d.value).unwrap_or_default().into(),
            proof,
            settings: values.values,
            deliveries,
            unknown,
            header: encoded_header(name.value),
            signing,
            extension: OnceLock::new(),
            plan,
        };
        Some((template, name.place, bind))
    }

    /// Reads `[template.on]`.
    fn on(&self, table: &Table<'f>) -> Option<Table<'f>> {
        let item = table.any("on")?;
        if !matches!(item.form, Form::String(_)) {
            return table.table("on");
        }
        let problem = "expected a table with an entry for each kind, found a string";
        let remedy = "write on = { \"*\" = \"http://…\" } for one address of all kinds";
        self.faults.add(&item.place, FaultKind::TypeMismatch.because(problem), remedy);
        None
    }

    fn name_fits(&self, name: &Located<&str>) -> bool {
        let Err(problem) = check_name(name.value) else { return true };
        let remedy = "use 1 to 30 Chinese characters, letters, digits, _ and -";
        let problem = FaultKind::TemplateNameInvalid.because(problem.to_string());
        self.faults.add(&name.place, problem, remedy);
        false
    }

    /// Reports missing keys, keys without effect, and keys for a signature that covers no part of
    /// the request.
    fn check_keys(
        &self,
        plan: &Plan,
        keys: usize,
        unsigned: bool,
        keys_place: &Place,
        table: &Table<'f>,
    ) {
        let signature = plan.signature.as_ref();
        if signature.is_some_and(|signature| keys > 0 && !signature.covers_request()) {
            let problem = format!(
                "expected a signature that covers a part of the request, found the signature of {}",
                plan.title
            );
            let remedy = "if the platform can sign the body, describe this signature in the definition; \
                          otherwise, serve the route over TLS, because a client that has seen one \
                          callback can forge any other callback";
            self.warnings.add(keys_place, FaultKind::SignatureWeak.because(problem), remedy);
        }
        match (plan.uses_template_keys(), keys > 0) {
            (true, false) if !unsigned => {
                let problem = format!("expected keys, because {} signs, found none", plan.title);
                let remedy = "add keys = [{ env = \"…\" }], or set insecure_unsigned = true to \
                              accept callbacks from any client";
                let problem = FaultKind::SecretMissing.because(problem);
                self.faults.add_missing((&table.place, "keys"), keys_place, problem, remedy);
            }
            (true, true) if unsigned => {
                let remedy = "remove keys or insecure_unsigned";
                let problem = "expected keys or insecure_unsigned = true, found both";
                let problem = FaultKind::KeyUnused.because(problem);
                self.faults.add(&table.place_of("insecure_unsigned"), problem, remedy);
            }
            (true, false) => {
                let remedy = "set the same key in the platform's console and in keys, and remove \
                              insecure_unsigned";
                let problem = "expected keys, found none, so any client can forge callbacks";
                let problem = FaultKind::CallbacksUnsigned.because(problem);
                self.warnings.add(keys_place, problem, remedy);
            }
            (false, true) => {
                let problem =
                    format!("expected no keys, because {} does not sign, found {keys}", plan.title);
                self.faults.add(keys_place, FaultKind::KeyUnused.because(problem), "remove keys");
            }
            (true, true) | (false, false) => {}
        }
    }

    /// Reserves the paths of the app's addresses, so that clients cannot forge events.
    ///
    /// With an upstream, reserves only addresses on the upstream, because the upstream also
    /// receives all other requests. Without an upstream, as in the layer, reserves every address,
    /// because the inner service may serve any of these addresses.
    pub(super) fn reserve_addresses(
        &self,
        tables: &[Table<'f>],
        templates: &[Option<Arc<Template>>],
        upstream: Option<&Addresses>,
        routes: &mut Routes,
    ) {
        for (table, template) in tables.iter().zip(templates) {
            let Some(template) = template else { continue };
            let is_shared =
                |address: &Address| upstream.is_none_or(|upstream| is_one_of(address, upstream));
            let shared = template.addresses().filter(|(address, _)| is_shared(address));
            let shared: Vec<_> = shared.map(|(address, reach)| (address.url(), reach)).collect();
            for (url, reach) in shared.iter().filter(|(url, _)| !is_open(url)) {
                routes.reserve(url.path(), *reach, &template.plan);
            }
            let reachable = |url: &Uri| is_open(url) || !has_base(url.path());
            if upstream.is_some() && shared.iter().any(|(url, _)| reachable(url)) {
                let remedy =
                    "give events a separate path, or make the app require the header ce-type";
                let problem = "expected addresses that clients cannot reach, found one that they reach \
                               through the upstream";
                let problem = FaultKind::AddressExposed.because(problem);
                self.warnings.add(&table.place_of("on"), problem, remedy);
            }
        }
    }

    /// Warns of an address whose host may be another name of the upstream. gatepost does not
    /// reserve the path of such an address.
    pub(super) fn warn_of_other_hosts(
        &self,
        tables: &[Table<'f>],
        templates: &[Option<Arc<Template>>],
        upstream: Option<&Addresses>,
        routes: &Routes,
    ) {
        let Some(upstream) = upstream else { return };
        let ports: Vec<_> = upstream.as_slice().iter().filter_map(port).collect();
        let may_be_upstream = |address: &Address| {
            port(address).is_some_and(|port| ports.contains(&port))
                && !is_one_of(address, upstream)
                && matches!(routes.find(&Target::of(address.url()), Reach::Exact), Lookup::Other)
        };
        for (table, template) in tables.iter().zip(templates) {
            let mut all = template.iter().flat_map(|t| t.addresses()).map(|(address, _)| address);
            if let Some(address) = all.find(|address| may_be_upstream(address)) {
                let host = address.url().host().unwrap_or_default();
                let problem = format!(
                    "expected the host of `upstream` or another port, found {host} with the port \
                     of `upstream`, so gatepost does not reserve the address"
                );
                let remedy = "if both hosts are the same machine, write the host of `upstream`; \
                              otherwise ignore this warning";
                let problem = FaultKind::AddressUnreserved.because(problem);
                self.warnings.add(&table.place_of("on"), problem, remedy);
            }
        }
    }

    /// Reports each template whose events keep the callback's path. A proxy without an upstream has
    /// no server to which it can send such events.
    pub(super) fn check_all_have_addresses(
        &self,
        tables: &[Table<'f>],
        templates: &[Option<Arc<Template>>],
    ) {
        for (table, template) in tables.iter().zip(templates) {
            let is_faulty = self.faults.are_in(&format!("{}.on", table.place.key));
            let needs_upstream = template.as_ref().is_some_and(|t| t.needs_upstream());
            if needs_upstream && !is_faulty {
                let remedy =
                    "set a url or an answer for each kind under [template.on], or set upstream";
                let problem = "expected an address for each kind, found a kind without an address";
                let problem = FaultKind::AppMissing.because(problem);
                let absent = (&Place::default(), "upstream");
                self.faults.add_missing(absent, &table.place_of("on"), problem, remedy);
                self.faults.also_missing(&table.place, "on");
            }
        }
    }

    /// Warns of each route on which gatepost refuses every callback, because the route's provider
    /// has no template.
    pub(super) fn warn_of_routes_without_template(
        &self,
        tables: &[Table<'f>],
        templates: &[Option<Arc<Template>>],
        routes: &Routes,
    ) {
        for table in tables {
            let (Some(path), Some(name)) = (table.string("path"), table.string("provider")) else {
                continue;
            };
            let mut on_path = routes.iter().filter(|route| *route.pattern == *path.value);
            let route = on_path.find(|route| *route.plan.name == *name.value);
            let Some(plan) = route.map(|route| &route.plan) else { continue };
            if templates.iter().flatten().any(|template| template.plan.name == plan.name) {
                continue;
            }
            let title = &plan.title;
            let problem = format!("expected a template for the callbacks of {title}, found none");
            let remedy = format!("add a [[template]] with provider = \"{}\"", plan.name);
            let problem = FaultKind::TemplateMissing.because(problem);
            self.warnings.add(&table.place_of("provider"), problem, remedy);
        }
    }

    /// Warns of each template that receives no callbacks: no route has its provider, or neither a
    /// route nor a binding selects the template.
    pub(super) fn warn_of_unused(
        &self,
        tables: &[Table<'f>],
        templates: &[Option<Arc<Template>>],
        routes: &Routes,
    ) {
        for (table, template) in tables.iter().zip(templates) {
            let Some(template) = template else { continue };
            let of_provider =
                || routes.iter().filter(|route| route.plan.name == template.plan.name);
            if of_provider().next().is_none() {
                let problem = format!("expected a route for {}, found none", template.plan.title);
                let problem = FaultKind::TemplateIdle.because(problem);
                let remedy = "add a [[route]] with this provider";
                self.warnings.add(&table.place_of("provider"), problem, remedy);
                continue;
            }
            let is_pinned = of_provider().any(|route| {
                route.template.as_ref().is_some_and(|pinned| Arc::ptr_eq(pinned, template))
            });
            if !is_pinned && table.strings("bind").is_empty() {
                let remedy =
                    format!("bind a tenant, or \"{WILDCARD_TENANT}\" for all other tenants");
                let problem = "expected a tenant that this template binds, found none";
                self.warnings.add(&table.place, FaultKind::TemplateIdle.because(problem), remedy);
            }
        }
    }
}

fn is_one_of(address: &Address, servers: &Addresses) -> bool {
    servers.as_slice().iter().any(|server| same_server(server, address))
}

/// Returns the port of an address; `None` for a Unix socket.
fn port(address: &Address) -> Option<u16> {
    address.server().socket().is_none().then(|| address.server().port())
}

/// Returns `true` for an address that gatepost cannot reserve.
///
/// With a reserved `/`, gatepost refuses requests for the app's start page. A reserved path
/// includes every query, so an app that routes by query loses all requests to that path.
fn is_open(url: &Uri) -> bool {
    url.path() == "/" || url.query().is_some()
}
