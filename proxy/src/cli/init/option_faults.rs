//! Faults in the values of options. The operator knows the options, and not the config that the
//! command has not written yet.

use gatepost::{ConfigError, Fault, FaultKind};

use crate::cli::error::CommandError;

/// Returns the error for the options whose values cause faults in a new config; `None` if no option
/// causes a fault. `is_new` returns true for a fault in the text that the command writes.
pub(super) fn error_of_options(
    error: &ConfigError,
    is_new: impl Fn(&Fault) -> bool,
) -> Option<CommandError> {
    let of_text = error.faults().iter().filter(|fault| is_new(fault));
    let mut faults = of_text.filter_map(|fault| Some((option_of(fault.key())?, fault)));
    let text = |option, fault: &Fault| format!("{}; {}", fault.problem(), remedy(option, fault));
    let (first, fault) = faults.next()?;
    let problem = text(first, fault);
    let rest = faults.map(|(option, fault)| format!("\n{option}: {}", text(option, fault)));
    Some(CommandError::argument(first, problem + &rest.collect::<String>()))
}

/// Returns the option whose value the command writes as the value of `key`.
fn option_of(key: &str) -> Option<&'static str> {
    match key.split(['[', '.']).next()? {
        "listen" => Some("--listen"),
        "admin" => Some("--admin"),
        "upstream" => Some("--upstream"),
        "template" if key.ends_with(".on.\"*\"") => Some("--app"),
        _ => None,
    }
}

/// Returns the remedy of a fault. Replaces each remedy that names other keys of the config.
#[expect(clippy::wildcard_enum_match_arm, reason = "the other remedies name no key")]
fn remedy<'f>(option: &str, fault: &'f Fault) -> &'f str {
    match fault.kind() {
        FaultKind::AddressTaken => "write different addresses in --listen and --admin",
        FaultKind::UpstreamMissing => "write a URL with a host, or set --upstream",
        _ if option == "--admin" && fault.remedy().contains("[[certificate]]") => {
            "write the address without tls:, and add tls: later, together with [[certificate]]"
        }
        _ => fault.remedy(),
    }
}

#[cfg(test)]
mod tests {
    use gatepost::Config;

    use super::*;

    fn message(keys: &str, app: &str) -> Option<String> {
        let text = format!(
            "{keys}\n[[route]]\npath = '/a/{{token}}'\nprovider = 'srs'\n\
             token = 'one-long-secret-token'\n[[template]]\nname = 'a'\nprovider = 'srs'\n\
             bind = '*'\non.'*' = '{app}'\n"
        );
        let error = Config::from_text(&text, "gatepost.toml").unwrap_err();
        error_of_options(&error, |_| true).map(|error| error.to_string())
    }

    #[test]
    fn faults_name_options_in_place_of_keys() {
        let app = "http://127.0.0.1:3000";
        for (keys, app, expected) in [
            (
                "listen = ['80']",
                app,
                "--listen: expected an address to listen on, found a port alone; ",
            ),
            ("listen = [':80']\nupstream = 'x'", app, "--upstream: expected a valid URL, found "),
            (
                "listen = [':80']",
                "x",
                "--app: expected a valid URL, found no http:// or https://; ",
            ),
            (
                "listen = [':80']",
                "/x",
                "--app: expected a server for this path, found no `upstream`; write a URL with a host, \
                 or set --upstream",
            ),
            (
                "listen = [':80']",
                "http://localhost:80",
                "--app: expected the app's address, found the proxy's address; write",
            ),
            (
                "listen = ['127.0.0.1:80']\nadmin = '127.0.0.1:80'",
                app,
                "--admin: expected an unused address, found 127.0.0.1:80 twice; write different \
                 addresses in --listen and --admin",
            ),
            (
                "listen = [':80']\nadmin = 'tls:127.0.0.1:81'",
                app,
                "--admin: expected a certificate for TLS, found none; write the address without",
            ),
        ] {
            let found = message(keys, app).unwrap();
            assert!(found.starts_with(expected), "expected {expected}, found {found}");
            assert!(!found.contains("gatepost.toml") && !found.contains("`listen`"), "{found}");
        }
        let both = message("listen = ['80']", "x").unwrap();
        assert!(both.contains("\n--app: expected") && both.starts_with("--listen: "), "{both}");
        assert_eq!(message("listen = [':80']\nno_key = 1", app), None);
    }
}
