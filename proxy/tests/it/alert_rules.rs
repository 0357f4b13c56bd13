//! Tests of the alert rules in `examples/prometheus`.

use std::path::Path;
use std::process::Command;

const RULES: &str = include_str!("../../../examples/prometheus/gatepost.rules.yml");
const TESTS: &str = include_str!("../../../examples/prometheus/gatepost.rules.test.yml");

#[test]
fn each_alert_fires_in_a_test() {
    let alerts: Vec<_> =
        RULES.lines().filter_map(|line| line.trim().strip_prefix("- alert: ")).collect();
    assert!(alerts.len() >= 20, "expected at least 20 alerts, found {alerts:?}");
    for alert in alerts {
        let fires = format!("alertname: {alert}\n        exp_alerts:\n          - exp_labels:");
        assert!(TESTS.contains(&fires), "expected a test in which {alert} fires, found none");
    }
}

#[test]
#[ignore = "needs promtool from Debian's package prometheus"]
fn alert_rules_pass_their_tests() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/prometheus");
    for arguments in
        [&["test", "rules", "gatepost.rules.test.yml"][..], &["check", "config", "prometheus.yml"]]
    {
        let mut promtool = Command::new("promtool");
        let output = promtool.args(arguments).current_dir(&folder).output();
        let output = output.expect("expected promtool, found an error; run tests/require promtool");
        let text = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        assert!(output.status.success(), "expected success, found {text}");
    }
}
