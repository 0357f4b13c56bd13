//! Codes in logs, metrics and messages, with cause and remedy. `gatepost help` prints them.

mod admin_api;
mod connection;
mod layer;
mod notes;
mod operation;
mod values;
mod verdicts;

use self::admin_api::ADMIN_API;
use self::connection::CONNECTIONS;
use self::notes::NOTES;
use self::operation::OPERATIONS;
use self::values::VALUES;
use self::verdicts::{FAILURES, REFUSALS};
use crate::conclusion::UnavailableKind;
use crate::toml_reader::FaultKind;
use crate::verdict::RefusalKind;

/// The meaning of a code, and the remedy.
///
/// # Examples
///
/// ```
/// let help = gatepost::code_help("timestamp_expired").unwrap();
/// assert_eq!(help.meaning, "the signed time is too old");
/// assert!(help.remedy.contains("clock"));
/// assert!(gatepost::code_help("no_such_code").is_none());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CodeHelp {
    /// The code, for example `timestamp_expired`.
    pub code: &'static str,
    /// Group of the code.
    pub group: CodeGroup,
    /// The meaning: lower case, without a full stop.
    pub meaning: &'static str,
    /// The usual causes; `None` if the meaning names the cause.
    pub causes: Option<&'static str>,
    /// The outputs that contain the code: log lines, metrics and commands.
    pub seen_in: &'static str,
    /// The remedy: an imperative for the operator.
    pub remedy: &'static str,
    /// The remedy in a Rust app with the layer; `None` if the layer does not have the code or needs
    /// no other remedy.
    pub in_layer: Option<&'static str>,
}

/// Group of codes that occur in the same outputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CodeGroup {
    /// A fault in the config or in a definition. gatepost does not accept the file.
    ConfigError,
    /// A warning about the config. gatepost accepts the file.
    ConfigWarning,
    /// A refusal: the client or platform is at fault. The reply has this status.
    Refusal(http::StatusCode),
    /// An accepted callback for which the app gave no usable answer.
    AppFailure,
    /// An accepted callback whose event gatepost did not store.
    StoreFailure,
    /// A note about a callback, a request or the shared state. A note is neither a verdict nor a
    /// failure of the app.
    Note,
    /// An outcome of a request or of an answer in shadow mode.
    Shadow,
    /// A request or connection that gatepost ends on any path, before a verdict.
    Connection,
    /// A change or fault of gatepost, or of its upstream, servers, store, log or traces.
    Operation,
    /// An error of the admin API.
    AdminApi,
    /// A value of a label: the origin of a reply, the result of an attempt to deliver an event, or
    /// an error of the store.
    Value,
}

const LOG: &str = "log";
/// Outputs that contain the codes of refusals.
const REFUSED: &str = "log (in a Rust app: `tracing` with the target gatepost::report, and GateLayer::observe), gatepost_refusals_total, access log, `gatepost capture list --code CODE` (needs admin, and admin_token or admin_read_token)";
/// Outputs that contain the code of a fault for which gatepost refuses a request on every path.
const REFUSED_ANYWHERE: &str = "log (in a Rust app: `tracing` with the target gatepost::report, and GateLayer::observe), gatepost_refusals_total, gatepost_requests_rejected_total, access log, `gatepost capture list --code CODE` (needs admin, and admin_token or admin_read_token)";
/// Outputs that contain the codes of failures of the app or the store.
const FAILED: &str = "log (in a Rust app: `tracing` with the target gatepost::report, and GateLayer::observe), gatepost_app_failures_total, access log, `gatepost capture list --code CODE` (needs admin, and admin_token or admin_read_token)";
/// Outputs that contain the code of an unclear answer. Such an answer is a failure only if the
/// config sets `unclear_answer = "refused"`.
const UNCLEAR: &str = "log, gatepost_answers_unclear_total; with unclear_answer = \"refused\", as other failures of the app: log, gatepost_app_failures_total, access log, `gatepost capture list --code CODE` (needs admin, and admin_token or admin_read_token)";

