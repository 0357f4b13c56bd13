//! The tables `[[route]]`: path, provider, secret segment, kind, template and limits.

use std::sync::Arc;

use super::ConfigReader;
use super::plans::Plans;
use super::template::BoundTenants;
use crate::limit::{Comparison, Rate, RouteLimit};
use crate::memory::store::{SharedDomain, shared_key};
use crate::provider::{Evidence, Plan};
use crate::route::{
    CorsOrigins, Mode, Route, RouteParameters, Routes, TOKEN_SEGMENT, as_origin, is_canonical,
    is_parameter_name, is_parameter_text,
};
use crate::secret::Secret;
use crate::template::{Reach, Template};
use crate::toml_reader::{FaultKind, Form, Item, Located, Place, Table, allowed, closest, list};

/// Length in bytes below which gatepost warns that clients can guess a token.
const MIN_TOKEN_BYTES: usize = 16;

impl<'f> ConfigReader<'f, '_> {
    pub(super) fn route(
        &self,
        table: &Table<'f>,
        plans: &Plans,
        templates: &[Option<Arc<Template>>],
        bindings: &BoundTenants,
        max_body_bytes: usize,
        routes: &mut Routes,
    ) {
        let path = table.require_string("path", "write the path that the platform calls");
        let parameters = self.parameters(table);
        let plan = self.plan(table, plans);
        let token = table.any("token");
        let kind = table.string("kind");
        let template = table.string("template");
        let max_body_bytes = self.max_body_bytes(table).unwrap_or(max_body_bytes);
        let allow = self.allow(table);
        let limit = self.route_limit(table);
        let source_limit = self.source_limit(table);
        let cors = self.cors(table);
        let forward = self.forward(table);
        let mode = self.mode(table);
        let reach = self.reach(table);
        table.finish();
        let path = path.filter(|path| self.path_fits(path));
        let token = self.token(table, path.as_ref(), token);
        let (Some(plan), Some(path)) = (plan, path) else { return };
        let kind = kind.and_then(|kind| self.kind(&kind, &plan));
        self.check_common(forward, &table.place_of("forward"), &plan);
        self.warn_of_unconfirmed(table, &plan);
        if token.is_none() {
            self.warn_of_open_route(table, &plan);
            self.check_unsigned_challenge(table, &plan);
        }
        let pattern: Arc<str> = path.value.into();
        let label = if parameters.is_empty() {
            Arc::clone(&pattern)
        } else {
            format!("{pattern}{parameters}").into()
        };
        let limit = limit.map(|(rate, is_shared)| limit_of(&pattern, &label, rate, is_shared));
        let route = Route {
            pattern,
            parameters,
            label,
            kind,
            template: template.and_then(|name| self.pinned(&name, &plan, templates)),
            bindings: bindings.get(&plan.name).cloned().unwrap_or_default(),
            plan,
            #[cfg(feature = "tower")]
            masked: token.as_ref().and_then(|_| path.value.parse().ok()),
            token,
            max_body_bytes,
            allow,
            limit,
            source_limit,
            cors,
            forward,
            mode,
            reach,
        };
        self.add_route(route, path, routes);
    }

    /// Reports a route without a secret segment for a platform with an unsigned challenge.
    fn check_unsigned_challenge(&self, table: &Table<'f>, plan: &Plan) {
        let Some(kind) = plan.unsigned_challenge() else { return };
        let (title, name) = (&plan.title, &kind.name);
        let problem =
            format!("expected a secret segment, because {title} does not sign {name}, found none");
        let problem = FaultKind::SecretMissing.because(problem);
        self.faults.add(
            &table.place_of("path"),
            problem,
            "end the path with /{token} and set token",
        );
    }

    /// Warns of a route without a secret segment for a platform that does not sign.
    fn warn_of_open_route(&self, table: &Table<'f>, plan: &Plan) {
        // A fault in the route, such as a misspelt `token`, may be the cause.
        if !plan.uses_template_keys() && !self.faults.are_in(&table.place.key) {
            let problem = format!(
                "expected a secret segment, because {} does not sign, found none",
                plan.title
            );
            let remedy = "end the path with /{token} and set token, or permit only the platform to reach the path";
            self.warnings.add(&table.place, FaultKind::RouteUnprotected.because(problem), remedy);
        }
    }

    fn warn_of_unconfirmed(&self, table: &Table<'f>, plan: &Plan) {
        if plan.evidence == Some(Evidence::Unconfirmed) {
            let problem = format!(
                "expected a confirmed definition, found the unconfirmed definition of {}",
                plan.title
            );
            let problem = FaultKind::ProviderUnconfirmed.because(problem);
            let remedy = "judge a real callback with `gatepost explain`, and check the signature, the fields and the reply";
            self.warnings.add(&table.place_of("provider"), problem, remedy);
        }
    }

    /// Adds a route. If another route already uses the path, reports a fault.
    fn add_route(&self, route: Route, path: Located<&'f str>, routes: &mut Routes) {
        let has_parameters = !route.parameters.is_empty();
        match routes.add(route) {
            Ok(()) => drop(self.paths.borrow_mut().insert(path.value, path.place)),
            Err(existing) => {
                let known = self.paths.borrow();
                let first = existing.split('?').next().and_then(|path| known.get(path));
                let elsewhere = first.map(|first| self.faults.elsewhere(first, &path.place));
                let elsewhere = elsewhere.unwrap_or_default();
                let problem = format!(
                    "expected an unused path, found the path of the route {existing}{elsewhere}"
                );
                let remedy = if has_parameters || existing.contains('?') {
                    "choose another path, or give each route on the path a `query` with clearly \
                     different values of one parameter"
                } else {
                    "choose another path; case and a slash at the end make no difference"
                };
                self.faults.add(&path.place, FaultKind::PathTaken.because(problem), remedy);
            }
        }
    }

    /// Reads `query`: the parameters by which an app distinguishes the pages on one path.
    fn parameters(&self, table: &Table<'f>) -> RouteParameters {
        let Some(query) = table.table("query") else { return RouteParameters::default() };
        let entries = query.entries();
        if entries.is_empty() {
            let remedy = "write a parameter, such as { c = \"callback\" }, or remove the key";
            self.faults.add(&query.place, "expected a parameter, found none", remedy);
        }
        RouteParameters::new(entries.iter().filter_map(|(name, value)| {
            let Form::String(text) = value.form else {
                let problem = format!("expected a string, found {}", value.form.name());
                self.faults.add(&value.place, problem, "write one value in quotes");
                return None;
            };
            if !is_parameter_name(name) {
                let problem = "expected a parameter name of letters, digits, -, ., _, ~ and /, \
                               found another character, or no letter or digit";
                self.faults.add(&value.place, problem, "use letters, digits, -, ., _, ~ and /");
                return None;
            }
            if !is_parameter_text(text) {
                let text = Located { value: text, place: value.place.clone() };
                let remedy = "remove the other characters";
                self.faults.add_text(&text, "a value of letters, digits, -, ., _, ~ and /", remedy);
                return None;
            }
            Some((*name, text))
        }))
    }

    /// Reads `cors`: the origins whose pages may read the replies.
    fn cors(&self, table: &Table<'f>) -> CorsOrigins {
        let origin = |text: &Located<&str>| {
            let origin = as_origin(text.value);
            if origin.is_none() {
                let remedy = "write scheme, host and port in lower case, without the default port \
                              and without a path, for example \"https://player.example.com\"";
                self.faults.add_text(text, "an origin", remedy);
            }
            origin
        };
        CorsOrigins::new(table.strings("cors").iter().filter_map(origin).collect())
    }

    /// Reads `mode`. Warns of shadow mode, because forged callbacks then reach the app.
    fn mode(&self, table: &Table<'f>) -> Mode {
        let Some(word) = table.string("mode") else { return Mode::default() };
        let mode = self.word(&word, "mode", &Mode::WORDS).unwrap_or_default();
        if mode == Mode::Shadow {
            let remedy = "write \"enforce\" once the log shows no refusal of a genuine callback";
            let problem =
                "expected \"enforce\", found \"shadow\", so callbacks reach the app unverified";
            self.warnings.add(&word.place, FaultKind::ShadowMode.because(problem), remedy);
        }
        mode
    }

    /// Reads `reserve`: the paths that gatepost reserves for a route or an address.
    pub(super) fn reach(&self, table: &Table<'f>) -> Reach {
        let word = table.string("reserve");
        word.and_then(|word| self.word(&word, "reservation", &Reach::WORDS)).unwrap_or_default()
    }

    /// Reports each shadow route of a proxy without an upstream. Such a proxy has no server to
    /// which it can pass on the route's callbacks.
    pub(super) fn check_shadows_pass(&self, tables: &[Table<'f>]) {
        for table in tables {
            let mode = table.string("mode");
            if let Some(mode) = mode.filter(|mode| mode.value == "shadow") {
                let remedy = "set upstream to the app that receives the route's callbacks";
                let problem = "expected an upstream, found none";
                let problem = FaultKind::UpstreamMissing.because(problem);
                let absent = (&Place::default(), "upstream");
                self.faults.add_missing(absent, &mode.place, problem, remedy);
            }
        }
    }

    fn path_fits(&self, path: &Located<&str>) -> bool {
        let fits = is_canonical(path.value);
        if !fits {
            let wanted =
                FaultKind::PathInvalid.because("a path that all servers read in the same way");
            self.faults.add_text(path, wanted, path_remedy(path.value));
        }
        fits
    }

    /// Reads `token`. The key `token` and `{token}` in the path require each other.
    fn token(
        &self,
        table: &Table<'f>,
        path: Option<&Located<&str>>,
        token: Option<Item<'f>>,
    ) -> Option<Secret> {
        let in_path = path.map(|path| path.value.split('/').any(|s| s == TOKEN_SEGMENT));
        match (in_path, token) {
            (Some(true), None) => {
                let remedy = "add token = { env = \"…\" }";
                let problem = "expected a token for the {token} in the path, found none";
                let problem = FaultKind::TokenNotPaired.because(problem);
                let absent = (&table.place, "token");
                self.faults.add_missing(absent, &table.place_of("path"), problem, remedy);
                None
            }
            (Some(false), Some(_)) => {
                let remedy = "replace the secret segment of the path with {token}";
                let problem = "expected a {token} in the path for this token, found none";
                let problem = FaultKind::TokenNotPaired.because(problem);
                self.faults.add(&table.place_of("token"), problem, remedy);
                None
            }
            (_, Some(token)) => {
                let secret = self.secret(&token);
                let fits = |secret: &Secret| is_segment(secret.expose());
                if secret.as_ref().is_some_and(|secret| !fits(secret)) {
                    let remedy = "use letters, digits, -, ., _ and ~, and not only dots";
                    let problem = "expected a valid path segment, found only dots or a character \
                                   that needs percent-encoding";
                    let problem = FaultKind::SecretInvalid.because(problem);
                    self.faults.add(&token.place, problem, remedy);
                }
                if secret.as_ref().is_some_and(|secret| secret.expose().len() < MIN_TOKEN_BYTES) {
                    let remedy = "create a token of at least 16 characters with a random generator, \
                                  and write the new path into the platform's console";
                    let problem = format!(
                        "expected a token of at least {MIN_TOKEN_BYTES} bytes, found a shorter \
                         token"
                    );
                    let problem = FaultKind::SecretWeak.because(problem);
                    self.warnings.add(&token.place, problem, remedy);
                }
                secret
            }
            (_, None) => None,
        }
    }

    fn kind(&self, kind: &Located<&str>, plan: &Plan) -> Option<usize> {
        let index = plan.kind_named(kind.value);
        let of_group = plan.kinds.iter().filter(|own| own.group.as_deref() == Some(kind.value));
        let members: Vec<_> = of_group.map(|own| &*own.name).collect();
        if index.is_none() && !members.is_empty() {
            let wanted = FaultKind::KindUnknown.because("a kind, not a group of kinds");
            self.faults.add_text(kind, wanted, format!("use one of {}", list(&members)));
        } else if index.is_none() {
            self.faults.add_unknown(kind, "kind", plan.kinds.iter().map(|kind| &*kind.name));
        }
        index
    }

    fn pinned(
        &self,
        name: &Located<&str>,
        plan: &Plan,
        templates: &[Option<Arc<Template>>],
    ) -> Option<Arc<Template>> {
        let of_provider = || templates.iter().flatten().filter(|t| t.plan.name == plan.name);
        let template = of_provider().find(|template| *template.name == *name.value);
        // A template with a fault may have this name.
        if template.is_none() && templates.iter().all(Option::is_some) {
            self.report_pinned(name, plan, templates);
        }
        template.cloned()
    }

    fn report_pinned(
        &self,
        name: &Located<&str>,
        plan: &Plan,
        templates: &[Option<Arc<Template>>],
    ) {
        let wanted = FaultKind::TemplateUnknown.because(format!("a template of {}", plan.title));
        let of_provider = templates.iter().flatten().filter(|t| t.plan.name == plan.name);
        let names: Vec<_> = of_provider.map(|template| &*template.name).collect();
        let other = templates.iter().flatten().find(|template| *template.name == *name.value);
        if let Some(other) = other {
            let (own, found) = (&plan.title, &other.plan.title);
            let problem = format!("expected a template of {own}, found a template of {found}");
            let problem = FaultKind::TemplateUnknown.because(problem);
            let or = match names.first() {
                Some(_) => format!("one of these templates: {}", list(&names)),
                None => format!("the name of a [[template]] with provider = \"{}\"", plan.name),
            };
            let remedy = format!("write provider = \"{}\", or {or}", other.plan.name);
            return self.faults.add(&name.place, problem, remedy);
        }
        let remedy = if names.is_empty() {
            format!("add a [[template]] with this name and provider = \"{}\"", plan.name)
        } else {
            allowed("template", name.value, names.iter().copied())
        };
        self.faults.add_text(name, wanted, remedy);
        self.faults.suggest(closest(name.value, names).map(str::to_owned));
    }
}

