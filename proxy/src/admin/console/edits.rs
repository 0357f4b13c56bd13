//! Edits that the operator makes to the config with forms, and the messages of failed edits.

use std::sync::Arc;

use gatepost_editor::{Edit, EditError, EditErrorKind, TemplateView};
use http::StatusCode;

use super::ConsoleRequest;
use super::form::{self, Form, FormField};
use crate::served_config::ServedConfig;

/// Applies an edit only if `is_seen` returns true: the template is still as the operator has seen
/// it. Uses a blocking thread, because an edit reads and writes files.
pub(super) async fn carry_out(
    served: &Arc<ServedConfig>,
    request: &ConsoleRequest,
    edit: Edit,
    is_seen: impl Fn(&TemplateView) -> bool + Send + 'static,
) -> Result<(), EditError> {
    let (served, client) = (Arc::clone(served), request.client);
    let done = tokio::task::spawn_blocking(move || served.edit_if(&edit, client, is_seen));
    let failed = |_| {
        let message = "expected an edited config, found a fault of gatepost; read its log";
        EditError::new(EditErrorKind::Io, message)
    };
    done.await.map_err(failed)?
}

/// Message for an operator who has sent a form from a page with an earlier config.
pub(super) const CHANGED: &str = "The config has changed since you opened this page. Check the page, which shows the current \
                                  config, then send the form again.";

/// Returns true if a form comes from a page with the version `current`.
pub(super) fn is_current(sent: &Form, current: &str) -> bool {
    form::value(sent, "version") == Some(current)
}

/// Shows each fault of an `Edit::Bind` at the field of its tenant. `bound` is the number of tenants
/// that the template binds before the edit. Returns the faults that belong to no field.
pub(super) fn show_at(error: &EditError, bound: usize, tenants: &mut [FormField]) -> String {
    let mut other = Vec::new();
    if error.faults().is_empty() {
        let quoted = |field: &&mut FormField| {
            !field.value.is_empty() && error.message().contains(&format!("`{}`", field.value))
        };
        match tenants.iter_mut().find(quoted) {
            Some(field) => error.message().clone_into(&mut field.problem),
            None => other.push(error.message().to_owned()),
        }
    }
    for fault in error.faults() {
        let text = format!("{}; {}", fault.problem, fault.remedy);
        let index = fault.key.rsplit_once(".bind[").and_then(|(_, rest)| rest.strip_suffix(']'));
        let index = index.and_then(|index| index.parse::<usize>().ok()?.checked_sub(bound));
        let mut filled = tenants.iter_mut().filter(|field| !field.value.is_empty());
        match index.and_then(|index| filled.nth(index)) {
            Some(field) => field.problem = text,
            None => other.push(text),
        }
    }
    other.join(". ")
}

/// Returns the status of the page that shows a failed edit.
pub(super) const fn status(error: &EditError) -> StatusCode {
    match error.kind() {
        EditErrorKind::Invalid => StatusCode::UNPROCESSABLE_ENTITY,
        EditErrorKind::Io => StatusCode::INTERNAL_SERVER_ERROR,
        EditErrorKind::FileChanged
        | EditErrorKind::FileLinked
        | EditErrorKind::NameTaken
        | EditErrorKind::RestartNeeded
        | EditErrorKind::TemplateInUse
        | EditErrorKind::TemplateNotFound
        | EditErrorKind::TenantNotBound
        | EditErrorKind::TenantTaken => StatusCode::CONFLICT,
    }
}

/// Returns the faults of the error. If the error has no faults, returns its message.
pub(super) fn sentence(error: &EditError) -> String {
    let faults = error.faults().iter().map(|fault| format!("{}; {}", fault.problem, fault.remedy));
    let faults: Vec<_> = faults.collect();
    if faults.is_empty() { error.message().to_owned() } else { faults.join(". ") }
}
