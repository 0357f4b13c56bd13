//! Tests of forged, damaged, expired and future callbacks of every built-in provider, and of
//! failures of the app for every decision.

use std::fs;

use bytes::Bytes;
use gatepost::{
    Admission, Answer, Conclusion, ConfigError, Definition, Gate, Head, KindInfo, Next, Refusal,
    Timestamp,
};
use http::{HeaderName, HeaderValue, Request, StatusCode, Uri};
use toml::{Table, Value};

const NOW: i64 = 1_703_731_478;
const DAY: i64 = 86_400;
const TOKEN: &str = "a-token-of-the-path-0123456789";

/// A provider: the parsed definition, the definition as a TOML table, and keys for the provider's
/// signatures.
struct Provider {
    definition: Definition,
    table: Table,
    /// The key with which the platform signs, and the key of the template.
    keys: (String, String),
}

fn pem(name: &str) -> String {
    fs::read_to_string(format!("tests/it/keys/{name}.pem")).unwrap()
}

impl Provider {
    fn all() -> Vec<Self> {
        Definition::built_in_names().map(Self::new).collect()
    }

    fn new(name: &str) -> Self {
        let file = format!("src/provider/definitions/{}.toml", name.replace('-', "_"));
        let table: Table = fs::read_to_string(file).unwrap().parse().unwrap();
        let definition = Definition::built_in(name).unwrap();
        let pair = |key: &str| (key.to_owned(), key.to_owned());
        let pairs = [
            pair("0123456789abcdef0123456789abcdef"),
            pair("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),
            pair("ID:0123456789abcdef0123456789abcdef"),
            (pem("rsa_private"), pem("rsa_public")),
            (pem("ed_private"), pem("ed_public")),
            (pem("ec_private"), pem("ec_public")),
        ];
        let mut provider = Self { definition, table, keys: pair("") };
        let accepts = |keys: &(String, String)| {
            provider.keys = keys.clone();
            let kind = provider.signed_kinds().next();
            kind.is_none_or(|kind| {
                let request = provider.request(&kind, NOW);
                provider.gate(&kind).is_ok_and(|gate| provider.judge(&gate, request).is_ok())
            })
        };
        let keys = pairs.into_iter().find(accepts);
        provider.keys = keys.unwrap_or_else(|| panic!("{name}: expected a key, found none"));
        provider
    }

    fn name(&self) -> &str {
        self.table["name"].as_str().unwrap()
    }

    fn kinds(&self) -> Vec<KindInfo> {
        self.definition.info().kinds
    }

    fn signed_kinds(&self) -> impl Iterator<Item = KindInfo> {
        self.kinds().into_iter().filter(|kind| self.definition.signs(&kind.name))
    }

    fn rule(&self, kind: &KindInfo) -> &Value {
        let of_kind = self.table["kinds"].get(&*kind.name).and_then(|kind| kind.get("signature"));
        of_kind.unwrap_or_else(|| &self.table["signature"])
    }

    fn path(&self) -> String {
        if self.definition.info().token { format!("/cb/{TOKEN}") } else { "/cb".to_owned() }
    }

    /// Builds a gate for the kind. Returns an error if the keys do not fit the definition.
    fn gate(&self, kind: &KindInfo) -> Result<Gate, ConfigError> {
        let (name, kind) = (self.name(), &kind.name);
        let info = self.definition.info();
        let (path, proof) = match info.token {
            true => ("/cb/{token}", format!("token = {TOKEN:?}")),
            false => ("/cb", String::new()),
        };
        let keys = if info.keys { format!("keys = [{:?}]", self.keys.1) } else { String::new() };
        let settings = self.definition.info().settings.into_iter();
        let settings: String = settings
            .filter(|setting| setting.one_of.is_empty())
            .map(|setting| format!("{} = {:?}\n", setting.name, self.setting(&setting.name)))
            .collect();
        let toml = format!(
            "breaker = false\n[[route]]\npath = '{path}'\nprovider = '{name}'\nkind = '{kind}'\ntemplate = 't'\n{proof}\n\
             [[template]]\nname = 't'\nprovider = '{name}'\ndedupe = false\n{keys}\n[template.settings]\n{settings}\
             [template.on]\n'*' = 'http://127.0.0.1:1/app'\n"
        );
        Gate::builder().toml(toml).build()
    }

    /// Returns the value of a setting: its default, else the template's key.
    fn setting(&self, name: &str) -> String {
        let default = self.table["settings"][name].get("default").and_then(Value::as_str);
        default.map_or_else(|| self.keys.1.clone(), ToOwned::to_owned)
    }

    /// Returns the signed sample of the kind. If the key cannot sign, returns a request that
    /// gatepost refuses.
    fn request(&self, kind: &KindInfo, now: i64) -> Request<Bytes> {
        let mut sample = self.definition.sample(&kind.name).unwrap();
        for setting in self.definition.info().settings {
            let _unused =
                sample.set(&format!("setting:{}", setting.name), &self.setting(&setting.name));
        }
        let to: Uri = format!("http://gate.test{}", self.path()).parse().unwrap();
        let key = self.keys.0.as_str();
        let request = sample.sign(key, Timestamp::from_secs(now)).request(&to);
        request.unwrap_or_else(|error| {
            let mut empty = Request::new(Bytes::from(error.to_string()));
            *empty.uri_mut() = to;
            empty
        })
    }

    fn judge(&self, gate: &Gate, request: Request<Bytes>) -> Result<(), Refusal> {
        self.conclude(gate, request, &Answer::Timeout).map(|_| ())
    }

    /// Returns the conclusion for `answer`, or `None` if gatepost does not ask the app.
    fn conclude(
        &self,
        gate: &Gate,
        request: Request<Bytes>,
        answer: &Answer,
    ) -> Result<Option<Conclusion>, Refusal> {
        let (head, body) = request.into_parts();
        let now = Timestamp::from_secs(NOW);
        let mut intake = match gate.admit(&Head::new(&head.method, &head.uri, &head.headers), now) {
            Admission::Callback(intake) => intake,
            Admission::Refused(refusal) => return Err(refusal),
            other @ (Admission::Other | Admission::Reply(_) | Admission::Shadow(_)) => {
                panic!("{}: expected a callback, found {other:?}", self.name())
            }
        };
        if !body.is_empty() {
            intake.push(body)?;
        }
        let accepted = intake.finish(now)?;
        Ok(match accepted.next(now) {
            Next::Ask(question) => Some(question.conclude(answer, now)),
            Next::Reply(_) | Next::Store(_) | Next::Wait(_) => None,
        })
    }
}

/// Changes the signature at the place `found_in`: a header, or a top-level field of the body.
fn edit(request: &mut Request<Bytes>, found_in: &str, change: impl Fn(&str) -> Option<String>) {
    if let Some(name) = found_in.strip_prefix("header:") {
        let name: HeaderName = name.parse().unwrap();
        let old = request.headers_mut().remove(&name).unwrap();
        if let Some(new) = change(old.to_str().unwrap()) {
            request.headers_mut().insert(name, HeaderValue::from_str(&new).unwrap());
        }
        return;
    }
    let name = &found_in[1..];
    let body = std::str::from_utf8(request.body()).unwrap().to_owned();
    let new = if body.starts_with('{') {
        let mut fields: serde_json::Map<_, _> = serde_json::from_str(&body).unwrap();
        let old = fields.remove(name).unwrap();
        let new = change(old.as_str().unwrap());
        fields.extend(new.map(|new| (name.to_owned(), new.into())));
        serde_json::to_string(&fields).unwrap()
    } else {
        let pairs = form_urlencoded::parse(body.as_bytes()).into_owned();
        let pairs = pairs.filter_map(|(key, value)| match key == name {
            true => change(&value).map(|new| (key, new)),
            false => Some((key, value)),
        });
        form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
    };
    *request.body_mut() = new.into();
}

/// A change of a signature; `None` removes the signature.
type Edit = fn(&str) -> Option<String>;

/// Replaces one character near the end of the signature.
fn flipped(proof: &str) -> Option<String> {
    let at = proof.len() - 8;
    let new = if &proof[at..=at] == "0" { "1" } else { "0" };
    Some(format!("{}{new}{}", &proof[..at], &proof[at + 1..]))
}

fn first_place(rule: &Value) -> &str {
    let place = &rule["found_in"];
    place.as_str().unwrap_or_else(|| place[0].as_str().unwrap())
}

#[test]
fn refuses_missing_damaged_or_repeated_signature_of_every_provider() {
    let mut tried = 0;
    for provider in Provider::all() {
        let Some(kind) = provider.signed_kinds().next() else { continue };
        let place = first_place(provider.rule(&kind)).to_owned();
        let gate = provider.gate(&kind).unwrap();
        let expect = |what: &str, request: Request<Bytes>| {
            let refused = provider.judge(&gate, request).err().map(|refusal| refusal.kind());
            let Some(kind) = refused else {
                panic!("{}: expected a refusal of {what}, found acceptance", provider.name())
            };
            assert!(kind.status().is_client_error());
        };
        let edits: [(&str, Edit); 5] = [
            ("a missing signature", |_| None),
            ("an empty signature", |_| Some(String::new())),
            ("a wrong signature", flipped),
            ("a truncated signature", |proof| Some(proof[..proof.len() - 4].to_owned())),
            ("a part of the signature", |proof| Some(proof[proof.len() / 2..].to_owned())),
        ];
        for (what, change) in edits {
            let mut request = provider.request(&kind, NOW);
            edit(&mut request, &place, change);
            expect(what, request);
            tried += 1;
        }
        let mut twice = provider.request(&kind, NOW);
        if let Some(name) = place.strip_prefix("header:") {
            let name: HeaderName = name.parse().unwrap();
            let value = twice.headers()[&name].clone();
            twice.headers_mut().append(name, value);
            expect("a signature in two headers", twice);
        }
    }
    assert!(tried > 200, "expected more than 200 requests, found {tried}");
}

#[test]
fn refuses_expired_and_future_callbacks_of_every_provider_that_signs_a_time() {
    let mut tried = 0;
    for provider in Provider::all() {
        for kind in provider.signed_kinds().take(2) {
            let Some(time) = provider.rule(&kind).get("time") else { continue };
            if time.get("enforced").is_some() {
                continue;
            }
            let gate = provider.gate(&kind).unwrap();
            for offset in [-3 * DAY, 3 * DAY] {
                let refused = provider.judge(&gate, provider.request(&kind, NOW + offset));
                let code = refused.err().map(|refusal| refusal.kind().as_str());
                let expected =
                    if offset < 0 { "timestamp_expired" } else { "timestamp_too_far_ahead" };
                assert_eq!(code, Some(expected), "{}.{}", provider.name(), kind.name);
                tried += 1;
            }
        }
    }
    assert!(tried > 60, "expected more than 60 requests, found {tried}");
}

#[test]
fn refuses_another_body_if_the_signature_covers_the_body() {
    let mut tried = 0;
    for provider in Provider::all() {
        for kind in provider.signed_kinds().take(2) {
            let rule = provider.rule(&kind);
            let parts = rule.get("parts").map(ToString::to_string).unwrap_or_default();
            let covers = parts.contains("\"body\"") || rule.get("form").is_some();
            if !covers {
                continue;
            }
            let mut request = provider.request(&kind, NOW);
            *request.body_mut() = Bytes::from_static(b"{\"swapped\":true}");
            let refusal = provider.judge(&provider.gate(&kind).unwrap(), request).err();
            let name = format!("{}.{}", provider.name(), kind.name);
            assert!(refusal.is_some(), "{name}: expected a refusal, found acceptance");
            tried += 1;
        }
    }
    assert!(tried > 50, "expected more than 50 requests, found {tried}");
}

#[test]
fn unsigned_content_type_does_not_change_verdict() {
    for provider in Provider::all() {
        for kind in provider.kinds().into_iter().take(2) {
            let mut request = provider.request(&kind, NOW);
            // Qiniu signs the content type.
            let parts =
                provider.table.get("signature").map(ToString::to_string).unwrap_or_default();
            if parts.to_lowercase().contains("content-type") {
                continue;
            }
            request.headers_mut().insert("content-type", HeaderValue::from_static("text/plain"));
            let verdict = provider.judge(&provider.gate(&kind).unwrap(), request);
            let code = verdict.err().map(|refusal| refusal.kind().as_str());
            assert_eq!(code, None, "{}.{}", provider.name(), kind.name);
        }
    }
}

#[test]
fn denies_every_decision_if_app_fails() {
    let mut tried = 0;
    for provider in Provider::all() {
        for kind in provider.kinds().into_iter().filter(|kind| kind.decision) {
            let gate = provider.gate(&kind).unwrap();
            let reply = |answer: &Answer| {
                let request = provider.request(&kind, NOW);
                let conclusion = provider.conclude(&gate, request, answer).unwrap().unwrap();
                let reply = conclusion.reply;
                (reply.status(), String::from_utf8_lossy(reply.body()).into_owned())
            };
            let say = |allow: &str| {
                Answer::response(StatusCode::OK, Some(format!("{{\"allow\":{allow}}}").into()))
            };
            let (allowed, denied) = (reply(&say("true")), reply(&say("false")));
            for failure in [
                Answer::Timeout,
                Answer::Unreachable("refused".into()),
                Answer::response(StatusCode::INTERNAL_SERVER_ERROR, Some(Bytes::new())),
                Answer::response(StatusCode::OK, Some("<b>Fatal error</b>".into())),
            ] {
                // Some replies carry no permission, for example the reply with the next episode.
                if allowed != denied {
                    let what = format!("{}.{}: {failure:?}", provider.name(), kind.name);
                    assert_ne!(reply(&failure), allowed, "{what}");
                    tried += 1;
                }
            }
        }
    }
    assert!(tried > 40, "expected more than 40 failures, found {tried}");
}
