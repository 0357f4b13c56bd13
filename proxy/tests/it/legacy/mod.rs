//! Tests with apps whose code expects callbacks directly from a platform. A test sends callbacks to
//! each app, both directly and through gatepost, while the app is healthy and while it fails. The
//! test compares the tables of a page with the replies that the platform gets.
//!
//! The apps are in `tests/upstreams/apps/legacy`. The page is `src/manual/legacy.md`. With
//! `UPDATE_LEGACY=1`, the test writes the page.

mod page;
mod patterns;
mod wire;

use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use gatepost::{Definition, Timestamp};
use http::Uri;
use serde_json::Value;

use self::page::{Cell, Prediction, Row, Section};
use self::patterns::{PATTERNS, Pattern};
use self::wire::{Reply, Tap, exchange, head_lines};
use crate::support::*;
use crate::upstreams::servers::{Server, root};

/// Form in which gatepost passes a callback on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Shadow,
    Passthrough,
    Raw,
    Json,
}

impl Form {
    const ALL: [Self; 4] = [Self::Shadow, Self::Passthrough, Self::Raw, Self::Json];

    const fn word(self) -> &'static str {
        match self {
            Self::Shadow => "shadow",
            Self::Passthrough => "passthrough",
            Self::Raw => "raw",
            Self::Json => "json",
        }
    }
}

impl Pattern {
    fn definition(&self) -> Definition {
        Definition::built_in(self.provider).unwrap()
    }

    /// Returns true if the callback of the pattern is a decision.
    fn is_decision(&self) -> bool {
        let info = self.definition().info();
        info.kinds.iter().any(|kind| &*kind.name == self.kind && kind.decision)
    }

    /// Starts gatepost in front of the app on the port `app`.
    fn gate(&self, form: Form, app: u16) -> Gatepost {
        let Self { provider, kind, path, route, template, .. } = self;
        // In shadow mode, gatepost predicts the outcome in passthrough.
        let configured = if form == Form::Shadow { Form::Passthrough } else { form };
        let keys = self.keys.iter().filter(|(only, _)| *only == configured);
        let address: String = keys.map(|(_, keys)| format!(", {keys}")).collect();
        let upstream = format!("http://127.0.0.1:{app}");
        let keys = self.key.map_or_else(String::new, |key| format!("keys = ['{key}']\n"));
        let mode = if form == Form::Shadow { "shadow" } else { "enforce" };
        let forward = configured.word();
        Gatepost::serve_verbosely(&format!(
            "upstream = '{upstream}'\nbreaker = false\n\
             [[route]]\npath = '{path}'\nprovider = '{provider}'\ntemplate = 'legacy'\n\
             mode = '{mode}'\n{route}\n\
             [[template]]\nname = 'legacy'\nprovider = '{provider}'\ndedupe = false\n{keys}\
             {template}[template.on]\n'{kind}' = {{ forward = '{forward}', timeout_ms = 1000{address} }}\n"
        ))
    }

    /// Returns the callback of a case in wire format.
    fn callback(&self, case: &'static str) -> Vec<u8> {
        let definition = self.definition();
        let mut sample = definition.sample(self.kind).unwrap();
        let denied = if case == DENIED { self.denied } else { &[] };
        for (name, value) in self.fields.iter().chain(denied) {
            sample.set(name, value).unwrap();
        }
        let is_forged = case == FORGED;
        if let Some(key) = self.key {
            let key = if is_forged { "gu3ssed-k3y" } else { key };
            sample = sample.sign(key, Timestamp::from_secs(i64::try_from(now()).unwrap()));
        }
        let token = if is_forged { "guessed-t0ken" } else { TOKEN };
        let target = format!("{}{}", self.path.replace("{token}", token), self.query);
        let to: Uri = format!("http://{HOST}{target}").parse().unwrap();
        let request = sample.request(&to).unwrap();
        let mut head =
            format!("POST {target} HTTP/1.1\r\nhost: {HOST}\r\nuser-agent: platform\r\n");
        for (name, value) in request.headers() {
            head.push_str(&format!("{name}: {}\r\n", value.to_str().unwrap()));
        }
        let length = request.body().len();
        head.push_str(&format!("content-length: {length}\r\nconnection: close\r\n\r\n"));
        [head.as_bytes(), request.body()].concat()
    }
}

const HOST: &str = "legacy.test";
const HEALTHY: &str = "healthy";
const DENIED: &str = "says no";
const FORGED: &str = "forged callback";
const BROKEN_HEADER: &str = "broken header";

/// Returns the cases: the forged callback, then each state of the app.
fn cases(pattern: &Pattern) -> impl Iterator<Item = &'static str> {
    let denied = if pattern.denied.is_empty() { None } else { Some(DENIED) };
    [FORGED, HEALTHY].into_iter().chain(denied).chain(pattern.failures.iter().copied())
}

