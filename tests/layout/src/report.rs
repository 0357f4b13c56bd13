//! Table of figures about each crate, such as files, lines and import circles.

use std::collections::BTreeSet;

use crate::circles::knots;
use crate::phrases::docs;
use crate::rules::duplicate_types;
use crate::workspace::{Crate, Workspace};

/// Returns a table with one row of figures for each crate.
pub fn report(workspace: &Workspace) -> String {
    let head = ["crate", "files", "lines", "modules", "circles", "duplicates", "clause docs %"];
    let mut text = row(&head.map(str::to_owned));
    for one in &workspace.crates {
        text.push_str(&row(&figures(workspace, one)));
    }
    text
}

fn row(cells: &[String; 7]) -> String {
    let [name, figures @ ..] = cells;
    let figures = figures.iter().map(|figure| format!("{figure:>14}"));
    format!("{name:24}{}\n", figures.collect::<String>())
}

/// Computes the row of a crate. Blank lines and test code do not count as lines. `clause docs %` is
/// the percentage of documented items whose documentation begins with a word that `phrases.txt`
/// forbids.
fn figures(workspace: &Workspace, one: &Crate) -> [String; 7] {
    let (mut files, mut lines, mut documented, mut clauses) = (0, 0, 0, 0);
    for (_, file) in workspace.files_of(one) {
        let tokens = || file.tokens.iter().filter(|token| !token.test);
        let (all, refused) = docs(tokens());
        files += 1;
        lines += tokens().map(|token| token.line).collect::<BTreeSet<_>>().len();
        documented += all;
        clauses += refused;
    }
    let percent = 100 * clauses / documented.max(1);
    let (circles, duplicates) = (knots(one).len(), duplicate_types(one).len());
    let figures = [files, lines, one.modules.len(), circles, duplicates, percent];
    let [a, b, c, d, e, f] = figures.map(|figure| figure.to_string());
    [one.root.clone(), a, b, c, d, e, f]
}
