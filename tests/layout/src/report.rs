//! Figures of each crate, for people.

use std::fmt::Write as _;

use crate::circles::{Knot, knots};
use crate::phrases::docs;
use crate::rules::types;
use crate::tokens::Token;
use crate::workspace::{Crate, Workspace};

/// Prints figures, circles and duplicate names of each crate.
pub fn report(workspace: &Workspace) -> String {
    let mut text = String::from(
        "crate                      files  lines  modules  circles  duplicates  clause docs\n",
    );
    for one in &workspace.crates {
        text.push_str(&row(workspace, one));
    }
    for one in &workspace.crates {
        for knot in knots(one) {
            text.push_str(&tied(one, &knot));
        }
    }
    for one in &workspace.crates {
        for (name, places) in duplicates(one) {
            let places: Vec<_> =
                places.iter().map(|(file, line)| format!("{file}:{line}")).collect();
            let _ = writeln!(text, "\n{name} in {}:\n  {}", one.root, places.join("\n  "));
        }
    }
    text
}

/// Lines are those of code, docs and comments, without blank lines and tests.
fn row(workspace: &Workspace, one: &Crate) -> String {
    let (mut files, mut lines, mut documented, mut clauses) = (0, 0, 0, 0);
    for (_, file, tests) in workspace.code_of(one) {
        let kept = |line: usize| !tests.iter().any(|test| test.contains(&line));
        let (all, refused) = docs(file.tokens.iter().filter(|token: &&Token| kept(token.line)));
        files += 1;
        lines += (1..)
            .zip(file.text.lines())
            .filter(|(line, text)| kept(*line) && !text.trim().is_empty())
            .count();
        documented += all;
        clauses += refused;
    }
    let percent = 100 * clauses / documented.max(1);
    let (modules, circles, names) = (one.modules.len(), knots(one).len(), duplicates(one).len());
    format!(
        "{:25} {files:6} {lines:6} {modules:8} {circles:8} {names:11} {percent:10}%\n",
        one.root
    )
}

fn duplicates(one: &Crate) -> Vec<(String, Vec<(String, usize)>)> {
    types(one).into_iter().filter(|(_, places)| places.len() > 1).collect()
}

fn tied(one: &Crate, knot: &Knot) -> String {
    let modules: Vec<_> = knot.modules.iter().cloned().collect();
    let mut text = format!(
        "\ncircle of {} in {} ({}): {}\n",
        modules.len(),
        knot.folder,
        one.root,
        modules.join(", ")
    );
    for circle in &knot.circles {
        let places: Vec<_> =
            circle.places.iter().map(|(file, line)| format!("{file}:{line}")).collect();
        let _ = writeln!(text, "  {}  at {}", circle.name(), places.join(", "));
    }
    text
}
