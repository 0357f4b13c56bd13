//! Removal of a config's secrets from bytes that an operator sees.

use std::borrow::Cow;
use std::cmp::Reverse;

use memchr::memmem;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode};
use zeroize::Zeroizing;

use crate::config::Config;
use crate::provider::digest::Key;
use crate::secret::Secret;
use crate::template::Template;

/// Length of the shortest secret that gatepost replaces, in bytes. Other text may contain a shorter
/// secret by chance.
const MIN_BYTES: usize = 6;

/// Text in place of a secret.
const MASK: &[u8] = b"***";

/// Start of each object in a PEM file, and of each part of a credentials file of NATS.
const PEM_BEGIN: &[u8] = b"-----BEGIN ";

/// Characters that percent-encoding must encode, RFC 3986.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The spellings of each secret of a config, the longest first.
#[derive(Debug, Default)]
pub(super) struct Redaction(Vec<Secret>);

impl Redaction {
    pub(super) fn of(config: &Config) -> Self {
        let decoded = config.templates().flat_map(keys_of).map(Key::secret);
        let secrets = config.secrets.iter().chain(decoded).flat_map(parts);
        let mut spellings: Vec<_> = secrets.flat_map(spellings).collect();
        // If a secret contains another one, no part of the longer secret may remain.
        spellings.sort_unstable_by(|a, b| {
            let order = |secret: &Secret| Reverse(secret.expose().len());
            order(a).cmp(&order(b)).then_with(|| a.expose().cmp(b.expose()))
        });
        spellings.dedup_by(|a, b| a.matches(b.expose()));
        Self(spellings)
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

/// Returns the keys of a template's callbacks without their prefixes and encodings.
fn keys_of(template: &Template) -> impl Iterator<Item = &Key> {
    let of_kinds = template.proof.kind_keys.iter().flat_map(|of_kind| &of_kind.keys);
    template.proof.keys.iter().chain(of_kinds)
}

/// Returns the parts of a secret that are secret on their own: the lines of a PEM or credentials
/// file, or the whole secret. Omits parts of fewer than [`MIN_BYTES`] bytes.
fn parts(secret: &Secret) -> impl Iterator<Item = &[u8]> {
    let bytes = secret.expose();
    let is_file = memmem::find(bytes, PEM_BEGIN).is_some();
    let lines = bytes.split(move |byte| is_file && *byte == b'\n');
    let lines = lines.map(move |line| if is_file { line.trim_ascii() } else { line });
    let is_label = move |line: &[u8]| is_file && (line.contains(&b' ') || line.starts_with(b"--"));
    lines.filter(move |line| line.len() >= MIN_BYTES && !is_label(line))
}

/// Returns a secret in plain form, percent-encoded, and as in a JSON string.
fn spellings(secret: &[u8]) -> Vec<Secret> {
    let encoded = [RESERVED, NON_ALPHANUMERIC].map(|set| percent_encode(secret, set).to_string());
    let text = std::str::from_utf8(secret).ok();
    let json = text.and_then(|text| serde_json::to_string(text).ok()).map(Zeroizing::new);
    // Some libraries also escape slashes.
    let slashes = json.as_ref().map(|json| Zeroizing::new(json.replace('/', "\\/")));
    let json = json.iter().chain(&slashes).filter_map(|json| json.get(1..json.len() - 1));
    let json = json.map(|json| Secret::new(json.as_bytes()));
    [Secret::new(secret)].into_iter().chain(encoded.map(Secret::new)).chain(json).collect()
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
    fn replaces_secrets_in_plain_percent_encoded_and_json_form() {
        let config = "admin = '127.0.0.1:1'\nadmin_token = 'admin-t0ken'\n\
            [[route]]\npath = '/kollus/{token}'\nprovider = 'kollus'\ntoken = 'path-t0ken'\n\
            [[route]]\npath = '/tencent'\nprovider = 'tencent-css'\n\
            [[template]]\nname = 't'\nprovider = 'tencent-css'\nkeys = ['old-k3y', 'k3y/+one', 'old-k3y2', 'a\"b-c/d']\n\
            bind = '*'\n";
        let gate = Gate::builder().toml(config).build().unwrap();
        for (text, expected) in [
            ("admin-t0ken", "***"),
            ("a path-t0ken b path-t0ken", "a *** b ***"),
            ("old-k3y,k3y/+one", "***,***"),
            ("k3y%2F%2Bone", "***"),
            (r"k3y\/+one", "***"),
            ("old%2Dk3y", "***"),
            ("old-k3", "old-k3"),
            ("old-k3y2", "***"),
            ("a%22b-c%2Fd", "***"),
            (r#"a\"b-c\/d"#, "***"),
            (r#"a\"b-c/d"#, "***"),
        ] {
            let redacted = gate.redacted(text.as_bytes());
            assert_eq!(String::from_utf8_lossy(&redacted), expected);
        }
    }
}
