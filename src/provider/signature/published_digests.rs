//! Tests of the digests with values that their standards publish.

use super::expected::Expected;
use super::jwt::Token;
use super::rule::algorithm;
use crate::provider::digest::{Digest, Encoding, Key};
use crate::provider::public_key::PublicAlgorithm;
use crate::secret::Secret;

/// The key of test case 4 of RFC 2202 and of RFC 4231: the bytes 1 to 25.
const COUNT: [u8; 25] =
    [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25];

fn assert_digest(digest: Digest, key: &[u8], message: &[u8], expected: &str) {
    let mut input = digest.key(Secret::new(key)).start();
    input.update(message);
    let found = Encoding::Hex.encode(input.finish().as_slice());
    assert_eq!(found, expected, "{} of {message:?}", digest.name());
}

/// <https://www.rfc-editor.org/rfc/rfc2202#section-3>
#[test]
fn hmac_sha1_gives_the_values_of_rfc_2202() {
    let cases: [(&[u8], &[u8], &str); 7] = [
        (&[0x0b; 20], b"Hi There", "b617318655057264e28bc0b6fb378c8ef146be00"),
        (b"Jefe", b"what do ya want for nothing?", "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"),
        (&[0xaa; 20], &[0xdd; 50], "125d7342b9ac11cd91a39af48aa17b4f63f175d3"),
        (&COUNT, &[0xcd; 50], "4c9007f4026250c6bc8414f9bf50c86c2d7235da"),
        (&[0x0c; 20], b"Test With Truncation", "4c1a03424b55e07fe7f27be1d58bb9324a9a5a04"),
        (
            &[0xaa; 80],
            b"Test Using Larger Than Block-Size Key - Hash Key First",
            "aa4ae5e15272d00e95705637ce8a3b55ed402112",
        ),
        (
            &[0xaa; 80],
            b"Test Using Larger Than Block-Size Key and Larger Than One Block-Size Data",
            "e8e99d0f45237d786d6bbaa7965c7808bbff1a91",
        ),
    ];
    for (key, message, expected) in cases {
        assert_digest(Digest::HmacSha1, key, message, expected);
    }
}

/// Covers the test cases 1 to 4, 6 and 7. Omits test case 5, which truncates its digests.
/// <https://www.rfc-editor.org/rfc/rfc4231#section-4>
#[test]
fn hmac_sha256_and_hmac_sha512_give_the_values_of_rfc_4231() {
    const LONG: &str = "This is a test using a larger than block-size key and a larger than block-si\
                        ze data. The key needs to be hashed before being used by the HMAC algorithm.";
    let cases: [(&[u8], &[u8], &str, &str); 6] = [
        (
            &[0x0b; 20],
            b"Hi There",
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
            "87aa7cdea5ef619d4ff0b4241a1d6cb02379f4e2ce4ec2787ad0b30545e17cde\
             daa833b7d6b8a702038b274eaea3f4e4be9d914eeb61f1702e696c203a126854",
        ),
        (
            b"Jefe",
            b"what do ya want for nothing?",
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
            "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554\
             9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737",
        ),
        (
            &[0xaa; 20],
            &[0xdd; 50],
            "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe",
            "fa73b0089d56a284efb0f0756c890be9b1b5dbdd8ee81a3655f83e33b2279d39\
             bf3e848279a722c806b485a47e67c807b946a337bee8942674278859e13292fb",
        ),
        (
            &COUNT,
            &[0xcd; 50],
            "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b",
            "b0ba465637458c6990e5a8c5f61d4af7e576d97ff94b872de76f8050361ee3db\
             a91ca5c11aa25eb4d679275cc5788063a5f19741120c4f2de2adebeb10a298dd",
        ),
        (
            &[0xaa; 131],
            b"Test Using Larger Than Block-Size Key - Hash Key First",
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
            "80b24263c7c1a3ebb71493c1dd7be8b49b46d1f41b4aeec1121b013783f8f352\
             6b56d037e05f2598bd0fd2215d6a1e5295e64f73f63f0aec8b915a985d786598",
        ),
        (
            &[0xaa; 131],
            LONG.as_bytes(),
            "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2",
            "e37b6a775dc87dbaa4dfa9f96e5e3ffddebd71f8867289865df5a32d20cdc944\
             b6022cac3c4982b10d5eeb55c3e4de15134676fb6de0446065c97440fa8c6a58",
        ),
    ];
    for (key, message, sha256, sha512) in cases {
        assert_digest(Digest::HmacSha256, key, message, sha256);
        assert_digest(Digest::HmacSha512, key, message, sha512);
    }
}

/// <https://www.rfc-editor.org/rfc/rfc1321#appendix-A.5>
#[test]
fn md5_gives_the_values_of_rfc_1321() {
    for (message, expected) in [
        ("", "d41d8cd98f00b204e9800998ecf8427e"),
        ("a", "0cc175b9c0f1b6a831c399e269772661"),
        ("abc", "900150983cd24fb0d6963f7d28e17f72"),
        ("message digest", "f96b697d7cb7938d525a2f31aaf161d0"),
        ("abcdefghijklmnopqrstuvwxyz", "c3fcd3d76192e4007dfb496cca67e13b"),
        (
            "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789",
            "d174ab98d277d9f5a5611c2c9f419d9f",
        ),
        (
            "12345678901234567890123456789012345678901234567890123456789012345678901234567890",
            "57edf4a22be3c955ac49da2e2107b67a",
        ),
    ] {
        assert_digest(Digest::Md5, b"", message.as_bytes(), expected);
    }
}

/// Covers the example messages that NIST publishes for SHA-1 and SHA-256 of FIPS 180-4.
/// <https://csrc.nist.gov/projects/cryptographic-standards-and-guidelines/example-values>
#[test]
fn sha1_and_sha256_give_the_example_values_of_nist() {
    const TWO_BLOCKS: &[u8] = b"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
    for (digest, message, expected) in [
        (Digest::Sha1, b"abc".as_slice(), "a9993e364706816aba3e25717850c26c9cd0d89d"),
        (Digest::Sha1, TWO_BLOCKS, "84983e441c3bd26ebaae4aa1f95129e5e54670f1"),
        (
            Digest::Sha256,
            b"abc",
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        ),
        (
            Digest::Sha256,
            TWO_BLOCKS,
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
        ),
    ] {
        assert_digest(digest, b"", message, expected);
    }
}

/// The payload of this token is not a JSON object, so gatepost refuses a callback with the token.
/// <https://www.rfc-editor.org/rfc/rfc8037#appendix-A.4>
#[test]
fn eddsa_verifies_the_token_of_rfc_8037() {
    let token = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.\
                 hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_\
                 MuM0KAg";
    let key = Secret::new("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a");
    let key = Key::public(PublicAlgorithm::Ed25519, &key).unwrap();
    assert_eq!(algorithm(key.digest()), Some("EdDSA"));
    let signed = Token::parse(token).unwrap().signed;
    let (_, signature) = token.rsplit_once('.').unwrap();
    let is_valid = |signed: &str| {
        let expected = Expected::Signed(signed.as_bytes().to_vec(), key.as_public().unwrap());
        expected.compare(signature, Some(Encoding::Base64UrlUnpadded)).is_some_and(bool::from)
    };
    assert!(is_valid(signed));
    assert!(!is_valid(&signed.replacen("RXhh", "RXhi", 1)));
}
