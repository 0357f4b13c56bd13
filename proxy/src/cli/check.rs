//! `gatepost check`: the faults, the warnings and the reserved paths of a config file.

use std::path::Path;

use gatepost::{Config, IdentityInfo, Template};

use super::error::CommandError;
use super::print::{err, out};

/// Checks a config file, and prints its warnings and reserved paths, or its faults.
pub(super) fn check(path: &Path) -> Result<(), CommandError> {
    let config = Config::from_file(path)?;
    let shown = path.display();
    for warning in config.warnings() {
        err(&format!("{shown}:{warning} (warning)"));
    }
    if config.proxy().listen.is_empty() {
        let remedy = "add listen = [\"127.0.0.1:8080\"] for `gatepost run`";
        err(&format!("{shown}: expected a `listen` address, found none; {remedy} (warning)"));
    }
    let templates: Vec<_> = config.templates().map(gatepost::Template::name).collect();
    let (routes, count) = (config.routes().count(), templates.len());
    let names = templates.join(", ");
    out(&format!("{shown}: OK (routes: {routes}, templates: {count}): {names}"));
    config.templates().for_each(print_identities);
    // `/*` means everything below the path.
    for path in config.reserved_paths() {
        out(&format!("reserved: {path}"));
    }
    Ok(())
}

/// Prints which kinds of a template have which rule for `ce-id`.
fn print_identities(template: &Template) {
    const WORDS: [&str; 3] =
        ["from its `id`", "from its content", "new for each callback, resends included"];
    let of = |rule: &IdentityInfo| match rule {
        IdentityInfo::Declared(_) => WORDS[0],
        IdentityInfo::Content(_) => WORDS[1],
        IdentityInfo::New | _ => WORDS[2],
    };
    for what in WORDS {
        let kinds = template.identities().filter(|(_, rule)| of(rule) == what);
        let kinds: Vec<_> = kinds.map(|(kind, _)| kind).collect();
        if !kinds.is_empty() {
            let (name, kinds) = (template.name(), list(&kinds));
            out(&format!("template {name}: ce-id {what}: {kinds}"));
        }
    }
}

/// Lists at most eight names.
fn list(names: &[&str]) -> String {
    const MAX_NAMES: usize = 8;
    match names.split_at_checked(MAX_NAMES) {
        Some((first, [_, ..])) => {
            format!("{} and {} more", first.join(", "), names.len() - MAX_NAMES)
        }
        Some((_, [])) | None => names.join(", "),
    }
}
