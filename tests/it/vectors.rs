//! The vectors under `tests/vectors`: one loader, and one judge for every door.
//!
//! A vector is a folder: `case.toml` (what it shows, when, the request's head, the verdict, what
//! the app says and what the platform gets), `body` (the bytes as sent) and, if it is accepted,
//! `event.json` (the event in CloudEvents' structured form). A vector that fails names the stage.

use std::fs;
use std::path::{Path, PathBuf};

use gatepost::Gate;
use md5::{Digest as _, Md5};
use serde::Deserialize;
use serde_json::Value;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    pub what: String,
    pub now: i64,
    pub verdict: String,
    #[serde(default = "yes")]
    pub asked: bool,
    pub request: Request,
    pub signature: Option<Signature>,
    pub app: Option<Said>,
    pub reply: Said,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    pub method: String,
    pub path: String,
    #[serde(default)]
    pub headers: Vec2,
}

type Vec2 = std::collections::BTreeMap<String, String>;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signature {
    pub string_to_sign: String,
    pub digest: String,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Said {
    pub status: u16,
    pub body: String,
    /// Headers that must be there; of a reply.
    #[serde(default)]
    pub headers: Vec2,
}

const fn yes() -> bool {
    true
}

#[derive(Debug)]
pub struct Vector {
    pub name: String,
    pub case: Case,
    pub body: Vec<u8>,
    /// In structured form, if it is accepted.
    pub event: Option<Value>,
}

/// What an app saw.
#[derive(Debug)]
pub struct Seen {
    pub method: String,
    pub path: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

/// What came of a vector at some door.
#[derive(Debug)]
pub struct Outcome {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    pub seen: Option<Seen>,
}

fn folder() -> PathBuf {
    let mut above = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors();
    above.find_map(|root| Some(root.join("tests/vectors")).filter(|p| p.is_dir())).unwrap()
}

/// Every vector, by name.
pub fn all() -> Vec<Vector> {
    let mut vectors = Vec::new();
    for provider in fs::read_dir(folder()).unwrap() {
        let provider = provider.unwrap().path();
        if provider.is_dir() {
            let cases = fs::read_dir(&provider).unwrap();
            vectors.extend(cases.map(|case| load(&case.unwrap().path())));
        }
    }
    vectors.sort_by(|a, b| a.name.cmp(&b.name));
    assert!(vectors.len() > 390, "{} vectors: some are not found", vectors.len());
    vectors
}

fn load(path: &Path) -> Vector {
    let name = path.strip_prefix(folder()).unwrap().display().to_string();
    let text = fs::read_to_string(path.join("case.toml")).unwrap();
    let case: Case = toml::from_str(&text).unwrap_or_else(|e| panic!("{name}: {e}"));
    let event = fs::read(path.join("event.json")).ok();
    let event = event.map(|bytes| serde_json::from_slice(&bytes).unwrap());
    assert_eq!(event.is_some(), case.verdict == "accepted", "{name}: event.json");
    Vector { body: fs::read(path.join("body")).unwrap(), name, case, event }
}

/// The gate that judges the vectors, with its app at `app`, as in `http://127.0.0.1:3000`.
pub fn gate(app: &str) -> Gate {
    let text = fs::read_to_string(folder().join("gate.toml")).unwrap();
    Gate::builder()
        .toml(text.replace("http://app.test", app))
        .variable("KOLLUS_TOKEN", "vector-token")
        .variable("TENCENT_KEY", "test")
        .variable("TENCENT_OLDER_KEY", "older-key")
        .build()
        .unwrap()
}

/// The body with a byte of it changed, doubled or left out, by the number.
#[allow(dead_code)]
pub fn broken(body: &[u8], number: usize) -> Vec<u8> {
    let mut body = body.to_vec();
    if body.is_empty() {
        return body;
    }
    // Far steps, so that neighbours in number are none in the body.
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
    /// What the app says, if it is asked.
    pub fn app(&self) -> Said {
        self.case.app.clone().unwrap_or(Said {
            status: 500,
            body: String::new(),
            headers: Vec2::new(),
        })
    }

    fn fail(&self, stage: &str, why: &str) -> ! {
        panic!("{} ({}): {stage}: {why}", self.name, self.case.what)
    }

    fn same<T: PartialEq + std::fmt::Debug>(&self, stage: &str, got: &T, expected: &T) {
        if got != expected {
            self.fail(stage, &format!("\n     got {got:?}\nexpected {expected:?}"));
        }
    }

    /// The vector itself: its digest is of its string to sign, and stands in its body.
    pub fn check_signature(&self) {
        let Some(signature) = &self.case.signature else { return };
        let digest = Md5::digest(signature.string_to_sign.as_bytes());
        let digest: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        self.same("string to sign", &digest, &signature.digest);
        let body = String::from_utf8_lossy(&self.body);
        assert!(body.contains(&signature.digest), "{}: the body holds another sign", self.name);
    }

    /// Judges what came of it.
    pub fn check(&self, outcome: &Outcome) {
        self.same("status", &outcome.status, &self.case.reply.status);
        let body = String::from_utf8_lossy(&outcome.body).into_owned();
        self.same("reply", &body, &self.case.reply.body);
        for (name, expected) in &self.case.reply.headers {
            let found = outcome.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name));
            self.same("reply header", &found.map(|(_, v)| v), &Some(expected));
        }
        let asked = self.event.is_some() && self.case.asked;
        match &outcome.seen {
            None if asked => self.fail("app", "it was not asked"),
            Some(seen) if !asked => self.fail("app", &format!("it saw {seen:?}")),
            Some(seen) => self.check_seen(seen),
            None => {}
        }
    }

    fn check_seen(&self, seen: &Seen) {
        let header = |name: &str| {
            seen.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v.as_str())
        };
        self.same("event", &header("content-length"), &Some(&*seen.body.len().to_string()));
        let mut event = serde_json::Map::new();
        for name in ["specversion", "id", "source", "type", "subject", "time"] {
            if let Some(value) = header(&format!("ce-{name}")) {
                let value = percent_encoding::percent_decode_str(value).decode_utf8().unwrap();
                event.insert(name.into(), value.into());
            }
        }
        let content_type = header("content-type").unwrap_or_default();
        event.insert("datacontenttype".into(), content_type.into());
        event.insert("data".into(), serde_json::from_slice(&seen.body).unwrap());
        self.check_event(&Value::Object(event));
        self.same("event", &seen.method.as_str(), &"POST");
        assert!(header("gatepost-template").is_some(), "{}: no gatepost-template", self.name);
        assert!(!seen.path.starts_with("/callbacks"), "{}: it went to {}", self.name, seen.path);
    }

    /// Judges an event in structured form.
    pub fn check_event(&self, event: &Value) {
        self.same("event", event, self.event.as_ref().unwrap_or(&Value::Null));
    }
}