/// Returns the help for every code: first the codes of the config, then the codes of refusals and
/// of failures of the app or the store, then all other codes. Each group is sorted.
pub fn codes() -> impl Iterator<Item = CodeHelp> {
    let refusals = REFUSALS.iter().map(|(kind, causes, remedy)| CodeHelp {
        code: kind.as_str(),
        group: CodeGroup::Refusal(kind.status()),
        meaning: kind.meaning(),
        causes: Some(causes),
        seen_in: if *kind == RefusalKind::FramingAmbiguous { REFUSED_ANYWHERE } else { REFUSED },
        remedy,
        in_layer: None,
    });
    let failures = FAILURES.iter().map(|(kind, causes, remedy)| CodeHelp {
        code: kind.as_str(),
        group: if matches!(kind, UnavailableKind::StoreFull | UnavailableKind::StoreUnavailable) {
            CodeGroup::StoreFailure
        } else {
            CodeGroup::AppFailure
        },
        meaning: kind.meaning(),
        causes: Some(causes),
        seen_in: if matches!(kind, UnavailableKind::AnswerUnclear) { UNCLEAR } else { FAILED },
        remedy,
        in_layer: None,
    });
    FaultKind::ALL
        .iter()
        .map(of_config)
        .chain(refusals)
        .chain(failures)
        .chain(others())
        .chain(VALUES.iter().copied())
        .map(|help| CodeHelp { in_layer: layer::remedy(help.code), ..help })
}

/// Returns the help for the codes that belong neither to a verdict nor to a fault of the config,
/// sorted by code in each group.
fn others() -> impl Iterator<Item = CodeHelp> {
    [NOTES, CONNECTIONS, OPERATIONS, ADMIN_API].into_iter().flatten().copied()
}

fn of_config(kind: &FaultKind) -> CodeHelp {
    CodeHelp {
        code: kind.as_str(),
        group: if kind.is_warning() { CodeGroup::ConfigWarning } else { CodeGroup::ConfigError },
        meaning: kind.meaning(),
        causes: None,
        seen_in: "`gatepost check`, and the log at start and at a reload",
        remedy: kind.remedy(),
        in_layer: None,
    }
}

/// Builds a [`CodeHelp`] from the code, its meaning, its causes, the outputs that contain the code,
/// and the remedy.
const fn help(group: CodeGroup, texts: [&'static str; 5]) -> CodeHelp {
    let [code, meaning, causes, seen_in, remedy] = texts;
    CodeHelp { code, group, meaning, causes: Some(causes), seen_in, remedy, in_layer: None }
}

/// Returns the help for a code; `None` if gatepost has no such code.
#[must_use]
pub fn code_help(code: &str) -> Option<CodeHelp> {
    codes().find(|help| help.code == code)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn each_code_has_one_help_text() {
        let all: Vec<_> = codes().map(|help| help.code).collect();
        assert_eq!(all.iter().collect::<HashSet<_>>().len(), all.len());
    }

    #[test]
    fn help_texts_are_not_empty_and_have_no_full_stop() {
        let texts = codes()
            .flat_map(|help| [Some(help.meaning), help.causes, Some(help.remedy), help.in_layer]);
        for text in texts.flatten() {
            let fits = !text.ends_with('.') && !text.is_empty();
            assert!(
                fits,
                "expected a non-empty text without a full stop at its end, found {text:?}"
            );
        }
    }

    #[test]
    fn codes_of_each_group_are_sorted() {
        let others: Vec<_> = others().collect();
        for pair in others.windows(2) {
            let sorted = pair[0].code < pair[1].code || pair[0].group != pair[1].group;
            assert!(
                sorted,
                "expected {} before {}, found the reverse order",
                pair[1].code, pair[0].code
            );
        }
    }

    /// Reads the codes from the source, so that the test fails for a new code without help.
    #[test]
    fn each_code_of_a_refusal_or_failure_has_help() {
        let sources =
            [include_str!("../../verdict/refusal_kind.rs"), include_str!("../../conclusion.rs")];
        let mut found = 0;
        for source in sources {
            let (_, table) = source.split_once("const fn code_and_meaning").unwrap();
            let (table, _) = table.split_once("\n    }\n").unwrap();
            // Each row has a code and a meaning.
            for code in table.split('"').skip(1).step_by(4) {
                assert!(code_help(code).is_some(), "expected help for {code}, found none");
                found += 1;
            }
        }
        assert!(found > 40, "expected more than 40 codes, found {found}");
    }
}
