//! The page that asks the operator to confirm a change.

use askama::Template;
use http::StatusCode;

use super::edits::CHANGED;
use super::layout::Layout;
use super::response::ConsoleResponse;

#[derive(Template)]
#[template(path = "confirm.html")]
pub(super) struct ConfirmPage {
    pub(super) layout: Layout,
    pub(super) title: String,
    pub(super) text: String,
    /// Text on the button.
    pub(super) action: &'static str,
    /// True if the operator cannot undo the change.
    pub(super) is_final: bool,
    /// Reason why the change is impossible or has failed.
    pub(super) problem: String,
    pub(super) can_go_on: bool,
    /// Domains and channels that belong to `problem`, or the events that change.
    pub(super) names: Vec<String>,
    /// Relative path to which the link `Cancel` or `Back` leads.
    pub(super) back: String,
    /// Numbers of the queued events to replay or to drop; empty for a change of a template.
    pub(super) numbers: String,
    /// Hash of the template that the page shows; empty for a change of queued events.
    pub(super) version: String,
}

impl ConfirmPage {
    /// Shows that the config has changed since the operator opened the page.
    pub(super) fn changed(self) -> ConsoleResponse {
        self.failed(CHANGED, StatusCode::CONFLICT)
    }

    /// Shows the reason for a failure.
    pub(super) fn failed(mut self, problem: &str, status: StatusCode) -> ConsoleResponse {
        self.problem = problem.to_owned();
        ConsoleResponse::page(&self).with_status(status)
    }
}