/// Runs every case of a pattern.
fn run(pattern: &Pattern) -> Section {
    let server = (pattern.server)();
    let tap = Tap::start(server.port);
    let gates = Form::ALL.map(|form| (form, pattern.gate(form, tap.port)));
    let rows = cases(pattern).map(|case| {
        std::fs::write(server.path("mode"), case).unwrap();
        let direct = exchange(server.port, &pattern.callback(case));
        check_direct(pattern, case, direct.as_ref(), &server);
        let cell =
            |(form, gate): &(_, _)| through(pattern, case, *form, gate, &tap, direct.as_ref());
        let cells = gates.each_ref().map(cell);
        check_prediction(&format!("{}, {case}", pattern.title), &cells);
        Row { case, cells, direct: direct.as_ref().map(page::text) }
    });
    Section { title: pattern.title, about: pattern.about, rows: rows.collect() }
}

/// Checks that the prediction in shadow mode equals the outcome in passthrough.
fn check_prediction(context: &str, [shadow, passthrough, ..]: &[Cell; 4]) {
    let Cell::Passed { prediction: Some(prediction), .. } = shadow else { return };
    let Cell::Passed { is_unchanged, code, .. } = passthrough else {
        panic!("{context}: expected a passed callback, found a refused one")
    };
    let Prediction { outcome, reason } = prediction;
    assert_eq!(*is_unchanged, outcome == "passed", "{context}: {outcome} {reason}, {code}");
    let expected = if reason.is_empty() { "app" } else { reason };
    assert_eq!(code, expected, "{context}: {outcome}");
}

/// Checks that, without gatepost, a healthy app acknowledges a genuine callback.
fn check_direct(pattern: &Pattern, case: &'static str, direct: Option<&Reply>, server: &Server) {
    let is_unexpected = case == HEALTHY && !is_success(direct);
    assert!(
        !is_unexpected,
        "{}: expected an acknowledgement, found {direct:?}\n{}",
        pattern.title,
        server.log()
    );
}

fn is_success(reply: Option<&Reply>) -> bool {
    reply.is_some_and(|reply| (200..300).contains(&reply.status))
}

/// Sends the callback of a case through gatepost, and checks the reply and the bytes that the app
/// receives.
fn through(
    pattern: &Pattern,
    case: &'static str,
    form: Form,
    gate: &Gatepost,
    tap: &Tap,
    direct: Option<&Reply>,
) -> Cell {
    let context = format!("{}, {case}, {form:?}", pattern.title);
    let request = pattern.callback(case);
    let predictions_before = predictions(gate).len();
    let Passage { reply, code, received } = pass(gate, tap, &request);
    if form != Form::Shadow && case == FORGED {
        check_refused(&context, &reply, &received);
        check_unusual(&context, pattern, gate, tap);
        return Cell::Refused { status: reply.status, code };
    }
    let is_unchanged = Some(&reply) == direct;
    let must_be_unchanged = match form {
        // HTTP forbids the header of `BROKEN_HEADER`, so the proxy cannot pass it on.
        Form::Shadow => direct.is_some() && case != BROKEN_HEADER,
        Form::Passthrough => {
            // A denial with an error status may change: some platforms read only replies with 200.
            let is_denied = case == DENIED && (is_success(direct) || !pattern.is_decision());
            case == HEALTHY || is_denied
        }
        Form::Raw | Form::Json => false,
    };
    let log = || gate.program.log();
    assert!(
        !must_be_unchanged || is_unchanged,
        "{context}: expected {direct:?}, found {reply:?}\n{}",
        log()
    );
    if form == Form::Passthrough {
        check_received(&context, &request, &received);
    }
    let says_the_same = direct.is_some_and(|direct| says_the_same(pattern, direct, &reply));
    let is_healthy = [HEALTHY, DENIED].contains(&case);
    assert!(
        form != Form::Passthrough || !is_healthy || says_the_same,
        "{context}: expected the meaning of {direct:?}, found {reply:?}"
    );
    let prediction = (form == Form::Shadow && case != FORGED).then(|| {
        eventually("a prediction", || predictions(gate).len() > predictions_before);
        predictions(gate).remove(predictions_before)
    });
    Cell::Passed { is_unchanged, says_the_same, text: page::text(&reply), code, prediction }
}

/// Result of a callback through gatepost.
struct Passage {
    reply: Reply,
    /// Code in the log.
    code: String,
    /// Bytes that the app received.
    received: Vec<u8>,
}

