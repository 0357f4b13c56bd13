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
    let names: Vec<_> = config.templates().map(gatepost::Template::name).collect();
    out(&format!("{shown}: {}", summary(config.routes().count(), &names)));
    // `/*` means everything below the path.
    for path in config.reserved_paths() {
        out(&format!("reserved: {path}"));
    }
    Ok(())
}

/// Counts the routes and templates, and names at most 8 templates.
fn summary(routes: usize, names: &[&str]) -> String {
    const MAX_NAMES: usize = 8;
    let counted = |count, noun| format!("{count} {noun}{}", if count == 1 { "" } else { "s" });
    let (routes, templates) = (counted(routes, "route"), counted(names.len(), "template"));
    let colon = if names.is_empty() { "" } else { ": " };
    let shown = names[..names.len().min(MAX_NAMES)].join(", ");
    let more = match names.len().saturating_sub(MAX_NAMES) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!("OK ({routes}, {templates}{colon}{shown}{more})")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn summary_counts_routes_and_names_at_most_eight_templates() {
        assert_eq!(summary(1, &[]), "OK (1 route, 0 templates)");
        assert_eq!(summary(1, &["live", "paid"]), "OK (1 route, 2 templates: live, paid)");
        let many = ["a"; 9];
        assert!(summary(2, &many).ends_with(", a and 1 more)"));
        assert!(summary(2, &many).starts_with("OK (2 routes, 9 templates: a, "));
    }
}
