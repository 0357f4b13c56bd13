//! Loader of the vectors in `tests/vectors`, for the tests of the core, the layer and the proxy.
//!
//! A vector is a request with its verdict. Each vector is a folder with these files:
//!
//! - `case.toml`: description, time, head of the request, verdict, answer of the app and reply;
//! - `body`: body of the request;
//! - `event.json`: event in the structured mode of CloudEvents, only if the verdict is `accepted`.
//!   If the id is new for each callback, the file has no `id`.
//!
//! `PROVIDER/gate.toml` has the routes and templates of a provider.
//!
//! If a check fails, the message names the vector and the stage, for example `reply`.

use std::fs;
use std::path::{Path, PathBuf};

use gatepost::Gate;
use md5::{Digest as _, Md5};
use serde::Deserialize;
use serde_json::Value;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// Description of the case.
    pub what: String,
    pub now: i64,
    pub verdict: String,
    /// True if gatepost must ask the app about the accepted callback.
    #[serde(default = "yes")]
    pub asked: bool,
    /// Paths of the fields that do not fit their declaration, as the header `gatepost-misfits`
    /// lists them.
    #[serde(default)]
    pub misfits: Vec<String>,
    pub request: Request,
    pub signature: Option<Signature>,
    pub app: Option<Message>,
    pub reply: Message,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    pub method: String,
    pub path: String,
    #[serde(default)]
    pub headers: Headers,
    /// Headers that the request contains a second time.
    #[serde(default)]
    repeated: Headers,
}

impl Request {
    /// Returns every header of the request.
    pub fn all_headers(&self) -> impl Iterator<Item = (&String, &String)> {
        self.headers.iter().chain(&self.repeated)
    }
}

