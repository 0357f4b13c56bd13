//! A definition as written: reads a provider's TOML into a [`Plan`].
//!
//! Every fault is reported with its line, key and the allowed words; nothing unknown passes.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Method, StatusCode};

use super::field::{Fields, Writer, read_fields, read_unit};
use super::plan::{BodyFormat, Kind, Plan, TenantCase};
use super::pointer::Pointer;
use super::reply::{AnswerFault, Decision, Preset, Reply};
use super::signature::{Digest, Encoding, Means, Part, Signature, TimeRule, Window};
use crate::document::{self, Fault, Faults, Form, Located, Table, allowed};
use crate::json::{Object, Value};

const JSON: HeaderValue = HeaderValue::from_static("application/json");

const CASES: [(&str, TenantCase); 2] =
    [("insensitive", TenantCase::Insensitive), ("sensitive", TenantCase::Sensitive)];

/// How long an app has when neither template nor definition says.
const DEFAULT_TIMEOUT_MS: i64 = 3_000;

/// Compiles a definition.
pub(crate) fn parse(text: &str) -> Result<Plan, Vec<Fault>> {
    document::read(text, |table, faults| Reader { faults }.plan(table))
}

/// Where the kind stands, and which value is which.
type KindRule = (Pointer, Vec<(Box<str>, usize)>);

struct Reader<'f> {
    faults: &'f Faults<'f>,
}

impl<'f> Reader<'f> {
    fn plan(&self, table: &Table<'f>) -> Option<Plan> {
        let name = table.require_string("name", "name the provider, as in `tencent-css`");
        let title = table.require_string("title", "write the platform's own name");
        let docs = table.require_string("docs", "give the address of the platform's page");
        let ce_type = table.require_string(
            "ce_type",
            "give the reverse domain name that starts each event's type",
        );
        let timeout = table.integer("timeout_ms", 1..=600_000).unwrap_or(DEFAULT_TIMEOUT_MS);
        let request = self.require_table(table, "request").map(|t| self.request(&t));
        let tenant = self.pointers(table, "tenant");
        let tenant_case = table.string("tenant_case");
        let tenant_case = self.word(tenant_case.as_ref(), "case", &CASES).unwrap_or_default();
        let signature = table.table("signature").map(|t| self.signature(&t));
        let ack = table.table("reply").map(|t| self.ack(&t));
        let kind_rule = self.require_table(table, "kind");
        let base = table.table("fields");
        let kinds_table = self.require_table(table, "kinds")?;
        let ce_type = ce_type?.value;
        let kinds = self.kinds(&kinds_table, base.as_ref(), ce_type);
        let (kind_from, kind_values) = self.kind_rule(&kind_rule?, &kinds)?;
        table.finish();
        let (methods, body) = request??;
        let signature = match signature {
            None => None,
            Some(read) => Some(read?),
        };
        let groups = kinds.iter().filter_map(|kind| kind.group.clone()).collect();
        Some(Plan {
            name: name?.value.into(),
            title: title?.value.into(),
            docs: docs?.value.into(),
            allow: self.header(
                table,
                &methods.iter().map(Method::as_str).collect::<Vec<_>>().join(", "),
            )?,
            methods,
            body,
            tenant,
            tenant_case,
            signature,
            kind_from,
            kind_values,
            unknown: self.unknown_kind(table, base.as_ref(), ce_type)?,
            kinds,
            groups,
            ack: ack.flatten().unwrap_or_else(empty_ack),
            timeout: Duration::from_millis(timeout.unsigned_abs()),
        })
    }