fn pass(gate: &Gatepost, tap: &Tap, request: &[u8]) -> Passage {
    let before = concluded(gate).len();
    tap.take();
    let reply = exchange(gate.port, request)
        .expect("expected a reply from gatepost, found a closed connection");
    eventually("a line about the callback", || concluded(gate).len() > before);
    Passage { reply, code: concluded(gate).remove(before), received: tap.take() }
}

fn check_refused(context: &str, reply: &Reply, received: &[u8]) {
    assert!((400..500).contains(&reply.status), "{context}: expected 4xx, found {reply:?}");
    let received = String::from_utf8_lossy(received);
    assert!(received.is_empty(), "{context}: expected no byte at the app, found {received:?}");
}

/// Checks that gatepost refuses genuine callbacks with a method or an encoding that no platform
/// uses.
fn check_unusual(context: &str, pattern: &Pattern, gate: &Gatepost, tap: &Tap) {
    let genuine = String::from_utf8(pattern.callback(HEALTHY)).unwrap();
    for (found, unusual) in [("POST ", "PUT "), ("user-agent: platform", "content-encoding: gzip")]
    {
        let Passage { reply, received, .. } =
            pass(gate, tap, genuine.replacen(found, unusual, 1).as_bytes());
        check_refused(&format!("{context}, {unusual}"), &reply, &received);
    }
}

/// Returns true if the platform reads both replies in the same way.
fn says_the_same(pattern: &Pattern, direct: &Reply, reply: &Reply) -> bool {
    if pattern.is_decision() {
        meaning(direct) == meaning(reply)
    } else {
        is_success(Some(direct)) == is_success(Some(reply))
    }
}

/// Returns the data of a reply as JSON, or as text if it is not JSON. If the reply has no body,
/// returns the status.
fn meaning(reply: &Reply) -> Value {
    let data = page::data(reply);
    if data.is_empty() {
        return reply.status.into();
    }
    let text = || String::from_utf8_lossy(&data).into();
    serde_json::from_slice(&data).unwrap_or_else(|_| text())
}

/// Checks that the app received the request line, the body and, except for `Connection`, the
/// headers that the platform sent.
fn check_received(context: &str, sent: &[u8], received: &[u8]) {
    let split = |bytes: &[u8]| {
        let at = bytes.windows(4).position(|end| end == b"\r\n\r\n").expect(context);
        (head_lines(&bytes[..at]), bytes[at + 4..].to_vec())
    };
    let ((line, headers), body) = split(sent);
    let ((found_line, found_headers), found_body) = split(received);
    assert_eq!(found_line, line, "{context}");
    // If an app closes the connection, gatepost sends the request again.
    assert!(
        found_body.starts_with(&body),
        "{context}: expected the sent body, found {:?}",
        String::from_utf8_lossy(received)
    );
    for header in headers.iter().filter(|(name, _)| name != "connection") {
        assert!(
            found_headers.contains(header),
            "{context}: expected {header:?}, found {found_headers:?}"
        );
    }
}

/// Returns the codes of the lines about the verdict or the conclusion of a callback.
fn concluded(gate: &Gatepost) -> Vec<String> {
    let starts = ["callback concluded", "callback refused", "callback would be"];
    lines(gate, &starts).iter().map(|line| text(line, "code")).collect()
}

/// Returns the predictions for the answers in shadow mode.
fn predictions(gate: &Gatepost) -> Vec<Prediction> {
    let lines = lines(gate, &["answer would", "answer not judged", "app would"]);
    let prediction = |line| Prediction {
        outcome: text(line, "code").replacen("answer_", "", 1),
        reason: text(line, "reason"),
    };
    lines.iter().map(prediction).collect()
}

/// Returns the log lines whose message starts with one of these texts.
fn lines(gate: &Gatepost, starts: &[&str]) -> Vec<Value> {
    let lines = gate.program.log();
    let lines = lines.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let has_start = |line: &Value| {
        let message = line["message"].as_str().unwrap_or_default();
        starts.iter().any(|start| message.starts_with(start))
    };
    lines.filter(has_start).collect()
}

fn text(line: &Value, field: &str) -> String {
    line[field].as_str().unwrap_or_default().to_owned()
}

#[test]
#[ignore = "needs tests/upstreams/install"]
fn manual_shows_the_replies_of_legacy_apps_in_every_form() {
    let next = AtomicUsize::new(0);
    let sections = Mutex::new(Vec::new());
    thread::scope(|scope| {
        // A slow app sleeps. Four threads therefore save time even on one core.
        for _ in 0..4 {
            scope.spawn(|| {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some(pattern) = PATTERNS.get(index) else { break };
                    let section = run(pattern);
                    sections.lock().unwrap().push((index, section));
                }
            });
        }
    });
    let mut sections = sections.into_inner().unwrap();
    sections.sort_by_key(|(index, _)| *index);
    let sections: Vec<_> = sections.into_iter().map(|(_, section)| section).collect();
    page::check(&sections);
}

