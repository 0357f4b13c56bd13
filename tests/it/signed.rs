//! Tests that flip single bits of the signature, the signed data and the key. gatepost must refuse
//! each changed callback.
//!
//! The provider's definition lists the signed data. If a gate with other keys refuses a vector, the
//! tests treat the vector as signed.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::ops::Range;
use std::path::Path;
use std::sync::LazyLock;

use data_encoding::{BASE64_NOPAD, BASE64URL_NOPAD, HEXLOWER_PERMISSIVE};
use gatepost::{Gate, RefusalKind};
use http::{HeaderName, HeaderValue};
use toml::{Table, Value};

use crate::core::{Request, judge};
use crate::vectors::{self, Vector};

static GATE: LazyLock<Gate> = LazyLock::new(|| vectors::gate("http://app.test"));

/// The definition of each provider, by name.
static DEFINITIONS: LazyLock<BTreeMap<String, Table>> = LazyLock::new(|| {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/provider/definitions");
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let files = files.filter(|path| path.extension().is_some_and(|end| end == "toml"));
    let tables = files.map(|path| fs::read_to_string(path).unwrap().parse::<Table>().unwrap());
    tables.map(|table| (table["name"].as_str().unwrap().to_owned(), table)).collect()
});

/// Distances, in bits, between the bits that a test flips. To flip every bit takes too long.
#[derive(Clone, Copy)]
struct Strides {
    /// Distance in a body that the signature covers as a whole.
    body: usize,
    /// Distance in a header or in a field of the body.
    value: usize,
}

impl Strides {
    /// Distances for the first vector of a provider.
    const FIRST: Self = Self { body: 5, value: 1 };
    const OTHERS: Self = Self { body: 997, value: 7 };
}

/// Byte range of signed data or of a signature, in the body or in a header.
#[derive(Debug)]
enum Span {
    Body(Range<usize>),
    Header(HeaderName, Range<usize>),
}

/// The `[signature]` table of a definition.
struct Rule(Table);

impl Rule {
    fn of(vector: &Vector) -> Self {
        let definition = &DEFINITIONS[provider(vector)];
        let ce_type = vector.event.as_ref().unwrap()["type"].as_str().unwrap();
        let kind = &ce_type[definition["ce_type"].as_str().unwrap().len() + 1..];
        let of_kind = definition["kinds"].get(kind).and_then(|kind| kind.get("signature"));
        let rule = of_kind.or(definition.get("signature"));
        let rule = rule.expect("expected a `[signature]` table, found none");
        Self(rule.as_table().unwrap().clone())
    }

    fn text(&self, key: &str) -> &str {
        self.0.get(key).and_then(Value::as_str).unwrap_or_default()
    }

    /// Returns the prefixes of the signatures: that of the first digest algorithm, and that of the
    /// algorithm in `also`.
    fn prefixes(&self) -> impl Iterator<Item = &str> {
        let second = self.0.get("also").and_then(|also| also["prefix"].as_str());
        [self.text("prefix")].into_iter().chain(second)
    }

    /// Returns the entries of `parts`, which lists the signed data. Omits their encodings.
    fn parts(&self) -> Vec<&str> {
        // A token contains a digest of the body, or the body itself.
        if self.text("form") == "jwt" {
            return vec!["body"];
        }
        // A fixed token covers no part.
        let Some(parts) = self.0.get("parts") else { return Vec::new() };
        let parts = parts.get("sorted").unwrap_or(parts);
        let one = std::slice::from_ref(parts);
        let parts = parts.as_array().map_or(one, Vec::as_slice);
        parts.iter().map(|part| part.get("part").unwrap_or(part).as_str().unwrap()).collect()
    }

    /// Returns the place of the signature: the first alternative that the vector has.
    fn found_in(&self, vector: &Vector) -> &str {
        let place = &self.0["found_in"];
        let places = place.as_array().map_or(std::slice::from_ref(place), Vec::as_slice);
        let mut places = places.iter().flat_map(|place| place.as_str().unwrap().split(" | "));
        places.find(|place| is_present(vector, place)).unwrap()
    }

