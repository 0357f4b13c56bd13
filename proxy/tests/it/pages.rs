//! Test that serves the config of each page in `src/manual/platforms`, and sends a sample of every
//! kind.

use std::collections::HashMap;
use std::path::Path;

use gatepost::{Definition, ProviderInfo};
use tempfile::TempDir;

use crate::mock::{Act, App};
use crate::support::{Program, free_port, gatepost};

/// Returns the config on the platform's page.
fn config_of_page(provider: &ProviderInfo) -> String {
    let file = format!("src/manual/platforms/{}.md", provider.name.replace('-', "_"));
    let page = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(file))
        .unwrap();
    let (_, rest) = page.split_once("```toml\n").unwrap();
    rest.split_once("```").unwrap().0.to_owned()
}

/// Returns the private key in `tests/it/keys` for a platform that signs with a private key.
fn private_key(folder: &Path, provider: &ProviderInfo) -> String {
    let keys = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/it/keys");
    let file = folder.join(format!("{}.key", provider.name));
    let fits = |kind: &&str| {
        let public = std::fs::copy(keys.join(format!("{kind}_public.pem")), &file);
        let config = folder.join(format!("init-{}.toml", provider.name));
        public.is_ok()
            && gatepost().args(["check", "-c"]).arg(config).output().unwrap().status.success()
    };
    let kind = ["rsa", "ed", "ec"].into_iter().find(fits);
    let kind = kind.unwrap_or_else(|| {
        panic!("{}: expected a key in tests/it/keys, found none", provider.name)
    });
    std::fs::read_to_string(keys.join(format!("{kind}_private.pem"))).unwrap()
}

/// The secrets of a platform.
struct Secrets {
    /// The secret for `gatepost send`.
    key: String,
    /// The secret segment of the path.
    token: String,
    /// The secret settings.
    settings: HashMap<String, String>,
}

/// Creates the platform's secrets in `folder`.
fn new_secrets(folder: &Path, provider: &ProviderInfo) -> Secrets {
    let mut init = gatepost();
    let config = format!("init-{}.toml", provider.name);
    init.args(["init", "--provider", &provider.name, "--out", &config]).current_dir(folder);
    let output = init.output().unwrap();
    assert!(
        output.status.success(),
        "{}: expected success of init, found {output:?}",
        provider.name
    );
    let read = |ending: &str| {
        let file = folder.join(format!("{}.{ending}", provider.name));
        std::fs::read_to_string(file).ok().map(|secret| secret.trim().to_owned())
    };
    let secret = provider.settings.iter().filter(|setting| setting.secret);
    let settings = secret.map(|setting| {
        let value = read(&setting.name).unwrap_or_else(|| {
            panic!("{}: expected a file of {}, found none", provider.name, setting.name)
        });
        (setting.name.to_string(), value)
    });
    let settings = settings.collect();
    let token = read("token").unwrap_or_default();
    let key = match provider.keys {
        false => token.clone(),
        true => read("key").unwrap_or_else(|| private_key(folder, provider)),
    };
    Secrets { key, token, settings }
}

/// Returns the setting that contains the key of the kind's signature; `None` for a key in
/// `keys` of the template, and for a kind without a signature.
fn key_setting(provider: &ProviderInfo, kind: &str) -> Option<String> {
    let file = format!("src/provider/definitions/{}.toml", provider.name.replace('-', "_"));
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(file);
    let definition: toml::Table = std::fs::read_to_string(file).unwrap().parse().unwrap();
    let signature = definition["kinds"].get(kind)?.get("signature")?;
    Some(signature.get("key")?.get("setting")?.as_str()?.to_owned())
}

/// Returns a key that the template does not have: for a private key, another private key of its
/// type; for any other key, `other`.
fn other_key(provider: &ProviderInfo, key: &str, other: &str) -> String {
    let keys = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/it/keys");
    if !key.starts_with("-----") {
        return other.to_owned();
    }
    let kind = match key.len() {
        ..200 => "ed",
        200..1000 => "ec",
        _ => "rsa",
    };
    std::fs::read_to_string(keys.join(format!("{kind}_other_private.pem")))
        .unwrap_or_else(|error| panic!("{}: expected a private key, found {error}", provider.name))
}

/// Returns the path on which the page's config receives `kind`.
fn path_of(config: &str, kind: &str) -> String {
    let routes: Vec<_> = config.split("[[route]]").skip(1).collect();
    let own = format!("kind     = \"{kind}\"");
    let route = routes.iter().find(|route| route.contains(&own)).unwrap_or(&routes[0]);
    route.split('"').nth(1).unwrap().to_owned()
}

/// Sends a sample with `gatepost send`, and returns the first line of its output: the status.
fn send(provider: &ProviderInfo, kind: &str, to: &str, secrets: &Secrets) -> String {
    let Secrets { key, token, settings } = secrets;
    let mut send = gatepost();
    let to = to.replace("{token}", token);
    send.args(["send", &format!("{}.{kind}", provider.name), "--to", &to]);
    let of_setting = key_setting(provider, kind).map(|setting| &settings[&setting]);
    if let Some(key) = of_setting.or(provider.keys.then_some(key)) {
        // A private key begins with dashes, so after `--key `, it looks like an option.
        send.arg(format!("--key={key}"));
    }
    let output = send.output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    String::from_utf8(text).unwrap().lines().next().unwrap_or_default().to_owned()
}

#[test]
fn config_of_each_page_accepts_every_kind_and_refuses_other_secrets() {
    let app = App::start(|_| Act::Answer(200, "{\"allow\":true}"));
    let (folder, other) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let port = free_port();
    let mut config = format!("listen = [\"127.0.0.1:{port}\"]\nbreaker = false\n\n");
    let mut platforms = Vec::new();
    for name in Definition::built_in_names() {
        let definition = Definition::built_in(name).unwrap();
        let provider = definition.info();
        let page = config_of_page(&provider);
        config += &page.replace("http://127.0.0.1:3000", &app.url(""));
        let secrets = [&folder, &other].map(|folder| new_secrets(folder.path(), &provider));
        platforms.push((definition, page, secrets));
    }
    let file = folder.path().join("gatepost.toml");
    std::fs::write(&file, config).unwrap();
    let mut run = gatepost();
    let _program = Program::start(run.arg("run").current_dir(&folder));
    drop(crate::support::connect(port));
    assert!(platforms.len() > 50, "expected more than 50 platforms, found {}", platforms.len());
    for (definition, page, [secrets, other]) in platforms {
        let provider = definition.info();
        for kind in &provider.kinds {
            let to = format!("http://127.0.0.1:{port}{}", path_of(&page, &kind.name));
            let status = send(&provider, &kind.name, &to, &secrets);
            let name = format!("{}.{}", provider.name, kind.name);
            assert!(status.starts_with('2'), "{name}: expected a 2xx status, found {status}");
            let is_signed = definition.signs(&kind.name);
            if provider.keys && !provider.token && !is_signed {
                continue;
            }
            let token = if is_signed { &secrets.token } else { &other.token };
            let other = Secrets {
                key: other_key(&provider, &secrets.key, &other.key),
                token: token.clone(),
                settings: other.settings.clone(),
            };
            let status = send(&provider, &kind.name, &to, &other);
            assert!(status.starts_with("401"), "{name}: expected 401, found {status}");
        }
    }
}
