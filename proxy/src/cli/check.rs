//! `gatepost check`: prints the faults and warnings of a config file, the reserved paths, and the
//! memory that gatepost may use.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use clap::Args;
use gatepost::{Config, Fault, FaultKind, IdentityInfo, RouteInfo, Template};
use serde_json::json;

use super::config_argument::ConfigArgument;
use super::diagnostics::{self, Diagnostic, Format};
use super::door::Door;
use super::error::CommandError;
use super::memory;
use super::print::out;
use crate::app::tls;
use crate::clock;
use crate::config_warnings::list;
use crate::server::NO_ADMIN_NOTE;
use crate::telemetry::traces;
use crate::tls::{Certificate, LoadedTls, warnings as certificate_warnings};

/// Arguments of `gatepost check`.
#[derive(Debug, Args)]
pub(super) struct CheckArguments {
    #[command(flatten)]
    config: ConfigArgument,
    /// Format of the output.
    #[arg(long, value_enum, default_value = "human")]
    format: Format,
    /// Door that uses the config: the proxy, or a tower layer in your own Rust program. A layer
    /// needs no `listen`.
    #[arg(long, value_enum, default_value = "proxy")]
    door: Door,
    /// List the parts of the memory that gatepost may use.
    #[arg(long)]
    memory: bool,
}

/// Checks a config file. For a valid config, prints the warnings, the reserved paths and the memory
/// that gatepost may use. For an invalid config, prints the faults.
pub(super) fn check(arguments: &CheckArguments) -> Result<(), CommandError> {
    let path = arguments.config.path()?;
    let (valid, found) = match Config::from_file(path) {
        Ok(config) => match tls_faults(&config) {
            faults if faults.is_empty() => {
                let certificates = certificates(&config, path)?;
                let found = warnings(&config, &certificates, path, arguments.door);
                (Some((config, certificates)), found)
            }
            faults => (None, diagnostics::sorted(faults.iter().chain(config.warnings()), path)),
        },
        Err(unreadable) if unreadable.faults().is_empty() => return Err(unreadable.into()),
        Err(error) => (None, diagnostics::of_error(&error, path)),
    };
    let config = valid.as_ref().map(|(config, _)| config);
    if config.is_some_and(|config| config.proxy().telemetry.otlp.is_some()) {
        traces::check().map_err(|source| CommandError::Start {
            path: path.to_owned(),
            source: source.into(),
        })?;
    }
    match arguments.format {
        Format::Human => {
            diagnostics::print_human(&found, path);
            if let Some((config, certificates)) = &valid {
                print_contents(config, certificates, path, arguments.memory);
            }
        }
        Format::Json => print_json(config, path, &found),
        Format::Github => diagnostics::print_github(&found),
    }
    if config.is_some() { Ok(()) } else { Err(CommandError::Faults) }
}

/// Returns the warnings of the config, and the warnings that only this command reports.
fn warnings(
    config: &Config,
    certificates: &[Arc<Certificate>],
    path: &Path,
    door: Door,
) -> Vec<Diagnostic> {
    let now = clock::now();
    let of_others = certificate_warnings(config, now);
    let of_certificates: Vec<_> =
        certificates.iter().filter_map(|c| c.warning(now)).chain(of_others).collect();
    let mut found = diagnostics::sorted(config.warnings().iter().chain(&of_certificates), path);
    if door == Door::Proxy && config.proxy().addresses().is_empty() {
        let problem = "expected a `listen` address, found none".to_owned();
        let remedy = "add listen = [\"127.0.0.1:8080\"] for `gatepost run`; check the config of a layer \
                      with --door layer";
        found.push(Diagnostic::of_file(FaultKind::ListenMissing, path, problem, remedy.to_owned()));
    }
    found
}