    fn covers_body(&self) -> bool {
        self.parts().iter().any(|part| matches!(*part, "body" | "form-pairs" | "form-text"))
    }

    /// Returns every range in which a flipped bit must cause a refusal.
    fn spans(&self, vector: &Vector) -> Vec<Span> {
        let found_in = self.found_in(vector);
        let mut spans = vec![];
        let parts = self.parts().into_iter().flat_map(|part| part.split(" | "));
        for place in parts.chain([found_in]).filter(|place| is_present(vector, place)) {
            match place.split_once(':') {
                _ if matches!(place, "body" | "form-pairs" | "form-text") => {
                    spans.push(Span::Body(0..vector.body.len()));
                }
                Some(("literal" | "setting", _)) => {}
                Some(("listed", name)) => spans.extend(self.entries(vector, name, |_| true)),
                Some(("header", _)) if place == found_in && self.0.contains_key("separator") => {
                    let is_required = |entry: &str| !self.is_redundant(vector, entry);
                    for prefix in self.prefixes() {
                        spans.extend(self.entries(vector, prefix, is_required));
                    }
                }
                Some(("header", name)) => {
                    let (name, value) = header(vector, name);
                    spans.push(Span::Header(name, 0..value.len()));
                }
                // The test does not flip these values. Another test flips the key.
                None if matches!(place, "host" | "key" | "method" | "target") => {}
                None => spans.push(Span::Body(field_value(&vector.body, &place[1..]))),
                Some(_) => panic!("expected a known entry of `parts`, found {place}"),
            }
        }
        spans
    }

    /// Splits the signature's header into entries. Returns the range of each entry that starts with
    /// `prefix` and for which `is_wanted` returns true.
    fn entries(
        &self,
        vector: &Vector,
        prefix: &str,
        is_wanted: impl Fn(&str) -> bool,
    ) -> Vec<Span> {
        let (name, value) = header(vector, self.found_in(vector).strip_prefix("header:").unwrap());
        let separator = self.text("separator");
        let mut at = 0;
        let mut spans = vec![];
        for entry in value.split(separator) {
            if entry.starts_with(prefix) && is_wanted(entry) {
                spans.push(Span::Header(name.clone(), at..at + entry.len()));
            }
            at += entry.len() + separator.len();
        }
        spans
    }

    /// Returns true if the gate accepts the vector without this entry. Another entry is then valid.
    fn is_redundant(&self, vector: &Vector, entry: &str) -> bool {
        let (name, value) = header(vector, self.found_in(vector).strip_prefix("header:").unwrap());
        let mut request = Request::of(vector);
        let without = HeaderValue::from_str(&value.replace(entry, "")).unwrap();
        request.headers.insert(name, without);
        is_accepted(&GATE, &request, &vector.body, vector.case.now)
    }

    /// Decodes a signature, because several texts can encode the same bytes. If decoding fails,
    /// returns `text` without the prefix.
    fn decode(&self, text: &[u8]) -> Vec<u8> {
        let stripped = |prefix: &str| text.strip_prefix(prefix.as_bytes());
        let text = self.prefixes().find_map(stripped).unwrap_or(text);
        let end = text.iter().rposition(|b| *b != b'=').map_or(0, |last| last + 1);
        let decoded = match self.text("encoding") {
            "hex" => HEXLOWER_PERMISSIVE.decode(text),
            "base64" => BASE64_NOPAD.decode(&text[..end]),
            _ => BASE64URL_NOPAD.decode(&text[..end]),
        };
        decoded.unwrap_or_else(|_| text.to_vec())
    }
}

/// Returns false if `place` names a header or a field that the vector does not have.
fn is_present(vector: &Vector, place: &str) -> bool {
    match (place.split_once(':'), place.strip_prefix('/')) {
        (Some(("header", name)), _) => {
            vector.case.request.headers.keys().any(|known| known.eq_ignore_ascii_case(name))
        }
        (None, Some(name)) => {
            let body = String::from_utf8_lossy(&vector.body);
            body.contains(&format!("\"{name}\"")) || body.contains(&format!("{name}="))
        }
        _ => true,
    }
}

