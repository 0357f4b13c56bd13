//! Tests of the removal of a config's secrets from bytes that an operator sees.

use std::collections::{BTreeMap, BTreeSet};

use gatepost::Gate;
use serde_json::Value as Json;
use toml::Value as Toml;

use crate::language::definition;
use crate::vectors;

const ROUTE: &str = "[[route]]\npath = '/hook'\nprovider = 'mux'\n";

const TEMPLATE: &str = "[[template]]\nname = 't'\nprovider = 'mux'\nbind = '*'\n";

const SIGNING_SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

const PRIVATE_KEY: &str = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIJ1hsZ3v\nVpguoRK9JLsL\n\
                           -----END PRIVATE KEY-----\n";

/// Returns a config in which this key of the config's schema has the value of the variable `S`.
/// `certificate` is the path of a certificate file.
fn config(key: &str, certificate: &str) -> Option<String> {
    let from = "{ env = 'S' }";
    let name = key.rsplit('.').next()?;
    let nats = |user: &str| format!("[store]\nurl = 'nats://n1'\n{user}{name} = {from}\n{ROUTE}");
    Some(match key {
        "admin_token" | "admin_read_token" => {
            format!("admin = '127.0.0.1:1'\n{name} = {from}\n{ROUTE}")
        }
        "certificate.key" => {
            format!("[[certificate]]\nchain = '{certificate}'\nkey = {from}\n{ROUTE}")
        }
        "outgoing_tls.key" => {
            format!("[[outgoing_tls]]\ncertificate = '{certificate}'\nkey = {from}\n{ROUTE}")
        }
        "route.token" => {
            format!("[[route]]\npath = '/hook/{{token}}'\nprovider = 'kollus'\ntoken = {from}\n")
        }
        "signing_secret" => format!("{name} = {from}\n{ROUTE}"),
        "store.credentials" | "store.nkey" | "store.token" => nats(""),
        "store.password" => nats("user = 'u'\n"),
        "template.keys" => format!("{ROUTE}{TEMPLATE}keys = {from}\n"),
        "template.signing_secret" => {
            format!("{ROUTE}{TEMPLATE}keys = ['other-k3y']\n{name} = {from}\n")
        }
        _ => return None,
    })
}

/// Returns a valid secret for a key of the config's schema.
fn secret(key: &str) -> String {
    match key.rsplit('.').next().unwrap() {
        "key" => PRIVATE_KEY.to_owned(),
        "credentials" => format!(
            "-----BEGIN NATS USER JWT-----\neyJ0eXAiOiJKV1QifQ\n------END NATS USER JWT------\n\n\
             ***** IMPORTANT *****\n\n-----BEGIN USER NKEY SEED-----\nSU{}\n",
            "A2".repeat(28)
        ),
        "nkey" => format!("SU{}", "A2".repeat(28)),
        "signing_secret" => SIGNING_SECRET.to_owned(),
        _ => "s3cret-of-the-config".to_owned(),
    }
}

/// Adds the path of each key with the type `secret` in `part` to `found`. `part` is a part of
/// `schema`, and `path` is the path of `part`.
fn find_secrets(schema: &Json, part: &Json, path: &str, found: &mut BTreeSet<String>) {
    if *part == schema["$defs"]["secret"] {
        found.insert(path.to_owned());
        return;
    }
    if let Some(other) = part["$ref"].as_str() {
        let target = schema.pointer(other.trim_start_matches('#')).unwrap();
        find_secrets(schema, target, path, found);
    }
    for (name, property) in part["properties"].as_object().into_iter().flatten() {
        let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        find_secrets(schema, property, &path, found);
    }
    for key in ["items", "then", "additionalProperties"] {
        if let Some(inner) = part.get(key) {
            find_secrets(schema, inner, path, found);
        }
    }
    for other in ["allOf", "anyOf"].iter().filter_map(|key| part[key].as_array()).flatten() {
        find_secrets(schema, other, path, found);
    }
}

/// Returns the lines of a secret that are secret on their own.
fn secret_lines(secret: &str) -> impl Iterator<Item = &str> {
    secret.lines().filter(|line| !line.contains(' ') && !line.is_empty())
}

#[test]
fn replaces_every_secret_of_the_config_schema() {
    let schema = gatepost::config_schema();
    let mut keys = BTreeSet::new();
    find_secrets(&schema, &schema, "", &mut keys);
    // The next test covers the settings of each provider.
    keys.retain(|key| !key.starts_with("template.settings."));
    assert!(keys.len() >= 12, "expected at least 12 keys with secrets, found {keys:?}");
    let folder = tempfile::tempdir().unwrap();
    let certificate = folder.path().join("chain.pem");
    std::fs::write(&certificate, "-----BEGIN CERTIFICATE-----\n").unwrap();
    for key in &keys {
        let config = config(key, certificate.to_str().unwrap());
        let config = config.unwrap_or_else(|| panic!("expected a config for {key}, found none"));
        let secret = secret(key);
        let gate = Gate::builder().toml(&config).variable("S", &secret).build();
        let gate = gate.unwrap_or_else(|error| panic!("{key}: expected a gate, found {error}"));
        let redacted = String::from_utf8(gate.redacted(secret.as_bytes()).into_owned()).unwrap();
        for line in secret_lines(&secret) {
            assert!(!redacted.contains(line), "{key}: expected no {line}, found {redacted}");
        }
    }
}

