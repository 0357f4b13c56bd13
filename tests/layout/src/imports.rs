//! Imports between the modules of a crate, resolved to the modules that define the imported items.

use crate::modules::Module;
use crate::workspace::Crate;

/// Recursion limit of [`trace`]. Without a limit, [`trace`] never returns for circular re-exports.
const MAX_HOPS: usize = 16;

/// Import of the module `to`, or of one of its items, by the module `from`.
#[derive(Debug)]
pub struct Import<'a> {
    pub from: &'a Module,
    pub to: &'a Module,
    pub line: usize,
}

impl Import<'_> {
    /// Returns the innermost folder that contains `from` and `to`, the child that is or contains
    /// `from`, and the child that is or contains `to`. Returns `None` if one of the two modules is
    /// or contains the other.
    pub fn siblings(&self) -> Option<(&[String], &str, &str)> {
        let (from, to) = (&self.from.path, &self.to.path);
        let common = from.iter().zip(to).take_while(|(a, b)| a == b).count();
        Some((from.get(..common)?, from.get(common)?, to.get(common)?))
    }
}

/// Finds all imports in a crate. A path through re-exports is an import of each module on the path.
pub fn imports(one: &Crate) -> Vec<Import<'_>> {
    let mut found = Vec::new();
    for (id, from) in one.modules.iter().enumerate() {
        for reference in &from.references {
            // A single name refers to a local item, or to an import that this function counts
            // elsewhere.
            if reference.path.len() < 2 && reference.binding.is_none() {
                continue;
            }
            let modules = trace(one, id, &reference.path, MAX_HOPS);
            found.extend(modules.iter().map(|to| Import { from, to, line: reference.line }));
        }
    }
    found
}

/// Follows `path` from the module `from` through children and re-exports.
/// Returns each module of this crate on the path.
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
    // An import of a single name, such as `use tokio;`, leads to another crate.
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
    fn follows_re_exports_to_definition() {
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
    fn finds_only_imports_of_own_crate_in_code_outside_of_tests() {
        let a = "//! [`crate::b::B`]\nuse bytes::b;\nfn f() { write!(x, \"{}\", crate::b::B) }\n\
                 fn g() { use super::c; }\n#[cfg(test)]\nmod tests { use crate::d; }";
        let files = [
            ("src/lib.rs", "mod a; mod b; mod c; mod d;"),
            ("src/a.rs", a),
            ("src/b.rs", ""),
            ("src/c.rs", ""),
            ("src/d.rs", ""),
        ];
        // An import inside a function binds no name in the module, but still counts.
        assert_eq!(found(&files), ["a -> b at src/a.rs:3", "a -> c at src/a.rs:4"]);
    }
}
