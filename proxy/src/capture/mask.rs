//! Masks for the parts of a captured callback that no operator may see.
//!
//! 1. Each mode masks the keys and tokens of the config, credentials in headers, and the secret
//!    segment of the path.
//! 2. The mode `masked` also masks signatures, fields that the definition of the platform declares
//!    as secrets, and values with the name of a secret, such as `token`. The value can be in a
//!    header, a parameter, a member of JSON at any depth, or a pair
//!    within a string (`txSecret=…&txTime=…`).
//!
//! Valid JSON is still valid after masking, and has the same names in the same order.

use gatepost::{Capture, Gate};
use percent_encoding::percent_decode;

/// Text in place of a masked value.
pub(crate) const MASK: &str = "***";

/// Headers with credentials, masked in each mode.
const CREDENTIALS: [&str; 4] = ["authorization", "cookie", "proxy-authorization", "set-cookie"];

/// Parts of the names of secrets, in lower case and without separators.
const SECRET_PARTS: [&str; 15] = [
    "accesskey",
    "apikey",
    "authkey",
    "authorization",
    "cookie",
    "credential",
    "jwt",
    "passphrase",
    "passwd",
    "password",
    "privatekey",
    "secret",
    "signature",
    "token",
    "userkey",
];

/// Whole names of secrets, in lower case and without separators.
const SECRET_NAMES: [&str; 7] = ["auth", "key", "pass", "psk", "pwd", "sig", "sign"];

/// Mask for the data of one callback.
pub(crate) struct Mask<'g> {
    gate: &'g Gate,
    mode: Capture,
    /// Names under which the platform sends signatures and declared secrets.
    declared: Vec<String>,
}

impl<'g> Mask<'g> {
    pub(crate) fn new(gate: &'g Gate, mode: Capture, provider: &str) -> Self {
        Self { gate, mode, declared: gate.secret_names(provider) }
    }

    pub(super) fn header(&self, name: &str, value: &[u8]) -> Vec<u8> {
        if CREDENTIALS.contains(&name) || self.is_secret(name.as_bytes()) {
            return MASK.into();
        }
        self.text(value)
    }

    /// Masks a path and its query.
    pub(super) fn target(&self, path: &str, query: Option<&str>) -> Vec<u8> {
        let mut masked = self.gate.printable_path(path).into_bytes();
        if let Some(query) = query {
            masked.push(b'?');
            masked.extend(self.text(query.as_bytes()));
        }
        self.gate.redacted(&masked).into_owned()
    }

    /// Masks `found`, the text in which an explanation states the result of the check `name`. For
    /// the check `signature`, the text contains the value that the client sent.
    pub(super) fn step(&self, name: &str, found: &str) -> String {
        let is_value = |value: &str| name == "signature" && value != "missing";
        let given = found.rsplit_once(" at ").filter(|(value, _)| is_value(value));
        match given.filter(|_| self.mode != Capture::Full) {
            Some((_, place)) => format!("{MASK} at {place}"),
            None => String::from_utf8_lossy(&self.text(found.as_bytes())).into_owned(),
        }
    }

    pub(super) fn body(&self, body: &[u8]) -> Vec<u8> {
        let masked = match body.trim_ascii_start().first() {
            _ if self.mode == Capture::Full => body.to_vec(),
            Some(b'{' | b'[') => self.json(body),
            _ if is_token(body) => without_signature(body),
            _ => self.pairs(body),
        };
        self.gate.redacted(&masked).into_owned()
    }

    pub(crate) fn text(&self, text: &[u8]) -> Vec<u8> {
        let masked = if self.mode == Capture::Full { text.to_vec() } else { self.pairs(text) };
        self.gate.redacted(&masked).into_owned()
    }

    /// Returns true if the mode masks the value of this name.
    pub(crate) fn is_secret(&self, name: &[u8]) -> bool {
        if self.mode == Capture::Full {
            return false;
        }
        let name = String::from_utf8_lossy(name);
        names_secret(&name) || self.declared.iter().any(|own| own.eq_ignore_ascii_case(&name))
    }

