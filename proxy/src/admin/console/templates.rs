//! The pages of the templates: list, form, bindings, and deletion.

use std::sync::Arc;

use askama::Template;
use gatepost::{ProviderInfo, providers};
use gatepost_editor::{Edit, TemplateView};
use http::{Method, StatusCode};
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use pingora::protocols::http::ServerSession;

use super::confirm::ConfirmPage;
use super::edits::{CHANGED, carry_out, is_current, sentence, show_at, status};
use super::form::{self, Form, FormField};
use super::layout::Layout;
use super::response::ConsoleResponse;
use super::template_form::{TemplateForm, version};
use super::{ConsoleRequest, account};
use crate::served_config::ServedConfig;

/// Maximum number of fields for tenants that the page of bindings shows.
const MAX_TENANT_FIELDS: usize = 50;

/// Returns the list of templates.
pub(super) fn list(served: &ServedConfig, request: &ConsoleRequest) -> ConsoleResponse {
    let templates = served.templates();
    ConsoleResponse::page(&TemplatesPage {
        layout: request.layout("templates"),
        done: request.done(),
        has_account: templates.iter().any(|own| account::is_of_account(&own.provider)),
        templates,
    })
}

/// Handles `new-template`: the choice of a provider, then the form.
pub(super) async fn create(
    served: &Arc<ServedConfig>,
    session: &mut ServerSession,
    request: &ConsoleRequest,
) -> ConsoleResponse {
    let provider = request.parameter("provider").unwrap_or_default();
    if !request.may_change() {
        return request.read_only();
    }
    let Some(definition) = served.gate().definition(&provider) else {
        return ConsoleResponse::page(&NewTemplatePage::choice(served, request));
    };
    let mut form = TemplateForm::new(&provider, Some(definition.info()), None);
    if request.method == Method::GET {
        return ConsoleResponse::page(&NewTemplatePage::form(request, form));
    }
    let Some(sent) = form::read(session).await else { return request.bad_form() };
    form.fill(&sent);
    if !form.check_description("") {
        let page = NewTemplatePage::form(request, form);
        return ConsoleResponse::page(&page).with_status(StatusCode::UNPROCESSABLE_ENTITY);
    }
    let (edit, name) = (Edit::Create(form.new_template()), form.name.value.clone());
    match carry_out(served, request, edit, |_| true).await {
        Ok(()) => {
            ConsoleResponse::redirect(&format!("templates/{}/bind?done=created", coded(&name)))
        }
        Err(error) => {
            form.show(&error);
            ConsoleResponse::page(&NewTemplatePage::form(request, form)).with_status(status(&error))
        }
    }
}

/// Handles the paths below `templates/`.
pub(super) async fn one(
    served: &Arc<ServedConfig>,
    session: &mut ServerSession,
    request: &ConsoleRequest,
    name: &str,
    rest: &[&str],
) -> ConsoleResponse {
    let name = percent_decode_str(name).decode_utf8_lossy();
    let Ok(view) = served.template(&name) else {
        let text = "The config has no template with this name. Another operator may have renamed \
                    or deleted it.";
        return request.notice(StatusCode::NOT_FOUND, "Template not found", text);
    };
    let sent = match request.method {
        Method::POST if !request.may_change() => return request.read_only(),
        Method::POST => match form::read(session).await {
            Some(sent) => Some(sent),
            None => return request.bad_form(),
        },
        _ => None,
    };
    match rest {
        [] => modify(served, request, view, sent).await,
        ["bind"] if request.may_change() => bind(served, request, view, sent).await,
        ["unbind"] if request.may_change() => unbind(served, request, view, sent).await,
        ["delete"] if request.may_change() => delete(served, request, view, sent).await,
        ["bind" | "unbind" | "delete"] => request.read_only(),
        _ => request.no_page(),
    }
}