type Headers = std::collections::BTreeMap<String, String>;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signature {
    pub string_to_sign: String,
    pub digest: String,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Message {
    pub status: u16,
    pub body: String,
    /// Headers that the reply must have. Empty for an answer of the app.
    #[serde(default)]
    pub headers: Headers,
}

const fn yes() -> bool {
    true
}

#[derive(Debug)]
pub struct Vector {
    pub name: String,
    pub case: Case,
    pub body: Vec<u8>,
    /// The event in structured mode; `None` if the verdict is not `accepted`.
    pub event: Option<Value>,
    /// The page on which the platform has published the signature; `None` if `case.toml` names no
    /// such page.
    #[allow(dead_code)]
    pub source: Option<String>,
}

/// The request that the app received.
#[derive(Debug)]
pub struct Seen {
    pub method: String,
    pub path: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Seen {
    fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(own, _)| own.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// Returns the event in structured mode.
    pub fn event(&self) -> Value {
        let mut event = serde_json::Map::new();
        for name in ["specversion", "id", "source", "type", "subject", "time"] {
            if let Some(value) = self.header(&format!("ce-{name}")) {
                let value = percent_encoding::percent_decode_str(value).decode_utf8().unwrap();
                event.insert(name.into(), value.into());
            }
        }
        let content_type = self.header("content-type").unwrap_or_default();
        event.insert("datacontenttype".into(), content_type.into());
        let text = || String::from_utf8_lossy(&self.body).into();
        event.insert("data".into(), serde_json::from_slice(&self.body).unwrap_or_else(|_| text()));
        Value::Object(event)
    }
}

/// The reply that gatepost sent, and the request that the app received.
#[derive(Debug)]
pub struct Outcome {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    /// The request that the app received; `None` if gatepost did not ask the app.
    pub seen: Option<Seen>,
}

/// The environment variables of the vectors' config.
pub const VARIABLES: [(&str, &str); 3] =
    [("KOLLUS_TOKEN", "vector-token"), ("TENCENT_KEY", "test"), ("TENCENT_OLDER_KEY", "older-key")];

pub fn folder() -> PathBuf {
    // Other packages of the workspace also compile this file, so search the parent folders.
    let mut ancestors = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors();
    ancestors.find_map(|root| Some(root.join("tests/vectors")).filter(|p| p.is_dir())).unwrap()
}

/// Returns all vectors, sorted by name.
pub fn all() -> Vec<Vector> {
    let mut vectors = Vec::new();
    for provider in fs::read_dir(folder()).unwrap() {
        let provider = provider.unwrap().path();
        if provider.is_dir() {
            let cases = fs::read_dir(&provider).unwrap().map(|case| case.unwrap().path());
            vectors.extend(cases.filter(|case| case.is_dir()).map(|case| load(&case)));
        }
    }
    vectors.sort_by(|a, b| a.name.cmp(&b.name));
    assert!(vectors.len() > 390, "expected more than 390 vectors, found {}", vectors.len());
    vectors
}

/// Returns true if the tests may write missing `event.json` files.
pub fn updates_events() -> bool {
    std::env::var_os("UPDATE_EVENTS").is_some()
}

fn load(path: &Path) -> Vector {
    let name = path.strip_prefix(folder()).unwrap().display().to_string();
    let text = fs::read_to_string(path.join("case.toml")).unwrap();
    let case: Case =
        toml::from_str(&text).unwrap_or_else(|e| panic!("{name}: expected a case.toml, found {e}"));
    let event = fs::read(path.join("event.json")).ok();
    let event = event.map(|bytes| serde_json::from_slice(&bytes).unwrap());
    let is_complete = event.is_some() == (case.verdict == "accepted");
    assert!(
        is_complete || updates_events(),
        "{name}: expected event.json exactly for the verdict `accepted`, found the verdict `{}`",
        case.verdict
    );
    let source = text.lines().next().and_then(|line| line.strip_prefix("# Source: "));
    let source = source.map(ToOwned::to_owned);
    Vector { body: fs::read(path.join("body")).unwrap(), name, case, event, source }
}

/// Returns the text of each `gate.toml`, sorted by the provider's name.
pub fn configs() -> Vec<String> {
    let providers = fs::read_dir(folder()).unwrap().map(|provider| provider.unwrap().path());
    let mut paths: Vec<_> = providers.map(|path| path.join("gate.toml")).collect();
    paths.retain(|path| path.is_file());
    paths.sort();
    paths.iter().map(|path| fs::read_to_string(path).unwrap()).collect()
}

/// Returns the config of the gate for the vectors. `http://app.test` is the origin of the app.
pub fn config() -> String {
    // Without circuits, the result of a vector does not depend on earlier vectors.
    format!("breaker = false\n\n{}", configs().join("\n"))
}

/// Returns the path of a vector's event.
#[allow(dead_code)]
pub fn event_path(vector: &Vector) -> PathBuf {
    folder().join(&vector.name).join("event.json")
}

/// Returns the gate for the vectors. `app` is the origin of the app, for example
/// `http://127.0.0.1:3000`.
pub fn gate(app: &str) -> Gate {
    let gate = Gate::builder().toml(config().replace("http://app.test", app));
    let with_variables =
        VARIABLES.iter().fold(gate, |gate, (name, value)| gate.variable(*name, *value));
    with_variables.build().unwrap()
}

/// Returns a damaged copy of the body: one bit flipped, one byte doubled, one byte removed, or the
/// end cut off. `number` selects the damage and its position.
#[allow(dead_code)]
pub fn broken(body: &[u8], number: usize) -> Vec<u8> {
    let mut body = body.to_vec();
    if body.is_empty() {
        return body;
    }
    // Multiply by a large number, to spread consecutive values of `number` over the body.
    let at = number.wrapping_mul(0x9e37_79b9) % body.len();
    match number % 4 {
        0 => body[at] ^= 1 << (number / 4 % 8),
        1 => body.insert(at, body[at]),
        2 => body.truncate(at),
        _ => drop(body.remove(at)),
    }
    body
}

impl Vector {
    /// Returns the app's answer. If the vector has no answer, returns status 500 and no body.
    pub fn app(&self) -> Message {
        self.case.app.clone().unwrap_or(Message {
            status: 500,
            body: String::new(),
            headers: Headers::new(),
        })
    }

    fn fail(&self, stage: &str, reason: &str) -> ! {
        panic!("{} ({}): {stage}: {reason}", self.name, self.case.what)
    }

    fn expect<T: PartialEq + std::fmt::Debug>(&self, stage: &str, found: &T, expected: &T) {
        if found != expected {
            self.fail(stage, &format!("\nexpected {expected:?}\n   found {found:?}"));
        }
    }

    /// Checks that the vector's digest is the MD5 of the string to sign. Also checks that the body
    /// contains the digest.
    pub fn check_signature(&self) {
        let Some(signature) = &self.case.signature else { return };
        let digest = Md5::digest(signature.string_to_sign.as_bytes());
        let digest: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        self.expect("string to sign", &digest, &signature.digest);
        let body = String::from_utf8_lossy(&self.body);
        assert!(
            body.contains(&signature.digest),
            "{}: expected the digest in the body, found none",
            self.name
        );
    }

    /// Compares the outcome with the reply and the event of the vector.
    pub fn check(&self, outcome: &Outcome) {
        self.expect("status", &outcome.status, &self.case.reply.status);
        let body = String::from_utf8_lossy(&outcome.body).into_owned();
        self.expect("reply", &body, &self.case.reply.body);
        for (name, expected) in &self.case.reply.headers {
            let found = outcome.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name));
            self.expect("reply header", &found.map(|(_, v)| v), &Some(expected));
        }
        let asked = self.event.is_some() && self.case.asked;
        match &outcome.seen {
            None if asked => self.fail("app", "expected a request, found none"),
            Some(seen) if !asked => {
                self.fail("app", &format!("expected no request, found {seen:?}"))
            }
            Some(seen) => self.check_seen(seen),
            None => {}
        }
    }

    fn check_seen(&self, seen: &Seen) {
        let header = |name: &str| seen.header(name);
        self.expect("event", &header("content-length"), &Some(&*seen.body.len().to_string()));
        self.check_event(&seen.event());
        self.expect("event", &seen.method.as_str(), &"POST");
        assert!(
            header("gatepost-template").is_some(),
            "{}: expected gatepost-template, found none",
            self.name
        );
        let misfits = header("gatepost-misfits").map(ToOwned::to_owned);
        let expected = Some(self.case.misfits.join(",")).filter(|paths| !paths.is_empty());
        self.expect("gatepost-misfits", &misfits, &expected);
        assert!(
            !seen.path.starts_with("/callbacks"),
            "{}: expected a path of the app, found {}",
            self.name,
            seen.path
        );
    }

    /// Compares an event in structured mode with the event of the vector.
    ///
    /// If the id is new for each callback, the event of the vector has no `id`.
    pub fn check_event(&self, event: &Value) {
        let expected = self.event.as_ref().unwrap_or(&Value::Null);
        let mut event = event.clone();
        if expected.get("id").is_none() {
            let id = event.as_object_mut().and_then(|event| event.remove("id"));
            let id = id.as_ref().and_then(Value::as_str).unwrap_or_default();
            let is_id = id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
            assert!(is_id, "{}: expected an id of 32 hex digits, found {id:?}", self.name);
        }
        self.expect("event", &event, expected);
    }
}