    fn require_table(&self, table: &Table<'f>, key: &'f str) -> Option<Table<'f>> {
        if !table.has(key) {
            self.faults.add(&table.place, format!("`[{key}]` is missing"), "add it");
        }
        table.table(key)
    }

    fn word<T: Copy>(
        &self,
        word: Option<&Located<&str>>,
        what: &str,
        words: &[(&str, T)],
    ) -> Option<T> {
        let word = word?;
        let found = words.iter().find(|(name, _)| *name == word.value).map(|(_, value)| *value);
        if found.is_none() {
            let remedy = allowed(what, word.value, words.iter().map(|(name, _)| *name));
            self.faults.add(&word.place, format!("this {what} is unknown"), remedy);
        }
        found
    }

    fn pointer(&self, text: &Located<&str>) -> Option<Pointer> {
        let pointer = Pointer::parse(text.value);
        if pointer.is_none() {
            self.faults.add(
                &text.place,
                "this is no JSON Pointer",
                "start it with /, as in \"/stream_id\"",
            );
        }
        pointer
    }

    fn pointers(&self, table: &Table<'f>, key: &'f str) -> Vec<Pointer> {
        table.strings(key).iter().filter_map(|text| self.pointer(text)).collect()
    }

    fn header(&self, table: &Table<'f>, text: &str) -> Option<HeaderValue> {
        let value = HeaderValue::from_str(text).ok();
        if value.is_none() {
            self.faults.add(&table.place, "this cannot stand in a header", "use printable ASCII");
        }
        value
    }

    fn request(&self, table: &Table<'f>) -> Option<(Vec<Method>, BodyFormat)> {
        let methods = [("POST", Method::POST), ("PUT", Method::PUT)];
        let words = methods.each_ref().map(|(name, method)| (*name, method));
        let methods = table
            .strings("methods")
            .iter()
            .filter_map(|word| self.word(Some(word), "method", &words).cloned())
            .collect();
        let format = table.require_string("body", "write \"json\" or \"form\"");
        let body = self.word(
            format.as_ref(),
            "body format",
            &[("form", BodyFormat::Form), ("json", BodyFormat::Json)],
        );
        table.finish();
        Some((methods, body?))
    }

    fn signature(&self, table: &Table<'f>) -> Option<Signature> {
        let digest = table.require_string("digest", "name the digest");
        let digest = self.word(digest.as_ref(), "digest", &[("md5", Digest::Md5)]);
        let encoding = table.require_string("encoding", "name the encoding");
        let encoding = self.word(encoding.as_ref(), "encoding", &[("hex", Encoding::Hex)]);
        let parts: Vec<_> = table
            .strings("parts")
            .iter()
            .filter_map(|part| match part.value {
                "key" => Some(Part::Key),
                _ => self.pointer(part).map(Part::Field),
            })
            .collect();
        if !parts.contains(&Part::Key) {
            self.faults.add(
                &table.place_of("parts"),
                "nothing secret is hashed",
                "list \"key\" among the parts",
            );
        }
        let found_in = table.require_string("found_in", "say where the signature stands");
        let found_in = found_in.and_then(|text| self.pointer(&text));
        let time = self.require_table(table, "time").and_then(|t| self.time_rule(&t));
        table.finish();
        Some(Signature {
            digest: digest?,
            parts,
            found_in: found_in?,
            encoding: encoding?,
            time: time?,
        })
    }

    fn time_rule(&self, table: &Table<'f>) -> Option<TimeRule> {
        const DAY: i64 = 86_400;
        let from = table.require_string("from", "say where the time stands");
        let from = from.and_then(|text| self.pointer(&text));
        let means = table.require_string("means", "say what the time means");
        let means = self.word(means.as_ref(), "meaning", &[("expiry", Means::Expiry)]);
        let window = Window {
            grace_secs: table.integer("grace_secs", 0..=DAY).unwrap_or(0),
            max_ahead_secs: table.integer("max_ahead_secs", 0..=DAY).unwrap_or(DAY),
        };
        let unit = read_unit(table, self.faults);
        table.finish();
        Some(TimeRule { from: from?, unit, means: means?, window })
    }

    /// `[reply.ack] json = {…}`.
    fn ack(&self, table: &Table<'f>) -> Option<Reply> {
        let ack = self.require_table(table, "ack")?;
        let json = ack.table("json").and_then(|json| json.to_json());
        ack.finish();
        table.finish();
        Some(Reply::new(StatusCode::OK, JSON, Bytes::from(json?)))
    }

    fn kind_rule(&self, table: &Table<'f>, kinds: &[Kind]) -> Option<KindRule> {
        let from = table.require_string("from", "say where the kind stands");
        let from = from.and_then(|text| self.pointer(&text));
        let mut values: Vec<(Box<str>, usize)> = Vec::new();
        for (written, item) in table.table("names").iter().flat_map(Table::entries) {
            let name = match &item.form {
                Form::String(name) => *name,
                Form::Table(_) | Form::Other(_) => "",
            };
            match kinds.iter().position(|kind| *kind.name == *name) {
                Some(kind) => values.push((written.into(), kind)),
                None => {
                    let remedy = allowed("kind", name, kinds.iter().map(|kind| &*kind.name));
                    self.faults.add(&item.place, "no kind has this name", remedy);
                }
            }
        }
        values.sort();
        table.finish();
        Some((from?, values))
    }

    fn kinds(&self, table: &Table<'f>, base: Option<&Table<'f>>, ce_type: &str) -> Vec<Kind> {
        table
            .entries()
            .into_iter()
            .filter_map(|(name, item)| match item.form {
                Form::Table(kind) => self.kind(name, &kind, base, ce_type),
                Form::String(_) | Form::Other(_) => {
                    self.faults.add(
                        &item.place,
                        "this is no table",
                        format!("write [kinds.{name}]"),
                    );
                    None
                }
            })
            .collect()
    }

    fn kind(
        &self,
        name: &str,
        table: &Table<'f>,
        base: Option<&Table<'f>>,
        ce_type: &str,
    ) -> Option<Kind> {
        let group = table.string("falls_back_to").map(|group| group.value.into());
        let subject = self.pointers(table, "subject");
        let time = table.table("time").and_then(|time| {
            let from = self.pointers(&time, "from");
            let unit = read_unit(&time, self.faults);
            time.finish();
            (!from.is_empty()).then_some((from, unit))
        });
        let own = table.table("fields");
        let tables: Vec<_> = base.into_iter().chain(own.as_ref()).collect();
        let fields = read_fields(&tables, self.faults);
        let decision = match table.table("reply") {
            None => None,
            Some(reply) => Some(self.decision(&reply)?),
        };
        table.finish();
        let ce_type = self.header(table, &format!("{ce_type}.{name}"))?;
        Some(Kind { name: name.into(), ce_type, group, subject, time, fields, decision })
    }

    fn unknown_kind(
        &self,
        table: &Table<'f>,
        base: Option<&Table<'f>>,
        ce_type: &str,
    ) -> Option<Kind> {
        let tables: Vec<_> = base.into_iter().collect();
        Some(Kind {
            name: Arc::from("unknown"),
            ce_type: self.header(table, &format!("{ce_type}.unknown"))?,
            group: None,
            subject: Vec::new(),
            time: None,
            fields: read_fields(&tables, self.faults),
            decision: None,
        })
    }

    fn decision(&self, table: &Table<'f>) -> Option<Decision> {
        let envelope = table.string("envelope").map(|name| name.value.into());
        let own = table.table("fields");
        let fields = read_fields(&own.iter().collect::<Vec<_>>(), self.faults);
        let allow = self.require_table(table, "allow").map(|t| self.presets(&t, &fields));
        let deny = self.require_table(table, "deny").map(|t| self.presets(&t, &fields));
        let message = table.string("message").and_then(|name| {
            let field = fields.find(name.value);
            if field.is_none() {
                let remedy = allowed("field", name.value, fields.iter().map(|f| &*f.name));
                self.faults.add(&name.place, "no reply field has this name", remedy);
            }
            field
        });
        table.finish();
        let (status, content_type) = (StatusCode::OK, JSON);
        Some(Decision {
            status,
            content_type,
            envelope,
            allow: allow?,
            deny: deny?,
            message,
            fields,
        })
    }

    fn presets(&self, table: &Table<'f>, fields: &Fields) -> Vec<Preset> {
        let Some(json) = table.to_json() else { return Vec::new() };
        read_presets(&json, fields).unwrap_or_else(|fault| {
            self.faults.add(&table.place, fault.to_string(), "use the reply's own fields");
            Vec::new()
        })
    }
}

/// Reads a JSON object of reply fields, each of its declared type.
pub(crate) fn read_presets(json: &str, fields: &Fields) -> Result<Vec<Preset>, AnswerFault> {
    let object = Object::from_json(json)?;
    let mut presets = Vec::with_capacity(object.len());
    for (name, value) in object.iter() {
        presets.push(read_preset(name, value, fields)?);
    }
    Ok(presets)
}

fn read_preset(name: &str, value: &Value<'_>, fields: &Fields) -> Result<Preset, AnswerFault> {
    let unknown = || AnswerFault::Unknown { field: name.into() };
    let index = fields.find(name).ok_or_else(unknown)?;
    let field = fields.get(index).ok_or_else(unknown)?;
    let mut out = Vec::new();
    field.write(value, Writer::App, &mut out)?;
    let json = String::from_utf8(out).map_err(|_| AnswerFault::Malformed)?;
    Ok(Preset { field: index, json: json.into() })
}

/// What a provider that reads no body gets.
fn empty_ack() -> Reply {
    Reply {
        status: StatusCode::OK,
        content_type: None,
        allow: None,
        close: false,
        body: Bytes::new(),
    }
}
