//! Compiles the definition of a platform from TOML to a [`Plan`].
//!
//! The compiler reports all faults of a definition together. Each fault has a line, a key and a
//! remedy. An unknown key is a fault.

mod ack;
mod by_status;
mod challenge;
mod check;
mod common;
mod jwt;
mod kind;
mod kind_rule;
mod part;
mod place;
mod raw_body;
mod reply;
mod sample;
mod setting;
mod signature;

use std::cell::{Cell, RefCell};

use http::{HeaderName, HeaderValue, Method, StatusCode};

use super::plan::{BodyFormat, Evidence, Kind, PageTexts, Plan, SessionPart, TenantCase};
use super::setting::Setting;
use crate::json::Name;
use crate::reply::Reply;
use crate::toml_reader::{self, Fault, FaultKind, Faults, Form, Item, Located, Table};

const CE_TYPE_REMEDY: &str = "set the start of each event type, for example `com.example`";

const CASES: [(&str, TenantCase); 2] =
    [("insensitive", TenantCase::Insensitive), ("sensitive", TenantCase::Sensitive)];

const FORMATS: [(&str, BodyFormat); 4] = [
    ("form", BodyFormat::Form),
    ("json", BodyFormat::Json),
    ("query", BodyFormat::Query),
    ("raw", BodyFormat::Raw),
];

const METHODS: [(&str, Method); 3] =
    [("GET", Method::GET), ("POST", Method::POST), ("PUT", Method::PUT)];

/// Compiles a definition.
///
/// # Errors
///
/// If the text is not TOML, returns only the first fault. Otherwise, returns all faults.
pub(crate) fn parse(text: &str) -> Result<Plan, Vec<Fault>> {
    let plan = toml_reader::read(text, FaultKind::DefinitionInvalid, |table, faults| {
        let reader = DefinitionReader {
            faults,
            headers: RefCell::default(),
            reads_query: RefCell::default(),
            reads_target: RefCell::default(),
            methods: RefCell::default(),
            formats: RefCell::default(),
            has_fields: Cell::new(true),
            unquoted: RefCell::default(),
            settings: setting::settings(table, faults),
        };
        let plan = reader.plan(table)?;
        sample::check(table, faults, &plan);
        Some(plan)
    });
    plan.map(|(plan, _)| plan)
}

/// The state that all functions of this module share while gatepost reads one definition.
struct DefinitionReader<'f> {
    faults: &'f Faults<'f>,
    /// The headers that locators have named so far. A locator refers to a header by its index.
    headers: RefCell<Vec<HeaderName>>,
    reads_query: RefCell<bool>,
    reads_target: RefCell<bool>,
    /// The methods of `[request]`.
    methods: RefCell<Vec<Method>>,
    /// The formats of `[request]`; `None` before the reader has read them.
    formats: RefCell<Option<Formats>>,
    /// True if callbacks may have fields, because not all bodies are raw. Covers the callbacks of
    /// one kind while gatepost reads the table of this kind, otherwise all callbacks.
    has_fields: Cell<bool>,
    /// The kind names that contain a dot and are not in quotes.
    unquoted: RefCell<Vec<String>>,
    settings: Vec<Setting>,
}

/// Reads the texts for the platform's page in the manual.
fn page_texts(table: &Table<'_>) -> PageTexts {
    let text = |key| table.string(key).map(|text| text.value.into());
    PageTexts {
        setup: text("setup"),
        proof: text("proof"),
        unproven: text("unproven"),
        resends: text("resends"),
    }
}

/// The values of the `[request]` table.
struct Request {
    methods: Vec<Method>,
    formats: Formats,
    unwrap: Option<Name<'static>>,
}

/// The formats of bodies: `body`, `other_body` and `body_of_methods` of a [`Plan`].
#[derive(Clone)]
struct Formats {
    body: BodyFormat,
    other: Option<BodyFormat>,
    of_methods: Vec<(Method, BodyFormat)>,
}

impl Formats {
    fn has(&self, format: BodyFormat) -> bool {
        let of_methods = self.of_methods.iter().map(|(_, format)| *format);
        of_methods.chain(self.other).chain([self.body]).any(|known| known == format)
    }

