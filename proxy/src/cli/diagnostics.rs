//! Output of faults and warnings: for a person in the manner of rustc, as JSON, or as annotations
//! of a GitHub workflow.

use std::io::IsTerminal as _;
use std::ops::Range;
use std::path::Path;

use annotate_snippets::{AnnotationKind, Element, Group, Level, Origin, Renderer, Snippet};
use clap::ValueEnum;
use gatepost::{ConfigError, Fault, FaultKind};
use serde::Serialize;

use super::print::{err, out};

/// Explanation of the sign that replaces a value in a source line.
const HIDDEN_NOTE: &str = "note: `…` in a line hides a value that can be a secret";

/// Form in which `gatepost check` prints faults.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// Source lines with a caret, for people.
    Human,
    /// One JSON object on standard output.
    Json,
    /// Annotations of a GitHub workflow on standard output.
    Github,
}

/// A fault or a warning, with its file.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Diagnostic {
    severity: Severity,
    code: &'static str,
    file: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    column: Option<usize>,
    /// Range of the fault in the file, in bytes: start and end.
    #[serde(skip_serializing_if = "Option::is_none")]
    span: Option<[usize; 2]>,
    key: String,
    problem: String,
    remedy: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    suggestion: Option<String>,
    count: usize,
    #[serde(skip)]
    excerpt: Option<(String, Range<usize>)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Severity {
    Error,
    Warning,
}

impl Diagnostic {
    /// Creates the diagnostic for a fault in the config file at `path`, or in an included file.
    pub(super) fn new(fault: &Fault, path: &Path) -> Self {
        let file = fault.file().map_or_else(|| path.display().to_string(), str::to_owned);
        let excerpt =
            (!fault.excerpt().is_empty()).then(|| (fault.excerpt().to_owned(), fault.marked()));
        Self {
            severity: severity(fault.kind()),
            code: fault.kind().as_str(),
            file,
            line: Some(fault.line()),
            column: Some(fault.column()),
            span: Some([fault.span().start, fault.span().end]),
            key: fault.key().to_owned(),
            problem: fault.problem().to_owned(),
            remedy: fault.remedy().to_owned(),
            suggestion: fault.suggestion().map(str::to_owned),
            count: fault.count(),
            excerpt,
        }
    }

    /// Creates a diagnostic about the config file as a whole.
    pub(super) fn of_file(kind: FaultKind, path: &Path, problem: String, remedy: String) -> Self {
        Self {
            severity: severity(kind),
            code: kind.as_str(),
            file: path.display().to_string(),
            line: None,
            column: None,
            span: None,
            key: String::new(),
            problem,
            remedy,
            suggestion: None,
            count: 1,
            excerpt: None,
        }
    }

    const fn is_error(&self) -> bool {
        matches!(self.severity, Severity::Error)
    }

    /// Returns `true` if the line that the diagnostic shows has `…` in place of a value.
    fn hides_value(&self) -> bool {
        self.excerpt.as_ref().is_some_and(|(line, _)| line.contains('…'))
    }

    /// Returns `true` if the other diagnostic differs at most in its position and key.
    fn says_the_same(&self, other: &Self) -> bool {
        (self.code, &self.file, &self.problem) == (other.code, &other.file, &other.problem)
            && self.remedy == other.remedy
    }

    /// Formats the diagnostic in the manner of rustc. Also lists the positions and keys of
    /// `others`, which differ from this diagnostic only in position and key.
    fn human(&self, renderer: &Renderer, others: &[&Self]) -> String {
        let level = if self.is_error() { Level::ERROR } else { Level::WARNING };
        let mut group = Group::with_title(level.primary_title(&self.problem).id(self.code));
        group = match &self.excerpt {
            // The renderer counts the column in the excerpt. If the excerpt hides a value further
            // left, this column differs from `column`.
            Some((line, marked)) => {
                let label = (!self.key.is_empty()).then_some(&*self.key);
                let annotation = AnnotationKind::Primary.span(marked.clone()).label(label);
                let snippet = Snippet::source(line).line_start(self.line.unwrap_or(1));
                group.element(snippet.path(&self.file).annotation(annotation))
            }
            None => group.element(self.origin()),
        };
        if self.count > 1 {
            let more = format!("occurs {} times at this position", self.count);
            group = group.element(Level::NOTE.message(more));
        }
        if !others.is_empty() {
            group = group.element(Level::NOTE.message(also_at(others)));
        }
        let help: Element<'_> = Level::HELP.message(&self.remedy).into();
        renderer.render(&[group.element(help)])
    }

