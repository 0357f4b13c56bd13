//! Edits of the config that the operator makes with forms, and the messages of failed edits.

use std::sync::Arc;

use gatepost_editor::{Edit, EditError, EditErrorKind, TemplateView};
use http::StatusCode;

use super::ConsoleRequest;
use crate::served_config::ServedConfig;

/// Applies an edit on a blocking thread, because it reads and writes files. `is_seen` returns true
/// if the template is still as the operator has seen it.
pub(super) async fn carry_out(
    served: &Arc<ServedConfig>,
    request: &ConsoleRequest,
    edit: Edit,
    is_seen: impl Fn(&TemplateView) -> bool + Send + 'static,
) -> Result<(), EditError> {
    let (served, client) = (Arc::clone(served), request.client);
    let done = tokio::task::spawn_blocking(move || served.edit_if(&edit, client, is_seen));
    let failed = |_| EditError::new(EditErrorKind::Io, "gatepost failed to edit; read its log");
    done.await.map_err(failed)?
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

/// Returns the faults of the error, or its message if it has none.
pub(super) fn sentence(error: &EditError) -> String {
    let faults = error.faults().iter().map(|fault| format!("{}; {}", fault.problem, fault.remedy));
    let faults: Vec<_> = faults.collect();
    if faults.is_empty() { error.message().to_owned() } else { faults.join(". ") }
}
