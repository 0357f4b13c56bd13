//! Signatures with private keys, created and checked by libraries that gatepost does not use.

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use ed25519_dalek::{Signature, VerifyingKey};
use http::HeaderValue;
use p256::ecdsa;
use p256::ecdsa::signature::{SignatureEncoding as _, Signer as _, Verifier as _};
use p256::pkcs8::{DecodePrivateKey as _, DecodePublicKey as _};
use rsa::pkcs1v15;
use sha2::Sha256;

use super::unpadded;
use crate::Request;

const EC_TIME: &str = "x-twilio-email-event-webhook-timestamp";

const EC_SIGNATURE: &str = "x-twilio-email-event-webhook-signature";

/// The public key of the vectors, and the public key of SendGrid's published vector.
static EC: LazyLock<[ecdsa::VerifyingKey; 2]> = LazyLock::new(|| {
    let own = include_str!("../../../it/keys/ec_public.pem");
    let published = "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE83T4O/n84iotIvIW4mdBgQ/7dAfSmpqIM8kF9mN1flpVKS3GRqe62gw+2fNNRaINXvVpiglSI8eNEc6wEA3F+g==";
    let published = STANDARD.decode(published).expect("expected base64, found an error");
    let key =
        |key: p256::pkcs8::spki::Result<_>| key.expect("expected a public key, found an error");
    [
        key(ecdsa::VerifyingKey::from_public_key_pem(own)),
        key(ecdsa::VerifyingKey::from_public_key_der(&published)),
    ]
});

static EC_PRIVATE: LazyLock<ecdsa::SigningKey> = LazyLock::new(|| {
    let key = include_str!("../../../it/keys/ec_private.pem");
    ecdsa::SigningKey::from_pkcs8_pem(key).expect("expected a private key, found an error")
});

static RSA: LazyLock<pkcs1v15::VerifyingKey<Sha256>> = LazyLock::new(|| {
    let key = include_str!("../../../it/keys/rsa_public.pem");
    let key =
        rsa::PublicKey::from_public_key_pem(key).expect("expected a public key, found an error");
    pkcs1v15::VerifyingKey::new(key)
});

static RSA_PRIVATE: LazyLock<pkcs1v15::SigningKey<Sha256>> = LazyLock::new(|| {
    let key = include_str!("../../../it/keys/rsa_private.pem");
    let key = rsa::PrivateKey::from_pkcs8_pem(key).expect("expected a private key, found an error");
    pkcs1v15::SigningKey::new(key)
});

fn header<'r>(request: &'r Request, name: &str) -> Option<&'r [u8]> {
    request.headers.get(name).map(HeaderValue::as_bytes)
}

fn decoded(request: &Request, name: &str) -> Option<Vec<u8>> {
    STANDARD_NO_PAD.decode(unpadded(header(request, name)?)).ok()
}

fn insert(request: &mut Request, name: &'static str, text: &str) {
    let value = HeaderValue::from_str(text).expect("expected ASCII, found an error");
    request.headers.insert(name, value);
}

/// Checks SendGrid's signature of the time and the body. Does not compare the time with the clock.
pub fn sendgrid_holds(request: &Request) -> bool {
    let (Some(time), Some(given)) = (header(request, EC_TIME), decoded(request, EC_SIGNATURE))
    else {
        return false;
    };
    let Ok(given) = ecdsa::Signature::from_der(&given) else { return false };
    let message = [time, &request.body].concat();
    EC.iter().any(|key| key.verify(&message, &given).is_ok())
}

pub fn sign_sendgrid(request: &mut Request) {
    let time = request.now.to_string();
    let message = [time.as_bytes(), &request.body].concat();
    let signature: ecdsa::DerSignature = EC_PRIVATE.sign(&message);
    insert(request, EC_TIME, &time);
    insert(request, EC_SIGNATURE, &STANDARD.encode(signature.as_bytes()));
}

/// Checks VideoSDK's signature of the body.
pub fn videosdk_holds(request: &Request) -> bool {
    let given = decoded(request, "videosdk-signature");
    let given = given.and_then(|given| pkcs1v15::Signature::try_from(&*given).ok());
    given.is_some_and(|given| RSA.verify(&request.body, &given).is_ok())
}

pub fn sign_videosdk(request: &mut Request) {
    let signature = RSA_PRIVATE.sign(&request.body).to_vec();
    insert(request, "videosdk-signature", &STANDARD.encode(signature));
}

/// Verifies a `v1a` signature of Standard Webhooks.
pub fn webhooks_verifies(message: &[u8], signature: &[u8]) -> bool {
    let key = STANDARD.decode("1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4=").ok();
    let key = key
        .and_then(|key| VerifyingKey::try_from(&*key).ok())
        .expect("expected a public key, found an error");
    let signature = Signature::from_slice(signature);
    signature.is_ok_and(|signature| key.verify(message, &signature).is_ok())
}
