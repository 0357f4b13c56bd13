//! Loader of the vectors of other projects in `tests/others`, for the tests of the core, the layer
//! and the proxy.
//!
//! A table contains facts of one project: requests, the time of receipt, and verdicts. Each row
//! names the project's files that contain the facts. The key `expected` is the verdict of the
//! project, and `ours` is the verdict of gatepost. If the verdicts differ, the row has one of these
//! keys:
//!
//! - `differs`: the reason for the verdict of gatepost;
//! - `pending`: a known fault of gatepost. After a fix of the fault, the row fails until you update
//!   `ours` and remove `pending`.
//!
//! `left_out` lists the cases that the table does not contain, each with the reason.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use gatepost::{ConfigError, Gate};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri};
use serde::Deserialize;
use serde_json::Value;

/// The facts of one project.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    project: String,
    /// The commit of the files. For web pages, `read` and the month.
    commit: String,
    licence: String,
    /// The files of the project, by the short names that rows use.
    files: BTreeMap<String, String>,
    #[serde(default)]
    definition: Vec<Definition>,
    #[serde(default)]
    request: Vec<Request>,
    #[serde(default)]
    case: Vec<Row>,
    #[serde(default)]
    key: Vec<KeyRow>,
    #[serde(default)]
    scenario: Vec<Scenario>,
    #[serde(default)]
    left_out: Vec<LeftOut>,
}

/// A provider definition for a scheme that is not built in.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Definition {
    toml: String,
}

/// A request to which rows of the table refer.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Request {
    name: String,
    provider: String,
    keys: Vec<String>,
    now: i64,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    body: String,
}

/// Changes to a [`Request`], and the verdicts on the changed request.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    name: String,
    r#in: Vec<String>,
    request: String,
    provider: Option<String>,
    keys: Option<Vec<String>>,
    now: Option<i64>,
    #[serde(default)]
    set: BTreeMap<String, String>,
    #[serde(default)]
    without: Vec<String>,
    /// Headers whose values are not text, in hexadecimal.
    #[serde(default)]
    raw: BTreeMap<String, String>,
    body: Option<String>,
    /// A body that is not UTF-8, in base64.
    body_base64: Option<String>,
    /// Number of copies of the text `body` in the request's body; 1 by default.
    repeat: Option<usize>,
    #[serde(flatten)]
    verdicts: Verdicts,
}

/// The verdict that the other project expects, and the verdict of gatepost.
#[derive(Clone, Debug, Deserialize)]
pub struct Verdicts {
    pub expected: Expected,
    /// `accepted`, or the code of the refusal.
    pub ours: String,
    differs: Option<String>,
    pending: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Expected {
    Accepted,
    Refused,
}

/// A key that the other project refuses in its configuration.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyRow {
    name: String,
    r#in: Vec<String>,
    provider: String,
    key: String,
    #[serde(flatten)]
    verdicts: Verdicts,
}

/// Several requests to one receiver. `tests/it/others/scenarios.rs` runs them.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    pub id: String,
    pub name: String,
    r#in: Vec<String>,
    pub sends: Vec<Send>,
    /// True if the second request arrives before the app has answered the first.
    #[serde(default)]
    pub concurrent: bool,
    /// The index of the request before which the receiver restarts.
    pub restart_before: Option<usize>,
    /// The number of events that the app receives.
    pub events: usize,
    /// The number of events that the other project expects.
    pub expected_events: usize,
    differs: Option<String>,
}

/// One request of a scenario.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Send {
    /// The name of the case to send.
    pub case: String,
    /// Seconds after the time of the case.
    #[serde(default)]
    pub after: i64,
    /// The status of the app's answer; 0 if the app closes the connection.
    #[serde(default = "ok")]
    pub app: u16,
    /// The status of the reply.
    pub status: u16,
}

