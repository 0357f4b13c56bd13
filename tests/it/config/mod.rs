//! Tests of config faults and warnings, in the form that an operator reads.

mod addresses;
mod proxy;
mod routes_and_templates;
mod tls;
mod variables;
mod warnings;

use gatepost::{ConfigError, Gate};

pub(crate) fn errors(config: &str) -> Vec<String> {
    let error = Gate::builder().toml(config).variable("KEY", "s3cret-key").build().unwrap_err();
    error.to_string().lines().map(|line| line.strip_prefix("config:").unwrap().to_owned()).collect()
}

pub(crate) fn build(config: &str) -> Result<Gate, ConfigError> {
    Gate::builder().toml(config).variable("KEY", "s3cret-key").build()
}

const ROUTES: &str = "
[[route]]
path = '/callbacks/kollus/{token}'
provider = 'kollus'
token = { env = 'KEY' }
[[route]]
path = '/callbacks/tencent'
provider = 'tencent-css'
";

/// A template that causes no fault and no warning.
const TEMPLATE: &str =
    "name = 'a'\nprovider = 'tencent-css'\nkeys = [{ env = 'KEY' }]\nbind = ['*']\n";

fn with(template: &str) -> String {
    format!("{ROUTES}[[template]]\n{template}")
}

/// Returns all warnings except those about [`ROUTES`]: a missing template and a short token.
fn other_warnings(gate: &Gate) -> Vec<String> {
    let warnings = gate.warnings().iter().map(ToString::to_string).collect::<Vec<_>>();
    let is_other = |warning: &String| {
        !warning.contains("expected a template for the callbacks")
            && !warning.contains("found a shorter token")
    };
    warnings.into_iter().filter(is_other).collect()
}
