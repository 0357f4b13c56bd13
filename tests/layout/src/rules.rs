//! Rules for the source tree, and the exceptions to the rules.
//!
//! A line of `allow.txt` has the form `rule | path | what | reason`. It permits `what` in the file
//! or folder `path`. If `what` is `*`, the line permits everything. A line that permits no finding
//! is itself a finding.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::circles::{Knot, knots};
use crate::floors::floors;
use crate::links::links;
use crate::phrases::phrases;
use crate::tokens::{Kind, Token, words_of_name};
use crate::workspace::{Crate, Failure, Workspace};

const ALLOWED: &str = include_str!("../allow.txt");
const ALLOW_FILE: &str = "tests/layout/allow.txt";

/// Named check of the source tree.
#[derive(Debug)]
pub struct Rule {
    pub name: &'static str,
    check: fn(&Workspace) -> Result<Vec<Finding>, Failure>,
}

/// All rules, in the order of their output.
pub const RULES: &[Rule] = &[
    Rule { name: "circles", check: |workspace| Ok(circles(workspace)) },
    Rule { name: "duplicates", check: |workspace| Ok(duplicates(workspace)) },
    Rule { name: "form", check: |workspace| Ok(form(workspace)) },
    Rule { name: "sans-io", check: |workspace| Ok(sans_io(workspace)) },
    Rule { name: "providers", check: |workspace| Ok(providers(workspace)) },
    Rule { name: "phrases", check: |workspace| Ok(phrases(workspace)) },
    Rule { name: "links", check: |workspace| Ok(links(workspace)) },
    Rule { name: "floors", check: floors },
];

/// Violation of a rule.
#[derive(Debug)]
pub struct Finding {
    pub file: String,
    pub line: usize,
    /// Name or phrase that a line of `allow.txt` can permit.
    pub what: String,
    /// Text of the form `expected …, found …; remedy`.
    pub message: String,
}

impl Finding {
    pub fn new(file: &str, line: usize, what: &str, message: String) -> Self {
        Self { file: file.to_owned(), line, what: what.to_owned(), message }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file, self.line, self.message)
    }
}

impl Rule {
    /// Returns the rule's findings that `allow.txt` does not permit, and a finding for each unused
    /// exception.
    ///
    /// # Errors
    ///
    /// Returns an error if `allow.txt` or an input of the rule is malformed.
    pub fn findings(&self, workspace: &Workspace) -> Result<Vec<Finding>, Failure> {
        let exceptions = exceptions(ALLOWED)?;
        Ok(permit(self.name, (self.check)(workspace)?, &exceptions))
    }
}

struct Exception<'a> {
    line: usize,
    rule: &'a str,
    path: &'a str,
    what: &'a str,
}

impl Exception<'_> {
    fn permits(&self, rule: &str, finding: &Finding) -> bool {
        let folder = self.path.ends_with('/') && finding.file.starts_with(self.path);
        self.rule == rule
            && (folder || finding.file == self.path)
            && (self.what == "*" || self.what == finding.what)
    }
}

fn exceptions(text: &str) -> Result<Vec<Exception<'_>>, Failure> {
    let lines =
        (1..).zip(text.lines()).filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
    let read = lines.map(|(line, text)| {
        let fields: Vec<_> = text.split('|').map(str::trim).collect();
        match fields[..] {
            [rule, path, what, reason] if !reason.is_empty() => {
                Ok(Exception { line, rule, path, what })
            }
            _ => Err(format!(
                "{ALLOW_FILE}:{line}: expected `rule | path | what | reason`, found `{text}`; write all four fields"
            )
            .into()),
        }
    });
    read.collect()
}