fn header<'v>(vector: &'v Vector, name: &str) -> (HeaderName, &'v str) {
    let headers = &vector.case.request.headers;
    let (name, value) = headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).unwrap();
    (name.parse().unwrap(), value)
}

/// Returns the range of a field's value in a JSON or form body, without quotes.
fn field_value(body: &[u8], name: &str) -> Range<usize> {
    let text = std::str::from_utf8(body).unwrap();
    let is_value = |c: char| c.is_ascii_alphanumeric();
    let start = if text.starts_with(['{', ' ', '\n']) {
        let key = format!("\"{name}\"");
        let after = text.find(&key).unwrap() + key.len();
        after + text[after..].find(is_value).unwrap()
    } else {
        let field = format!("{name}=");
        let before =
            if text.starts_with(&field) { 0 } else { text.find(&format!("&{field}")).unwrap() + 1 };
        before + field.len()
    };
    let length = text[start..].find(|c| !is_value(c)).unwrap_or(text.len() - start);
    start..start + length
}

fn is_accepted(gate: &Gate, request: &Request, body: &[u8], now: i64) -> bool {
    judge(gate, &request.head(), body, usize::MAX, now).is_ok()
}

/// Returns another key of the same form.
fn other_key(key: &str) -> String {
    let file = |name| fs::read_to_string(format!("tests/it/keys/{name}_other_public.pem")).unwrap();
    match key.split_once(':') {
        Some((id, _)) => format!("{id}:b3RoZXI="),
        None if key.starts_with("-----BEGIN") => file(match key.len() {
            ..150 => "ed",
            150..200 => "ec",
            _ => "rsa",
        }),
        None if key.starts_with("MFkw") => file("ec"),
        None if key.starts_with("whpk_") => {
            // The key of RFC 8032, 7.1, test 2.
            "whpk_PUAXw+hDiVqStwqnTRt+vJyYLM8uxJaMwM1V8Sr0Zgw=".to_owned()
        }
        None => "b3RoZXI=".to_owned(),
    }
}

/// Returns the gate for the vectors, but with keys that sign none of the vectors.
fn gate_with_other_keys() -> Gate {
    let mut config = config();
    for template in config["template"].as_array_mut().unwrap() {
        let template = template.as_table_mut().unwrap();
        if let Some(keys) = template.get_mut("keys") {
            let keys = keys.as_array_mut().unwrap();
            for key in keys {
                *key = other_key(key.as_str().unwrap_or_default()).into();
            }
        }
        if let Some(settings) = template.get_mut("settings").and_then(Value::as_table_mut)
            && let Some(key) = settings.get_mut("lms_key")
        {
            *key = "other".into();
        }
    }
    build(&config)
}

fn config() -> Table {
    vectors::config().parse().unwrap()
}

fn build(config: &Table) -> Gate {
    try_build(config).unwrap()
}

fn try_build(config: &Table) -> Result<Gate, gatepost::ConfigError> {
    Gate::builder()
        .toml(toml::to_string(config).unwrap())
        .variable("KOLLUS_TOKEN", "vector-token")
        .variable("TENCENT_KEY", "test")
        .variable("TENCENT_OLDER_KEY", "older-key")
        .build()
}

/// Returns the vectors that have the verdict `accepted` and a signature.
fn signed() -> Vec<Vector> {
    let other_gate = gate_with_other_keys();
    let accepted = vectors::all().into_iter().filter(|vector| vector.event.is_some());
    accepted
        .filter(|vector| {
            let request = Request::of(vector);
            let verdict =
                judge(&other_gate, &request.head(), &vector.body, usize::MAX, vector.case.now);
            verdict.is_err_and(|refusal| {
                assert_eq!(refusal.kind(), RefusalKind::SignatureMismatch, "{}", vector.name);
                true
            })
        })
        .collect()
}