    /// Masks the values of secrets in `name=value` pairs, which end at `?`, `&`, `;` or white
    /// space.
    fn pairs(&self, text: &[u8]) -> Vec<u8> {
        let is_end = |byte: &u8| matches!(byte, b'&' | b'?' | b';') || byte.is_ascii_whitespace();
        let mut masked = Vec::with_capacity(text.len());
        for piece in text.split_inclusive(is_end) {
            match piece.iter().position(|byte| *byte == b'=') {
                Some(at) if self.is_secret(&piece[..at]) || self.hides_json(&piece[at + 1..]) => {
                    masked.extend_from_slice(&piece[..=at]);
                    masked.extend_from_slice(MASK.as_bytes());
                    masked.extend(piece.last().filter(|last| is_end(last)));
                }
                _ => masked.extend_from_slice(piece),
            }
        }
        masked
    }

    /// Returns true if the value of a pair is encoded JSON with the value of a secret.
    fn hides_json(&self, value: &[u8]) -> bool {
        let decoded: Vec<u8> = percent_decode(value).collect();
        self.has_secret_in_json(&decoded)
    }

    fn has_secret_in_json(&self, text: &[u8]) -> bool {
        matches!(text.trim_ascii_start().first(), Some(b'{' | b'[')) && self.json(text) != text
    }

    /// Masks the values of secrets in JSON. Reads string by string, because the JSON may be
    /// incomplete or malformed.
    fn json(&self, text: &[u8]) -> Vec<u8> {
        let mut masked = Vec::with_capacity(text.len());
        let mut rest = text;
        while let Some(quote) = rest.iter().position(|byte| *byte == b'"') {
            let (before, from) = rest.split_at(quote);
            let (string, after) = from.split_at(string_length(from));
            masked.extend_from_slice(before);
            let space = after.len() - after.trim_ascii_start().len();
            if after.get(space) != Some(&b':') {
                match self.has_secret_in_json(&unescaped(string)) {
                    true => masked.extend_from_slice(format!("\"{MASK}\"").as_bytes()),
                    false => masked.extend(self.pairs(string)),
                }
                rest = after;
                continue;
            }
            masked.extend_from_slice(string);
            rest = after;
            if self.is_secret(&unescaped(string)) {
                let value = space + 1;
                let value = value + rest[value..].len() - rest[value..].trim_ascii_start().len();
                let (colon, value) = rest.split_at(value);
                masked.extend_from_slice(colon);
                masked.extend_from_slice(format!("\"{MASK}\"").as_bytes());
                rest = &value[value_length(value)..];
            }
        }
        masked.extend_from_slice(rest);
        masked
    }
}

/// Returns true for the usual name of a secret, such as `access_token`.
pub(crate) fn names_secret(name: &str) -> bool {
    let is_part = |c: &char| c.is_ascii_alphanumeric();
    let plain: String = name.chars().filter(is_part).map(|c| c.to_ascii_lowercase()).collect();
    SECRET_NAMES.contains(&&*plain) || SECRET_PARTS.iter().any(|part| plain.contains(part))
}