fn permit(rule: &str, findings: Vec<Finding>, exceptions: &[Exception<'_>]) -> Vec<Finding> {
    let mut used = BTreeSet::new();
    let refused = |finding: &Finding| {
        let permitting = exceptions.iter().find(|exception| exception.permits(rule, finding));
        used.extend(permitting.map(|exception| exception.line));
        permitting.is_none()
    };
    let mut left: Vec<_> = findings.into_iter().filter(refused).collect();
    for unused in exceptions.iter().filter(|one| one.rule == rule && !used.contains(&one.line)) {
        let message = format!(
            "expected a finding that this line permits, found none for {} in {}; remove the line",
            unused.what, unused.path
        );
        left.push(Finding::new(ALLOW_FILE, unused.line, unused.what, message));
    }
    left
}

/// Reports import circles between the modules of a folder.
fn circles(workspace: &Workspace) -> Vec<Finding> {
    let mut found = Vec::new();
    for Knot { folder, modules, circles } in workspace.crates.iter().flat_map(knots) {
        let (file, line) =
            circles.iter().flatten().next().map(|edge| edge.place.clone()).unwrap_or_default();
        let circles = circles
            .iter()
            .map(|circle| circle.iter().map(|edge| format!("\n      {edge}")).collect());
        let circles: Vec<String> = circles.collect();
        let what = modules.into_iter().collect::<Vec<_>>().join(", ");
        let message = format!(
            "expected no import circle in {folder}, found a circle of {what}; move the shared items into a lower module{}",
            circles.join("\n")
        );
        found.push(Finding::new(&file, line, &what, message));
    }
    found
}

/// Reports types of the same name in a crate.
fn duplicates(workspace: &Workspace) -> Vec<Finding> {
    let mut found = Vec::new();
    for (name, places) in workspace.crates.iter().flat_map(duplicate_types) {
        let [(file, line), others @ ..] = &places[..] else { continue };
        let others: Vec<_> = others.iter().map(|(file, line)| format!("{file}:{line}")).collect();
        let message = format!(
            "expected one type named {name}, found more types at {}; give each type its own name",
            others.join(", ")
        );
        found.push(Finding::new(file, *line, &name, message));
    }
    found
}

/// Lists each name that several types of a crate have, with the file and line of each type.
///
/// Omits typed views: each platform's views are in a module of their own, so the views of two
/// platforms may have the same name.
pub fn duplicate_types(one: &Crate) -> Vec<(String, Vec<(String, usize)>)> {
    let mut places: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for module in one.modules.iter().filter(|module| !module.file.starts_with(PLATFORMS)) {
        for (name, line) in &module.types {
            places.entry(name.clone()).or_default().push((module.file.clone(), *line));
        }
    }
    places.into_iter().filter(|(_, places)| places.len() > 1).collect()
}

/// Reports a file `name.rs` beside a folder `name/` with modules.
fn form(workspace: &Workspace) -> Vec<Finding> {
    let modules = || workspace.files.keys().filter_map(|path| path.strip_suffix(".rs"));
    let mut found = Vec::new();
    for name in modules() {
        if modules().any(|other| other.strip_prefix(name).is_some_and(|rest| rest.starts_with('/')))
        {
            let file = format!("{name}.rs");
            let message = format!(
                "expected one module form, found {file} beside {name}/; move {file} to {name}/mod.rs"
            );
            found.push(Finding::new(&file, 1, &file, message));
        }
    }
    found
}

/// Reports uses of runtimes, sockets, files, environment variables, processes, threads and clocks
/// in the core.
fn sans_io(workspace: &Workspace) -> Vec<Finding> {
    let core = workspace.crates.iter().filter(|one| one.root == "src/lib.rs");
    let mut found = Vec::new();
    for module in core.flat_map(|one| &one.modules) {
        for reference in module.references.iter().filter(|reference| does_io(&reference.path)) {
            let what = reference.path.join("::");
            let message = format!(
                "expected no I/O and no clock in the core, found {what}; take the value as an argument"
            );
            found.push(Finding::new(&module.file, reference.line, &what, message));
        }
    }
    found
}

fn does_io(path: &[String]) -> bool {
    let path: Vec<_> = path.iter().map(String::as_str).collect();
    match path[..] {
        ["std", "net" | "env" | "fs" | "process" | "thread", ..] => true,
        ["tokio" | "hyper" | "hyper_util" | "pingora", _, ..] => true,
        [first, _, ..] if first.starts_with("tower_") => true,
        [.., "SystemTime" | "Timestamp" | "Zoned", "now"] => true,
        _ => path.contains(&"Instant"),
    }
}

/// The folder of the built-in definitions.
const DEFINITIONS: &str = "src/provider/definitions/";

/// The folder of the typed views. A provider has at most one module there.
const PLATFORMS: &str = "src/provider/platforms/";

/// Reports a built-in provider's name in code outside of `src/provider/platforms/<name>`.
fn providers(workspace: &Workspace) -> Vec<Finding> {
    let definition =
        |path: &String| Some(path.strip_prefix(DEFINITIONS)?.strip_suffix(".toml")?.to_owned());
    let names = workspace.files.keys().filter_map(definition);
    let names: Vec<_> = names.map(|name| (words_of_name(&name), name)).collect();
    let mut found = Vec::new();
    for (file, contents) in workspace.crates.iter().flat_map(|one| workspace.files_of(one)) {
        let code = |token: &&Token| !token.test && matches!(token.kind, Kind::Ident | Kind::Text);
        for token in contents.tokens.iter().filter(code) {
            let words = words_of_name(&token.text);
            let contained = names.iter().filter(|(name, _)| contains(&words, name));
            for (_, name) in contained.filter(|(_, name)| !is_home(file, name)) {
                let message = format!(
                    "expected no provider name in code, found {name}; move the rule into {DEFINITIONS}{name}.toml"
                );
                found.push(Finding::new(file, token.line, name, message));
            }
        }
    }
    found
}

fn is_home(file: &str, provider: &str) -> bool {
    let inside = file.strip_prefix(PLATFORMS).and_then(|rest| rest.strip_prefix(provider));
    inside.is_some_and(|rest| rest == ".rs" || rest.starts_with('/'))
}

fn contains(words: &[String], name: &[String]) -> bool {
    words.windows(name.len()).any(|window| window == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(rule: fn(&Workspace) -> Vec<Finding>, files: &[(&str, &str)]) -> Vec<String> {
        rule(&Workspace::fixture(files)).iter().map(Finding::to_string).collect()
    }

    #[test]
    fn reports_circle_with_file_and_line_of_each_import() {
        let files = [
            ("src/lib.rs", "mod a; mod b;"),
            ("src/a.rs", "use crate::b::B;"),
            ("src/b.rs", "pub struct B;\nuse super::a;"),
        ];
        let expected = "src/a.rs:1: expected no import circle in crate, found a circle of a, b; \
                        move the shared items into a lower module\
                        \n      a -> b at src/a.rs:1\n      b -> a at src/b.rs:2";
        assert_eq!(check(circles, &files), [expected]);
    }

    #[test]
    fn reports_types_of_same_name_outside_of_tests() {
        let lib =
            "mod a;\nenum Reader {}\n#[cfg(test)]\nmod tests { struct Inner; }\nstruct Inner;";
        let files = [("src/lib.rs", lib), ("src/a.rs", "pin_project! { pub struct Reader {} }")];
        let expected = "src/lib.rs:2: expected one type named Reader, found more types at src/a.rs:1; \
                        give each type its own name";
        assert_eq!(check(duplicates, &files), [expected]);
    }

    #[test]
    fn reports_file_beside_folder_of_same_name() {
        let files = [("src/lib.rs", "mod a;"), ("src/a.rs", "mod b;"), ("src/a/b.rs", "")];
        let expected = "src/a.rs:1: expected one module form, found src/a.rs beside src/a/; move src/a.rs to src/a/mod.rs";
        assert_eq!(check(form, &files), [expected]);
    }

    #[test]
    fn reports_io_only_in_core() {
        let code = "use std::{fmt, net::IpAddr};\nfn f(at: Instant) { SystemTime::now(); }\n\
                    macro_rules! m { () => { tokio::spawn() } }\nuse tower_layer::Layer;\nuse core::net::IpAddr;";
        let files = [("src/lib.rs", code), ("proxy/src/lib.rs", code)];
        let found = check(sans_io, &files);
        let expected = [
            "1: std::net::IpAddr",
            "2: Instant",
            "2: SystemTime::now",
            "3: tokio::spawn",
            "4: tower_layer::Layer",
        ];
        let expected = expected.map(|found| {
            let (line, what) = found.split_once(": ").unwrap();
            format!("src/lib.rs:{line}: expected no I/O and no clock in the core, found {what}; take the value as an argument")
        });
        assert_eq!(found, expected);
    }

    #[test]
    fn reports_provider_names_outside_of_provider_folder() {
        let files = [
            ("src/lib.rs", "mod provider; mod gate;"),
            ("src/provider/mod.rs", "pub mod platforms;"),
            ("src/provider/platforms/mod.rs", "pub mod tencent_css;"),
            ("src/provider/platforms/tencent_css.rs", "pub struct TencentCss;"),
            ("src/provider/definitions/tencent_css.toml", ""),
            (
                "src/gate.rs",
                "/// As tencent-css does.\nfn f() { \"x-tencent-css\" }\n#[test]\nfn tencent_css() {}",
            ),
        ];
        let message = "expected no provider name in code, found tencent_css; move the rule into src/provider/definitions/tencent_css.toml";
        let expected = ["src/gate.rs:2", "src/provider/platforms/mod.rs:1"]
            .map(|place| format!("{place}: {message}"));
        assert_eq!(check(providers, &files), expected);
    }

    #[test]
    fn permits_listed_exceptions_and_reports_unused_exceptions() {
        let text =
            "# comment\n\nform | src/a.rs | src/a.rs | generated\nform | src/c/ | * | gone\n";
        let finding = |file: &str| Finding {
            file: file.into(),
            line: 1,
            what: file.into(),
            message: "m".into(),
        };
        let left = permit(
            "form",
            vec![finding("src/a.rs"), finding("src/b.rs")],
            &exceptions(text).unwrap(),
        );
        let left: Vec<_> = left.iter().map(Finding::to_string).collect();
        let unused = "tests/layout/allow.txt:4: expected a finding that this line permits, found none for * in src/c/; remove the line";
        assert_eq!(left, ["src/b.rs:1: m", unused]);
        assert!(exceptions("form | src/a.rs | x").is_err());
    }
}

/// Tests that apply each rule to this source tree.
#[cfg(test)]
mod on_checkout {
    use std::sync::LazyLock;

    use super::*;

    static TREE: LazyLock<Workspace> = LazyLock::new(|| Workspace::read().unwrap());

    fn assert_clean(name: &str) {
        let rule = RULES.iter().find(|rule| rule.name == name).unwrap();
        let findings: Vec<_> =
            rule.findings(&TREE).unwrap().iter().map(Finding::to_string).collect();
        assert!(findings.is_empty(), "expected no findings, found:\n{}", findings.join("\n"));
    }

    #[test]
    fn imports_form_no_circles() {
        assert_clean("circles");
    }

    #[test]
    fn type_names_are_unique_in_each_crate() {
        assert_clean("duplicates");
    }

    #[test]
    fn no_module_file_is_beside_folder_of_same_name() {
        assert_clean("form");
    }

    #[test]
    fn core_does_no_io() {
        assert_clean("sans-io");
    }

    #[test]
    fn provider_names_appear_only_in_provider_folders() {
        assert_clean("providers");
    }

    #[test]
    fn prose_contains_no_forbidden_phrases() {
        assert_clean("phrases");
    }

    #[test]
    fn links_have_valid_targets() {
        assert_clean("links");
    }

    #[test]
    fn modules_import_no_higher_floor() {
        assert_clean("floors");
    }
}
