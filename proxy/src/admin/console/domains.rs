//! The Domains page: the bindings of all templates, sorted by domain or channel.

use std::sync::Arc;

use askama::Template;
use gatepost_editor::{Edit, TemplateView};
use http::{Method, StatusCode};
use pingora::protocols::http::ServerSession;

use super::ConsoleRequest;
use super::edits::{CHANGED, carry_out, is_current, show_at, status};
use super::form::{self, FormField};
use super::layout::Layout;
use super::response::ConsoleResponse;
use super::template_form::{version, version_of_all};
use crate::served_config::ServedConfig;

/// Handles `domains`: the list of bindings, and the form for a new binding.
pub(super) async fn list(
    served: &Arc<ServedConfig>,
    session: &mut ServerSession,
    request: &ConsoleRequest,
) -> ConsoleResponse {
    let mut page = DomainsPage::new(served, request);
    if request.method == Method::GET {
        return ConsoleResponse::page(&page);
    }
    if !request.may_change() {
        return request.read_only();
    }
    let Some(sent) = form::read(session).await else { return request.bad_form() };
    let value = |name| FormField::new(form::value(&sent, name).unwrap_or_default().trim());
    (page.tenant, page.app, page.template) = (value("tenant"), value("app"), value("template"));
    if !is_current(&sent, &page.version) {
        return page.failed(CHANGED, StatusCode::CONFLICT);
    }
    if page.tenant.value.is_empty() {
        page.tenant.problem = "Enter a domain or a channel.".into();
        return page.failed("", StatusCode::UNPROCESSABLE_ENTITY);
    }
    let Some(view) = page.templates.iter().find(|view| view.name == page.template.value) else {
        page.template.problem = "Choose a template from the list.".into();
        return page.failed("", StatusCode::UNPROCESSABLE_ENTITY);
    };
    let edit = Edit::Bind { name: view.name.clone(), tenants: vec![page.bound()] };
    let (seen, bound) = (version(view), view.bind.len());
    match carry_out(served, request, edit, move |now| version(now) == seen).await {
        Ok(()) => ConsoleResponse::redirect("domains?done=bound"),
        Err(error) => {
            let mut fields = [FormField::new(page.bound())];
            let problem = show_at(&error, bound, &mut fields);
            let [field] = fields;
            let at = if page.app.value.is_empty() { &mut page.tenant } else { &mut page.app };
            at.problem = field.problem;
            page.failed(&problem, status(&error))
        }
    }
}

#[derive(Template)]
#[template(path = "domains.html")]
struct DomainsPage {
    layout: Layout,
    done: &'static str,
    templates: Vec<TemplateView>,
    tenant: FormField,
    app: FormField,
    template: FormField,
    /// Hash of all templates.
    version: String,
    /// Names of the providers whose templates can bind one application of a domain.
    app_providers: Vec<String>,
    problem: String,
    is_failed: bool,
}

impl DomainsPage {
    fn new(served: &ServedConfig, request: &ConsoleRequest) -> Self {
        let templates = served.templates();
        let has_apps = |name: &String| {
            let definition = served.gate().definition(name);
            definition.is_some_and(|definition| definition.info().tenant_app)
        };
        let mut providers: Vec<_> = templates.iter().map(|view| view.provider.clone()).collect();
        providers.sort_unstable();
        providers.dedup();
        Self {
            layout: request.layout("domains"),
            done: request.done(),
            version: version_of_all(&templates),
            app_providers: providers.into_iter().filter(has_apps).collect(),
            templates,
            tenant: FormField::default(),
            app: FormField::default(),
            template: FormField::default(),
            problem: String::new(),
            is_failed: false,
        }
    }

    fn failed(mut self, problem: &str, status: StatusCode) -> ConsoleResponse {
        problem.clone_into(&mut self.problem);
        self.is_failed = true;
        ConsoleResponse::page(&self).with_status(status)
    }

    /// Returns true if at least one template can bind one application of a domain.
    fn has_apps(&self) -> bool {
        !self.app_providers.is_empty()
    }

    /// Returns the tenant of the form, with the application if the form names one.
    fn bound(&self) -> String {
        match (&*self.tenant.value, &*self.app.value) {
            (tenant, "") => tenant.to_owned(),
            (tenant, app) => format!("{tenant}/{app}"),
        }
    }

    fn domain(tenant: &str) -> &str {
        tenant.split_once('/').map_or(tenant, |(domain, _)| domain)
    }

    fn application(tenant: &str) -> &str {
        tenant.split_once('/').map_or("", |(_, app)| app)
    }

    /// Returns the tenant and the template of each binding, sorted by tenant. The tenant `*` is
    /// last.
    fn bindings(&self) -> Vec<(&str, &TemplateView)> {
        let mut all: Vec<(&str, &TemplateView)> = self
            .templates
            .iter()
            .flat_map(|view| view.bind.iter().map(move |tenant| (&**tenant, view)))
            .collect();
        all.sort_by_key(|(tenant, view)| (*tenant == "*", *tenant, &*view.provider));
        all
    }
}