fn provider(vector: &Vector) -> &str {
    vector.name.split('/').next().unwrap()
}

#[test]
fn refuses_any_flipped_bit_of_signature_or_signed_data() {
    let mut seen = BTreeSet::new();
    let mut tried = 0;
    for vector in signed() {
        let request = Request::of(&vector);
        assert!(
            is_accepted(&GATE, &request, &vector.body, vector.case.now),
            "{}: expected acceptance, found a refusal",
            vector.name
        );
        let rule = Rule::of(&vector);
        let is_first = seen.insert(provider(&vector).to_owned());
        let strides = if is_first { Strides::FIRST } else { Strides::OTHERS };
        for span in rule.spans(&vector) {
            tried += match span {
                Span::Body(range) if rule.covers_body() => {
                    flip_body(&vector, &rule, range, strides.body)
                }
                Span::Body(range) => flip_body(&vector, &rule, range, strides.value),
                Span::Header(name, range) => {
                    flip_header(&vector, &rule, &name, range, strides.value)
                }
            };
        }
    }
    for provider in gatepost::providers().iter().filter(|provider| provider.keys) {
        let name = &*provider.name;
        assert!(seen.contains(name), "expected a signed vector of {name}, found none");
    }
    // Kollus signs learning records with a separate key.
    assert!(seen.contains("kollus"), "expected a signed vector of kollus, found none");
    assert!(tried > 10_000, "expected more than 10000 flipped bits, found {tried}");
}

fn flip_body(vector: &Vector, rule: &Rule, range: Range<usize>, stride: usize) -> usize {
    let request = Request::of(vector);
    let mut body = vector.body.clone();
    let bits = (range.start * 8..range.end * 8).step_by(stride);
    let count = bits.len();
    for bit in bits {
        body[bit / 8] ^= 1 << (bit % 8);
        if is_accepted(&GATE, &request, &body, vector.case.now) {
            let decoded = |body: &[u8]| match rule.covers_body() {
                // A form can encode the same character in two ways.
                true => form_urlencoded::parse(&body.to_ascii_lowercase()).into_owned().collect(),
                false => vec![(String::new(), format!("{:?}", rule.decode(&body[range.clone()])))],
            };
            let is_same = rule.parts() != ["body"] && decoded(&body) == decoded(&vector.body);
            let text = String::from_utf8_lossy(&body);
            assert!(
                is_same,
                "{}: bit {bit}: expected a refusal of {text}, found acceptance",
                vector.name
            );
        }
        body[bit / 8] = vector.body[bit / 8];
    }
    count
}

fn flip_header(
    vector: &Vector,
    rule: &Rule,
    name: &HeaderName,
    range: Range<usize>,
    stride: usize,
) -> usize {
    let mut request = Request::of(vector);
    let value = request.headers[name].as_bytes().to_vec();
    let bits = (range.start * 8..range.end * 8).step_by(stride);
    let count = bits.len();
    for bit in bits {
        let mut flipped = value.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        let Ok(sent) = HeaderValue::from_bytes(&flipped) else { continue };
        request.headers.insert(name.clone(), sent);
        if is_accepted(&GATE, &request, &vector.body, vector.case.now) {
            let is_same =
                rule.decode(&flipped[range.clone()]) == rule.decode(&value[range.clone()]);
            let text = String::from_utf8_lossy(&flipped);
            assert!(
                is_same,
                "{}: bit {bit} of {name}: expected a refusal of {text}, found acceptance",
                vector.name
            );
        }
    }
    count
}

