//! Writer of the JSON of the reply to a decision.

use std::borrow::Cow;
use std::cell::OnceCell;

use super::answer::ParsedAnswer;
use super::answer_error::AnswerError;
use super::list::{ItemList, echo_value};
use super::{Decision, DecisionInput, Policy, ReplyField, ReplyFieldName, StatusLine};
use crate::json::{self, Object};
use crate::provider::field::Conversion;
use crate::reply::Permission;

/// The JSON and the permission of a reply, and the first fault of the answer.
pub(crate) struct WrittenReply {
    pub(crate) body: Vec<u8>,
    pub(crate) permission: Permission,
    /// The status of the reply, and the `location` of a redirect. `None` if the platform reads the
    /// permission from the body.
    pub(crate) status: Option<StatusLine>,
    /// The first fault of the answer; `None` if the answer has no fault.
    pub(crate) fault: Option<AnswerError>,
    /// The paths of the members that gatepost has dropped from the answer.
    pub(crate) dropped: Vec<Box<str>>,
}

/// The reply to one item, or to the whole callback.
struct ItemReply<'p> {
    fields: Cow<'p, [ReplyField]>,
    /// True if the answer is certainly for this item alone.
    is_specific: bool,
    /// True if a reply that allows the request also has the template's default fields.
    takes_defaults: bool,
}

impl<'p> ItemReply<'p> {
    /// Returns the reply with the fields of an answer. The template's defaults apply.
    fn uniform(fields: impl Into<Cow<'p, [ReplyField]>>) -> Self {
        Self { fields: fields.into(), is_specific: false, takes_defaults: true }
    }

    /// Returns the reply that the failure policy sets. The template's defaults do not apply.
    const fn failure(fields: &'p [ReplyField]) -> Self {
        Self { fields: Cow::Borrowed(fields), is_specific: false, takes_defaults: false }
    }
}

impl Decision {
    /// Returns the reply as JSON. `data` is the data of the event.
    ///
    /// If the answer is invalid, the failure policy determines the reply. If the answer to one item
    /// is invalid, the failure policy determines the reply to that item.
    pub(crate) fn write(
        &self,
        data: &[u8],
        input: DecisionInput<'_>,
        policy: &Policy,
    ) -> WrittenReply {
        let (mut conversion, repaired) = (Conversion::of_answer(), OnceCell::new());
        let parsed = match input {
            DecisionInput::Answer(answer) => self.parse_answer(answer, &mut conversion, &repaired),
            DecisionInput::Allow => Ok(ParsedAnswer::uniform(&*self.allow)),
            DecisionInput::Empty => Ok(ParsedAnswer::uniform(&*self.deny)),
            DecisionInput::Deny(answer) => Ok(match self.message_of(answer) {
                None => ParsedAnswer::uniform(&*self.deny),
                Some(message) => ParsedAnswer::uniform(
                    self.deny.iter().cloned().chain([message]).collect::<Vec<_>>(),
                ),
            }),
            DecisionInput::Fixed(fields) => Ok(ParsedAnswer::uniform(fields)),
            DecisionInput::Failure => Ok(ParsedAnswer::Unusable),
        };
        let (answer, fault) = match parsed {
            Ok(answer) => (answer, None),
            Err(fault) => (ParsedAnswer::Unusable, Some(fault)),
        };
        let text = std::str::from_utf8(data).unwrap_or_default();
        let data = if self.needs_context() { Object::from_json(text).ok() } else { None };
        let mut out = Vec::with_capacity(96);
        if let Some(envelope) = &self.envelope {
            out.push(b'{');
            json::write_string(envelope, &mut out);
            out.push(b':');
        }
        let mut status = None;
        let (permission, item_fault) = match &self.item_list {
            None => {
                let reply = self.uniform_reply(&answer, true, policy);
                status = self.status_line(&reply.fields);
                let permission = if self.has_body() {
                    self.write_item(data.as_ref(), &reply, policy, &mut out)
                } else {
                    self.permission(&reply.fields)
                };
                (permission, None)
            }
            Some(list) => self.write_list(list, data.as_ref(), &answer, policy, &mut out),
        };
        if self.envelope.is_some() {
            out.push(b'}');
        }
        let fault = fault.or(item_fault);
        WrittenReply { body: out, permission, status, fault, dropped: conversion.noted }
    }

