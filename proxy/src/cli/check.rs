//! `gatepost check`: the faults, the warnings and the reserved paths of a config file.

use std::path::Path;

use gatepost::Config;

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
    // `/*` means everything below the path.
    for path in config.reserved_paths() {
        out(&format!("reserved: {path}"));
    }
    Ok(())
}
