//! Output of planned changes: text for a person, JSON for a script. No output contains a key.

use serde_json::{Value as Json, json};

use super::account::{AccountState, CALLBACK_KEY};
use super::change::{Change, Difference};
use super::mark::Mark;
use super::plan::Plan;
use super::wanted::WantedTemplate;
use crate::table::{aligned, plain};

/// Returns the lines of a plan.
pub(crate) fn lines(plan: &Plan<'_>, account: &AccountState) -> Vec<String> {
    let (templates, rules) = (account.templates.len(), account.rules.len());
    let mut lines = vec![format!(
        "The account has {} and {}.",
        counted(templates, "callback template"),
        counted(rules, "rule")
    )];
    for change in &plan.changes {
        lines.push(line(change));
        lines.extend(details(change));
    }
    lines.extend(plan.conflicts.iter().map(|text| format!("conflict: {}", plain(text))));
    lines.extend(plan.notes.iter().map(|text| format!("note: {}", plain(text))));
    lines.push(match (plan.changes.len(), plan.conflicts.len()) {
        (0, 0) => "No changes: the account has what the config needs.".to_owned(),
        (changes, 0) => format!("{}.", counted(changes, "change")),
        (changes, conflicts) => format!(
            "{} and {}: gatepost applies nothing until you resolve each conflict.",
            counted(changes, "change"),
            counted(conflicts, "conflict")
        ),
    });
    lines
}

pub(crate) fn counted(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

/// Returns the line of a change: a sign, the verb and its objects.
fn line(change: &Change<'_>) -> String {
    let text = match change {
        Change::Create { wanted } => format!("+ create callback template {}", wanted.name),
        Change::Modify { id, wanted, .. } => {
            format!("~ modify callback template {} ({id})", wanted.name)
        }
        Change::Bind { wanted, domain, app } => {
            format!("+ bind {domain} ({app}) to {}", wanted.name)
        }
        Change::Rebind { from, wanted, domain, app, .. } => {
            let from = &from.template_name;
            format!("~ move {domain} ({app}) from {from} to {}", wanted.name)
        }
        Change::Unbind { template, domain, app } => {
            format!("- unbind {domain} ({app}) from {template}")
        }
        Change::Delete { id, template } => format!("- delete callback template {template} ({id})"),
    };
    plain(&text)
}

/// Returns the line of a change that gatepost has carried out.
pub(super) fn done(change: &Change<'_>) -> String {
    format!("done: {}", &line(change)[2..])
}

fn details(change: &Change<'_>) -> Vec<String> {
    let rows: Vec<[String; 2]> = match change {
        Change::Create { wanted } => {
            created(wanted).map(|(name, value)| [format!("    {name}"), plain(&value)]).collect()
        }
        Change::Modify { differences, .. } => {
            let shown =
                |text: &str| if text.is_empty() { "(none)".to_owned() } else { plain(text) };
            let row = |own: &Difference| {
                [
                    format!("    {}", own.parameter),
                    format!("{} → {}", shown(&own.from), shown(&own.to)),
                ]
            };
            differences.iter().map(row).collect()
        }
        Change::Bind { .. }
        | Change::Rebind { .. }
        | Change::Unbind { .. }
        | Change::Delete { .. } => Vec::new(),
    };
    aligned(&rows)
}

/// Returns the description, the addresses and the key of a new callback template, with the source
/// of the key in place of the key.
fn created(wanted: &WantedTemplate) -> impl Iterator<Item = (&'static str, String)> {
    let urls = wanted.urls.iter().map(|(name, url)| (*name, url.clone()));
    let key = wanted.keys.first().map(|key| (CALLBACK_KEY, key.source.clone()));
    [("Description", Mark::default().before(&wanted.note))].into_iter().chain(urls).chain(key)
}

/// Returns a plan as JSON.
pub(crate) fn document(plan: &Plan<'_>, account: &AccountState) -> Json {
    json!({
        "account": { "templates": account.templates.len(), "rules": account.rules.len() },
        "changes": plan.changes.iter().map(change_json).collect::<Vec<_>>(),
        "conflicts": plan.conflicts,
        "notes": plan.notes,
    })
}

fn change_json(change: &Change<'_>) -> Json {
    match change {
        Change::Create { wanted } => {
            let fields: Json =
                created(wanted).map(|(name, value)| (name.to_owned(), json!(value))).collect();
            json!({ "action": "create", "template": wanted.name, "fields": fields })
        }
        Change::Modify { id, wanted, differences, .. } => {
            let field = |own: &Difference| {
                (own.parameter.to_owned(), json!({ "from": own.from, "to": own.to }))
            };
            let fields: Json = differences.iter().map(field).collect();
            json!({ "action": "modify", "template": wanted.name, "id": id, "fields": fields })
        }
        Change::Bind { wanted, domain, app } => {
            json!({ "action": "bind", "template": wanted.name, "domain": domain, "app": app })
        }
        Change::Rebind { from, wanted, domain, app, .. } => json!({
            "action": "rebind", "from": from.template_name, "template": wanted.name,
            "domain": domain, "app": app,
        }),
        Change::Unbind { template, domain, app } => {
            json!({ "action": "unbind", "template": template, "domain": domain, "app": app })
        }
        Change::Delete { id, template } => {
            json!({ "action": "delete", "template": template, "id": id })
        }
    }
}