/// Returns the value of a literal secret, or of a secret in an environment variable.
fn value(source: &Toml) -> String {
    let variable = source.get("env").and_then(Toml::as_str);
    let of_variable =
        |name: &str| vectors::VARIABLES.iter().find(|(own, _)| *own == name).unwrap().1;
    variable.map(of_variable).or_else(|| source.as_str()).unwrap().to_owned()
}

#[test]
fn replaces_every_key_and_secret_setting_of_every_provider() {
    let providers = gatepost::providers();
    let mut expected = BTreeSet::new();
    for provider in &providers {
        let settings = provider.settings.iter().filter(|setting| setting.secret);
        expected.extend(settings.map(|setting| (&*provider.name, &*setting.name)));
        expected.extend(provider.keys.then_some((&*provider.name, "keys")));
        expected.extend(provider.token.then_some((&*provider.name, "token")));
    }
    for config in vectors::configs() {
        let builder = Gate::builder().toml(&config);
        let builder = vectors::VARIABLES.iter().fold(builder, |b, (name, v)| b.variable(*name, *v));
        let gate = builder.build().unwrap();
        for ((provider, key), secret) in secrets_of(&toml::from_str::<Toml>(&config).unwrap()) {
            let Some(named) = expected.iter().find(|own| **own == (&*provider, &*key)) else {
                continue;
            };
            let redacted = gate.redacted(secret.as_bytes());
            // gatepost does not replace secrets of fewer than 6 bytes.
            assert!(
                secret.len() < 6 || !String::from_utf8_lossy(&redacted).contains(&secret),
                "{provider}: expected no value of {key}, found one"
            );
            let named = *named;
            expected.remove(&named);
        }
    }
    assert_eq!(
        expected,
        BTreeSet::new(),
        "expected each secret in a config of the vectors, found secrets in no config"
    );
}

/// Returns the secrets of a config, by provider and key.
fn secrets_of(config: &Toml) -> Vec<((String, String), String)> {
    let mut found = Vec::new();
    let tables = |name: &str| config.get(name).and_then(Toml::as_array).cloned();
    let all = ["route", "template"].into_iter().filter_map(tables).flatten();
    for table in all {
        let provider = table["provider"].as_str().unwrap().to_owned();
        let mut add = |key: &str, source: &Toml| {
            found.push(((provider.clone(), key.to_owned()), value(source)));
        };
        if let Some(token) = table.get("token") {
            add("token", token);
        }
        match table.get("keys") {
            Some(Toml::Array(keys)) => keys.iter().for_each(|key| add("keys", key)),
            Some(key) => add("keys", key),
            None => {}
        }
        let settings = table.get("settings").and_then(Toml::as_table);
        let settings: BTreeMap<_, _> = settings.into_iter().flatten().collect();
        for (name, source) in settings.into_iter().filter(|(_, s)| s.is_str() || s.is_table()) {
            add(name, source);
        }
    }
    found
}

/// Builds a gate with the definition of a platform `cam`, and with `config`.
fn gate_of_cam(config: &str) -> Gate {
    let folder = tempfile::TempDir::new().unwrap();
    let kinds = "[kind]\nother = 'a'\n[kinds.a.fields]\n\
                 pin = { type = 'string', optional = true, secret = true, aliases = ['pinCode'] }\n\
                 stream = { type = 'string', optional = true, aliases = ['streamName'] }\n";
    std::fs::write(folder.path().join("cam.toml"), definition(kinds)).unwrap();
    let path = folder.path().join("gatepost.toml");
    std::fs::write(&path, format!("provider_files = ['cam.toml']\n{config}")).unwrap();
    Gate::from_toml_file(path).unwrap_or_else(|error| panic!("expected a gate, found {error}"))
}

#[test]
fn secret_names_contain_aliases_of_secret_fields() {
    let gate = gate_of_cam("[[route]]\npath = '/c'\nprovider = 'cam'\n");
    assert_eq!(gate.secret_names("cam"), ["pin", "pinCode"]);
}

// A store may still contain events of a provider whose route the operator has removed.
#[test]
fn secret_names_of_provider_without_route_are_those_of_its_definition() {
    let gate = gate_of_cam(ROUTE);
    assert_eq!(gate.secret_names("cam"), ["pin", "pinCode"]);
    let names = gate.secret_names("tencent-css");
    assert!(names.iter().any(|name| name == "stream_param"), "{names:?}");
    assert!(names.iter().any(|name| name == "sign"), "{names:?}");
    assert_eq!(gate.secret_names("no-such-provider"), [""; 0]);
}
