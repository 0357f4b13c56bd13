//! The Domains page: the bindings of all templates, sorted by domain or channel.

use std::sync::Arc;

use askama::Template;
use gatepost_editor::{Edit, TemplateView};
use http::{Method, StatusCode};
use pingora::protocols::http::ServerSession;

use super::ConsoleRequest;
use super::edits::{carry_out, sentence, status};
use super::form;
use super::layout::Layout;
use super::response::ConsoleResponse;
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
    page.tenant = form::value(&sent, "tenant").unwrap_or_default().trim().to_owned();
    page.template = form::value(&sent, "template").unwrap_or_default().to_owned();
    if page.tenant.is_empty() {
        page.problem = "Enter a domain or a channel.".into();
        return ConsoleResponse::page(&page).with_status(StatusCode::BAD_REQUEST);
    }
    let edit = Edit::Bind { name: page.template.clone(), tenants: vec![page.tenant.clone()] };
    match carry_out(served, request, edit, |_| true).await {
        Ok(()) => ConsoleResponse::redirect("domains?done=bound"),
        Err(error) => {
            page.problem = sentence(&error);
            ConsoleResponse::page(&page).with_status(status(&error))
        }
    }
}

#[derive(Template)]
#[template(path = "domains.html")]
struct DomainsPage {
    layout: Layout,
    done: &'static str,
    templates: Vec<TemplateView>,
    tenant: String,
    template: String,
    problem: String,
}

impl DomainsPage {
    fn new(served: &ServedConfig, request: &ConsoleRequest) -> Self {
        Self {
            layout: request.layout("domains"),
            done: request.done(),
            templates: served.templates(),
            tenant: String::new(),
            template: String::new(),
            problem: String::new(),
        }
    }

    /// Returns each tenant with its template, sorted by tenant. The tenant `*` is last.
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