const fn ok() -> u16 {
    200
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct LeftOut {
    name: String,
    r#in: Vec<String>,
    reason: String,
}

/// A request of another project, ready to send.
#[derive(Clone, Debug)]
pub struct Case {
    /// Name of the table and of the row, for messages.
    pub name: String,
    /// Path of the route with the provider and the keys of the case.
    pub path: String,
    pub now: i64,
    pub headers: Vec<(String, Vec<u8>)>,
    pub body: Vec<u8>,
    pub verdicts: Verdicts,
}

/// All tables in `tests/others`, and their cases and scenarios.
#[derive(Debug)]
pub struct Others {
    pub cases: Vec<Case>,
    pub scenarios: Vec<Scenario>,
    /// Provider and keys of each route, in the order of the routes.
    routes: Vec<(String, Vec<String>)>,
    tables: Vec<(String, Table)>,
}

fn folder() -> PathBuf {
    // Other packages of the workspace compile this file too, each with its own manifest folder.
    let mut ancestors = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors();
    ancestors.find_map(|root| Some(root.join("tests/others")).filter(|p| p.is_dir())).unwrap()
}

/// Reads all tables in `tests/others`.
pub fn all() -> Others {
    let files = fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> =
        files.filter(|file| file.extension().is_some_and(|end| end == "toml")).collect();
    files.sort();
    let tables: Vec<_> = files.iter().map(|file| read(file)).collect();
    let mut others = Others { cases: vec![], scenarios: vec![], routes: vec![], tables: vec![] };
    for (name, table) in &tables {
        table.check(name);
        others.cases.extend(table.case.iter().map(|row| row.case(name, table, &mut others.routes)));
        others.scenarios.extend(table.scenario.iter().cloned());
    }
    others.tables = tables;
    others
}

fn read(file: &Path) -> (String, Table) {
    let name = file.file_stem().unwrap().to_str().unwrap().to_owned();
    let table = toml::from_str(&fs::read_to_string(file).unwrap());
    let table = table.unwrap_or_else(|e| panic!("{name}: expected a valid table, found {e}"));
    (name, table)
}

impl Table {
    /// Checks that every row names its source, and that a difference has exactly one explanation.
    fn check(&self, table: &str) {
        let dated = self.commit.len() == 40 || self.commit.starts_with("read ");
        assert!(
            dated && !self.licence.is_empty(),
            "{table}: expected a commit or a month, and a licence of {}, found {:?} and {:?}",
            self.project,
            self.commit,
            self.licence
        );
        let mut names = BTreeSet::new();
        let cases = self.case.iter().map(|row| (&row.name, &row.r#in, Some(&row.verdicts)));
        let keys = self.key.iter().map(|row| (&row.name, &row.r#in, Some(&row.verdicts)));
        let left_out = self.left_out.iter().map(|row| (&row.name, &row.r#in, None));
        let scenarios = self.scenario.iter().map(|row| (&row.name, &row.r#in, None));
        for (name, files, verdicts) in cases.chain(keys).chain(left_out).chain(scenarios) {
            assert!(names.insert(name), "{table}: expected one row named {name}, found two");
            let known = files.iter().all(|file| self.files.contains_key(file));
            assert!(
                known && !files.is_empty(),
                "{table}: {name}: expected known files, found {files:?}"
            );
            if let Some(verdicts) = verdicts {
                verdicts.check(&format!("{table}: {name}"));
            }
        }
        for scenario in &self.scenario {
            let differs = scenario.events != scenario.expected_events;
            assert_eq!(differs, scenario.differs.is_some(), "{table}: {}", scenario.id);
        }
        assert!(
            self.left_out.iter().all(|row| !row.reason.is_empty()),
            "{table}: expected a reason in each row of left_out, found a row without a reason"
        );
    }
}

impl Verdicts {
    /// Returns the verdicts on a genuine callback.
    pub fn accepted() -> Self {
        Self { expected: Expected::Accepted, ours: "accepted".into(), differs: None, pending: None }
    }

    fn check(&self, row: &str) {
        let differs = (self.expected == Expected::Accepted) != (self.ours == "accepted");
        let explained = [&self.differs, &self.pending].into_iter().flatten().count();
        assert_eq!(explained, usize::from(differs), "{row}: explanations of different verdicts");
    }

    /// Checks the verdict of gatepost: `accepted` or the code of the refusal.
    ///
    /// # Errors
    ///
    /// Returns an error if the table expects another result.
    pub fn expect(&self, row: &str, found: &str) -> Result<(), String> {
        match &self.pending {
            _ if found == self.ours => Ok(()),
            Some(finding) => Err(format!(
                "{row}: {finding}: expected {}, found {found}; update `ours` and remove `pending`",
                self.ours
            )),
            None => Err(format!("{row}: expected {}, found {found}", self.ours)),
        }
    }
}

impl Row {
    fn case(&self, name: &str, table: &Table, routes: &mut Vec<(String, Vec<String>)>) -> Case {
        let name = format!("{name}: {}", self.name);
        let base = table.request.iter().find(|request| request.name == self.request);
        let base = base.unwrap_or_else(|| {
            panic!("{name}: expected a request of the table, found {:?}", self.request)
        });
        let route = (
            self.provider.as_ref().unwrap_or(&base.provider).clone(),
            self.keys.as_ref().unwrap_or(&base.keys).clone(),
        );
        let index = routes.iter().position(|known| *known == route).unwrap_or_else(|| {
            routes.push(route);
            routes.len() - 1
        });
        Case {
            path: format!("/others/{index}"),
            now: self.now.unwrap_or(base.now),
            headers: self.headers(base),
            body: self.body(base),
            verdicts: self.verdicts.clone(),
            name,
        }
    }

    fn headers(&self, base: &Request) -> Vec<(String, Vec<u8>)> {
        let mut headers = base.headers.clone();
        headers.retain(|name, _| !self.without.contains(name));
        headers.extend(self.set.clone());
        let text = headers.into_iter().filter(|(name, _)| !self.raw.contains_key(name));
        let text = text.map(|(name, value)| (name, value.into_bytes()));
        let raw = self.raw.iter().map(|(name, hex)| {
            (name.clone(), data_encoding::HEXLOWER.decode(hex.as_bytes()).unwrap())
        });
        text.chain(raw).collect()
    }

    fn body(&self, base: &Request) -> Vec<u8> {
        if let Some(base64) = &self.body_base64 {
            return data_encoding::BASE64.decode(base64.as_bytes()).unwrap();
        }
        let body = self.body.as_ref().unwrap_or(&base.body);
        body.repeat(self.repeat.unwrap_or(1)).into_bytes()
    }
}

impl Case {
    /// Returns the parts of the request's head.
    pub fn head(&self) -> (Method, Uri, HeaderMap) {
        let mut headers = HeaderMap::new();
        for (name, value) in &self.headers {
            let name: HeaderName = name.parse().unwrap();
            headers.append(name, HeaderValue::from_bytes(value).unwrap());
        }
        (Method::POST, self.path.parse().unwrap(), headers)
    }

    /// Checks that the event has the fields of the callback. If the body has no fields, the event
    /// must have the same bytes.
    pub fn check_event(&self, event: &[u8]) {
        match self.fields() {
            Some(sent) => {
                let found: Value = serde_json::from_slice(event).unwrap();
                assert_eq!(found, sent, "{}: fields of the event", self.name);
            }
            None => assert_eq!(event, self.body, "{}: body of the event", self.name),
        }
    }

    /// Returns the fields of a form or of a JSON object, else `None`.
    fn fields(&self) -> Option<Value> {
        const FORM: (&str, &[u8]) = ("content-type", b"application/x-www-form-urlencoded");
        if self.headers.iter().any(|(name, value)| (name.as_str(), value.as_slice()) == FORM) {
            let form = str::from_utf8(&self.body).unwrap();
            let decoded = |text| percent_encoding::percent_decode_str(text).decode_utf8().unwrap();
            let fields = form.split('&').map(|field| field.split_once('=').unwrap());
            let fields = fields.map(|(name, value)| (decoded(name), Value::from(decoded(value))));
            return Some(fields.map(|(name, value)| (name.into_owned(), value)).collect());
        }
        serde_json::from_slice::<Value>(&self.body).ok().filter(Value::is_object)
    }
}

impl Others {
    /// Returns a gate with one route for each pair of provider and keys. `app` is the origin of the
    /// app.
    pub fn gate(&self, app: &str) -> Gate {
        self.gate_with(app, "dedupe = false")
    }

    /// Returns a gate like [`Self::gate`], with the lines of `template` in each template instead of
    /// `dedupe = false`.
    pub fn gate_with(&self, app: &str, template: &str) -> Gate {
        let mut config = String::new();
        for (index, (provider, keys)) in self.routes.iter().enumerate() {
            config += &format!(
                "[[route]]\npath = '/others/{index}'\nprovider = '{provider}'\n\
                 template = 't{index}'\n\
                 [[template]]\nname = 't{index}'\nprovider = '{provider}'\nkeys = {keys:?}\n\
                 {template}\non.'*' = '{app}/{provider}'\n"
            );
        }
        let definitions = self.tables.iter().flat_map(|(_, table)| &table.definition);
        build(definitions, &config, "")
            .unwrap_or_else(|error| panic!("expected a gate, found {error}"))
    }

    /// Returns the name and the verdicts of each [`KeyRow`], and the result for the key: `refused`,
    /// `warned` or `accepted`.
    pub fn keys(&self) -> impl Iterator<Item = (String, &Verdicts, &'static str)> {
        self.tables.iter().flat_map(|(name, table)| {
            table.key.iter().map(move |row| {
                (format!("{name}: {}", row.name), &row.verdicts, row.judged(&table.definition))
            })
        })
    }

    /// Returns the case of `send`, at the time at which the scenario sends the case.
    pub fn sent(&self, send: &Send) -> Case {
        let is_sent = |case: &&Case| case.name.split_once(": ").unwrap().1 == send.case;
        let case = self.cases.iter().find(is_sent).unwrap().clone();
        Case { now: case.now + send.after, ..case }
    }
}

impl KeyRow {
    /// Builds a gate whose only template has this key. Returns `refused`, `warned` or `accepted`.
    fn judged(&self, definitions: &[Definition]) -> &'static str {
        let provider = &self.provider;
        let config = format!(
            "[[route]]\npath = '/key'\nprovider = '{provider}'\n\
             [[template]]\nname = 't'\nprovider = '{provider}'\nbind = ['*']\nkeys = [{{ env = 'KEY' }}]\n\
             on.'*' = 'http://app.test/'\n"
        );
        match build(definitions, &config, &self.key) {
            Err(error) => {
                assert!(
                    error.to_string().contains("keys[0]"),
                    "{}: expected a fault about the key, found {error}",
                    self.name
                );
                "refused"
            }
            Ok(gate) if gate.warnings().iter().any(|w| w.to_string().contains("keys[0]")) => {
                "warned"
            }
            Ok(_) => "accepted",
        }
    }
}

/// Builds a gate from a config and provider definitions. `key` is the value of the variable `KEY`.
fn build<'d>(
    definitions: impl IntoIterator<Item = &'d Definition>,
    config: &str,
    key: &str,
) -> Result<Gate, ConfigError> {
    let folder = tempfile::TempDir::new().unwrap();
    let mut files = Vec::new();
    for (index, definition) in definitions.into_iter().enumerate() {
        files.push(format!("{index}.toml"));
        fs::write(folder.path().join(&files[index]), &definition.toml).unwrap();
    }
    let path = folder.path().join("gatepost.toml");
    let head = format!("breaker = false\nprovider_files = {files:?}\n");
    fs::write(&path, head + config).unwrap();
    Gate::builder().file(path).variable("KEY", key).build()
}
