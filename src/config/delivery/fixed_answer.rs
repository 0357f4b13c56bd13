//! Fixed answers and fixed reply fields of the config, as JSON objects.

use crate::config::ConfigReader;
use crate::provider::decision::{
    AnswerError, CallbackFields, Decision, FixedAnswer, ReplyField, TextFault, read_reply_fields,
};
use crate::provider::{Kind, Plan};
use crate::toml_reader::{FaultKind, Form, Place, Table, allowed, closest};

/// An answer, or fields of a reply, as the text of a JSON object.
pub(super) struct JsonText {
    pub(super) text: String,
    pub(super) place: Place,
    /// The places of the members, by name.
    members: Vec<(String, Place)>,
}

impl<'f> ConfigReader<'f, '_> {
    /// Reads a table of an answer, or of fields of a reply.
    pub(super) fn json(&self, table: &Table<'f>) -> Option<JsonText> {
        let entries = table.entries();
        let values = entries.iter().filter(|(_, item)| matches!(item.form, Form::Other(_)));
        values.for_each(|(_, item)| self.faults.show(&item.place));
        let names = entries.iter().map(|(name, _)| ((*name).to_owned(), table.place_of(name)));
        let members = names.collect();
        Some(JsonText { text: table.to_json()?, place: table.place.clone(), members })
    }

    /// Parses a fixed answer, which may have any form that an app's answer may have.
    ///
    /// If the callback asks about several items, the fixed answer applies to each item. Returns
    /// `None` for a faulty answer.
    pub(super) fn fixed_answer(
        &self,
        json: &JsonText,
        decision: &Decision,
        kind: &Kind,
        plan: &Plan,
    ) -> Option<FixedAnswer> {
        let signature = kind.signature.as_ref().or(plan.signature.as_ref());
        let proof = signature.map(|signature| &*signature.consumed).unwrap_or_default();
        let callback = CallbackFields { fields: &kind.fields, proof };
        match FixedAnswer::parse(&json.text, decision, callback) {
            Ok(answer) => Some(answer),
            Err(AnswerError::Text { member, fault }) => {
                self.report_text(json, &member, &fault, kind);
                None
            }
            Err(fault) => {
                self.report_reply(json, &fault, decision);
                None
            }
        }
    }

    /// Parses the fields of a failure policy, which may have any form that an app's answer may
    /// have.
    pub(super) fn fixed_fields(&self, json: &JsonText, decision: &Decision) -> Vec<ReplyField> {
        decision.parse_fixed(&json.text).unwrap_or_else(|fault| {
            self.report_reply(json, &fault, decision);
            Vec::new()
        })
    }

    /// Parses `reply`: the fields that gatepost adds to an `allow` reply if the app's answer omits
    /// these fields.
    pub(super) fn defaults(&self, json: &JsonText, decision: &Decision) -> Vec<ReplyField> {
        read_reply_fields(&json.text, &decision.fields).unwrap_or_else(|fault| {
            self.report_reply(json, &fault, decision);
            Vec::new()
        })
    }

    /// Reports a fault in a text with fields of the callback, in a member of a fixed answer.
    fn report_text(&self, json: &JsonText, member: &str, fault: &TextFault, kind: &Kind) {
        let place = json.place_of(member);
        let problem = FaultKind::ReplyInvalid.because(fault.to_string());
        let TextFault::Unknown { field } = fault else {
            self.faults.add(place, problem, fault.remedy());
            return;
        };
        let names = || kind.fields.iter().map(|field| &*field.name);
        self.faults.add(place, problem, allowed("field", field, names()));
        self.faults.suggest(closest(field, names()).map(str::to_owned));
    }

    /// Reports a fixed answer, or fields of a reply, that do not fit the reply to a kind.
    fn report_reply(&self, json: &JsonText, fault: &AnswerError, decision: &Decision) {
        let fields = || decision.fields.iter().map(|field| &*field.name);
        let wrong = if let AnswerError::Unknown { field } = fault { &**field } else { "" };
        let problem = FaultKind::ReplyInvalid.because(fault.to_string());
        self.faults.add(json.place_of(wrong), problem, allowed("field", wrong, fields()));
        self.faults.suggest(closest(wrong, fields()).map(str::to_owned));
    }
}

impl JsonText {
    /// Returns the place of a member. If the object lacks the member, returns the place of the
    /// object.
    fn place_of(&self, member: &str) -> &Place {
        let member = self.members.iter().find(|(name, _)| *name == *member);
        member.map_or(&self.place, |(_, place)| place)
    }
}
