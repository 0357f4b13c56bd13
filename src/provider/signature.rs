//! Signatures: what is hashed, what it is compared with, and for how long it holds.
//!
//! The stages, in order; each refuses with a code of its own:
//!
//! 1. The signature is where the definition says, and so is every signed part.
//! 2. Its text decodes to a digest.
//! 3. One of the template's keys gives the same digest. All keys are tried and each comparison
//!    takes the same time, so the time taken tells nothing.
//! 4. The time that was signed lies in the window, on both sides.

use md5::{Digest as _, Md5};
use subtle::{Choice, ConstantTimeEq};

use super::pointer::Pointer;
use crate::json::Object;
use crate::secret::Secret;
use crate::time::{Timestamp, Unit};

/// How a provider signs.
#[derive(Clone, Debug)]
pub(crate) struct Signature {
    pub(crate) digest: Digest,
    pub(crate) parts: Vec<Part>,
    pub(crate) found_in: Pointer,
    pub(crate) encoding: Encoding,
    pub(crate) time: TimeRule,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Digest {
    Md5,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encoding {
    Hex,
}

/// One piece of what is hashed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// The secret itself, as plain digests have it.
    Key,
    /// A field's text, as received.
    Field(Pointer),
}

/// Which field holds the time, and what it means.
#[derive(Clone, Debug)]
pub(crate) struct TimeRule {
    pub(crate) from: Pointer,
    pub(crate) unit: Unit,
    pub(crate) means: Means,
    pub(crate) window: Window,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Means {
    /// After this moment the callback is void.
    Expiry,
}

/// How far the signed time may lie from now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Window {
    /// After the expiry: room for the sender's retries.
    pub(crate) grace_secs: i64,
    /// Before the expiry: a longer life than the platform gives is a forgery to keep.
    pub(crate) max_ahead_secs: i64,
}

/// Why a signature does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum SignatureFault {
    Expired { secs_ago: i64 },
    Malformed,
    Mismatch,
    Missing { pointer: String },
    TimeMalformed,
    TooFarAhead { secs: i64 },
}

const MD5_LEN: usize = 16;

impl Signature {
    pub(crate) fn verify(
        &self,
        object: &Object<'_>,
        keys: &[Secret],
        window: Window,
        now: Timestamp,
    ) -> Result<(), SignatureFault> {
        let given = self.given(object)?;
        let mut matched = Choice::from(0);
        for key in keys {
            matched |= self.compute(object, key)?.ct_eq(&given);
        }
        if !bool::from(matched) {
            return Err(SignatureFault::Mismatch);
        }
        self.time.check(object, window, now)
    }

    /// Whether the member belongs to the signature and not to the event.
    pub(crate) fn consumes(&self, name: &str) -> bool {
        [&self.found_in, &self.time.from].into_iter().any(|p| p.top_level() == Some(name))
    }

    fn given(&self, object: &Object<'_>) -> Result<[u8; MD5_LEN], SignatureFault> {
        let text = self.found_in.text(object).ok_or_else(|| missing(&self.found_in))?;
        match self.encoding {
            Encoding::Hex => decode_hex(text.as_bytes()).ok_or(SignatureFault::Malformed),
        }
    }

    fn compute(&self, object: &Object<'_>, key: &Secret) -> Result<[u8; MD5_LEN], SignatureFault> {
        match self.digest {
            Digest::Md5 => {
                let mut hash = Md5::new();
                for part in &self.parts {
                    match part {
                        Part::Key => hash.update(key.expose()),
                        Part::Field(pointer) => {
                            let text = pointer.text(object).ok_or_else(|| missing(pointer))?;
                            hash.update(text.as_bytes());
                        }
                    }
                }
                Ok(hash.finalize().into())
            }
        }
    }
}

impl TimeRule {
    fn check(
        &self,
        object: &Object<'_>,
        window: Window,
        now: Timestamp,
    ) -> Result<(), SignatureFault> {
        let text = self.from.text(object).ok_or(SignatureFault::TimeMalformed)?;
        let at = self.unit.parse(&text).ok_or(SignatureFault::TimeMalformed)?;
        match self.means {
            Means::Expiry => {
                let secs = at.as_secs().saturating_sub(now.as_secs());
                if secs < -window.grace_secs {
                    return Err(SignatureFault::Expired { secs_ago: secs.saturating_neg() });
                }
                if secs > window.max_ahead_secs {
                    return Err(SignatureFault::TooFarAhead { secs });
                }
                Ok(())
            }
        }
    }
}

fn missing(pointer: &Pointer) -> SignatureFault {
    SignatureFault::Missing { pointer: pointer.to_string() }
}

