//! The filter of the log lines, from the environment variable `GATEPOST_LOG`.

use std::env;

use tracing::level_filters::LevelFilter;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::Directive;

/// Filter if `GATEPOST_LOG` is absent or empty, or has a fault.
const DEFAULT: &str = "info,async_nats=warn,pingora_core=warn,pingora_proxy=warn";

/// Reads the filter. If the variable has a fault, returns the default filter and the fault.
pub(super) fn from_environment() -> (EnvFilter, Option<String>) {
    let default = || EnvFilter::new(DEFAULT);
    match env::var("GATEPOST_LOG") {
        Ok(text) if !text.trim().is_empty() => match parse(&text) {
            Ok(filter) => (filter, None),
            Err(fault) => (default(), Some(fault)),
        },
        Ok(_) | Err(env::VarError::NotPresent) => (default(), None),
        Err(env::VarError::NotUnicode(_)) => {
            (default(), Some("expected UTF-8, found other bytes; use ASCII".into()))
        }
    }
}

/// Parses a filter.
///
/// `EnvFilter` accepts any word as the name of a module. Without the checks of this function, a
/// misspelt level removes all lines from the log without a message.
fn parse(text: &str) -> Result<EnvFilter, String> {
    let words: Vec<_> = text.split(',').map(str::trim).filter(|word| !word.is_empty()).collect();
    for word in &words {
        if !is_level(word) && (word.parse::<Directive>().is_err() || !word.contains(['=', '['])) {
            return Err(format!(
                "expected a level or MODULE=LEVEL, found `{word}`; use error, warn, info, debug, \
                 trace or off, or for example gatepost=debug"
            ));
        }
    }
    if !words.iter().any(|word| is_level(word) || word.starts_with("gatepost")) {
        return Err(format!(
            "expected a level or a module of gatepost, found only other modules in `{text}`; \
             prepend `info,`"
        ));
    }
    EnvFilter::try_new(words.join(","))
        .map_err(|error| format!("expected a filter, found an error: {error}; correct it"))
}

fn is_level(word: &str) -> bool {
    word.parse::<LevelFilter>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_levels_and_modules_of_gatepost() {
        for text in ["debug", "OFF", "gatepost=debug", "info,gatepost=debug", "warn, pingora=off"] {
            assert!(parse(text).is_ok(), "expected a valid filter, found an error for {text}");
        }
    }

    #[test]
    fn reports_word_without_a_level_and_filter_without_gatepost() {
        for text in ["bogus", "gatepost", "gatepost=loud", "info,degub", "bogus=debug"] {
            let fault = parse(text).unwrap_err();
            assert!(
                fault.starts_with("expected a level"),
                "expected an error about a level, found {fault}"
            );
        }
    }
}
