//! Floors of the top-level modules of `src`. A floor is a number. A module must import no module on
//! a higher floor.
//!
//! ARCHITECTURE.md contains the table of floors, and this check reads the table:
//!
//! ```text
//! | floor | modules | … |
//! |--:|---|---|
//! | 1 | `time` `secret` `json/` | … |
//! ```

use std::collections::{BTreeMap, BTreeSet};

use crate::imports::imports;
use crate::rules::Finding;
use crate::workspace::{Crate, Failure, Workspace};

const MAP: &str = "ARCHITECTURE.md";

/// Floor of each module, and the line of ARCHITECTURE.md that lists the module.
type Floors = BTreeMap<String, (u32, usize)>;

/// Reports imports of modules on a higher floor, and differences between the table and the modules
/// of `src`.
///
/// # Errors
///
/// Returns an error for a malformed or missing table in ARCHITECTURE.md.
pub fn floors(workspace: &Workspace) -> Result<Vec<Finding>, Failure> {
    let Some(map) = workspace.files.get(MAP) else {
        eprintln!("floors: expected a file {MAP}, found none; add the file to check this rule");
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
        let number = floor.parse().map_err(|_| {
            format!("{MAP}:{line}: expected a floor number, found `{floor}`; write an integer")
        })?;
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

/// Compares the module names in the table with the modules of the crate.
fn listed(one: &Crate, floors: &Floors) -> Vec<Finding> {
    let modules = one.modules.first().map(|root| &root.children);
    let modules: BTreeSet<_> = modules.into_iter().flat_map(BTreeMap::keys).collect();
    let missing = modules.iter().filter(|name| !floors.contains_key(**name)).map(|name| {
        let message = format!("expected a floor for each module of src, found none for {name}; add {name} to the table in {MAP}");
        Finding::new(&one.root, 1, name, message)
    });
    let gone =
        floors.iter().filter(|(name, _)| !modules.contains(name)).map(|(name, (_, line))| {
            let message =
                format!("expected a module of src, found {name}; remove {name} from the table");
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
                "expected imports of floor {own} or lower, found {from} -> {to} (floor {above}); move the imported item down, or {from} up"
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
    fn reports_imports_of_higher_floor() {
        assert!(
            found(&format!("{}| 1 | `b` `c` |\n| 2 | `a/` | top |\n", TABLE.to_lowercase()))
                .is_empty()
        );
        let climbing = found("| floor | modules |\n|---|---|\n| 1 | `a/` `b` |\n| 2 | `c` |\n");
        let expected = "src/a/mod.rs:2: expected imports of floor 1 or lower, found a -> c (floor 2); \
                        move the imported item down, or a up";
        assert_eq!(climbing, [expected]);
    }

    #[test]
    fn reports_differences_between_table_and_modules() {
        let expected = [
            "src/lib.rs:1: expected a floor for each module of src, found none for c; add c to the table in ARCHITECTURE.md",
            "ARCHITECTURE.md:3: expected a module of src, found d; remove d from the table",
        ];
        assert_eq!(found("| floor | modules |\n|---|---|\n| 1 | `a` `b` `d` |\n"), expected);
        let without = Workspace::fixture(&[("ARCHITECTURE.md", "# Map"), ("src/lib.rs", "")]);
        assert!(floors(&without).is_err());
        assert!(floors(&Workspace::fixture(&[("src/lib.rs", "")])).unwrap().is_empty());
    }
}
