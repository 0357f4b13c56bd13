//! Reads `[signature]`: the location, key and time window of a signature, and checks its parts.

use std::sync::OnceLock;

use super::DefinitionReader;
use crate::provider::digest::{Digest, Encoding};
use crate::provider::field::read_unit;
use crate::provider::locator::Locator;
use crate::provider::signature::{
    KeyName, KeyRule, Part, PartSource, SecondDigest, Signature, TimeMeaning, TimeRule, Window,
};
use crate::toml_reader::{Located, Place, Table};

const SECS_PER_DAY: i64 = 86_400;

/// The default maximum difference between the current time and the time at which the platform sent
/// a callback.
const DEFAULT_TOLERANCE_SECS: i64 = 300;

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
        let (parts, order, listed) = self.parts(table);
        let found_in = self.found_in(table);
        let separator = table.string("separator").and_then(|text| self.separator(&text));
        let prefix = table.string("prefix").map(|prefix| prefix.value).unwrap_or_default();
        let key = table.table("key").map(|t| self.key_rule(&t)).unwrap_or_default();
        let second = table.table("also").map(|t| self.second_digest(&t));
        let time = table.table("time").map(|t| self.time_rule(&t));
        table.finish();
        let digest = digest?;
        let read_time = time.as_ref().and_then(Option::as_ref);
        match is_jwt {
            true => self.check_jwt(table, digest, read_time),
            // Check nothing else: a fault of a part causes further faults of the time and the key.
            false if parts.len() < listed => {}
            false => self.check_parts(table, digest, &parts, &key, read_time),
        }
        let reads_list = parts.iter().any(|part| matches!(part.from, PartSource::Listed(_)));
        if separator.is_none() && reads_list {
            let remedy = "add separator = \",\"";
            self.faults.add(&table.place_of("parts"), "expected a separator, found none", remedy);
        }
        self.check_found_in(table, found_in.as_ref(), &parts);
        let second = second.map_or(Some(None), |read| read.map(Some))?;
        if let Some(second) = &second {
            self.check_second_digest(table, second, (digest, prefix), is_jwt, &key);
        }
        let time = time.map_or(Some(None), |read| read.map(Some))?;
        let (found_in, encoding) = (found_in?, encoding?);
        let prefix = prefix.into();
        let consumed = Vec::new();
        let jwt = jwt.map_or(Some(None), |rule| rule.map(|rule| Some(Box::new(rule))))?;
        let read = Signature {
            digest,
            parts,
            order,
            jwt,
            found_in,
            separator,
            prefix,
            encoding,
            key,
            second: second.map(Box::new),
            time,
            consumed,
            malformed: OnceLock::new(),
        };
        Some(read.with_consumed())
    }

    /// Reads `encoding`. With the digest `none`, the default encoding of the key is text.
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

    /// Checks a signature that is not a token.
    fn check_parts(
        &self,
        table: &Table<'f>,
        digest: Digest,
        parts: &[Part],
        key: &KeyRule,
        time: Option<&TimeRule>,
    ) {
        self.check_key(table, digest, parts);
        if let Some(time) = time {
            self.check_time(&table.place_of("time"), time, parts);
        }
        self.check_no_claims(table, parts, matches!(key.named_by, Some(KeyName::Claim(_))));
    }

    /// Checks the parts. The parts of a plain hash, such as MD5, must include the key. The parts of
    /// an HMAC or of a signature by a private key must not include the key. Without a digest, there
    /// are no parts.
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

    /// Reads `found_in`: a place, or a list of alternatives.
    fn found_in(&self, table: &Table<'f>) -> Option<Locator> {
        let places = table.strings("found_in");
        match &places[..] {
            [] if !table.has("found_in") => {
                table.require_string("found_in", "set the location of the signature");
                None
            }
            [] => {
                let remedy = "set the location of the signature";
                let place = table.place_of("found_in");
                self.faults.add(&place, "expected a place, found an empty list", remedy);
                None
            }
            [place] => self.locator(place),
            places => self.one_of(places),
        }
    }

    /// Checks that a signature in the body does not sign the whole body, because a signature cannot
    /// sign itself.
    fn check_found_in(&self, table: &Table<'f>, found_in: Option<&Locator>, parts: &[Part]) {
        let is_in_body = found_in.is_some_and(|place| place.pointers().next().is_some());
        if is_in_body && parts.iter().any(|part| part.from == PartSource::Body) {
            let problem =
                "expected the signature outside of the signed body, found a member of the body";
            let remedy = "name a header, or list the signed members in place of \"body\"";
            self.faults.add(&table.place_of("found_in"), problem, remedy);
        }
    }

    /// Checks that a signature that is not a token uses no claims. `names_key` is true if a claim
    /// contains the id of the key.
    fn check_no_claims(&self, table: &Table<'f>, parts: &[Part], names_key: bool) {
        let has_claim = parts.iter().any(|part| matches!(part.from, PartSource::Claim(_)));
        if has_claim || names_key {
            let problem = "expected form = \"jwt\" beside a claim, found none";
            self.faults.add(&table.place, problem, "add form = \"jwt\", or remove the claim");
        }
    }

    /// Checks that the signature covers the time, because a client can change an unsigned time.
    fn check_time(&self, place: &Place, time: &TimeRule, parts: &[Part]) {
        let in_body = time.from.place().is_some_and(|from| from.pointer().is_some());
        let is_value = matches!(time.from, PartSource::Listed(_) | PartSource::Value(_));
        let covered = parts.iter().any(|part| {
            let is_time = part.from == time.from && !part.is_optional;
            is_time || (in_body && part.protects_body())
        });
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

    /// Reads `also`: a second digest, the text before its signatures, and the format of its keys.
    fn second_digest(&self, table: &Table<'f>) -> Option<SecondDigest> {
        let digest = table.require_string("digest", "set the digest");
        let digest = self.word(digest.as_ref(), "digest", &Digest::WORDS);
        let prefix = table.require_string("prefix", "set the text before each signature");
        let key = table.table("key");
        if key.is_none() {
            let remedy = "write key = { prefix = \"whpk_\" }";
            self.faults.add(&table.place, "expected the format of the keys, found none", remedy);
        }
        let key = key.map(|table| {
            let prefix = table.require_string("prefix", "set the text at the start of each key");
            let encoding = table.string("encoding");
            let encoding = self.word(encoding.as_ref(), "encoding", &Encoding::WORDS);
            let prefix = prefix.map(|prefix| prefix.value.into());
            table.finish();
            KeyRule { prefix, encoding, ..KeyRule::default() }
        });
        table.finish();
        Some(SecondDigest { digest: digest?, prefix: prefix?.value.into(), key: key? })
    }

    /// Checks that the prefixes of the keys and of the signatures distinguish the two digests.
    fn check_second_digest(
        &self,
        table: &Table<'f>,
        second: &SecondDigest,
        (digest, prefix): (Digest, &str),
        is_jwt: bool,
        key: &KeyRule,
    ) {
        let place = table.place_of("also");
        if !digest.signs_parts() || !second.digest.signs_parts() || digest == second.digest {
            let problem = format!(
                "expected two different digests, each an HMAC or one with a public key, \
                 found {} and {}",
                digest.name(),
                second.digest.name()
            );
            self.faults.add(&place, problem, "write digest = \"ed25519\" beside an HMAC");
        }
        if *second.prefix == *prefix || second.key.prefix == key.prefix {
            let problem = "expected different prefixes for the two digests and their keys, found \
                           equal prefixes";
            self.faults.add(&place, problem, "set the prefixes that the platform documents");
        }
        if is_jwt || key.named_by.is_some() || key.setting.is_some() {
            let found = match (is_jwt, &key.named_by) {
                (true, _) => "a JSON Web Token",
                (false, Some(_)) => "keys with an id",
                (false, None) => "a key in a setting",
            };
            let problem = format!("expected a signature without a second digest, found {found}");
            self.faults.add(&place, problem, "remove `also`");
        }
    }

    /// Reads `key`: the setting, the id, the prefix and the encoding of the key.
    fn key_rule(&self, table: &Table<'f>) -> KeyRule {
        let setting = table.string("setting").and_then(|name| self.key_setting(&name, name.value));
        let claim = table.string("claim").map(|claim| KeyName::Claim(claim.value.into()));
        let id = table.string("id");
        if let (Some(id), Some(_)) = (&id, &claim) {
            let problem = "expected one place of the key's id, found a place and a claim";
            self.faults.add(&id.place, problem, "remove id or claim");
        }
        let id = id.and_then(|place| self.locator(&place)).map(KeyName::Value);
        let prefix = table.string("prefix").map(|prefix| prefix.value.into());
        let encoding = table.string("encoding");
        let encoding = self.word(encoding.as_ref(), "encoding", &Encoding::WORDS);
        let min_bytes = table.integer("min_bytes", 1..=1024);
        let console_chars = table.integer("console_chars", 1..=1024);
        table.finish();
        let size = |number: Option<i64>| number.and_then(|number| usize::try_from(number).ok());
        let (min_bytes, console_chars) = (size(min_bytes), size(console_chars));
        KeyRule { setting, named_by: claim.or(id), prefix, encoding, min_bytes, console_chars }
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
