//! Checks that no config causes a panic, and that no output shows the secret `s3cr3t`.
//!
//! Input: a config.

#![no_main]

use gatepost::Gate;
use libfuzzer_sys::fuzz_target;

const SECRET: &str = "s3cr3t";

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    // The target reads no files.
    if text.contains("file") || text.contains('\\') {
        return;
    }
    let built = Gate::builder()
        .toml(text)
        .variable("KOLLUS_TOKEN", SECRET)
        .variable("TENCENT_KEY", "also-s3cr3t")
        .variable("TENCENT_OLDER_KEY", "s3cr3t-too")
        .build();
    let printed = match &built {
        Ok(gate) => format!("{gate:?} {:?} {:?}", gate.warnings(), gate.proxy_settings()),
        Err(error) => format!("{error} {error:?}"),
    };
    assert!(!printed.contains(SECRET) || is_in_name(text), "expected no secret, found {printed}");
});

/// Returns true if the text has `s3cr3t` where gatepost may show it: in the name of a key,
/// provider, kind, tenant or template, in an address, or in a word such as a mode.
fn is_in_name(text: &str) -> bool {
    let Ok(table) = text.parse::<toml::Table>() else { return text.contains(SECRET) };
    // gatepost may show everything in `on`. A key in `SHOWN` permits only the strings of its own
    // value, because `[[template]]` also contains secrets.
    fn named(value: &toml::Value, is_shown: bool, is_in_on: bool) -> bool {
        match value {
            toml::Value::String(text) => (is_shown || is_in_on) && text.contains(SECRET),
            toml::Value::Array(items) => items.iter().any(|item| named(item, is_shown, is_in_on)),
            toml::Value::Table(table) => in_table(table, is_in_on),
            _ => false,
        }
    }
    fn in_table(table: &toml::Table, is_in_on: bool) -> bool {
        const SHOWN: [&str; 14] = [
            "admin",
            "allow",
            "bind",
            "insecure_unsigned",
            "kind",
            "listen",
            "mode",
            "name",
            "path",
            "provider",
            "signature_reuse",
            "template",
            "trusted_proxies",
            "upstream",
        ];
        table.iter().any(|(key, value)| {
            let is_shown = SHOWN.contains(&&**key);
            key.contains(SECRET) || named(value, is_shown, is_in_on || key == "on")
        })
    }
    in_table(&table, false)
}