    /// Returns the status and the redirect of a reply with these fields; `None` if the platform
    /// reads the permission from the body.
    fn status_line(&self, fields: &[ReplyField]) -> Option<StatusLine> {
        let rule = self.by_status.as_ref()?;
        Some(rule.line(fields, self.allows(fields)))
    }

    /// Returns `true` if the reply has a body. If the status and the headers carry all fields, the
    /// reply has no body.
    fn has_body(&self) -> bool {
        let Some(rule) = &self.by_status else { return true };
        (0..self.fields.len()).any(|index| !rule.carries(index))
    }

    /// Returns `true` if the reply depends on the data of the event.
    fn needs_context(&self) -> bool {
        self.item_list.is_some() || self.fields.iter().any(|field| field.when.is_some())
    }

    /// Returns `true` if `name` is an echo field, a member that only identifies the item.
    pub(super) fn is_echo(&self, name: &str) -> bool {
        self.item_list.as_ref().is_some_and(|list| list.echo.iter().any(|echo| **echo == *name))
    }

    /// Returns the reply to an item or to the whole callback, from an answer that is not a list. If
    /// the answer is unusable, returns the reply of the failure policy.
    ///
    /// If the callback has only one item, a native or flat answer is for this item alone. gatepost
    /// never treats a common answer (`{"allow": …}`) as an answer for this item alone, because the
    /// author of the app may not have considered the effects of a denial for this kind.
    fn uniform_reply<'p>(
        &self,
        answer: &'p ParsedAnswer<'_>,
        is_only_item: bool,
        policy: &'p Policy,
    ) -> ItemReply<'p> {
        match answer {
            ParsedAnswer::Uniform { fields, is_common } => {
                let is_specific = is_only_item && !is_common;
                ItemReply { is_specific, ..ItemReply::uniform(&**fields) }
            }
            ParsedAnswer::PerItem(_) | ParsedAnswer::Unusable => {
                ItemReply::failure(&policy.on_failure)
            }
        }
    }

    /// Writes an array with an element for each item, in order. Returns the permission, which is
    /// [`Permission::Deny`] if an element denies, and the first fault.
    fn write_list(
        &self,
        list: &ItemList,
        data: Option<&Object<'_>>,
        answer: &ParsedAnswer<'_>,
        policy: &Policy,
        out: &mut Vec<u8>,
    ) -> (Permission, Option<AnswerError>) {
        let items = list.items(data);
        let (mut permission, mut fault) = (Permission::Allow, None);
        let assignment = match answer {
            ParsedAnswer::PerItem(elements) => Some(list.assign(&items, elements)),
            ParsedAnswer::Unusable | ParsedAnswer::Uniform { .. } => None,
        };
        out.push(b'[');
        for (index, item) in items.iter().enumerate() {
            if index > 0 {
                out.push(b',');
            }
            let reply = match &assignment {
                None => self.uniform_reply(answer, items.len() == 1, policy),
                Some(assignment) => match assignment.fields_for(index) {
                    Ok((fields, is_specific)) => {
                        ItemReply { is_specific, ..ItemReply::uniform(fields) }
                    }
                    Err(error) => {
                        fault = fault.or_else(|| Some(list.fault_at(index, error)));
                        ItemReply::failure(&policy.on_failure)
                    }
                },
            };
            if self.write_item(Some(item), &reply, policy, out) == Permission::Deny {
                permission = Permission::Deny;
            }
        }
        out.push(b']');
        let fault = fault.or_else(|| assignment.and_then(|assignment| assignment.unmatched()));
        (permission, fault)
    }

    /// Writes the reply to one item: the item's echo fields, the answer's fields and the defaults.
    ///
    /// If the callback has no list of items, `item` is the data of the event. Returns the
    /// permission.
    fn write_item(
        &self,
        item: Option<&Object<'_>>,
        reply: &ItemReply<'_>,
        policy: &Policy,
        out: &mut Vec<u8>,
    ) -> Permission {
        let protect = self.item_list.as_ref().and_then(|list| list.protect.as_ref());
        let protect = protect.filter(|rule| item.is_some_and(|item| rule.when.is_met_by(item)));
        let fields = match protect {
            Some(protect) if !reply.is_specific => &protect.reply,
            Some(_) | None => &*reply.fields,
        };
        let allows = self.allows(fields);
        let takes_defaults = allows && reply.takes_defaults && protect.is_none();
        let defaults = if takes_defaults { &*policy.defaults } else { &[] };
        // `self.allow` may also contain fields that the platform requires but that do not affect
        // the permission. Add each of these fields that neither the answer nor the template's
        // defaults set.
        let allow = if allows { &*self.allow } else { &[] };
        let sets = |list: &[ReplyField], field: &ReplyField| {
            list.iter().any(|listed| listed.name == field.name)
        };
        let defaults = defaults.iter().filter(|field| !sets(fields, field));
        let allow =
            allow.iter().filter(|field| !sets(fields, field) && !sets(&policy.defaults, field));
        let mut has_members = false;
        let mut begin = |out: &mut Vec<u8>| {
            if std::mem::replace(&mut has_members, true) {
                out.push(b',');
            }
        };
        out.push(b'{');
        for name in self.item_list.iter().flat_map(|list| &list.echo) {
            let Some(value) = item.and_then(|item| echo_value(item, name)) else { continue };
            begin(out);
            json::write_string(name, out);
            out.push(b':');
            value.write(out);
        }
        for reply_field in fields.iter().chain(defaults).chain(allow) {
            match &reply_field.name {
                ReplyFieldName::Declared(index) => {
                    let Some(field) = self.fields.get(*index) else { continue };
                    if self.by_status.as_ref().is_some_and(|rule| rule.carries(*index)) {
                        continue;
                    }
                    let applies =
                        field.when.as_ref().zip(item).is_none_or(|(w, item)| w.is_met_by(item));
                    if !applies {
                        continue;
                    }
                    begin(out);
                    out.extend_from_slice(&field.key);
                }
                ReplyFieldName::Undeclared(name) => {
                    begin(out);
                    json::write_string(name, out);
                    out.push(b':');
                }
            }
            out.extend_from_slice(reply_field.json.as_bytes());
        }
        out.push(b'}');
        if allows { Permission::Allow } else { Permission::Deny }
    }

    /// Returns the permission of a reply with these fields.
    fn permission(&self, fields: &[ReplyField]) -> Permission {
        if self.allows(fields) { Permission::Allow } else { Permission::Deny }
    }

    /// Returns `true` if the fields of `self.deny` allow the request: the platform reads a denial
    /// as an approval.
    ///
    /// Returns `false` if `self.allow` is empty, because there is nothing to compare.
    pub(crate) fn denies_like_allow(&self) -> bool {
        !self.allow.is_empty() && self.allows(&self.deny)
    }

    /// Returns `true` if `fields` allow the request: each field that both `self.allow` and
    /// `self.deny` set has the value in `self.allow`.
    fn allows(&self, fields: &[ReplyField]) -> bool {
        let decides = |allow: &&ReplyField| self.deny.iter().any(|deny| deny.name == allow.name);
        self.allow.iter().filter(decides).all(|allow| fields.contains(allow))
    }
}

