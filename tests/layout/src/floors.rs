//! Floors: which top-level module of `src` may import which.
//!
//! ARCHITECTURE.md holds the table, so that the map and the check cannot disagree:
//!
//! ```text
//! | floor | modules | … |
//! |--:|---|---|
//! | 1 | `time` `secret` `json/` | … |
//! ```
//!
//! A module imports modules of its own floor or of a lower one.

use std::collections::{BTreeMap, BTreeSet};

use crate::imports::imports;
use crate::rules::Finding;
use crate::workspace::{Crate, Failure, Workspace};

const MAP: &str = "ARCHITECTURE.md";

/// The floor of each module, and its line in the map.
type Floors = BTreeMap<String, (u32, usize)>;

/// Refuses imports of a higher floor, and a map that does not list the modules of `src`.
pub fn floors(workspace: &Workspace) -> Result<Vec<Finding>, Failure> {
    let Some(map) = workspace.files.get(MAP) else {
        eprintln!("floors: skipped, there is no {MAP}");
        return Ok(Vec::new());
    };
    let floors = read(&map.text)?;
    let core = workspace.crates.iter().filter(|one| one.root == "src/lib.rs");
    Ok(core.flat_map(|one| listed(one, &floors).into_iter().chain(climbs(one, &floors))).collect())
}

fn read(text: &str) -> Result<Floors, Failure> {
    let mut floors = Floors::new();
    let rows = (1..).zip(text.lines()).skip_while(|(_, row)| cells(row).next() != Some("floor"));
    for (line, row) in rows.skip(2).take_while(|(_, row)| row.starts_with('|')) {
        let mut cells = cells(row);
        let (floor, modules) = (cells.next().unwrap_or_default(), cells.next().unwrap_or_default());
        let number = floor
            .parse()
            .map_err(|_| format!("{MAP}:{line}: expected a floor's number, found `{floor}`"))?;
        let names = modules.split('`').skip(1).step_by(2);
        floors.extend(names.map(|name| (name.trim_end_matches('/').to_owned(), (number, line))));
    }
    if floors.is_empty() {
        return Err(format!(
            "{MAP}: expected a table `| floor | modules |`, found none; list the modules of src"
        )
        .into());
    }
    Ok(floors)
}

fn cells(row: &str) -> impl Iterator<Item = &str> {
    row.trim().trim_start_matches('|').split('|').map(str::trim)
}

/// Compares the names in the map with the modules of the crate.
fn listed(one: &Crate, floors: &Floors) -> Vec<Finding> {
    let modules = one.modules.first().map(|root| &root.children);
    let modules: BTreeSet<_> = modules.into_iter().flat_map(BTreeMap::keys).collect();
    let missing = modules.iter().filter(|name| !floors.contains_key(**name)).map(|name| {
        let message = format!("expected each module of src on a floor, found {name} on none; add it to the table in {MAP}");
        Finding::new(&one.root, 1, name, message)
    });
    let gone =
        floors.iter().filter(|(name, _)| !modules.contains(name)).map(|(name, (_, line))| {
            let message =
                format!("expected modules of src, found {name}; remove it from the table");
            Finding::new(MAP, *line, name, message)
        });
    missing.chain(gone).collect()
}

fn climbs(one: &Crate, floors: &Floors) -> Vec<Finding> {
    let mut found = Vec::new();
    for import in imports(one) {
        let Some((from, to)) = import.from.path.first().zip(import.to.path.first()) else {
            continue;
        };
        let Some(((own, _), (above, _))) = floors.get(from).zip(floors.get(to)) else { continue };
        if above > own {
            let message = format!(
                "expected imports from floor {own} down, found {from} -> {to} (floor {above}); move the item down, or its user up"
            );
            found.push(Finding::new(
                &import.from.file,
                import.line,
                &format!("{from} -> {to}"),
                message,
            ));
        }
    }
    found.dedup_by(|a, b| (a.line, &a.what) == (b.line, &b.what));
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "# Map\n\n| Floor | modules |\n|---|---|\n";

    fn found(table: &str) -> Vec<String> {
        let files = [
            ("ARCHITECTURE.md", table),
            ("src/lib.rs", "mod a; mod b; mod c;"),
            ("src/a/mod.rs", "use crate::b::B;\nuse crate::c;"),
            ("src/b.rs", "pub struct B;"),
            ("src/c.rs", ""),
        ];
        floors(&Workspace::fixture(&files)).unwrap().iter().map(Finding::to_string).collect()
    }

    #[test]
    fn refuses_imports_of_a_higher_floor() {
        assert!(
            found(&format!("{}| 1 | `b` `c` |\n| 2 | `a/` | top |\n", TABLE.to_lowercase()))
                .is_empty()
        );
        let climbing = found("| floor | modules |\n|---|---|\n| 1 | `a/` `b` |\n| 2 | `c` |\n");
        let expected = "src/a/mod.rs:2: expected imports from floor 1 down, found a -> c (floor 2); \
                        move the item down, or its user up";
        assert_eq!(climbing, [expected]);
    }

    #[test]
    fn refuses_a_map_that_is_not_of_this_tree() {
        let expected = [
            "src/lib.rs:1: expected each module of src on a floor, found c on none; add it to the table in ARCHITECTURE.md",
            "ARCHITECTURE.md:3: expected modules of src, found d; remove it from the table",
        ];
        assert_eq!(found("| floor | modules |\n|---|---|\n| 1 | `a` `b` `d` |\n"), expected);
        let without = Workspace::fixture(&[("ARCHITECTURE.md", "# Map"), ("src/lib.rs", "")]);
        assert!(floors(&without).is_err());
        assert!(floors(&Workspace::fixture(&[("src/lib.rs", "")])).unwrap().is_empty());
    }
}