async fn modify(
    served: &Arc<ServedConfig>,
    request: &ConsoleRequest,
    view: TemplateView,
    sent: Option<Form>,
) -> ConsoleResponse {
    let mut form = TemplateForm::new(&view.provider, info_of(served, &view), Some(&view));
    form.warn_of_keys(|with_each| {
        let _no_key = served.gate().accepts_key(&view.name, |key| {
            with_each(key);
            false
        });
    });
    let Some(sent) = sent else {
        return ConsoleResponse::page(&TemplatePage::new(request, view, form));
    };
    form.fill(&sent);
    if form::value(&sent, "version") != Some(&form.version) {
        let problem = "This template has changed since you opened the page. The form has \
                       your values; save again to replace the other change, or reload the page.";
        form.problems.push(problem.into());
        let page = TemplatePage::new(request, view, form);
        return ConsoleResponse::page(&page).with_status(StatusCode::CONFLICT);
    }
    if !form.check_description(&view.description) {
        let page = TemplatePage::new(request, view, form);
        return ConsoleResponse::page(&page).with_status(StatusCode::UNPROCESSABLE_ENTITY);
    }
    let change = form.change(&view);
    let new = change.rename.clone().unwrap_or_else(|| view.name.clone());
    if change.is_empty() {
        return ConsoleResponse::redirect(&format!("{}?done=unchanged", coded(&view.name)));
    }
    let seen = form.version.clone();
    let edit = Edit::Modify { name: view.name.clone(), change };
    let is_seen = move |now: &TemplateView| version(now) == seen;
    match carry_out(served, request, edit, is_seen).await {
        Ok(()) => ConsoleResponse::redirect(&format!("{}?done=saved", coded(&new))),
        Err(error) => {
            form.show(&error);
            let page = TemplatePage::new(request, view, form);
            ConsoleResponse::page(&page).with_status(status(&error))
        }
    }
}

/// Returns the contents of the definition of a template's provider.
fn info_of(served: &ServedConfig, view: &TemplateView) -> Option<ProviderInfo> {
    served.gate().definition(&view.provider).map(|definition| definition.info())
}

async fn bind(
    served: &Arc<ServedConfig>,
    request: &ConsoleRequest,
    view: TemplateView,
    sent: Option<Form>,
) -> ConsoleResponse {
    let mut page = BindPage {
        layout: request.layout("templates"),
        done: request.done(),
        has_apps: info_of(served, &view).is_some_and(|info| info.tenant_app),
        version: version(&view),
        view,
        tenants: vec![FormField::default()],
        problem: String::new(),
        is_failed: false,
    };
    let Some(sent) = sent else { return ConsoleResponse::page(&page) };
    let values = sent.iter().filter(|(name, _)| name == "tenant").map(|(_, value)| value.trim());
    page.tenants = values.take(MAX_TENANT_FIELDS).map(FormField::new).collect();
    if form::value(&sent, "add").is_some() {
        if page.tenants.len() < MAX_TENANT_FIELDS {
            page.tenants.push(FormField::default());
        }
        return ConsoleResponse::page(&page);
    }
    if !is_current(&sent, &page.version) {
        return page.failed(CHANGED, StatusCode::CONFLICT);
    }
    let tenants = page.tenants.iter().map(|tenant| &tenant.value);
    let tenants: Vec<_> = tenants.filter(|tenant| !tenant.is_empty()).cloned().collect();
    if tenants.is_empty() {
        if let Some(field) = page.tenants.first_mut() {
            field.problem = "Enter a domain or a channel.".into();
        }
        return page.failed("", StatusCode::UNPROCESSABLE_ENTITY);
    }
    let edit = Edit::Bind { name: page.view.name.clone(), tenants };
    let seen = page.version.clone();
    match carry_out(served, request, edit, move |now| version(now) == seen).await {
        Ok(()) => ConsoleResponse::redirect(&format!("../{}?done=bound", coded(&page.view.name))),
        Err(error) => {
            let problem = show_at(&error, page.view.bind.len(), &mut page.tenants);
            page.failed(&problem, status(&error))
        }
    }
}

async fn unbind(
    served: &Arc<ServedConfig>,
    request: &ConsoleRequest,
    view: TemplateView,
    sent: Option<Form>,
) -> ConsoleResponse {
    let tenant = request.parameter("tenant").unwrap_or_default();
    let from_domains = request.parameter("from").as_deref() == Some("domains");
    let back = match from_domains {
        true => "../../domains".to_owned(),
        false => format!("../{}", coded(&view.name)),
    };
    let mut page = ConfirmPage {
        layout: request.layout(if from_domains { "domains" } else { "templates" }),
        title: format!("Unbind {tenant} from {}?", view.name),
        text: if tenant == "*" {
            "After this change, gatepost refuses the callbacks of each domain and channel that no template \
             binds."
        } else {
            "After this change, gatepost refuses the callbacks of this domain or channel that no other \
             binding of the provider fits."
        }
        .into(),
        action: "Unbind",
        is_final: true,
        problem: String::new(),
        can_go_on: view.bind.contains(&tenant),
        names: Vec::new(),
        numbers: String::new(),
        version: version(&view),
        back: back.clone(),
    };
    if !page.can_go_on {
        page.problem = format!("{tenant} is not bound to {}.", view.name);
    }
    let Some(sent) = sent.filter(|_| page.can_go_on) else { return ConsoleResponse::page(&page) };
    if !is_current(&sent, &page.version) {
        return page.changed();
    }
    let edit = Edit::Unbind { name: view.name, tenants: vec![tenant] };
    let seen = page.version.clone();
    match carry_out(served, request, edit, move |now| version(now) == seen).await {
        Ok(()) => ConsoleResponse::redirect(&format!("{back}?done=unbound")),
        Err(error) => page.failed(&sentence(&error), status(&error)),
    }
}

