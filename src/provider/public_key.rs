//! Public keys, which verify the platform's signatures, and private keys, which sign samples.
//!
//! A public key is PEM (`BEGIN PUBLIC KEY`, `BEGIN RSA PUBLIC KEY`, `BEGIN CERTIFICATE`), or the
//! bytes of the key or of its `SubjectPublicKeyInfo` (RFC 5280) in hex or base64. The definition
//! sets the algorithm. If a key is for another algorithm, gatepost does not accept the key.
//!
//! From a certificate, gatepost reads only the public key. gatepost checks neither the issuer nor
//! the validity period, because the operator has chosen the certificate.

use std::sync::Arc;

use data_encoding::{BASE64_NOPAD, BASE64URL_NOPAD, HEXLOWER_PERMISSIVE};
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA256_ASN1_SIGNING, ED25519, EcdsaKeyPair, Ed25519KeyPair,
    RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, RsaKeyPair, UnparsedPublicKey,
};
use spki::der::{self, AnyRef, Decode as _, Document, Reader, SecretDocument, SliceReader};
use spki::{ObjectIdentifier, SubjectPublicKeyInfoRef};

use crate::secret::Secret;

/// An algorithm with a public key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PublicAlgorithm {
    /// ECDSA on P-256 with SHA-256. The signature is ASN.1 DER.
    EcdsaP256Sha256,
    Ed25519,
    /// RSASSA-PKCS1-v1_5 with SHA-256. gatepost accepts keys of 2048 to 8192 bits.
    RsaSha256,
}

/// The public key of a platform.
#[derive(Clone)]
pub(crate) struct PublicKey {
    algorithm: PublicAlgorithm,
    bytes: Arc<[u8]>,
}

/// A private key, which signs samples.
#[derive(Clone)]
pub(crate) struct PrivateKey {
    algorithm: PublicAlgorithm,
    /// The key as PKCS #8 (RFC 5208), or the seed of Ed25519.
    bytes: Secret,
}

const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
const ED: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");
const EC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const P256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");

/// The minimum length of an RSA public key (RFC 8017, A.1.1), in bytes. Each key of 2048 bits
/// or more is longer.
const MIN_RSA_BYTES: usize = 266;

impl PublicAlgorithm {
    const fn object_id(self) -> ObjectIdentifier {
        match self {
            Self::EcdsaP256Sha256 => EC,
            Self::Ed25519 => ED,
            Self::RsaSha256 => RSA,
        }
    }
}

impl PublicKey {
    /// Reads a key. Returns `None` if the text is not a key for the algorithm.
    pub(crate) fn read(algorithm: PublicAlgorithm, text: &Secret) -> Option<Self> {
        let text = std::str::from_utf8(text.expose()).ok()?.trim();
        let bytes = if text.starts_with("-----BEGIN") {
            let (label, document) = Document::from_pem(text).ok()?;
            match label {
                "CERTIFICATE" => key_of_certificate(document.as_bytes()).ok()?,
                "PUBLIC KEY" | "RSA PUBLIC KEY" => document.as_bytes().to_vec(),
                _ => return None,
            }
        } else {
            decoded(text)?
        };
        let key = match SubjectPublicKeyInfoRef::try_from(&*bytes) {
            Ok(info) => {
                let is_curve = || info.algorithm.parameters_oid().is_ok_and(|oid| oid == P256);
                let fits = info.algorithm.oid == algorithm.object_id();
                let fits = fits && (algorithm != PublicAlgorithm::EcdsaP256Sha256 || is_curve());
                info.subject_public_key.as_bytes().filter(|_| fits)?
            }
            Err(_) => &bytes,
        };
        let fits = match algorithm {
            PublicAlgorithm::EcdsaP256Sha256 => key.len() == 65 && key.starts_with(&[4]),
            PublicAlgorithm::Ed25519 => key.len() == 32,
            PublicAlgorithm::RsaSha256 => key.len() >= MIN_RSA_BYTES && key.starts_with(&[0x30]),
        };
        fits.then(|| Self { algorithm, bytes: key.into() })
    }

    pub(crate) fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        let result = match self.algorithm {
            PublicAlgorithm::Ed25519 => {
                UnparsedPublicKey::new(&ED25519, &self.bytes).verify(message, signature)
            }
            PublicAlgorithm::RsaSha256 => {
                let key = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, &self.bytes);
                key.verify(message, signature)
            }
            PublicAlgorithm::EcdsaP256Sha256 => {
                let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, &self.bytes);
                key.verify(message, signature)
            }
        };
        result.is_ok()
    }
}

impl PrivateKey {
    /// Reads a private key: PEM (`BEGIN PRIVATE KEY`), or the 32 bytes of an Ed25519 seed in hex or
    /// base64. Returns `None` if the text is not a key for the algorithm.
    pub(crate) fn read(algorithm: PublicAlgorithm, text: &Secret) -> Option<Self> {
        let text = std::str::from_utf8(text.expose()).ok()?.trim();
        let bytes = if text.starts_with("-----BEGIN") {
            let (label, document) = SecretDocument::from_pem(text).ok()?;
            (label == "PRIVATE KEY").then(|| document.as_bytes().to_vec())?
        } else {
            decoded(text)?
        };
        let key = Self { algorithm, bytes: Secret::new(bytes) };
        key.sign(b"").map(|_| key)
    }