    fn origin(&self) -> Origin<'_> {
        let origin = Origin::path(&self.file);
        match (self.line, self.column) {
            (Some(line), Some(column)) => origin.line(line).char_column(column),
            _ => origin,
        }
    }

    /// Formats the diagnostic as a command of a GitHub workflow.
    fn github(&self) -> String {
        let name = if self.is_error() { "error" } else { "warning" };
        let place = |name: &str, number: Option<usize>| {
            number.map(|number| format!(",{name}={number}")).unwrap_or_default()
        };
        let (line, column) = (place("line", self.line), place("col", self.column));
        let file = property(&self.file);
        let key = if self.key.is_empty() { String::new() } else { format!("{}: ", self.key) };
        let message = data(&format!("{key}{}; {}", self.problem, self.remedy));
        format!("::{name} file={file}{line}{column},title={}::{message}", self.code)
    }
}

/// Returns a note with the positions of diagnostics, at most eight.
fn also_at(others: &[&Diagnostic]) -> String {
    const MAX_PLACES: usize = 8;
    let more = match others.len().saturating_sub(MAX_PLACES) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let place = |other: &&Diagnostic| match (other.line, &*other.key) {
        (Some(line), "") => format!("line {line}"),
        (Some(line), key) => format!("{key} (line {line})"),
        (None, key) => key.to_owned(),
    };
    let shown: Vec<_> = others.iter().take(MAX_PLACES).map(place).collect();
    format!("the same applies to {}{more}", shown.join(", "))
}

/// Groups the diagnostics that differ only in their positions and keys.
fn grouped(diagnostics: &[Diagnostic]) -> Vec<(&Diagnostic, Vec<&Diagnostic>)> {
    let mut groups: Vec<(&Diagnostic, Vec<&Diagnostic>)> = Vec::new();
    for diagnostic in diagnostics {
        match groups.iter_mut().find(|(first, _)| first.says_the_same(diagnostic)) {
            Some((_, others)) => others.push(diagnostic),
            None => groups.push((diagnostic, Vec::new())),
        }
    }
    groups
}

const fn severity(kind: FaultKind) -> Severity {
    if kind.is_warning() { Severity::Warning } else { Severity::Error }
}

/// Escapes the message of a workflow command.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// Escapes a property of a workflow command.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

/// Returns the diagnostics for an invalid config: errors and warnings, sorted by file and position.
pub(super) fn of_error(error: &ConfigError, path: &Path) -> Vec<Diagnostic> {
    sorted(error.faults().iter().chain(error.warnings()), path)
}

/// Returns the diagnostics for faults and warnings, sorted by file and position.
pub(super) fn sorted<'f>(faults: impl Iterator<Item = &'f Fault>, path: &Path) -> Vec<Diagnostic> {
    let mut faults: Vec<_> = faults.collect();
    faults.sort_by_key(|fault| (fault.file().map(str::to_owned), fault.line(), fault.column()));
    faults.into_iter().map(|fault| Diagnostic::new(fault, path)).collect()
}

/// Prints diagnostics for a person on standard error. If there are errors, also prints the counts
/// of errors and warnings.
pub(super) fn print_human(diagnostics: &[Diagnostic], path: &Path) {
    let renderer = if is_coloured() { Renderer::styled() } else { Renderer::plain() };
    for (first, others) in grouped(diagnostics) {
        err(&first.human(&renderer, &others));
        err("");
    }
    if diagnostics.iter().any(Diagnostic::hides_value) {
        err(HIDDEN_NOTE);
        err("");
    }
    let errors = count_errors(diagnostics);
    if errors > 0 {
        let counted = |count, noun| format!("{count} {noun}{}", if count == 1 { "" } else { "s" });
        let warnings = match diagnostics.iter().filter(|one| !one.is_error()).count() {
            0 => String::new(),
            warnings => format!(" and {}", counted(warnings, "warning")),
        };
        let (errors, hint) = (counted(errors, "error"), "`gatepost help CODE` explains a code");
        err(&format!("{}: {errors}{warnings}; {hint}", path.display()));
    }
}

