//! Reads `[signature]`: the location, signed parts, key and time window of a signature.
//!
//! A part is a piece of the message that the platform signs, such as the body or a header.

use super::DefinitionReader;
use crate::provider::digest::{Digest, Encoding};
use crate::provider::field::read_unit;
use crate::provider::locator::Locator;
use crate::provider::signature::{
    KeyRule, Part, PartForm, PartSource, Signature, TimeMeaning, TimeRule, Window,
};
use crate::toml_reader::{Form, Item, Located, Place, Table};

const SECS_PER_DAY: i64 = 86_400;

/// The default maximum difference between now and the time at which the platform sent a callback.
const DEFAULT_TOLERANCE_SECS: i64 = 300;

const ALLOWED_PARTS: &str = "write \"key\", \"body\", \"form-text\", \"literal:TEXT\", \
                             \"listed:NAME=\", \"/pointer\", \"header:NAME\", \"query:NAME\" or \
                             \"setting:NAME\"";

impl<'f> DefinitionReader<'f> {
    /// Reads the table of a signature.
    pub(super) fn signature(&self, table: &Table<'f>) -> Option<Signature> {
        let digest = table.require_string("digest", "set the digest");
        let digest = self.word(digest.as_ref(), "digest", &Digest::WORDS);
        let form = table.string("form");
        let is_jwt = self.word(form.as_ref(), "form", &[("jwt", true), ("parts", false)]);
        let is_jwt = is_jwt.unwrap_or_default();
        let jwt = is_jwt.then(|| self.jwt(table));
        let encoding = match is_jwt {
            true => Some(Some(Encoding::Base64UrlUnpadded)),
            false => self.signature_encoding(table, digest),
        };
        let parts: Vec<_> = table.list("parts").iter().filter_map(|item| self.part(item)).collect();
        let found_in = table.require_string("found_in", "set the location of the signature");
        let found_in = found_in.and_then(|text| self.locator(&text));
        let separator = table.string("separator").and_then(|text| self.separator(&text));
        let prefix = table.string("prefix").map(|prefix| prefix.value).unwrap_or_default();
        let key = table.table("key").map(|t| self.key_rule(&t)).unwrap_or_default();
        let time = table.table("time").map(|t| self.time_rule(&t));
        table.finish();
        let digest = digest?;
        match is_jwt {
            true => self.check_jwt(table, digest, time.as_ref().and_then(Option::as_ref)),
            false => self.check_key(table, digest, &parts),
        }
        if let Some(Some(time)) = &time
            && !is_jwt
        {
            self.check_time(&table.place_of("time"), time, &parts);
        }
        if !is_jwt {
            self.check_no_claims(table, &parts, key.is_named);
        }
        let reads_list = parts.iter().any(|part| matches!(part.from, PartSource::Listed(_)));
        if separator.is_none() && reads_list {
            let remedy = "add separator = \",\"";
            self.faults.add(&table.place_of("parts"), "expected a separator, found none", remedy);
        }
        self.check_found_in(table, found_in.as_ref());
        let time = time.map_or(Some(None), |read| read.map(Some))?;
        let (found_in, encoding) = (found_in?, encoding?);
        let prefix = prefix.into();
        let consumed = Vec::new();
        let jwt = jwt.map_or(Some(None), |rule| rule.map(|rule| Some(Box::new(rule))))?;
        let read = Signature {
            digest,
            parts,
            jwt,
            found_in,
            separator,
            prefix,
            encoding,
            key,
            time,
            consumed,
        };
        Some(read.with_consumed())
    }

    /// Reads `encoding`. Without a digest, the default is the text of the key.
    fn signature_encoding(
        &self,
        table: &Table<'f>,
        digest: Option<Digest>,
    ) -> Option<Option<Encoding>> {
        if digest == Some(Digest::None) && !table.has("encoding") {
            return Some(None);
        }
        let word = table.require_string("encoding", "set the encoding");
        self.word(word.as_ref(), "encoding", &Encoding::WORDS).map(Some)
    }

    /// Checks the parts. The parts of a plain hash, such as MD5, must include the key. The parts of
    /// an HMAC must not include the key. Without a digest, there are no parts.
    fn check_key(&self, table: &Table<'f>, digest: Digest, parts: &[Part]) {
        let is_part = parts.iter().any(|part| part.from == PartSource::Key);
        let place = table.place_of("parts");
        if digest == Digest::None {
            if !parts.is_empty() {
                let problem = "expected no parts beside digest = \"none\", found parts";
                self.faults.add(&place, problem, "remove parts, or set the digest of the parts");
            }
            return;
        }
        if digest.signs_parts() {
            if is_part || parts.is_empty() {
                let found = if is_part { "the key" } else { "none" };
                let problem = format!("expected parts other than the key, found {found}");
                self.faults.add(&place, problem, "list the signed parts without \"key\"");
            }
        } else if !is_part {
            let remedy = "add \"key\" to the parts, or choose an HMAC digest";
            self.faults.add(&place, "expected the key among the parts, found no key", remedy);
        }
    }

    /// Checks that a signature in the body is a top-level member.
    fn check_found_in(&self, table: &Table<'f>, found_in: Option<&Locator>) {
        if let Some(Locator::Body(pointer)) = found_in
            && pointer.top_level().is_none()
        {
            let problem = "expected a pointer to a top-level member, found a nested member";
            let remedy = "name a top-level member, or remove an outer object with request.unwrap";
            self.faults.add(&table.place_of("found_in"), problem, remedy);
        }
    }