/// Titles of the apps in the walk-through, which is a section of the manual's page `rollout`. The
/// titles are in the order of the page.
const WALK: [&str; 2] = ["Front controller by path", "Server with `{\"code\":0}`: SRS"];

/// Returns the code blocks in `language` from the walk-through.
fn blocks(language: &str) -> Vec<String> {
    let page = std::fs::read_to_string(root().join("src/manual/rollout.md")).unwrap();
    let walk = page.split("\n## ").find(|part| part.starts_with("Two apps")).unwrap();
    let fence = format!("```{language}\n");
    let blocks = walk.split(&fence).skip(1);
    blocks.map(|block| block.split("```").next().unwrap().to_owned()).collect()
}

/// Returns the edits of the walk-through: the old line and the new line of each.
fn edits() -> Vec<(String, String)> {
    let line = |block: &str, mark| {
        block.lines().find_map(|line| line.strip_prefix(mark).map(str::to_owned))
    };
    blocks("diff")
        .iter()
        .map(|block| (line(block, '-').unwrap(), line(block, '+').unwrap()))
        .collect()
}

#[test]
#[ignore = "needs tests/upstreams/install"]
fn edits_from_manual_move_apps_to_the_next_form_and_back() {
    let forward = edits();
    let back = forward.iter().rev().map(|(old, new)| (new.clone(), old.clone()));
    let edits: Vec<_> = forward.iter().cloned().chain(back).collect();
    let forms =
        [Form::Passthrough, Form::Raw, Form::Json, Form::Raw, Form::Passthrough, Form::Shadow];
    assert_eq!(edits.len(), forms.len());
    for (title, config) in WALK.into_iter().zip(blocks("toml")) {
        let pattern = PATTERNS.iter().find(|pattern| pattern.title == title).unwrap();
        let server = (pattern.server)();
        let tap = Tap::start(server.port);
        let config = config
            .replace("http://127.0.0.1:3000", &format!("http://127.0.0.1:{}", tap.port))
            .replace("SRS_TOKEN", "KOLLUS_TOKEN")
            .replace("[[template]]\n", "[[template]]\ndedupe = false\n");
        let gate = Gatepost::serve_verbosely(&config);
        check_step(pattern, Form::Shadow, &gate, &tap);
        assert_eq!(predictions(&gate).pop().unwrap().outcome, "passed", "{title}");
        for (number, ((old, new), form)) in edits.iter().zip(forms).enumerate() {
            let path = gate.folder.path().join("gatepost.toml");
            let text = std::fs::read_to_string(&path).unwrap();
            assert_eq!(text.lines().filter(|line| line == old).count(), 1, "{old}");
            std::fs::write(&path, text.replace(old, new)).unwrap();
            check_commands(&path, form);
            gate.program.signal("HUP");
            gate.program.wait_for_lines("reloaded the config", number + 1);
            check_step(pattern, form, &gate, &tap);
        }
    }
}

/// Runs the commands that the walk-through tells the operator to run after each edit.
fn check_commands(config: &Path, form: Form) {
    for command in ["check", "routes"] {
        let mut program = gatepost();
        program.env("KOLLUS_TOKEN", TOKEN).env("TENCENT_KEY", KEY);
        let output = program.arg(command).arg("-c").arg(config).output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{command}: expected success, found {output:?}");
        assert!(
            command != "routes" || text.contains(form.word()),
            "expected the word of {form:?}, found {text}"
        );
    }
}

/// Checks that the app acknowledges a genuine callback in this form. Checks that the app receives a
/// forged callback only in shadow mode.
fn check_step(pattern: &Pattern, form: Form, gate: &Gatepost, tap: &Tap) {
    let context = format!("{}, {form:?}", pattern.title);
    let request = pattern.callback(HEALTHY);
    let Passage { reply, received, .. } = pass(gate, tap, &request);
    assert_eq!(reply.body, b"{\"code\":0}", "{context}");
    match form {
        Form::Shadow | Form::Passthrough => check_received(&context, &request, &received),
        Form::Raw | Form::Json => {}
    }
    let received = String::from_utf8(received).unwrap();
    let is_event = matches!(form, Form::Raw | Form::Json);
    assert_eq!(received.contains("\r\nce-type: "), is_event, "{context}: {received}");
    let Passage { reply, received, .. } = pass(gate, tap, &pattern.callback(FORGED));
    if form == Form::Shadow {
        assert_eq!((reply.status, received.is_empty()), (200, false), "{context}");
    } else {
        check_refused(&context, &reply, &received);
    }
}
