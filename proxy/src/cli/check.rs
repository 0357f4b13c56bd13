//! `gatepost check`: the faults, the warnings, the reserved paths and the memory of a config file.

use std::path::Path;

use gatepost::{Config, IdentityInfo, Template};

use super::error::CommandError;
use super::memory;
use super::print::{err, out};
use crate::app::tls;

/// Checks a config file, and prints its warnings, reserved paths and memory, or its faults.
pub(super) fn check(path: &Path) -> Result<(), CommandError> {
    let config = Config::from_file(path)?;
    tls::check(&config).map_err(|source| CommandError::Tls { path: path.to_owned(), source })?;
    let shown = path.display();
    for warning in config.warnings() {
        err(&format!("{} (warning)", warning.located_in(path)));
    }
    if config.proxy().listen.is_empty() {
        let remedy = "add listen = [\"127.0.0.1:8080\"] for `gatepost run`";
        err(&format!("{shown}: expected a `listen` address, found none; {remedy} (warning)"));
    }
    for (path, kinds) in config.kinds_without_tenant() {
        let kinds = kinds.join(", ");
        err(&format!(
            "{shown}: the route {path} refuses callbacks of these kinds, because they name no tenant: {kinds}; \
             bind \"*\" in a template, or set template on a route for these kinds (warning)"
        ));
    }
    let names: Vec<_> = config.templates().map(gatepost::Template::name).collect();
    out(&format!("{shown}: {}", summary(config.routes().count(), &names)));
    for (key, variable) in config.variables() {
        out(&format!("{key}: from the environment variable {variable}"));
    }
    out(&format!("fingerprint: {}", config.fingerprint()));
    for file in config.watched_files().paths() {
        out(&format!("read: {}", file.display()));
    }
    config.templates().for_each(print_identities);
    config.templates().for_each(print_unlisted);
    // `/*` means everything below the path.
    for path in config.reserved_paths() {
        out(&format!("reserved: {path}"));
    }
    if !config.proxy().listen.is_empty() {
        memory::lines(&config).iter().for_each(|line| out(line));
    }
    Ok(())
}

/// Prints each rule for `ce-id`, with the kinds of the template that have this rule.
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

/// Prints the kinds of a template for which gatepost replies without asking the app.
fn print_unlisted(template: &Template) {
    for (is_decision, reply) in [(false, "acknowledged"), (true, "denied")] {
        let kinds = template.unlisted().filter(|(_, decision)| *decision == is_decision);
        let kinds: Vec<_> = kinds.map(|(kind, _)| kind).collect();
        if !kinds.is_empty() {
            let (name, kinds) = (template.name(), kinds.join(", "));
            out(&format!("template {name}: {reply} without the app: {kinds}"));
        }
    }
}

/// Counts the routes and templates, and lists the templates.
fn summary(routes: usize, names: &[&str]) -> String {
    let counted = |count, noun| format!("{count} {noun}{}", if count == 1 { "" } else { "s" });
    let (routes, templates) = (counted(routes, "route"), counted(names.len(), "template"));
    let colon = if names.is_empty() { "" } else { ": " };
    format!("OK ({routes}, {templates}{colon}{})", list(names))
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