    /// Checks that only a token has claims.
    fn check_no_claims(&self, table: &Table<'f>, parts: &[Part], names_key: bool) {
        let has_claim = parts.iter().any(|part| matches!(part.from, PartSource::Claim(_)));
        if has_claim || names_key {
            let problem = "expected form = \"jwt\" beside a claim, found none";
            self.faults.add(&table.place, problem, "add form = \"jwt\", or remove the claim");
        }
    }

    /// Checks that the time is signed. Otherwise a client could replay a callback with a new time.
    fn check_time(&self, place: &Place, time: &TimeRule, parts: &[Part]) {
        let whole = |part: &Part| matches!(part.from, PartSource::Body | PartSource::FormText);
        let in_body = matches!(time.from.place(), Some(Locator::Body(_)));
        let is_value = matches!(time.from, PartSource::Listed(_) | PartSource::Value(_));
        let covered = parts.iter().any(|part| part.from == time.from || (in_body && whole(part)));
        if !is_value || !covered {
            let found = if is_value { "an unsigned value" } else { "a part without a time" };
            let remedy = "set time.from to one of the parts, or to a member of a signed body";
            self.faults.add(place, format!("expected a signed time, found {found}"), remedy);
        }
    }

    fn separator(&self, text: &Located<&str>) -> Option<char> {
        let mut chars = text.value.chars();
        let separator = chars.next().filter(|_| chars.next().is_none());
        if separator.is_none() {
            let problem = format!("expected one character, found {}", text.value.chars().count());
            self.faults.add(&text.place, problem, "write one character, for example \",\"");
        }
        separator
    }

    /// Reads a part: a source, or a table such as `{ part = "body", as = "base64" }`.
    fn part(&self, item: &Item<'f>) -> Option<Part> {
        match &item.form {
            Form::String(word) => {
                let text = Located { value: *word, place: item.place.clone() };
                Some(Part { from: self.source(&text)?, form: PartForm::AsIs })
            }
            Form::Table(table) => {
                let from = table.require_string("part", ALLOWED_PARTS);
                let form = table.require_string("as", "set the form of the part");
                let form = self.word(form.as_ref(), "form", &PartForm::WORDS);
                table.finish();
                Some(Part { from: self.source(&from?)?, form: form? })
            }
            Form::Other(_) => {
                let problem = format!("expected a string or a table, found {}", item.form.name());
                self.faults.add(&item.place, problem, ALLOWED_PARTS);
                None
            }
        }
    }

    /// Reads the source of a part or of the signed time.
    fn source(&self, text: &Located<&str>) -> Option<PartSource> {
        match (text.value, text.value.split_once(':')) {
            ("body", _) => Some(PartSource::Body),
            ("form-text", _) => Some(PartSource::FormText),
            ("key", _) => Some(PartSource::Key),
            (_, Some(("claim", name))) => Some(PartSource::Claim(name.into())),
            (_, Some(("literal", literal))) => Some(PartSource::Literal(literal.into())),
            (_, Some(("listed", name))) => Some(PartSource::Listed(name.into())),
            (word, prefix) => {
                let is_locator = matches!(prefix, Some(("header" | "query" | "setting", _)));
                if !is_locator && !word.starts_with('/') {
                    self.faults.add_text(text, "a signed part", ALLOWED_PARTS);
                    return None;
                }
                self.locator(text).map(PartSource::Value)
            }
        }
    }

    /// Reads `key`: the setting, the prefix and the encoding of the key.
    fn key_rule(&self, table: &Table<'f>) -> KeyRule {
        let setting = table.string("setting").and_then(|name| self.setting(&name, name.value));
        let is_named = table.string("claim").is_some();
        let prefix = table.string("prefix").map(|prefix| prefix.value.into());
        let encoding = table.string("encoding");
        let encoding = self.word(encoding.as_ref(), "encoding", &Encoding::WORDS);
        let min_bytes = table.integer("min_bytes", 1..=1024);
        table.finish();
        let min_bytes = min_bytes.and_then(|min| usize::try_from(min).ok());
        KeyRule { setting, is_named, prefix, encoding, min_bytes }
    }

    /// Reads `time`. The defaults of the window depend on the meaning of the time.
    fn time_rule(&self, table: &Table<'f>) -> Option<TimeRule> {
        let from = table.require_string("from", "set the location of the time");
        let from = from.and_then(|text| self.source(&text));
        let meaning = table.require_string("means", "set the meaning of the time");
        let meaning = self.word(meaning.as_ref(), "meaning", &TimeMeaning::WORDS)?;
        let (past, ahead) = match meaning {
            TimeMeaning::Expiry => (0, SECS_PER_DAY),
            TimeMeaning::Sent => (DEFAULT_TOLERANCE_SECS, DEFAULT_TOLERANCE_SECS),
        };
        let secs = |key, default| table.integer(key, 0..=SECS_PER_DAY).unwrap_or(default);
        let window = Window {
            past_secs: secs(meaning.past_key(), past),
            max_ahead_secs: secs("max_ahead_secs", ahead),
        };
        let lifetime_secs = match meaning {
            TimeMeaning::Expiry => secs("lifetime_secs", 600),
            TimeMeaning::Sent => 0,
        };
        let unit = read_unit(table, self.faults);
        let is_enforced = table.boolean("enforced").unwrap_or(true);
        table.finish();
        Some(TimeRule { from: from?, unit, meaning, window, is_enforced, lifetime_secs })
    }
}
