//! Log lines for the warnings of a config.

use std::path::Path;

use gatepost::{Config, Fault};

use crate::{clock, tls};

/// Logs the first warning of each code, with the number of further warnings of this code.
/// `gatepost check` prints all warnings. Also logs a warning for each file of certificates that is
/// out of date, except for the certificates that gatepost serves.
pub(crate) fn log_warnings(config: &Config, path: &Path) {
    for (first, places) in grouped(config.warnings()) {
        let more = more(places);
        tracing::warn!(code = first.kind().as_str(), "{}{more}", first.located_in(path));
    }
    for warning in tls::warnings(config, clock::now()) {
        tracing::warn!(code = warning.kind().as_str(), "{}", warning.located_in(path));
    }
}

/// Returns a note with the number of further warnings; empty for a single warning.
fn more(places: usize) -> String {
    match places - 1 {
        0 => String::new(),
        more => format!(" (and {more} more of this code; see `gatepost check`)"),
    }
}

/// Joins names with commas. Shows at most eight, and the number of the others.
pub(crate) fn list(names: &[&str]) -> String {
    const MAX_NAMES: usize = 8;
    match names.split_at_checked(MAX_NAMES) {
        Some((first, [_, ..])) => {
            format!("{} and {} more", first.join(", "), names.len() - MAX_NAMES)
        }
        Some((_, [])) | None => names.join(", "),
    }
}

/// Returns the first warning of each code, with the number of warnings of this code.
fn grouped(warnings: &[Fault]) -> Vec<(&Fault, usize)> {
    let mut groups: Vec<(&Fault, usize)> = Vec::new();
    for warning in warnings {
        match groups.iter_mut().find(|(first, _)| first.kind() == warning.kind()) {
            Some((_, places)) => *places += 1,
            None => groups.push((warning, 1)),
        }
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_warnings_by_code() {
        let text = "[[route]]\npath = '/a/{token}'\nprovider = 'srs'\ntoken = 'one-long-secret-token'\n[[route]]\n\
                    path = '/b/{token}'\nprovider = 'srs'\ntoken = 'two-long-secret-token'\n";
        let config = Config::from_text(text, "gatepost.toml").unwrap();
        let groups: Vec<_> = grouped(config.warnings())
            .into_iter()
            .map(|(first, places)| (first.kind().as_str(), first.line(), places))
            .collect();
        assert_eq!(groups, [("template_missing", 3, 2), ("secret_literal", 4, 2)]);
    }
}