    /// Returns `true` if callbacks with this method may have fields. `None` means any method.
    fn have_fields(&self, method: Option<&str>) -> bool {
        let of_method = self.of_methods.iter().find(|(known, _)| method == Some(known.as_str()));
        match of_method {
            Some((_, format)) => *format != BodyFormat::Raw,
            None => {
                [BodyFormat::Form, BodyFormat::Json, BodyFormat::Query].iter().any(|f| self.has(*f))
            }
        }
    }
}

/// Returns the indexes of the kinds that end a session.
fn session_ends(kinds: &[Kind]) -> Vec<usize> {
    let is_end =
        |kind: &Kind| kind.session.as_ref().is_some_and(|session| session.part == SessionPart::End);
    (0..).zip(kinds).filter(|(_, kind)| is_end(kind)).map(|(index, _)| index).collect()
}

impl<'f> DefinitionReader<'f> {
    fn plan(self, table: &Table<'f>) -> Option<Plan> {
        let name = self.name(table);
        let title = table.require_string("title", "set the name of the platform");
        let docs = table.require_string("docs", "set the URL of the platform's documentation");
        let page = page_texts(table);
        let ce_type = table.require_string("ce_type", CE_TYPE_REMEDY);
        let request = self.require_table(table, "request").and_then(|t| self.request(&t));
        let tenant = self.locators(table, "tenant");
        let tenant_case = table.string("tenant_case");
        let tenant_case = self.word(tenant_case.as_ref(), "case", &CASES).unwrap_or_default();
        let signature = table.table("signature").map(|t| self.signature(&t));
        let tenant_app = self.tenant_app(table, &tenant);
        let id_without = table.strings("id_without");
        let ack = table.table("reply").map(|t| self.ack(&t));
        let evidence = self.evidence(table);
        let kind_table = self.require_table(table, "kind");
        let defaults = self.kind_defaults(table);
        let sample = table.table("sample").map(|t| self.base_sample(&t)).unwrap_or_default();
        let kinds_table = self.require_table(table, "kinds")?;
        let ce_type = ce_type?.value;
        let mut kinds = self.kinds(&kinds_table, &defaults, ce_type);
        kinds.iter_mut().for_each(|kind| kind.mark_essential(tenant.iter().chain(&tenant_app)));
        let kind_rule = self.kind_rule(&kind_table?, &kinds);
        self.check_kinds((table, &kinds_table), &kinds, &defaults);
        table.finish();
        let request = request?;
        let signature = signature.map_or(Some(None), |read| read.map(Some))?;
        self.check_signatures(&kinds_table, &request.formats, &kinds, signature.as_ref());
        let mut unknown = self.unknown_kind(table, &defaults, ce_type)?;
        unknown.mark_essential(tenant.iter().chain(&tenant_app));
        let reads_query = request.formats.has(BodyFormat::Query);
        let methods: Vec<_> = request.methods.iter().map(Method::as_str).collect();
        Some(Plan {
            name: name?.value.into(),
            title: title?.value.into(),
            docs: docs?.value.into(),
            evidence,
            page,
            allow: self.header(table, &methods.join(", "))?,
            methods: request.methods,
            body: request.formats.body,
            other_body: request.formats.other,
            body_of_methods: request.formats.of_methods,
            unwrap: request.unwrap,
            tenant,
            tenant_case,
            tenant_app,
            signature,
            kind_rule,
            unknown,
            session_ends: session_ends(&kinds),
            groups: kinds.iter().filter_map(|kind| kind.group.clone()).collect(),
            kinds,
            sample,
            id_without: id_without.iter().map(|name| name.value.into()).collect(),
            ack: ack.flatten().unwrap_or_else(|| Reply::empty(StatusCode::OK)),
            headers: self.headers.into_inner(),
            reads_query: reads_query || self.reads_query.into_inner(),
            reads_target: self.reads_target.into_inner(),
            settings: self.settings,
        })
    }