/// Exactly `N` bytes in hex, of either case.
fn decode_hex<const N: usize>(text: &[u8]) -> Option<[u8; N]> {
    let (pairs, []) = text.as_chunks::<2>() else { return None };
    let mut bytes = [0; N];
    if pairs.len() != N {
        return None;
    }
    for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
        let digit = |c: u8| char::from(c).to_digit(16).and_then(|d| u8::try_from(d).ok());
        *byte = digit(*high)? << 4 | digit(*low)?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    // The one signature that Tencent publishes with values that verify: `sign` = MD5(key + t).
    const SIGN: &str = "ca3e25e5dc17a6f9909a9ae7281e300d";
    const T: i64 = 1_545_030_873;

    fn signature() -> Signature {
        let pointer = |text| Pointer::parse(text).unwrap();
        Signature {
            digest: Digest::Md5,
            parts: vec![Part::Key, Part::Field(pointer("/t"))],
            found_in: pointer("/sign"),
            encoding: Encoding::Hex,
            time: TimeRule {
                from: pointer("/t"),
                unit: Unit::Seconds,
                means: Means::Expiry,
                window: Window { grace_secs: 180, max_ahead_secs: 900 },
            },
        }
    }

    fn verify(body: &str, keys: &[&str], now: i64) -> Result<(), SignatureFault> {
        let keys: Vec<_> = keys.iter().map(|key| Secret::new(*key)).collect();
        let signature = signature();
        let object = Object::from_json(body).unwrap();
        signature.verify(&object, &keys, signature.time.window, Timestamp::from_secs(now))
    }

    fn signed(t: &str, sign: &str) -> String {
        format!("{{\"t\":{t},\"sign\":{sign}}}")
    }

    #[test]
    fn takes_the_published_signature_with_t_as_number_and_as_string() {
        let sign = format!("{SIGN:?}");
        assert_eq!(verify(&signed("1545030873", &sign), &["test"], T), Ok(()));
        assert_eq!(verify(&signed("\"1545030873\"", &sign), &["test"], T), Ok(()));
        assert_eq!(verify(&signed("1545030873", &sign.to_uppercase()), &["test"], T), Ok(()));
    }

    #[test]
    fn any_of_several_keys_will_do() {
        let body = signed("1545030873", &format!("{SIGN:?}"));
        assert_eq!(verify(&body, &["new", "test"], T), Ok(()));
        assert_eq!(verify(&body, &["test", "new"], T), Ok(()));
        assert_eq!(verify(&body, &["new"], T), Err(SignatureFault::Mismatch));
        assert_eq!(verify(&body, &[], T), Err(SignatureFault::Mismatch));
    }

    #[test]
    fn any_other_digit_is_refused() {
        for at in 0..SIGN.len() {
            let mut sign = SIGN.to_owned().into_bytes();
            sign[at] = if sign[at] == b'0' { b'1' } else { b'0' };
            let body = signed("1545030873", &format!("{:?}", String::from_utf8(sign).unwrap()));
            assert_eq!(verify(&body, &["test"], T), Err(SignatureFault::Mismatch), "digit {at}");
        }
    }

    #[test]
    fn the_window_has_two_edges() {
        let body = signed("1545030873", &format!("{SIGN:?}"));
        assert_eq!(verify(&body, &["test"], T + 180), Ok(()));
        assert_eq!(
            verify(&body, &["test"], T + 181),
            Err(SignatureFault::Expired { secs_ago: 181 })
        );
        assert_eq!(verify(&body, &["test"], T - 900), Ok(()));
        assert_eq!(
            verify(&body, &["test"], T - 901),
            Err(SignatureFault::TooFarAhead { secs: 901 })
        );
    }

    #[test]
    fn each_stage_has_its_own_fault() {
        let missing = |pointer: &str| SignatureFault::Missing { pointer: pointer.into() };
        let cases = [
            (r#"{"t":1545030873}"#, missing("/sign")),
            (r#"{"t":1545030873,"sign":null}"#, missing("/sign")),
            (r#"{"t":1545030873,"sign":"ca3e"}"#, SignatureFault::Malformed),
            (
                r#"{"t":1545030873,"sign":"zz3e25e5dc17a6f9909a9ae7281e300d"}"#,
                SignatureFault::Malformed,
            ),
            (r#"{"sign":"ca3e25e5dc17a6f9909a9ae7281e300d"}"#, missing("/t")),
        ];
        for (body, fault) in cases {
            assert_eq!(verify(body, &["test"], T), Err(fault), "{body}");
        }
    }

    #[test]
    fn a_signed_time_that_is_no_number_is_refused() {
        let digest: [u8; MD5_LEN] = Md5::digest(b"testsoon").into();
        let sign: String = digest.iter().map(|b| format!("{b:02x}")).collect();
        let body = signed("\"soon\"", &format!("{sign:?}"));
        assert_eq!(verify(&body, &["test"], T), Err(SignatureFault::TimeMalformed));
    }
}