#[cfg(test)]
mod tests {
    use super::super::{EmptyAnswer, ReplySigning, read_reply_fields};
    use super::*;
    use crate::provider::{Kind, built_in_named};

    fn kind(name: &str) -> Kind {
        let kollus = built_in_named("kollus").unwrap();
        kollus.kinds.into_iter().find(|kind| *kind.name == *name).unwrap()
    }

    fn decision() -> Decision {
        kind("live_play").decision.unwrap()
    }

    fn policy(decision: &Decision, defaults: &str, on_failure: &str) -> Policy {
        let parse = |json| decision.parse_fixed(json).unwrap();
        let defaults = read_reply_fields(defaults, &decision.fields).unwrap();
        let (on_failure, reply_signing) = (parse(on_failure), ReplySigning::default());
        Policy { on_failure, defaults, empty_answer: EmptyAnswer::Deny, reply_signing }
    }

    /// Returns the text of the reply, or the fault if there is one.
    fn text(written: WrittenReply) -> Result<String, AnswerError> {
        written.fault.map_or_else(|| Ok(String::from_utf8(written.body).unwrap()), Err)
    }

    fn answered(answer: &str) -> Result<String, AnswerError> {
        let decision = decision();
        let policy = policy(&decision, "{}", r#"{"result":0}"#);
        text(decision.write(b"{}", DecisionInput::Answer(answer.as_bytes()), &policy))
    }

    #[test]
    fn converts_every_form_to_the_native_form() {
        for (answer, reply) in [
            (r#"{"data":{"result":1,"vmcheck":0}}"#, r#"{"data":{"result":1,"vmcheck":0}}"#),
            (r#"{"result":1,"vmcheck":0}"#, r#"{"data":{"result":1,"vmcheck":0}}"#),
            (r#"{"allow":true,"vmcheck":0}"#, r#"{"data":{"result":1,"vmcheck":0}}"#),
            (r#"{"message":"no","allow":false}"#, r#"{"data":{"result":0,"message":"no"}}"#),
            (r#"{"data":{"allow":true}}"#, r#"{"data":{"result":1}}"#),
            (r#"{"result":1,"message":null,"vmcheck":null}"#, r#"{"data":{"result":1}}"#),
            ("\u{feff}{\"result\":1}", r#"{"data":{"result":1}}"#),
        ] {
            assert_eq!(answered(answer).as_deref(), Ok(reply), "{answer}");
        }
    }

    #[test]
    fn converts_values_to_the_declared_type() {
        for value in ["true", "\"1\"", "1.0", "1"] {
            let answer = format!("{{\"result\":{value}}}");
            assert_eq!(answered(&answer).as_deref(), Ok(r#"{"data":{"result":1}}"#), "{value}");
        }
    }

    #[test]
    fn reports_the_fault_of_an_invalid_answer() {
        let twice = |field: &str| AnswerError::SetTwice { field: field.into() };
        for (answer, fault) in [
            ("", AnswerError::Malformed),
            ("[]", AnswerError::Malformed),
            ("ok", AnswerError::Malformed),
            (r#"{"result":1,"result":0}"#, twice("result")),
            (r#"{"allow":true,"result":1}"#, twice("result")),
        ] {
            assert_eq!(answered(answer), Err(fault), "{answer}");
        }
        for answer in [
            "{}",
            r#"{"result":2}"#,
            r#"{"result":null}"#,
            r#"{"result":"yes"}"#,
            r#"{"allow":1}"#,
            r#"{"data":1}"#,
            r#"{"vmcheck":0}"#,
            r#"{"result":1,"message":{}}"#,
        ] {
            let found = answered(answer);
            assert!(
                matches!(found, Err(AnswerError::Field(_))),
                "{answer}: expected a fault of a field, found {found:?}"
            );
        }
    }

    #[test]
    fn adds_defaults_only_to_replies_that_allow_the_request() {
        let decision = decision();
        let policy = policy(&decision, r#"{"vmcheck":0}"#, r#"{"result":0}"#);
        let reply = |answer: &str| {
            text(decision.write(b"{}", DecisionInput::Answer(answer.as_bytes()), &policy)).unwrap()
        };
        assert_eq!(reply(r#"{"result":1}"#), r#"{"data":{"result":1,"vmcheck":0}}"#);
        assert_eq!(reply(r#"{"result":1,"vmcheck":1}"#), r#"{"data":{"result":1,"vmcheck":1}}"#);
        assert_eq!(reply(r#"{"result":1,"vmcheck":null}"#), r#"{"data":{"result":1,"vmcheck":0}}"#);
        assert_eq!(reply(r#"{"result":0}"#), r#"{"data":{"result":0}}"#);
        let allowed = text(decision.write(b"{}", DecisionInput::Allow, &policy)).unwrap();
        assert_eq!(allowed, r#"{"data":{"result":1,"vmcheck":0}}"#);
    }

    #[test]
    fn keeps_the_message_of_a_denial_in_any_form() {
        let decision = decision();
        let policy = policy(&decision, "{}", r#"{"result":0}"#);
        let denied = |answer: &str| {
            text(decision.write(b"{}", DecisionInput::Deny(answer.as_bytes()), &policy))
        };
        for answer in [
            r#"{"message":"no"}"#,
            r#"{"data":{"message":"no"}}"#,
            r#"{"allow":false,"message":"no"}"#,
        ] {
            let reply = r#"{"data":{"result":0,"message":"no"}}"#;
            assert_eq!(denied(answer).as_deref(), Ok(reply), "{answer}");
        }
        for answer in
            ["", "Forbidden", r#"{"message":{}}"#, r#"{"message":null}"#, r#"{"error":"x"}"#]
        {
            assert_eq!(denied(answer).as_deref(), Ok(r#"{"data":{"result":0}}"#), "{answer}");
        }
    }

    const ITEMS: &str = r#"{"items":[
        {"kind":1,"media_content_key":"a"},
        {"kind":2,"media_content_key":"b"},
        {"kind":3,"media_content_key":"a","session_key":"s","start_at":7}]}"#;

    /// Returns the elements of the reply without `kind` and `media_content_key`, and the text of
    /// the fault.
    fn drm(items: &str, input: DecisionInput<'_>) -> (Vec<String>, Option<String>) {
        let decision = kind("drm").decision.unwrap();
        let policy = policy(&decision, r#"{"vmcheck":0}"#, r#"{"result":0,"message":"later"}"#);
        let WrittenReply { body, fault, .. } = decision.write(items.as_bytes(), input, &policy);
        let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
        let data = body["data"].as_array().unwrap();
        let short = |element: &serde_json::Value| {
            let rest = element.as_object().unwrap().iter();
            let rest = rest.filter(|(name, _)| *name != "kind" && *name != "media_content_key");
            rest.map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(" ")
        };
        (data.iter().map(short).collect(), fault.map(|fault| fault.to_string()))
    }

    fn answer(items: &str, answer: &str) -> (Vec<String>, Option<String>) {
        drm(items, DecisionInput::Answer(answer.as_bytes()))
    }

    #[test]
    fn replies_to_each_item_of_a_list() {
        let decision = kind("drm").decision.unwrap();
        let policy = policy(&decision, "{}", r#"{"result":0}"#);
        let input = DecisionInput::Answer(br#"{"result":1,"expiration_count":3}"#);
        let reply = text(decision.write(ITEMS.as_bytes(), input, &policy)).unwrap();
        assert_eq!(
            reply,
            r#"{"data":[{"kind":1,"media_content_key":"a","result":1,"expiration_count":3},{"kind":2,"media_content_key":"b","result":1},{"kind":3,"media_content_key":"a","session_key":"s","start_at":7,"result":1,"expiration_count":3}]}"#
        );
        let (uniform, fault) = answer(ITEMS, r#"{"allow":true}"#);
        assert_eq!(
            uniform,
            ["result=1 vmcheck=0", "result=1", "result=1 session_key=\"s\" start_at=7"]
        );
        assert_eq!(fault, None);
    }

    #[test]
    fn assigns_elements_by_echo_fields_or_by_index() {
        let (by_key, fault) = answer(
            ITEMS,
            r#"[{"kind":"3","media_content_key":"a","result":1,"content_expired":0},
                {"kind":2,"media_content_key":"b","result":1,"content_delete":1},
                {"kind":1,"media_content_key":"a","result":0,"message":"no"}]"#,
        );
        assert_eq!(
            by_key,
            [
                "message=\"no\" result=0",
                "content_delete=1 result=1",
                "content_expired=0 result=1 session_key=\"s\" start_at=7"
            ]
        );
        assert_eq!(fault, None);
        let (by_index, fault) =
            answer(ITEMS, r#"{"data":[{"result":0},{"result":1},{"result":true}]}"#);
        assert_eq!(by_index, ["result=0", "result=1", "result=1 session_key=\"s\" start_at=7"]);
        assert_eq!(fault, None);
    }

    #[test]
    fn applies_failure_policy_to_items_without_a_valid_answer() {
        let (replies, fault) = answer(
            ITEMS,
            r#"[{"kind":1,"media_content_key":"a","result":1,"expiration_count":1001}]"#,
        );
        assert_eq!(
            replies,
            [
                "message=\"later\" result=0",
                "result=1",
                "message=\"later\" result=0 session_key=\"s\" start_at=7"
            ]
        );
        let expected =
            "items[0]: expected `expiration_count` to be from 0 to 1000, found a greater number";
        assert_eq!(fault.as_deref(), Some(expected));
        let (_, fault) = answer(ITEMS, r#"[{"kind":1,"media_content_key":"a","result":1}]"#);
        assert_eq!(fault.as_deref(), Some("items[1]: expected an answer to this item, found none"));
        let one = r#"{"items":[{"kind":1,"media_content_key":"a"}]}"#;
        let (replies, fault) = answer(
            one,
            r#"[{"kind":1,"media_content_key":"a","result":1},{"kind":1,"media_content_key":"z","result":1}]"#,
        );
        assert_eq!(replies, ["result=1 vmcheck=0"]);
        let expected = "expected an item for each element, found none for 1 of the elements";
        assert_eq!(fault.as_deref(), Some(expected));
    }

    #[test]
    fn only_an_answer_for_the_item_alone_deletes_a_protected_item() {
        let decision = kind("drm").decision.unwrap();
        let deletes = r#"{"result":1,"content_delete":1}"#;
        let policy = policy(&decision, r#"{"content_delete":1}"#, deletes);
        let done =
            r#"{"items":[{"kind":2,"media_content_key":"b"},{"kind":1,"media_content_key":"c"}]}"#;
        for input in [
            DecisionInput::Allow,
            DecisionInput::Deny(b""),
            DecisionInput::Failure,
            DecisionInput::Answer(deletes.as_bytes()),
            DecisionInput::Answer(br#"[{"kind":2,"media_content_key":"b","result":1}]"#),
        ] {
            let body = decision.write(done.as_bytes(), input, &policy).body;
            let body = String::from_utf8(body).unwrap();
            let unchanged = r#"{"data":[{"kind":2,"media_content_key":"b","result":1},"#;
            assert!(
                body.starts_with(unchanged),
                "{input:?}: expected a body that starts with {unchanged}, found {body}"
            );
        }
    }

    #[test]
    fn denies_a_protected_item_only_if_the_answer_is_for_that_item_alone() {
        let done = r#"{"items":[{"kind":2,"media_content_key":"b"}]}"#;
        for input in [
            DecisionInput::Failure,
            DecisionInput::Deny(b""),
            DecisionInput::Answer(br#"{"allow":false}"#),
            DecisionInput::Answer(b"nonsense"),
            DecisionInput::Answer(br#"{"result":7}"#),
            DecisionInput::Answer(b"[]"),
        ] {
            assert_eq!(drm(done, input).0, ["result=1"], "{input:?}");
            assert_eq!(drm(ITEMS, input).0[1], "result=1", "{input:?}");
        }
        assert_eq!(drm(ITEMS, DecisionInput::Answer(br#"{"result":0}"#)).0[1], "result=1");
        assert_eq!(answer(done, r#"{"result":0}"#).0, ["result=0"]);
        assert_eq!(answer(done, r#"[{"result":0}]"#).0, ["result=0"]);
    }

    #[test]
    fn omits_fields_whose_condition_is_not_met() {
        let decision = kind("vod_play").decision.unwrap();
        let policy = policy(&decision, r#"{"vmcheck":0}"#, r#"{"result":0}"#);
        let answer = br#"{"result":1,"expiration_date":1893455999,"content_expired":0}"#;
        let reply = |data: &str| {
            text(decision.write(data.as_bytes(), DecisionInput::Answer(answer), &policy))
        };
        assert_eq!(
            reply(r#"{"kind":1}"#).unwrap(),
            r#"{"data":{"result":1,"expiration_date":1893455999,"vmcheck":0}}"#
        );
        assert_eq!(reply(r#"{"kind":3}"#).unwrap(), r#"{"data":{"result":1,"content_expired":0}}"#);
    }

    #[test]
    fn omits_unset_fields_at_every_depth() {
        let answer = br#"{"result":1,"vmcheck":"","message":null,"offline_bookmark":{"download":1,"readonly":""}}"#;
        let one = r#"{"items":[{"kind":1,"media_content_key":"a"}]}"#;
        assert_eq!(
            drm(one, DecisionInput::Answer(answer)).0,
            [r#"offline_bookmark={"download":1} result=1 vmcheck=0"#]
        );
    }

    #[test]
    fn requires_a_preview_to_end_after_its_start() {
        let decision = kind("vod_play").decision.unwrap();
        let policy = policy(&decision, "{}", r#"{"result":0}"#);
        let reply = |section: &str| {
            let answer = format!("{{\"result\":1,\"play_section\":{section}}}");
            text(decision.write(
                br#"{"kind":1}"#,
                DecisionInput::Answer(answer.as_bytes()),
                &policy,
            ))
        };
        for section in
            [r#"{"start_time":"0","end_time":30}"#, r#"{"start_time":0,"end_time":30,"x":1}"#]
        {
            assert_eq!(
                reply(section).unwrap(),
                r#"{"data":{"result":1,"play_section":{"start_time":0,"end_time":30}}}"#,
                "{section}"
            );
        }
        for wrong in [
            r#"{"start_time":30,"end_time":30}"#,
            r#"{"start_time":0}"#,
            r#"{"start_time":0,"end_time":30,"strat_time":1}"#,
            "[0,30]",
        ] {
            let found = reply(wrong);
            assert!(
                matches!(found, Err(AnswerError::Field(_))),
                "{wrong}: expected a fault of a field, found {found:?}"
            );
        }
    }
}