    fn name(&self, table: &Table<'f>) -> Option<Located<&'f str>> {
        let name = table.require_string("name", "set a name, for example `tencent-css`");
        name.filter(|name| self.name_fits(name))
    }

    fn evidence(&self, table: &Table<'f>) -> Option<Evidence> {
        let word = table.string("evidence");
        self.word(word.as_ref(), "evidence", &Evidence::WORDS)
    }

    /// Checks the provider's name. Event sources and `PROVIDER.KIND` on the command line contain
    /// the name, so the name must contain no dots or slashes.
    fn name_fits(&self, name: &Located<&str>) -> bool {
        let fits = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        let fits = !name.value.is_empty() && name.value.bytes().all(fits);
        if !fits {
            let wanted = "lower-case letters, digits and - as the name";
            self.faults.add_text(name, wanted, "write a name such as `tencent-css`");
        }
        fits
    }

    /// Returns the table at `key`. Reports a fault if `table` lacks the key.
    fn require_table(&self, table: &Table<'f>, key: &'f str) -> Option<Table<'f>> {
        if !table.has(key) {
            let problem = format!("expected `[{key}]`, found none");
            self.faults.add(&table.place, problem, format!("add the table `{key}`"));
        }
        table.table(key)
    }

    /// Returns the value of a keyword. For an unknown keyword, reports a fault that lists the
    /// allowed keywords.
    ///
    /// `what` is the term for the keyword in the fault, for example `digest`.
    fn word<T: Copy>(
        &self,
        word: Option<&Located<&str>>,
        what: &str,
        words: &[(&str, T)],
    ) -> Option<T> {
        let word = word?;
        let found = words.iter().find(|(name, _)| *name == word.value).map(|(_, value)| *value);
        if found.is_none() {
            self.faults.add_unknown(word, what, words.iter().map(|(name, _)| *name));
        }
        found
    }

    fn header(&self, table: &Table<'f>, text: &str) -> Option<HeaderValue> {
        let value = HeaderValue::from_str(text).ok();
        if value.is_none() {
            let text = Located { value: text, place: table.place.clone() };
            let remedy = "use ASCII in ce_type and in the names of kinds";
            self.faults.add_text(&text, "ASCII", remedy);
        }
        value
    }

    fn request(&self, table: &Table<'f>) -> Option<Request> {
        let words = METHODS.each_ref().map(|(name, method)| (*name, method));
        let methods: Vec<_> = table
            .strings("methods")
            .iter()
            .filter_map(|word| self.word(Some(word), "method", &words).cloned())
            .collect();
        if methods.is_empty() {
            let remedy = "write methods = [\"POST\"]";
            self.faults.add(&table.place, "expected at least one method, found none", remedy);
        }
        self.methods.borrow_mut().clone_from(&methods);
        let formats = self.formats(table, &methods);
        let unwrap = table.string("unwrap").map(|name| name.value.into());
        table.finish();
        let formats = formats?;
        self.has_fields.set(formats.have_fields(None));
        *self.formats.borrow_mut() = Some(formats.clone());
        self.check_has_fields(table, "unwrap");
        Some(Request { methods, formats, unwrap })
    }

    /// Reads `body`: a format, a list whose second format is for bodies that are not in the first
    /// format, or a format for each method.
    fn formats(&self, table: &Table<'f>, methods: &[Method]) -> Option<Formats> {
        if let Some(Item { form: Form::Table(by_method), .. }) = table.any("body") {
            return self.formats_of_methods(&by_method, methods);
        }
        let words = table.strings("body");
        if words.is_empty() || words.len() > 2 {
            let problem = format!("expected one or two body formats, found {}", words.len());
            self.faults.add(&table.place_of("body"), problem, "write body = \"json\"");
        }
        let mut formats = words.iter().map(|word| self.word(Some(word), "body format", &FORMATS));
        let body = formats.next().flatten()?;
        Some(Formats { body, other: formats.next().flatten(), of_methods: Vec::new() })
    }

    /// Reads `body = { GET = "query", POST = "json" }`.
    fn formats_of_methods(&self, table: &Table<'f>, methods: &[Method]) -> Option<Formats> {
        let read = |method: &Method| {
            let word = table.strings(METHODS.iter().find(|(_, known)| known == method)?.0);
            let format = self.word(word.first(), "body format", &FORMATS);
            if word.is_empty() {
                let problem = format!("expected a body format for {method}, found none");
                self.faults.add(&table.place, problem, "add the method to `body`");
            }
            Some((method.clone(), format?))
        };
        let of_methods: Vec<_> = methods.iter().filter_map(read).collect();
        table.finish();
        let (_, body) = *of_methods.first()?;
        Some(Formats { body, other: None, of_methods })
    }
}