#[test]
fn refuses_any_flipped_bit_of_key() {
    let config = config();
    let mut seen = BTreeSet::new();
    for vector in signed() {
        if !seen.insert(provider(&vector).to_owned()) {
            continue;
        }
        let mut config = config_for(&config, &vector);
        assert!(is_accepted(&build(&config), &Request::of(&vector), &vector.body, vector.case.now));
        let key = first_key(&config);
        // Skip bit 7 of each byte, because the key must remain ASCII. Flip every fifth of the other
        // bits (in PEM, every 47th), because each flipped bit needs a new gate. A byte has 7 such
        // bits, and 7 has no common factor with 5 or 47, so every bit position occurs. In a public
        // key, skip the first line and the algorithm, because a changed text there can have the
        // same meaning.
        let (range, step) = match key.find("\n-----END") {
            Some(end) => (80 * 8..end * 8, 47),
            None => (0..key.len() * 8, 5),
        };
        for bit in range.filter(|bit| bit % 8 < 7).step_by(step) {
            let mut flipped = key.clone().into_bytes();
            flipped[bit / 8] ^= 1 << (bit % 8);
            set_key(&mut config, &String::from_utf8(flipped).unwrap());
            let request = Request::of(&vector);
            let gate = try_build(&config);
            let accepts =
                gate.is_ok_and(|g| is_accepted(&g, &request, &vector.body, vector.case.now));
            assert!(
                !accepts,
                "{}: expected a refusal with key bit {bit} flipped, found acceptance",
                vector.name
            );
        }
    }
    assert!(seen.len() > 20, "expected more than 20 providers, found {}", seen.len());
}

/// Returns a config with only the route and the templates of this vector, because building a gate
/// from a short config takes less time.
fn config_for(config: &Table, vector: &Vector) -> Table {
    let path = Request::of(vector).uri.path().to_owned();
    let is_route_of_vector = |route: &&Value| {
        let pattern = route["path"].as_str().unwrap();
        pattern == path
            || pattern.strip_suffix("{token}").is_some_and(|start| {
                path.rsplit_once('/').is_some_and(|(begin, _)| format!("{begin}/") == start)
            })
    };
    let route =
        config["route"].as_array().unwrap().iter().find(is_route_of_vector).unwrap().clone();
    let templates = config["template"].as_array().unwrap().iter();
    let templates: Vec<_> = templates
        .filter(|template| template["provider"] == route["provider"])
        .filter(|template| route.get("template").is_none_or(|name| *name == template["name"]))
        .cloned()
        .collect();
    let mut config = Table::new();
    config.insert("route".into(), vec![route].into());
    config.insert("template".into(), templates.into());
    // The first key of a template signs the vectors. Remove the other keys. A certificate also has
    // bits that gatepost does not use, so replace the certificate with its key.
    for template in config["template"].as_array_mut().unwrap() {
        if let Some(Value::Array(keys)) = template.as_table_mut().unwrap().get_mut("keys") {
            keys.truncate(1);
            if keys[0].as_str().is_some_and(|key| key.contains("CERTIFICATE")) {
                keys[0] = fs::read_to_string("tests/it/keys/rsa_public.pem").unwrap().into();
            }
        }
    }
    config
}

fn first_key(config: &Table) -> String {
    let template = &config["template"][0];
    let key =
        template.get("keys").map_or_else(|| &template["settings"]["lms_key"], |keys| &keys[0]);
    key.as_str().unwrap_or("test").to_owned()
}

fn set_key(config: &mut Table, key: &str) {
    for template in config["template"].as_array_mut().unwrap() {
        let template = template.as_table_mut().unwrap();
        if template.contains_key("keys") {
            template.insert("keys".into(), vec![key.to_owned()].into());
        } else {
            template["settings"].as_table_mut().unwrap().insert("lms_key".into(), key.into());
        }
    }
}

// Tencent CSS signs only the key and `t`, not the other fields of the callback.
#[test]
fn accepts_changed_data_that_tencent_css_does_not_sign() {
    let push = vectors::all().into_iter().find(|v| v.name == "tencent-css/push").unwrap();
    assert_eq!(Rule::of(&push).parts(), ["key", "/t"]);
    let body = String::from_utf8(push.body.clone()).unwrap().replace("\"live\"", "\"dead\"");
    assert_ne!(body.as_bytes(), push.body);
    assert!(is_accepted(&GATE, &Request::of(&push), body.as_bytes(), push.case.now));
}