/// Counts the errors. If several keys name one secret that gatepost cannot read, counts one error.
fn count_errors(diagnostics: &[Diagnostic]) -> usize {
    let is_absent_secret = |one: &Diagnostic| one.code == FaultKind::SecretUnreadable.as_str();
    let groups = grouped(diagnostics);
    let errors = groups.iter().filter(|(first, _)| first.is_error());
    let count = |(first, others): &(&Diagnostic, Vec<&Diagnostic>)| {
        if is_absent_secret(first) { 1 } else { 1 + others.len() }
    };
    errors.map(count).sum()
}

/// Prints diagnostics as annotations of a GitHub workflow.
pub(super) fn print_github(diagnostics: &[Diagnostic]) {
    diagnostics.iter().for_each(|diagnostic| out(&diagnostic.github()));
}

/// Returns `true` if standard error is a terminal with colours. `NO_COLOR` turns colours off.
fn is_coloured() -> bool {
    let is_set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let is_dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
    std::io::stderr().is_terminal() && !is_set("NO_COLOR") && !is_dumb
}

#[cfg(test)]
mod tests {
    use gatepost::Config;

    use super::*;

    fn diagnostics(text: &str) -> Vec<Diagnostic> {
        let path = Path::new("gate,post.toml");
        of_error(&Config::from_text(text, path).unwrap_err(), path)
    }

    #[test]
    fn human_form_has_code_line_caret_key_and_help() {
        let text = "[[route]]\npaht = '/hook'\nprovider = 'mux'\n";
        let all = diagnostics(text);
        let [fault] = &*all else { panic!("expected one diagnostic, found {all:?}") };
        let shown = fault.human(&Renderer::plain(), &[]);
        let lines: Vec<_> = shown.lines().collect();
        assert_eq!(
            lines[..5],
            [
                "error[key_unknown]: expected a known key, found \"paht\"",
                " --> gate,post.toml:2:1",
                "  |",
                "2 | paht = …",
                "  | ^^^^ route[0].paht",
            ],
            "{shown}"
        );
        assert!(lines.last().unwrap().contains("help: did you mean `path`?"), "{shown}");
    }

    #[test]
    fn no_form_shows_a_secret() {
        let text = "admin_token = 'hunter2'\nadmni = 'hunter3' # hunter4\n\
                    [[route]]\npath = '/hook/{token}'\nprovider = 'srs'\ntoken = ['hunter5']\n\
                    [[template]]\nname = 'a'\nprovider = 'mux'\nkyes = ['hunter6', 7777]\n\
                    on = { \"*\" = { url = 'http://x/?k=hunter7', nope = 'hunter8' } }\n\
                    signing_secret = { env = 'hunter9' }\n";
        let all = diagnostics(text);
        assert!(all.len() > 5, "expected more than 5 faults, found {all:#?}");
        for diagnostic in &all {
            let human = diagnostic.human(&Renderer::plain(), &[]);
            let json = serde_json::to_string(diagnostic).unwrap();
            for shown in [human, json, diagnostic.github()] {
                assert!(!shown.contains("hunter") && !shown.contains("7777"), "{shown}");
            }
        }
    }

    #[test]
    fn equal_warnings_are_shown_once_with_their_lines() {
        let text = "[[route]]\npath = '/a/{token}'\nprovider = 'srs'\ntoken = 'one-long-secret-token'\nx = 1\n\
                    [[route]]\npath = '/b/{token}'\nprovider = 'srs'\ntoken = 'two-long-secret-token'\n";
        let all = diagnostics(text);
        let groups = grouped(&all);
        assert_eq!(groups.len(), 2, "{all:#?}");
        let (first, others) = &groups[0];
        let shown = first.human(&Renderer::plain(), others);
        assert!(shown.contains("note: the same applies to route[1].token (line 9)"), "{shown}");
    }

    #[test]
    fn github_form_escapes_file_and_message() {
        let text = "trusted_proxies = '100%'\n[[route]]\npath = '/a'\nprovider = 'mux'\nmode = 'x'";
        let all = diagnostics(text);
        let [fault, _] = &*all else { panic!("expected two diagnostics, found {all:?}") };
        let start = "::error file=gate%2Cpost.toml,line=1,col=19,title=network_invalid::trusted_proxies: \
                     expected a network, found \"100%25\"; write";
        assert!(fault.github().starts_with(start), "{}", fault.github());
    }
}