/// Prints the contents of a valid config.
fn print_contents(
    config: &Config,
    certificates: &[Arc<Certificate>],
    path: &Path,
    shows_memory: bool,
) {
    let names: Vec<_> = config.templates().map(Template::name).collect();
    out(&format!("{}: {}", path.display(), summary(config.routes().count(), &names)));
    for (key, variable) in config.variables() {
        out(&format!("{key}: from the environment variable {variable}"));
    }
    out(&format!("fingerprint: {}", config.fingerprint()));
    for file in config.watched_files().paths() {
        out(&format!("read: {}", file.display()));
    }
    config.templates().for_each(print_identities);
    let routes: Vec<_> = config.route_infos().collect();
    config.templates().for_each(|template| print_unlisted(template, &routes));
    // `/*` means everything below the path.
    for path in config.reserved_paths() {
        out(&format!("reserved: {path} (gatepost refuses requests that are not callbacks)"));
    }
    certificates.iter().for_each(|certificate| out(&certificate.summary(clock::now())));
    if config.proxy().addresses().is_empty() {
        return;
    }
    if config.proxy().admin.is_none() {
        out(&format!("note: {NO_ADMIN_NOTE}"));
    }
    let lines = memory::lines(config);
    if shows_memory {
        lines.iter().for_each(|line| out(line));
    } else if let Some(total) = lines.first() {
        out(&format!("{total}; --memory lists the parts"));
    }
}

fn print_json(config: Option<&Config>, path: &Path, found: &[Diagnostic]) {
    let routes: Option<Vec<_>> = config.map(|config| config.routes().collect());
    let templates: Option<Vec<_>> = config.map(|c| c.templates().map(Template::name).collect());
    let reserved: Option<Vec<_>> = config.map(|config| config.reserved_paths().collect());
    let variables: Option<BTreeMap<_, _>> = config.map(|config| config.variables().collect());
    let document = json!({
        "file": path.display().to_string(),
        "ok": config.is_some(),
        "diagnostics": found,
        "routes": routes,
        "templates": templates,
        "reserved": reserved,
        "variables": variables,
    });
    out(&document.to_string());
}

/// Returns the faults in the contents of certificates and keys: those of the listeners, and those
/// of `[[outgoing_tls]]`.
fn tls_faults(config: &Config) -> Vec<Fault> {
    let of_listeners = config.proxy().tls.iter().flat_map(LoadedTls::faults);
    of_listeners.chain(tls::faults(config)).collect()
}

/// Loads the TLS settings of the listeners, and returns their certificates.
fn certificates(config: &Config, path: &Path) -> Result<Vec<Arc<Certificate>>, CommandError> {
    let Some(settings) = &config.proxy().tls else { return Ok(Vec::new()) };
    let loaded = LoadedTls::load(settings);
    let loaded = loaded.map_err(|source| CommandError::Tls { path: path.to_owned(), source })?;
    Ok(loaded.certificates().to_vec())
}

/// Prints each rule for `ce-id`, with the kinds of the template that have this rule.
fn print_identities(template: &Template) {
    const WORDS: [&str; 3] = [
        "from the callback's `id`",
        "from the callback's content",
        "new for each callback, also for a resend",
    ];
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

/// Name of the kind of callbacks whose kind the definition does not declare. Each template has this
/// kind, so the list omits it.
const UNKNOWN: &str = "unknown";

/// Text for a decision whose reply the platform accepts only if gatepost signs the reply; see
/// [`gatepost::RoutedKind::to`].
const MISSING_REPLY_KEY: &str = "503, because the reply key is missing";

/// Prints the kinds of one template to whose callbacks gatepost replies without asking the app.
/// Omits kinds that every route refuses.
fn print_unlisted(template: &Template, routes: &[RouteInfo]) {
    let routed = || {
        let all = routes.iter().flat_map(|route| &route.templates);
        all.filter(|own| &*own.name == template.name()).flat_map(|own| &own.kinds)
    };
    let replies = [
        ("acknowledged", "acknowledged without the app"),
        ("denied", "denied without the app"),
        (MISSING_REPLY_KEY, MISSING_REPLY_KEY),
    ];
    for (to, text) in replies {
        let mut kinds: Vec<&str> = Vec::new();
        for kind in routed().filter(|kind| kind.to == to && &*kind.name != UNKNOWN) {
            if !kinds.contains(&&*kind.name) {
                kinds.push(&kind.name);
            }
        }
        if !kinds.is_empty() {
            let (name, kinds) = (template.name(), list(&kinds));
            out(&format!("template {name}: {text}: {kinds}"));
        }
    }
}

/// Returns the counts of routes and templates, and the names of at most eight templates.
fn summary(routes: usize, names: &[&str]) -> String {
    let counted = |count, noun| format!("{count} {noun}{}", if count == 1 { "" } else { "s" });
    let (routes, templates) = (counted(routes, "route"), counted(names.len(), "template"));
    let colon = if names.is_empty() { "" } else { ": " };
    format!("OK ({routes}, {templates}{colon}{})", list(names))
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
