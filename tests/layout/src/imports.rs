//! Imports between the modules of a crate, resolved to the modules that define what is imported.

use crate::modules::Module;
use crate::workspace::Crate;

/// A chain of re-exports longer than this is a circle of its own.
const MAX_HOPS: usize = 16;

/// One module that names an item of another, at a place in its file.
#[derive(Debug)]
pub struct Import<'a> {
    pub from: &'a Module,
    pub to: &'a Module,
    pub line: usize,
}

impl Import<'_> {
    /// The two children of the innermost common folder that hold the ends.
    /// `None` if one end holds the other: a parent and its child are no siblings.
    pub fn siblings(&self) -> Option<(&[String], &str, &str)> {
        let (from, to) = (&self.from.path, &self.to.path);
        let common = from.iter().zip(to).take_while(|(a, b)| a == b).count();
        Some((from.get(..common)?, from.get(common)?, to.get(common)?))
    }
}

/// Finds all imports of a crate. A path through re-exports counts for each module that it crosses.
pub fn imports(one: &Crate) -> Vec<Import<'_>> {
    let mut found = Vec::new();
    for (id, from) in one.modules.iter().enumerate() {
        for reference in &from.references {
            // A single name is local, or is what an import has already brought in.
            if reference.path.len() < 2 && reference.binding.is_none() {
                continue;
            }
            let modules = trace(one, id, &reference.path, MAX_HOPS);
            found.extend(modules.iter().map(|to| Import { from, to, line: reference.line }));
        }
    }
    found
}

/// Follows a path from a module, through children and re-exports, to the module of its item.
/// Returns each module on the way; none if the path leads to another crate.
fn trace<'a>(one: &'a Crate, from: usize, path: &[String], hops: usize) -> Vec<&'a Module> {
    let (Some(module), Some((first, rest))) = (one.modules.get(from), path.split_first()) else {
        return Vec::new();
    };
    let Some(hops) = hops.checked_sub(1) else { return Vec::new() };
    let next = match first.as_str() {
        "crate" => Some(0),
        "self" => Some(from),
        "super" => parent(one, module),
        name => module.children.get(name).copied(),
    };
    let mut found = match next {
        Some(next) => trace(one, next, rest, hops),
        None => through_import(one, from, first, rest, hops),
    };
    found.extend(next.and_then(|next| one.modules.get(next)));
    found
}

fn through_import<'a>(
    one: &'a Crate,
    at: usize,
    name: &str,
    rest: &[String],
    hops: usize,
) -> Vec<&'a Module> {
    let references = one.modules.get(at).map(|module| module.references.iter());
    let import = references.into_iter().flatten().find(|one| one.binding.as_deref() == Some(name));
    // `use tokio;` binds its own name.
    let Some(import) = import.filter(|import| import.path.len() > 1) else { return Vec::new() };
    let path: Vec<_> = import.path.iter().chain(rest).cloned().collect();
    trace(one, at, &path, hops)
}

fn parent(one: &Crate, module: &Module) -> Option<usize> {
    let (_, path) = module.path.split_last()?;
    one.modules.iter().position(|other| other.path == path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::Workspace;

    fn found(files: &[(&str, &str)]) -> Vec<String> {
        let workspace = Workspace::fixture(files);
        let mut found: Vec<_> = imports(&workspace.crates[0])
            .iter()
            .filter_map(|import| {
                let (_, from, to) = import.siblings()?;
                Some(format!("{from} -> {to} at {}:{}", import.from.file, import.line))
            })
            .collect();
        found.sort();
        found.dedup();
        found
    }

    #[test]
    fn follows_re_exports_to_the_definition() {
        let lib = "mod gate;\nmod verdict;\npub use verdict::Accepted;";
        let verdict = "mod accepted;\nmod refusal;\npub use accepted::Accepted;";
        let files = [
            ("src/lib.rs", lib),
            ("src/gate.rs", "use crate::Accepted;\nfn a() { crate::verdict::refusal::x() }"),
            ("src/verdict/mod.rs", verdict),
            ("src/verdict/accepted.rs", "pub struct Accepted;"),
            ("src/verdict/refusal.rs", "use super::Accepted;"),
        ];
        let expected = [
            "gate -> verdict at src/gate.rs:1",
            "gate -> verdict at src/gate.rs:2",
            "refusal -> accepted at src/verdict/refusal.rs:1",
        ];
        assert_eq!(found(&files), expected);
    }

    #[test]
    fn sees_macros_and_function_bodies_but_no_tests_docs_or_other_crates() {
        let a = "//! [`crate::b::B`]\nuse bytes::b;\nfn f() { write!(x, \"{}\", crate::b::B) }\n\
                 fn g() { use super::c; }\n#[cfg(test)]\nmod tests { use crate::d; }";
        let files = [
            ("src/lib.rs", "mod a; mod b; mod c; mod d;"),
            ("src/a.rs", a),
            ("src/b.rs", ""),
            ("src/c.rs", ""),
            ("src/d.rs", ""),
        ];
        // An import inside a function binds no name of the module, yet it is an import.
        assert_eq!(found(&files), ["a -> b at src/a.rs:3", "a -> c at src/a.rs:4"]);
    }
}