    /// Signs a message. Returns `None` if the key is not valid.
    pub(crate) fn sign(&self, message: &[u8]) -> Option<Vec<u8>> {
        let (bytes, random) = (self.bytes.expose(), SystemRandom::new());
        match self.algorithm {
            PublicAlgorithm::Ed25519 => {
                let pair = match bytes.len() {
                    32 => Ed25519KeyPair::from_seed_unchecked(bytes).ok()?,
                    _ => Ed25519KeyPair::from_pkcs8_maybe_unchecked(bytes).ok()?,
                };
                Some(pair.sign(message).as_ref().to_vec())
            }
            PublicAlgorithm::RsaSha256 => {
                let pair = RsaKeyPair::from_pkcs8(bytes).ok()?;
                let mut signature = vec![0; pair.public().modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature).ok()?;
                Some(signature)
            }
            PublicAlgorithm::EcdsaP256Sha256 => {
                let pair =
                    EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, bytes, &random)
                        .ok()?;
                Some(pair.sign(&random, message).ok()?.as_ref().to_vec())
            }
        }
    }
}

/// Returns the `SubjectPublicKeyInfo` of a certificate (RFC 5280, 4.1).
///
/// # Errors
///
/// Returns an error if the bytes are not a certificate.
fn key_of_certificate(certificate: &[u8]) -> der::Result<Vec<u8>> {
    fn skip<'r>(reader: &mut impl Reader<'r>) -> der::Result<()> {
        AnyRef::decode(reader).map(|_| ())
    }
    let mut reader = SliceReader::new(certificate)?;
    reader.sequence(|certificate| {
        let key = certificate.sequence(|signed| {
            // The version is absent in certificates of version 1.
            if signed.peek_byte() == Some(0xa0) {
                skip(signed)?;
            }
            // Skip the serial number, the algorithm, the issuer, the validity and the subject.
            for _ in 0..5 {
                skip(signed)?;
            }
            let key = signed.tlv_bytes()?.to_vec();
            while !signed.is_finished() {
                skip(signed)?;
            }
            Ok::<_, der::Error>(key)
        })?;
        skip(certificate)?;
        skip(certificate)?;
        Ok(key)
    })
}

/// Decodes hex or base64.
fn decoded(text: &str) -> Option<Vec<u8>> {
    let digits = text.trim_end_matches('=');
    let hex = HEXLOWER_PERMISSIVE.decode(text.as_bytes());
    hex.or_else(|_| BASE64_NOPAD.decode(digits.as_bytes()))
        .or_else(|_| BASE64URL_NOPAD.decode(digits.as_bytes()))
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(text: &str) -> Vec<u8> {
        HEXLOWER_PERMISSIVE.decode(text.as_bytes()).unwrap()
    }

    // RFC 8032, section 7.1, tests 1 to 3: seed, public key, message, signature.
    const ED25519_VECTORS: [[&str; 4]; 3] = [
        [
            "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
            "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
            "",
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
        ],
        [
            "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
            "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
            "72",
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
        ],
        [
            "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
            "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
            "af82",
            "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
        ],
    ];

    // RFC 6979, A.2.5, with SHA-256: message, r, s.
    const P256_VECTORS: [[&str; 3]; 2] = [
        [
            "sample",
            "efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716",
            "f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8",
        ],
        [
            "test",
            "f1abb023518351cd71d881567b1ea663ed3efcf6c5132b354f28d3b0b7d38367",
            "019f4113742a2b14bd25926b49c649155f267e60d3814b4c0cc84250e46f0083",
        ],
    ];
    const P256_KEY: &str = "0460fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb67903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299";

    #[test]
    fn ecdsa_accepts_the_signatures_of_rfc_6979() {
        let algorithm = PublicAlgorithm::EcdsaP256Sha256;
        let key = PublicKey::read(algorithm, &Secret::new(P256_KEY)).unwrap();
        // In ASN.1 DER, a zero byte precedes an integer whose first bit is 1.
        let integer = |digits: &str| {
            let bytes = hex(digits);
            let sign = if bytes[0] < 0x80 { Vec::new() } else { vec![0] };
            [vec![2, u8::try_from(sign.len() + 32).unwrap()], sign, bytes].concat()
        };
        for [message, r, s] in P256_VECTORS {
            let integers = [integer(r), integer(s)].concat();
            let signature = [vec![0x30, u8::try_from(integers.len()).unwrap()], integers].concat();
            assert!(
                key.verify(message.as_bytes(), &signature),
                "expected a valid signature of {message}, found an invalid signature"
            );
            assert!(!key.verify(b"other", &signature));
        }
    }

    #[test]
    fn ed25519_creates_the_signatures_of_rfc_8032() {
        for [seed, public, message, signature] in ED25519_VECTORS {
            let algorithm = PublicAlgorithm::Ed25519;
            let public = PublicKey::read(algorithm, &Secret::new(public)).unwrap();
            let private = PrivateKey::read(algorithm, &Secret::new(seed)).unwrap();
            let (message, signature) = (hex(message), hex(signature));
            assert_eq!(private.sign(&message), Some(signature.clone()));
            assert!(public.verify(&message, &signature));
            assert!(!public.verify(b"other", &signature));
        }
    }
}
