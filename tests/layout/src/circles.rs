//! Import circles between the modules of one folder.
//!
//! Each file of a folder is one module here, and so is each subfolder with its contents. A
//! [`Knot`] is a group of modules that import each other, directly or through other modules.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt;

use crate::imports::imports;
use crate::workspace::Crate;

/// Files and lines at which one module imports another, for each pair of modules.
type Graph = BTreeMap<(String, String), BTreeSet<(String, usize)>>;

/// Group of modules in one folder that import each other, directly or through other modules.
#[derive(Debug)]
pub struct Knot {
    /// The folder as a module path, such as `crate::config`.
    pub folder: String,
    pub modules: BTreeSet<String>,
    /// Import circles of the group, shortest first. The function `open` selects them.
    pub circles: Vec<Vec<Edge>>,
}

/// Import of the module `to` by the module `from`, and the first file and line of the import.
#[derive(Debug)]
pub struct Edge {
    pub from: String,
    pub to: String,
    pub place: (String, usize),
}

impl fmt::Display for Edge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { from, to, place: (file, line) } = self;
        write!(f, "{from} -> {to} at {file}:{line}")
    }
}

/// Finds the knots in all folders of a crate.
pub fn knots(one: &Crate) -> Vec<Knot> {
    let mut found = Vec::new();
    for (folder, mut graph) in graphs(one) {
        for modules in groups(&graph) {
            let circles = open(&mut graph, &modules);
            found.push(Knot { folder: folder.clone(), modules, circles });
        }
    }
    found
}

fn graphs(one: &Crate) -> BTreeMap<String, Graph> {
    let mut graphs: BTreeMap<String, Graph> = BTreeMap::new();
    for import in imports(one) {
        if let Some((folder, from, to)) = import.siblings() {
            let folder = ["crate"].into_iter().chain(folder.iter().map(String::as_str));
            let graph = graphs.entry(folder.collect::<Vec<_>>().join("::")).or_default();
            let places = graph.entry((from.to_owned(), to.to_owned())).or_default();
            places.insert((import.from.file.clone(), import.line));
        }
    }
    graphs
}

/// Finds the groups of modules that import each other, directly or through other modules.
fn groups(graph: &Graph) -> Vec<BTreeSet<String>> {
    let names: BTreeSet<_> = graph.keys().map(|(from, _)| from).collect();
    let mut groups: Vec<BTreeSet<String>> = Vec::new();
    for name in names {
        let known = groups.iter().any(|group| group.contains(name));
        if !known && path(graph, name, name).is_some() {
            let mutual = |to: &&(String, String)| {
                path(graph, name, &to.0).is_some() && path(graph, &to.0, name).is_some()
            };
            groups.push(graph.keys().filter(mutual).map(|(from, _)| from.clone()).collect());
        }
    }
    groups
}

/// Breaks the shortest circle repeatedly until no circle is left, and returns the broken circles.
/// Breaking a circle removes one of its imports: the import whose removal leaves the fewest modules
/// on circles. If several imports leave equally few modules, the function removes the import with
/// the fewest places.
fn open(graph: &mut Graph, modules: &BTreeSet<String>) -> Vec<Vec<Edge>> {
    let mut circles = Vec::new();
    let shortest = |graph: &Graph| {
        modules.iter().filter_map(|name| path(graph, name, name)).min_by_key(Vec::len)
    };
    while let Some(path) = shortest(graph) {
        let ends = path.iter().cloned().zip(path.iter().cycle().skip(1).cloned());
        let imports: Vec<_> = ends.filter_map(|ends| Some((graph.get(&ends)?, ends))).collect();
        let cost = |(places, ends): &&(&BTreeSet<_>, _)| (left(graph, modules, ends), places.len());
        let best = imports.iter().min_by_key(cost).map(|(_, ends)| ends.clone());
        let edge = |(places, (from, to)): (&BTreeSet<_>, _)| {
            Some(Edge { from, to, place: places.first().cloned()? })
        };
        circles.push(imports.into_iter().filter_map(edge).collect());
        best.and_then(|ends| graph.remove(&ends));
    }
    circles
}

/// Counts the modules that are still on a circle after the removal of `import`.
fn left(graph: &Graph, modules: &BTreeSet<String>, import: &(String, String)) -> usize {
    let mut graph = graph.clone();
    graph.remove(import);
    modules.iter().filter(|name| path(&graph, name, name).is_some()).count()
}

/// Finds the shortest chain of one or more imports between two modules. The result omits `to`.
fn path(graph: &Graph, from: &str, to: &str) -> Option<Vec<String>> {
    let mut queue = VecDeque::from([vec![from.to_owned()]]);
    let mut seen = BTreeSet::new();
    while let Some(chain) = queue.pop_front() {
        for (_, next) in graph.keys().filter(|(end, _)| Some(end) == chain.last()) {
            if next == to {
                return Some(chain);
            }
            if seen.insert(next) {
                queue.push_back(chain.iter().chain([next]).cloned().collect());
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::Workspace;

    #[test]
    fn finds_circle_between_sibling_modules_with_files_and_lines() {
        let files = [
            ("src/lib.rs", "mod a; mod b; mod c;"),
            ("src/a/mod.rs", "mod inner;"),
            ("src/a/inner.rs", "use super::super::b::B;"),
            ("src/b.rs", "\npub struct B;\nfn b() -> crate::c::C {}"),
            ("src/c.rs", "use crate::a;"),
        ];
        let knots = knots(&Workspace::fixture(&files).crates[0]);
        assert_eq!(knots.len(), 1);
        assert_eq!(knots[0].folder, "crate");
        let imports: Vec<_> = knots[0].circles.iter().flatten().map(Edge::to_string).collect();
        let expected =
            ["a -> b at src/a/inner.rs:1", "b -> c at src/b.rs:3", "c -> a at src/c.rs:1"];
        assert_eq!(imports, expected);
    }

    #[test]
    fn reports_one_circle_if_one_import_closes_all_circles() {
        let files = [
            ("src/lib.rs", "mod a; mod b; mod c;"),
            ("src/a.rs", "use crate::{b, c};"),
            ("src/b.rs", "use crate::c;"),
            ("src/c.rs", "use crate::a;"),
        ];
        let knots = knots(&Workspace::fixture(&files).crates[0]);
        let imports: Vec<_> = knots[0].circles.iter().flatten().map(Edge::to_string).collect();
        assert_eq!(imports, ["a -> c at src/a.rs:1", "c -> a at src/c.rs:1"]);
        assert_eq!(knots[0].modules.len(), 3);
    }

    #[test]
    fn ignores_imports_between_parent_and_child() {
        let files = [
            ("src/lib.rs", "mod a; pub use a::A;"),
            ("src/a/mod.rs", "mod b; use b::B; pub struct A;"),
            ("src/a/b.rs", "use super::A; use crate::A as Same; pub struct B;"),
        ];
        assert!(knots(&Workspace::fixture(&files).crates[0]).is_empty());
    }
}