/// Returns the length of the JSON string at the start of `text`, with its quotes.
fn string_length(text: &[u8]) -> usize {
    let mut at = 1;
    while let Some(byte) = text.get(at) {
        match byte {
            b'"' => return at + 1,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    text.len()
}

/// Returns the length of the JSON value at the start of `text`.
fn value_length(text: &[u8]) -> usize {
    let (mut at, mut depth) = (0, 0_usize);
    while let Some(byte) = text.get(at) {
        match byte {
            b'"' => at += string_length(&text[at..]),
            b'{' | b'[' => {
                depth += 1;
                at += 1;
            }
            b'}' | b']' | b',' if depth == 0 => return at,
            b'}' | b']' => {
                depth -= 1;
                at += 1;
            }
            _ => at += 1,
        }
        if depth == 0 && matches!(byte, b'"' | b'}' | b']') {
            return at.min(text.len());
        }
    }
    at.min(text.len())
}

/// Returns the content of a JSON string.
fn unescaped(string: &[u8]) -> Vec<u8> {
    match serde_json::from_slice::<String>(string) {
        Ok(text) => text.into_bytes(),
        Err(_) => string.to_vec(),
    }
}

/// Returns true for a JSON Web Token.
fn is_token(body: &[u8]) -> bool {
    let is_part = |part: &[u8]| {
        !part.is_empty()
            && part.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    };
    body.starts_with(b"eyJ")
        && body.split(|byte| *byte == b'.').count() == 3
        && body.split(|byte| *byte == b'.').all(is_part)
}

fn without_signature(token: &[u8]) -> Vec<u8> {
    let signed = token.iter().rposition(|byte| *byte == b'.').map_or(token.len(), |at| at + 1);
    [&token[..signed], MASK.as_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use super::super::callback::tests::gate;
    use super::*;

    #[track_caller]
    fn masks(mode: Capture, cases: &[(&str, &str)]) {
        let gate = gate();
        let mask = Mask::new(&gate, mode, "tencent-css");
        for (body, expected) in cases {
            let masked = mask.body(body.as_bytes());
            assert_eq!(String::from_utf8_lossy(&masked), *expected, "{body}");
        }
    }

    #[test]
    fn masks_signatures_and_values_of_secrets_in_json() {
        masks(
            Capture::Masked,
            &[
                (r#"{"app":"a","t":1,"sign":"abc"}"#, r#"{"app":"a","t":1,"sign":"***"}"#),
                (r#"{ "sign" : "a\"b" , "x": 1 }"#, r#"{ "sign" : "***" , "x": 1 }"#),
                (r#"{"si\u0067n":"abc"}"#, r#"{"si\u0067n":"***"}"#),
                (
                    r#"{"a":[{"access_token":{"b":["}"]},"c":2}]}"#,
                    r#"{"a":[{"access_token":"***","c":2}]}"#,
                ),
                (r#"{"Password":12.5}"#, r#"{"Password":"***"}"#),
                (r#"{"a":"{\"sign\":1}","b":"{\"c\":1}"}"#, r#"{"a":"***","b":"{\"c\":1}"}"#),
                ("a=%7B%22sign%22%3A1%7D&b=%7B%22c%22%3A1%7D", "a=***&b=%7B%22c%22%3A1%7D"),
                (r#"{"sign":null,"b":true}"#, r#"{"sign":"***","b":true}"#),
                (
                    r#"{"stream_url":"txSecret=c0ffee&txTime=5"}"#,
                    r#"{"stream_url":"txSecret=***&txTime=5"}"#,
                ),
                (r#"{"stream_param":"c0ffee=1","app":"a"}"#, r#"{"stream_param":"***","app":"a"}"#),
                (r#"{"channel_key":"c","keys":1}"#, r#"{"channel_key":"c","keys":1}"#),
                (r#"{"sign":"abc"#, r#"{"sign":"***""#),
                (r#"{"sign":"#, r#"{"sign":"***""#),
                (r#"{"sign"#, r#"{"sign"#),
                ("{\"a\":\"\\", "{\"a\":\"\\"),
            ],
        );
    }

    #[test]
    fn masks_secrets_in_forms_and_signatures_of_json_web_tokens() {
        masks(
            Capture::Masked,
            &[
                ("kind=100&token=abc&x=y", "kind=100&token=***&x=y"),
                ("sign=abc", "sign=***"),
                ("eyJhbGciOiJIUzI1NiJ9.eyJhIjoxfQ.c2ln", "eyJhbGciOiJIUzI1NiJ9.eyJhIjoxfQ.***"),
                ("\u{0}\u{1}", "\u{0}\u{1}"),
            ],
        );
    }

    #[test]
    fn full_mode_shows_signature_but_no_key() {
        masks(
            Capture::Full,
            &[(
                r#"{"sign":"abc","token":"x","a":"s1gning-k3y"}"#,
                r#"{"sign":"abc","token":"x","a":"***"}"#,
            )],
        );
        let gate = gate();
        let mask = Mask::new(&gate, Capture::Full, "tencent-css");
        assert_eq!(mask.header("authorization", b"Bearer x"), b"***");
        assert_eq!(mask.header("x-signature", b"x"), b"x");
        assert_eq!(mask.target("/hook", Some("k=s1gning-k3y")), b"/hook?k=***");
    }

    #[test]
    fn masks_headers_by_name() {
        let gate = gate();
        let mask = Mask::new(&gate, Capture::Masked, "tencent-css");
        assert_eq!(mask.header("x-api-token", b"x"), b"***");
        assert_eq!(mask.header("x-kollus-userkey", b"x"), b"***");
        assert_eq!(mask.header("user-agent", b"curl/8"), b"curl/8");
        assert_eq!(mask.target("/hook", Some("a=1&sign=2")), b"/hook?a=1&sign=***");
        let target = mask.target("/hook", Some("a=%5B%7B%22sign%22:2%7D%5D&b=%7B%22c%22:2%7D"));
        assert_eq!(String::from_utf8_lossy(&target), "/hook?a=***&b=%7B%22c%22:2%7D");
    }
}