async fn delete(
    served: &Arc<ServedConfig>,
    request: &ConsoleRequest,
    view: TemplateView,
    sent: Option<Form>,
) -> ConsoleResponse {
    let mut page = ConfirmPage {
        layout: request.layout("templates"),
        title: format!("Delete the template {}?", view.name),
        text: "gatepost cannot restore a deleted template, its addresses or its settings.".into(),
        action: "Delete",
        is_final: true,
        problem: String::new(),
        can_go_on: view.bind.is_empty(),
        names: Vec::new(),
        numbers: String::new(),
        version: version(&view),
        back: format!("../{}", coded(&view.name)),
    };
    if !page.can_go_on {
        page.title = format!("Cannot delete the template {}", view.name);
        page.problem = "This template is bound. Unbind each domain and channel first:".into();
        page.names = view.bind.clone();
    }
    let Some(sent) = sent.filter(|_| page.can_go_on) else { return ConsoleResponse::page(&page) };
    if !is_current(&sent, &page.version) {
        return page.changed();
    }
    let (seen, edit) = (page.version.clone(), Edit::Delete { name: view.name });
    match carry_out(served, request, edit, move |now| version(now) == seen).await {
        Ok(()) => ConsoleResponse::redirect("../../templates?done=deleted"),
        Err(error) => page.failed(&sentence(&error), status(&error)),
    }
}

/// Encodes a name for a path.
fn coded(name: &str) -> String {
    utf8_percent_encode(name, NON_ALPHANUMERIC).to_string()
}

#[derive(Template)]
#[template(path = "templates.html")]
struct TemplatesPage {
    layout: Layout,
    done: &'static str,
    /// True if the platform of at least one template has an account that gatepost can change.
    has_account: bool,
    templates: Vec<TemplateView>,
}

#[derive(Template)]
#[template(path = "new_template.html")]
struct NewTemplatePage {
    layout: Layout,
    /// The name and the title of each provider.
    providers: Vec<(String, String)>,
    form: Option<TemplateForm>,
}

impl NewTemplatePage {
    fn choice(served: &ServedConfig, request: &ConsoleRequest) -> Self {
        let pair = |info: ProviderInfo| (info.name.to_string(), info.title.to_string());
        let own = served.gate().own_definitions();
        let own = own.iter().map(|definition| definition.info());
        let mut providers: Vec<_> = providers().into_iter().chain(own).map(pair).collect();
        providers.sort_by_key(|(_, title)| title.to_lowercase());
        Self { layout: request.layout("templates"), providers, form: None }
    }

    fn form(request: &ConsoleRequest, form: TemplateForm) -> Self {
        let layout = request.layout("templates");
        Self { layout, providers: Vec::new(), form: Some(form) }
    }
}

#[derive(Template)]
#[template(path = "template.html")]
struct TemplatePage {
    layout: Layout,
    done: &'static str,
    view: TemplateView,
    form: TemplateForm,
}

impl TemplatePage {
    fn new(request: &ConsoleRequest, view: TemplateView, form: TemplateForm) -> Self {
        Self { layout: request.layout("templates"), done: request.done(), view, form }
    }
}

#[derive(Template)]
#[template(path = "bind.html")]
struct BindPage {
    layout: Layout,
    done: &'static str,
    view: TemplateView,
    version: String,
    /// True if the operator can bind the template to one application of a domain.
    has_apps: bool,
    tenants: Vec<FormField>,
    problem: String,
    is_failed: bool,
}

impl BindPage {
    fn failed(mut self, problem: &str, status: StatusCode) -> ConsoleResponse {
        problem.clone_into(&mut self.problem);
        self.is_failed = true;
        ConsoleResponse::page(&self).with_status(status)
    }
}
