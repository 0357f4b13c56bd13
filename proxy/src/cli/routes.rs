//! `gatepost routes`: for each route, a table of its kinds, with the form and the address of the
//! events of each kind; then the reserved paths.

use std::path::Path;

use clap::ValueEnum;
use gatepost::{Config, KindForm, RouteInfo, RouteTemplateInfo, RoutedKind};
use serde_json::{Value as Json, json};

use super::error::CommandError;
use super::print::out;
use crate::table;

/// Format of the output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum RoutesFormat {
    #[default]
    Text,
    Json,
}

/// Prints the routes of a config file.
pub(super) fn list(path: &Path, format: RoutesFormat) -> Result<(), CommandError> {
    let config = Config::from_file(path)?;
    match format {
        RoutesFormat::Text => text(&config).iter().for_each(|line| out(line)),
        RoutesFormat::Json => out(&format!("{:#}", json(&config))),
    }
    Ok(())
}

fn text(config: &Config) -> Vec<String> {
    let mut lines = Vec::new();
    for route in config.route_infos() {
        lines.extend(route_lines(&route));
        lines.push(String::new());
    }
    lines.extend(reserved_lines(config));
    lines.push(summary(config));
    lines
}

fn route_lines(route: &RouteInfo) -> Vec<String> {
    let mode = if route.is_shadow { "shadow" } else { "enforce" };
    let mut lines = vec![format!("{}  {}, {mode}", table::plain(&route.label), route.provider)];
    if route.templates.is_empty() {
        lines.push("  no template: gatepost refuses every callback".to_owned());
    }
    for template in &route.templates {
        lines.push(format!("  template {}", heading(template)));
        lines.extend(kind_lines(&template.kinds));
    }
    lines
}

/// Returns the name of a template, and at most eight of its tenants.
fn heading(template: &RouteTemplateInfo) -> String {
    const MAX_TENANTS: usize = 8;
    let tenants = &template.tenants;
    let shown = tenants.iter().take(MAX_TENANTS).map(|tenant| &**tenant).collect::<Vec<_>>();
    let more = match tenants.len().saturating_sub(MAX_TENANTS) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let why = match tenants.is_empty() {
        true => "of the route".to_owned(),
        false => format!("for {}{more}", shown.join(", ")),
    };
    table::plain(&format!("{}, {why}", template.name))
}

/// Returns a table of the kinds whose events an app receives, and the other kinds, grouped by their
/// reply.
fn kind_lines(kinds: &[RoutedKind]) -> Vec<String> {
    let (sent, others): (Vec<_>, Vec<_>) =
        kinds.iter().partition(|kind| kind.form != KindForm::NoEvent);
    let mut lines = if sent.is_empty() { Vec::new() } else { table_of(&sent) };
    let mut replies: Vec<&str> = others.iter().map(|kind| &*kind.to).collect();
    replies.sort_unstable();
    replies.dedup();
    for reply in replies {
        let names = others.iter().filter(|kind| kind.to == reply).map(|kind| &*kind.name);
        let title = format!("    without the app, {reply}:");
        lines.extend(wrapped(&title, &names.collect::<Vec<_>>()));
    }
    lines
}

/// Returns the title and the names on lines of up to 100 columns.
fn wrapped(title: &str, names: &[&str]) -> Vec<String> {
    const WIDTH: usize = 100;
    const INDENT: &str = "      ";
    let mut lines = vec![title.to_owned()];
    for (index, name) in names.iter().enumerate() {
        let comma = if index + 1 < names.len() { "," } else { "" };
        match lines.last_mut() {
            Some(line) if line.len() + name.len() + 2 <= WIDTH => {
                line.push_str(&format!(" {name}{comma}"));
            }
            _ => lines.push(format!("{INDENT}{name}{comma}")),
        }
    }
    lines
}

fn table_of(kinds: &[&RoutedKind]) -> Vec<String> {
    let head = ["    KIND", "REPLY", "FORM", "TO"].map(str::to_owned);
    let row = |kind: &&RoutedKind| {
        let reply = if kind.decision { "decision" } else { "ack" };
        let form = kind.form.as_str().to_owned();
        [format!("    {}", kind.name), reply.to_owned(), form, table::plain(&kind.to)]
    };
    table::aligned(&[head].into_iter().chain(kinds.iter().map(row)).collect::<Vec<_>>())
}

/// Returns the paths on which gatepost refuses requests that are not callbacks. `/*` means
/// everything below a path.
fn reserved_lines(config: &Config) -> Vec<String> {
    let mut paths: Vec<_> = config.reserved_paths().map(|path| format!("  {path}")).collect();
    if !paths.is_empty() {
        paths.insert(0, "reserved".to_owned());
        paths.push(String::new());
    }
    paths
}

/// Returns the count of the kinds in each form, in the order in which operators usually introduce
/// the forms.
fn summary(config: &Config) -> String {
    const FORMS: [KindForm; 7] = [
        KindForm::Shadow,
        KindForm::Passthrough,
        KindForm::Raw,
        KindForm::Json,
        KindForm::CloudEvents,
        KindForm::Common,
        KindForm::NoEvent,
    ];
    let routes: Vec<_> = config.route_infos().collect();
    let templates = || routes.iter().flat_map(|route| &route.templates);
    let count = |form: KindForm| {
        let in_form = |kind: &&RoutedKind| kind.form == form;
        templates().flat_map(|template| &template.kinds).filter(in_form).count()
    };
    let counts = FORMS.map(|form| (form, count(form)));
    let parts = counts.iter().filter(|(_, count)| *count > 0).map(|(form, count)| {
        let form = if *form == KindForm::NoEvent { "without the app" } else { form.as_str() };
        format!("{count} {form}")
    });
    format!("kinds: {}", parts.collect::<Vec<_>>().join(", "))
}

fn json(config: &Config) -> Json {
    let routes: Vec<_> = config.route_infos().map(|route| route_json(&route)).collect();
    let reserved: Vec<_> = config.reserved_paths().collect();
    json!({ "routes": routes, "reserved": reserved })
}

fn route_json(route: &RouteInfo) -> Json {
    let query: serde_json::Map<_, _> =
        route.query.iter().map(|(name, value)| (name.to_string(), json!(value))).collect();
    json!({
        "path": &*route.path,
        "query": query,
        "provider": &*route.provider,
        "mode": if route.is_shadow { "shadow" } else { "enforce" },
        "kind": route.kind.as_deref(),
        "templates": route.templates.iter().map(template_json).collect::<Vec<_>>(),
    })
}

fn template_json(template: &RouteTemplateInfo) -> Json {
    let kinds = template.kinds.iter().map(|kind| {
        let has_event = kind.form != KindForm::NoEvent;
        json!({
            "kind": &*kind.name,
            "decision": kind.decision,
            "form": has_event.then(|| kind.form.as_str()),
            "address": has_event.then_some(&kind.to),
            "reply": (!has_event).then_some(&kind.to),
        })
    });
    json!({
        "name": &*template.name,
        "tenants": template.tenants,
        "kinds": kinds.collect::<Vec<_>>(),
    })
}
