//! Reads `[kinds.NAME.reply] give`: the reply to a challenge, with values of the request.

use super::DefinitionReader;
use crate::provider::challenge::{Challenge, Given, GivenValue};
use crate::provider::digest::Encoding;
use crate::provider::locator::Locator;
use crate::provider::plan::Kind;
use crate::provider::signature::Signature;
use crate::toml_reader::{Form, Item, Located, Table};

const GIVEN: &str =
    "write a place such as \"/challenge\", or { hmac = \"/place\", encoding = \"hex\" }";

impl<'f> DefinitionReader<'f> {
    /// Reads the reply to a challenge.
    pub(super) fn challenge(&self, reply: &Table<'f>) -> Option<Challenge> {
        let give = reply.any("give")?;
        let encode = reply.string("encode");
        let is_text = self.word(encode.as_ref(), "encoding", &[("json", false), ("text", true)]);
        let is_text = is_text.unwrap_or_default();
        let expected = reply.table("expect").map(|t| self.expected(&t)).unwrap_or_default();
        reply.finish();
        let given = match &give.form {
            Form::Table(table) if !table.has("hmac") => self.given_members(table).map(Given::Json),
            Form::String(_) | Form::Table(_) | Form::Other(_) => {
                self.given_value(&give).map(Given::Text)
            }
        }?;
        let fits = match &given {
            Given::Json(members) => !is_text && !members.is_empty(),
            Given::Text(_) => is_text,
        };
        if !fits {
            let problem = "expected members of a JSON object, or one place beside encode = \"text\", \
                           found another form";
            let remedy = "write give = { challenge = \"/challenge\" }, or give = \"/challenge\" and \
                          encode = \"text\"";
            self.faults.add(&give.place, problem, remedy);
        }
        Some(Challenge { given, expected })
    }

    fn given_members(&self, table: &Table<'f>) -> Option<Vec<(Box<str>, GivenValue)>> {
        let entries = table.entries();
        let read =
            |(name, item): &(&str, Item<'f>)| Some(((*name).into(), self.given_value(item)?));
        entries.iter().map(read).collect()
    }

    /// Reads a place, or `{ hmac = "/place", encoding = "hex" }`.
    fn given_value(&self, item: &Item<'f>) -> Option<GivenValue> {
        match &item.form {
            Form::String(word) => {
                let text = Located { value: *word, place: item.place.clone() };
                Some(GivenValue { from: self.given_place(&text)?, hmac: None })
            }
            Form::Table(table) => {
                let from = table.require_string("hmac", GIVEN);
                let encoding = table.require_string("encoding", "set the encoding of the HMAC");
                let encoding = self.word(encoding.as_ref(), "encoding", &Encoding::WORDS);
                table.finish();
                Some(GivenValue { from: self.given_place(&from?)?, hmac: Some(encoding?) })
            }
            Form::Other(_) => {
                let problem = format!("expected a string or a table, found {}", item.form.name());
                self.faults.add(&item.place, problem, GIVEN);
                None
            }
        }
    }

    /// Reads the place of a value in the request. Reports a setting as a fault, because a reply
    /// must not contain a secret.
    fn given_place(&self, text: &Located<&str>) -> Option<Locator> {
        let place = self.locator(text)?;
        if matches!(place, Locator::Setting(..)) {
            self.faults.add_text(text, "a place in the request", GIVEN);
        }
        Some(place)
    }

    /// Reads `expect`: values of the request, and the settings that they must equal.
    fn expected(&self, table: &Table<'f>) -> Vec<(Locator, Locator)> {
        let remedy = "write expect = { \"query:hub.topic\" = \"setting:topic\" }";
        let entries = table.entries();
        let read = |(name, item): &(&str, Item<'f>)| {
            let place = self.locator(&Located { value: *name, place: item.place.clone() })?;
            let value = match &item.form {
                Form::String(value) => *value,
                Form::Table(_) | Form::Other(_) => "",
            };
            let value = Located { value, place: item.place.clone() };
            let setting = self.locator(&value)?;
            if !matches!(setting, Locator::Setting(..)) {
                self.faults.add_text(&value, "a setting", remedy);
            }
            Some((place, setting))
        };
        entries.iter().filter_map(read).collect()
    }

    /// Checks that each challenge has a proof: a signature, or a value that must equal a setting.
    pub(super) fn check_challenges(
        &self,
        table: &Table<'f>,
        kinds: &[Kind],
        of_plan: Option<&Signature>,
    ) {
        kinds.iter().for_each(|kind| self.check_challenge(table, kind, of_plan));
    }

    fn check_challenge(&self, kinds: &Table<'f>, kind: &Kind, of_plan: Option<&Signature>) {
        let signature = kind.signature.as_ref().or(of_plan).filter(|_| !kind.is_unsigned);
        let place = kinds.place_of(&kind.name);
        let Some(challenge) = &kind.challenge else {
            if kind.is_unsigned {
                let problem = "expected `unsigned = true` only in a kind with `give`, found it in \
                               another kind";
                let remedy = "remove unsigned; a template can list the kind in insecure_unsigned";
                self.faults.add(&place, problem, remedy);
            }
            return;
        };
        if challenge.uses_key() && !signature.is_some_and(|one| one.digest.is_keyed()) {
            let problem = "expected an HMAC signature for a challenge with `hmac`, found none or \
                           another signature";
            self.faults.add(&place, problem, "remove hmac, or give the kind an HMAC signature");
        } else if signature.is_none() && challenge.expected.is_empty() {
            let problem = "expected a signature or `expect` for a challenge, found neither";
            let remedy = "add [signature], or expect = { PLACE = \"setting:NAME\" }: gatepost replies \
                          only to a verified challenge";
            self.faults.add(&place, problem, remedy);
        }
    }
}
