//! Tests of signatures that a public key verifies.

use super::{
    EVENT, assert_fault, code, definition, gate, key_file, keys, refuses_flipped_body,
    refuses_flipped_header, sample, send, set_header, try_gate,
};

fn key_pair_definition(digest: &str, encoding: &str) -> String {
    definition(&format!(
        "[signature]\ndigest = '{digest}'\nparts = 'body'\nfound_in = 'header:x-sig'\n\
         encoding = '{encoding}'\n{EVENT}sample = '{{\"type\":\"recording-stopped\"}}'\n"
    ))
}

/// The algorithms, each with the encoding of its signatures, the name of its key files, and a
/// signature that Python's `cryptography` computed for the sample.
const KEY_PAIRS: [(&str, &str, &str, &str); 3] = [
    (
        "rsa-sha256",
        "base64",
        "rsa",
        "IobjV4utb2W9zXBOaTeKhYD+kqv0BFmU9z7vv0cquZBcmHtokhhj3OjiKsJ2/S14PSCsEjOsn96P6FWnBeXtQi04heDjZOyAvLuep20AsA+jCp1SIACnqzOJGuvXngk8De6t8jgNMM9L6vOpUpxG8gSrBCmpaGjt6zCKzQYy/QEKQD+sfxymHgGpY3dwGy0q8dSC4T95idrBNhErw7HR7soCleKHzkLO5HG9VBr1LbXqKQf+Oab2DjoWGqSmPU7vGd853sd1bA57RRO1S5Pczf5zOaxzwFpAz2xyHO4OYlHj9yhrdSii3OdBRdnAl2j9L805PhDHNLr4LyRV+5oNzQ==",
    ),
    (
        "ecdsa-p256-sha256",
        "base64",
        "ec",
        "MEUCIAz9SvDTW3qK9FGVJ5Ex7c6LIKSyDGDS0KxBdiQhrZ5qAiEA6WJ3SFy8pBh2D9QCef4As4rkOx9yIO61rRy+2HXxogM=",
    ),
    (
        "ed25519",
        "hex",
        "ed",
        "9af8f45c544c14806755efb4e9e922bb14c2b1cd282c5b69634e95db64aebf23ef9be7e2e1636083235ffb41d800aaab0e97b3222be60bb6f6df8b8171203406",
    ),
];

#[test]
fn verifies_signature_with_public_key() {
    for (digest, encoding, name, independent) in KEY_PAIRS {
        let text = key_pair_definition(digest, encoding);
        let public = key_file(&format!("{name}_public"));
        let gate = gate(&text, &keys(&public));
        let mut request = sample(&text, "event", &key_file(&format!("{name}_private")));
        assert_eq!(code(send(&gate, &request)), "event", "{digest}");
        refuses_flipped_body(&gate, &request);
        set_header(&mut request, "x-sig", independent);
        assert_eq!(code(send(&gate, &request)), "event", "{digest}");
        refuses_flipped_header(&gate, &request, "x-sig", encoding == "hex");
        set_header(&mut request, "x-sig", "");
        let verdict = code(send(&gate, &request));
        assert!(
            verdict.starts_with("signature_m"),
            "{digest}: expected a refusal of an empty signature, found {verdict}"
        );
    }
}

#[test]
fn public_key_may_be_hex_or_base64() {
    let text = key_pair_definition("ed25519", "hex");
    let request = sample(&text, "event", &key_file("ed_private"));
    for key in [
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=",
        "MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=",
    ] {
        let gate = gate(&text, &keys(key));
        assert_eq!(code(send(&gate, &request)), "event", "{key}");
    }
}

#[test]
fn reports_key_that_is_not_a_public_key_for_the_digest() {
    for (digest, key) in [
        ("ed25519", key_file("rsa_public")),
        ("ed25519", key_file("ed_private")),
        ("ed25519", "text".to_owned()),
        ("rsa-sha256", key_file("ec_public")),
        ("rsa-sha256", key_file("weak_public")),
        ("rsa-sha256", key_file("ed_public")),
        ("ecdsa-p256-sha256", key_file("p384_public")),
        ("ecdsa-p256-sha256", key_file("rsa_private")),
    ] {
        let error = try_gate(&key_pair_definition(digest, "hex"), &keys(&key)).unwrap_err();
        assert!(
            error.contains("expected a public key in PEM, hex or base64"),
            "{digest}: expected a fault about a public key in PEM, hex or base64, found {error}"
        );
        assert!(!error.contains("MII"), "expected no key in the error, found {error}");
    }
    let ed = "[signature]\ndigest = 'ed25519'\nfound_in = 'header:s'\nencoding = 'hex'\n";
    assert_fault(&format!("{ed}parts = ['key', 'body']\n{EVENT}"), "expected parts other than");
    assert_fault(&format!("{ed}{EVENT}"), "expected parts other than the key, found none");
}
