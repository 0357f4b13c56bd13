//! Tests of values that come from environment variables.

use std::time::Duration;

use gatepost::{ConfigError, Gate};

const WITH_VARIABLES: &str = "
listen = [{ env = 'LISTEN' }, ':1']
upstream = { env = 'UP' }
threads = { env = 'THREADS' }

[[route]]
path = '/a'
provider = 'mux'

[[template]]
name = 'm'
provider = 'mux'
bind = '*'
insecure_unsigned = true

[template.on]
video = { url = [{ env = 'APP' }, 'http://b/e'], timeout_ms = { env = 'MS' } }
'*' = { env = 'APP' }
";

fn with_variables(values: &[(&str, &str)]) -> Result<Gate, ConfigError> {
    let config = WITH_VARIABLES.replace("video", "'video.asset.ready'");
    let builder = Gate::builder().toml(config);
    values.iter().fold(builder, |builder, (name, value)| builder.variable(*name, *value)).build()
}

const VALUES: [(&str, &str); 5] = [
    ("LISTEN", "localhost:8080"),
    ("UP", "http://10.0.0.1:3000\n"),
    ("THREADS", "3"),
    ("APP", "http://a/e"),
    ("MS", "700"),
];

#[test]
fn reads_strings_and_numbers_from_environment_variables() {
    let gate = with_variables(&VALUES).unwrap();
    let settings = gate.proxy_settings();
    assert_eq!(settings.listen[0].to_string(), "127.0.0.1:8080");
    assert_eq!(settings.upstream.unwrap().to_string(), "http://10.0.0.1:3000/");
    assert_eq!(settings.threads.unwrap().get(), 3);
    let circuits: Vec<_> = gate.circuits().into_iter().map(|own| own.address).collect();
    assert_eq!(circuits, ["http://a/e", "http://a/e, http://b/e"]);
}

#[test]
fn reports_unusable_environment_variable_but_does_not_show_its_value() {
    let error = with_variables(&VALUES[..4]).unwrap_err();
    let [fault] = error.faults() else { panic!("expected one fault, found {error}") };
    assert_eq!(fault.problem(), "expected a value of the environment variable `MS`, found none");
    for (name, wrong, problem) in [
        (
            "THREADS",
            "s3cret",
            "expected a number from 1 to 1024, found another string in the environment variable `THREADS`",
        ),
        (
            "THREADS",
            "0",
            "expected a number from 1 to 1024, found another string in the environment variable `THREADS`",
        ),
        ("LISTEN", "s3cret", "expected an address to listen on, found no port"),
        ("UP", "s3cret", "expected a valid URL, found no http:// or https://"),
    ] {
        let values = VALUES.map(|(own, value)| (own, if own == name { wrong } else { value }));
        let error = with_variables(&values).unwrap_err();
        assert_eq!(error.faults()[0].problem(), problem);
        assert!(
            !error.to_string().contains("s3cret"),
            "expected no value of the variable, found {error}"
        );
    }
}

#[test]
fn reads_durations_with_unit_from_environment_variables() {
    let config = |value: &str| {
        let toml = "upstream_idle = { env = 'IDLE' }\n[[route]]\npath = '/a'\nprovider = 'mux'";
        Gate::builder().toml(toml).variable("IDLE", value).build()
    };
    let gate = config("1500ms\n").unwrap();
    assert_eq!(gate.proxy_settings().upstream_idle, Duration::from_millis(1500));
    let error = config("s3cret").unwrap_err();
    let [fault] = error.faults() else { panic!("expected one fault, found {error}") };
    assert_eq!(fault.problem(), "expected a duration with a unit, found no duration");
    assert_eq!(fault.excerpt(), "upstream_idle = { env = 'IDLE' }");
}