/// Returns the remedy for a path that is not canonical.
fn path_remedy(path: &str) -> &'static str {
    if path.contains("://") {
        "write only the path, from the first / after the host"
    } else if !path.starts_with('/') {
        "start the path with /"
    } else if path.contains('{') {
        "write {token} once, as a whole segment; gatepost has no other placeholder"
    } else if path.contains('*') {
        "write the whole path; gatepost has no wildcards"
    } else if path.contains(['?', '#']) {
        "remove the ? or # and everything after it; `query` selects callbacks by parameters"
    } else {
        "remove each %, ;, //, space, and segment . or .."
    }
}

/// Returns `true` if the text is a path segment that needs no percent-encoding and does not consist
/// of dots only.
fn is_segment(text: &[u8]) -> bool {
    let unreserved = |b: &u8| b.is_ascii_alphanumeric() || b"-._~".contains(b);
    text.iter().all(unreserved) && text.iter().any(|b| *b != b'.')
}

/// Returns the limit of a route. If `is_shared` is true, machines with the same rate share one
/// budget.
fn limit_of(pattern: &str, label: &Arc<str>, rate: Rate, is_shared: bool) -> RouteLimit {
    let shared = || {
        let (label, rate_bytes) = (label.as_bytes(), rate.to_bytes());
        let key = shared_key(SharedDomain::Limit, [label, &rate_bytes[..]]);
        let of_values = shared_key(SharedDomain::Limit, [label]);
        (key, Comparison::new(pattern, of_values, rate))
    };
    RouteLimit::new(Arc::clone(label), rate, is_shared.then(shared))
}
