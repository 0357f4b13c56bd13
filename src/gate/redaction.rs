//! Removal of a config's secrets from bytes that an operator sees.

use std::borrow::Cow;

use memchr::memmem;
use percent_encoding::{NON_ALPHANUMERIC, percent_encode};

use crate::config::Config;
use crate::provider::digest::Key;
use crate::provider::setting::SettingType;
use crate::secret::Secret;
use crate::template::Template;

/// Length of the shortest secret that gatepost replaces, in bytes. Other text may contain a shorter
/// secret by chance.
const MIN_BYTES: usize = 6;

/// Text in place of a secret.
const MASK: &[u8] = b"***";

/// The secrets of a config: route tokens, keys of templates, secret settings, admin tokens.
#[derive(Debug, Default)]
pub(super) struct Redaction(Vec<Secret>);

impl Redaction {
    pub(super) fn of(config: &Config) -> Self {
        let admin = [&config.proxy.admin_token, &config.proxy.admin_read_token];
        let tokens = config.routes.iter().filter_map(|route| route.token.as_ref());
        let mut secrets: Vec<_> = admin.into_iter().flatten().map(|token| token.secret()).collect();
        secrets.extend(tokens);
        secrets.extend(config.templates().flat_map(secrets_of));
        Self(secrets.into_iter().flat_map(spellings).collect())
    }

    pub(super) fn apply<'b>(&self, bytes: &'b [u8]) -> Cow<'b, [u8]> {
        self.0.iter().fold(Cow::Borrowed(bytes), |bytes, secret| {
            match memmem::find(&bytes, secret.expose()) {
                None => bytes,
                Some(_) => Cow::Owned(replaced(&bytes, secret.expose())),
            }
        })
    }
}

/// Returns a secret in plain and in percent-encoded form. Returns nothing for a short secret.
fn spellings(secret: &Secret) -> impl Iterator<Item = Secret> + use<> {
    let plain = Some(secret).filter(|secret| secret.expose().len() >= MIN_BYTES).cloned();
    let encoded = plain
        .as_ref()
        .map(|secret| Secret::new(percent_encode(secret.expose(), NON_ALPHANUMERIC).to_string()));
    let encoded = encoded.filter(|encoded| !encoded.matches(secret.expose()));
    plain.into_iter().chain(encoded)
}

fn secrets_of(template: &Template) -> impl Iterator<Item = &Secret> {
    let proof = &template.proof;
    let of_kinds = proof.kind_keys.iter().flat_map(|of_kind| &of_kind.keys);
    let settings = template.plan.settings.iter().zip(&template.settings);
    let settings = settings.filter(|(setting, _)| matches!(setting.ty, SettingType::Secret));
    let settings = settings.filter_map(|(_, value)| value.as_ref());
    proof.keys.iter().chain(of_kinds).map(Key::secret).chain(settings)
}

fn replaced(bytes: &[u8], secret: &[u8]) -> Vec<u8> {
    let mut result = Vec::with_capacity(bytes.len());
    let mut from = 0;
    for at in memmem::find_iter(bytes, secret) {
        result.extend_from_slice(&bytes[from..at]);
        result.extend_from_slice(MASK);
        from = at + secret.len();
    }
    result.extend_from_slice(&bytes[from..]);
    result
}

#[cfg(test)]
mod tests {
    use crate::Gate;

    #[test]
    fn replaces_each_secret_of_config_and_its_percent_encoded_form() {
        let config = "admin = '127.0.0.1:1'\nadmin_token = 'admin-t0ken'\n\
            [[route]]\npath = '/kollus/{token}'\nprovider = 'kollus'\ntoken = 'path-t0ken'\n\
            [[route]]\npath = '/tencent'\nprovider = 'tencent-css'\n\
            [[template]]\nname = 't'\nprovider = 'tencent-css'\nkeys = ['old-k3y', 'k3y/+one']\n\
            bind = '*'\n";
        let gate = Gate::builder().toml(config).build().unwrap();
        for (text, expected) in [
            ("admin-t0ken", "***"),
            ("a path-t0ken b path-t0ken", "a *** b ***"),
            ("old-k3y,k3y/+one", "***,***"),
            ("k3y%2F%2Bone", "***"),
            ("old-k3", "old-k3"),
        ] {
            let redacted = gate.redacted(text.as_bytes());
            assert_eq!(String::from_utf8_lossy(&redacted), expected);
        }
    }
}
