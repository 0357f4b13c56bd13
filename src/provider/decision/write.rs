//! Writing the JSON of a decision's reply.

use std::borrow::Cow;

use super::answer::{AnswerError, ParsedAnswer};
use super::list::{ItemList, spoken};
use super::{Decision, DecisionInput, Policy, ReplyField, ReplyFieldName};
use crate::json::{self, Object};

/// What is said of one item.
struct ItemReply<'p> {
    presets: Cow<'p, [ReplyField]>,
    /// DecisionInput of this item alone, and not of whatever there is.
    is_own: bool,
    /// Whether the template's defaults fill it up, if it accepts.
    is_filled: bool,
}

impl<'p> ItemReply<'p> {
    fn blanket(presets: impl Into<Cow<'p, [ReplyField]>>) -> Self {
        Self { presets: presets.into(), is_own: false, is_filled: true }
    }

    const fn bare(presets: &'p [ReplyField]) -> Self {
        Self { presets: Cow::Borrowed(presets), is_own: false, is_filled: false }
    }
}

impl Decision {
    /// Writes the reply's JSON. A fault says what could not be used of the answer; where it stood,
    /// the failure policy stands.
    pub(crate) fn write(
        &self,
        data: &[u8],
        said: DecisionInput<'_>,
        policy: &Policy,
    ) -> (Vec<u8>, Option<AnswerError>) {
        let words = match said {
            DecisionInput::Answer(answer) => self.words(answer),
            DecisionInput::Allow => Ok(ParsedAnswer::blanket(&*self.allow)),
            DecisionInput::Deny(answer) => Ok(match self.message_of(answer) {
                None => ParsedAnswer::blanket(&*self.deny),
                Some(message) => ParsedAnswer::blanket(
                    self.deny.iter().cloned().chain([message]).collect::<Vec<_>>(),
                ),
            }),
            DecisionInput::Fixed(presets) => Ok(ParsedAnswer::blanket(presets)),
            DecisionInput::Failure => Ok(ParsedAnswer::Unusable),
        };
        let (words, fault) = match words {
            Ok(words) => (words, None),
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
        let found = match &self.item_list {
            None => {
                let verdict = self.verdict(&words, true, policy);
                self.write_item(data.as_ref(), &verdict, policy, &mut out);
                None
            }
            Some(per) => self.write_list(per, data.as_ref(), &words, policy, &mut out),
        };
        if self.envelope.is_some() {
            out.push(b'}');
        }
        (out, fault.or(found))
    }

    /// Whether the reply depends on what the callback says.
    fn needs_context(&self) -> bool {
        self.item_list.is_some() || self.fields.iter().any(|field| field.when.is_some())
    }

    /// Whether a member of an answer's element only says which item it is about.
    pub(super) fn echoes(&self, name: &str) -> bool {
        self.item_list.as_ref().is_some_and(|per| per.echo.iter().any(|echo| **echo == *name))
    }

    /// What is said of every item alike.
    fn verdict<'p>(
        &self,
        words: &'p ParsedAnswer<'_>,
        only: bool,
        policy: &'p Policy,
    ) -> ItemReply<'p> {
        match words {
            ParsedAnswer::Uniform { presets, common } => {
                ItemReply { is_own: only && !common, ..ItemReply::blanket(&**presets) }
            }
            ParsedAnswer::PerItem(_) | ParsedAnswer::Unusable => {
                ItemReply::bare(&policy.on_failure)
            }
        }
    }

    /// One answer for each item of the list, in its order.
    fn write_list(
        &self,
        per: &ItemList,
        data: Option<&Object<'_>>,
        words: &ParsedAnswer<'_>,
        policy: &Policy,
        out: &mut Vec<u8>,
    ) -> Option<AnswerError> {
        let items = per.items(data);
        let mut fault = None;
        let assigned = match words {
            ParsedAnswer::PerItem(answers) => Some(per.assign(&items, answers)),
            ParsedAnswer::Unusable | ParsedAnswer::Uniform { .. } => None,
        };
        out.push(b'[');
        for (index, item) in items.iter().enumerate() {
            if index > 0 {
                out.push(b',');
            }
            let verdict = match &assigned {
                None => self.verdict(words, items.len() == 1, policy),
                Some(assigned) => match assigned.answer_to(index) {
                    Ok((presets, is_own)) => ItemReply { is_own, ..ItemReply::blanket(presets) },
                    Err(found) => {
                        fault = fault.or_else(|| Some(per.at(index, found)));
                        ItemReply::bare(&policy.on_failure)
                    }
                },
            };
            self.write_item(Some(item), &verdict, policy, out);
        }
        out.push(b']');
        fault.or_else(|| assigned.and_then(|assigned| assigned.left_over()))
    }

    /// Writes what is said of one item, with what it repeats of the item.
    fn write_item(
        &self,
        item: Option<&Object<'_>>,
        verdict: &ItemReply<'_>,
        policy: &Policy,
        out: &mut Vec<u8>,
    ) {
        let protect = self.item_list.as_ref().and_then(|per| per.protect.as_ref());
        let protect = protect.filter(|own| item.is_some_and(|item| own.when.is_met_by(item)));
        let presets = match protect {
            Some(protect) if !verdict.is_own => &protect.reply,
            Some(_) | None => &*verdict.presets,
        };
        let accepts = self.accepts(presets);
        let is_filled = accepts && verdict.is_filled && protect.is_none();
        let defaults = if is_filled { &*policy.defaults } else { &[] };
        // What accepting takes beside the word itself.
        let needed = if accepts { &*self.allow } else { &[] };
        let said =
            |list: &[ReplyField], preset: &ReplyField| list.iter().any(|p| p.name == preset.name);
        let defaults = defaults.iter().filter(|preset| !said(presets, preset));
        let needed = needed
            .iter()
            .filter(|preset| !said(presets, preset) && !said(&policy.defaults, preset));
        let mut comma = false;
        let mut begin = |out: &mut Vec<u8>| {
            if std::mem::replace(&mut comma, true) {
                out.push(b',');
            }
        };
        out.push(b'{');
        for name in self.item_list.iter().flat_map(|per| &per.echo) {
            let Some(value) = item.and_then(|item| spoken(item, name)) else { continue };
            begin(out);
            json::write_string(name, out);
            out.push(b':');
            value.write(out);
        }
        for preset in presets.iter().chain(defaults).chain(needed) {
            match &preset.name {
                ReplyFieldName::Declared(index) => {
                    let Some(field) = self.fields.get(*index) else { continue };
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
            out.extend_from_slice(preset.json.as_bytes());
        }
        out.push(b'}');
    }

    /// Whether it says yes wherever a refusal says no.
    fn accepts(&self, presets: &[ReplyField]) -> bool {
        let decides = |allow: &&ReplyField| self.deny.iter().any(|deny| deny.name == allow.name);
        self.allow.iter().filter(decides).all(|allow| presets.contains(allow))
    }
}

#[cfg(test)]
mod tests {
    use super::super::{ReplySigning, read_reply_fields};
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
        let presets = |json| decision.parse_fixed(json).unwrap();
        let defaults = read_reply_fields(defaults, &decision.fields).unwrap();
        Policy { on_failure: presets(on_failure), defaults, reply_signing: ReplySigning::default() }
    }

    fn text(written: (Vec<u8>, Option<AnswerError>)) -> Result<String, AnswerError> {
        written.1.map_or_else(|| Ok(String::from_utf8(written.0).unwrap()), Err)
    }

    fn answered(answer: &str) -> Result<String, AnswerError> {
        let decision = decision();
        let policy = policy(&decision, "{}", r#"{"result":0}"#);
        text(decision.write(b"{}", DecisionInput::Answer(answer.as_bytes()), &policy))
    }

    #[test]
    fn all_three_forms_become_the_platforms_own() {
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
    fn types_are_put_right() {
        for word in ["true", "\"1\"", "1.0", "1"] {
            let answer = format!("{{\"result\":{word}}}");
            assert_eq!(answered(&answer).as_deref(), Ok(r#"{"data":{"result":1}}"#), "{word}");
        }
    }

    #[test]
    fn what_cannot_be_right_is_named() {
        let unknown = |field: &str| AnswerError::Unknown { field: field.into() };
        let twice = |field: &str| AnswerError::Contradiction { field: field.into() };
        for (answer, fault) in [
            ("", AnswerError::Malformed),
            ("[]", AnswerError::Malformed),
            ("ok", AnswerError::Malformed),
            (r#"{"result":1,"result":0}"#, twice("result")),
            (r#"{"allow":true,"result":1}"#, twice("result")),
            (r#"{"result":1,"note":1}"#, unknown("note")),
            (r#"{"data":{"result":1},"code":0}"#, unknown("code")),
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
            assert!(matches!(answered(answer), Err(AnswerError::Field(_))), "{answer}");
        }
    }

    #[test]
    fn defaults_fill_what_the_app_left_out_but_only_when_it_accepts() {
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
    fn a_refusal_carries_the_message_of_any_form() {
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

    /// The elements of the reply, and what was wrong.
    fn drm(items: &str, said: DecisionInput<'_>) -> (Vec<String>, Option<String>) {
        let decision = kind("drm").decision.unwrap();
        let policy = policy(&decision, r#"{"vmcheck":0}"#, r#"{"result":0,"message":"later"}"#);
        let (body, fault) = decision.write(items.as_bytes(), said, &policy);
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
    fn a_list_is_answered_item_by_item() {
        let decision = kind("drm").decision.unwrap();
        let policy = policy(&decision, "{}", r#"{"result":0}"#);
        let said = DecisionInput::Answer(br#"{"result":1,"expiration_count":3}"#);
        let reply = text(decision.write(ITEMS.as_bytes(), said, &policy)).unwrap();
        assert_eq!(
            reply,
            r#"{"data":[{"kind":1,"media_content_key":"a","result":1,"expiration_count":3},{"kind":2,"media_content_key":"b","result":1},{"kind":3,"media_content_key":"a","session_key":"s","start_at":7,"result":1,"expiration_count":3}]}"#
        );
        let (same, fault) = answer(ITEMS, r#"{"allow":true}"#);
        assert_eq!(
            same,
            ["result=1 vmcheck=0", "result=1", "result=1 session_key=\"s\" start_at=7"]
        );
        assert_eq!(fault, None);
    }

    #[test]
    fn elements_find_their_item_by_what_they_repeat_or_by_place() {
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
        let (by_place, fault) =
            answer(ITEMS, r#"{"data":[{"result":0},{"result":1},{"result":true}]}"#);
        assert_eq!(by_place, ["result=0", "result=1", "result=1 session_key=\"s\" start_at=7"]);
        assert_eq!(fault, None);
    }

    #[test]
    fn what_is_missing_or_wrong_is_replaced_item_by_item_and_named() {
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
        let why = "items[0]: `expiration_count` is not within 0 to 1000";
        assert_eq!(fault.as_deref(), Some(why));
        let (_, fault) = answer(ITEMS, r#"[{"kind":1,"media_content_key":"a","result":1}]"#);
        assert_eq!(fault.as_deref(), Some("items[1]: it has no answer"));
        let one = r#"{"items":[{"kind":1,"media_content_key":"a"}]}"#;
        let (replies, fault) = answer(
            one,
            r#"[{"kind":1,"media_content_key":"a","result":1},{"kind":1,"media_content_key":"z","result":1}]"#,
        );
        assert_eq!(replies, ["result=1 vmcheck=0"]);
        let why = "the answer has 1 element(s) that nothing was asked about";
        assert_eq!(fault.as_deref(), Some(why));
    }

    #[test]
    fn nothing_that_is_said_of_all_reaches_a_finished_download() {
        let decision = kind("drm").decision.unwrap();
        let deletes = r#"{"result":1,"content_delete":1}"#;
        let policy = policy(&decision, r#"{"content_delete":1}"#, deletes);
        let done =
            r#"{"items":[{"kind":2,"media_content_key":"b"},{"kind":1,"media_content_key":"c"}]}"#;
        for said in [
            DecisionInput::Allow,
            DecisionInput::Deny(b""),
            DecisionInput::Failure,
            DecisionInput::Answer(deletes.as_bytes()),
            DecisionInput::Answer(br#"[{"kind":2,"media_content_key":"b","result":1}]"#),
        ] {
            let (body, _) = decision.write(done.as_bytes(), said, &policy);
            let body = String::from_utf8(body).unwrap();
            let kept = r#"{"data":[{"kind":2,"media_content_key":"b","result":1},"#;
            assert!(body.starts_with(kept), "{said:?}: {body}");
        }
    }

    #[test]
    fn a_finished_download_expires_by_its_own_answer_alone() {
        let done = r#"{"items":[{"kind":2,"media_content_key":"b"}]}"#;
        for said in [
            DecisionInput::Failure,
            DecisionInput::Deny(b""),
            DecisionInput::Answer(br#"{"allow":false}"#),
            DecisionInput::Answer(b"nonsense"),
            DecisionInput::Answer(br#"{"result":7}"#),
            DecisionInput::Answer(b"[]"),
        ] {
            assert_eq!(drm(done, said).0, ["result=1"], "{said:?}");
            assert_eq!(drm(ITEMS, said).0[1], "result=1", "{said:?}");
        }
        assert_eq!(drm(ITEMS, DecisionInput::Answer(br#"{"result":0}"#)).0[1], "result=1");
        assert_eq!(answer(done, r#"{"result":0}"#).0, ["result=0"]);
        assert_eq!(answer(done, r#"[{"result":0}]"#).0, ["result=0"]);
    }

    #[test]
    fn a_field_is_left_out_where_it_is_not_for() {
        let decision = kind("vod_play").decision.unwrap();
        let policy = policy(&decision, r#"{"vmcheck":0}"#, r#"{"result":0}"#);
        let said = br#"{"result":1,"expiration_date":1893455999,"content_expired":0}"#;
        let reply = |data: &str| {
            text(decision.write(data.as_bytes(), DecisionInput::Answer(said), &policy))
        };
        assert_eq!(
            reply(r#"{"kind":1}"#).unwrap(),
            r#"{"data":{"result":1,"expiration_date":1893455999,"vmcheck":0}}"#
        );
        assert_eq!(reply(r#"{"kind":3}"#).unwrap(), r#"{"data":{"result":1,"content_expired":0}}"#);
    }

    #[test]
    fn what_is_not_set_is_left_out_at_every_depth() {
        let said = br#"{"result":1,"vmcheck":"","message":null,"offline_bookmark":{"download":1,"readonly":""}}"#;
        let one = r#"{"items":[{"kind":1,"media_content_key":"a"}]}"#;
        assert_eq!(
            drm(one, DecisionInput::Answer(said)).0,
            [r#"offline_bookmark={"download":1} result=1 vmcheck=0"#]
        );
    }

    #[test]
    fn a_preview_ends_after_it_starts() {
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
        assert_eq!(
            reply(r#"{"start_time":"0","end_time":30}"#).unwrap(),
            r#"{"data":{"result":1,"play_section":{"start_time":0,"end_time":30}}}"#
        );
        for wrong in [
            r#"{"start_time":30,"end_time":30}"#,
            r#"{"start_time":0}"#,
            r#"{"start_time":0,"end_time":30,"x":1}"#,
            "[0,30]",
        ] {
            assert!(matches!(reply(wrong), Err(AnswerError::Field(_))), "{wrong}");
        }
    }
}
